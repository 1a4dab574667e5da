package sim

import "logd/broker"

// entryID is what log matching goes by: entries of one index and term are one entry, and so is all before them.
type entryID struct{ index, term uint64 }

// logHash is the running hash up to an entry, and who was seen to have it first.
type logHash struct {
	hash uint64
	node int
}

// tailsKept is how many of the last entries' hashes of a group are remembered; older ones are committed long since, and compared by
// applied index.
const tailsKept = 512

// matching: two logs whose last entries have the same index and term are the same up to there (raft's log matching), uncommitted
// tails too. It is checked whenever a replica's last entry changes.
func (v *views) matching(g *groupSeen, r *replicaSeen, s *broker.GroupView) {
	is := entryID{s.Last, s.LastTerm}
	if s.LastHash == 0 || is == r.lastEntry {
		return
	}
	r.lastEntry = is
	n := v.host.p.node
	was, ok := g.tails[is]
	if !ok {
		if g.tails == nil {
			g.tails = map[entryID]logHash{}
		}
		g.tails[is] = logHash{s.LastHash, n.index}
		if g.tailsIn = append(g.tailsIn, is); len(g.tailsIn) > tailsKept {
			delete(g.tails, g.tailsIn[0])
			g.tailsIn = g.tailsIn[1:]
		}
	} else if was.hash != s.LastHash {
		v.w.violate(LogsDiffer, "%s: the logs of broker %d and broker %d end with index %d of term %d, and have hashes %016x and %016x up to there",
			g.named(), n.id, was.node+1, is.index, is.term, s.LastHash, was.hash)
	}
}

// complete: a new leader has every index that any replica knew to be committed (raft's leader completeness).
func (v *views) complete(g *groupSeen, s *broker.GroupView) {
	if s.Last < g.commit {
		v.w.violate(CommitLost, "%s, term %d: broker %d leads with a log that ends at index %d, and %d was committed", g.named(), s.Term, v.host.p.node.id, s.Last, g.commit)
	}
}

// remembers: a replica that comes back has no entry that it wasn't seen to have (recovered ⊆ invoked), and is in no earlier term
// than one that it led or voted in: that term was on its disk before it said so (S1).
func (v *views) remembers(g *groupSeen, r *replicaSeen, s *broker.GroupView) {
	n := v.host.p.node
	if s.Last > r.most {
		v.w.violate(RecoveredMore, "%s: replica %x of broker %d comes back with a log that ends at index %d, and it never had one above %d", g.named(), s.Replica, n.id, s.Last, r.most)
	}
	if s.Term < r.spoke {
		v.w.violate(TermForgotten, "%s: replica %x of broker %d comes back in term %d, and led or voted in term %d", g.named(), s.Replica, n.id, s.Term, r.spoke)
	}
}

// forward: within a process, what a replica knows to be decided only grows.
func (v *views) forward(g *groupSeen, r *replicaSeen, s *broker.GroupView) {
	was := &r.last
	if r.id != s.Replica {
		return
	}
	if s.Term < was.Term || s.Commit < was.Commit || s.Applied < was.Applied || s.HighWatermark < was.HighWatermark || s.LogStart < was.LogStart {
		v.w.violate(WentBack, "%s: replica %x of broker %d is at term %d, commit %d, applied %d, high watermark %d, log start %d, and was at %d, %d, %d, %d, %d",
			g.named(), s.Replica, v.host.p.node.id, s.Term, s.Commit, s.Applied, s.HighWatermark, s.LogStart, was.Term, was.Commit, was.Applied, was.HighWatermark, was.LogStart)
	}
}
