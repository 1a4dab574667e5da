package sim

import (
	"fmt"
	"strings"

	"logd/broker"
)

// waitsFor says, of a group that something waits for, who waits for whom (verification.md, 2D): whether it has a leader, what that one
// lacks to commit, and of each replica that could give it what keeps it from it.
func (w *World) waitsFor(g *groupSeen) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n    group %d, voters %s", g.id, g.voterNames(w))
	if g.leader < 0 || !g.replicas[g.leader].leader {
		fmt.Fprintf(&b, ": nobody leads; broker %d did last, in term %d", g.leader+1, g.term)
	} else {
		fmt.Fprintf(&b, ": broker %d leads in term %d, since %v", g.leader+1, g.term, g.since)
	}
	for i := range w.nodes {
		if g.on(i) {
			fmt.Fprintf(&b, "\n      %s", w.standing(g, i))
		}
	}
	if g.part >= 0 {
		if gone := w.copies.outOfReach(g); gone != "" {
			fmt.Fprintf(&b, "\n      good copies: offsets %s, and of no broker that runs", gone)
		}
	}
	if why := w.lacks(g); why != "" {
		fmt.Fprintf(&b, "\n      so %s", why)
	}
	return b.String()
}

// voterNames lists the brokers of each set of voters that counts, as the newest leader knows them.
func (g *groupSeen) voterNames(w *World) string {
	if g.leader < 0 {
		return "unknown"
	}
	var sets []string
	for _, set := range g.replicas[g.leader].quorums {
		var names []string
		for _, id := range set {
			name := fmt.Sprint(id >> 32)
			if g.replicas[id>>32-1].id != id {
				name += " (a replica that is gone)"
			}
			names = append(names, name)
		}
		sets = append(sets, fmt.Sprintf("%s of which %d must agree", strings.Join(names, " "), len(set)/2+1))
	}
	return strings.Join(sets, " and ")
}

// standing is how one replica stands: its role, what it has, and what ails its broker and its links to the leader.
func (w *World) standing(g *groupSeen, at int) string {
	n, r := w.nodes[at], &g.replicas[at]
	if why := n.ill(); why != "" && !r.live {
		return fmt.Sprintf("broker %d %s; it had entries to %d in term %d", n.id, why, r.stable, r.term)
	}
	s := fmt.Sprintf("broker %d", n.id)
	switch {
	case r.leader:
		s += " leads"
	case r.lead != 0:
		s += fmt.Sprintf(" follows %d", r.lead>>32)
	default:
		s += " follows nobody"
	}
	s += fmt.Sprintf(" in term %d: commit %d, durable to %d, log ends at %d", r.term, r.commit, r.stable, r.last.Last)
	if r.logEnd > r.highWatermark {
		s += fmt.Sprintf(", %d offsets uncommitted", r.logEnd-r.highWatermark)
	}
	if !r.condition.whole() {
		s += fmt.Sprintf(", %d holes, %d segment holes, damaged %t", r.condition.holes, r.condition.segmentHoles, r.condition.damaged)
	}
	if r.transferring {
		s += ", waits for the batches of a snapshot"
	}
	if why := n.ill(); why != "" {
		s += ", and " + why
	}
	if to := g.leader; to >= 0 && to != at {
		for _, pair := range [2][2]int{{at, to}, {to, at}} {
			if l := &w.net.links[pair[0]][pair[1]]; l.cut > 0 || l.slow > 0 {
				s += fmt.Sprintf("; link %s→%s: %d cuts, %v slower", w.net.place(pair[0]), w.net.place(pair[1]), l.cut, l.slow)
			}
		}
	}
	return s
}

// lacks says what the leader waits for: entries that less than a majority has on disk.
func (w *World) lacks(g *groupSeen) string {
	if g.leader < 0 || !g.replicas[g.leader].leader {
		in, others := []int(nil), []string(nil)
		for at := range w.nodes {
			if i, o := g.core(w, at, w.now-w.electionTime(electedWithin)); len(i) > len(in) {
				in, others = i, o
			}
		}
		return fmt.Sprintf("a leader is waited for: %d brokers have been well and near each other for %d election timeouts; %s", len(in), electedWithin, strings.Join(others, "; "))
	}
	leader := &g.replicas[g.leader]
	if last := leader.last.Last; last > leader.commit {
		have := 0
		for i := range g.replicas {
			if r := &g.replicas[i]; r.live && r.stable >= last {
				have++
			}
		}
		return fmt.Sprintf("entries %d to %d wait for a majority: %d brokers have the last on disk", leader.commit+1, last, have)
	}
	return "all is committed: what is waited for didn't come to the leader, or left it and was not answered"
}

// shardWaits is what a shard of a process has out, and holds.
func (h *host) shardWaits() string {
	s := ""
	if sh, ok := h.shard.(waiter); ok {
		s = fmt.Sprintf("\n    shard %d: %s", h.index, sh.Waiting())
	}
	if sh, ok := h.shard.(holder); ok {
		sh.Holdings(func(x broker.Holding) {
			if x.Idle && x.Now > 0 {
				s += fmt.Sprintf(", %d %s", x.Now, x.What)
			}
		})
	}
	return s
}
