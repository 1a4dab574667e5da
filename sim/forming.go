package sim

import "time"

// Brokers also end while a cluster forms and its first topics are made: a process crashes, or its machine loses power, and is started again
// a moment later; such a start may be killed in its midst, too. All of this follows from the options, since decisions are recorded from the
// storm on only: a story of such a run has the same.
const (
	formingFor  = 2 * time.Second        // from the first start on: most clusters need less
	formingBack = 500 * time.Millisecond // most that one is away
	formingBoot = 200                    // most calls on its disk until a start is killed
)

// disturb plans what goes wrong before the storm.
func (w *World) disturb() {
	rng := stream(w.opt.Seed, streamForming, 0)
	for range w.opt.Faults.Forming {
		n := w.nodes[rng.IntN(len(w.nodes))]
		power, back, killed := rng.IntN(2) == 0, time.Duration(rng.Int64N(int64(formingBack))), 0
		if rng.IntN(4) == 0 {
			killed = 1 + rng.IntN(formingBoot)
		}
		w.after(time.Duration(rng.Int64N(int64(formingFor))), func() { n.endsForming(power, back, killed) })
	}
}

// endsForming ends a broker's process and plans its next start, unless the storm has come, which knows of faults of its own only.
func (n *node) endsForming(power bool, back time.Duration, killed int) {
	w := n.w
	if w.phase != phaseSetup || n.proc == nil {
		return
	}
	w.count[CountForming]++
	w.faults.struck(n, power)
	n.kill(power)
	w.after(back, func() { n.forms(killed) })
}

// killedForming is told of a process that was killed in its boot before the storm. Its machine may lose power too.
func (n *node) killedForming(power bool, seed uint64, back time.Duration) {
	if power {
		n.disk.keeping(keepRandom, seed, n.disk.PowerLoss)
	}
	n.formsAgain(back)
}

// formsAgain starts a broker that ended before the storm. Whoever is told of this run sees the same without a command (W12).
func (n *node) formsAgain(in time.Duration) { n.w.after(in, func() { n.forms(0) }) }

func (n *node) forms(killed int) {
	if n.proc == nil && n.downBy == 0 && n.refused == "" && n.w.phase < phaseCalm {
		n.boot(killed)
	}
}
