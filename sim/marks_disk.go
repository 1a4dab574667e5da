package sim

import (
	"time"

	"logd/log"
)

// markPower looks at what a broker's disk is at when its power goes.
func (n *node) markPower() {
	w := n.w
	if w.now-n.proc.started < time.Second {
		w.mark(MarkPowerTwice, n)
	}
	for _, h := range n.proc.hosts {
		for i := range h.lanes {
			l := &h.lanes[i]
			if !l.busy || l.next >= len(l.plan.Ops) {
				continue
			}
			switch op := &l.plan.Ops[l.next]; {
			case l.plan.Lane == log.LaneWAL && h.rolls:
				w.mark(MarkPowerInRoll, n)
			case l.plan.Lane == log.LaneWAL:
				w.mark(MarkPowerInWAL, n)
			case op.Kind == log.OpWrite || op.Kind == log.OpSync || op.Kind == log.OpWriteSync || op.Kind == log.OpTruncate:
				w.mark(MarkPowerInFlush, n)
			default:
				w.mark(MarkPowerInName, n)
			}
		}
	}
}

// manyGroups are those of a broker that are many: a turn, a write group or an envelope has something of most of them.
const (
	manyGroups = 12
	dozens     = 36
)

// markMany looks at how many groups' replicas a broker that starts again had.
func (n *node) markMany() {
	has := count(n.w.views.groups, func(g *groupSeen) bool { return g.goneAt == 0 && g.on(n.index) })
	if has >= manyGroups {
		n.w.mark(MarkManyGroups, n)
	}
	if has >= dozens {
		n.w.mark(MarkDozens, n)
	}
}

// markEnded looks at the other brokers when a process has ended.
func (n *node) markEnded() {
	w := n.w
	down := 0
	for _, other := range w.nodes {
		if other.proc == nil {
			down++
		}
	}
	if down > 1 {
		w.mark(MarkLostWhileDown, n)
	}
	if down == len(w.nodes) {
		w.mark(MarkAllDown, n)
	}
}

// leads tells whether a broker takes itself for the leader of any group.
func (n *node) leads() bool {
	for _, g := range n.w.views.groups {
		if r := &g.replicas[n.index]; r.live && r.leader {
			return true
		}
	}
	return false
}

// markResumed: a process goes on that may have led when it was paused.
func (n *node) markResumed() {
	for _, g := range n.w.views.groups {
		if r := &g.replicas[n.index]; r.live && r.leader && g.term > r.term {
			n.w.mark(MarkLeaderWokeDeposed, n)
			return
		}
	}
}

// led lists the groups that a broker leads.
func (n *node) led() (groups []*groupSeen) {
	for _, g := range n.w.views.groups {
		if r := &g.replicas[n.index]; r.live && r.leader {
			groups = append(groups, g)
		}
	}
	return groups
}

// markStopped: a broker has stopped that led these groups when it was asked to.
func (n *node) markStopped(led []*groupSeen) {
	for _, g := range led {
		if g.leader == n.index || g.leader < 0 || !g.replicas[g.leader].leader {
			return
		}
	}
	if len(led) > 0 {
		n.w.mark(MarkStopMoved, n)
	}
}
