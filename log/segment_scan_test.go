package log

import (
	"testing"
)

// badSectors is a file with one sector that can't be read; a read ends before it.
type badSectors struct {
	File
	at int64
}

func (f badSectors) ReadAt(b []byte, off int64) (int, error) {
	if off+int64(len(b)) <= f.at || off >= f.at+sectorSize {
		return f.File.ReadAt(b, off)
	}
	n, _ := f.File.ReadAt(b[:max(0, f.at-off)], off)
	return n, errSick
}

// TestScanUnreadableSector: what shares a block with an unreadable sector isn't lost with it, wherever a batch begins.
func TestScanUnreadableSector(t *testing.T) {
	offsets := make([]int, 100)
	for i := range offsets {
		offsets[i] = 10
	}
	data, _ := row(0, 39, offsets...)
	for _, at := range []int64{0, 4096, 7680, 9 * sectorSize} {
		n := &memNode{now: data, dirty: map[int]bool{}}
		s, err := newScan(badSectors{&memFile{n: n, m: newMemFS()}, at}, "f", 0, anchor{3, true}, Options{SegmentBytes: 1 << 20, IndexBytes: 100})
		if err != nil {
			t.Fatal(err)
		}
		s.run(1000)
		var lostFrom, lostTo int64
		for _, c := range s.pieces {
			if c.state == lost {
				lostFrom, lostTo = c.pos, c.end
			}
		}
		if from, to := at/100*100, (at+sectorSize+99)/100*100; s.seg.end != 1000 || lostFrom != from || lostTo != to {
			t.Errorf("sector at %d: bytes %d to %d are lost, expected %d to %d; the scan ends at offset %d", at, lostFrom, lostTo, from, to, s.seg.end)
		}
	}
}
