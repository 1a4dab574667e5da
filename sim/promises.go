package sim

import (
	"logd/broker"
	"logd/replica"
	"logd/transport"
)

// promise is one of a raft group. What a broker says of itself after a turn is one thing; what it has told others is what they act upon,
// whether it arrives or not.
type promise struct {
	group uint64
	replica.Promise
}

// promising keeps what an envelope promises, till the turn that gives it is looked at. One that can't be read is refused where it arrives.
func (h *host) promising(frame []byte) {
	_, msgs, err := transport.ParseEnvelope(frame)
	if err != nil {
		return
	}
	for _, in := range msgs {
		if broker.KindName(in.Kind) != "raft" {
			continue
		}
		if p, ok := replica.PromiseOf(in.Body); ok {
			h.promised = append(h.promised, promise{in.Group, p})
		}
	}
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
		case r.id != p.From: // it was dropped in this turn
		case p.Vote != 0:
			v.votes(g, r, h, p)
		case p.Term == r.term && p.Index > r.stable && p.Index >= r.last.Applied:
			// A leader of a later term may have cut it off in the same turn; and what a snapshot that is on its way to disk has taken the
			// place of isn't told apart from what was written.
			v.w.violate(AckedUnsynced, "%s, term %d: replica %x of broker %d acknowledges index %d, and has %d on disk (G1)", g.named(), p.Term, p.From, h.p.node.id, p.Index, r.stable)
		}
	}
	h.promised = h.promised[:0]
}

// votes: in each term a replica votes once, whatever restarts lie between (G2).
func (v *views) votes(g *groupSeen, r *replicaSeen, h *host, p promise) {
	if r.voted.Term == p.Term && r.voted.Vote != p.Vote {
		v.w.violate(VotedTwice, "%s, term %d: replica %x of broker %d votes for replica %x, and had voted for %x", g.named(), p.Term, p.From, h.p.node.id, p.Vote, r.voted.Vote)
	}
	if p.Term >= r.voted.Term {
		r.voted = p
	}
	r.spoke = max(r.spoke, p.Term)
}
