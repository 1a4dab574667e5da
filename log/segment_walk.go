package log

import (
	"errors"
	"fmt"
	"io"
	"math"
)

// segmentWalk reads one segment's file batch by batch, believes nothing, and goes on behind what is damaged.
type segmentWalk struct {
	*inspection
	f     File
	name  string
	seg   *SegmentFile
	index *segment // nil if there is no good one
	until int64    // base of the next segment

	entry int    // of the index: the next that a batch has to begin at
	known int64  // byte, and
	since int64  // offset, where the running hash was last known by itself
	buf   []byte // bytes of the file,
	at    int64  // from here on
}

// begin looks for the running hash before the segment.
func (w *segmentWalk) begin() {
	base := w.seg.Base
	w.since = base
	b, err := w.small(base, startSuffix)
	start, ok := decodeStart(w.dir, b, base)
	switch {
	case base == 0:
		w.hash = anchor{0, true}
	case err == nil && ok:
		w.hash = anchor{start, true}
	case w.index != nil:
		w.hash = anchor{w.index.index[0].hash, true}
	case w.end != base:
		w.hash = anchor{}
	}
}

// prove compares the running hash with what is known of it at a place: no checksum of a batch covers its leader epoch, and none sees a
// batch that is sound and another.
func (w *segmentWalk) prove(pos, offset int64, hash uint64) {
	if w.deep && w.hash.known && w.hash.hash != hash {
		w.seg.Damage = append(w.seg.Damage, SegmentDamage{File: w.name, Byte: w.known, Bytes: pos - w.known, Offset: Range{w.since, offset},
			Found: fmt.Sprintf("running hash before offset %d is %016x, expected %016x", offset, w.hash.hash, hash)})
	}
	w.hash, w.known, w.since = anchor{hash, true}, pos, offset
}

func (w *segmentWalk) run() {
	s := w.seg
	pos, next := int64(0), s.Base
	for pos < s.Size {
		b, data, err := w.batch(pos, next)
		if err == nil {
			w.found(pos, b, data)
			pos, next = pos+int64(b.Length)+batchLengthEnd, b.NextOffset()
			continue
		}
		if next == w.until { // all that the segment is to have is before: it was cut short, and went on in the next
			s.Tail = s.Size - pos
			break
		}
		from, at := next, pos
		pos, next = w.resync(pos, next)
		w.hash, w.known, w.since = anchor{}, pos, next
		for x := w.index; x != nil && w.entry < len(x.index) && int64(x.index[w.entry].pos) < pos; {
			w.entry++ // it is of what is damaged
		}
		if pos == s.Size && !s.Closed && from >= w.mark.LogEnd {
			s.Tail = s.Size - at
			break
		}
		s.Damage = append(s.Damage, SegmentDamage{File: w.name, Byte: at, Bytes: pos - at, Offset: Range{from, next}, Found: err.Error()})
	}
	if x := w.index; x != nil && w.deep && next == x.end && pos == x.size {
		w.prove(pos, next, x.hash)
	}
	w.end = next
	if want := min(w.until, w.mark.LogEnd); next < want && want > w.mark.LogStart {
		s.Damage = append(s.Damage, SegmentDamage{File: w.name, Byte: s.Size, Offset: Range{next, want}, Found: fmt.Sprintf("the file ends at offset %d, expected %d", next, want)})
	}
}

// found counts a batch.
func (w *segmentWalk) found(pos int64, b Batch, data []byte) {
	s := w.seg
	s.Batches++
	s.End = b.NextOffset()
	s.MaxTimestamp = max(s.MaxTimestamp, b.MaxTimestamp)
	w.cover(Range{b.BaseOffset, b.NextOffset()})
	if !w.deep {
		return
	}
	if w.visit != nil {
		w.visit(b, data)
	}
	w.compare(pos, b.BaseOffset)
	w.hash.hash = HashBatch(w.hash.hash, data) // of no use if it wasn't known
	if b.NextOffset() == w.mark.LogEnd {
		w.prove(pos+int64(len(data)), w.mark.LogEnd, w.mark.BatchHash)
	}
}

