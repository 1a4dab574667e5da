//go:build linux || darwin

package osfs

import (
	"errors"
	"io/fs"
	"testing"

	"golang.org/x/sys/unix"

	"logd/log"
)

// What the system says of space and of devices has the log's own name besides; what it says of this process has none.
func TestErrorsAreNamed(t *testing.T) {
	for errno, want := range map[unix.Errno]error{ // order: independent
		unix.ENOSPC: log.ErrNoSpace, unix.EDQUOT: log.ErrNoSpace, unix.EIO: log.ErrDevice, unix.ENXIO: log.ErrDevice, unix.EROFS: nil,
		unix.EMFILE: nil, unix.ENFILE: nil, unix.ENOMEM: nil, unix.EACCES: nil, unix.ENOENT: nil,
	} {
		cause := &fs.PathError{Op: "write", Path: "x", Err: errno}
		err := named(cause)
		for _, name := range []error{log.ErrNoSpace, log.ErrDevice} {
			if errors.Is(err, name) != (name == want) || !errors.Is(err, errno) {
				t.Errorf("%v became %v", cause, err)
			}
		}
	}
	if named(nil) != nil {
		t.Error("no error became one")
	}
}
