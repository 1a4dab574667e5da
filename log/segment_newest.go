package log

import "math"

// Interval is an interval of a segment's index.
type Interval struct {
	From, To     int64 // offsets: From <= offset < To
	Size         int   // bytes
	MaxTimestamp int64 // ms; math.MaxInt64 if it isn't known
}

// FirstInterval comes before all others.
var FirstInterval = Interval{From: -1, MaxTimestamp: math.MaxInt64}

// before says which one comes first: later timestamps do, and of one timestamp lower offsets.
func (a Interval) before(b Interval) bool {
	return a.MaxTimestamp > b.MaxTimestamp || a.MaxTimestamp == b.MaxTimestamp && a.From < b.From
}

// Settled returns the offset that the last interval of a group's synced bytes begins with: those before it grow no more.
func (s *Store) Settled(group uint64) int64 { return s.group(group).segs.settled() }

// FindNewest returns the interval that comes behind another, of those with an offset at or behind from that end at or before to, which
// is [Store.Settled] or less: the ones with the latest timestamps come first, and of one timestamp those with the lowest offsets.
// What lies in a [Store.SegmentHoles] between segments has none.
func (s *Store) FindNewest(group uint64, from, to int64, behind Interval) (Interval, bool) {
	return s.group(group).segs.findNewest(from, to, behind)
}

func (p *segments) settled() int64 {
	s := p.segmentAt(p.stable - 1)
	if s == nil {
		return p.stable
	}
	return s.base + int64(s.index[s.index.at(p.stable-1-s.base)].offset)
}

func (p *segments) findNewest(from, to int64, behind Interval) (best Interval, found bool) {
	for i := len(p.live) - 1; i >= 0; i-- { // the last one has the latest timestamps, as a rule: the others aren't gone through then
		s := p.live[i]
		if s.end <= from || found && s.newest() < best.MaxTimestamp && !p.touches(s, false) {
			continue
		}
		for k := max(s.index.at(max(from-s.base, 0)), 0); k < len(s.index); k++ {
			c := p.interval(s, k)
			if c.To <= to && behind.before(c) && (!found || c.before(best)) {
				best, found = c, true
			}
		}
	}
	return best, found
}

// interval is one interval of a segment.
func (p *segments) interval(s *segment, k int) Interval {
	e := s.index[k]
	c := Interval{From: s.base + int64(e.offset), To: s.end, Size: int(s.index.after(k, s.size) - int64(e.pos)), MaxTimestamp: e.maxTS}
	if k+1 < len(s.index) {
		c.To = s.base + int64(s.index[k+1].offset)
	}
	if len(p.spans) == 0 {
		return c
	}
	if hidden, known := p.hidden(s, int64(e.pos)); hidden && !known {
		c.MaxTimestamp = math.MaxInt64
	}
	return c
}