// compare holds the index against where a batch begins.
func (w *segmentWalk) compare(pos, base int64) {
	x := w.index
	if x == nil || w.entry == len(x.index) {
		return
	}
	e := x.index[w.entry]
	switch is := int64(e.pos); {
	case is == pos && x.base+int64(e.offset) == base:
		w.prove(pos, base, e.hash)
		w.entry++
	case is <= pos:
		w.seg.Index = fmt.Sprintf("entry %d is of offset %d at byte %d, where no batch begins", w.entry, x.base+int64(e.offset), e.pos)
		w.index = nil
	}
}

// batch reads the batch at a position, which must begin with offset next.
func (w *segmentWalk) batch(pos, next int64) (Batch, []byte, error) {
	head, err := w.view(pos, BatchHeader)
	if err != nil {
		return Batch{}, nil, err
	}
	b, n, err := ParseBatch(head)
	if err != nil && !errors.Is(err, ErrShortBatch) {
		return b, nil, err
	}
	if int64(max(n, BatchHeader)) > w.seg.Size-pos {
		return b, nil, fmt.Errorf("%w: %d bytes of its %d are in the file", ErrShortBatch, w.seg.Size-pos, max(n, BatchHeader))
	}
	if b.BaseOffset != next || b.NextOffset() > w.until {
		return b, nil, fmt.Errorf("%w: a batch of offsets %d to %d, expected %d on, below %d", ErrBadBatch, b.BaseOffset, b.NextOffset()-1, next, w.until)
	}
	if !w.deep {
		return b, nil, nil
	}
	data, err := w.view(pos, n)
	if err == nil {
		err = CheckCRC(data)
	}
	return b, data, err
}

// resync finds where to go on behind damage: where the index says that a batch begins, or else where a sound one does. It returns the
// file's end if there is none.
func (w *segmentWalk) resync(pos, next int64) (int64, int64) {
	if x := w.index; x != nil {
		for _, e := range x.index {
			if base := x.base + int64(e.offset); int64(e.pos) > pos && base >= next {
				if b, _, err := w.batch(int64(e.pos), base); err == nil && b.BaseOffset == base {
					return int64(e.pos), base
				}
			}
		}
	}
	deep := w.deep
	w.deep = true // what a search finds counts with a good checksum only
	defer func() { w.deep = deep }()
	for pos++; pos+BatchHeader <= w.seg.Size; pos++ {
		head, err := w.view(pos, BatchHeader)
		if err != nil {
			pos += BlockSize - pos%BlockSize - 1
			continue
		}
		if head[16] != batchMagic || head[0]|head[1] != 0 {
			continue
		}
		b, _, err := ParseBatch(head)
		if err != nil && !errors.Is(err, ErrShortBatch) || b.BaseOffset < next || b.NextOffset() > w.until {
			continue
		}
		if _, _, err := w.batch(pos, b.BaseOffset); err == nil {
			return pos, b.BaseOffset
		}
	}
	if w.until < math.MaxInt64 {
		next = w.until
	}
	return w.seg.Size, max(next, min(w.until, w.mark.LogEnd))
}

// view returns bytes of the file, valid until the next call; fewer at its end.
func (w *segmentWalk) view(pos int64, n int) ([]byte, error) {
	if pos >= w.seg.Size { // an index may say so of a file that was cut
		return nil, fmt.Errorf("read: %w", io.ErrUnexpectedEOF)
	}
	n = int(min(int64(n), w.seg.Size-pos))
	if pos < w.at || pos+int64(n) > w.at+int64(len(w.buf)) {
		want := int64(n)
		if w.deep {
			want = max(want, scanChunk)
		}
		if want = min(want, w.seg.Size-pos); int64(cap(w.buf)) < want {
			w.buf = make([]byte, want)
		}
		w.buf, w.at = w.buf[:want], pos
		got, err := w.f.ReadAt(w.buf, pos)
		w.buf = w.buf[:got]
		if got < n {
			if err == nil || errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return nil, fmt.Errorf("read: %w", err)
		}
	}
	return w.buf[pos-w.at:][:n], nil
}
