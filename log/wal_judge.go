package log

import (
	"encoding/binary"
	"fmt"
)

// verdict is what counts of the WAL.
type verdict struct {
	top   *loaded // the last write group that counts, nil if there is none
	floor uint64  // the first
	cut   *loaded // the torn one that is to be erased, or nil (L5)
}

// judge finds the highest write group and decides whether it counts, is torn, or is damaged (S3).
func (w *walScan) judge() (verdict, error) {
	if w.top == 0 {
		return verdict{}, w.checkBlank()
	}
	slot, block := w.start(w.top)
	l, err := w.load(w.top, slot, block)
	if err != nil {
		return verdict{}, err
	}
	torn, err := w.torn(l)
	if err != nil {
		return verdict{}, err
	}
	if !torn {
		return verdict{top: l, floor: l.dir().floor}, w.checkNext(l)
	}
	v := verdict{cut: l}
	if w.top == 1 {
		if l.slot != 0 || l.start != blockSectors {
			return verdict{}, w.damage(l, l.bad[0], "it must begin in "+walName(0))
		}
		return v, nil
	}
	before := w.top - 1 // synced, or the torn one had not been written (L2)
	if e := w.extents[before]; e == nil || e.split {
		return verdict{}, fmt.Errorf("%w: %s byte %d: expected write group %d before it or in the file before, for write group %d was written after its sync; found it nowhere or in two files",
			ErrDamaged, walName(slot), block*BlockSize, before, w.top)
	}
	slot, block = w.start(before)
	if v.top, err = w.intact(before, slot, block); err != nil {
		return verdict{}, err
	}
	v.floor = v.top.dir().floor
	here := l.slot == v.top.slot && l.start == v.top.end
	next := l.slot == (v.top.slot+1)%len(w.files) && l.start == blockSectors
	if !here && !next {
		return verdict{}, w.damage(l, l.bad[0], fmt.Sprintf("it must begin behind write group %d, in %s byte %d", before, walName(v.top.slot), v.top.end*sectorSize))
	}
	return v, nil
}

// start returns where a write group begins: behind the one before it, if that is in the same file, else where the file
// begins. A directory at the first sector seen proves nothing, it may be the second one.
func (w *walScan) start(number uint64) (slot, block int) {
	e, before := w.extents[number], w.extents[number-1]
	if before == nil || before.slot != e.slot || before.last > e.first {
		return e.slot, 1
	}
	block = before.last/blockSectors + 1
	head := make([]byte, sectorSize)
	if before.first%blockSectors == 0 && readFull(w.files[e.slot], head, int64(before.first)*sectorSize) == nil {
		d, _, err := parseDirHead(head[:sectorPayload])
		if end := before.first/blockSectors + d.blocks; err == nil && d.number == number-1 && end <= e.first/blockSectors {
			block = max(block, end) // its last sectors are bad
		}
	}
	return e.slot, block
}

// torn says whether the highest write group is provably one whose write didn't complete: each bad sector of it holds that
// place's former content, of a lower number or zeros (S3). Other bad sectors are damage.
func (w *walScan) torn(l *loaded) (bool, error) {
	if w.extents[l.number].split {
		return false, w.damage(l, l.start, "it is in two files")
	}
	if l.odd {
		return false, w.damage(l, l.end-1, "its directory says that it ends elsewhere")
	}
	for _, i := range l.bad {
		if is := w.sectors[l.slot][i]; is == rotten || is > l.number {
			return false, w.damage(l, i, "")
		}
	}
	if len(l.bad) > 0 {
		return true, nil
	}
	return false, w.whole(l)
}

// whole checks the directories of a group all of whose sectors are good.
func (w *walScan) whole(l *loaded) error {
	if !l.sized || l.odd || l.dirs[0] == nil || l.dirs[1] == nil || len(l.payload) != (l.end-l.start)*sectorPayload {
		return w.damage(l, l.start, "its directories can't be read")
	}
	a, b := l.dirs[0], l.dirs[1]
	same := a.floor == b.floor && a.payload == b.payload && a.blocks == b.blocks && len(a.records) == len(b.records)
	for i := 0; same && i < len(a.records); i++ {
		same = a.records[i] == b.records[i]
	}
	if !same {
		return w.damage(l, l.start, "its directories differ")
	}
	return nil
}

