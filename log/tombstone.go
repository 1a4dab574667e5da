package log

import (
	"fmt"
	"slices"
)

// A dropped group leaves a tombstone, so that it is never created again (S7), and so that the next start removes what a crash brings
// back of its files. It may go once neither is asked of it any more:
//
//	Drop ──► tombstone durable ──► files removed ──► names stable ──┐
//	caller: nobody can ask for the group again ──► Forget ──────────┴──► the next file's head has it no more
//
// It is never taken back by a record: the files of the WAL that have it become free in time, and until then a start may find it again.
// Segments of a group that the WAL doesn't know are a sign of an older WAL, see [checkSegments]: so the names come first.

// TombstoneBytes is what each takes at a file's head.
const TombstoneBytes = 2 * recordHeader

// Forget lets a dropped group's tombstone go, as soon as the removal of its files is durable. The caller vouches that the group will
// not be created again, by anything that the caller itself has durably; see [Group].Dropped.
func (s *Store) Forget(group uint64) {
	g := s.group(group)
	if !g.dropped {
		panic(fmt.Sprintf("log: group %d is to be forgotten, and was not dropped (S7)", group))
	}
	g.unwanted = true
	s.bury(g)
}

// bury takes a group out of the tables, if nothing is left of it and nobody wants its tombstone (L14).
func (s *Store) bury(g *group) {
	if !g.unwanted || !g.swept {
		return
	}
	s.state = s.state.plus(g.cost.negative())
	delete(s.groups, g.id)
	at, _ := slices.BinarySearch(s.ids, g.id)
	s.ids = slices.Delete(s.ids, at, at+1)
	if s.recent == g {
		s.recent = nil
	}
}

// sweep adds to a fill plan what makes the removal of dropped groups' files durable, if there is any in it.
func (s *Store) sweep(ops []Op) []Op {
	var gs []*group
	for _, st := range s.steps {
		if st.job.kind == jobDrop {
			gs = append(gs, st.job.g)
		}
	}
	if len(gs) == 0 {
		return ops
	}
	s.steps = append(s.steps, step{job: &job{kind: jobSweep, swept: gs}, from: len(ops), to: len(ops) + 1})
	return append(ops, Op{Kind: OpSyncDir, File: segRoot})
}
