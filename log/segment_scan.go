package log

import (
	"errors"
	"fmt"
	"io"
	"math"
)

// scanChunk is how much a scan reads at a time; a batch longer than that is read whole.
const scanChunk = 1 << 20

// scan is a pass over a segment's file, batch by batch, that believes nothing. What it can't read it passes over:
//
//	batches ── bad ── the batch that its length field leads to ── batches ── bad ── the next that a search finds ── end
//	kept       lost   kept                                                   lost   kept
type scan struct {
	file   File
	name   string
	size   int64  // of the file
	data   []byte // what was read ahead
	at     int64  // byte that data begins with
	opt    Options
	seg    *segment
	then   chain
	hash   anchor  // running, at seg.size
	pieces []piece // dense; while the hash isn't known they have links
	damage []string
	budget int64 // bytes that searches may still look at
}

// newScan begins to scan the file of a segment, before which the running hash is hash.
func newScan(file File, name string, base int64, hash anchor, opt Options) (*scan, error) {
	size, err := file.Size()
	if err != nil {
		return nil, err
	}
	return &scan{file: file, name: name, size: size, opt: opt, hash: hash, budget: 16*size + scanChunk,
		seg: &segment{base: base, end: base}, then: chain{next: base, epoch: anyChain.epoch}}, nil
}

// run takes the batches up to offset until, and notes what is lost between them. It ends short of that if the rest is lost.
// Leader epochs are left to the running hash: where they fall, either of two may have rotted.
func (s *scan) run(until int64) {
	for s.seg.end < until {
		s.then.epoch = anyChain.epoch
		err := s.step(until)
		if err == nil {
			continue
		}
		s.damaged(err)
		from, pos := s.seg.end, s.seg.size
		b, at, ok := s.resync(until)
		if !ok {
			return
		}
		s.seg.index = append(s.seg.index, indexEntry{offset: uint32(from - s.seg.base), pos: uint32(pos), maxTS: unknownTime})
		s.pieces = append(s.pieces, piece{seg: s.seg, from: from, to: b.BaseOffset, pos: pos, end: at, state: lost})
		s.seg.end, s.seg.size, s.hash, s.then.next = b.BaseOffset, at, anchor{}, b.BaseOffset
	}
}

// rest takes the batches that follow, up to the first that isn't whole and sound. No hash vouches for them, and the checksum
// leaves the leader epoch out: one that differs from the one before counts only if the next batch has it too.
func (s *scan) rest() {
	for {
		b, data, err := s.batch(s.seg.size, math.MaxInt64)
		if err != nil {
			return
		}
		if b.LeaderEpoch != s.then.epoch {
			next, _, err := s.batch(s.seg.size+int64(len(data)), math.MaxInt64)
			if err != nil || next.BaseOffset != b.NextOffset() || next.LeaderEpoch != b.LeaderEpoch {
				return
			}
		}
		if s.step(math.MaxInt64) != nil {
			return
		}
	}
}

// step takes the next batch, or says what is wrong with it.
func (s *scan) step(until int64) error {
	b, data, err := s.batch(s.seg.size, until)
	if err == nil {
		then := s.then
		if err = then.follow(b); err == nil {
			s.take(b, data)
			s.then = then
		}
	}
	return err
}

// batch returns the batch at a position, if it is whole, of good CRC, and doesn't go beyond an offset.
func (s *scan) batch(pos, until int64) (Batch, []byte, error) {
	data := s.view(pos, BatchHeader)
	b, n, err := parseBatchHead(data)
	if err == nil && len(data) < n || errors.Is(err, ErrShortBatch) {
		if need := int64(max(n, BatchHeader)); pos+need > s.size {
			_, _, err = ParseBatch(data)
			return b, nil, fmt.Errorf("%w: the file has %d bytes, expected %d at least", err, s.size, pos+need)
		}
		data = s.view(pos, n)
		b, n, err = ParseBatch(data)
	}
	if err == nil {
		err = CheckCRC(data[:n])
	}
	switch {
	case err != nil:
		return b, nil, err
	case b.NextOffset() > until:
		return b, nil, fmt.Errorf("%w: the batch at offset %d goes to %d, expected %d at most", ErrBadBatch, b.BaseOffset, b.NextOffset(), until)
	case pos > math.MaxUint32 || b.BaseOffset-s.seg.base > math.MaxUint32:
		return b, nil, fmt.Errorf("%w: the batch at offset %d is too far from the segment's base %d", ErrBadBatch, b.BaseOffset, s.seg.base)
	}
	return b, data[:n], nil
}

