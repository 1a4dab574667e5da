package sim

import (
	"maps"
	"math/bits"
	"slices"
)

// keeping is what a power loss leaves of what wasn't synced.
type keeping int

const (
	keepRandom keeping = iota
	keepAll
	keepNone
)

// PowerLoss takes the machine's caches away: what wasn't synced is kept, lost or mixed, sector by sector within the
// device's atomic unit and name by name.
func (d *Disk) PowerLoss() { d.lose(d.root) }

// keeping has all that do leaves to chance drawn from a seed of its own, unless that is 0, and a power loss keep what is said.
func (d *Disk) keeping(keep keeping, seed uint64, do func()) {
	rng, before := d.rng, d.keep
	d.keep = keep
	if seed > 0 {
		d.rng = stream(seed, streamAct, 0)
	}
	do()
	d.rng, d.keep = rng, before
}

func (d *Disk) lose(n *entry) {
	if n.ino != nil {
		d.loseBytes(n.ino)
		return
	}
	mood := d.rng.IntN(4)
	if d.keep != keepRandom {
		mood = int(d.keep - keepAll) // 0 keeps all, 1 none
	}
	for _, c := range n.queue {
		if mood == 0 || mood != 1 && d.rng.IntN(2) == 0 {
			c.apply(n.stable)
		}
	}
	n.queue = nil
	n.names = maps.Clone(n.stable)
	for _, name := range slices.Sorted(maps.Keys(n.names)) {
		d.lose(n.names[name])
	}
}

// fate draws whole shapes besides single coins, since a row of coins nearly never keeps all or loses all.
type fate struct {
	mood int
	cut  int // in units of the write order
}

func (d *Disk) drawFate(units int) fate {
	f := fate{mood: d.rng.IntN(6), cut: d.rng.IntN(units + 1)}
	if d.keep != keepRandom {
		f.mood = int(d.keep - keepAll)
	}
	return f
}

func (d *Disk) keeps(f fate, k int) bool {
	switch f.mood {
	case 0:
		return true
	case 1:
		return false
	case 2:
		return k < f.cut
	case 3:
		return k >= f.cut
	case 4:
		return k != f.cut // one lost among many kept
	}
	return d.rng.IntN(2) == 0
}

func (d *Disk) loseBytes(f *inode) {
	slices.Sort(f.dirty)
	units := 0
	for _, i := range f.dirty {
		units += d.units(f.pages[i].dirty)
	}
	fate := d.drawFate(units)
	k := 0
	for _, i := range f.dirty {
		pg := &f.pages[i]
		for left := pg.dirty; left != 0; k++ {
			unit := left & -left
			if d.unit == pageSize {
				unit = left
			}
			left &^= unit
			if unit&pg.failed != 0 || !d.keeps(fate, k) {
				pg.revert(unit)
			}
		}
		pg.dirty, pg.failed = 0, 0
		d.clean(pg)
	}
	f.dirty, f.syncing = f.dirty[:0], 0
	d.loseSize(f)
}

// units counts what of a page the device may keep or lose on its own.
func (d *Disk) units(dirty uint8) int {
	if d.unit == pageSize {
		return min(1, int(dirty))
	}
	return bits.OnesCount8(dirty)
}

func (d *Disk) loseSize(f *inode) {
	size := f.size
	how := d.rng.IntN(3)
	switch d.keep {
	case keepAll:
		how = 2
	case keepNone:
		how = 0
	}
	switch how {
	case 0:
		size = f.stableSize
	case 1: // a growing file's size follows its pages
		if f.stableSize < f.size {
			size = min(f.size, f.stableSize+d.rng.Int64N(f.size-f.stableSize)&^(pageSize-1))
		}
	}
	f.grow(size)
	for i := range f.pages {
		if from := max(0, size-int64(i)*pageSize); from < pageSize && f.pages[i].data != nil {
			clear(f.pages[i].data[from:])
		}
	}
	f.size, f.stableSize = size, size
}

// holds tells whether a sector was written, and is stable.
func (d *Disk) holds(name string, off int64) bool {
	f, err := d.within(name, off)
	if err != nil {
		return false
	}
	pg := &f.pages[off/pageSize]
	return (pg.data != nil || pg.zeroed) && pg.dirty&(1<<(off%pageSize/sectorSize)) == 0
}
