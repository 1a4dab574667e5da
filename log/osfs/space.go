//go:build linux || darwin

package osfs

import (
	"fmt"
	"syscall"
)

// Free returns the bytes that this process may still use of the file system that the tree is on.
func (f *FS) Free() (int64, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(f.dir, &st); err != nil {
		return 0, fmt.Errorf("statfs %s: %w", f.dir, err)
	}
	return int64(st.Bavail) * int64(st.Bsize), nil
}
