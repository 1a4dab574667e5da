package sim

import (
	"slices"
	"time"
)

// ambush is a blow that waits for its moment: a mark, on whatever broker it happens.
//
//	mark power-in-roll's moment  ──► the first write to the next WAL file begins ──► a little later, on that broker: blow
type ambush struct {
	at   Mark
	blow blow
}

// blow is what happens to a broker at the moment.
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

func (b blow) String() string {
	return [...]string{"crash", "power", "pause", "isolate", "stop", "sync-error"}[b]
}

// moments are those that are worth to wait for, and that happen to a broker.
var moments = [...]Mark{
	MarkRoll, MarkRoll, MarkFlush, MarkName, MarkName, MarkBoot, MarkBoot, MarkElected, MarkElected, MarkJoint, MarkJoint, MarkJoint, MarkTransfer, MarkTransfer,
	MarkSnapshot, MarkBackWithHoles, MarkStartMoved, MarkTailCut, MarkBareMajority, MarkBareMajority,
}

// ambushes is how many may wait at a time: some wait for long.
const ambushes = 4

// lieInWait chooses a moment and a blow.
func (f *nemesis) lieInWait() {
	if f.stopped || len(f.waiting) == ambushes {
		return
	}
	a := ambush{at: moments[f.rng.IntN(len(moments))], blow: blow(f.rng.IntN(int(blows)))}
	f.waiting = append(f.waiting, a)
	f.note("a %s waits for: %s", a.blow, a.at)
}

// moment is told of each mark, and of the broker that it happens to. What waits for it strikes within a turn or two, or within the time
// of a disk operation.
func (f *nemesis) moment(m Mark, n *node) {
	i := slices.IndexFunc(f.waiting, func(a ambush) bool { return a.at == m })
	if i < 0 || n == nil || f.stopped || f.w.now < f.quiet {
		return
	}
	a := f.waiting[i]
	f.waiting = slices.Delete(f.waiting, i, i+1)
	within := pick(f.rng, f.w.opt.Turn, f.w.opt.Disk.Sync)
	f.w.after(time.Duration(f.rng.Int64N(int64(2*within))), func() {
		if f.stopped || n.proc == nil {
			return
		}
		f.w.count[CountAmbushes]++
		f.strikes++
		f.note("now: %s", m)
		f.strikeAt(n, a.blow)
	})
}

// strikeAt has one broker meet with a blow.
func (f *nemesis) strikeAt(n *node, b blow) {
	switch b {
	case blowCrash:
		f.blowDown(n, false)
	case blowPower:
		f.blowDown(n, true)
	case blowPause:
		f.pauseOne(n)
	case blowIsolate:
		f.isolateFromPeers(n)
	case blowStop:
		f.stop(n, func() { f.later(n, quickest) })
	case blowSync:
		f.w.decide(syncFails{n.index})
	}
}

// blowDown ends a process, which starts again at once or later.
func (f *nemesis) blowDown(n *node, powerLost bool) {
	if f.rng.IntN(2) == 0 {
		f.quick(n, powerLost)
		return
	}
	f.down(n, powerLost)
}
