package sim

import (
	"fmt"
	"slices"
	"strings"
)

// armed is one write that will go astray: it is acknowledged, and its place keeps what it held.
type armed struct {
	misdirected bool   // its bytes land elsewhere; else nowhere
	under       string // part of the file's name
	place       int    // which of all places it lands at; 0: the disk's stream says
}

// stray is a write that goes or went astray.
//
//	file     ┌──────┬────────┬──────┐          file    ┌──────┬───────┬─────┐
//	         │      │ former │      │          or same │      │ bytes │     │
//	         └──────┴───▲────┴──────┘                  └──────┴───▲───┴─────┘
//	            off, acknowledged                               to, toOff
type stray struct {
	name  string
	ino   *inode
	off   int64
	data  []byte
	text  string
	to    *inode // nil: lost
	toOff int64
}

// arm has the next write below a folder go astray: a synced write of the WAL, or a page of a segment at its sync.
func (d *Disk) arm(a armed) { d.armed = append(d.armed, a) }

// disarm takes an armed fault for a file off the list.
func (d *Disk) disarm(name string) (armed, bool) {
	i := slices.IndexFunc(d.armed, func(a armed) bool { return strings.Contains(name, a.under) })
	if i < 0 {
		return armed{}, false
	}
	a := d.armed[i]
	d.armed = slices.Delete(d.armed, i, i+1)
	return a, true
}

// strays tells where a synced write goes instead of its place, nil if it doesn't go astray.
func (d *Disk) strays(name string, ino *inode, off int64, data []byte) *stray {
	a, ok := d.disarm(name)
	if !ok {
		return nil
	}
	s := &stray{name: name, ino: ino, off: off, data: slices.Clone(data)}
	d.aim(s, a)
	return s
}

// aim draws where a misdirected write lands: on pages that exist, of any file, but not where it belongs.
func (d *Disk) aim(s *stray, a armed) {
	s.text = fmt.Sprintf("a write of %s at %d+%d is lost", s.name, s.off, len(s.data))
	if !a.misdirected {
		return
	}
	var places []stray
	var names []string
	need := int64(len(s.data))
	d.eachFile(func(name string, f *inode) {
		for off := int64(0); off+need <= f.size; off += pageSize {
			if f != s.ino || off+need <= s.off || s.off+need <= off {
				places = append(places, stray{to: f, toOff: off})
				names = append(names, name)
			}
		}
	})
	if len(places) > 0 {
		i := a.place % len(places)
		if a.place == 0 {
			i = d.rng.IntN(len(places))
		}
		s.to, s.toOff = places[i].to, places[i].toOff
		s.text = fmt.Sprintf("a write of %s at %d+%d lands at %s %d", s.name, s.off, need, names[i], s.toOff)
	}
}

// land completes a synced write that went astray.
func (d *Disk) land(s *stray) {
	d.recent = append(d.recent, s)
	d.hit(s)
}

func (d *Disk) hit(s *stray) {
	if s.to != nil {
		s.to.damage(s.toOff, int64(len(s.data)), func(b []byte, at int64) { copy(b, s.data[at-s.toOff:]) })
	}
	if d.astray != nil {
		d.astray(s.text)
	}
}

// strayPage has one page that a sync covers go astray: it reverts to what the device holds, as if it had been read again.
func (d *Disk) strayPage(name string, f *inode, t syncToken) {
	var pages []int32
	for _, i := range f.dirty {
		if pg := &f.pages[i]; pg.dirty != 0 && pg.gen < t.gen {
			pages = append(pages, i)
		}
	}
	if len(pages) == 0 || len(d.armed) == 0 {
		return
	}
	a, ok := d.disarm(name)
	if !ok {
		return
	}
	i := pages[d.rng.IntN(len(pages))]
	pg := &f.pages[i]
	s := &stray{name: name, ino: f, off: int64(i) * pageSize, data: make([]byte, pageSize)}
	if pg.data != nil {
		copy(s.data, pg.data[:])
	}
	d.aim(s, a)
	pg.revert(pg.dirty)
	d.hit(s)
}

// proven forgets the strayed writes that a completed later one of the same WAL proves to have been acknowledged: a write
// group is begun only after the one before it was synced (S3).
func (d *Disk) proven(name string) {
	if len(d.recent) == 0 {
		return
	}
	dir, _ := split(name)
	d.recent = slices.DeleteFunc(d.recent, func(s *stray) bool { was, _ := split(s.name); return was == dir })
}

// settle writes the strayed ones that nothing proves: at a crash nobody can tell them from torn ones, so no budget allows
// them (safety.md, S3).
func (d *Disk) settle() {
	for _, s := range d.recent {
		s.ino.write(d, s.data, s.off)
		s.ino.stable(d, s.off, len(s.data))
	}
	d.recent = nil
}
