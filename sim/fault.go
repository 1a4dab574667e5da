package sim

import "time"

// The kinds of faults that the nemesis causes (design.md, section 5). What is missing needs a feature that isn't there yet:
// adding brokers, moving partitions, rolling upgrade.
const (
	faultCrash = iota
	faultCrashAll
	faultPower
	faultPowerAll
	faultCrashPower
	faultSlowElected
	faultPause
	faultSplit
	faultOneWay
	faultIsolate
	faultIsolateLeader
	faultBridge
	faultClog
	faultReset
	faultClock
	faultSlowDisk
	faultSyncError
	faultRot
	faultWipe
	faultStray
	faultDrag
	faultBadSector
	faultFull
	faultRestore
	faultRotAll
	faultVotes
	faultStop
	faultStopAll
	faultRolling
	faultAmbush
	faultKinds
)

// faultRow is one kind: weight is the most that a seed draws for it; always means that every seed has it; needsRepair means
// that it exists only once brokersRepair; it needs so many brokers; and
// it is of one family.
type faultRow struct {
	name        string
	weight      int
	always      bool
	needsRepair bool
	brokers     int
	family      family
}

// family is what a kind of faults is about.
type family int

const (
	familyProcess family = iota
	familyPower
	familyNetwork
	familyDisk
	families
)

var faultTable = [faultKinds]faultRow{
	faultCrash:         {"crash", 6, true, false, 1, familyProcess},
	faultCrashAll:      {"crash-all", 2, false, false, 1, familyProcess},
	faultPower:         {"power", 5, true, false, 1, familyPower},
	faultPowerAll:      {"power-all", 3, false, false, 1, familyPower},
	faultCrashPower:    {"crash-power", 4, true, false, 1, familyPower},
	faultSlowElected:   {"slow-elected", 12, true, false, 3, familyPower},
	faultPause:         {"pause", 3, false, false, 1, familyProcess},
	faultSplit:         {"split", 5, true, false, 1, familyNetwork},
	faultOneWay:        {"one-way", 4, false, false, 2, familyNetwork},
	faultIsolate:       {"isolate", 4, false, false, 2, familyNetwork},
	faultIsolateLeader: {"isolate-leader", 5, true, false, 2, familyNetwork},
	faultBridge:        {"bridge", 3, false, false, 3, familyNetwork},
	faultClog:          {"clog", 3, false, false, 1, familyNetwork},
	faultReset:         {"reset", 4, false, false, 1, familyNetwork},
	faultClock:         {"clock", 2, false, false, 1, familyProcess},
	faultSlowDisk:      {"slow-disk", 3, false, false, 1, familyDisk},
	faultSyncError:     {"sync-error", 2, false, false, 1, familyDisk},
	faultRot:           {"rot", 2, false, false, 3, familyDisk},
	faultWipe:          {"wipe", 2, false, false, 3, familyDisk},
	faultStray:         {"stray-write", 2, false, false, 3, familyDisk},
	faultDrag:          {"dragging-disk", 2, false, false, 1, familyDisk},
	faultBadSector:     {"bad-sector", 2, false, true, 3, familyDisk},
	faultFull:          {"full-disk", 3, false, true, 1, familyDisk},
	faultRestore:       {"restore", 2, false, true, 3, familyDisk},
	faultRotAll:        {"rot-all", 4, false, true, 3, familyDisk},
	faultVotes:         {"lose-votes", 2, false, true, 3, familyDisk},
	faultStop:          {"stop", 4, true, false, 1, familyProcess},
	faultStopAll:       {"stop-all", 1, false, false, 1, familyProcess},
	faultRolling:       {"rolling-restart", 2, false, false, 1, familyProcess},
	faultAmbush:        {"ambush", 8, true, false, 1, familyPower},
}

