package log

import (
	"bytes"
	"errors"
	"slices"
	"testing"
)

func FuzzParseBatch(f *testing.F) {
	f.Add(testBatch(1000, 7, 5, 10, 1))
	f.Add(testBatch(0, -1, 1<<31-1, 0, -1)[:60])
	f.Fuzz(func(t *testing.T, b []byte) {
		h, size, err := ParseBatch(b)
		if err != nil {
			if !errors.Is(err, ErrShortBatch) && !errors.Is(err, ErrBadBatch) {
				t.Fatalf("error of no kind: %v", err)
			}
			if errors.Is(err, ErrShortBatch) && size != 0 && size <= len(b) {
				t.Fatalf("short of %d bytes, but %d are there", size, len(b))
			}
			return
		}
		if size < BatchHeader || size > len(b) || h.NextOffset() <= h.BaseOffset {
			t.Fatalf("size %d of %d, header %+v", size, len(b), h)
		}
		sum := CheckCRC(b[:size])
		Stamp(b, 12345, 678)
		s, again, err := ParseBatch(b)
		h.BaseOffset, h.LeaderEpoch = 12345, 678
		if err != nil || again != size || s != h || (CheckCRC(b[:size]) == nil) != (sum == nil) {
			t.Fatalf("stamped: %+v, size %d, %v, crc %v; expected %+v and %d", s, again, err, CheckCRC(b[:size]), h, size)
		}
	})
}

// What is cut is what plain parsing from the front would give: whole batches of good CRC in a row, in bounds.
func FuzzCutBatches(f *testing.F) {
	data, _ := row(100, 9, 10, 1, 5, 20)
	f.Add(data, int64(111), 100, true)
	f.Add(data[:250], int64(100), 1000, false)
	f.Add(data[71:], int64(105), 1000, false)
	f.Fuzz(func(t *testing.T, data []byte, from int64, maxBytes int, atLeastOne bool) {
		was := slices.Clone(data)
		got, next, err := CutBatches(data, from, maxBytes, atLeastOne)
		if !bytes.Equal(data, was) {
			t.Fatal("the bytes were changed")
		}
		if err != nil {
			if !errors.Is(err, ErrDamaged) || got != nil || next != from {
				t.Fatalf("%d bytes, next %d, %v", len(got), next, err)
			}
			return
		}
		if !bytes.Contains(data, got) {
			t.Fatal("bytes from elsewhere")
		}
		at, n := from, 0
		for rest := got; len(rest) > 0; n++ {
			b, size, err := ParseBatch(rest)
			if err != nil || CheckCRC(rest[:size]) != nil {
				t.Fatalf("served: %+v %v", b, err)
			}
			if n == 0 && (b.BaseOffset > from || b.NextOffset() <= from) || n > 0 && b.BaseOffset != at {
				t.Fatalf("batch %d is %d to %d, expected one with %d", n, b.BaseOffset, b.NextOffset(), at)
			}
			at, rest = b.NextOffset(), rest[size:]
		}
		if at != next || len(got) > max(maxBytes, 0) && !(atLeastOne && n == 1) || atLeastOne && n == 0 {
			t.Fatalf("%d batches of %d bytes at most %d, next %d expected %d", n, len(got), maxBytes, next, at)
		}
	})
}
