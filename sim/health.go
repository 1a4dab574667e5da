package sim

import (
	"fmt"
	"slices"
	"time"
)

// What the world knows of who could serve, since when: the ground on which a refusal is judged (refusal.go).
//
//	broker ill:   down, paused, stopping, started a moment ago, its disk slow or full or damaged, its turns slow, its WAL without room
//	pair apart:   a direction between them is cut, slow, or had a connection refused
//	core:         brokers that were well, and all near each other, for all of a time, and lack nothing that is committed

// hurts notes that a broker's trouble begins or ends now.
func (n *node) hurts() { n.ails = max(n.ails, n.w.now) }

// ill says what ails a broker now, "" if nothing does.
func (n *node) ill() string { return n.illFor(nil) }

// illFor is ill, as far as a group is concerned, if there is one.
func (n *node) illFor(g *groupSeen) string {
	w := n.w
	switch {
	case n.refused != "":
		return "refuses to start"
	case n.proc == nil:
		return "is down"
	case n.proc.paused:
		return "is paused"
	case n.proc.stopping:
		return "stops"
	case n.lost != lossNone && !n.soundFor(g):
		return "counts as " + string(n.lost)
	case n.sluggish > 0:
		return "is slow"
	case w.faults.slow[n.index] > 0 || n.disk.drag > 1:
		return "has a slow disk"
	case n.disk.limit > 0:
		return "has a disk with little room"
	case w.faults.failing[n.index] > 0 || len(n.disk.armed) > 0:
		return "has a disk that fails"
	}
	return ""
}

// soundFor reports whether nothing of a group can have been lost by a broker, where that is known, nor of the metadata, by which all
// groups are served. A damaged replica steps aside by itself (G10), and stops no other.
func (n *node) soundFor(g *groupSeen) bool {
	if n.lost != lossRotten || n.gaps == nil || g == nil {
		return false
	}
	meta := n.w.groupOfPart(partMetadata)
	for k := range n.gaps { // order: any is enough
		if k.group == g.id || meta == nil || k.group == meta.id {
			return false
		}
	}
	return true
}

// illSince says what has ailed a broker at any time since then, as far as a group is concerned, if there is one; "" if nothing has.
func (n *node) illSince(g *groupSeen, since time.Duration) string {
	if why := n.illFor(g); why != "" {
		return why
	}
	if max(n.ails, n.proc.resumed) > since {
		return "has not been well for long"
	}
	if g != nil && n.proc.hosts[g.id%uint64(len(n.proc.hosts))].crampedSince(since) {
		return "has a WAL without room, or had a moment ago, and moves what it holds to segments"
	}
	return ""
}

// apartSince says what has been wrong with a direction at any time since then.
func (n *network) apartSince(from, to int, since time.Duration) string {
	switch l := &n.links[from][to]; {
	case l.cut > 0:
		return fmt.Sprintf("link %s→%s is cut", n.place(from), n.place(to))
	case l.slow > 0:
		return fmt.Sprintf("link %s→%s is slow", n.place(from), n.place(to))
	case max(l.ails, l.over) > since:
		return fmt.Sprintf("link %s→%s has not been well for long, last at %v", n.place(from), n.place(to), max(l.ails, l.over))
	}
	return ""
}

// core returns the brokers that were well since then, and near leader and each other; others say why they are none of it.
func (g *groupSeen) core(w *World, leader int, since time.Duration) (in []int, others []string) {
	order := []int{leader}
	for i := range w.nodes {
		if i != leader && g.on(i) {
			order = append(order, i)
		}
	}
	for _, i := range order {
		why := w.nodes[i].illSince(g, since)
		if why != "" {
			why = fmt.Sprintf("broker %d %s", w.nodes[i].id, why)
		}
		if r := &g.replicas[i]; why == "" && (!r.live || !r.condition.whole() || r.transferring) {
			why = fmt.Sprintf("broker %d's replica isn't whole", w.nodes[i].id)
		}
		if r := &g.replicas[i]; why == "" && r.stable < g.commit { // what is committed must be shipped to it first (G9)
			why = fmt.Sprintf("broker %d has entries to %d on disk, of %d that are committed", w.nodes[i].id, r.stable, g.commit)
		}
		if r := &g.replicas[i]; why == "" && (r.shipped > since || slices.Contains(g.replicas[leader].last.Offered, r.id)) { // until the leader has heard of it, too
			why = fmt.Sprintf("broker %d's replica is to catch up by a transfer, or was at %v", w.nodes[i].id, r.shipped)
		}
		for _, k := range in {
			for _, pair := range [2][2]int{{i, k}, {k, i}} {
				if why == "" {
					why = w.net.apartSince(pair[0], pair[1], since)
				}
			}
		}
		if why == "" {
			in = append(in, i)
		} else {
			others = append(others, why)
		}
	}
	return in, others
}

// majority tells whether the present replicas on some brokers are one, of each set of voters that counts.
func (g *groupSeen) majority(leader *replicaSeen, in []int) bool {
	for _, set := range leader.quorums {
		have := 0
		for _, i := range in {
			if slices.Contains(set, g.replicas[i].id) {
				have++
			}
		}
		if have*2 <= len(set) {
			return false
		}
	}
	return len(leader.quorums) == 1
}

// electionTime is so many election timeouts of the broker that waits longest.
func (w *World) electionTime(n int) time.Duration {
	most := time.Duration(0)
	for _, node := range w.nodes {
		most = max(most, time.Duration(n*node.limits.ElectionTicks)*node.limits.Tick)
	}
	return most
}
