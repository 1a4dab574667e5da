package sim

import (
	"slices"
	"time"
)

// What the budget of faults (W7) must know of topics that come and go. A group whose replicas weren't seen yet may be where no more
// replicas may be lost, so nothing is damaged before it was; and what is lost already is no place for a majority of a new one.

// uncertain tells whether there may be a topic of fewer replicas than there are brokers, and it isn't known where they are: its creation
// is under way, or was done unheard, or was acknowledged, and not all of its groups were seen.
func (t *topicLedger) uncertain() bool {
	return slices.ContainsFunc(t.names, func(f fleetingTopic) bool { return f.uncertain(len(t.w.nodes)) })
}

func (f *fleetingTopic) uncertain(brokers int) bool {
	unnamed, few := 0, false // creations of which it isn't known which life they made, if they made one
	for _, c := range f.changes {
		if !c.create || c.clear && !c.done || c.life != nil {
			continue
		}
		unnamed++
		few = few || c.copies < brokers && !(c.clear && f.overSince(c.ended))
	}
	orphans := 0 // lives of which it isn't known which creation made them: each is of another one
	for _, l := range f.lives {
		orphan, copies := l.made < 0, l.copies < brokers
		if orphan {
			orphans++
			copies = few
		}
		if copies && l.over < 0 && !f.overSince(l.heard) && !l.located() {
			return true
		}
	}
	return few && orphans < unnamed
}

// overSince tells whether a life that had been made by some time is over: a change called later was done. A creation finds the name free, a deletion
// leaves it so.
func (f *fleetingTopic) overSince(by time.Duration) bool {
	return slices.ContainsFunc(f.changes, func(c *topicChange) bool { return c.clear && c.done && c.called > by })
}

// located tells whether it is known which brokers all replicas of a life are on: one of each group was seen that says its voters.
func (l *life) located() bool {
	return l.parts > 0 && len(l.groups) >= l.parts && !slices.ContainsFunc(l.groups, func(g *groupSeen) bool {
		return g == nil || g.goneAt == 0 && !slices.ContainsFunc(g.replicas, func(r replicaSeen) bool { return len(r.voters) > 0 })
	})
}

// mayMake tells whether a topic of so many replicas has a majority of them on healthy brokers, wherever they come.
func (w *World) mayMake(copies int) bool {
	return 2*count(w.nodes, func(n *node) bool { return n.lost != lossNone }) < copies
}
