package replica

import (
	"fmt"

	pb "go.etcd.io/raft/v3/raftpb"
)

// durably asserts that a message promises nothing that this replica's disk hasn't got: by what is on disk, whichever way the message came
// here. It holds for those that a replica tells itself, too: they count for a majority as another's do.
//
//	MsgVote       its term (R1)
//	MsgVoteResp   the vote, if it is given (R2)
//	MsgAppResp    entries up to its index, if they are acknowledged, of the newest log (R2): an answer of a term before it counts for nobody.
//	              What a snapshot has taken the place of in the midst of its write isn't told apart from what was written
func (g *Group) durably(m *pb.Message) {
	term := m.GetTerm()
	switch m.GetType() {
	case pb.MsgVote:
		if term > g.kept.Term {
			panic(fmt.Sprintf("invariant R1: group %d asks for votes in term %d, durable is term %d", g.cfg.Group, term, g.kept.Term))
		}
	case pb.MsgVoteResp:
		if !m.GetReject() && (term > g.kept.Term || term == g.kept.Term && g.kept.Vote != m.GetTo()) {
			panic(fmt.Sprintf("invariant R2: group %d votes for %x in term %d, durable is the vote for %x in term %d", g.cfg.Group, m.GetTo(), term, g.kept.Vote, g.kept.Term))
		}
	case pb.MsgAppResp:
		if !m.GetReject() && (term > g.kept.Term || term == g.hard.Term && m.GetIndex() > max(g.stable, g.covered)) {
			panic(fmt.Sprintf("invariant R2: group %d acknowledges entries up to %d in term %d, durable are those up to %d, and term %d",
				g.cfg.Group, m.GetIndex(), term, g.stable, g.kept.Term))
		}
	}
}
