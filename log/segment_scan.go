package log

import (
	"errors"
	"fmt"
	"io"
	"math"
)

// scanChunk is how much a scan reads at a time; a batch longer than that is read whole.
const scanChunk = 1 << 20

// scan is a pass over a segment's file, batch by batch, that believes nothing.
type scan struct {
	file File
	name string
	size int64  // of the file
	data []byte // what was read ahead, from byte seg.size on
	seg  *segment
	then chain
}

// scanSegment reads the batches of a segment's file from the first on, which has offset base, up to offset until, checks
// that each has a good CRC and follows from the one before it, and indexes them. Bytes behind are not looked at. The error
// wraps [ErrDamaged], unless the file couldn't be read. It allocates no more than a chunk, or the file's size.
func scanSegment(file File, name string, base, until int64, indexBytes int) (*scan, error) {
	size, err := file.Size()
	if err != nil {
		return nil, err
	}
	s := &scan{file: file, name: name, size: size, seg: &segment{base: base, end: base}, then: chain{next: base, epoch: anyChain.epoch}}
	for s.seg.end < until {
		if err := s.step(until, indexBytes); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// step takes the next batch.
func (s *scan) step(until int64, indexBytes int) error {
	b, n, err := ParseBatch(s.data)
	if errors.Is(err, ErrShortBatch) {
		if need := int64(max(n, BatchHeader)); s.seg.size+need > s.size {
			return s.damaged("the file has %d bytes, expected %d at least, with batches up to offset %d", s.size, s.seg.size+need, until)
		}
		return s.fill(max(n, BatchHeader))
	}
	if err == nil {
		err = s.then.follow(b)
	}
	if err == nil {
		err = CheckCRC(s.data[:n])
	}
	switch {
	case err != nil:
		return s.damaged("%w", err)
	case b.NextOffset() > until:
		return s.damaged("the batch at offset %d goes to %d, expected %d at most", b.BaseOffset, b.NextOffset(), until)
	case s.seg.size > math.MaxUint32 || b.BaseOffset-s.seg.base > math.MaxUint32:
		return s.damaged("the batch at offset %d is too far from the segment's base %d", b.BaseOffset, s.seg.base)
	}
	s.seg.index = s.seg.index.add(s.seg.base, s.seg.size, b, indexBytes)
	s.seg.size += int64(n)
	s.seg.end = b.NextOffset()
	s.data = s.data[n:]
	return nil
}

// fill reads ahead, at least need bytes, which the file has.
func (s *scan) fill(need int) error {
	buf := make([]byte, min(int64(max(need, scanChunk)), s.size-s.seg.size))
	n, err := s.file.ReadAt(buf, s.seg.size)
	if n == len(buf) || errors.Is(err, io.EOF) {
		err = nil
	}
	if err == nil && n < need {
		return s.damaged("read %d bytes, expected %d of a file of %d", n, need, s.size)
	}
	if err != nil {
		return fmt.Errorf("segment %s: byte %d: %w", s.name, s.seg.size, err)
	}
	s.data = buf[:n]
	return nil
}

// damaged returns an error that names the place.
func (s *scan) damaged(format string, args ...any) error {
	return fmt.Errorf("%w: segment %s: byte %d, offset %d: %w", ErrDamaged, s.name, s.seg.size, s.seg.end, fmt.Errorf(format, args...))
}
