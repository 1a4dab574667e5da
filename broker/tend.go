package broker

// tend keeps memory and the WAL bounded: moves committed batches to segments, copies what must outlive its WAL file, drops
// from memory what segments have (S10, S11).
func (s *Shard) tend() {
	for _, h := range s.store.Reclaim() {
		if p := s.parts[h.Group]; p != nil {
			p.g.Flush(s.cfg.Limits.FlushChunk)
			if h.Copy {
				p.g.Copy(h.Last)
			}
		}
	}
	total, unflushed := 0, 0
	for _, id := range s.order {
		total += s.parts[id].g.Bytes()
		unflushed += s.parts[id].g.Unflushed()
	}
	for _, id := range s.order {
		if p := s.parts[id]; p.g.Untrimmed() || p.g.Unflushed() >= s.cfg.Limits.FlushBytes || unflushed > s.cfg.Limits.WindowBytes/2 {
			p.g.Flush(s.cfg.Limits.FlushChunk)
		}
	}
	if total > s.cfg.Limits.WindowBytes {
		for _, id := range s.order {
			s.parts[id].g.Evict(s.cfg.Limits.WindowBytes / len(s.order))
		}
	}
	was := s.full
	s.full = unflushed > 2*s.cfg.Limits.WindowBytes
	for _, id := range s.order {
		if was && !s.full && len(s.parts[id].queue) > 0 {
			s.touch(id)
		}
	}
}
