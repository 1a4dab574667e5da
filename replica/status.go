package replica

import (
	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/tracker"
)

type progress = tracker.Progress

// Status is what a replica knows of itself.
type Status struct {
	Group, ID             uint64
	Term, Lead            uint64 // Lead is a replica id, 0 if unknown
	Leader                bool
	Commit, Applied       uint64
	First, Last, Stable   uint64 // window's first index, log's last, last durable here
	LogStart              int64  // first offset that is kept
	LogEnd, HighWatermark int64  // uncommitted tail included, and without it
	LastTerm, LastHash    uint64 // Last's term, and the running hash up to it; 0 if it isn't known
	EntryHash             uint64 // over the entries up to Applied (G11)
	Producers             uint64 // hash of the producers as of Applied (R15)
	StableEnd             int64  // log end of what is durable here
	Conf                  Conf
	ConfIndex             uint64   // of the entry or snapshot that Conf came with
	Bytes                 int      // of the window
	Transferring          bool     // a snapshot waits for its batches
	Offered               []uint64 // replicas that a snapshot is offered to, in order
	Installed             uint64   // snapshots installed since the start
	Healed                uint64   // entries whose bytes came from others, since the start
}

// Status returns the replica's state as of its last Collect.
func (g *Group) Status() Status {
	hash, _ := g.store.EntryHash(g.cfg.Group, g.applied)
	lastHash, _ := g.store.EntryHash(g.cfg.Group, g.win.last())
	lastTerm, _ := g.win.Term(g.win.last())
	stable, _ := g.win.endAt(min(max(g.stable, g.win.index), g.win.known))
	return Status{Group: g.cfg.Group, ID: g.cfg.ID, Term: g.term, Lead: g.lead, Leader: g.leader, Commit: g.commit, Applied: g.applied, Producers: g.prod.applied.Hash(),
		First: g.win.index + 1, Last: g.win.last(), Stable: g.stable, LogStart: g.LogStart(), LogEnd: g.win.logEnd(), HighWatermark: g.HighWatermark(),
		LastTerm: lastTerm, LastHash: lastHash, EntryHash: hash, StableEnd: stable, Conf: g.Conf(), ConfIndex: g.confs[len(g.confs)-1].index, Bytes: g.win.bytes(), Transferring: g.snap != nil, Offered: sortedKeys(g.snaps), Installed: g.installs,
		Healed: g.restored}
}

// Leading reports whether this replica leads, and its term.
func (g *Group) Leading() (term uint64, ok bool) { return g.term, g.leader }

// Serving reports whether this replica leads and has committed in its term: only then it knows everything that was ever
// acknowledged (R8).
func (g *Group) Serving() bool { return g.leader && g.committedInTerm() }

// Lead returns the replica that leads as far as this one knows, 0 if it knows of none, and the term.
func (g *Group) Lead() (id, term uint64) { return g.lead, g.term }

// Applied returns the last index given out.
func (g *Group) Applied() uint64 {
	if g.arriving != nil {
		return g.arriving.from
	}
	return g.applied
}

// HighWatermark returns the next offset that is not known to be committed here.
func (g *Group) HighWatermark() int64 {
	end, _ := g.win.endAt(g.applied)
	return end
}

// Conf returns the configuration as applied; not to be changed.
func (g *Group) Conf() Conf { return g.conf }

// Bytes returns what the window holds, in bytes.
func (g *Group) Bytes() int { return g.win.bytes() }

// Batches returns committed batches from memory: the one that contains offset and those after it, up to maxBytes but at
// least one, aliasing the window (never changed). ok is false if offset lies before the window: a segment has it, unless it
// lies below the log start, which is for the caller to look at. At or beyond the high watermark there are none.
func (g *Group) Batches(offset int64, maxBytes int) (batches [][]byte, ok bool) {
	if offset < g.win.end {
		return nil, false
	}
	i, found := g.win.find(offset, g.applied)
	if !found {
		return nil, true
	}
	size := 0
	for ; i <= g.applied; i++ {
		e := g.win.at(i).e
		if !isBatch(e) {
			continue
		}
		if size += len(e.Data); size > maxBytes && len(batches) > 0 {
			break
		}
		batches = append(batches, e.Data)
	}
	return batches, true
}

// Holds reports whether a follower is known to have everything before a committed offset on stable storage, and was heard of
// within an election timeout. Only the leader knows.
func (g *Group) Holds(id uint64, offset int64) bool {
	if !g.leader {
		return false
	}
	need := g.win.index
	if offset > g.win.end {
		i, found := g.win.find(offset-1, g.applied)
		if !found {
			return false
		}
		need = i
	}
	ok := false
	g.rn.WithProgress(func(p uint64, _ raft.ProgressType, pr progress) {
		if p == id {
			ok = pr.RecentActive && pr.State == tracker.StateReplicate && pr.Match >= need
		}
	})
	return ok
}
