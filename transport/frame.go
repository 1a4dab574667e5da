package transport

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// MaxFrame is the length of the largest frame, in bytes, without the length field itself. It is Kafka's default
// socket.request.max.bytes.
const MaxFrame = 100 << 20

// ErrFrame is wrapped by errors about a frame's length. The connection can't be read any further.
var ErrFrame = errors.New("bad frame")

const (
	lenBytes   = 4
	firstAlloc = 4 << 10
	keptFrames = 16 // a list of frames that was longer isn't used again
)

// Frames cuts a connection's bytes into frames: a big-endian int32 length, then so many bytes. The zero value is ready and
// has the limit [MaxFrame].
type Frames struct {
	limit int
	head  []byte   // bytes of a length field that is not whole yet; shorter than lenBytes
	want  int      // length of the frame being gathered, if gathering
	buf   []byte   // what arrived of it; len(buf) < want
	open  bool     // gathering
	done  [][]byte // whole frames
	taken int      // of done, its first ones; taken <= len(done)
	err   error
}

// NewFrames returns a cutter that refuses frames longer than limit.
func NewFrames(limit int) *Frames { return &Frames{limit: limit} }

// Feed takes the next bytes of the connection; p is not kept.
func (f *Frames) Feed(p []byte) {
	for len(p) > 0 && f.err == nil {
		if !f.open {
			n := min(lenBytes-len(f.head), len(p))
			f.head = append(f.head, p[:n]...)
			p = p[n:]
			if len(f.head) == lenBytes {
				f.begin(int32(binary.BigEndian.Uint32(f.head)), len(p))
			}
			continue
		}
		n := min(f.want-len(f.buf), len(p))
		f.grow(n)
		f.buf = append(f.buf, p[:n]...)
		p = p[n:]
		f.finish()
	}
}

// Next returns the next whole frame, without its length field; it belongs to the caller. ok is false if none is whole yet.
// An error wraps [ErrFrame], comes after all frames before the bad one, and stays.
func (f *Frames) Next() (frame []byte, ok bool, err error) {
	if f.taken == len(f.done) {
		return nil, false, f.err
	}
	frame, f.done[f.taken] = f.done[f.taken], nil
	if f.taken++; f.taken == len(f.done) {
		f.done, f.taken = f.done[:0], 0
		if cap(f.done) > keptFrames {
			f.done = nil
		}
	}
	return frame, true, nil
}

// Pending returns how many bytes are held of a frame that is not whole yet.
func (f *Frames) Pending() int { return len(f.head) + len(f.buf) }

// Begun returns what is held of a frame that is not whole yet, and the length that it is to have; nil if its length field isn't whole.
// It is valid until the next Feed.
func (f *Frames) Begun() (begun []byte, want int) {
	if !f.open {
		return nil, 0
	}
	return f.buf, f.want
}

func (f *Frames) begin(length int32, here int) {
	f.head = f.head[:0]
	limit := f.limit
	if limit == 0 {
		limit = MaxFrame
	}
	if length < 0 || int(length) > limit {
		f.err = fmt.Errorf("%w: length %d, allowed are 0 to %d", ErrFrame, length, limit)
		return
	}
	f.open, f.want = true, int(length)
	f.buf = make([]byte, 0, min(f.want, max(here, firstAlloc)))
	f.finish()
}

// grow makes room for n more bytes: by doubling, and once a quarter of the frame is here, for all of it (T1).
func (f *Frames) grow(n int) {
	need := len(f.buf) + n
	if need <= cap(f.buf) {
		return
	}
	room := min(f.want, max(need, 2*cap(f.buf)))
	if need >= f.want/4 {
		room = f.want
	}
	bigger := make([]byte, len(f.buf), room)
	copy(bigger, f.buf)
	f.buf = bigger
}

func (f *Frames) finish() {
	if len(f.buf) < f.want {
		return
	}
	f.done = append(f.done, f.buf)
	f.open, f.buf, f.want = false, nil, 0
}
