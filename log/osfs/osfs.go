//go:build linux || darwin

package osfs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"logd/log"
)

// Options change what [New] accepts.
type Options struct {
	// UnsafeNoSync leaves out all syncs and allows file systems in memory: a loss of power loses acknowledged records. It
	// exists so that this can be demonstrated.
	UnsafeNoSync bool
}

// FS is a directory of the operating system's file system. It may be used by several goroutines.
type FS struct {
	dir    string
	opt    Options
	direct bool // WriteSync writes past the page cache
	lock   *os.File
}

// New returns the tree at dir, which is made if it isn't there. It looks at the file system and tries out, once, which kind
// of synced write works. The error names a file system that can't keep data.
func New(dir string, opt Options) (*FS, error) { return newFS(dir, opt, syncDir) }

func newFS(dir string, opt Options, sync func(string) error) (*FS, error) {
	dir = filepath.Clean(dir)
	made, err := mkdir(dir)
	if err != nil {
		return nil, err
	}
	f := &FS{dir: dir, opt: opt}
	if opt.UnsafeNoSync {
		return f, nil
	}
	if name, err := memoryFS(dir); err != nil || name != "" {
		if err == nil {
			err = fmt.Errorf("data directory %s is on %s, which is lost with the power: choose one on a disk, or pass --unsafe-no-sync", dir, name)
		}
		return nil, err
	}
	if err := keepName(dir, made, sync); err != nil {
		return nil, err
	}
	f.direct, err = probeDirect(filepath.Join(dir, "probe.tmp"))
	return f, named(err)
}

// MkdirAll makes a directory, and those above it that aren't there, and makes their names stable.
func MkdirAll(dir string) error {
	dir = filepath.Clean(dir)
	made, err := mkdir(dir)
	if errors.Is(err, fs.ErrNotExist) && filepath.Dir(dir) != dir {
		if err = MkdirAll(filepath.Dir(dir)); err == nil {
			made, err = mkdir(dir)
		}
	}
	if err != nil {
		return err
	}
	return keepName(dir, made, syncDir)
}

// above is the directory that a directory's name is in. Its path doesn't tell: that of "." is not in ".", nor is what a symbolic
// link leads to beside the link.
func above(dir string) string { return dir + string(filepath.Separator) + ".." }

// keepName makes the name of a directory stable, also of one that was there: whoever made it may not have done so, or may have
// ended before. A parent that this process may not open, or a file system that syncs no directory, which a mount point can be
// on, is the business of who made the directory.
func keepName(dir string, made bool, sync func(string) error) error {
	err := sync(above(dir))
	if made {
		return err
	}
	for _, cant := range []error{fs.ErrPermission, unix.EINVAL, unix.EROFS} {
		if errors.Is(err, cant) {
			return nil
		}
	}
	return err
}

// mkdir makes a directory, whose parent exists, and says whether it wasn't there.
func mkdir(dir string) (bool, error) {
	err := os.Mkdir(dir, 0o700)
	if errors.Is(err, fs.ErrExist) {
		if st, serr := os.Stat(dir); serr == nil && st.IsDir() {
			return false, nil
		}
	}
	return err == nil, err
}

// Mode says in words how writes are made stable, for the log.
func (f *FS) Mode() string {
	switch {
	case f.opt.UnsafeNoSync:
		return "UNSAFE: nothing is synced, a loss of power loses acknowledged records (--unsafe-no-sync)"
	case f.direct:
		return "direct synced writes (O_DIRECT|O_DSYNC)"
	}
	return bufferedMode
}

// path panics if a name leads out of the directory: the core makes up all names itself.
func (f *FS) path(name string) string {
	if !fs.ValidPath(name) {
		panic(fmt.Sprintf("osfs: %q is no relative path within the data directory", name))
	}
	return filepath.Join(f.dir, filepath.FromSlash(name))
}

// Open implements [log.FS].
func (f *FS) Open(name string) (log.File, error) { return f.open(name, os.O_RDWR) }

// Create implements [log.FS].
func (f *FS) Create(name string) (log.File, error) {
	return f.open(name, os.O_RDWR|os.O_CREATE|os.O_EXCL)
}

func (f *FS) open(name string, flag int) (log.File, error) {
	of, err := os.OpenFile(f.path(name), flag, 0o600)
	if err != nil {
		return nil, named(err)
	}
	return &file{fs: f, buffered: of}, nil
}

// Rename implements [log.FS].
func (f *FS) Rename(from, to string) error { return named(os.Rename(f.path(from), f.path(to))) }

// Remove implements [log.FS].
func (f *FS) Remove(name string) error { return named(os.Remove(f.path(name))) }

// List implements [log.FS].
func (f *FS) List(dir string) ([]string, error) {
	entries, err := os.ReadDir(f.path(dir)) // sorted
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, named(err)
}

// Mkdir implements [log.FS].
func (f *FS) Mkdir(dir string) error {
	_, err := mkdir(f.path(dir))
	return named(err)
}

// SyncDir implements [log.FS].
func (f *FS) SyncDir(dir string) error {
	if f.opt.UnsafeNoSync {
		return nil
	}
	return named(syncDir(f.path(dir)))
}

// syncDir makes the names in a directory stable.
func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close() // nothing was written through it
	return d.Sync()
}
