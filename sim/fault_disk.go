package sim

import (
	"fmt"
	"time"
)

func (f *nemesis) slowDown() {
	i := f.rng.IntN(len(f.w.nodes))
	f.lag(i, 1)
	f.lasting(func() { f.lag(i, -1) })
}

// syncError fails the next sync of a broker, which therefore halts.
func (f *nemesis) syncError() {
	if n := f.any(true); n != nil {
		f.w.decide(syncFails{n.index})
	}
}

// writeError fails the next write of a broker that isn't a sync, which therefore halts.
func (f *nemesis) writeError() {
	if n := f.any(true); n != nil {
		f.w.decide(writeFails{n.index})
	}
}

// victim draws a broker whose disk the budget allows to damage, nil if none.
func (f *nemesis) victim() *node {
	n := f.w.nodes[f.rng.IntN(len(f.w.nodes))]
	if n.lost.total() || !f.affordable(n) {
		return nil
	}
	return n
}

// rot damages one broker's disk: it counts as lost until it was wiped and has rejoined, or was seen whole.
func (f *nemesis) rot() {
	n := f.victim()
	if n == nil {
		return
	}
	a := damage{node: n.index, verb: "rot"}
	kinds := classes[:]
	if how := f.rng.IntN(8); how <= 2 {
		a.verb, kinds = [...]string{"zero", "truncate", "remove"}[how], []string{".log", ".index"}
	}
	f.spoil(n, a, kinds)
}

// spoil damages some place of a broker's disk.
func (f *nemesis) spoil(n *node, a damage, kinds []string) {
	name, off, ok := n.disk.Somewhere(f.rng, kinds...)
	if !ok || a.verb == "rot" && !n.disk.holds(name, off) {
		return
	}
	if a.verb == "rot" && f.rng.IntN(4) == 0 {
		off = n.disk.epochIn(f.rng, name, off)
	}
	a.spot, a.bit = spot{name, off, restOfSector(off)}, uint8(f.rng.IntN(8))
	f.w.decide(a)
	f.refresh(n)
}

// refresh restarts a damaged broker soon: what is wrong in a WAL shows at a start only.
func (f *nemesis) refresh(n *node) {
	power := f.coin()
	f.w.after(f.spread(time.Second), func() {
		if !f.stopped {
			f.quick(n, power)
		}
	})
}

// strayWrite has the next write of a broker's WAL or segments be lost, or land elsewhere.
func (f *nemesis) strayWrite() {
	n := f.victim()
	if n == nil || n.proc == nil || len(n.disk.armed) > 0 {
		return
	}
	f.w.decide(astray{n.index, armed{misdirected: f.coin(), under: strayFolders[f.rng.IntN(2)][1], place: int(f.seed())}})
}

// dragDown makes a disk slow, relative to the others, for long.
func (f *nemesis) dragDown() {
	n := f.w.nodes[f.rng.IntN(len(f.w.nodes))]
	if n.disk.drag > 1 {
		return
	}
	f.w.decide(drag{n.index, 5 + f.rng.IntN(50)})
	f.until(10*f.downtime(), func() { f.w.decide(drag{n.index, 1}) })
}

// badSector makes a place unreadable.
func (f *nemesis) badSector() {
	if n := f.victim(); n != nil {
		f.spoil(n, damage{node: n.index, verb: "bad"}, classes[:])
	}
}

// fullDisk leaves a broker, or all, little room, until there is space again.
func (f *nemesis) fullDisk() {
	all := f.rng.IntN(4) == 0
	at := f.rng.IntN(len(f.w.nodes))
	for i, n := range f.w.nodes {
		if i != at && !all || n.disk.limit > 0 {
			continue
		}
		f.w.decide(full{n.index, int64(f.rng.IntN(16)) * pageSize})
		f.until(2*f.downtime(), func() { f.w.decide(full{n.index, -1}) })
	}
}

// restoreOne copies a broker's disk, or puts such a copy back, as if it were the directory: it is older than what the broker
// has said since.
func (f *nemesis) restoreOne() {
	n := f.w.nodes[f.rng.IntN(len(f.w.nodes))]
	if !f.copied[n.index] {
		if n.lost == lossNone {
			f.w.decide(backup{n.index, n.copyName()})
			f.copied[n.index] = true
		}
		return
	}
	f.keepQuiet(peaceWait)
	f.restoreBy(n, f.quiet)
}

func (n *node) copyName() string { return fmt.Sprintf("copy-%d", n.id) }

// peaceWait is how long a copy waits to be put back for the faults that are on to end; there are no new ones till then.
// peaceAfter is how long, besides some election timeouts, there are none once it was put back.
const (
	peaceWait  = 8 * time.Second
	peaceAfter = time.Second
)

func (f *nemesis) restoreBy(n *node, by time.Duration) {
	if f.stopped || f.w.now > by || !f.copied[n.index] || n.lost != lossNone || n.boots == f.w.images[n.copyName()].boot || !f.affordable(n) {
		return
	}
	if !f.atPeace() {
		f.w.after(watchEvery, func() { f.restoreBy(n, by) })
		return
	}
	f.w.decide(restore{n.index, n.copyName()})
	f.copied[n.index] = false
	f.startAlone(n, f.rng.IntN(3))
	f.keepQuiet(f.electionTime(4) + peaceAfter)
}

// atPeaceNow refuses new faults while an old copy is settling in.
func (f *nemesis) atPeaceNow() error {
	if f.w.budgeted() && f.w.now < f.peace {
		return fmt.Errorf("%w: an old copy was put back, until %v", ErrBudget, f.peace)
	}
	return nil
}

// startAlone starts a broker, and ends it before it can hear from anyone, so often; then it is left running. So a copy comes to a
// generation above those that the others know.
func (f *nemesis) startAlone(n *node, times int) {
	f.w.after(quickest, func() {
		f.start(n)
		if times > 0 && !f.stopped {
			f.w.decide(strike{node: n.index, seed: f.seed()})
			f.startAlone(n, times-1)
		}
	})
}

// atPeace tells whether all brokers have run for some time, and all links hold. An old copy is told from a crash by what the others
// know: one that was away, or can't be reached, can't be asked, and two of three brokers must go on without the third. So a copy put
// back while another broker is away is two losses at once (W7).
func (f *nemesis) atPeace() bool {
	for _, n := range f.w.nodes {
		if n.proc == nil || n.proc.paused || n.lost != lossNone || f.w.waiting(n.index) > 0 || f.w.now < n.proc.started+2*time.Second {
			return false
		}
	}
	for _, row := range f.w.net.links {
		for _, l := range row {
			if l.cut > 0 || l.slow > 0 {
				return false
			}
		}
	}
	return f.electing == nil
}

func (f *nemesis) wipeOne() {
	n := f.w.nodes[f.rng.IntN(len(f.w.nodes))]
	if n.lost != lossWiped && f.affordable(n) {
		f.w.decide(wipe{n.index})
		f.later(n, f.downtime())
	}
}
