package log

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// walScan is what a pass over all WAL files found: of each sector, the number of the write group that it proves to be of.
type walScan struct {
	id      Identity
	ident   uint64
	opt     Options
	files   []walFile
	high    uint64              // upper 32 bits of group numbers, give or take one
	sectors [][]uint64          // by slot, of whole files: a group's number, 0 for zeros, or one of the three below
	extents map[uint64][]extent // by write group, at most one of each file
	seeing  seeing
	top     uint64 // the highest number seen, 0 if there is none
	filled  filler // the one that says the highest number
	spare   []byte // what files are read into
	payload []byte // of the write group that was read last
}

// What a sector is that proves nothing.
const (
	rotten = math.MaxUint64     // it has bytes that fit nowhere
	unread = math.MaxUint64 - 1 // its block can't be read
	absent = math.MaxUint64 - 2 // the file ends before it
)

// bad says that a sector proves nothing: neither to be of a write group nor never to have been written.
func bad(is uint64) bool { return is >= absent }

// walFile is one file as it was found.
type walFile struct {
	f      File  // nil if it can't be opened
	err    error // why it can't be opened or measured
	size   int64
	header string // what is wrong with the header; empty if nothing is
}

// extent is from the first to the last sector of one write group that were seen in one file.
type extent struct {
	slot        int
	first, last int
}

// filler is a sector of a file that was made anew when the write groups up to a number counted.
type filler struct {
	upTo         uint64 // 0 if there is none
	slot, sector int
}

// errHigh ends a pass that found that the group numbers' upper bits are others.
var errHigh = errors.New("other upper bits")

// scanWAL opens and reads all WAL files. What can't be opened or read counts as damaged; the error is of a header that says
// that the WAL is another's, [ErrVersion] or [ErrForeign], or one for which a file couldn't be opened that may well be sound.
func scanWAL(fsys FS, id Identity, opt Options) (*walScan, error) {
	w := &walScan{id: id, ident: id.hash(), opt: opt, files: make([]walFile, opt.WALFiles)}
	for slot := range w.files {
		f, err := fsys.Open(walName(slot))
		if err != nil && !Gone(err) {
			w.close()
			return nil, fmt.Errorf("%s: %w", walName(slot), err)
		}
		if err != nil {
			f = nil
		}
		w.files[slot] = walFile{f: f, err: err}
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
		if f.f != nil {
			f.f.Close() // synced, or not relied upon
		}
	}
}

// pass reads all files.
func (w *walScan) pass() error {
	w.sectors, w.extents, w.seeing, w.top = nil, map[uint64][]extent{}, seeing{}, 0
	w.filled = filler{}
	for slot := range w.files {
		w.sectors = append(w.sectors, make([]uint64, w.opt.WALFileBytes/sectorSize))
		if err := w.passFile(slot); err != nil {
			return err
		}
	}
	return nil
}

func (w *walScan) passFile(slot int) error {
	f, all := &w.files[slot], w.sectors[slot]
	f.header = "it can't be read"
	if f.f != nil {
		if f.size, f.err = f.f.Size(); f.err != nil && !Gone(f.err) {
			return fmt.Errorf("%s: %w", walName(slot), f.err)
		} else if f.err != nil {
			f.size = 0
		}
	}
	size := min(f.size, w.opt.WALFileBytes) / sectorSize * sectorSize
	for i := int(size / sectorSize); i < len(all); i++ {
		all[i] = absent
		if f.f != nil && f.err != nil {
			all[i] = unread
		}
	}
	buf := w.buffer(int(min(size, scanBytes)))
	for off := int64(0); off < size; off += int64(len(buf)) {
		b := buf[:min(int64(len(buf)), size-off)]
		readPieces(f.f, b, off, func(from, to int64) {
			from, to = from/BlockSize*blockSectors, (to+BlockSize-1)/BlockSize*blockSectors
			for i := from; i < min(to, int64(len(all))); i++ {
				all[i] = unread
			}
		})
		if off == 0 && len(b) >= BlockSize && all[0] != unread {
			var err error
			if f.header, err = checkHeader(b[:BlockSize], w.id, w.opt, slot); err != nil {
				return err
			}
		}
		if err := w.chunk(b, slot, int(off/sectorSize)); err != nil {
			return err
		}
	}
	return nil
}

