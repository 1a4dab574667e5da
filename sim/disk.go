package sim

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"logd/log"
)

// ErrCrashed is what every call on a disk returns once the process that made it was killed in the midst of a boot.
var ErrCrashed = errors.New("sim: the process was killed")

// ErrDevice is an injected failure of one operation.
var ErrDevice = fmt.Errorf("sim: input/output error: %w", log.ErrDevice)

// Disk is one broker's device and the machine's cache above it.
//
//	write ──► cache (every read sees it) ──sync, write-back──► device (survives power loss)
//
// Names work likewise: create, rename and remove change a directory's cache at once, its stable names at SyncDir.
type Disk struct {
	rng  *rand.Rand
	unit int // bytes that the device writes all or nothing: 512 or 4096
	root *entry
	free []*[pageSize]byte

	spare  []byte // what files are read into, to look for prey
	sealed []byte // and one write group of them

	limit  int64 // bytes that all files together may take; 0: any number
	drag   int   // everything takes so many times as long; 0 and 1: no longer
	keep   keeping
	armed  []armed  // writes that will go astray
	recent []*stray // WAL writes that went astray, and nothing proves yet that they were acknowledged
	// astray is told of each write that went astray, and where the bytes are that it damaged.
	astray func(text string)
}

// entry is what a name stands for: a file or a directory.
type entry struct {
	ino    *inode            // a file
	names  map[string]*entry // a directory: names as seen
	stable map[string]*entry // names as the device has them
	queue  []change          // from stable to names, in order
}

// change is one change of a directory, kept or lost as a whole: a rename within a directory removes and sets.
type change struct {
	gone  string
	set   string
	entry *entry
}

// NewDisk returns an empty disk that draws from rng.
func NewDisk(rng *rand.Rand, unit int) *Disk {
	return &Disk{rng: rng, unit: unit, root: newDir()}
}

func newDir() *entry { return &entry{names: map[string]*entry{}, stable: map[string]*entry{}} }

func (n *entry) apply(c change) {
	n.queue = append(n.queue, c)
	c.apply(n.names)
}

func (c change) apply(names map[string]*entry) {
	if c.gone != "" {
		delete(names, c.gone)
	}
	if c.set != "" {
		names[c.set] = c.entry
	}
}

// Wipe empties the disk for good: the directory was deleted.
func (d *Disk) Wipe() {
	d.root = newDir()
	d.recent = nil
}

// newPage returns a page of zeros.
func (d *Disk) newPage() *[pageSize]byte {
	if len(d.free) == 0 {
		return new([pageSize]byte)
	}
	p := d.anyPage()
	clear(p[:])
	return p
}

// anyPage returns a page of any content.
func (d *Disk) anyPage() *[pageSize]byte {
	if n := len(d.free); n > 0 {
		p := d.free[n-1]
		d.free = d.free[:n-1]
		return p
	}
	return new([pageSize]byte)
}

func (d *Disk) clean(pg *page) {
	pg.listed = false
	d.forgetOld(pg)
}

// forgetOld: the page has no dirty sectors.
func (d *Disk) forgetOld(pg *page) {
	if pg.old != nil {
		d.free = append(d.free, pg.old)
		pg.old = nil
	}
}

func split(name string) (dir, base string) {
	name = strings.Trim(name, "/")
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		return name[:i], name[i+1:]
	}
	return "", name
}

// dir finds a directory.
func (d *Disk) dir(op, name string) (*entry, error) {
	at := d.root
	for part := range strings.SplitSeq(strings.Trim(name, "/"), "/") {
		if part == "" || part == "." {
			continue
		}
		if at = at.names[part]; at == nil || at.names == nil {
			return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
		}
	}
	return at, nil
}

// file finds a file.
func (d *Disk) file(op, name string) (*inode, error) {
	dir, base := split(name)
	at, err := d.dir(op, dir)
	if err != nil {
		return nil, err
	}
	n := at.names[base]
	if n == nil || n.ino == nil {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
	}
	return n.ino, nil
}

func (d *Disk) create(name string) (*inode, error) {
	dir, base := split(name)
	at, err := d.dir("create", dir)
	if err != nil {
		return nil, err
	}
	if at.names[base] != nil {
		return nil, &fs.PathError{Op: "create", Path: name, Err: fs.ErrExist}
	}
	if !d.room(pageSize) {
		return nil, &fs.PathError{Op: "create", Path: name, Err: log.ErrNoSpace}
	}
	ino := &inode{}
	at.apply(change{set: base, entry: &entry{ino: ino}})
	return ino, nil
}

func (d *Disk) mkdir(name string) error {
	dir, base := split(name)
	at, err := d.dir("mkdir", dir)
	if err != nil || base == "" || base == "." {
		return err
	}
	if n := at.names[base]; n != nil {
		if n.names == nil {
			return &fs.PathError{Op: "mkdir", Path: name, Err: fs.ErrExist}
		}
		return nil
	}
	at.apply(change{set: base, entry: newDir()})
	return nil
}

func (d *Disk) remove(name string) error {
	dir, base := split(name)
	at, err := d.dir("remove", dir)
	if err != nil {
		return err
	}
	n := at.names[base]
	if n == nil {
		return &fs.PathError{Op: "remove", Path: name, Err: fs.ErrNotExist}
	}
	if len(n.names) > 0 {
		return &fs.PathError{Op: "remove", Path: name, Err: errors.New("directory not empty")}
	}
	at.apply(change{gone: base})
	return nil
}

func (d *Disk) rename(from, to string) error {
	fromDir, fromBase := split(from)
	toDir, toBase := split(to)
	a, err := d.dir("rename", fromDir)
	if err != nil {
		return err
	}
	b, err := d.dir("rename", toDir)
	if err != nil {
		return err
	}
	n := a.names[fromBase]
	if n == nil {
		return &fs.PathError{Op: "rename", Path: from, Err: fs.ErrNotExist}
	}
	if a == b {
		a.apply(change{gone: fromBase, set: toBase, entry: n})
		return nil
	}
	b.apply(change{set: toBase, entry: n})
	a.apply(change{gone: fromBase})
	return nil
}

func (d *Disk) syncDir(name string) error {
	at, err := d.dir("sync-dir", name)
	if err != nil {
		return err
	}
	for _, c := range at.queue {
		c.apply(at.stable)
	}
	at.queue = nil
	return nil
}

func (d *Disk) list(name string) ([]string, error) {
	at, err := d.dir("list", name)
	if err != nil {
		return nil, err
	}
	return slices.Sorted(maps.Keys(at.names)), nil
}

// eachFile visits all files by sorted path.
func (d *Disk) eachFile(visit func(name string, f *inode)) { d.root.each("", visit) }

// eachBelow visits those below a directory, none if there is no such.
func (d *Disk) eachBelow(dir string, visit func(name string, f *inode)) {
	if n, err := d.dir("list", dir); err == nil {
		n.each(dir+"/", visit)
	}
}

// eachInode visits all files, in any order.
func (n *entry) eachInode(visit func(*inode)) {
	for _, child := range n.names { // order: any
		if child.ino != nil {
			visit(child.ino)
		} else {
			child.eachInode(visit)
		}
	}
}

func (n *entry) each(path string, visit func(string, *inode)) {
	for _, name := range slices.Sorted(maps.Keys(n.names)) {
		if child := n.names[name]; child.ino != nil {
			visit(path+name, child.ino)
		} else {
			child.each(path+name+"/", visit)
		}
	}
}
