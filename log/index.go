package log

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"sort"
)

// errBadIndex is wrapped when the bytes of an index file can't be relied upon; the segment itself is then read instead.
var errBadIndex = errors.New("bad index")

// indexEntry stands for a run of batches, an interval, that is at least Options.IndexBytes long (the last one of a segment
// may be shorter, and those before a hole) and begins with a batch.
type indexEntry struct {
	offset uint32 // of the first batch, less the segment's base
	pos    uint32 // of the first batch in the file
	maxTS  int64  // highest timestamp of the interval, ms
	hash   uint64 // running batch hash before the interval; not known, and not looked at, within a span
}

// index is the sparse index of one segment: 24 bytes of memory for each IndexBytes on disk. An interval reaches to the next
// entry; offsets and positions rise strictly, and the first entry is at 0, 0.
type index []indexEntry

// add notes a batch that begins at pos, with the running hash before it. If begin, it begins an interval in any case.
func (x index) add(base, pos int64, b Batch, hash uint64, indexBytes int, begin bool) index {
	if n := len(x); n > 0 && !begin && pos-int64(x[n-1].pos) < int64(indexBytes) {
		x[n-1].maxTS = max(x[n-1].maxTS, b.MaxTimestamp)
		return x
	}
	return append(x, indexEntry{offset: uint32(b.BaseOffset - base), pos: uint32(pos), maxTS: b.MaxTimestamp, hash: hash})
}

// insert notes a batch that fills a part of a hole.
func (x index) insert(base, pos int64, b Batch, indexBytes int) index {
	i, same := x.boundary(pos)
	if !same && i > 0 && pos-int64(x[i-1].pos) < int64(indexBytes) {
		i, same = i-1, true
	}
	if same {
		x[i].maxTS = max(x[i].maxTS, b.MaxTimestamp)
		return x
	}
	return slices.Insert(x, i, indexEntry{offset: uint32(b.BaseOffset - base), pos: uint32(pos), maxTS: b.MaxTimestamp})
}

