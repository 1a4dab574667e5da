//go:build linux || darwin

package osfs

import (
	"fmt"
	"syscall"
)

// Space returns the bytes that this process may still use of the file system that the tree is on, and all that it has.
func (f *FS) Space() (free, total int64, err error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(f.dir, &st); err != nil {
		return 0, 0, fmt.Errorf("statfs %s: %w", f.dir, err)
	}
	return int64(st.Bavail) * int64(st.Bsize), int64(st.Blocks) * int64(st.Bsize), nil
}
