package broker

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

const (
	maxZstdWindow  = 32 << 20 // bytes of memory that a zstd frame may ask for
	maxSnappyBlock = 32 << 20 // bytes that one block of snappy may inflate to
)

// errInflatesTooFar is wrapped when compressed bytes inflate past a bound.
var errInflatesTooFar = errors.New("inflates too far")

// inflate returns a reader of what compressed bytes hold. It runs on the goroutine that reads, whatever the codec.
func inflate(codec int, b []byte) (io.Reader, error) {
	switch codec {
	case codecGzip:
		return gzip.NewReader(bytes.NewReader(b))
	case codecSnappy:
		return newSnappyReader(b), nil
	case codecLZ4:
		return lz4.NewReader(bytes.NewReader(b)), nil // at concurrency 1, its default
	case codecZstd:
		return zstd.NewReader(bytes.NewReader(b), zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(maxZstdWindow))
	}
	return nil, fmt.Errorf("compression type %d is unknown", codec)
}

// limitedReader fails once more than left bytes are asked for.
type limitedReader struct {
	r    io.Reader
	left int64
}

func (l *limitedReader) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, fmt.Errorf("%w: past %d bytes", errInflatesTooFar, maxInflated)
	}
	if int64(len(p)) > l.left {
		p = p[:l.left]
	}
	n, err := l.r.Read(p)
	l.left -= int64(n)
	return n, err
}

// xerialMagic begins snappy as Java writes it (xerial's SnappyOutputStream): then two versions, then blocks, each with its
// length before it. Other clients write one block without any of that.
var xerialMagic = []byte{0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0}

const xerialHeader = 16

// snappyReader reads both.
type snappyReader struct {
	in     []byte
	xerial bool
	block  []byte // inflated, not yet read
	buf    []byte // for reuse
}

func newSnappyReader(b []byte) *snappyReader {
	if len(b) >= xerialHeader && bytes.HasPrefix(b, xerialMagic) {
		return &snappyReader{in: b[xerialHeader:], xerial: true}
	}
	return &snappyReader{in: b}
}

func (s *snappyReader) Read(p []byte) (int, error) {
	for len(s.block) == 0 {
		if len(s.in) == 0 {
			return 0, io.EOF
		}
		if err := s.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, s.block)
	s.block = s.block[n:]
	return n, nil
}

// next inflates one block.
func (s *snappyReader) next() error {
	in := s.in
	if s.xerial {
		if len(s.in) < 4 {
			return io.ErrUnexpectedEOF
		}
		size := binary.BigEndian.Uint32(s.in)
		if uint64(size) > uint64(len(s.in)-4) {
			return io.ErrUnexpectedEOF
		}
		in, s.in = s.in[4:4+size], s.in[4+size:]
	} else {
		s.in = nil
	}
	size, err := s2.DecodedLen(in)
	if err != nil {
		return err
	}
	if size > maxSnappyBlock {
		return fmt.Errorf("%w: a block of snappy to %d bytes, at most %d", errInflatesTooFar, size, maxSnappyBlock)
	}
	if cap(s.buf) < size {
		s.buf = make([]byte, size)
	}
	s.block, err = s2.Decode(s.buf[:cap(s.buf)], in)
	return err
}
