package log

import (
	"errors"
	"fmt"
)

// Done takes the completion of a plan. An error means that the shard must halt: nothing is known of what the plan wrote, and
// nothing is retried. The store makes no more plans then. A fill plan that failed for [ErrNoSpace] is none: what it began is
// taken back, and waits for [Store.Retry].
func (s *Store) Done(d Done) error {
	if d.Lane >= Lanes || !s.out[d.Lane] || d.ID != s.planID[d.Lane] {
		panic(fmt.Sprintf("invariant L2: completion of plan %d of lane %d, which is not out", d.ID, d.Lane))
	}
	full := d.Lane == LaneFill && errors.Is(d.Err, ErrNoSpace)
	if d.Err != nil && !full {
		s.failed = true
		return fmt.Errorf("%s plan %d failed, the shard stops and recovers at its next start: %w", d.Lane, d.ID, d.Err)
	}
	s.out[d.Lane] = false
	switch {
	case d.Lane == LaneWAL:
		s.doneWAL()
	case full:
		s.takeBack(d.Ran)
	default:
		s.doneFill()
	}
	s.instant()
	return nil
}

func (s *Store) doneWAL() {
	s.ring.oldest = s.wal.tail
	for i := range s.wal.said {
		it := &s.wal.said[i]
		g := it.g
		switch it.kind {
		case kindDrop:
			if !g.dropDurable {
				g.dropDurable, g.createdDurable = true, false
				s.queueJob(&job{kind: jobDrop, g: g})
			}
		default:
			g.createdDurable = !g.dropDurable
			g.durMark = *it.mark
			if it.kind == kindInstall {
				g.trimTo = max(g.trimTo, it.mark.LogStart) // files from before a reset may go now
			}
			s.queueTrim(g)
		}
	}
	clear(s.wal.said)
	s.urgent.popVoid()
	s.normal.popVoid()
	s.raiseDurable()
}

// raiseDurable moves the durable position up to what still waits (L1).
func (s *Store) raiseDurable() {
	d := s.seq
	for _, q := range []*queue{&s.urgent, &s.normal} {
		if q.n > 0 {
			d = min(d, q.at(0).seq-1)
		}
	}
	for i := len(s.holds) - 1; i >= 0; i-- {
		if h := s.holds[i]; d >= h.from && d < h.until {
			d = h.from - 1
			i = len(s.holds) // look at all again
		}
	}
	if d < s.durable {
		panic(fmt.Sprintf("invariant L1: durable position %d after %d", d, s.durable))
	}
	s.durable = d
	rest := s.holds[:0]
	for _, h := range s.holds {
		if h.until > d {
			rest = append(rest, h)
		}
	}
	s.holds = rest
}

// Seal asks for an empty write group once the WAL lane is idle, so that the last write group is followed by one (S3). It is
// for an idle shard and for a clean stop; nothing waits for it.
func (s *Store) Seal() { s.seal = true }

// Reclaim names the groups that keep the oldest WAL file from becoming free, when the ring needs it. The caller answers with
// [Store.Flush] for what is committed and, where asked, [Store.Copy] for what isn't.
func (s *Store) Reclaim() []Holder {
	r := &s.ring
	f := r.file(r.tail)
	few := r.free(r.lap) < max(1, len(r.files)/2)
	least, copies := 0, false // a leader's first entry of its term has no bytes, and keeps a file all the same
	switch {
	case f.kept == 0:
		return nil
	case s.blocked:
		copies = r.tail < r.lap
	case r.tail < r.lap && few:
		at := place{lap: r.lap, pos: r.pos}
		copies = s.room(at, 0)-s.reserve(at, sum{}) < r.blocks/4
	case r.tail == r.lap && len(r.files) == 2 && r.pos > r.blocks/2:
		least = int(s.opt.WALFileBytes / 32) // the file isn't full, only larger flushes are worth it
	default:
		return nil
	}
	var hs []Holder
	for _, id := range s.ids {
		if h := &s.groups[id].held[r.slot(r.tail)]; h.n > 0 && h.bytes >= int64(least) {
			hs = append(hs, Holder{Group: id, Last: min(h.last, s.groups[id].last()), Copy: copies})
		}
	}
	return hs
}
