package log

import (
	"bytes"
	"errors"
	"slices"
	"testing"
)

// What is decoded encodes to the same bytes, and each search in it stays within bounds.
func FuzzDecodeIndex(f *testing.F) {
	f.Add(encodeIndex(testDir, goldenSegment()), int64(30), true)
	f.Add([]byte(indexMagic), int64(0), false)
	f.Fuzz(func(t *testing.T, b []byte, rel int64, fix bool) {
		if fix && len(b) > 4 { // else the fuzzer would never get past the checksum
			b = withCRC(testDir, slices.Clone(b[:len(b)-4]))
		}
		s, err := decodeIndex(testDir, b)
		if err != nil {
			if !errors.Is(err, errBadIndex) {
				t.Fatalf("error of no kind: %v", err)
			}
			return
		}
		if !bytes.Equal(encodeIndex(testDir, s), b) {
			t.Fatal("encodes to other bytes")
		}
		rel = max(0, rel) % (s.end - s.base)
		i := s.index.at(rel)
		if int64(s.index[i].offset) > rel || i+1 < len(s.index) && int64(s.index[i+1].offset) <= rel {
			t.Fatalf("offset %d is said to be in interval %d of %v", rel, i, s.index)
		}
		if to := s.index.after(i, s.size); to <= int64(s.index[i].pos) || to > s.size {
			t.Fatalf("interval %d of %v ends at byte %d of %d", i, s.index, to, s.size)
		}
	})
}
