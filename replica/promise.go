package replica

import pb "go.etcd.io/raft/v3/raftpb"

// Promise is what a message says that a restart must not take back: a vote, the candidate's own among them, or the acknowledgement of
// entries.
type Promise struct {
	From  uint64 // the replica that gives it
	Term  uint64
	Vote  uint64 // the candidate; 0: it is an acknowledgement
	Index uint64 // up to which entries are acknowledged
}

// PromiseOf reads the promise in an encoded message; false if it is none.
func PromiseOf(b []byte) (Promise, bool) {
	if len(b) < wireFixed {
		return Promise{}, false
	}
	switch pb.MessageType(b[8]) { // the others need not be decoded
	case pb.MsgVote, pb.MsgVoteResp, pb.MsgAppResp:
	default:
		return Promise{}, false
	}
	m, err := DecodeMessage(b)
	if err != nil || m.GetReject() {
		return Promise{}, false
	}
	p := Promise{From: m.GetFrom(), Term: m.GetTerm()}
	switch m.GetType() {
	case pb.MsgVote:
		p.Vote = m.GetFrom()
	case pb.MsgVoteResp:
		p.Vote = m.GetTo()
	default:
		p.Index = m.GetIndex()
	}
	return p, true
}