func (s *scan) take(b Batch, data []byte) {
	g := s.seg
	n := len(s.pieces)
	begins := n == 0 || s.pieces[n-1].state == lost || s.pieces[n-1].folded != s.hash.known
	if begins {
		s.pieces = append(s.pieces, piece{seg: g, from: g.end, pos: g.size, state: kept, folded: s.hash.known})
		n++
	}
	c := &s.pieces[n-1]
	g.index = g.index.add(g.base, g.size, b, s.hash.hash, s.opt.IndexBytes, begins)
	l := linkOf(data)
	if s.hash.known {
		s.hash.hash = l.after(s.hash.hash)
		c.behind = s.hash.hash
	} else {
		c.links = append(c.links, l)
	}
	g.size += int64(len(data))
	g.end = b.NextOffset()
	c.to, c.end = g.end, g.size
}

// resync finds the next batch behind a bad one: by the length fields of what is bad, as long as these make sense, else by a
// search.
func (s *scan) resync(until int64) (Batch, int64, bool) {
	for pos := s.seg.size; ; {
		h := s.view(pos, BatchHeader)
		_, n, err := ParseBatch(h)
		if n == 0 || !errors.Is(err, ErrShortBatch) && err != nil || pos+int64(n) >= s.size {
			break
		}
		pos += int64(n)
		if b, ok := s.follows(pos, until); ok {
			return b, pos, true
		}
	}
	for pos := s.seg.size + 1; pos+BatchHeader <= s.size && s.budget > 0; pos++ {
		s.budget--
		if s.view(pos, BatchHeader)[16] != batchMagic {
			continue
		}
		if b, ok := s.follows(pos, until); ok {
			return b, pos, true
		}
	}
	return Batch{}, 0, false
}

// follows says whether a batch at a position can be one behind a hole.
func (s *scan) follows(pos, until int64) (Batch, bool) {
	h := s.view(pos, BatchHeader)
	b, n, err := ParseBatch(h)
	if err != nil && !errors.Is(err, ErrShortBatch) || n == 0 || b.BaseOffset <= s.seg.end || b.BaseOffset >= until || pos+int64(n) > s.size {
		return b, false
	}
	if s.budget -= int64(n); s.budget < 0 {
		return b, false
	}
	b, _, err = s.batch(pos, until)
	return b, err == nil
}

// view returns n bytes from a position on, or what the file has of them. Sectors that can't be read are zeros: the checksum
// tells.
func (s *scan) view(pos int64, n int) []byte {
	has := func() []byte {
		from := min(max(pos-s.at, 0), int64(len(s.data)))
		return s.data[from:min(from+int64(n), int64(len(s.data)))]
	}
	end := min(pos+int64(n), s.size)
	if pos >= s.at && end <= s.at+int64(len(s.data)) {
		return has()
	}
	want := max(0, min(int64(max(n, scanChunk)), s.size-pos))
	if int64(cap(s.data)) < want {
		s.data = make([]byte, want)
	}
	s.data, s.at = s.data[:want], pos
	if err := readAt(s.file, s.data, pos); err != nil {
		s.blocks(err)
	}
	return has()
}

// blocks reads again, in ever smaller pieces, what couldn't be read at once: one unreadable sector is no reason to lose the
// batches beside it, which may be lost on other replicas (S5).
func (s *scan) blocks(err error) {
	s.damage = append(s.damage, fmt.Sprintf("segment %s: byte %d: read of %d bytes: %v", s.name, s.at, len(s.data), err))
	readPieces(s.file, s.data, s.at, func(from, to int64) { clear(s.data[from-s.at : to-s.at]) })
}

// readAt reads len(b) bytes, zeros where the file ends before.
func readAt(f io.ReaderAt, b []byte, at int64) error {
	n, err := f.ReadAt(b, at)
	clear(b[n:])
	if n == len(b) || errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// damaged notes what is wrong at the place where the scan is.
func (s *scan) damaged(err error) {
	s.damage = append(s.damage, fmt.Sprintf("segment %s: byte %d, offset %d: %v", s.name, s.seg.size, s.seg.end, err))
}
