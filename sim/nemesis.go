package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"logd/log"
)

// nemesis draws faults, as decisions, within the budget: a minority of replicas may be lost for good (wiped, rotten), and
// besides that everything may happen to everyone.
type nemesis struct {
	w *World

	// What acts have done.
	slow      []int         // by node: by how much its disk lags
	failing   []int         // by node: syncs still to fail
	unwritten []int         // by node: other writes still to fail
	peace     time.Duration // no new faults before: an old copy was put back

	// What is drawn.
	rng      *rand.Rand
	stopped  bool
	lags     []int      // by node: faults that slow its disk
	copied   []bool     // by node: there is a copy of its disk
	stops    []stopping // by node: the process that was last asked to stop
	electing *node      // loses power when it is elected
	weather  weather
	forecast *rand.Rand    // what the weather will be
	strikes  int           // faults so far
	on       map[int]int   // by number: what of a fault hasn't ended
	rolling  bool          // brokers are restarted one after the other
	quiet    time.Duration // no new faults before
}

func newNemesis(w *World) *nemesis {
	n := w.opt.Brokers
	return &nemesis{w: w, rng: stream(w.opt.Seed, streamNemesis, 0), slow: make([]int, n), failing: make([]int, n), unwritten: make([]int, n),
		lags: make([]int, n), copied: make([]bool, n), stops: make([]stopping, n), on: map[int]int{}, forecast: stream(w.opt.Seed, streamWeather, 0), weather: weather{faults: w.opt.Faults}}
}

// begin begins the storm.
func (f *nemesis) begin() {
	f.w.after(f.spread(f.w.opt.Faults.Every), f.strike)
	f.w.after(time.Duration(f.forecast.Int64N(int64(10*time.Second))), f.changeWeather)
	f.watch()
}

// spread draws a time around mean, sometimes much longer.
func (f *nemesis) spread(mean time.Duration) time.Duration {
	return time.Duration(f.rng.ExpFloat64() * float64(mean))
}

func (f *nemesis) downtime() time.Duration {
	return 20*time.Millisecond + f.spread(f.weather.faults.Last)
}

// electionTime is so many election timeouts.
func (f *nemesis) electionTime(n int) time.Duration {
	return time.Duration(n*f.w.opt.Limits.ElectionTicks) * f.w.opt.Limits.Tick
}

// strike causes one fault and plans the next.
func (f *nemesis) strike() {
	if f.stopped {
		return
	}
	if wait := f.quiet - f.w.now; wait > 0 {
		f.w.after(wait, f.strike)
		return
	}
	o := &f.weather.faults
	total := 0
	for _, weight := range o.Weight {
		total += weight
	}
	if total > 0 {
		k := 0
		for at := f.rng.IntN(total); at >= o.Weight[k]; k++ {
			at -= o.Weight[k]
		}
		f.strikes++
		f.cause(k)
	}
	f.w.after(f.spread(o.Every), f.strike)
}

// keepQuiet has no new fault happen for some time.
func (f *nemesis) keepQuiet(last time.Duration) {
	f.quiet = max(f.quiet, f.w.now+last)
	f.w.decide(hush{last})
}

// lasting plans the end of a fault, after some time.
func (f *nemesis) lasting(end func()) { f.until(f.downtime(), end) }

// until plans the end of a fault; the calm ends it without being asked to.
func (f *nemesis) until(in time.Duration, end func()) {
	of := f.strikes
	f.on[of]++
	if len(f.on) >= 2 {
		f.w.mark(MarkFaultsOverlap, nil)
	}
	if len(f.on) >= 3 {
		f.w.mark(MarkFaultsThree, nil)
	}
	f.w.after(in, func() {
		if f.on[of]--; f.on[of] == 0 {
			delete(f.on, of)
		}
		if !f.stopped {
			end()
		}
	})
}

// passes says that a fault is over by itself after some time.
func (f *nemesis) passes(in time.Duration) { f.until(in, func() {}) }

// heal ends all faults that disks have, and causes no more.
func (f *nemesis) heal() {
	f.stopped = true
	clear(f.failing)
	clear(f.unwritten)
	clear(f.slow)
	for _, n := range f.w.nodes {
		n.disk.armed = nil
		if n.ill() != "" {
			n.hurts()
		}
		n.disk.drag, n.sluggish = 0, 0
		n.disk.Space()
	}
}

func (f *nemesis) note(format string, args ...any) {
	f.w.watch.noted(false, format, args)
	if f.w.trace.verbose() {
		f.w.trace.line(f.w.now, traceFault, "%s", fmt.Sprintf(format, args...))
	}
}

// any draws a broker that is, or isn't, running; nil if there is none.
func (f *nemesis) any(running bool) *node {
	from := f.rng.IntN(len(f.w.nodes))
	for i := range f.w.nodes {
		if n := f.w.nodes[(from+i)%len(f.w.nodes)]; (n.proc != nil) == running {
			return n
		}
	}
	return nil
}

// leader draws the broker that leads some group; nil if nobody does.
func (f *nemesis) leader() *node {
	groups := f.w.views.groups
	if len(groups) == 0 {
		return nil
	}
	g := groups[f.rng.IntN(len(groups))]
	if f.w.opt.Load.Members > 0 && f.coin() { // a coordinator's, if it can be
		of := slices.DeleteFunc(slices.Clone(groups), func(g *groupSeen) bool { return g.part != partGroups })
		if len(of) > 0 {
			g = of[f.rng.IntN(len(of))]
		}
	}
	if g.leader < 0 || !g.replicas[g.leader].live {
		return nil
	}
	return f.w.nodes[g.leader]
}

// fails tells whether this operation shall fail.
func (f *nemesis) fails(h *host, kind log.OpKind) bool {
	n := h.p.node
	left, counted := f.unwritten, CountWriteErrors
	if kind == log.OpSync || kind == log.OpWriteSync {
		left, counted = f.failing, CountSyncErrors
	}
	if left[n.index] == 0 {
		return false
	}
	left[n.index]--
	n.hurts()
	h.p.failed = true
	f.w.count[counted]++
	switch {
	case counted == CountWriteErrors:
		f.w.mark(MarkWriteFailed, n)
	case n.leads():
		f.w.mark(MarkSyncFailedLeader, n)
	}
	f.note("a %v of %v fails", kind, h)
	return true
}

// seed draws what decides all that an act leaves to chance.
func (f *nemesis) seed() uint64 { return 1 + f.rng.Uint64N(9999) }

// coin is true half of the times.
func (f *nemesis) coin() bool { return f.rng.IntN(2) == 0 }

// slowDisk is what faults add to each operation.
func (f *nemesis) slowDisk(n *node) time.Duration {
	if f.slow[n.index] == 0 {
		return 0
	}
	return time.Duration(f.slow[n.index]) * time.Duration(n.rng.Int64N(int64(60*time.Millisecond)))
}
