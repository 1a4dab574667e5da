package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"logd/checker"
)

// storm ends the setup: clients begin, and so do faults.
func (w *World) storm() {
	if w.phase != phaseSetup {
		return
	}
	w.enter(phaseStorm)
	if w.scripted {
		return
	}
	for _, c := range w.clients {
		c.soon(c.pause(w.opt.Load.Think))
	}
	w.faults.start()
	w.after(w.opt.Length, w.calm)
}

// setupBound and calmBound are how long a majority that can talk may need, in all (G9).
const (
	setupBound = 30 * time.Second
	calmBound  = 60 * time.Second
)

// calm heals a core of the brokers, a majority at least; what is outside of it may stay broken for ever. From then on every
// partition must take an append and give back everything, within the bound.
func (w *World) calm() {
	w.enter(phaseCalm)
	w.faults.heal()
	w.net.heal()
	left := w.leftBehind()
	w.left = left
	for _, n := range w.nodes {
		n.downBy = 0
		switch {
		case n.rotten != "" && !brokersRepair: // it may find damage at any read
			n.kill(false)
			n.downBy = 1
		case n == left && w.rng.IntN(2) == 0:
			n.kill(w.rng.IntN(2) == 0)
			n.downBy = 1
		case n == left:
			w.cutOff(n)
			fallthrough
		default:
			if n.proc != nil && n.proc.boot <= n.hurtIn && n.rotten != "" {
				n.kill(false) // what is wrong in its WAL shows at a start only
			}
			if n.proc != nil && n.proc.paused {
				n.proc.resume()
			}
			n.start()
		}
	}
	if left != nil {
		w.faults.note("broker %d stays broken", left.id)
	}
	w.finishReading()
	w.after(calmBound, w.stalled)
}

// leftBehind draws the broker that stays broken: one that is lost already, else maybe any.
func (w *World) leftBehind() *node {
	for _, n := range w.nodes {
		if n.lost != "" {
			return nil // it isn't counted upon, so all others are needed
		}
	}
	if len(w.nodes) < 3 || w.rng.IntN(2) == 0 {
		return nil
	}
	return w.nodes[w.rng.IntN(len(w.nodes))]
}

// cutOff separates a broker from its peers, in one direction or both.
func (w *World) cutOff(n *node) {
	ways := 1 + w.rng.IntN(3)
	for _, other := range w.nodes {
		if other == n {
			continue
		}
		if ways&1 != 0 {
			w.net.cut(n.index, other.index, 1)
		}
		if ways&2 != 0 {
			w.net.cut(other.index, n.index, 1)
		}
	}
}

// finisher appends once more, asks for the end and for the start, and reads everything between.
type finisher struct {
	part   int
	stage  int // 0 append, 1 tail, 2 start, 3 read, 4 done
	at     int64
	end    int64
	misses int
}

func (w *World) finishReading() {
	for part := range w.partitions() {
		c := newClient(w, &finisher{part: part})
		c.soon(c.pause(20 * time.Millisecond))
	}
}

func (r *finisher) act(c *client) {
	if c.inflight > 0 || r.stage == 4 {
		return
	}
	node, ok := c.leader(r.part)
	if !ok {
		return
	}
	switch r.stage {
	case 0:
		c.append(node, r.part, 1)
	case 1:
		c.tail(node, r.part)
	case 2:
		c.earliest(node, r.part)
	case 3:
		c.fetch(node, r.part, r.at)
	}
}

func (r *finisher) done(c *client, k *call) {
	if k.earliest && k.answered {
		r.stage, r.at = 3, k.start
		c.soon(time.Millisecond)
		return
	}
	if k.op.Outcome != checker.OK {
		if k.code == codeOutOfRange { // retention goes on
			r.stage = 2
		}
		r.misses++
		c.soon(c.pause(retryAfter))
		return
	}
	switch k.op.Kind {
	case checker.Append:
		r.stage = 1
	case checker.Tail:
		r.stage, r.end = 2, k.op.Off
	case checker.Read:
		r.at = k.op.From + int64(len(k.op.Values))
		if r.at >= r.end {
			r.stage = 4
			c.over = true
			c.w.maybeOver()
			return
		}
	}
	c.soon(time.Millisecond)
}

// maybeOver ends the run once everything was read, and what is broken for a time only is whole again.
func (w *World) maybeOver() {
	if w.phase != phaseCalm {
		return
	}
	for _, c := range w.clients {
		if r, ok := c.role.(*finisher); ok && r.stage < 4 {
			return
		}
	}
	if brokersRepair && !w.scripted && slices.ContainsFunc(w.nodes, func(n *node) bool { return n.lost != "" && n.downBy == 0 }) {
		return // found ends it
	}
	w.enter(phaseOver)
}

// setupStalled and stalled report that nothing moves though a majority could.
func (w *World) setupStalled() {
	if w.phase == phaseSetup {
		w.violate(Stalled, "topics can't be made within %v of the start:%s", setupBound, w.state())
	}
}

func (w *World) stalled() {
	if w.phase == phaseCalm {
		w.violate(Stalled, "%v after the last fault:%s%s", calmBound, w.waits(), w.state())
	}
}

// waits says what the finishers wait for.
func (w *World) waits() string {
	var waits strings.Builder
	for _, c := range w.clients {
		if r, ok := c.role.(*finisher); ok && r.stage < 4 {
			what := [...]string{"its append is acknowledged", "its end is told", "its start is told", fmt.Sprintf("offsets %d to %d are read", r.at, r.end)}[r.stage]
			fmt.Fprintf(&waits, "\n  %s waits until %s; %d attempts failed", w.partName(r.part), what, r.misses)
		}
	}
	return waits.String()
}

// state says who leads what, and which brokers and links are broken.
func (w *World) state() string {
	var b strings.Builder
	for _, n := range w.nodes {
		state := "runs"
		switch {
		case n.refused != "":
			state = "refuses to start: " + n.refused
		case n.proc == nil:
			state = "is down"
		case n.proc.paused:
			state = "is paused"
		}
		fmt.Fprintf(&b, "\n  broker %d %s", n.id, state)
		if n.lost != "" {
			fmt.Fprintf(&b, " (lost: %s, %s; %s)", n.lost, n.rotten, w.views.misses(n))
		}
		if n.proc == nil {
			continue
		}
		for _, h := range n.proc.hosts {
			if s, ok := h.shard.(waiter); ok {
				fmt.Fprintf(&b, "\n    shard %d: %s", h.index, s.Waiting())
			}
		}
	}
	for a := range w.net.links {
		for c := range w.net.links[a] {
			if w.net.links[a][c].cut > 0 {
				fmt.Fprintf(&b, "\n  link %d→%d is cut", a+1, c+1)
			}
		}
	}
	for _, g := range w.views.groups {
		fmt.Fprintf(&b, "\n  group %d, %s: newest leader broker %d in term %d%s", g.id, g.name, g.leader+1, g.term, g)
	}
	return b.String()
}
