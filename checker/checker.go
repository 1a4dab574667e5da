package checker

import (
	"cmp"
	"slices"
	"strings"
)

// Options of a [Checker].
type Options struct {
	// Sparse is [Header].Sparse.
	Sparse bool
	// Retention is [Header].Retention.
	Retention bool
	// Invoked promises that every call is given to Invoke, and that Invoke and
	// Complete come in order of time (Call for one, Ret for the other; of equal
	// instants in any order; an unknown outcome whenever the client gave up). Then a
	// value nobody sent and data that nobody can have written are found while the
	// history runs. Without it operations may come in any order.
	Invoked bool
	// partial says that these are some operations of a history: the others may have sent
	// any value, and taken any offset.
	partial bool
}

// Checker decides check A while operations complete. It isn't safe for use by
// several goroutines. It copies what it needs of an Op: its values' bytes, no slice and no string.
type Checker struct {
	opts   Options
	parts  map[string]*part
	recent [8]*part // by the name's last bits, to save looking it up
	inside []*part  // had a call or completion at instant now
	now    int64
	report Report
	done   bool
}

// New returns a Checker of an empty history.
func New(opts Options) *Checker {
	return &Checker{opts: opts, parts: map[string]*part{}, now: ever}
}

// Check decides check A for a whole history, whose operations may be in any order. The
// evidence of violations is minimal, as by [Reducer].
func Check(h History) Report {
	c := New(Options{Sparse: h.Sparse, Retention: h.Retention})
	for i := range h.Ops {
		c.Complete(&h.Ops[i])
	}
	r := c.Finish()
	if r.First() != nil {
		m := NewReducer(h.Header, &r)
		for i := range h.Ops {
			m.Complete(&h.Ops[i])
		}
		m.Finish()
	}
	return r
}

// Invoke says that a client has called op, whose outcome isn't known yet. It
// returns a violation that the passing of time has proved, or nil.
func (c *Checker) Invoke(op *Op) *Violation {
	early := c.advance(op.Call)
	if op.Kind == Append && op.Partition != "" && len(op.Values) > 0 {
		c.part(op.Partition).invoke(op)
	}
	if op.Kind == Trim && op.Partition != "" {
		c.part(op.Partition).starts.invoke(op)
	}
	for i := range op.Ops {
		if in := &op.Ops[i]; op.Kind == Txn && in.Kind == Append && in.Partition != "" && len(in.Values) > 0 {
			sent := op.sent(in)
			c.part(in.Partition).invoke(&sent)
		}
	}
	return early
}

// Complete adds an operation with its outcome. It returns the first violation
// that this proves, or nil.
func (c *Checker) Complete(op *Op) *Violation {
	if c.done {
		panic("checker: Complete after Finish")
	}
	c.report.Ops++
	if op.Kind == Fault {
		c.report.Faults++
	}
	if err := op.Validate(); err != nil {
		c.undecided(err.Error())
		return nil
	}
	var early *Violation
	if op.Outcome == OK && (op.Kind <= Start || op.Kind == Txn) {
		early = c.advance(op.Ret)
	}
	if op.Kind == Txn {
		c.transaction(op)
	}
	if op.Kind > Start {
		return early
	}
	p := c.part(op.Partition)
	before := len(p.report.Violations)
	p.complete(op)
	if early == nil {
		early = p.since(before)
	}
	c.goOn(p)
	return early
}

// goOn notes that a partition has to be settled once the instant has passed.
func (c *Checker) goOn(p *part) {
	if c.opts.Invoked && !p.dirty {
		p.dirty = true
		c.inside = append(c.inside, p)
	}
}

// Finish closes the history: what was invoked and never completed is of unknown
// outcome. It returns the verdict, the same at every call.
func (c *Checker) Finish() Report {
	if c.done {
		return c.report
	}
	c.done = true
	c.report.Verdict = Valid
	if len(c.report.Undecided) > 0 {
		c.report.Verdict = Undecided
	}
	c.report.Partitions = []PartitionReport{}
	room := sorter{whole: wholeSort}
	for _, p := range c.parts { // order: sorted below
		p.finish(&room)
		c.report.Partitions = append(c.report.Partitions, p.report)
	}
	slices.SortFunc(c.report.Partitions, func(a, b PartitionReport) int { return cmp.Compare(a.Partition, b.Partition) })
	for i := range c.report.Partitions {
		switch c.report.Partitions[i].Verdict {
		case Invalid:
			c.report.Verdict = Invalid
		case Undecided:
			c.report.Verdict = max(c.report.Verdict, Undecided)
		}
	}
	if c.report.First() != nil {
		c.report.Verdict = Invalid
	}
	return c.report
}

// Kept is how many operations the Checker holds on to: every append, for its values
// may be read at any time, and the reads and tails that set a bound.
func (c *Checker) Kept() (n int64) {
	for _, p := range c.parts { // order: a sum
		n += int64(p.times.n - len(p.spare))
	}
	return n
}

// advance moves time on. Operations of one instant are concurrent (A6), so what
// that instant's operations lack is missing only once it has passed.
func (c *Checker) advance(t int64) (first *Violation) {
	if !c.opts.Invoked || t <= c.now {
		return nil
	}
	c.now = t
	for _, p := range c.inside {
		p.dirty = false
		before := len(p.report.Violations)
		p.settle()
		if first == nil {
			first = p.since(before)
		}
	}
	c.inside = c.inside[:0]
	return first
}

func (c *Checker) part(name string) *part {
	var last byte
	if len(name) > 0 {
		last = name[len(name)-1]
	}
	quick := &c.recent[last&7]
	if *quick != nil && (*quick).report.Partition == name {
		return *quick
	}
	p := c.parts[name]
	if p == nil {
		name = strings.Clone(name)
		p = newPart(name, c.opts)
		c.parts[name] = p
	}
	*quick = p
	return p
}

func (c *Checker) undecided(why string) {
	if len(c.report.Undecided) < MaxViolations && !slices.Contains(c.report.Undecided, why) {
		c.report.Undecided = append(c.report.Undecided, why)
	}
}

// transaction takes what a poll of several partitions returned as a read of each, and
// what was sent as appends, which take effect between their call and the transaction's
// return. Of one that may have aborted nothing says which offsets it took, so its appends
// can be judged in a sparse history only.
func (c *Checker) transaction(op *Op) {
	for i := range op.Ops {
		in := &op.Ops[i]
		if in.Kind > Start || in.Kind == Read && in.Outcome != OK {
			continue
		}
		p := c.part(in.Partition)
		switch err := in.Validate(); {
		case in.Kind == Append && in.Partition != "" && len(in.Values) > 0:
			sent := op.sent(in)
			if !c.opts.Sparse && (sent.Outcome != OK || sent.Off < 0) {
				p.undecided("operation %d is a transaction that may hold offsets of which it wasn't told: only a sparse history can have such", op.ID)
				continue
			}
			p.complete(&sent)
		case in.Kind == Read && err == nil:
			p.complete(in)
		default:
			p.undecided("operation %d is a transaction with a %s, which check A doesn't know", op.ID, in.Kind)
		}
		c.goOn(p)
	}
}

// sent is an append of a transaction as one by itself; Off is -1 if it wasn't told.
func (op *Op) sent(in *Op) Op {
	a := Op{ID: op.ID, Client: op.Client, Kind: Append, Partition: in.Partition, Values: in.Values,
		Call: max(in.Call, op.Call), Ret: op.Ret, Outcome: op.Outcome, Off: -1}
	if in.Outcome == Failed {
		a.Outcome = Failed
	}
	if in.Outcome == OK {
		a.Off = in.Off
	}
	return a
}
