package log

import "fmt"

// Cut cuts the answer to a read that [Store.Find] returned, as [Read.Cut] does, and checks by the running hash what no CRC covers: base
// offsets and leader epochs (G3, G11). Only of an interval that has grown since it was found its end isn't known.
func (s *Store) Cut(group uint64, rd Read, data []byte, from int64, maxBytes int, atLeastOne bool) ([]byte, error) {
	out, next, err := rd.Cut(data, from, maxBytes, atLeastOne)
	if err == nil {
		err = s.group(group).segs.linked(rd, data, next)
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

// linked checks the headers of all batches below an offset that a read has brought, interval by interval: they lead from one running hash
// of the index to the next. What is no segment's any more, or in a span, is passed over.
func (p *segments) linked(rd Read, data []byte, to int64) error {
	s := p.segmentOf(rd.File)
	if s == nil {
		return nil
	}
	i, same := s.index.boundary(rd.Off)
	for ; same && i < len(s.index) && s.base+int64(s.index[i].offset) < to; i++ {
		pos := int64(s.index[i].pos)
		end := min(s.index.after(i, s.synced), s.synced)
		if end-rd.Off > int64(len(data)) || p.spanOver(s, pos) != nil {
			continue
		}
		h := s.index[i].hash
		for part := data[pos-rd.Off : end-rd.Off]; len(part) > 0; {
			_, n, err := ParseBatch(part)
			if err != nil {
				return fmt.Errorf("%w: %s interval at byte %d: %w", ErrDamaged, rd.File, pos, err)
			}
			h, part = HashBatch(h, part), part[n:]
		}
		if want, next := p.behind(s, i); h != want {
			return fmt.Errorf("%w: %s interval at byte %d: batches up to offset %d have running hash %016x, the index says %016x", ErrDamaged, rd.File, pos, next, h, want)
		}
	}
	return nil
}
