package sim

import (
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/broker"
	"logd/checker"
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
	judge   *judge

	phase     phase
	tailed    bool // a tailer was told a log's end
	violation *Violation
	instant   int           // events since time moved
	created   uint64        // the metadata's index by which all topics are made
	shipping  time.Duration // what the bound of the calm was put off by, since a replica that is counted upon is behind

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
		w.trace.line(w.now, markPhase, "%s", w.violation)
	}
}

func (w *World) enter(p phase) {
	w.phase = p
	w.watch.entered(p.String())
	w.trace.add(w.now, markPhase, 0, uint64(p), 0)
	if w.trace.verbose() {
		w.trace.line(w.now, markPhase, "%s", p)
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

// judge feeds the clients' history to the online checker and to a file.
type judge struct {
	w     *World
	check *checker.Checker
	file  *checker.Writer
	open  []*checker.Op // under way, if there is a file
	ids   int64
	// offsets are the commits and fetches of groups' offsets, which are judged at the end.
	offsets []*checker.Op
	// faults numbers them in the file, below zero: numbers of operations don't depend on who watches (W1).
	faults int64
}

func newJudge(w *World) *judge {
	j := &judge{w: w, check: checker.New(checker.Options{Invoked: true, Retention: w.opt.Load.Retention > 0})}
	if w.env.History != nil {
		j.file = checker.NewWriter(w.env.History)
		j.file.Header = checker.Header{Clock: fmt.Sprintf("simulated, seed %d", w.opt.Seed), Retention: w.opt.Load.Retention > 0 || w.opt.Load.FleetingKeeps > 0}
	}
	return j
}

// invoke starts an operation: it gets its number and its time.
func (j *judge) invoke(op *checker.Op) {
	j.ids++
	op.ID, op.Call = j.ids, int64(j.w.now)
	if j.file != nil {
		j.open = append(j.open, op)
	}
	if op.Kind == checker.Commit || op.Kind == checker.FetchOffset {
		j.offsets = append(j.offsets, op)
		return
	}
	j.found(j.check.Invoke(op))
}

// complete ends an operation, whose Outcome is set.
func (j *judge) complete(op *checker.Op) {
	if op.Outcome != checker.Unknown {
		op.Ret = int64(j.w.now)
	}
	if op.Kind != checker.Commit && op.Kind != checker.FetchOffset {
		j.found(j.check.Complete(op))
	}
	if j.file != nil {
		j.open = slices.DeleteFunc(j.open, func(o *checker.Op) bool { return o.ID == op.ID })
		j.write(op)
	}
}

func (j *judge) write(op *checker.Op) {
	if err := j.file.Write(op); err != nil {
		j.w.violate(BadResponse, "operation %d can't be written down: %v", op.ID, err)
	}
}

// writeOpen writes what is under way when a run ends: what an append sent may have been seen.
func (j *judge) writeOpen() {
	for _, op := range j.open {
		unknown := op.Clone()
		unknown.Outcome = checker.Unknown
		j.write(&unknown)
	}
	j.open = nil
}

// disturbed writes a fault, which a command of a story would cause or end, into the
// file. The checks don't look at it.
func (j *judge) disturbed(format string, args []any) {
	if j == nil || j.file == nil || strings.HasPrefix(format, "#") {
		return
	}
	verb, target, _ := strings.Cut(fmt.Sprintf(format, args...), " ")
	j.faults--
	op := checker.Op{ID: j.faults, Kind: checker.Fault, Fault: verb, Target: target, Call: int64(j.w.now), Ret: int64(j.w.now)}
	if err := j.file.Write(&op); err != nil {
		j.w.violate(BadResponse, "a fault can't be written down: %v", err)
	}
}

func (j *judge) found(v *checker.Violation) {
	if v == nil {
		return
	}
	text := ""
	var ops []int64
	for _, e := range v.Ops {
		ops = append(ops, e.ID)
		ret := "unknown"
		if e.Ret != nil {
			ret = time.Duration(*e.Ret).String()
		}
		text += fmt.Sprintf("\n  operation %d: client %d %s called %v, returned %s: %s", e.ID, e.Client, e.Op, time.Duration(e.Call), ret, e.Outcome)
	}
	if j.w.violation == nil {
		j.w.violate(v.Name, "%s%s", means(v.String(), gist(v.Explain).cause), text)
		j.w.violation.Ops = ops
	}
}

func (j *judge) finish() {
	report := j.check.Finish()
	j.found(report.First())
	j.judgeOffsets()
	j.judgeLives()
	if j.file != nil {
		j.writeOpen()
		if err := j.file.Flush(); err != nil {
			j.w.violate(BadResponse, "the history can't be written: %v", err)
		}
	}
	w := j.w
	for i := range report.Partitions {
		w.count[CountUpperBounds] += report.Partitions[i].UpperBounds
	}
	if report.Verdict == checker.Undecided {
		w.violate(CheckUndecided, "the checker can't tell: %v", gist(report))
	}
	if w.phase == phaseOver && w.count[CountUpperBounds] == 0 && !w.scripted { // a story's clients take turns
		w.violate(NoUpperBounds, "no tail bounded any partition's length from above")
	}
}
