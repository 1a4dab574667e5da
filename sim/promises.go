package sim

import (
	pb "go.etcd.io/raft/v3/raftpb"

	"logd/broker"
	"logd/replica"
	"logd/transport"
)

// promise is a raft message that a restart must not take back: a vote, the candidate's own among them, or the acknowledgement of entries.
// What a broker says of itself after a turn is one thing; what it has told others is what they act upon, whether it arrives or not.
type promise struct {
	group   uint64
	replica uint64 // that gives it
	term    uint64
	to      uint64 // vote: the candidate; 0: it is an acknowledgement
	index   uint64 // that is acknowledged
}

// promising keeps what an envelope promises, till the turn that gives it is looked at.
func (h *host) promising(frame []byte) {
	_, msgs, err := transport.ParseEnvelope(frame)
	if err != nil {
		h.w.violate(BadResponse, "%v sends an envelope that can't be read: %v", h, err)
		return
	}
	for _, in := range msgs {
		if p, ok := promiseOf(in); ok {
			h.promised = append(h.promised, p)
		}
	}
}

// promiseOf reads the promise in a message; false if it is none.
func promiseOf(in transport.Received) (promise, bool) {
	if broker.KindName(in.Kind) != "raft" {
		return promise{}, false
	}
	switch kind, _ := replica.TypeOf(in.Body); kind {
	case pb.MsgVote, pb.MsgVoteResp, pb.MsgAppResp:
	default:
		return promise{}, false
	}
	m, err := replica.DecodeMessage(in.Body)
	if err != nil || m.GetReject() {
		return promise{}, false
	}
	p := promise{group: in.Group, replica: m.GetFrom(), term: m.GetTerm()}
	switch m.GetType() {
	case pb.MsgVote:
		p.to = m.GetFrom()
	case pb.MsgVoteResp:
		p.to = m.GetTo()
	default:
		p.index = m.GetIndex()
	}
	return p, true
}

// promised judges what a host's turn has promised, once it was seen what is durable behind it.
func (v *views) promised(h *host) {
	for _, p := range h.promised {
		g := v.find(p.group)
		if g == nil {
			continue // made and dropped in one turn
		}
		r := &g.replicas[h.p.node.index]
		switch {
		case r.id != p.replica: // it was dropped in this turn
		case p.to != 0:
			v.votes(g, r, h, p)
		case p.term == r.term && p.index > r.stable && p.index >= r.last.Applied:
			// A leader of a later term may have cut it off in the same turn; and what a snapshot that is on its way to disk has taken the
			// place of isn't told apart from what was written.
			v.w.violate(AckedUnsynced, "%s, term %d: replica %x of broker %d acknowledges index %d, and has %d on disk (G1)", g.named(), p.term, p.replica, h.p.node.id, p.index, r.stable)
		}
	}
	h.promised = h.promised[:0]
}

// votes: in each term a replica votes once, whatever restarts lie between (G2).
func (v *views) votes(g *groupSeen, r *replicaSeen, h *host, p promise) {
	if r.voted.term == p.term && r.voted.to != p.to {
		v.w.violate(VotedTwice, "%s, term %d: replica %x of broker %d votes for replica %x, and had voted for %x", g.named(), p.term, p.replica, h.p.node.id, p.to, r.voted.to)
	}
	if p.term >= r.voted.term {
		r.voted = p
	}
	r.spoke = max(r.spoke, p.term)
}
