package sim

import (
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/broker/group"
)

// How a member leaves.
const (
	leavesProtocol  int64 = 1 << iota // it comes back by the other protocol
	leavesForAWhile                   // of the new protocol, a static one: its place is kept for its session (KIP-848)
)

// howToLeave draws it.
func (c *client) howToLeave() int64 {
	if g := &c.seat; g.modern && g.instance != nil && c.rng.IntN(2) == 0 {
		return leavesForAWhile
	}
	return c.otherProtocol()
}

// memberSession is how long a member is one that isn't heard of.
func (c *client) memberSession() time.Duration {
	if c.seat.modern {
		return c.w.opt.Limits.Groups.ConsumerSession
	}
	return classicSession
}

// leaveGhost leaves a ghost of what a member is now, which commits for a partition.
func (g *seat) leaveGhost(part int) {
	g.old = ghost{id: g.id, gen: g.gen, heard: g.heard, part: part, at: g.committable(part), epoch: g.modern}
}

// sendGhostBeat is a heartbeat of who the client was: a process that was replaced, and doesn't know.
func (c *client) sendGhostBeat(a request, k *call) {
	w, g := c.w, &c.seat
	_, k.lead = w.coordinator(g.group)
	k.ghost, k.gen, k.fenced = true, g.old.gen, g.oldOut(w)
	if g.old.epoch {
		req := kmsg.NewPtrConsumerGroupHeartbeatRequest()
		req.Group, req.MemberID, req.MemberEpoch, req.InstanceID = g.group, g.old.id, max(g.old.gen, 1), g.instance
		a.version = min(a.version, 1)
		c.sendGroup(a, k, req)
		return
	}
	req := kmsg.NewPtrHeartbeatRequest()
	req.Group, req.MemberID, req.Generation, req.InstanceID = g.group, g.old.id, g.old.gen, g.instanceAt(a.version, 3)
	c.sendGroup(a, k, req)
}

// oldOut tells whether the ghost is no member any more, or of a generation that is over. In a group of consumers a member may be one
// still, and have something else.
func (g *seat) oldOut(w *World) bool {
	l := w.ledgerOf(g.group)
	return l.out[g.old.id] || !g.modern && !g.mixed && l.supersedes(g.old.gen, g.old.heard)
}

// ghostAnswered judges the answer to a ghost's heartbeat, if its coordinator was the only one all the time.
func (c *client) ghostAnswered(k *call) {
	w, g := c.w, &c.seat
	node, term := w.coordinator(g.group)
	if k.fenced && k.code == group.FencedInstance {
		w.markLoad(MarkMemberFenced)
	}
	if k.fenced && k.code == codeNone && node == k.line.node && term == k.lead {
		w.violate(FencedMember, "client %d sends a heartbeat of a member of %s in generation or epoch %d that was replaced, or of a generation that was over, before it asked, and it is taken (G7)",
			c.number, g.group, k.gen)
	}
}

// coordinator is the newest leader of the partition that a group is kept in, and its term; -1 if there was none yet.
func (w *World) coordinator(id string) (node int, term uint64) {
	if g := w.keptIn(id); g != nil {
		return g.leader, g.term
	}
	return -1, 0
}

// coordinates tells whether a broker is a group's coordinator, and no other has been elected that it may not have heard of.
func (w *World) coordinates(node int, id string) bool {
	leader, _ := w.coordinator(id)
	return node == leader
}
