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

// calm heals a core of the brokers, a majority of each group at least; what is outside of it may stay broken for ever. From then on
// every partition must take an append and give back everything, within the bound.
func (w *World) calm() {
	w.enter(phaseCalm)
	w.faults.heal()
	w.net.heal()
	w.leaveBehind()
	for _, n := range w.nodes {
		n.downBy = 0
		if n.rotten != "" && !brokersRepair { // it may find damage at any read
			n.kill(false)
			n.downBy = 1
			continue
		}
		how := sound
		if n.behind {
			how = brokenness(w.rng.IntN(int(sound)))
			w.faults.note("broker %d stays broken: %s", n.id, how)
		}
		n.settleDown(how)
	}
	w.finishReading()
	w.after(calmBound, w.stalled)
}

// brokenness is how a broker stays in the calm.
type brokenness int

const (
	stayDead brokenness = iota
	stayCutOff
	staySlow
	stayStill
	sound
)

func (b brokenness) String() string {
	return [...]string{"dead", "cut off", "with a slow disk", "paused", "sound"}[b]
}

// settleDown brings a broker into the state that it has in the calm.
func (n *node) settleDown(how brokenness) {
	w := n.w
	switch how {
	case stayDead:
		n.kill(w.rng.IntN(2) == 0)
		n.downBy = 1
		return
	case stayCutOff:
		w.cutOff(n)
	case staySlow:
		n.disk.drag = 10 + w.rng.IntN(100)
	}
	if n.proc != nil && n.proc.boot <= n.hurtIn && n.rotten != "" {
		n.kill(false) // what is wrong in its WAL shows at a start only
	}
	if n.proc != nil && n.proc.paused {
		n.proc.resume()
	}
	n.start()
	if how == stayStill && n.proc != nil {
		n.proc.paused = true
	}
}

// leaveBehind draws which brokers stay broken: as many as no group needs for a majority of whole replicas.
func (w *World) leaveBehind() {
	from := w.rng.IntN(len(w.nodes))
	for i := range w.nodes {
		n := w.nodes[(from+i)%len(w.nodes)]
		if n.lost != "" || w.rng.IntN(2) == 0 {
			continue
		}
		n.behind = w.spared(n, func(other *node) bool { return other.lost != "" || other.behind }) == nil
	}
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

// Where all partitions serve, and only a broker that lost everything isn't whole yet, there is the time to ship it besides (G9).
func (w *World) stalled() {
	if w.phase != phaseCalm {
		return
	}
	if waits := w.waits(); waits != "" || w.shipping {
		w.violate(Stalled, "%v after the last fault:%s%s", calmBound, waits, w.state())
		return
	}
	w.shipping = true
	w.after(w.shipTime(), w.stalled)
}

// shipTime is how long it may take to give a broker all that another one's segments hold, at half the rate that limits allow.
func (w *World) shipTime() time.Duration {
	var most int64
	for _, n := range w.nodes {
		var bytes int64
		n.disk.eachFile(func(name string, f *inode) {
			if strings.HasPrefix(name, "shard-") && strings.HasSuffix(name, ".log") {
				bytes += f.size
			}
		})
		most = max(most, bytes)
	}
	return time.Duration(1+2*most/int64(w.opt.Limits.TransferBytes)) * w.opt.Limits.Tick
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
