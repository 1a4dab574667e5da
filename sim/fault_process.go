package sim

import "time"

// blow is a strike against a broker, which is started again some time later. Its boot may be killed at any call on its disk, what was
// under way is left to chance, and what wasn't synced if the power goes.
func (f *nemesis) blow(n *node, powerLost bool, back time.Duration) strike {
	return strike{node: n.index, power: powerLost, seed: f.seed(), back: back, killed: f.killed()}
}

// killed draws the call on a disk that a boot is killed at; 0: it isn't.
func (f *nemesis) killed() int {
	if f.rng.IntN(1000) < f.w.opt.Faults.Boot {
		return 1 + f.rng.IntN(1+1<<f.rng.IntN(9))
	}
	return 0
}

// down ends a broker's process, and starts it again later.
func (f *nemesis) down(n *node, powerLost bool) { f.w.decide(f.blow(n, powerLost, f.downtime())) }

// start starts a broker, unless it runs or a strike keeps it down.
func (f *nemesis) start(n *node) {
	if n.proc == nil && n.downBy == 0 && n.refused == "" && !f.stopped {
		f.w.decide(start{node: n.index, killed: f.killed()})
	}
}

// later starts a broker some time from now.
func (f *nemesis) later(n *node, in time.Duration) { f.w.after(in, func() { f.start(n) }) }

// struck counts what is about to end a process that runs.
func (f *nemesis) struck(n *node, powerLost bool) {
	switch {
	case n.proc == nil:
	case powerLost:
		f.w.count[CountPowerLosses]++
	default:
		f.w.count[CountCrashes]++
	}
}

// ended is told of a process that ended by itself: it halted, gave up its directory, refused to start for want of room, or
// was killed in its boot. While a cluster forms and in the calm an operator starts it again; in the storm that is a decision.
func (f *nemesis) ended(n *node, in time.Duration) {
	switch {
	case f.w.phase == phaseSetup:
		n.formsAgain(in)
	case f.w.phase == phaseCalm && f.w.budgeted():
		f.w.after(calmRestart, n.start)
	case f.w.drawn():
		f.later(n, in)
	}
}

// calmRestart is how long an operator needs in the calm.
const calmRestart = 500 * time.Millisecond

// bootKilled is told of a process that was killed in its boot. Its machine may lose power too.
func (f *nemesis) bootKilled(n *node) {
	switch {
	case f.w.phase == phaseSetup:
		n.killedForming(f.coin(), f.seed(), time.Duration(f.rng.Int64N(int64(time.Second))))
	case f.w.drawn():
		if f.coin() {
			f.w.decide(strike{node: n.index, power: true, seed: f.seed()})
		}
		f.later(n, time.Duration(f.rng.Int64N(int64(time.Second))))
	}
}

func (f *nemesis) crash() {
	if n := f.any(true); n != nil {
		f.inMidst(n, f.blow(n, false, f.downtime()), nil)
	}
}

func (f *nemesis) crashAll() {
	f.note("all brokers crash")
	for _, n := range f.w.nodes {
		f.down(n, false)
	}
}

func (f *nemesis) power() {
	n := f.any(true)
	if l := f.leader(); l != nil && f.coin() {
		n = l
	}
	if n != nil {
		f.inMidst(n, f.blow(n, true, f.downtime()), nil)
	}
}

// crashPower crashes a broker in the midst of a write, starts it at once from what its caches hold, and then takes its
// power: what it recovered must have been made stable (S4).
func (f *nemesis) crashPower() {
	n := f.any(true)
	if n == nil {
		return
	}
	f.inMidst(n, f.blow(n, false, quickest), func() {
		f.w.after(quickest+f.spread(300*time.Millisecond), func() {
			if !f.stopped && f.w.now >= f.quiet {
				f.quick(n, true)
			}
		})
	})
}

// slowElected crashes a leader while another broker's disk hangs, and takes that one's power the moment it is elected, when
// its term may not be on its disk yet (S1). It starts again at once.
func (f *nemesis) slowElected() {
	l := f.leader()
	n := f.w.nodes[f.rng.IntN(len(f.w.nodes))]
	if l == nil || n == l || n.proc == nil || f.electing != nil {
		return
	}
	f.note("broker %d leads and crashes, broker %d's disk is very slow", l.id, n.id)
	f.electing = n
	f.lag(n.index, 5)
	f.until(f.electionTime(5), func() { f.lag(n.index, -5); f.electing = nil })
	f.w.decide(when{node: n.index, event: MarkElected, delay: time.Duration(f.rng.Int64N(int64(200 * time.Microsecond))), most: f.electionTime(5),
		act: f.blow(n, true, quickest), done: func() {
			f.electing = nil
			f.keepQuiet(f.electionTime(3)) // others would most often keep it from being elected again
		}})
	f.quick(l, false) // it comes back to vote: without its own vote on disk, a leader needs both others'
}

// lag makes a disk slower, or takes that away.
func (f *nemesis) lag(at, by int) {
	f.lags[at] += by
	f.w.decide(lag{node: at, times: f.lags[at]})
}

// quickest is the shortest time that a process is down.
const quickest = 20 * time.Millisecond

// quick ends a broker's process and starts it again nearly at once.
func (f *nemesis) quick(n *node, powerLost bool) { f.w.decide(f.blow(n, powerLost, quickest)) }

// inMidst strikes while an operation of the broker's WAL lane is under way, half of the times; else now.
func (f *nemesis) inMidst(n *node, a strike, then func()) {
	if f.coin() {
		f.w.decide(a)
		if then != nil {
			then()
		}
		return
	}
	f.w.decide(when{node: n.index, event: onWriting, share: f.rng.IntN(1001), most: 300 * time.Millisecond, act: a, done: then})
}

func (f *nemesis) powerAll() {
	f.note("all brokers lose power")
	for _, n := range f.w.nodes {
		f.down(n, true)
	}
}

func (f *nemesis) pause() {
	if n := f.any(true); n != nil && !n.proc.paused {
		last := f.downtime()
		f.w.decide(pause{node: n.index, last: last})
		f.passes(last)
	}
}

func (f *nemesis) clock() {
	n := f.w.nodes[f.rng.IntN(len(f.w.nodes))]
	f.w.decide(clock{n.index, n.wall + f.rng.Int64N(20_000) - 10_000})
}
