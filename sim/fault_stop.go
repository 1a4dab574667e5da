package sim

import "time"

// stopOne stops a broker cleanly, most often one that leads something, and starts it again later.
func (f *nemesis) stopOne() {
	n := f.any(true)
	if l := f.leader(); l != nil && f.rng.IntN(2) == 0 {
		n = l
	}
	if n == nil || n.proc == nil {
		return
	}
	away := f.downtime()
	f.stop(n, func() {
		f.later(n, away)
	})
}

// stopAll stops all brokers at once: no leadership has anywhere to go.
func (f *nemesis) stopAll() {
	for _, n := range f.w.nodes {
		f.stop(n, func() { f.later(n, quickest) })
	}
}

// stop asks a broker to stop; then is called once it has.
func (f *nemesis) stop(n *node, then func()) {
	if n.proc != nil {
		f.stops[n.index] = stopping{n.proc, then}
		f.w.decide(stop{node: n.index})
	}
}

// stopping is a process that was asked to stop, and what follows.
type stopping struct {
	p    *process
	then func()
}

// stoppedCleanly is told of a process that ended since it was asked to. In the calm an operator starts it again.
func (f *nemesis) stoppedCleanly(n *node, p *process) {
	switch s := f.stops[n.index]; {
	case f.w.phase == phaseCalm && f.w.budgeted():
		f.w.after(calmRestart, n.start)
	case s.p == p && !f.stopped:
		s.then()
	}
}

// rolling is an operator who restarts one broker after the other, with other limits maybe: the next one's turn comes when this one
// has caught up or, if he is impatient, when it runs.
type rolling struct {
	f      *nemesis
	at     int
	limits bool // they get new limits
	hard   bool // by a kill instead of a stop
	hasty  bool
	since  time.Duration
}

func (f *nemesis) rollingRestart() {
	if f.rolling {
		return
	}
	f.rolling = true
	f.w.count[CountRolling]++
	r := &rolling{f: f, limits: f.rng.IntN(2) == 0, hard: f.rng.IntN(4) == 0, hasty: f.rng.IntN(3) == 0}
	r.next()
}

// next restarts the broker whose turn it is.
func (r *rolling) next() {
	f, w := r.f, r.f.w
	if f.stopped || r.at == len(w.nodes) {
		f.rolling = false
		return
	}
	n := w.nodes[r.at]
	r.at++
	if n.proc == nil || n.proc.stopping {
		w.after(watchEvery, r.next)
		return
	}
	r.since = w.now
	again := func() {
		if r.limits {
			w.decide(limits{n.index, f.seed()})
		}
		if !r.hard {
			f.later(n, quickest)
		}
	}
	if r.hard {
		f.quick(n, false)
		again()
	} else {
		f.stop(n, again)
	}
	w.after(watchEvery, func() { r.wait(n) })
}

// wait has the next one's turn come once a broker is back, or after a while.
func (r *rolling) wait(n *node) {
	f, w := r.f, r.f.w
	back := n.proc != nil && !n.proc.stopping && (r.hasty || w.views.rejoined(n))
	if f.stopped || back || w.now > r.since+rollPatience {
		r.next()
		return
	}
	w.after(watchEvery, func() { r.wait(n) })
}

// rollPatience is how long an operator waits for one broker.
const rollPatience = 10 * time.Second
