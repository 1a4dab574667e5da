package log

import (
	"fmt"
	"slices"
)

// A full disk: of a fill plan that found no room, the jobs that were complete stay so; the one in whose midst it happened is
// taken back, on disk and in memory, and with those that never ran waits for Retry, in order:
//
//	plan:  append a ── append b ─╳── trim c ── append d
//	       done        undo          goes on   waits
//	                   waits
//
// Nothing is ever half appended, and what a failed sync left in doubt is written anew, never only synced again (S4).

// saved is what an append changes of segments.
type saved struct {
	exists, rollNext bool
	at               int64
	hash             uint64
	epoch            int32
	open             *segment
	was              segment // open's values
	last             indexEntry
}

func (p *segments) save() saved {
	w := saved{exists: p.exists, rollNext: p.rollNext, at: p.at, hash: p.hash, epoch: p.epoch, open: p.open()}
	if w.open != nil {
		w.was = *w.open
		if n := len(w.was.index); n > 0 {
			w.last = w.was.index[n-1]
		}
	}
	return w
}

// restore takes an append back that was planned and never found (L1).
func (p *segments) restore(w saved) {
	p.exists, p.rollNext, p.at, p.hash, p.epoch = w.exists, w.rollNext, w.at, w.hash, w.epoch
	n := len(p.live)
	for n > 0 && p.live[n-1].synced == 0 {
		n--
	}
	p.live = slices.Delete(p.live, n, len(p.live))
	p.pending = false
	if w.open == nil {
		return
	}
	*w.open = w.was
	if n := len(w.was.index); n > 0 {
		w.open.index[n-1] = w.last
	}
	if w.open.synced != w.open.size {
		panic(fmt.Sprintf("invariant L1: segments %s: append taken back to byte %d, synced are %d", p.dir, w.open.size, w.open.synced))
	}
}

// stuck says that taking back must wait for Retry too.
func (s *Store) stuck() bool { return s.undoFull && s.starved }

// doneFill takes the completion of a fill plan.
func (s *Store) doneFill() {
	if s.undoing() {
		s.undo, s.undoOf, s.undoFull = nil, nil, false
		for _, j := range s.undone {
			s.filled(j)
		}
		s.undone = nil
		return
	}
	for _, st := range s.steps {
		s.filled(st.job)
	}
	clear(s.steps)
	s.steps = s.steps[:0]
}

// undoing says that the fill plan that is out takes something back.
func (s *Store) undoing() bool { return len(s.undo) > 0 && len(s.steps) == 0 }

// takeBack takes the completion of a fill plan that found no room after ran operations.
func (s *Store) takeBack(ran int) {
	s.starved = true
	if s.undoing() {
		s.undo, s.undoFull = s.undo[ran:], true
		return
	}
	var again []*job
	for i := range s.steps {
		st := &s.steps[i]
		j := st.job
		switch {
		case st.to <= ran:
			s.filled(j)
		case j.writes():
			s.undoStep(st, ran)
			again = append(again, j)
		default: // a removal goes on
			s.undo = append(s.undo, s.fillOps[max(st.from, ran):st.to]...)
			s.undone = append(s.undone, j)
		}
	}
	s.jobs = append(again, s.jobs...)
	clear(s.steps)
	s.steps = s.steps[:0]
	s.fillOps = nil
}

// undoStep takes one job back, of whose operations those before ran were done.
func (s *Store) undoStep(st *step, ran int) {
	p := st.job.g.segs
	var undo, last []Op
	for i := st.from; i < st.to; i++ {
		switch op := s.fillOps[i]; {
		case op.Kind == OpMkdir:
			p.exists = false
			if i < ran {
				last = append(last, Op{Kind: OpRemove, File: op.File}) // its name may not be stable, so it is made again
			}
		case op.Kind == OpCreate && i < ran && st.job.kind != jobRepair:
			undo = append(undo, Op{Kind: OpRemove, File: op.File})
		}
	}
	if st.job.kind == jobRepair {
		undo = p.undoRepair(st.job.repair, s.fillOps[st.from:st.to], ran-st.from)
	}
	if st.job.appends() {
		st.job.g.filling = false
		if w := st.was; st.from <= ran && w.open != nil {
			undo = append(undo, Op{Kind: OpTruncate, File: p.file(w.open.base, logSuffix), Off: w.was.size})
		}
		p.restore(st.was)
	}
	if undo = append(undo, last...); len(undo) > 0 {
		s.undo, s.undoOf = append(undo, s.undo...), st.job.g
	}
}
