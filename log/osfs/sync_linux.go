package osfs

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"logd/log"
)

const (
	directFlags  = unix.O_DIRECT | unix.O_DSYNC
	bufferedMode = "buffered writes and fdatasync (the file system has no O_DIRECT)"
)

// memoryFS returns the name of the file system that dir is on if it lives in memory, else "".
func memoryFS(dir string) (string, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return "", fmt.Errorf("statfs %s: %w", dir, err)
	}
	switch int64(st.Type) {
	case unix.TMPFS_MAGIC:
		return "tmpfs", nil
	case unix.RAMFS_MAGIC:
		return "ramfs", nil
	}
	return "", nil
}

// probeDirect says whether an aligned direct synced write works, and is read back, in the directory of path. That it
// doesn't is no error.
func probeDirect(path string) (bool, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return false, err
	}
	plain, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return false, err
	}
	defer os.Remove(path) // if it stays, the next probe removes it
	defer plain.Close()   // read only
	direct, err := os.OpenFile(path, os.O_WRONLY|directFlags, 0)
	if err != nil {
		return false, unsupported(err)
	}
	defer direct.Close() // its writes were synced
	block := log.AlignedBytes(log.BlockSize)
	copy(block, "written past the page cache")
	if _, err := direct.WriteAt(block, log.BlockSize); err != nil {
		return false, unsupported(err)
	}
	back := make([]byte, log.BlockSize)
	if _, err := plain.ReadAt(back, log.BlockSize); err != nil {
		return false, err
	}
	return bytes.Equal(block, back), nil
}

// unsupported drops an error that says that the file system doesn't do direct writes.
func unsupported(err error) error {
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EOPNOTSUPP) {
		return nil
	}
	return err
}

// syncData makes a file's bytes stable, and its size.
func syncData(f *os.File) error {
	return os.NewSyscallError("fdatasync "+f.Name(), unix.Fdatasync(int(f.Fd())))
}

// uncleanFS says that the file system found its own structures damaged.
const uncleanFS = unix.EUCLEAN
