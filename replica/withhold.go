package replica

import (
	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
	"go.etcd.io/raft/v3/tracker"
)

// withholds reports whether a message is not to be sent, because all that it says the next one says as well (R14). raft tells
// each follower at once when something was committed, by an append without entries, which the follower answers: half of the envelopes
// that an append takes. Every append and heartbeat carries the commit index too.
//
// An append without entries is also how raft finds out what a follower lacks, once one with entries was lost. Such a probe is
// sent: it says of no commit index that was not said, or withheld, before. So is all that goes to a follower that raft sends no entries
// to, since as much as may be is under way already: who was away for so long answers nothing else, and would never get more.
func (g *Group) withholds(m *pb.Message) bool {
	if m.GetType() != pb.MsgApp {
		return false
	}
	news := m.GetCommit() > g.told[m.GetTo()]
	if news {
		g.told[m.GetTo()] = m.GetCommit()
	}
	return news && len(m.GetEntries()) == 0 && !g.cfg.Plain && !g.changing() && g.streams(m.GetTo())
}

// changing reports whether the configuration is on its way from one to another.
func (g *Group) changing() bool {
	return g.change > g.applied || g.conf.Joint || len(g.conf.Learners) > 0
}

// streams reports whether raft takes a follower's log for one that goes on as its own, not looking for where they part, and would send
// it the next entries at once.
func (g *Group) streams(id uint64) (yes bool) {
	g.rn.WithProgress(func(p uint64, _ raft.ProgressType, pr progress) {
		if p == id {
			yes = pr.State == tracker.StateReplicate && !pr.MsgAppFlowPaused
		}
	})
	return yes
}
