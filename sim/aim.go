package sim

import "time"

// blow is what waits for its moment, on whatever broker that happens:
//
//	a mark such as roll ──► the first write to the next WAL file begins ──► a little later, on that broker: blow
type blow int

const (
	blowCrash blow = iota
	blowPower
	blowPause
	blowIsolate
	blowStop
	blowSync
	blows
)

// moments are those that are worth to wait for, and that happen to a broker.
var moments = [...]Mark{
	MarkRoll, MarkRoll, MarkFlush, MarkName, MarkName, MarkBoot, MarkBoot, MarkElected, MarkElected, MarkJoint, MarkJoint, MarkJoint, MarkTransfer, MarkTransfer,
	MarkSnapshot, MarkBackWithHoles, MarkStartMoved, MarkTailCut, MarkBareMajority, MarkBareMajority,
}

// ambushes is how many may wait at a time, and ambushWaits how long: some moments come rarely.
const (
	ambushes    = 4
	ambushWaits = 30 * time.Second
)

// lieInWait chooses a moment and a blow, which strikes within a turn or two of it, or within the time of a disk operation. All of it is
// one decision: told again it strikes at the moment, not at the time (act_when.go).
func (f *nemesis) lieInWait() {
	if f.stopped || f.w.waiting(whoever) >= ambushes {
		return
	}
	within := pick(f.rng, f.w.opt.Turn, f.w.opt.Disk.Sync)
	a := when{node: whoever, event: moments[f.rng.IntN(len(moments))], delay: time.Duration(f.rng.Int64N(int64(2 * within))), most: ambushWaits}
	last := time.Duration(0)
	a.act, last = f.drawBlow(blow(f.rng.IntN(int(blows))))
	a.done = func() {
		f.w.count[CountAmbushes]++
		f.strikes++
		if last > 0 {
			f.passes(last)
		}
	}
	f.w.decide(a)
}

// drawBlow draws what happens to a broker, and how long that lasts if it is over by itself.
func (f *nemesis) drawBlow(b blow) (aimed, time.Duration) {
	n := f.w.nodes[0] // whose turn it is isn't known yet
	switch b {
	case blowCrash, blowPower:
		back := quickest
		if f.coin() {
			back = f.downtime()
		}
		return f.blow(n, b == blowPower, back), 0
	case blowPause:
		last := f.downtime()
		return pause{node: n.index, last: last}, last
	case blowIsolate:
		last := f.downtime()
		return isolate{n.index, last}, last
	case blowStop:
		return stop{n.index, quickest}, 0
	}
	return syncFails{n.index}, 0
}
