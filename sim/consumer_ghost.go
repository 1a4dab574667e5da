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
	k.ghost, k.gen, k.by, k.fenced = true, g.old.gen, w.serving(g.group), g.oldOut(w)
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

// ghostAnswered judges the answer to a ghost's heartbeat, if it means anything.
func (c *client) ghostAnswered(k *call) {
	w, g := c.w, &c.seat
	if k.fenced && k.code == group.FencedInstance {
		w.markLoad(MarkMemberFenced)
	}
	if k.fenced && k.code == codeNone && c.meant(k) {
		w.violate(FencedMember, "client %d sends a heartbeat of a member of %s in generation or epoch %d that was replaced, or of a generation that was over, before it asked, and it is taken (G7)",
			c.number, g.group, k.gen)
	}
}

// serving is a coordinator of groups that has loaded what is in its log.
type serving struct {
	node         int
	boot, number uint64 // number is 0 if there is none
}

// serving is what the newest leader of the partition that a group is kept in has loaded.
func (w *World) serving(id string) serving {
	g := w.keptIn(id)
	if g == nil || g.leader < 0 || !g.replicas[g.leader].live || w.nodes[g.leader].proc == nil {
		return serving{}
	}
	return serving{g.leader, w.nodes[g.leader].proc.boot, g.replicas[g.leader].last.Coordinator}
}

// meant tells whether a heartbeat's answer says anything of its member: one coordinator was the only one all the time, and had loaded. One
// that loads answers without an error whoever it is asked by, so that nobody gives up what it has (GroupCoordinatorService.heartbeat).
func (c *client) meant(k *call) bool {
	now := c.w.serving(k.group)
	return now.number > 0 && now == k.by && now.node == k.line.node
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
