package log

// FindTime returns an offset at or before the first record in segments with a timestamp of at least ts (ms), within one
// index interval of it; and how many intervals it looked at.
func (s *Store) FindTime(group uint64, ts int64) (offset int64, looked int, ok bool) {
	return s.group(group).segs.findTime(ts)
}

// findTime returns an offset at or before the first record from the log start on whose timestamp is at least ts (ms), and
// within one interval of it; false if the synced bytes have none. If that record may be in a hole, the offset is of the
// interval before the hole, so that whoever reads on from there runs into it; or in the hole, if the log begins with it.
// Segments that are older as a whole are passed over: there are a million intervals in 4 GiB.
func (p *segments) findTime(ts int64) (found int64, looked int, ok bool) {
	best := p.logStart
	end := p.logStart // of what was looked at
	for _, s := range p.live {
		if s.end <= p.logStart {
			continue
		}
		if s.base > end {
			return best, looked, true
		}
		from := max(s.index.at(max(p.logStart-s.base, 0)), 0)
		if s.newest() < ts && !p.touches(s, false) {
			from = len(s.index) - 1 // the last one alone tells where its synced bytes end
		}
		for i := from; i < len(s.index); i++ {
			looked++
			e := s.index[i]
			offset := max(s.base+int64(e.offset), p.logStart)
			if offset >= p.stable {
				return 0, looked, false
			}
			lost, known := p.hidden(s, int64(e.pos))
			switch {
			case lost && (!known || e.maxTS >= ts):
				return best, looked, true
			case !lost && e.maxTS >= ts:
				return offset, looked, true
			case !lost:
				best = offset
			}
		}
		end = s.end
	}
	if end < p.stable {
		return best, looked, true
	}
	return 0, looked, false
}
