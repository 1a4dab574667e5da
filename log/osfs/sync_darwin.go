package osfs

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

const (
	directFlags  = 0
	bufferedMode = "buffered writes and F_FULLFSYNC"
)

// memoryFS returns the name of the file system that dir is on if it lives in memory, else "".
func memoryFS(dir string) (string, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return "", fmt.Errorf("statfs %s: %w", dir, err)
	}
	if name := unix.ByteSliceToString(st.Fstypename[:]); name == "tmpfs" {
		return name, nil
	}
	return "", nil
}

// probeDirect says no: macOS has no O_DIRECT, and its O_DSYNC doesn't reach past the drive's cache.
func probeDirect(string) (bool, error) { return false, nil }

// syncData makes a file's bytes and size stable; fsync alone would leave them in the drive's cache.
func syncData(f *os.File) error {
	_, err := unix.FcntlInt(f.Fd(), unix.F_FULLFSYNC, 0)
	return os.NewSyscallError("fcntl F_FULLFSYNC "+f.Name(), err)
}

// uncleanFS has no number of its own here.
const uncleanFS = unix.EIO
