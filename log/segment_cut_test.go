package log

import (
	"errors"
	"testing"
)

// A leader epoch that rots lies outside of its batch's checksum, and of what the batches of one read can tell. What is cut out of a read is
// what the running hash says, wherever in the segments it lies; and a read ends where an interval does.
func TestCutSeesEpochs(t *testing.T) {
	d, opt := filled(t)
	p, err := openSegments(d, testDir, opt, filledMark(0, 80))
	if err != nil {
		t.Fatal(err)
	}
	s := &Store{groups: map[uint64]*group{testGroupOfCut: {segs: p}}}
	r := NewRunner(d)
	for offset := int64(0); offset < 80; offset += 10 {
		for _, most := range []int{1, 150, 1 << 20} {
			rd, ok := p.find(offset, most, false)
			if !ok {
				t.Fatalf("offset %d isn't found", offset)
			}
			at := p.segmentOf(rd.File)
			if end := rd.Off + int64(rd.Len); end != at.size {
				if _, same := at.index.boundary(end); !same {
					t.Fatalf("a read for offset %d with %d bytes more ends at byte %d, within an interval", offset, most, end)
				}
			}
			data := r.Read(rd).Data
			if out, err := s.Cut(testGroupOfCut, rd, data, offset, most, true); err != nil || len(out) == 0 {
				t.Fatalf("offset %d: %d bytes, %v", offset, len(out), err)
			}
			for pos := 0; pos < len(data); pos += 100 { // batches are of 100 bytes
				for _, by := range []byte{1, 255} {
					data[pos+15] += by
					b, _, _ := ParseBatch(data[pos:])
					out, err := s.Cut(testGroupOfCut, rd, data, offset, most, true)
					if served := b.BaseOffset >= offset && len(out) > 0 && b.BaseOffset < offset+int64(len(out)/10); served || err != nil && !errors.Is(err, ErrDamaged) {
						t.Fatalf("offset %d, %d bytes more: the epoch of the batch at %d is another, and %d bytes are served, %v", offset, most, b.BaseOffset, len(out), err)
					}
					data[pos+15] -= by
				}
			}
		}
	}
}

const testGroupOfCut = 7
