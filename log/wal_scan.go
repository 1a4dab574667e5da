package log

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// walScan is what a pass over all WAL files found: of each sector, the number of the write group that it proves to be of.
type walScan struct {
	id      Identity
	ident   uint64
	opt     Options
	files   []File
	high    uint64     // upper 32 bits of group numbers, give or take one
	sectors [][]uint64 // by slot: a group's number, 0 for zeros, rotten for neither
	extents map[uint64]*extent
	top     uint64 // the highest number seen, 0 if there is none
}

// rotten stands for a sector that proves nothing.
const rotten = math.MaxUint64

// extent is from the first to the last sector of one write group that were seen.
type extent struct {
	slot        int
	first, last int
	split       bool // there are some in another file too
}

// errHigh ends a pass that found that the group numbers' upper bits are others.
var errHigh = errors.New("other upper bits")

// scanWAL opens and reads all WAL files. The error wraps [ErrDamaged], [ErrVersion] or [ErrForeign].
func scanWAL(fsys FS, id Identity, opt Options) (*walScan, error) {
	w := &walScan{id: id, ident: id.hash(), opt: opt}
	for slot := range opt.WALFiles {
		f, err := fsys.Open(walName(slot))
		if err != nil {
			w.close()
			return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		w.files = append(w.files, f)
	}
	err := w.pass()
	if errors.Is(err, errHigh) {
		err = w.pass()
	}
	if err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

func (w *walScan) close() {
	for _, f := range w.files {
		f.Close() // synced, or not relied upon
	}
}

// pass reads all files.
func (w *walScan) pass() error {
	w.sectors, w.extents, w.top = nil, map[uint64]*extent{}, 0
	for slot, f := range w.files {
		size, err := f.Size()
		if err != nil {
			return fmt.Errorf("%w: %s: %w", ErrDamaged, walName(slot), err)
		}
		if size != w.opt.WALFileBytes {
			return fmt.Errorf("%w: %s has %d bytes, expected %d", ErrDamaged, walName(slot), size, w.opt.WALFileBytes)
		}
		w.sectors = append(w.sectors, make([]uint64, size/sectorSize))
		err = eachChunk(f, 0, func(b []byte, off int64) error {
			if off == 0 {
				if err := checkHeader(b[:BlockSize], w.id, w.opt, slot); err != nil {
					return err
				}
			}
			return w.chunk(b, slot, int(off/sectorSize))
		})
		if err != nil {
			if !errors.Is(err, ErrForeign) && !errors.Is(err, ErrVersion) && !errors.Is(err, ErrDamaged) && !errors.Is(err, errHigh) {
				err = fmt.Errorf("%w: %s: %w", ErrDamaged, walName(slot), err)
			}
			return err
		}
	}
	return nil
}

// chunk notes the sectors of some blocks, the first of which has number sector.
func (w *walScan) chunk(b []byte, slot, sector int) error {
	var e *extent // of the group number n
	var n uint64
	for ; len(b) > 0; b, sector = b[sectorSize:], sector+1 {
		if sector < blockSectors {
			continue // the header
		}
		is := w.identify(b[:sectorSize], slot, sector)
		if is == rotten && sector%blockSectors == 0 {
			if d, _, err := parseDirHead(b[:sectorPayload]); err == nil && d.number>>32 != w.high && sectorIs(b[:sectorSize], w.ident, slot, sector, d.number) && w.top == 0 {
				w.high = d.number >> 32
				return errHigh
			}
		}
		w.sectors[slot][sector] = is
		if is == 0 || is == rotten {
			continue
		}
		if is != n || e == nil {
			n, e = is, w.extents[is]
		}
		if e == nil {
			e = &extent{slot: slot, first: sector}
			w.extents[is] = e
		}
		if e.slot == slot {
			e.last = sector
		} else {
			e.split = true
		}
		w.top = max(w.top, is)
	}
	return nil
}

// identify returns the number of the write group that a sector proves to be of.
func (w *walScan) identify(b []byte, slot, sector int) uint64 {
	low := uint64(binary.BigEndian.Uint32(b[sectorPayload+4:]))
	if low == 0 && isZero(b) {
		return 0
	}
	for _, high := range [...]uint64{w.high, w.high - 1, w.high + 1} {
		if n := high<<32 | low; n != 0 && n != rotten && sectorIs(b, w.ident, slot, sector, n) {
			return n
		}
	}
	return rotten
}

// loaded is one write group as read back. Sectors are numbered in the file.
type loaded struct {
	number     uint64
	slot       int
	start, end int    // sectors start to end-1, whole blocks
	sized      bool   // end is what a directory or the trailer says, not only the last sector seen
	odd        bool   // sectors of it lie behind the end that its directory says
	payload    []byte // without the sectors' ends; bytes of bad sectors are zeros
	bad        []int  // sectors that aren't the group's
	dirs       [2]*directory
}

// load reads the write group that begins with a block of a file.
func (w *walScan) load(number uint64, slot, block int) (*loaded, error) {
	l := &loaded{number: number, slot: slot, start: block * blockSectors}
	e := w.extents[number]
	l.end = (e.last/blockSectors + 1) * blockSectors
	all := w.sectors[slot]
	buf := AlignedBytes((l.end - l.start) * sectorSize)
	if err := readFull(w.files[slot], buf, int64(l.start)*sectorSize); err != nil {
		return nil, fmt.Errorf("%w: %s: write group %d: %w", ErrDamaged, walName(slot), number, err)
	}
	l.payload = make([]byte, 0, (l.end-l.start)*sectorPayload)
	var zeros [sectorPayload]byte
	for i := l.start; i < l.end; i++ {
		b := buf[(i-l.start)*sectorSize:]
		if all[i] == number && !sectorIs(b[:sectorSize], w.ident, slot, i, number) {
			all[i] = rotten // it was read as another one a moment ago
		}
		if all[i] == number {
			l.payload = append(l.payload, b[:sectorPayload]...)
		} else {
			l.payload = append(l.payload, zeros[:]...)
		}
	}
	l.size(all, len(all))
	for i := l.start; i < l.end; i++ {
		if all[i] != number {
			l.bad = append(l.bad, i)
		}
	}
	return l, nil
}

// size finds the directories, and by them where the group ends.
func (l *loaded) size(all []uint64, sectors int) {
	end := l.end
	if all[l.start] == l.number {
		if d, _, err := parseDirHead(l.payload); err == nil && d.number == l.number {
			end, l.sized = l.start+d.blocks*blockSectors, true
		}
	}
	if blocks, copyAt, ok := parseTrailer(l.payload); ok && all[l.end-1] == l.number {
		if !l.sized && l.start+blocks*blockSectors == l.end {
			l.sized = true
		}
		if end == l.end && copyAt > 0 && copyAt < blocks && blocks*blockPayload == len(l.payload) {
			l.dirs[1] = l.parse(copyAt * blockPayload)
		}
	}
	l.dirs[0] = l.parse(0)
	l.odd = end > sectors || end < l.end
	if !l.odd {
		l.end = end
	}
}

func (l *loaded) parse(at int) *directory {
	d, err := parseDir(l.payload[at:])
	if err != nil || d.number != l.number {
		return nil
	}
	return &d
}

// dir returns the directory that can be read, nil if there is none.
func (l *loaded) dir() *directory {
	if l.dirs[0] != nil {
		return l.dirs[0]
	}
	return l.dirs[1]
}
