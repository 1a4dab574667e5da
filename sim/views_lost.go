package sim

import (
	"fmt"
	"slices"
)

// misses says what a broker lacks, "" if nothing.
func (v *views) misses(n *node) string {
	for _, g := range v.groups {
		if c := g.replicas[n.index].condition; !c.whole() {
			return fmt.Sprintf("%s: %d holes, %d segment holes, damaged %t", g.name, c.holes, c.segmentHoles, c.damaged)
		}
	}
	return ""
}

// forget: a process ended. What its disk holds stays true.
func (v *views) forget(n *node) {
	v.markForgotten(n)
	v.undrop(n)
	for _, g := range v.groups {
		if g.replicas[n.index].leader && g.leader == n.index {
			g.lostAt = v.w.now
		}
		if g.held != nil && g.replicas[n.index].live {
			g.held[n.index] = v.w.now
		}
		g.replicas[n.index].live, g.replicas[n.index].leader = false, false
	}
}

// wiped: a disk was emptied, or an old copy was put back: of a deleted topic, too, which may then come back as it was at any time.
func (v *views) wiped(n *node) {
	for _, g := range v.groups {
		g.wiped(n)
	}
	for _, g := range v.retired { // order: each by itself
		g.wiped(n)
	}
}

// places tells whether a group has a replica on a broker: of three brokers on each, of more where one was seen.
func (v *views) places(g *groupSeen, r *replicaSeen) bool {
	return len(v.w.nodes) <= 3 && g.part != partFleeting || g.part == partMetadata || r.id != 0
}

// rejoined: every live replica of every group has applied a configuration with this broker's present replica as a voter,
// and that has on its disk all that was committed.
func (v *views) rejoined(n *node) bool {
	for _, g := range v.groups {
		mine := &g.replicas[n.index]
		if g.goneAt > 0 || !v.places(g, mine) && !(g.part == partFleeting && g.on(n.index)) {
			continue
		}
		if !mine.live || mine.stable < g.commit {
			return false
		}
		for i := range g.replicas {
			r := &g.replicas[i]
			former := func(id uint64) bool { return id != mine.id && id>>32 == mine.id>>32 }
			if v.w.nodes[i].behind.way != sound {
				continue // it is told of no configuration any more
			}
			if v.places(g, r) && !r.live || r.live && (!slices.Contains(r.voters, mine.id) || slices.ContainsFunc(r.voters, former)) {
				return false // a joint configuration still needs the votes of the replica that is gone
			}
		}
	}
	return len(v.groups) > 1 // the metadata group alone is no cluster with topics
}
