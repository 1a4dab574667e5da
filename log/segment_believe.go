package log

import "fmt"

// believes says whether what an index file says of a segment is taken, which ends where the next begins, at until, or before. That it is
// as it was written, its checksum says; that it was written of these bytes, and of all of them, another file that has the same running hash
// at its end, or an interval of the segment that is what the index says. Else the segment is read, and is all that counts: an index that
// was believed once is what peers' bytes must fit (S5).
func (o *opening) believes(s *segment, until int64) (bool, error) {
	first := s.index[0].hash
	start, known := o.starts[s.base]
	follows := !o.hash.known || first == o.hash.hash || known && first == start
	if s.end > until || !follows || s.end == o.mark.LogEnd && s.hash != o.mark.BatchHash {
		return false, nil
	}
	if s.end == o.mark.LogEnd || o.known(s.end, s.hash) {
		return true, nil
	}
	good, err := o.witnessed(s, until)
	if err == nil && !good {
		o.p.damage = append(o.p.damage, fmt.Sprintf("segment %s: its index says offsets %d to %d in %d bytes, running hash %016x at the end; neither the next segment, at %d, nor an interval of its own bears that out: not believed",
			o.p.file(s.base, logSuffix), s.base, s.end, s.size, s.hash, until))
	}
	return good, err
}

// known says whether the segment at an offset says itself that the running hash before it is hash.
func (o *opening) known(at int64, hash uint64) bool {
	if h, ok := o.starts[at]; ok && h == hash {
		return true
	}
	next := o.indexes[at]
	return next != nil && next.index[0].hash == hash
}

// witnessed says whether a segment's file has an interval that is what the index says, and no more than the index if the next segment
// begins behind the index's end.
func (o *opening) witnessed(s *segment, until int64) (bool, error) {
	if !o.found[s.base].log {
		return false, nil
	}
	name := o.p.file(s.base, logSuffix)
	f, err := o.fs.Open(name)
	if err != nil {
		return false, fmt.Errorf("segment %s: %w", name, err)
	}
	defer f.Close() // only read
	sc, err := newScan(f, name, s.base, anchor{}, o.p.opt)
	if err != nil {
		return false, fmt.Errorf("segment %s: %w", name, err)
	}
	if s.end < until && sc.size > s.size {
		return false, nil
	}
	for i := range s.index {
		c, before, after := s.interval(i)
		if c.end > sc.size {
			break
		}
		if sc.leads(c, before, after) {
			return true, nil
		}
	}
	return false, nil
}

// leads says whether a piece is whole and sound batches that lead from one running hash to another.
func (s *scan) leads(c piece, before, after uint64) bool {
	s.seg, s.pieces = &segment{base: s.seg.base, end: c.from, size: c.pos}, nil
	s.hash, s.then = anchor{before, true}, chain{next: c.from, epoch: anyChain.epoch}
	for s.seg.end < c.to {
		if s.step(c.to) != nil {
			return false
		}
	}
	return s.seg.size == c.end && s.hash.hash == after
}
