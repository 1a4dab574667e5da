package broker

import (
	"errors"
	"fmt"
	"slices"

	"logd/replica"
)

// readIndex keeps the calls that wait for a read index of one partition. Those that arrive in one turn share one, asked for
// after all of them had come, with a context of its own (R8).
//
//	waiting ──ask at the end of the turn──► asked[context] ──confirmed──► ready at index ──applied──► run
type readIndex struct {
	waiting []linearizable
	asked   []askedRead // by context, rising
}

// linearizable is a call that waits: after is the last context that had been used when it came.
type linearizable struct {
	after uint64
	run   linearized
}

// linearized is what is done once the replica has applied everything that was acknowledged before it came; ok is false
// if that can't be told.
type linearized func(ok bool)

type askedRead struct {
	context   uint64
	index     uint64
	confirmed bool
	run       []linearizable
}

// linearize runs f when the read index is there, or with ok=false when it is certain not to come.
func (s *Shard) linearize(p *partition, f linearized) {
	p.reads.waiting = append(p.reads.waiting, linearizable{p.g.ReadContext(), f})
	s.touch(p.group)
}

// askReadIndex asks for one read index for all that wait.
func (s *Shard) askReadIndex(p *partition) {
	if len(p.reads.waiting) == 0 {
		return
	}
	waiting := p.reads.waiting
	p.reads.waiting = nil
	context, err := p.g.ReadIndex()
	if err != nil || s.disk.stalled {
		for _, l := range waiting {
			l.run(false)
		}
		return
	}
	p.reads.asked = append(p.reads.asked, askedRead{context: context, run: waiting})
	s.timers.Set(s.now.Mono+s.cfg.Limits.ReadIndexWait, func() {
		if s.parts[p.group] == p {
			s.dropReads(p, func(a askedRead) bool { return a.context == context })
		}
	})
}

func (r *readIndex) confirm(rs replica.ReadState) {
	for i := range r.asked {
		if r.asked[i].context == rs.Context {
			r.asked[i].confirmed, r.asked[i].index = true, rs.Index
		}
	}
}

// answerReads runs what was confirmed and applied.
func (s *Shard) answerReads(p *partition) {
	var run []linearizable
	p.reads.asked = slices.DeleteFunc(p.reads.asked, func(a askedRead) bool {
		done := a.confirmed && p.g.Applied() >= a.index
		if done {
			a.newer(p.group)
			run = append(run, a.run...)
		}
		return done
	})
	for _, l := range run {
		l.run(true)
	}
}

// newer asserts that what is confirmed was asked for after each call that it answers had come.
func (a *askedRead) newer(group uint64) {
	for _, l := range a.run {
		if a.context <= l.after {
			panic(fmt.Sprintf("invariant B4: group %d: a call that came after context %d is answered by %d", group, l.after, a.context))
		}
	}
}

// failReads answers every read that waits: leadership was lost, and raft drops read indexes silently then (S13).
func (s *Shard) failReads(p *partition) {
	waiting := p.reads.waiting
	p.reads.waiting = nil
	for _, l := range waiting {
		l.run(false)
	}
	s.dropReads(p, func(askedRead) bool { return true })
}

func (s *Shard) dropReads(p *partition, which func(askedRead) bool) {
	var run []linearizable
	p.reads.asked = slices.DeleteFunc(p.reads.asked, func(a askedRead) bool {
		if which(a) {
			run = append(run, a.run...)
			return true
		}
		return false
	})
	for _, l := range run {
		l.run(false)
	}
}

// codeOf is the Kafka error for a proposal that certainly was not made; none if it was.
func codeOf(err error) int16 {
	if err == nil {
		return errNone
	}
	if errors.Is(err, replica.ErrDropped) {
		return errNotEnough
	}
	return errNotLeader
}

func removeSorted(s []uint64, v uint64) []uint64 {
	if i, ok := slices.BinarySearch(s, v); ok {
		return slices.Delete(s, i, i+1)
	}
	return s
}
