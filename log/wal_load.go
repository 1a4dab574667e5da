package log

import (
	"fmt"
	"slices"
)

// loaded is one write group as read back. Sectors are numbered in the file.
type loaded struct {
	number     uint64
	slot       int
	lap        uint64 // of the ring that a recovery makes, see [ring]
	start, end int    // sectors start to end-1, whole blocks; without a directory, end is after the last one seen
	bad        []int  // sectors that aren't the group's, rising
	dirs       [2]*directory
	payload    []byte // without the sectors' ends; bytes of bad sectors are zeros; nil before [walScan.read]
}

// dir returns the directory that can be read, nil if there is none.
func (l *loaded) dir() *directory {
	if l.dirs[0] != nil {
		return l.dirs[0]
	}
	return l.dirs[1]
}

// readSectors appends the payload of some sectors of a file to out; those that aren't of the write group are zeros.
func (w *walScan) readSectors(out []byte, number uint64, slot, from, to int) []byte {
	all := w.sectors[slot]
	buf := w.buffer((to - from) * sectorSize)
	readPieces(w.files[slot].f, buf, int64(from)*sectorSize, func(a, b int64) {
		for i := a / BlockSize * blockSectors; i < (b+BlockSize-1)/BlockSize*blockSectors; i++ {
			if all[i] != absent {
				all[i] = unread // it could be read a moment ago
			}
		}
	})
	out = slices.Grow(out, (to-from)*sectorPayload)
	var zeros [sectorPayload]byte
	for i := from; i < to; i++ {
		b := buf[(i-from)*sectorSize:]
		if all[i] == number && !sectorIs(b[:sectorSize], w.ident, slot, i, number) {
			all[i] = rotten // it was read as another one a moment ago
		}
		if all[i] == number {
			out = append(out, b[:sectorPayload]...)
		} else {
			out = append(out, zeros[:]...)
		}
	}
	return out
}

// dirAt reads the directory that begins with a block, nil if there is none of that write group or a sector of it is bad.
func (w *walScan) dirAt(number uint64, slot, block int) *directory {
	all, first := w.sectors[slot], block*blockSectors
	if first >= len(all) || all[first] != number {
		return nil
	}
	w.payload = w.readSectors(w.payload[:0], number, slot, first, first+1)
	head, err := parseDirHead(w.payload)
	if err != nil || head.number != number {
		return nil
	}
	end := int64(first) + (head.sum.dirLen()+sectorPayload-1)/sectorPayload
	if end > int64(len(all)) {
		return nil
	}
	for _, is := range all[first:end] {
		if is != number {
			return nil
		}
	}
	b := slices.Clone(w.payload[:min(head.sum.dirLen(), sectorPayload)])
	if end > int64(first)+1 {
		b = w.readSectors(b, number, slot, first+1, int(end))
	}
	d, err := parseDir(b)
	if err != nil {
		return nil
	}
	return &d
}

// anyDir returns a directory of a write group wherever it is, nil if there is none.
func (w *walScan) anyDir(number uint64) *directory {
	for _, e := range w.extents[number] {
		for block := e.last / blockSectors; block >= e.first/blockSectors; block-- {
			if d := w.dirAt(number, e.slot, block); d != nil {
				return d
			}
		}
	}
	return nil
}

// load finds the directories of the write group that begins with a block of a file, and its bad sectors.
func (w *walScan) load(number uint64, slot, block int) *loaded {
	l := &loaded{number: number, slot: slot, start: block * blockSectors}
	all := w.sectors[slot]
	e, ok := w.extent(number, slot)
	if ok {
		l.dirs[0] = w.dirAt(number, slot, block)
		for b := e.last / blockSectors; b > block && l.dirs[1] == nil; b-- {
			if d := w.dirAt(number, slot, b); d != nil && block+d.copyAt == b {
				l.dirs[1] = d
			}
		}
	}
	l.end = (max(e.last, l.start)/blockSectors + 1) * blockSectors
	if d := l.dir(); d != nil {
		l.end = l.start + d.blocks*blockSectors
	}
	if l.end > len(all) { // a directory that lies
		l.dirs, l.end = [2]*directory{}, len(all)
	}
	l.findBad(all)
	return l
}

func (l *loaded) findBad(all []uint64) {
	l.bad = nil
	for i := l.start; i < l.end; i++ {
		if all[i] != l.number {
			l.bad = append(l.bad, i)
		}
	}
}

// read reads a group's payload, which is there until the next call. Sectors that turn out to be bad only now are noted.
func (w *walScan) read(l *loaded) {
	w.payload = w.readSectors(w.payload[:0], l.number, l.slot, l.start, l.end)
	l.payload = w.payload
	l.findBad(w.sectors[l.slot])
}

// lost says whether a part of the group's payload is in a bad sector.
func (l *loaded) lost(at, length int64) bool {
	if length == 0 {
		return false
	}
	i, _ := slices.BinarySearch(l.bad, l.start+int(at/sectorPayload))
	return i < len(l.bad) && l.bad[i] <= l.start+int((at+length-1)/sectorPayload)
}

// contradiction says how what was written sound can't be: two directories that differ, or none where all sectors are good.
func (l *loaded) contradiction() string {
	a, b := l.dirs[0], l.dirs[1]
	d := l.dir()
	tail := int64(d.copyAt) * blockPayload
	switch {
	case a == nil && !l.lost(0, d.sum.dirLen()) || b == nil && !l.lost(tail, d.sum.dirLen()):
		return fmt.Sprintf("first directory readable %t, second %t, and all their sectors are good", a != nil, b != nil)
	case a != nil && b != nil && (a.floor != b.floor || a.sum != b.sum || !slices.Equal(a.records, b.records) || !slices.Equal(a.inline, b.inline)):
		return "two directories that differ"
	}
	return ""
}

// part says what of a write group is in a sector.
func (l *loaded) part(sector int) string {
	d := l.dir()
	if d == nil {
		return "records unknown for both directories are bad"
	}
	from := int64(sector-l.start) * sectorPayload
	to := from + sectorPayload
	at := d.sum.dirLen()
	switch {
	case from < at:
		return fmt.Sprintf("first directory of %d records", d.sum.n)
	case from >= int64(d.copyAt)*blockPayload+at && to < int64(d.blocks)*blockPayload || from >= at+d.sum.bytes && to <= int64(d.copyAt)*blockPayload:
		return "nothing but padding"
	case from >= int64(d.copyAt)*blockPayload:
		return fmt.Sprintf("second directory of %d records", d.sum.n)
	}
	text, last := "", ""
	for i := range d.records {
		h := &d.records[i]
		if h.kind.inline() {
			continue
		}
		if at < to && at+int64(h.length) > from {
			if text == "" {
				text = h.String()
			} else {
				last = " to " + h.String()
			}
		}
		at += int64(h.length)
	}
	return text + last
}