// intact reads a write group that was synced, and so has no excuse.
func (w *walScan) intact(number uint64, slot, block int) (*loaded, error) {
	e := w.extents[number]
	if e == nil {
		return nil, fmt.Errorf("%w: %s byte %d: write group %d is missing: expected it here, found %s",
			ErrDamaged, walName(slot), block*BlockSize, number, w.describe(slot, min(block*blockSectors, len(w.sectors[slot])-1)))
	}
	if e.slot != slot || e.first < block*blockSectors || e.split {
		return nil, fmt.Errorf("%w: %s byte %d: write group %d is elsewhere: expected it here, found it in %s byte %d, in two files %t",
			ErrDamaged, walName(slot), block*BlockSize, number, walName(e.slot), e.first*sectorSize, e.split)
	}
	l, err := w.load(number, slot, block)
	if err != nil {
		return nil, err
	}
	if len(l.bad) > 0 {
		return nil, w.damage(l, l.bad[0], "")
	}
	return l, w.whole(l)
}

// checkBlank checks that a WAL without any write group is one that nothing was written to.
func (w *walScan) checkBlank() error {
	for slot := range w.sectors {
		for i, is := range w.sectors[slot] {
			if is == rotten {
				return fmt.Errorf("%w: %s byte %d: no write group is in the WAL: expected zeros, found %s", ErrDamaged, walName(slot), i*sectorSize, w.describe(slot, i))
			}
		}
	}
	return nil
}

// checkNext looks at the two places where a next write group would begin. Only former content or zeros can be there,
// whether or not its write began; else a whole group may have rotted.
func (w *walScan) checkNext(l *loaded) error {
	slot, i := l.slot, l.end
	for range 2 {
		for end := min(i+blockSectors, len(w.sectors[slot])); i < end; i++ {
			if w.sectors[slot][i] == rotten {
				return fmt.Errorf("%w: %s byte %d: expected what write group %d or later replaces, found %s",
					ErrDamaged, walName(slot), i*sectorSize, l.number+1, w.describe(slot, i))
			}
		}
		slot, i = (slot+1)%len(w.files), blockSectors
	}
	return nil
}

// damage names a bad sector of a write group, and what it held (S6).
func (w *walScan) damage(l *loaded, sector int, why string) error {
	if why == "" {
		why = fmt.Sprintf("expected a sector of write group %d, found %s", l.number, w.describe(l.slot, sector))
	}
	more := ""
	if len(l.bad) > 1 {
		more = fmt.Sprintf(" (%d bad sectors in all)", len(l.bad))
	}
	return fmt.Errorf("%w: %s byte %d: write group %d, %s: %s%s", ErrDamaged, walName(l.slot), sector*sectorSize, l.number, l.holds(sector), why, more)
}

// holds says what of a write group is in a sector.
func (l *loaded) holds(sector int) string {
	d := l.dir()
	if d == nil {
		return "records unknown for both directories are bad"
	}
	from := int64(sector-l.start) * sectorPayload
	to := from + sectorPayload
	at := int64(dirLen(len(d.records)))
	if from < at {
		return fmt.Sprintf("first directory of %d records", len(d.records))
	}
	if from >= int64(d.copyAt)*blockPayload {
		return fmt.Sprintf("second directory of %d records", len(d.records))
	}
	text, last := "", ""
	for i := range d.records {
		h := &d.records[i]
		if at < to && at+int64(h.length) > from {
			if text == "" {
				text = h.String()
			} else {
				last = " to " + h.String()
			}
		}
		at += int64(h.length)
	}
	if text == "" {
		return "nothing but padding"
	}
	return text + last
}

// describe says what a sector holds.
func (w *walScan) describe(slot, sector int) string {
	switch is := w.sectors[slot][sector]; is {
	case 0:
		return "zeros"
	case rotten:
	default:
		return fmt.Sprintf("a sector of write group %d", is)
	}
	b := make([]byte, sectorSize)
	if err := readFull(w.files[slot], b, int64(sector)*sectorSize); err != nil {
		return err.Error()
	}
	low := uint64(binary.BigEndian.Uint32(b[sectorPayload+4:]))
	for s := range w.sectors {
		for i := blockSectors; i < len(w.sectors[s]); i++ {
			if n := w.high<<32 | low; sectorIs(b, w.ident, s, i, n) {
				return fmt.Sprintf("a sector of write group %d that belongs in %s byte %d (misdirected)", n, walName(s), i*sectorSize)
			}
		}
	}
	stored := binary.BigEndian.Uint32(b[sectorPayload:])
	return fmt.Sprintf("bytes that fit nowhere, which say crc %08x and write group %d", stored, low)
}