// cause causes one fault of a kind.
func (f *nemesis) cause(kind int) {
	f.w.struck[kind]++
	[faultKinds]func(*nemesis){
		faultCrash:         (*nemesis).crash,
		faultCrashAll:      (*nemesis).crashAll,
		faultPower:         (*nemesis).power,
		faultPowerAll:      (*nemesis).powerAll,
		faultCrashPower:    (*nemesis).crashPower,
		faultSlowElected:   (*nemesis).slowElected,
		faultPause:         (*nemesis).pause,
		faultSplit:         (*nemesis).splitInTwo,
		faultOneWay:        (*nemesis).oneWay,
		faultIsolate:       (*nemesis).isolate,
		faultIsolateLeader: (*nemesis).isolateLeader,
		faultBridge:        (*nemesis).bridge,
		faultClog:          (*nemesis).clog,
		faultReset:         (*nemesis).reset,
		faultClock:         (*nemesis).clock,
		faultSlowDisk:      (*nemesis).slowDown,
		faultSyncError:     (*nemesis).syncError,
		faultRot:           (*nemesis).rot,
		faultWipe:          (*nemesis).wipeOne,
		faultStray:         (*nemesis).strayWrite,
		faultDrag:          (*nemesis).dragDown,
		faultBadSector:     (*nemesis).badSector,
		faultFull:          (*nemesis).fullDisk,
		faultRestore:       (*nemesis).restoreOne,
		faultRotAll:        (*nemesis).rotAll,
		faultVotes:         (*nemesis).loseVotes,
		faultStop:          (*nemesis).stopOne,
		faultStopAll:       (*nemesis).stopAll,
		faultRolling:       (*nemesis).rollingRestart,
		faultAmbush:        (*nemesis).lieInWait,
	}[kind](f)
}

// down kills a broker and starts it again later.
func (f *nemesis) down(n *node, powerLost bool) {
	f.struck(n, powerLost)
	n.kill(powerLost)
	n.downBy++
	f.lasting(func() { n.downBy--; n.start() })
}

// struck counts what is about to end a process that runs.
func (f *nemesis) struck(n *node, powerLost bool) {
	switch {
	case n.proc == nil:
	case powerLost:
		f.w.did("power %d", n.id)
		f.w.count[CountPowerLosses]++
	default:
		f.w.did("crash %d", n.id)
		f.w.count[CountCrashes]++
	}
}

