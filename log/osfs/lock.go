//go:build linux || darwin

package osfs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"logd/log"
)

// lockName is the file that is locked; it stays, since removing it would let two processes lock two files of one name.
const lockName = "logd.lock"

// ErrLocked is wrapped when another process has the directory.
var ErrLocked = errors.New("locked by another process")

// Lock takes the directory for this process, until [FS.Unlock] or the process's end, however it ends (O4). The error wraps
// [ErrLocked] and names the process that has it.
func (f *FS) Lock() error {
	if f.lock != nil {
		return fmt.Errorf("data directory %s: %w: by this one, pid %d", f.dir, ErrLocked, os.Getpid())
	}
	path := filepath.Join(f.dir, lockName)
	l, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	err = unix.Flock(int(l.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		pid := "unknown"
		if b, rerr := os.ReadFile(path); rerr == nil && len(b) > 0 {
			pid = strings.TrimSpace(string(b))
		}
		err = fmt.Errorf("data directory %s: %w: pid %s has it; stop that one first, or choose another directory", f.dir, ErrLocked, pid)
	}
	if err == nil {
		err = l.Truncate(0)
	}
	if err == nil {
		_, err = l.WriteAt(fmt.Appendf(nil, "%d\n", os.Getpid()), 0)
		if errors.Is(named(err), log.ErrNoSpace) {
			err = nil // it is locked: the number is for others to read
		}
	}
	if err != nil {
		l.Close() // the error tells more
		return err
	}
	f.lock = l
	return nil
}

// Unlock gives the directory back.
func (f *FS) Unlock() error {
	l := f.lock
	f.lock = nil
	if l == nil {
		return nil
	}
	return l.Close()
}
