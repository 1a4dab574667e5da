package broker

// tend keeps memory and the WAL bounded: moves committed batches to segments, copies what must outlive its WAL file, drops
// from memory what segments have, and has marks written that let trimmed files go (S10, S11).
func (s *Shard) tend() {
	for _, h := range s.store.Reclaim() {
		if p := s.parts[h.Group]; p != nil {
			p.g.Flush(s.cfg.Limits.FlushChunk)
			if h.Copy {
				p.g.Copy(h.Last)
			}
		}
	}
	s.markMeta()
	total, unflushed, flushable := 0, 0, 0
	for _, p := range s.sorted {
		behind := p.load.Flushable > 0
		if p.load = p.g.Load(); behind && p.load.Flushable == 0 && len(p.queue) > 0 {
			s.touch(p.group) // it may propose one, though the disk is behind with others
		}
		total += p.load.Bytes
		unflushed += p.load.Unflushed
		flushable += p.load.Flushable
	}
	for _, p := range s.sorted {
		if p.load.Untrimmed || p.load.Unflushed >= s.cfg.Limits.FlushBytes || unflushed > s.cfg.Limits.WindowBytes/2 {
			p.g.Flush(s.cfg.Limits.FlushChunk)
		}
	}
	if total > s.cfg.Limits.WindowBytes {
		offering := 1
		for _, p := range s.sorted {
			if p.g.Offering() {
				offering++
			}
		}
		for _, p := range s.sorted {
			p.g.EvictKeeping(s.cfg.Limits.WindowBytes/len(s.order), s.cfg.Limits.WindowBytes/offering)
		}
	}
	was := s.full
	s.full = flushable > 2*s.cfg.Limits.WindowBytes
	if was && !s.full {
		for _, p := range s.sorted {
			if len(p.queue) > 0 {
				s.touch(p.group)
			}
		}
	}
}
