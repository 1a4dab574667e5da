package sim

// used is how many bytes all files take, in whole pages.
func (d *Disk) used() (bytes int64) {
	d.root.eachInode(func(f *inode) { bytes += pages(f.size) })
	return bytes
}

func pages(size int64) int64 { return (size + pageSize - 1) &^ (pageSize - 1) }

// room tells whether n bytes more fit.
func (d *Disk) room(n int64) bool { return d.limit == 0 || d.used()+n <= d.limit }

// fits tells whether a file may have so many bytes; what it has already stays.
func (d *Disk) fits(f *inode, size int64) bool {
	return d.limit == 0 || size <= f.size || d.room(pages(size)-pages(f.size))
}

// squeeze writes what fits of the first bytes of p, or less, on a disk that has no room for all of them.
func (d *Disk) squeeze(f *inode, p []byte, off int64) {
	most := pages(f.size) - off // what the file's last page has room for, and as many more as there are
	if d.limit > d.used() {
		most += (d.limit - d.used()) &^ (pageSize - 1)
	}
	if n := d.rng.Int64N(max(0, min(most, int64(len(p)-1))) + 1); n > 0 && d.rng.IntN(2) == 0 {
		f.write(d, p[:n], off)
	}
}

// left is the bytes that may still be written.
func (d *Disk) left() int64 {
	if d.limit == 0 {
		return 1 << 40
	}
	return max(0, d.limit-d.used())
}

// Fill leaves so many bytes free; Space takes the limit away.
func (d *Disk) Fill(free int64) { d.limit = max(1, d.used()+free) }

// Space lets the disk take any number of bytes again.
func (d *Disk) Space() { d.limit = 0 }

// Image is a copy of all that a disk held at one instant, as its machine saw it.
type Image struct{ root *entry }

// Snapshot copies the disk. A process may be running on it: what is in the caches is copied too.
func (d *Disk) Snapshot() Image { return Image{d.root.copy()} }

// Restore puts the copy in the place of everything, for good. The process must be down.
func (d *Disk) Restore(i Image) {
	d.Wipe()
	d.root = i.root.copy()
}

// copy returns a tree of its own, all of it stable.
func (n *entry) copy() *entry {
	if n.ino != nil {
		return &entry{ino: n.ino.copy()}
	}
	to := newDir()
	for name, child := range n.names { // order: the copies know nothing of each other
		c := child.copy()
		to.names[name], to.stable[name] = c, c
	}
	return to
}

func (f *inode) copy() *inode {
	to := &inode{size: f.size, stableSize: f.size, pages: make([]page, len(f.pages))}
	for i := range f.pages {
		to.pages[i].zeroed = f.pages[i].zeroed
		if p := f.pages[i].data; p != nil {
			data := *p
			to.pages[i].data = &data
		}
	}
	return to
}
