package crash

import (
	"fmt"
	"math/rand/v2"

	"logd/log"
	"logd/log/memfs"
)

// identity is whose disk all of them are.
var identity = log.Identity{Broker: 3, Incarnation: 0x1122334455667788, Shard: 1, Shards: 2}

// world is a store at work on a disk, with the model of it.
type world struct {
	script  *Script
	fs      *memfs.FS
	s       *log.Store
	run     [log.Lanes]*log.Runner
	plans   [log.Lanes]log.Plan // what is out
	next    [log.Lanes]int      // the operation of it that is to run
	m       model
	todo    []command
	seq     log.Seq // of the last thing staged
	order   Order
	rng     *rand.Rand
	turns   int
	blocked bool            // the store was, ever
	look    func(at moment) // at each boundary
	full    [2]int          // the operations of the fill lane, counted from here, that find no room
	badSync int             // the sync that fails, counted from here; 0: none
	fault   *Violation      // of the running store
}

// Order is how the commands and the two lanes of a script are interleaved.
type Order uint64

const (
	// WALFirst stages when both lanes are idle, and prefers the WAL's.
	WALFirst Order = iota
	// FillFirst stages when both lanes are idle, and prefers the other.
	FillFirst
	// InTurn goes around.
	InTurn
	// WALLast leaves the WAL's operation in flight while there is anything else to do.
	WALLast
	// FillLast does so with the other lane's.
	FillLast
	// Drawn and all above are drawn from a seed.
	Drawn
)

func (o Order) String() string {
	if o >= Drawn {
		return fmt.Sprintf("drawn-%d", o-Drawn)
	}
	return [...]string{"wal-first", "fill-first", "in-turn", "wal-last", "fill-last"}[o]
}

// moment is a boundary of an operation.
type moment struct {
	kind log.OpKind // of the operation in flight, or of the last one of the plan that completed
	lane log.Lane
	done bool
}

// newWorld formats a disk and opens a store on it.
func newWorld(script *Script, order Order, seed uint64) *world {
	w := &world{script: script, fs: memfs.New(), order: order, rng: rand.New(rand.NewPCG(seed, uint64(order))), look: func(moment) {}}
	if err := log.Format(w.fs, identity, script.Options); err != nil {
		panic(fmt.Sprintf("crash: script %s: %v", script.Name, err))
	}
	s, _, err := log.Open(w.fs, identity, script.Options)
	if err != nil {
		panic(fmt.Sprintf("crash: script %s: %v", script.Name, err))
	}
	w.attach(s)
	w.todo = script.parse()
	return w
}

func (w *world) attach(s *log.Store) {
	w.s = s
	for lane := range w.run {
		w.run[lane], w.plans[lane], w.next[lane] = log.NewRunner(w.fs), log.Plan{}, 0
	}
}

// bounds is what the store says now.
func (w *world) bounds() bounds {
	b := bounds{durable: w.s.Durable(), flushed: map[uint64]log.Mark{}, blocked: w.blocked}
	for _, g := range w.m.groups {
		if g.dropped == 0 {
			b.flushed[g.id] = w.s.Flushed(g.id)
		}
	}
	return b
}

// play runs the whole script.
func (w *world) play(stop func() bool) {
	for !stop() && w.fault == nil && w.turn() {
	}
}

// turn does one thing, and says whether there was any.
func (w *world) turn() bool {
	w.turns++
	w.blocked = w.blocked || w.s.Blocked()
	command := func() bool { return w.command() }
	wal := func() bool { return w.step(log.LaneWAL) }
	fill := func() bool { return w.step(log.LaneFill) }
	ways := [3]func() bool{wal, fill, command}
	switch {
	case w.order == FillFirst:
		ways = [3]func() bool{fill, wal, command}
	case w.order == WALLast:
		ways = [3]func() bool{fill, command, wal}
	case w.order == FillLast:
		ways = [3]func() bool{wal, command, fill}
	case w.order == InTurn:
		for range w.turns % 3 {
			ways = [3]func() bool{ways[1], ways[2], ways[0]}
		}
	case w.order >= Drawn:
		w.rng.Shuffle(3, func(i, j int) { ways[i], ways[j] = ways[j], ways[i] })
	}
	for _, way := range ways {
		if way() {
			return true
		}
	}
	if w.answer() {
		return true
	}
	if len(w.todo) > 0 || !w.idle() {
		left := ""
		if len(w.todo) > 0 {
			left = fmt.Sprintf("line %d, %s, ", w.todo[0].line, w.todo[0].verb)
		}
		panic(fmt.Sprintf("crash: script %s: %sis never ready: durable %d of %d, blocked %t", w.script.Name, left, w.s.Durable(), w.seq, w.s.Blocked()))
	}
	return false
}

// idle says that all is durable, nothing is out, and no mark is to come.
func (w *world) idle() bool {
	for _, g := range w.m.groups {
		if g.dropped == 0 && w.s.Flushing(g.id) {
			return false
		}
	}
	return w.s.Durable() >= w.seq && w.s.Sizes().Staged == 0 && len(w.plans[log.LaneWAL].Ops) == 0 && len(w.plans[log.LaneFill].Ops) == 0
}

// step begins a lane's next plan, so that its first operation is in flight, or runs the operation that is. The boundary of an
// operation in flight, and the one behind a plan, are looked at.
func (w *world) step(lane log.Lane) bool {
	p := &w.plans[lane]
	if len(p.Ops) == 0 {
		var ok bool
		*p, ok = w.s.Plan(lane)
		w.next[lane] = 0
		return ok
	}
	op := p.Ops[w.next[lane]]
	w.look(moment{kind: op.Kind, lane: lane})
	if w.noRoom(op, lane) || w.syncFails(op, lane) {
		return true
	}
	if err := w.run[lane].Do(op); err != nil {
		panic(fmt.Sprintf("crash: script %s: %s: %v", w.script.Name, op, err))
	}
	if w.next[lane]++; w.next[lane] < len(p.Ops) {
		return true
	}
	d := log.Done{Lane: lane, ID: p.ID}
	*p = log.Plan{}
	if err := w.s.Done(d); err != nil {
		panic(fmt.Sprintf("crash: script %s: %v", w.script.Name, err))
	}
	w.look(moment{kind: op.Kind, lane: lane, done: true})
	return true
}

// flying returns the operations that are in flight: of each lane that has a plan out, the next one.
func (w *world) flying() []log.Op {
	var ops []log.Op
	for lane := range w.plans {
		if p := &w.plans[lane]; len(p.Ops) > 0 {
			ops = append(ops, p.Ops[w.next[lane]])
		}
	}
	return ops
}

// begin does to a disk what an operation in flight may have done: everything, and nothing of it is stable.
func begin(fs *memfs.FS, op log.Op) {
	switch op.Kind {
	case log.OpSync, log.OpSyncDir:
		return
	case log.OpWriteSync:
		op.Kind = log.OpWrite
	}
	if err := log.NewRunner(fs).Do(op); err != nil {
		panic(fmt.Sprintf("crash: %s in flight: %v", op, err))
	}
}
