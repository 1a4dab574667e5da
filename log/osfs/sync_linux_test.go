package osfs

import (
	"errors"
	"io/fs"
	"syscall"
	"testing"
)

// That a file system doesn't do direct writes is no error, anything else is.
func TestUnsupported(t *testing.T) {
	if err := unsupported(&fs.PathError{Op: "open", Err: syscall.EINVAL}); err != nil {
		t.Error(err)
	}
	if err := unsupported(&fs.PathError{Op: "write", Err: syscall.EIO}); !errors.Is(err, syscall.EIO) {
		t.Errorf("an error of the device is taken for missing support: %v", err)
	}
}
