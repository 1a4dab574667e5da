package replica

import (
	"slices"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
	"go.etcd.io/raft/v3/tracker"
)

// Reconcile brings the configuration one step nearer to the voters wanted: adds missing ones as learners, then promotes those that
// have caught up and removes the rest in one joint change, which is left again (S7). A voter stays until its broker's new replica has caught
// up; nobody else waits for that one. Only the leader acts, and while a change is on its way it waits for it: whether there is one the
// log says, since what was proposed may have been overwritten since, or blanked by raft.
func (g *Group) Reconcile(want []uint64) {
	conf := g.Conf()
	if !g.Serving() || g.change > g.applied {
		return
	}
	if conf.Joint {
		g.reconfigureTo(nil) // raft leaves it by itself when it applies it, but not while leadership is being handed over
		return
	}
	var add, promote, remove []pb.ConfChangeSingle
	var late []int32 // brokers whose learners have not caught up
	for _, id := range want {
		switch {
		case slices.Contains(conf.Voters, id):
		case !slices.Contains(conf.Learners, id):
			add = append(add, change(pb.ConfChangeAddLearnerNode, id))
		case g.caughtUp(id):
			promote = append(promote, change(pb.ConfChangeAddNode, id))
		default:
			late = append(late, Broker(id))
		}
	}
	for _, id := range slices.Concat(conf.Voters, conf.Learners) {
		if !slices.Contains(want, id) && !slices.Contains(late, Broker(id)) {
			remove = append(remove, change(pb.ConfChangeRemoveNode, id))
		}
	}
	if len(add) > 0 {
		g.reconfigureTo(add)
	} else if len(promote)+len(remove) > 0 {
		g.reconfigureTo(append(promote, remove...))
	}
}

func change(t pb.ConfChangeType, id uint64) pb.ConfChangeSingle {
	return pb.ConfChangeSingle{Type: t.Enum(), NodeId: &id}
}

// reconfigureTo proposes changes; none are the end of a joint configuration. What raft drops is proposed again at the next tick.
func (g *Group) reconfigureTo(changes []pb.ConfChangeSingle) {
	cc := &pb.ConfChangeV2{}
	for i := range changes {
		cc.Changes = append(cc.Changes, &changes[i])
	}
	_ = g.rn.ProposeConfChange(cc)
}

// caughtUp reports whether a learner holds everything that was committed an election timeout ago, so that promoting it costs no more
// availability than an election. Under a steady load the commit index is always ahead of a learner that is slower than the majority.
func (g *Group) caughtUp(id uint64) bool {
	ok := false
	g.rn.WithProgress(func(p uint64, _ raft.ProgressType, pr progress) {
		if p == id {
			ok = pr.RecentActive && pr.State == tracker.StateReplicate && pr.Match >= min(g.commit, g.past[len(g.past)-1])
		}
	})
	return ok
}

// noteChange follows the last configuration change in the log when entries were appended, which may have overwritten it.
func (g *Group) noteChange(es []*pb.Entry) {
	if g.change >= es[0].GetIndex() {
		g.seekChange()
		return
	}
	for _, e := range es {
		if e.GetType() != pb.EntryNormal {
			g.change = e.GetIndex()
		}
	}
}

// seekChange looks for the last configuration change that is not applied.
func (g *Group) seekChange() {
	g.change = g.win.last()
	for g.change > g.applied && g.win.at(g.change).e.GetType() == pb.EntryNormal {
		g.change--
	}
}
