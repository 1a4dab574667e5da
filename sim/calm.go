package sim

import (
	"slices"
	"time"
)

// storm ends the setup: clients begin, and so do faults.
func (w *World) storm() {
	if w.phase != phaseSetup {
		return
	}
	w.enter(phaseStorm)
	if g := w.views.find(1); g != nil {
		w.created = g.commit
	}
	if w.scripted {
		return
	}
	for _, c := range w.clients {
		c.soon(c.pause(w.opt.Load.Think))
	}
	w.faults.begin()
	w.after(w.opt.Length, func() {
		w.faults.stopped = true
		w.decide(w.faults.leaveBehind())
	})
}

// calm heals a core of the brokers, a majority of each group at least; what is outside of it may stay broken for ever. From then on
// every partition must take an append and give back everything, within the bound.
func (w *World) calm(a calm) {
	w.enter(phaseCalm)
	w.faults.heal()
	w.net.heal()
	w.whens = nil
	unplaced := w.topics != nil && w.topics.uncertain()
	for i, how := range a.stay {
		n := w.nodes[i]
		if how.way == sound || n.lost != lossNone || unplaced || w.spared(n, broken) != nil {
			continue
		}
		n.behind = how
		w.count[CountLeft+Count(how.way-stayDead)]++
		w.faults.note("broker %d stays broken: %s", n.id, how)
	}
	for _, n := range w.nodes {
		n.downBy = 0
		n.settleDown()
	}
	w.finishReading()
	w.settleGroups()
	w.after(calmBound, w.stalled)
}

func (w *World) finishReading() {
	for part := range w.partitions() {
		c := newClient(w, finishers+part, &finisher{part: part})
		c.soon(c.pause(20 * time.Millisecond))
	}
	for topic := range w.opt.Load.Fleeting {
		c := newClient(w, finishers+w.partitions()+topic, &closer{topic: topic})
		c.soon(c.pause(20 * time.Millisecond))
	}
}

// maybeOver ends the run once everything was read, and what is broken for a time only is whole again.
func (w *World) maybeOver() {
	if w.phase != phaseCalm {
		return
	}
	for _, c := range w.clients {
		if r, ok := c.role.(*finisher); ok && r.stage < finished {
			return
		}
		if r, ok := c.role.(*closer); ok && r.stage < closed {
			return
		}
	}
	if w.budgeted() && slices.ContainsFunc(w.nodes, func(n *node) bool { return n.lost != lossNone && !n.behind.down() }) {
		return // found ends it
	}
	w.enter(phaseOver)
}
