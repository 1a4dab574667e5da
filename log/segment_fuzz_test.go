package log

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// Whatever a file holds: a scan ends, its pieces are dense, all that it keeps is sound, and it doesn't hold more memory than
// a chunk or the file.
func FuzzScan(f *testing.F) {
	data, _ := row(7, 39, 10, 10, 10, 10)
	for _, at := range []int{0, 7, 8, 11, 15, 16, 20, 50, 120, 399} {
		bad := slices.Clone(data)
		bad[at] ^= 4
		f.Add(bad, int64(7), int64(47))
	}
	f.Add(data[30:], int64(7), int64(40))
	f.Add(append(data[:100:100], data[250:]...), int64(7), int64(47))
	f.Fuzz(func(t *testing.T, b []byte, base, until int64) {
		if base < 0 || until <= base {
			return
		}
		n := &memNode{now: b, dirty: map[int]bool{}}
		s, err := newScan(&memFile{n: n, m: newMemFS()}, "fuzz", base, anchor{3, true}, Options{SegmentBytes: 1 << 20, IndexBytes: 100})
		if err != nil {
			t.Fatal(err)
		}
		s.run(until)
		at, pos := base, int64(0)
		for _, c := range s.pieces {
			if c.from != at || c.pos != pos || c.to <= c.from || c.end <= c.pos || c.to > until {
				t.Fatalf("pieces %+v of %d bytes from %d to %d", s.pieces, len(b), base, until)
			}
			at, pos = c.to, c.end
			for p := c.pos; c.state == kept && p < c.end; {
				h, size, err := ParseBatch(b[p:])
				if err != nil || CheckCRC(b[p:p+int64(size)]) != nil || h.BaseOffset < c.from || h.NextOffset() > c.to {
					t.Fatalf("byte %d was kept: %+v, %v", p, h, err)
				}
				p += int64(size)
			}
		}
		if at != s.seg.end || pos != s.seg.size || pos > int64(len(b)) {
			t.Fatalf("ends at %d, byte %d; pieces at %d, byte %d", s.seg.end, s.seg.size, at, pos)
		}
		if cap(s.data) > max(scanChunk, len(b)) {
			t.Fatalf("holds %d bytes for a file of %d", cap(s.data), len(b))
		}
	})
}

func FuzzDecodeStart(f *testing.F) {
	f.Add(encodeStart(testDir, 30, 77), int64(30))
	f.Add([]byte(startMagic), int64(0))
	f.Fuzz(func(t *testing.T, b []byte, base int64) {
		if h, ok := decodeStart(testDir, b, base); ok && !slices.Equal(encodeStart(testDir, base, h), b) {
			t.Fatal("encodes to other bytes")
		}
	})
}

// The hash before a batch follows from the one behind it.
func TestHashRunsBackwards(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 1000 {
		l, h := link{rng.Uint64(), rng.Uint64(), rng.Uint64()}, rng.Uint64()
		if got := l.before(l.after(h)); got != h {
			t.Fatalf("%+v: %016x became %016x", l, h, got)
		}
	}
}
