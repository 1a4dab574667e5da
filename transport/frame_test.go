package transport

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func framed(body []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
}

// However a stream is cut, the same frames come out of it.
func TestFramesAnyCut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bodies := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 20_000), 0, 6).Draw(t, "bodies")
		var stream []byte
		for _, b := range bodies {
			stream = append(stream, framed(b)...)
		}
		tail := rapid.IntRange(0, 3).Draw(t, "bytes of the next length")
		stream = append(stream, make([]byte, tail)...)
		var f Frames
		var got [][]byte
		for rest := stream; len(rest) > 0; {
			n := rapid.OneOf(rapid.IntRange(1, 8), rapid.IntRange(1, 30_000)).Draw(t, "cut")
			n = min(n, len(rest))
			piece := bytes.Clone(rest[:n])
			f.Feed(piece)
			clear(piece) // it is valid during Feed only
			rest = rest[n:]
			for {
				frame, ok, err := f.Next()
				if err != nil {
					t.Fatal(err)
				}
				if !ok {
					break
				}
				got = append(got, frame)
			}
		}
		if len(got) != len(bodies) {
			t.Fatalf("%d frames came out, %d went in", len(got), len(bodies))
		}
		for i := range got {
			if !bytes.Equal(got[i], bodies[i]) {
				t.Fatalf("frame %d differs", i)
			}
		}
		if f.Pending() != tail {
			t.Fatalf("%d bytes pending, want %d", f.Pending(), tail)
		}
	})
}

// T1: the declared length buys no memory.
func TestFramesGrowWithWhatArrives(t *testing.T) {
	var f Frames
	f.Feed(binary.BigEndian.AppendUint32(nil, MaxFrame))
	arrived := 0
	for arrived < 1<<20 {
		if limit := max(firstAlloc, 2*arrived); cap(f.buf) > limit {
			t.Fatalf("%d bytes arrived, %d are held; at most %d", arrived, cap(f.buf), limit)
		}
		f.Feed(make([]byte, 1000))
		arrived += 1000
	}
	if _, ok, err := f.Next(); ok || err != nil {
		t.Fatalf("a frame out of a hundredth of it: %v, %v", ok, err)
	}
}

func TestFramesRefuseLength(t *testing.T) {
	for _, c := range []struct {
		head  string
		limit int
		want  string
	}{
		{"\xff\xff\xff\xff", 0, "length -1, allowed are 0 to 104857600"},
		{"\x80\x00\x00\x00", 0, "length -2147483648, allowed are 0 to 104857600"},
		{"\x06\x40\x00\x01", 0, "length 104857601, allowed are 0 to 104857600"},
		{"GET ", 0, "length 1195725856, allowed are 0 to 104857600"},
		{"\x00\x00\x01\x01", 256, "length 257, allowed are 0 to 256"},
	} {
		f := NewFrames(c.limit)
		f.Feed(framed([]byte("before")))
		f.Feed([]byte(c.head))
		f.Feed(framed([]byte("after")))
		if frame, ok, err := f.Next(); string(frame) != "before" || !ok || err != nil {
			t.Errorf("%q: the frame before it: %q, %v, %v", c.head, frame, ok, err)
		}
		for range 2 {
			_, ok, err := f.Next()
			if ok || !errors.Is(err, ErrFrame) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%q: %v, %v; want %q", c.head, ok, err, c.want)
			}
		}
	}
	var exact Frames
	exact.Feed([]byte("\x06\x40\x00\x00"))
	if _, _, err := exact.Next(); err != nil {
		t.Errorf("a frame of exactly the limit: %v", err)
	}
}

func FuzzFrames(f *testing.F) {
	f.Add(append(framed([]byte("one")), framed(nil)...), 3)
	f.Add([]byte("\xff\xff\xff\xff"), 1)
	f.Add([]byte("\x06\x40\x00\x00abc"), 2)
	f.Fuzz(func(t *testing.T, stream []byte, cut int) {
		cut = max(1, cut)
		var f Frames
		total := 0
		for rest := stream; len(rest) > 0; rest = rest[min(cut, len(rest)):] {
			f.Feed(rest[:min(cut, len(rest))])
			for {
				frame, ok, err := f.Next()
				if !ok || err != nil {
					break
				}
				if !bytes.Equal(frame, stream[total+4:total+4+len(frame)]) {
					t.Fatalf("frame at %d differs", total)
				}
				total += 4 + len(frame)
			}
		}
		if cap(f.buf) > max(firstAlloc, 2*len(stream)) {
			t.Fatalf("%d bytes held for a stream of %d", cap(f.buf), len(stream))
		}
	})
}