// buffer returns n bytes of any content, until the next call.
func (w *walScan) buffer(n int) []byte {
	if len(w.spare) < n {
		w.spare = AlignedBytes(n)
	}
	return w.spare[:n]
}

// readPieces reads b, in smaller and smaller pieces, down to sectors, where the device fails, and calls fail for what can't be read.
func readPieces(f io.ReaderAt, b []byte, off int64, fail func(from, to int64)) {
	if readFull(f, b, off) == nil {
		return
	}
	last := off + int64(len(b)) - 1
	piece := int64(sectorSize)
	switch {
	case off/sectorSize == last/sectorSize:
		fail(off, last+1)
		return
	case off/BlockSize != last/BlockSize:
		piece = BlockSize
	}
	for len(b) > 0 {
		n := min(int64(len(b)), piece-off%piece)
		readPieces(f, b[:n], off, fail)
		b, off = b[n:], off+n
	}
}

// chunk notes the sectors of some blocks, the first of which has number sector.
func (w *walScan) chunk(b []byte, slot, sector int) error {
	all := w.sectors[slot]
	for ; len(b) > 0; b, sector = b[sectorSize:], sector+1 {
		if sector < blockSectors || all[sector] == unread {
			continue // the header, or nothing
		}
		is := w.identify(b[:sectorSize], w.ident, slot, sector)
		if is == rotten {
			if is = w.identify(b[:sectorSize], w.ident^fillerSalt, slot, sector); is != rotten {
				all[sector] = is
				if is > w.filled.upTo {
					w.filled = filler{is, slot, sector}
				}
				continue
			}
		}
		if is == rotten && sector%blockSectors == 0 {
			if d, err := parseDirHead(b[:sectorPayload]); err == nil && d.number>>32 != w.high && sectorIs(b[:sectorSize], w.ident, slot, sector, d.number) && w.top == 0 {
				w.high = d.number >> 32
				return errHigh
			}
		}
		all[sector] = is
		if is != 0 && is != rotten {
			w.saw(is, slot, sector)
		}
	}
	return nil
}

// seeing is the write group that the last sector was of, and its extent in that file, nil if there is none.
type seeing struct {
	number uint64
	e      *extent
}

// saw notes a sector of a write group.
func (w *walScan) saw(number uint64, slot, sector int) {
	if s := &w.seeing; s.e != nil && s.number == number && s.e.slot == slot { // most are of the same one as that before them
		s.e.last = sector
		return
	}
	w.top = max(w.top, number)
	es := w.extents[number]
	if n := len(es); n == 0 || es[n-1].slot != slot {
		es = append(es, extent{slot: slot, first: sector})
		w.extents[number] = es
	}
	w.seeing = seeing{number, &es[len(es)-1]}
	w.seeing.e.last = sector
}

// extent returns where in a file a write group was seen.
func (w *walScan) extent(number uint64, slot int) (extent, bool) {
	for _, e := range w.extents[number] {
		if e.slot == slot {
			return e, true
		}
	}
	return extent{}, false
}

// identify returns the number of the write group that a sector of a log proves to be of.
func (w *walScan) identify(b []byte, ident uint64, slot, sector int) uint64 {
	low := uint64(binary.BigEndian.Uint32(b[sectorPayload+4:]))
	if low == 0 && isZero(b) {
		return 0
	}
	for _, high := range [...]uint64{w.high, w.high - 1, w.high + 1} {
		if n := high<<32 | low; n != 0 && !bad(n) && sectorIs(b, ident, slot, sector, n) {
			return n
		}
	}
	return rotten
}

// describe says what a sector holds.
func (w *walScan) describe(slot, sector int) string {
	switch is := w.sectors[slot][sector]; is {
	case 0:
		return "zeros"
	case absent:
		if err := w.files[slot].err; err != nil {
			return err.Error()
		}
		return fmt.Sprintf("the file's end at byte %d", w.files[slot].size)
	case unread, rotten:
	default:
		return fmt.Sprintf("a sector of write group %d", is)
	}
	b := make([]byte, sectorSize)
	if err := w.files[slot].err; err != nil {
		return err.Error()
	}
	if err := readFull(w.files[slot].f, b, int64(sector)*sectorSize); err != nil {
		return err.Error()
	}
	if w.sectors[slot][sector] == unread {
		return "a block that can't be read"
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
