package sim

import "time"

// MissingFaults are those of the vocabulary (design.md, section 5) that no run causes, and why.
var MissingFaults = [...]string{
	"adding and removing brokers, moving partitions: brokers can't do it yet",
	"rolling upgrades: there is one version",
}

// The kinds of faults that the nemesis causes (design.md, section 5).
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
	faultHolesVote
	faultStop
	faultStopAll
	faultRolling
	faultAmbush
	faultRing
	faultCorrupt
	faultSluggish
	faultGarbage
	faultNumb
	faultClientCrash
	faultWriteError
	faultKinds
)

// faultRow is one kind: weight is the most that a seed draws for it; always means that every seed has it; needsRepair means
// that it exists only once brokersRepair; it needs so many brokers; and
// it is of one family, and shown by a story.
type faultRow struct {
	name        string
	weight      int
	always      bool
	needsRepair bool
	brokers     int
	family      family
	story       string // of testdata/sim, that shows it
}

// family is what a kind of faults is about.
type family int

const (
	familyProcess family = iota
	familyPower
	familyNetwork
	familyDisk
	familyClient
	families
)

var faultTable = [faultKinds]faultRow{
	faultCrash:         {"crash", 6, true, false, 1, familyProcess, "last-standing"},
	faultCrashAll:      {"crash-all", 2, false, false, 1, familyProcess, "crash-all"},
	faultPower:         {"power", 5, true, false, 1, familyPower, "rotating-power"},
	faultPowerAll:      {"power-all", 3, false, false, 1, familyPower, "power-lost"},
	faultCrashPower:    {"crash-power", 4, true, false, 1, familyPower, "caches-lost"},
	faultSlowElected:   {"slow-elected", 12, true, false, 3, familyPower, "shrunk/vote-before-term"},
	faultPause:         {"pause", 3, false, false, 1, familyProcess, "pause"},
	faultSplit:         {"split", 5, true, false, 1, familyNetwork, "partition-then-power"},
	faultOneWay:        {"one-way", 4, false, false, 2, familyNetwork, "one-way"},
	faultIsolate:       {"isolate", 4, false, false, 2, familyNetwork, "shrink-to-self"},
	faultIsolateLeader: {"isolate-leader", 5, true, false, 2, familyNetwork, "deposed-leader"},
	faultBridge:        {"bridge", 3, false, false, 3, familyNetwork, "bridge"},
	faultClog:          {"clog", 3, false, false, 1, familyNetwork, "swizzle-clog"},
	faultReset:         {"reset", 4, false, false, 1, familyNetwork, "reset"},
	faultClock:         {"clock", 2, false, false, 1, familyProcess, "clock"},
	faultSlowDisk:      {"slow-disk", 3, false, false, 1, familyDisk, "read-after-restart"},
	faultSyncError:     {"sync-error", 2, false, false, 1, familyDisk, "sync-error"},
	faultRot:           {"rot", 2, false, false, 3, familyDisk, "segments/closed"},
	faultWipe:          {"wipe", 2, false, false, 3, familyDisk, "wipe"},
	faultStray:         {"stray-write", 2, false, false, 3, familyDisk, "wal/misdirected-write"},
	faultDrag:          {"dragging-disk", 2, false, false, 1, familyDisk, "slow-disk"},
	faultBadSector:     {"bad-sector", 2, false, true, 3, familyDisk, "wal/unreadable"},
	faultFull:          {"full-disk", 3, false, true, 1, familyDisk, "repair/full-disk"},
	faultRestore:       {"restore", 2, false, true, 3, familyDisk, "repair/restored-backup"},
	faultRotAll:        {"rot-all", 4, false, true, 3, familyDisk, "repair/rot-all"},
	faultVotes:         {"lose-votes", 2, false, true, 3, familyDisk, "wal/both-directories"},
	faultHolesVote:     {"holes-vote", 12, true, true, 3, familyDisk, "wal/hole-votes"},
	faultStop:          {"stop", 4, true, false, 1, familyProcess, "stop"},
	faultStopAll:       {"stop-all", 1, false, false, 1, familyProcess, "stop-all"},
	faultRolling:       {"rolling-restart", 2, false, false, 1, familyProcess, "rolling-restart"},
	faultAmbush:        {"ambush", 8, true, false, 1, familyPower, "ambush"},
	faultRing:          {"ring", 4, false, false, 5, familyNetwork, "ring-of-majorities"},
	faultCorrupt:       {"corrupt", 3, false, false, 2, familyNetwork, "corrupted-envelope"},
	faultSluggish:      {"sluggish", 3, false, false, 1, familyProcess, "slow-process"},
	faultGarbage:       {"garbage", 4, false, false, 1, familyClient, "garbage"},
	faultNumb:          {"numb-consumer", 2, false, false, 1, familyClient, "numb-consumer"},
	faultClientCrash:   {"client-crash", 3, false, false, 1, familyClient, "zombie"},
	faultWriteError:    {"write-error", 2, false, false, 1, familyDisk, "write-error"},
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
		faultHolesVote:     (*nemesis).holesVote,
		faultStop:          (*nemesis).stopOne,
		faultStopAll:       (*nemesis).stopAll,
		faultRolling:       (*nemesis).rollingRestart,
		faultAmbush:        (*nemesis).lieInWait,
		faultRing:          (*nemesis).ring,
		faultCorrupt:       (*nemesis).corrupt,
		faultSluggish:      (*nemesis).tire,
		faultGarbage:       (*nemesis).vandalize,
		faultNumb:          (*nemesis).benumb,
		faultClientCrash:   (*nemesis).crashClient,
		faultWriteError:    (*nemesis).writeError,
	}[kind](f)
}

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
// was killed in its boot. In the calm an operator starts it again; in the storm that is a decision.
func (f *nemesis) ended(n *node, in time.Duration) {
	switch {
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
	if !f.w.drawn() {
		return
	}
	if f.coin() {
		f.w.decide(strike{node: n.index, power: true, seed: f.seed()})
	}
	f.later(n, time.Duration(f.rng.Int64N(int64(time.Second))))
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

// cutting cuts directions until the fault ends.
func (f *nemesis) cutting(what string, pairs [][2]int) {
	if len(pairs) == 0 {
		return
	}
	f.w.count[CountPartitions]++
	f.note("%s", what)
	for _, p := range pairs {
		f.w.decide(cutLink{p[0], p[1], 1})
	}
	f.lasting(func() {
		f.note("%s ends", what)
		for _, p := range pairs {
			f.w.decide(cutLink{p[0], p[1], -1})
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

func (f *nemesis) isolateFromPeers(n *node) {
	last := f.downtime()
	f.w.decide(isolate{n.index, last})
	f.passes(last)
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
	f.w.decide(clog{a, b, by})
	f.lasting(func() { f.w.decide(clog{a, b, -by}) })
}

// reset breaks client connections in their midst.
func (f *nemesis) reset() {
	if n := f.any(true); n != nil {
		f.w.decide(reset{n.index, f.seed()})
	}
}

func (f *nemesis) clock() {
	n := f.w.nodes[f.rng.IntN(len(f.w.nodes))]
	f.w.decide(clock{n.index, n.wall + f.rng.Int64N(20_000) - 10_000})
}
