package sim

import (
	"io"
	"math/rand/v2"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/broker"
)

// Env is what a world may use of the outside.
type Env struct {
	Trace    io.Writer                       // a line per event; nil for none
	History  io.Writer                       // the clients' history in JSON lines; nil for none
	Record   io.Writer                       // the run as a story: options, what was decided, finish; nil for none
	Events   func(at time.Duration, e Event) // told what happens, as it happens; nil for none (event.go)
	Stack    func() []byte                   // the stack of a panic, where it is caught
	Paranoid bool                            // check every view of every replica after every turn, also those that did not change
	tape     *tape                           // keeps the trace; nil for none
}

// World is brokers, disks, links and clients on one goroutine, and the time they share.
type World struct {
	opt    Options
	env    Env
	now    time.Duration
	queue  queue
	rng    *rand.Rand // the order and the cuts of turns
	trace  Trace
	watch  *watcher // nil if nobody wants events
	count  [Counts]int64
	struck [faultKinds]int64 // faults, by kind
	marks  [Marks]int64

	nodes   []*node
	net     *network
	clients []*client
	names   []string             // of partitions
	leaders kmsg.MetadataRequest // that clients ask for leaders with, one at a time
	decoded decoded
	faults  *nemesis
	views   *views
	copies  *copies
	stamps  *stamps
	judge   *judge

	phase     phase
	tailed    bool // a tailer was told a log's end
	violation *Violation
	instant   int           // events since time moved
	created   uint64        // the metadata's index by which all topics are made
	shipping  time.Duration // extra time that was given to ship data to a healthy replica that is behind

	whens []*when       // what waits for its moments
	hush  time.Duration // what waits for any broker doesn't strike before

	strangers []*conn // that no client of the history has
	zombies   int     // appends of zombies that are still to arrive

	images map[string]copied // of disks, by name

	appending    [][]int                // by partition: the clients that append
	asking       []int                  // by node: tails under way
	lined        map[string]placeInLine // values of idempotent producers
	producerIDs  map[int64]bool         // that were given
	lates        map[string]bool        // values of zombies that nobody has read yet
	unclear      map[string]bool        // values whose append has no clear outcome, and that nobody has read yet
	ledgers      map[string]*groupLedger
	groupsWanted time.Duration // when a coordinator was first looked for; 0: never
	groupsMade   uint64        // the metadata's index by which their topic is made; 0: it isn't yet, as far as was seen
	laidOut      laidOut
	topics       *topicLedger // nil if no topics come and go

	scripted bool                         // a story tells what happens: nothing happens by itself
	hear     func(*host, broker.LogEvent) // what brokers say; nil if nobody listens
}

// phase is what part of a run this is.
type phase uint8

const (
	phaseSetup phase = iota // topics are made
	phaseStorm              // clients and faults
	phaseCalm               // a majority is healed, the rest stays broken; everything must be read
	phaseOver
)

func (p phase) String() string { return [...]string{"setup", "storm", "calm", "over"}[p] }

// maxInstant bounds the events of one instant: more is a loop that no time passes in.
const maxInstant = 1_000_000

// Run makes the world of opt, runs it to its end or to its first violation, and says which.
func Run(opt Options, env Env) Result {
	w := newWorld(opt, env)
	before := setEntropy(nil)
	defer setEntropy(before)
	w.recordOptions()
	w.start()
	for w.violation == nil && w.phase != phaseOver && w.queue.len() > 0 && !w.trace.over {
		w.step()
	}
	w.end()
	w.recordEnd()
	return w.result()
}

// end judges what there is to judge once nothing is asked for any more.
func (w *World) end() {
	if w.violation == nil && !w.trace.over {
		w.atRest()
	}
	w.copies.atEnd()
	w.judge.finish()
	w.watch.look()
}

func (w *World) result() Result {
	return Result{Seed: w.opt.Seed, Hash: w.trace.hash, Violation: w.violation, Simulated: w.now, Events: w.trace.events, Counts: w.count, Faults: w.struck, Marks: w.marks}
}

func newWorld(opt Options, env Env) *World {
	w := &World{opt: opt, env: env, leaders: kmsg.NewMetadataRequest(), rng: stream(opt.Seed, streamWorld, 0), images: map[string]copied{}}
	w.trace = Trace{hash: mix64(opt.Seed), text: env.Trace, tape: env.tape}
	w.net = newNetwork(w)
	w.judge = newJudge(w)
	w.views = newViews(w)
	w.copies = newCopies(w)
	w.stamps = newStamps(w)
	for i := range opt.Brokers {
		w.nodes = append(w.nodes, newNode(w, i))
	}
	w.faults = newNemesis(w)
	w.ledgers = map[string]*groupLedger{}
	w.appending, w.asking, w.unclear = make([][]int, w.partitions()), make([]int, opt.Brokers), map[string]bool{}
	w.lates = map[string]bool{}
	w.lined, w.producerIDs = map[string]placeInLine{}, map[int64]bool{}
	w.laidOut = laidOut{make([][16]byte, opt.Load.Topics), make([][]int32, w.partitions())}
	if opt.Load.Fleeting > 0 {
		w.topics = newTopicLedger(w)
	}
	w.watch = newWatcher(w)
	return w
}

func (w *World) start() {
	for _, n := range w.nodes {
		w.after(time.Duration(w.rng.Int64N(int64(50*time.Millisecond))), n.start)
	}
	w.startClients()
	w.disturb()
	w.after(setupBound, w.setupStalled)
}

// step does what is next, at its time.
func (w *World) step() {
	w.watch.look()
	e := w.queue.pop()
	if e.at > w.now {
		w.now, w.instant = e.at, 0
	}
	if w.instant++; w.instant > maxInstant {
		w.violate(BusyLoop, "%d events at %v, and time doesn't move", w.instant, w.now)
		return
	}
	w.guard("the world", e.do)
	w.copies.after()
}

// after plans do for a time from now.
func (w *World) after(d time.Duration, do func()) { w.queue.push(w.now+max(0, d), do) }

// violate ends the run; the first violation counts. What of args belongs to its cause is marked (cause.go).
func (w *World) violate(name, format string, args ...any) {
	if w.violation != nil {
		return
	}
	w.violation = newViolation(name, format, args)
	if w.trace.verbose() {
		w.trace.line(w.now, tracePhase, "%s", w.violation)
	}
}

func (w *World) enter(p phase) {
	w.phase = p
	w.watch.entered(p.String())
	w.trace.add(w.now, tracePhase, 0, uint64(p), 0)
	if w.trace.verbose() {
		w.trace.line(w.now, tracePhase, "%s", p)
	}
}

// guard runs code of the broker and turns its panic into a violation, at the world's edge.
func (w *World) guard(who string, do func()) {
	defer func() {
		if r := recover(); r != nil {
			var stack []byte
			if w.env.Stack != nil {
				stack = w.env.Stack()
			}
			w.violate(Panicked, "%s: %v\n%s", who, means(r, panicked(r, stack)), stack)
		}
	}()
	do()
}
