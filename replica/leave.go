package replica

import (
	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
)

// Leave returns a message that has the follower who is furthest stand for election at once, where this leader can't go on and
// can't wait for anybody to catch up; nil if it leads nothing, or has nobody to leave it to. If that follower lacks something
// that is committed, the others won't elect it, and time does.
func (g *Group) Leave() *pb.Message {
	if !g.leader {
		return nil
	}
	next, match := uint64(0), uint64(0)
	g.rn.WithProgress(func(id uint64, typ raft.ProgressType, pr progress) {
		if id != g.cfg.ID && typ == raft.ProgressTypePeer && pr.RecentActive && pr.Match > match {
			next, match = id, pr.Match
		}
	})
	if next == 0 {
		return nil
	}
	return &pb.Message{Type: pb.MsgTimeoutNow.Enum(), To: &next, From: &g.cfg.ID, Term: &g.term}
}
