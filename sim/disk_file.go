package sim

import "math/bits"

const (
	sectorSize = 512
	pageSize   = 4096
	sectors    = pageSize / sectorSize
)

// page is 4 KiB of a file. Reads see data; a power loss may bring back old in the sectors that are dirty.
type page struct {
	data   *[pageSize]byte // nil: zeros
	old    *[pageSize]byte // stable bytes, meaningful in dirty sectors only; nil: zeros
	dirty  uint8           // a bit per sector: written, not known to be stable
	failed uint8           // ⊆ dirty: a failed sync dropped them; the next sync doesn't write them (fsyncgate)
	listed bool            // in inode.dirty
	zeroed bool            // zeros were written to it while it had no data
	gen    uint32          // inode.gen when last dirtied
}

// inode is a file's bytes, as the machine's caches show them and as the device holds them.
type inode struct {
	pages      []page
	size       int64
	stableSize int64
	dirty      []int32 // pages that may have dirty sectors
	gen        uint32  // rises with each sync begun
	syncing    int     // syncs under way
	bad        []int64 // numbers of the sectors that can't be read, sorted
}

// syncToken is a sync under way: it makes stable what was written before it began, no more (W5).
type syncToken struct {
	gen  uint32
	size int64
}

// readAt reads what is there, up to the first sector that can't be read.
func (f *inode) readAt(p []byte, off int64) (int, error) {
	var err error
	if end := f.readable(off, int64(len(p))); end < off+int64(len(p)) {
		p, err = p[:end-off], ErrDevice
	}
	return f.copyTo(p, off), err
}

func (f *inode) copyTo(p []byte, off int64) int {
	if off >= f.size {
		return 0
	}
	if rest := f.size - off; int64(len(p)) > rest {
		p = p[:rest]
	}
	n := len(p)
	for len(p) > 0 {
		at := int(off % pageSize)
		k := min(len(p), pageSize-at)
		if i := int(off / pageSize); i < len(f.pages) && f.pages[i].data != nil {
			copy(p[:k], f.pages[i].data[at:])
		} else {
			clear(p[:k])
		}
		p, off = p[k:], off+int64(k)
	}
	return n
}

// write puts p into the cache. What a dirty sector held before may have been written back meanwhile or not: coin says.
func (f *inode) write(d *Disk, p []byte, off int64) {
	f.mend(off, int64(len(p)))
	f.size = max(f.size, off+int64(len(p)))
	f.grow(f.size)
	for len(p) > 0 {
		i, at := int(off/pageSize), int(off%pageSize)
		k := min(len(p), pageSize-at)
		pg := &f.pages[i]
		if pg.data == nil && k == pageSize && *(*[pageSize]byte)(p) == zeros {
			pg.zeroed = true // a file is formatted: nothing takes no memory
		} else if pg.data == nil {
			pg.data = d.newPage()
		}
		f.touch(d, i, at, k)
		if pg.data != nil {
			copy(pg.data[at:], p[:k])
		}
		p, off = p[k:], off+int64(k)
	}
}

func (f *inode) grow(size int64) {
	for need := int((size + pageSize - 1) / pageSize); len(f.pages) < need; {
		f.pages = append(f.pages, page{})
	}
}

// zeros is a page that nothing was written to.
var zeros [pageSize]byte

// touch makes the sectors of page i that [at, at+n) lies in dirty, keeping their stable bytes.
func (f *inode) touch(d *Disk, i, at, n int) {
	pg := &f.pages[i]
	if f.syncing > 0 && pg.dirty != 0 && pg.gen < f.gen {
		pg.writeBack(^uint8(0)) // what the sync under way covers must not be undone further than to here
	}
	var mask uint8
	for s := at / sectorSize; s <= (at+n-1)/sectorSize; s++ {
		mask |= 1 << s
	}
	if again := mask & pg.dirty; again != 0 && d.rng.IntN(2) == 0 {
		pg.writeBack(again)
	}
	if fresh := mask &^ pg.dirty; fresh != 0 && pg.data != nil {
		if pg.old == nil && pg.dirty != 0 {
			pg.old = d.newPage()
		} else if pg.old == nil {
			pg.old = d.anyPage()
		}
		if fresh == ^uint8(0) && n == pageSize { // all of it is written over: the pages change places
			pg.old, pg.data = pg.data, pg.old
		} else {
			copySectors(pg.old, pg.data, fresh)
		}
	}
	pg.dirty |= mask
	pg.failed &^= mask
	pg.gen = f.gen
	if !pg.listed {
		pg.listed = true
		f.dirty = append(f.dirty, int32(i))
	}
}

// writeBack makes the dirty sectors of mask stable as they are now, but those that a failed sync dropped.
func (pg *page) writeBack(mask uint8) { pg.dirty &^= mask &^ pg.failed }

// revert has the sectors of mask as the device holds them.
func (pg *page) revert(mask uint8) {
	switch {
	case pg.data == nil:
	case pg.old == nil:
		for ; mask != 0; mask &= mask - 1 {
			at := bits.TrailingZeros8(mask) * sectorSize
			clear(pg.data[at : at+sectorSize])
		}
	default:
		copySectors(pg.data, pg.old, mask)
	}
}

func copySectors(to, from *[pageSize]byte, mask uint8) {
	for ; mask != 0; mask &= mask - 1 {
		at := bits.TrailingZeros8(mask) * sectorSize
		copy(to[at:at+sectorSize], from[at:])
	}
}

func (f *inode) beginSync() syncToken {
	f.gen++
	f.syncing++
	return syncToken{gen: f.gen, size: f.size}
}

// endSync ends a sync: ok makes its part stable; otherwise the cache forgets that it ever has to write it.
func (f *inode) endSync(d *Disk, t syncToken, ok bool) {
	f.syncing--
	if ok {
		f.stableSize = t.size
	}
	left := f.dirty[:0]
	for _, i := range f.dirty {
		pg := &f.pages[i]
		if pg.gen < t.gen {
			if ok {
				pg.writeBack(^uint8(0))
			} else {
				pg.failed = pg.dirty
			}
		}
		if pg.dirty != 0 {
			left = append(left, i)
			continue
		}
		d.clean(pg)
	}
	f.dirty = left
}

// stable makes a range of whole pages stable, as a direct synced write does.
func (f *inode) stable(d *Disk, off int64, n int) {
	f.stableSize = max(f.stableSize, off+int64(n))
	for i := off / pageSize; i < (off+int64(n)+pageSize-1)/pageSize; i++ {
		pg := &f.pages[i]
		pg.dirty, pg.failed = 0, 0 // it stays listed until the next sync
		d.forgetOld(pg)
	}
}

// truncate sets the size in the cache; what is cut off reads as zeros if the file grows again.
func (f *inode) truncate(d *Disk, size int64) {
	for off := size; off < f.size; {
		at := int(off % pageSize)
		n := int(min(int64(pageSize-at), f.size-off))
		if i := int(off / pageSize); f.pages[i].data != nil || f.pages[i].zeroed {
			f.touch(d, i, at, n)
			if data := f.pages[i].data; data != nil {
				clear(data[at : at+n])
			}
		}
		off += int64(n)
	}
	f.size = size
	f.grow(size)
}
