package log

import (
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
)

// segDisk is an [FS] in memory for the tests of segments, which tells what is stable from what is only written.
type segDisk struct {
	now    map[string]*inode
	stable map[string]*inode // names that a loss of power leaves for certain
}

type inode struct {
	dir    bool
	now    []byte
	stable []byte
}

func newSegDisk(dirs ...string) *segDisk {
	d := &segDisk{now: map[string]*inode{}, stable: map[string]*inode{}}
	for _, dir := range dirs {
		d.now[dir] = &inode{dir: true}
		d.stable[dir] = d.now[dir]
	}
	return d
}

func (d *segDisk) get(name string, dir bool) (*inode, error) {
	n := d.now[name]
	if n == nil || n.dir != dir {
		return nil, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	return n, nil
}

func (d *segDisk) Open(name string) (File, error) {
	n, err := d.get(name, false)
	return segFile{n}, err
}

func (d *segDisk) Create(name string) (File, error) {
	if _, err := d.get(path.Dir(name), true); err != nil {
		return nil, err
	}
	if d.now[name] != nil {
		return nil, fmt.Errorf("%s: %w", name, fs.ErrExist)
	}
	d.now[name] = &inode{}
	return segFile{d.now[name]}, nil
}

func (d *segDisk) Rename(from, to string) error { panic("segments rename nothing") }

func (d *segDisk) Remove(name string) error {
	if d.now[name] == nil {
		return fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	delete(d.now, name)
	return nil
}

func (d *segDisk) List(dir string) ([]string, error) {
	_, err := d.get(dir, true)
	var names []string
	for _, name := range slices.Sorted(maps.Keys(d.now)) {
		if path.Dir(name) == dir {
			names = append(names, path.Base(name))
		}
	}
	return names, err
}

func (d *segDisk) Mkdir(dir string) error {
	if _, err := d.get(path.Dir(dir), true); err != nil {
		return err
	}
	if d.now[dir] == nil {
		d.now[dir] = &inode{dir: true}
	}
	return nil
}

func (d *segDisk) SyncDir(dir string) error {
	if _, err := d.get(dir, true); err != nil {
		return err
	}
	maps.DeleteFunc(d.stable, func(name string, _ *inode) bool { return path.Dir(name) == dir && d.now[name] == nil })
	for name, n := range d.now {
		if path.Dir(name) == dir {
			d.stable[name] = n
		}
	}
	return nil
}

// losePower leaves what is stable, and of the rest what coin says: each name as it is stable or as it is now, each sector
// of a file likewise, and its size.
func (d *segDisk) losePower(coin func() bool) {
	all := maps.Clone(d.stable)
	maps.Copy(all, d.now)
	next := map[string]*inode{}
	for _, name := range slices.Sorted(maps.Keys(all)) { // parents come before their children
		n := d.now[name]
		if n != d.stable[name] && coin() {
			n = d.stable[name]
		}
		if parent := path.Dir(name); n != nil && (parent == "." || next[parent] != nil) {
			next[name] = n
		}
	}
	for _, name := range slices.Sorted(maps.Keys(next)) {
		next[name].losePower(coin)
	}
	d.now, d.stable = next, maps.Clone(next)
}

func (n *inode) losePower(coin func() bool) {
	const sector = 512
	if slices.Equal(n.now, n.stable) {
		return
	}
	size := len(n.now)
	if coin() {
		size = len(n.stable)
	}
	kept := make([]byte, size)
	for at := 0; at < size; at += sector {
		from := n.now
		if coin() {
			from = n.stable
		}
		if at < len(from) {
			copy(kept[at:min(at+sector, size)], from[at:])
		}
	}
	n.now, n.stable = kept, slices.Clone(kept)
}

type segFile struct{ n *inode }

func (f segFile) ReadAt(p []byte, off int64) (int, error) {
	if off >= int64(len(f.n.now)) {
		return 0, io.EOF
	}
	n := copy(p, f.n.now[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f segFile) WriteAt(p []byte, off int64) (int, error) {
	if end := off + int64(len(p)); end > int64(len(f.n.now)) {
		f.Truncate(end)
	}
	return copy(f.n.now[off:], p), nil
}

func (f segFile) WriteSync(p []byte, off int64) error { panic("segments have no synced writes") }

func (f segFile) Sync() error {
	f.n.stable = slices.Clone(f.n.now)
	return nil
}

func (f segFile) Truncate(size int64) error {
	b := make([]byte, size)
	copy(b, f.n.now)
	f.n.now = b
	return nil
}

func (f segFile) Size() (int64, error) { return int64(len(f.n.now)), nil }
func (f segFile) Close() error         { return nil }
