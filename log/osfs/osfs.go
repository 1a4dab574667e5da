//go:build linux || darwin

package osfs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

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
func New(dir string, opt Options) (*FS, error) {
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
	if made {
		if err := syncDir(filepath.Dir(dir)); err != nil {
			return nil, err
		}
	}
	f.direct, err = probeDirect(filepath.Join(dir, "probe.tmp"))
	return f, err
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
