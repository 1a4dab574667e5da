package sim

import (
	"math/rand/v2"
	"time"

	"logd/broker"
)

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
	n.stop(func() {
		n.downBy++
		f.until(away, func() { n.downBy--; n.start() })
	})
}

// stopAll stops all brokers at once: no leadership has anywhere to go.
func (f *nemesis) stopAll() {
	for _, n := range f.w.nodes {
		n.stop(func() { f.w.after(quickest, n.start) })
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
			n.setLimits(f.rng.Uint64() >> 1)
		}
		w.after(quickest, n.start)
	}
	if r.hard {
		f.struck(n, false)
		n.kill(false)
		again()
	} else {
		n.stop(again)
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

// setLimits has a broker start with other limits from now on. What all brokers and clients must agree upon stays.
func (n *node) setLimits(seed uint64) {
	n.w.did("limits %d %d", n.id, seed)
	l, was := broker.DrawLimits(rand.New(rand.NewPCG(seed, 0))), &n.w.opt.Limits
	l.UncommittedBytes, l.TransferBytes = was.UncommittedBytes, max(l.TransferBytes, was.TransferBytes)
	n.limits = l
}
