package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// damage changes what the device holds: a sector that is still to be written back keeps its new bytes in the cache. change
// is called with the pieces of [off, off+n) and where they begin.
func (f *inode) damage(off, n int64, change func(b []byte, at int64)) {
	for end := min(off+n, f.size); off < end; {
		i, at := int(off/pageSize), int(off%pageSize)
		k := min(sectorSize-at%sectorSize, int(end-off))
		pg := &f.pages[i]
		if pg.data == nil {
			pg.data = new([pageSize]byte)
		}
		held := pg.data
		if pg.dirty&(1<<(at/sectorSize)) != 0 {
			if pg.old == nil {
				pg.old = new([pageSize]byte)
			}
			held = pg.old
		}
		change(held[at:at+k], off)
		off += int64(k)
	}
}

// Flip turns one bit of a byte over, 0 to 7.
func (d *Disk) Flip(name string, off int64, bit uint8) error {
	f, err := d.within(name, off)
	if err == nil {
		f.damage(off, 1, func(b []byte, _ int64) { b[0] ^= 1 << bit })
	}
	return err
}

// Zero overwrites n bytes with zeros.
func (d *Disk) Zero(name string, off, n int64) error {
	f, err := d.within(name, off)
	if err == nil {
		f.damage(off, n, func(b []byte, _ int64) { clear(b) })
	}
	return err
}

// overwrite puts bytes where others are, as far as the file goes.
func (d *Disk) overwrite(name string, off int64, with []byte) error {
	f, err := d.within(name, off)
	if err == nil {
		f.damage(off, int64(len(with)), func(b []byte, at int64) { copy(b, with[at-off:]) })
	}
	return err
}

// Bad makes the sector of a byte unreadable, until it is written.
func (d *Disk) Bad(name string, off int64) error {
	f, err := d.within(name, off)
	if err != nil {
		return err
	}
	if i, had := slices.BinarySearch(f.bad, off/sectorSize); !had {
		f.bad = slices.Insert(f.bad, i, off/sectorSize)
	}
	return nil
}

// Cut shortens a file, for good.
func (d *Disk) Cut(name string, size int64) error {
	f, err := d.within(name, size)
	if err != nil {
		return err
	}
	f.truncate(d, size)
	f.stableSize = min(f.stableSize, size)
	f.settleFrom(size)
	return nil
}

// Lose removes a file, for good.
func (d *Disk) Lose(name string) error {
	if err := d.remove(name); err != nil {
		return err
	}
	dir, _ := split(name)
	return d.syncDir(dir)
}

// within finds a file and a byte in it.
func (d *Disk) within(name string, off int64) (*inode, error) {
	f, err := d.file("damage", name)
	if err == nil && (off < 0 || off >= f.size) {
		err = fmt.Errorf("%s has %d bytes, and not byte %d", name, f.size, off)
	}
	return f, err
}

// settleFrom makes what was cut off stable.
func (f *inode) settleFrom(size int64) {
	for i := int((size + pageSize - 1) / pageSize); i < len(f.pages); i++ {
		f.pages[i].dirty, f.pages[i].failed = 0, 0 // it stays listed until the next sync
	}
	if at := size % pageSize; at != 0 {
		pg := &f.pages[size/pageSize]
		keep := uint8(1)<<((at+sectorSize-1)/sectorSize) - 1
		pg.dirty, pg.failed = pg.dirty&keep, pg.failed&keep
	}
}

// readable returns where a read of [off, off+n) must end.
func (f *inode) readable(off, n int64) int64 {
	if i, _ := slices.BinarySearch(f.bad, off/sectorSize); n > 0 && i < len(f.bad) && f.bad[i]*sectorSize < off+n {
		return max(off, f.bad[i]*sectorSize)
	}
	return off + n
}

// blind says whether a write through the cache fails since it takes a part of a page whose rest must be read first and can't be, as on
// Linux (__block_write_begin_int, __iomap_write_begin: EIO). A page with bytes that are still to be written back is in the cache.
func (f *inode) blind(off, n int64) bool {
	return slices.ContainsFunc(f.bad, func(s int64) bool {
		begin := s / sectors * pageSize
		taken := begin < off+n && off < begin+pageSize
		whole := off <= begin && begin+pageSize <= off+n
		return taken && !whole && s*sectorSize < f.size && f.pages[s/sectors].dirty == 0
	})
}

// mend takes spare sectors for the bad ones that a write touches. What of them isn't written reads as zeros.
func (f *inode) mend(off, n int64) {
	f.bad = slices.DeleteFunc(f.bad, func(s int64) bool {
		if s*sectorSize >= off+n || (s+1)*sectorSize <= off {
			return false
		}
		f.damage(s*sectorSize, sectorSize, func(b []byte, _ int64) { clear(b) })
		return true
	})
}

// The classes of files, each as likely to be hit as any other, however small it is.
var classes = [...]string{".wal", ".wal", ".log", ".log", ".index", ".meta"}

// Somewhere draws a place that holds bytes: a class of files, a file of it, a byte; false on an empty disk.
func (d *Disk) Somewhere(rng *rand.Rand, kinds ...string) (string, int64, bool) {
	class := kinds[rng.IntN(len(kinds))]
	type place struct {
		name string
		f    *inode
	}
	var places []place
	pages := 0
	d.eachFile(func(name string, f *inode) {
		if strings.HasSuffix(name, class) && f.size > 0 && !strings.HasPrefix(name, "aside-") {
			places = append(places, place{name, f})
			pages += len(f.pages)
		}
	})
	if len(places) == 0 {
		return "", 0, false
	}
	at := rng.IntN(pages)
	for _, p := range places {
		if at >= len(p.f.pages) {
			at -= len(p.f.pages)
			continue
		}
		return p.name, min(p.f.size-1, int64(at)*pageSize+rng.Int64N(pageSize)), true
	}
	return "", 0, false
}
