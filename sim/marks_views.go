package sim

import (
	"slices"

	"logd/broker"
)

// markElected looks at how things stand when a leader was elected.
func (v *views) markElected(g *groupSeen, s *broker.GroupView) {
	w, n := v.w, v.host.p.node
	before, holes, voters := false, 0, 0
	for i := range g.replicas {
		r := &g.replicas[i]
		if i == n.index || !r.live {
			continue
		}
		switch {
		case r.leader && r.term < s.Term:
			w.mark(MarkTwoLeaders, n)
			if r.logEnd > g.end {
				w.mark(MarkLeaderLeftUncommitted, n)
			}
		case g.wasLed == i && r.logEnd > g.end:
			w.mark(MarkLeaderLeftUncommitted, n)
		}
		before = before || r.logEnd < g.end
		if r.term == s.Term && slices.Contains(s.Voters, r.id) {
			voters++
			if r.condition.holes > 0 {
				holes++
			}
		}
	}
	g.wasLed = n.index
	w.mark(MarkElected, n)
	if before {
		w.mark(MarkLeaderBeforeAll, n)
	}
	if w.net.isCut() {
		w.mark(MarkLeaderInPartition, n)
	}
	if len(s.Quorums) > 1 {
		w.mark(MarkLeaderInJoint, n)
	}
	if holes > 0 && (1+voters-holes)*2 <= len(s.Voters) { // without those there was no majority in this term
		w.mark(MarkHoleVoted, n)
	}
}

// markSeen looks at what changed of a replica that was seen before in the same process.
func (v *views) markSeen(r *replicaSeen, s *broker.GroupView) {
	w, n := v.w, v.host.p.node
	if g := v.find(s.Group); r.leader && !s.Leading && g.leader == n.index {
		g.lostAt = w.now
	}
	if s.LogEnd < r.logEnd {
		w.mark(MarkTailCut, n)
	}
	if len(s.Quorums) > 1 && len(r.quorums) == 1 {
		w.mark(MarkJoint, n)
	}
	if r.leader && !s.Leading && len(s.Quorums) > 1 {
		w.mark(MarkLeaderLostInJoint, n)
	}
	if s.Installed > r.installed {
		w.mark(MarkSnapshot, n)
		if w.net.isCut() {
			w.mark(MarkSnapshotInPartition, n)
		}
		if r.installed > 0 {
			w.mark(MarkSnapshotTwice, n)
		}
		r.cutOff = false
	}
	if s.Transferring && !r.transferring {
		w.mark(MarkTransfer, n)
		if r.cutOff {
			w.mark(MarkTransferResumed, n)
		}
	}
	if r.condition.holes > 0 && s.Holes == 0 {
		w.mark(MarkHolesFilled, n)
	}
}

// markBack looks at what a replica comes back with.
func (v *views) markBack(g *groupSeen, r *replicaSeen, s *broker.GroupView) {
	w, n := v.w, v.host.p.node
	if s.Durable > s.Commit {
		w.mark(MarkBackUncommitted, n)
	}
	if s.Commit < r.commit {
		w.mark(MarkBackForgetful, n)
	}
	if s.Holes > 0 {
		w.mark(MarkBackWithHoles, n)
	}
	if g.part >= 0 && s.LogEnd < g.start {
		w.mark(MarkStartPassed, n)
	}
	if len(n.proc.cut) > v.host.index && n.proc.cut[v.host.index] && g.leader >= 0 && g.leader != n.index && g.term == r.term && g.replicas[g.leader].leader {
		w.mark(MarkTornTailSameTerm, n)
	}
}

// markForgotten looks at what a process was at when it ended.
func (v *views) markForgotten(n *node) {
	for _, g := range v.groups {
		r := &g.replicas[n.index]
		if !r.live {
			continue
		}
		if r.leader && len(r.quorums) > 1 {
			v.w.mark(MarkLeaderLostInJoint, n)
		}
		if r.transferring {
			v.w.mark(MarkTransferCut, n)
			r.cutOff = true
		}
	}
}

// markStarted: a log start moved.
func (v *views) markStarted(g *groupSeen) {
	v.w.mark(MarkStartMoved, v.host.p.node)
	if g.part == partGroups {
		v.w.mark(MarkGroupsCopied, v.host.p.node)
	}
	for i := range g.replicas {
		if g.on(i) && v.w.nodes[i].proc == nil {
			v.w.mark(MarkStartWhileDown, v.w.nodes[i])
			return
		}
	}
}

// isCut tells whether any direction between brokers is.
func (n *network) isCut() bool {
	for from := range n.w.nodes {
		for to := range n.w.nodes {
			if n.links[from][to].cut > 0 {
				return true
			}
		}
	}
	return false
}

// markBarely: something is committed. If it is on no more replicas than it must be, the last of them is worth to be hit.
func (v *views) markBarely(g *groupSeen, leader *replicaSeen) {
	have, last := 0, -1
	for i := range g.replicas {
		if r := &g.replicas[i]; slices.Contains(leader.voters, r.id) && r.stable >= leader.commit {
			if have++; r != leader {
				last = i
			}
		}
	}
	if last >= 0 && len(leader.voters) >= 3 && have == len(leader.voters)/2+1 {
		v.w.mark(MarkBareMajority, v.w.nodes[last])
	}
}