func (f *nemesis) crash() {
	if n := f.any(true); n != nil {
		f.inMidst(n, func() {
			f.down(n, false)
		})
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
	if l := f.leader(); l != nil && f.rng.IntN(2) == 0 {
		n = l
	}
	if n != nil {
		f.inMidst(n, func() {
			f.down(n, true)
		})
	}
}

// crashPower crashes a broker in the midst of a write, starts it at once from what its caches hold, and then takes its
// power: what it recovered must have been made stable (S4).
func (f *nemesis) crashPower() {
	n := f.any(true)
	if n == nil {
		return
	}
	f.inMidst(n, func() {
		f.note("broker %d crashes, and its power will go", n.id)
		f.quick(n, false)
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
	f.slow[n.index] += 5
	f.until(f.electionTime(5), func() { f.slow[n.index] -= 5; f.electing = nil })
	f.quick(l, false) // it comes back to vote: without its own vote on disk, a leader needs both others'
}

// elected is told of each new leader.
func (f *nemesis) elected(n *node) {
	if f.electing != n || f.stopped {
		return
	}
	f.electing = nil
	f.w.after(time.Duration(f.rng.Int64N(int64(200*time.Microsecond))), func() {
		f.note("broker %d was elected and loses power", n.id)
		f.quick(n, true)
		f.quiet = f.w.now + f.electionTime(3) // others would most often keep it from being elected again
	})
}

// quickest is the shortest time that a process is down.
const quickest = 20 * time.Millisecond

// quick kills a broker and starts it again nearly at once.
func (f *nemesis) quick(n *node, powerLost bool) {
	f.struck(n, powerLost)
	n.kill(powerLost)
	f.w.after(quickest, n.start)
}

// inMidst does something while an operation of the broker's WAL lane is under way, half of the times; else now.
func (f *nemesis) inMidst(n *node, do func()) {
	if f.rng.IntN(2) == 0 {
		do()
		return
	}
	f.armed[n.index] = do
	f.w.after(300*time.Millisecond, func() { f.fire(n) })
}

// fire does what waited for a write.
func (f *nemesis) fire(n *node) {
	if do := f.armed[n.index]; do != nil && !f.stopped {
		f.armed[n.index] = nil
		do()
	}
}

// writing is told of each operation of a WAL lane, and how long it takes.
func (f *nemesis) writing(n *node, takes time.Duration) {
	if f.armed[n.index] != nil {
		f.w.after(time.Duration(f.rng.Int64N(int64(takes)+1)), func() { f.fire(n) })
	}
}

func (f *nemesis) powerAll() {
	f.note("all brokers lose power")
	for _, n := range f.w.nodes {
		f.down(n, true)
	}
}

func (f *nemesis) pause() {
	if n := f.any(true); n != nil {
		f.pauseOne(n)
	}
}

func (f *nemesis) pauseOne(n *node) {
	p := n.proc
	if p.paused {
		return
	}
	f.w.count[CountPauses]++
	f.w.did("pause %d", n.id)
	p.paused = true
	f.lasting(func() {
		f.w.did("resume %d", n.id)
		p.resume()
	})
}

// cutting cuts directions until the fault ends.
func (f *nemesis) cutting(what string, pairs [][2]int) {
	if len(pairs) == 0 {
		return
	}
	f.w.count[CountPartitions]++
	f.note("%s", what)
	for _, p := range pairs {
		f.w.net.cut(p[0], p[1], 1)
	}
	f.lasting(func() {
		f.note("%s ends", what)
		for _, p := range pairs {
			f.w.net.cut(p[0], p[1], -1)
		}
	})
}

// between lists the directions between two sides; clients stand on one of them.
func (f *nemesis) between(side func(place int) int) (pairs [][2]int) {
	for a := range len(f.w.nodes) + 1 {
		for b := range len(f.w.nodes) + 1 {
			if side(a) != side(b) {
				pairs = append(pairs, [2]int{a, b})
			}
		}
	}
	return pairs
}

func (f *nemesis) splitInTwo() {
	sides := f.rng.IntN(1 << (len(f.w.nodes) + 1))
	f.cutting("split", f.between(func(place int) int { return sides >> place & 1 }))
}

func (f *nemesis) oneWay() {
	from, to := f.rng.IntN(len(f.w.nodes)), f.rng.IntN(len(f.w.nodes))
	if from != to {
		f.cutting("one-way", [][2]int{{from, to}})
	}
}

func (f *nemesis) isolate() { f.isolateFromPeers(f.w.nodes[f.rng.IntN(len(f.w.nodes))]) }

func (f *nemesis) isolateLeader() {
	if n := f.leader(); n != nil {
		f.isolateFromPeers(n)
	}
}

// isolateFromPeers leaves the clients with the isolated broker, so that they can be lied to.
func (f *nemesis) isolateFromPeers(n *node) {
	var pairs [][2]int
	for _, other := range f.w.nodes {
		if other != n {
			pairs = append(pairs, [2]int{n.index, other.index}, [2]int{other.index, n.index})
		}
	}
	f.cutting("isolate", pairs)
}

// bridge cuts one pair of brokers, who still see each other's friends.
func (f *nemesis) bridge() {
	if a, b := f.rng.IntN(len(f.w.nodes)), f.rng.IntN(len(f.w.nodes)); a != b {
		f.cutting("bridge", [][2]int{{a, b}, {b, a}})
	}
}

// clog makes a direction slow.
func (f *nemesis) clog() {
	a, b := f.rng.IntN(len(f.w.nodes)+1), f.rng.IntN(len(f.w.nodes)+1)
	if a == b {
		return
	}
	by := time.Duration(10+f.rng.Int64N(500)) * time.Millisecond
	f.w.net.clog(a, b, by)
	f.lasting(func() { f.w.net.clog(a, b, -by) })
}

// reset breaks client connections in their midst.
func (f *nemesis) reset() {
	n := f.any(true)
	if n == nil {
		return
	}
	n.reset(func() bool { return f.rng.IntN(2) == 0 })
}

func (f *nemesis) clock() {
	n := f.w.nodes[f.rng.IntN(len(f.w.nodes))]
	n.wall += f.rng.Int64N(20_000) - 10_000
	f.w.did("clock %d %d", n.id, n.wall)
}
