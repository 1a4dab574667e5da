//go:build linux || darwin

package osfs

import (
	"errors"
	"io/fs"
	"testing"

	"golang.org/x/sys/unix"

	"logd/log"
)

func TestNoSpaceIsNamed(t *testing.T) {
	for errno, want := range map[unix.Errno]bool{unix.ENOSPC: true, unix.EDQUOT: true, unix.EIO: false, unix.EROFS: false} {
		cause := &fs.PathError{Op: "write", Path: "x", Err: errno}
		err := named(cause)
		if errors.Is(err, log.ErrNoSpace) != want || !errors.Is(err, errno) {
			t.Errorf("%v became %v", cause, err)
		}
	}
	if named(nil) != nil {
		t.Error("no error became one")
	}
}
