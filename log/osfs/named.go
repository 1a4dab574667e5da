//go:build linux || darwin

package osfs

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"logd/log"
)

// named has an error of the operating system that means no space, or none left for this user, wrap [log.ErrNoSpace] too, and one that means
// a broken device or file system [log.ErrDevice] (O2).
func named(err error) error {
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
		return fmt.Errorf("%w: %w", log.ErrNoSpace, err)
	}
	for _, broken := range []error{unix.EIO, unix.ENXIO, unix.ENODATA, unix.EBADMSG, uncleanFS} {
		if errors.Is(err, broken) {
			return fmt.Errorf("%w: %w", log.ErrDevice, err)
		}
	}
	return err
}
