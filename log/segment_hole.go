package log

import "fmt"

// repair is one write of verified bytes into a hole.
type repair struct{ from int64 }

func (p *segments) holes() []Range  { return nil }
func (p *segments) repairing() bool { return false }
func (p *segments) suspect(Read)    {}

func (p *segments) fit(from int64, batches [][]byte) (*repair, error) {
	return nil, fmt.Errorf("%w: segments %s: no hole begins at offset %d", ErrMisfit, p.dir, from)
}

func (p *segments) scrub(from int64) (Read, int64, bool)        { return Read{}, 0, false }
func (p *segments) verify(rd Read, data []byte) ([]Read, error) { return nil, nil }
func (p *segments) hashAt(offset int64) (uint64, bool)          { return 0, false }

// info describes the segments.
func (p *segments) info() []SegmentInfo {
	var is []SegmentInfo
	for i, s := range p.live {
		in := SegmentInfo{Base: s.base, End: s.end, Size: s.size, Closed: i < len(p.live)-1}
		for _, e := range s.index {
			in.MaxTimestamp = max(in.MaxTimestamp, e.maxTS)
		}
		is = append(is, in)
	}
	return is
}
