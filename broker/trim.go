package broker

import "slices"

// trimWait is a call that wants a partition's log to start at an offset, which is answered once it does: then a majority has
// the command on stable storage, as with a produced batch (B2).
type trimWait struct {
	o      origin
	offset int64
	term   uint64 // it was proposed in; 0: it wasn't yet
}

// trimmed answers it.
type trimmed struct {
	code  int16
	start int64
}

// trim has the log start at an offset, which is at most the high watermark: proposed at the end of the turn, all of a turn's
// trims as one.
func (s *Shard) trim(p *partition, o origin, offset int64) {
	p.trims = append(p.trims, trimWait{o: o, offset: offset})
	s.touch(p.group)
}

// proposeTrims proposes what was asked for. What raft drops, because too much is uncommitted or leadership is on its way
// elsewhere, is tried again.
func (s *Shard) proposeTrims(p *partition) {
	to := int64(-1)
	for _, w := range p.trims {
		if w.term == 0 {
			to = max(to, w.offset)
		}
	}
	if to < 0 {
		return
	}
	term, leads := p.g.Leading()
	if !leads || s.disk.stalled || s.stopping {
		s.endTrims(p, func(w trimWait) (trimmed, bool) { return trimmed{code: errNotLeader, start: -1}, w.term == 0 })
		return
	}
	switch err := p.g.Trim(term, to); codeOf(err) {
	case errNone:
		for i := range p.trims {
			if p.trims[i].term == 0 {
				p.trims[i].term = term
			}
		}
		p.g.Collect(&p.out)
	case errNotLeader:
		s.endTrims(p, func(w trimWait) (trimmed, bool) { return trimmed{code: errNotLeader, start: -1}, w.term == 0 })
	}
}

// answerTrims answers those whose log start is there.
func (s *Shard) answerTrims(p *partition) {
	if len(p.trims) > 0 {
		start := p.g.LogStart()
		s.endTrims(p, func(w trimWait) (trimmed, bool) { return trimmed{start: start}, w.offset <= start })
	}
}

// loseTrims gives up on those that were proposed in a term which this replica no longer leads: they may be committed, now or
// later.
func (s *Shard) loseTrims(p *partition, term uint64, leads bool) {
	s.endTrims(p, func(w trimWait) (trimmed, bool) {
		return trimmed{code: errTimedOut, start: -1}, w.term != 0 && (!leads || w.term != term)
	})
}

// endTrims answers those that how has an answer for.
func (s *Shard) endTrims(p *partition, how func(trimWait) (trimmed, bool)) {
	p.trims = slices.DeleteFunc(p.trims, func(w trimWait) bool {
		a, ends := how(w)
		if ends {
			s.answer(w.o, a)
		}
		return ends
	})
}