// boundary returns the first entry at or behind a position, and whether it is at it.
func (x index) boundary(pos int64) (int, bool) {
	i := sort.Search(len(x), func(i int) bool { return int64(x[i].pos) >= pos })
	return i, i < len(x) && int64(x[i].pos) == pos
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

// An index file belongs to one closed segment; big endian. As each interval's running batch hash is known, and the one at the
// end, each interval can be verified and repaired by itself, base offsets and leader epochs included.
//
//	 0         8         16        24         32        40        44
//	┌─────────┬─────────┬─────────┬──────────┬─────────┬─────────┬────────────────────────────────┬─────────┐
//	│"LOGDIDX3"│ base   │ end     │ bytes of │ hash at │ number  │ offset − base (4), position (4), │ crc32c │
//	│         │ offset  │ offset  │ the .log │ the end │ of n    │ max timestamp (8),               │ of all │
//	│         │         │         │          │         │         │ hash before (8), n times         │        │
//	└─────────┴─────────┴─────────┴──────────┴─────────┴─────────┴────────────────────────────────┴─────────┘
//
// The checksum begins with the name of the segments' folder, so that a file of another group's segment at the same offset isn't taken
// for ours. Version 1 had no hashes, version 2 no folder; files of these count as bad, so they are made anew by reading the segments.
// On disk, don't change.
const (
	indexMagic     = "LOGDIDX3"
	indexHeader    = 44
	indexEntrySize = 24
)

// encodeIndex returns the index file of a closed segment in a folder.
func encodeIndex(dir string, s *segment) []byte {
	b := make([]byte, 0, indexHeader+len(s.index)*indexEntrySize+4)
	b = append(b, indexMagic...)
	b = binary.BigEndian.AppendUint64(b, uint64(s.base))
	b = binary.BigEndian.AppendUint64(b, uint64(s.end))
	b = binary.BigEndian.AppendUint64(b, uint64(s.size))
	b = binary.BigEndian.AppendUint64(b, s.hash)
	b = binary.BigEndian.AppendUint32(b, uint32(len(s.index)))
	for _, e := range s.index {
		b = binary.BigEndian.AppendUint32(b, e.offset)
		b = binary.BigEndian.AppendUint32(b, e.pos)
		b = binary.BigEndian.AppendUint64(b, uint64(e.maxTS))
		b = binary.BigEndian.AppendUint64(b, e.hash)
	}
	return withCRC(dir, b)
}

// withCRC appends the checksum of a folder's name and b.
func withCRC(dir string, b []byte) []byte {
	return binary.BigEndian.AppendUint32(b, crcIn(dir, b))
}

// crcIn returns the checksum of a folder's name and b.
func crcIn(dir string, b []byte) uint32 {
	return crc32.Update(crc32.Checksum([]byte(dir), castagnoli), castagnoli, b)
}

// decodeIndex reads an index file of a folder back. What it returns is in order and within the segment's bounds; whether these are the
// segment's on disk is for the caller to compare. The error wraps errBadIndex.
func decodeIndex(dir string, b []byte) (*segment, error) {
	if len(b) < indexHeader+4 || !bytes.HasPrefix(b, []byte(indexMagic)) {
		return nil, fmt.Errorf("%w: no header in %d bytes", errBadIndex, len(b))
	}
	n := int64(binary.BigEndian.Uint32(b[40:]))
	if want := indexHeader + n*indexEntrySize + 4; int64(len(b)) != want {
		return nil, fmt.Errorf("%w: has %d bytes, expected %d for %d entries", errBadIndex, len(b), want, n)
	}
	body := b[:len(b)-4]
	want, got := binary.BigEndian.Uint32(b[len(body):]), crcIn(dir, body)
	if got != want {
		return nil, fmt.Errorf("%w: crc is %08x, expected %08x", errBadIndex, got, want)
	}
	s := &segment{
		base: int64(binary.BigEndian.Uint64(b[8:])),
		end:  int64(binary.BigEndian.Uint64(b[16:])),
		size: int64(binary.BigEndian.Uint64(b[24:])),
		hash: binary.BigEndian.Uint64(b[32:]),
	}
	s.index = make(index, 0, n)
	for p := body[indexHeader:]; len(p) > 0; p = p[indexEntrySize:] {
		s.index = append(s.index, indexEntry{
			offset: binary.BigEndian.Uint32(p),
			pos:    binary.BigEndian.Uint32(p[4:]),
			maxTS:  int64(binary.BigEndian.Uint64(p[8:])),
			hash:   binary.BigEndian.Uint64(p[16:]),
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

// A start file says which running batch hash an open segment begins with, for the file before it may be trimmed, damaged, or,
// after a reset, never have been; it stays with the segment. A segment at offset 0 begins with 0, and has none. Big endian.
//
//	 0           8             16            24        28
//	┌───────────┬─────────────┬─────────────┬─────────┐
//	│"LOGDSTA2" │ base offset │ hash before │ crc32c  │
//	└───────────┴─────────────┴─────────────┴─────────┘
//
// The checksum begins with the folder's name, as that of an index file does; in version 1 it didn't, and a file of it counts as bad.
// On disk, don't change.
const startMagic = "LOGDSTA2"

func encodeStart(dir string, base int64, hash uint64) []byte {
	b := append(make([]byte, 0, 28), startMagic...)
	b = binary.BigEndian.AppendUint64(b, uint64(base))
	return withCRC(dir, binary.BigEndian.AppendUint64(b, hash))
}

// decodeStart reads back the hash of the start file of the segment at base.
func decodeStart(dir string, b []byte, base int64) (hash uint64, ok bool) {
	if len(b) != 28 || int64(binary.BigEndian.Uint64(b[8:])) != base {
		return 0, false
	}
	hash = binary.BigEndian.Uint64(b[16:])
	return hash, bytes.Equal(b, encodeStart(dir, base, hash))
}
