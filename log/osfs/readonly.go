//go:build linux || darwin

package osfs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"logd/log"
)

// ReadOnly is a directory that is only looked at (O5): what would change it fails with [fs.ErrPermission], but for Sync and SyncDir, which
// have nothing to do.
type ReadOnly struct{ fs FS }

// NewReadOnly returns the tree at dir; nothing is made, probed or locked.
func NewReadOnly(dir string) (*ReadOnly, error) {
	st, err := os.Stat(dir)
	if err == nil && !st.IsDir() {
		err = fmt.Errorf("%s is no directory", dir)
	}
	return &ReadOnly{FS{dir: dir}}, err
}

// Unlocked returns an error that wraps [ErrLocked], and names the process, if one has the directory locked; it doesn't keep that from being
// locked later.
func (r *ReadOnly) Unlocked() error {
	path := filepath.Join(r.fs.dir, lockName)
	l, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer l.Close() // gives a lock back
	err = unix.Flock(int(l.Fd()), unix.LOCK_SH|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		pid := "unknown"
		if b, rerr := os.ReadFile(path); rerr == nil && len(b) > 0 {
			pid = strings.TrimSpace(string(b))
		}
		return fmt.Errorf("data directory %s: %w: pid %s has it", r.fs.dir, ErrLocked, pid)
	}
	return err
}

// Open implements [log.FS].
func (r *ReadOnly) Open(name string) (log.File, error) {
	f, err := r.fs.open(name, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	return readOnlyFile{f}, nil
}

// List implements [log.FS].
func (r *ReadOnly) List(dir string) ([]string, error) { return r.fs.List(dir) }

// Create implements [log.FS].
func (r *ReadOnly) Create(name string) (log.File, error) { return nil, denied("create", name) }

// Rename implements [log.FS].
func (r *ReadOnly) Rename(from, to string) error { return denied("rename", from) }

// Remove implements [log.FS].
func (r *ReadOnly) Remove(name string) error { return denied("remove", name) }

// Mkdir implements [log.FS].
func (r *ReadOnly) Mkdir(dir string) error { return denied("mkdir", dir) }

// SyncDir implements [log.FS].
func (r *ReadOnly) SyncDir(dir string) error { return nil }

func denied(op, name string) error {
	return &fs.PathError{Op: op, Path: name, Err: fs.ErrPermission}
}

// readOnlyFile is a file of a [ReadOnly].
type readOnlyFile struct{ log.File }

// WriteAt implements [log.File].
func (readOnlyFile) WriteAt([]byte, int64) (int, error) { return 0, fs.ErrPermission }

// WriteSync implements [log.File].
func (readOnlyFile) WriteSync([]byte, int64) error { return fs.ErrPermission }

// Truncate implements [log.File].
func (readOnlyFile) Truncate(int64) error { return fs.ErrPermission }

// Sync implements [log.File].
func (readOnlyFile) Sync() error { return nil }
