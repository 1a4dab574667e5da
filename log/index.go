package log

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"sort"
)

// errBadIndex is wrapped when the bytes of an index file can't be relied upon; the segment itself is then read instead.
var errBadIndex = errors.New("bad index")

// indexEntry stands for a run of batches, an interval, that is at least Options.IndexBytes long (the last one of a segment
// may be shorter) and begins with a batch.
type indexEntry struct {
	offset uint32 // of the first batch, less the segment's base
	pos    uint32 // of the first batch in the file
	maxTS  int64  // highest timestamp of the interval, ms
}

// index is the sparse index of one segment: 16 bytes of memory for each IndexBytes on disk. An interval reaches to the next
// entry; offsets and positions rise strictly, and the first entry is at 0, 0.
type index []indexEntry

// add notes a batch that begins at pos.
func (x index) add(base, pos int64, b Batch, indexBytes int) index {
	if n := len(x); n > 0 && pos-int64(x[n-1].pos) < int64(indexBytes) {
		x[n-1].maxTS = max(x[n-1].maxTS, b.MaxTimestamp)
		return x
	}
	return append(x, indexEntry{offset: uint32(b.BaseOffset - base), pos: uint32(pos), maxTS: b.MaxTimestamp})
}

// at returns the place of the interval that contains the offset rel, which is relative to the base; the index isn't empty.
func (x index) at(rel int64) int {
	return sort.Search(len(x), func(i int) bool { return int64(x[i].offset) > rel }) - 1
}

// after returns the position where interval i ends in a file of the given size.
func (x index) after(i int, size int64) int64 {
	if i+1 < len(x) {
		return int64(x[i+1].pos)
	}
	return size
}

// An index file belongs to one closed segment; big endian.
//
//	 0         8         16        24         32        36
//	┌─────────┬─────────┬─────────┬──────────┬─────────┬──────────────────────────────────┬─────────┐
//	│"LOGDIDX1"│ base   │ end     │ bytes of │ number  │ offset − base (4), position (4), │ crc32c  │
//	│         │ offset  │ offset  │ the .log │ of n    │ max timestamp (8), n times       │ of all  │
//	└─────────┴─────────┴─────────┴──────────┴─────────┴──────────────────────────────────┴─────────┘
//
// On disk, don't change.
const (
	indexMagic     = "LOGDIDX1"
	indexHeader    = 36
	indexEntrySize = 16
)

// encodeIndex returns the index file of a closed segment.
func encodeIndex(s *segment) []byte {
	b := make([]byte, 0, indexHeader+len(s.index)*indexEntrySize+4)
	b = append(b, indexMagic...)
	b = binary.BigEndian.AppendUint64(b, uint64(s.base))
	b = binary.BigEndian.AppendUint64(b, uint64(s.end))
	b = binary.BigEndian.AppendUint64(b, uint64(s.size))
	b = binary.BigEndian.AppendUint32(b, uint32(len(s.index)))
	for _, e := range s.index {
		b = binary.BigEndian.AppendUint32(b, e.offset)
		b = binary.BigEndian.AppendUint32(b, e.pos)
		b = binary.BigEndian.AppendUint64(b, uint64(e.maxTS))
	}
	return withCRC(b)
}

// withCRC appends the checksum of b.
func withCRC(b []byte) []byte {
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// decodeIndex reads an index file back. What it returns is in order and within the segment's bounds; whether these are the
// segment's on disk is for the caller to compare. The error wraps errBadIndex.
func decodeIndex(b []byte) (*segment, error) {
	if len(b) < indexHeader+4 || !bytes.HasPrefix(b, []byte(indexMagic)) {
		return nil, fmt.Errorf("%w: no header in %d bytes", errBadIndex, len(b))
	}
	n := int64(binary.BigEndian.Uint32(b[32:]))
	if want := indexHeader + n*indexEntrySize + 4; int64(len(b)) != want {
		return nil, fmt.Errorf("%w: has %d bytes, expected %d for %d entries", errBadIndex, len(b), want, n)
	}
	body := b[:len(b)-4]
	want, got := binary.BigEndian.Uint32(b[len(body):]), crc32.Checksum(body, castagnoli)
	if got != want {
		return nil, fmt.Errorf("%w: crc is %08x, expected %08x", errBadIndex, got, want)
	}
	s := &segment{
		base: int64(binary.BigEndian.Uint64(b[8:])),
		end:  int64(binary.BigEndian.Uint64(b[16:])),
		size: int64(binary.BigEndian.Uint64(b[24:])),
	}
	s.index = make(index, 0, n)
	for p := body[indexHeader:]; len(p) > 0; p = p[indexEntrySize:] {
		s.index = append(s.index, indexEntry{
			offset: binary.BigEndian.Uint32(p),
			pos:    binary.BigEndian.Uint32(p[4:]),
			maxTS:  int64(binary.BigEndian.Uint64(p[8:])),
		})
	}
	return s, s.check()
}

// check says what in an index can't be true of any segment.
func (s *segment) check() error {
	if s.base < 0 || s.end <= s.base || s.size <= 0 || len(s.index) == 0 || s.index[0].offset != 0 || s.index[0].pos != 0 {
		return fmt.Errorf("%w: offsets %d to %d, %d bytes, %d entries", errBadIndex, s.base, s.end, s.size, len(s.index))
	}
	for i, e := range s.index {
		inOrder := i == 0 || e.offset > s.index[i-1].offset && e.pos > s.index[i-1].pos
		if !inOrder || int64(e.offset) >= s.end-s.base || int64(e.pos) >= s.size {
			return fmt.Errorf("%w: entry %d, offset %d at byte %d, is out of order or bounds", errBadIndex, i, s.base+int64(e.offset), e.pos)
		}
	}
	return nil
}
