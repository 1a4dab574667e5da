package sim

import "slices"

// onDevice is the disk as a loss of power leaves it if nothing survives that wasn't synced: names and bytes that the device holds, worthless
// ones where a sector can't be read. It shares pages with the disk, so it is for reading, and only until the disk is written.
func (d *Disk) onDevice() *Disk { return &Disk{root: d.root.onDevice()} }

func (n *entry) onDevice() *entry {
	if n.ino != nil {
		return &entry{ino: n.ino.onDevice()}
	}
	dir := newDir()
	for name, child := range n.stable { // order: of a map into a map
		dir.names[name] = child.onDevice()
	}
	return dir
}

func (f *inode) onDevice() *inode {
	s := &inode{pages: slices.Clone(f.pages), size: f.stableSize}
	for _, i := range f.dirty {
		if pg := &s.pages[i]; pg.dirty != 0 {
			pg.own()
			pg.revert(pg.dirty)
			pg.dirty = 0 // a page may be listed twice
		}
	}
	for _, sector := range f.bad {
		if i := int(sector / sectors); i < len(s.pages) {
			pg := &s.pages[i]
			pg.own()
			at := sector % sectors * sectorSize
			poison(pg.data[at : at+walSealed]) // a WAL's sectors keep their numbers: what is around a bad one stays legible
		}
	}
	return s
}

// own gives a page bytes of its own.
func (pg *page) own() {
	data := new([pageSize]byte)
	if pg.data != nil {
		*data = *pg.data
	}
	pg.data = data
}
