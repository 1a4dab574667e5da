package checker

import (
	"fmt"
	"math"
)

// opTimes and opInfo are what is kept of an operation: of every append, and of the
// reads and tails that a bound or a binding rests on. Together they are 44 bytes;
// nothing else is kept of an operation but 12 bytes and the text of each value.
type opTimes struct {
	call, ret int64 // ret is never if unknown (A5)
	id        int64
}

type opInfo struct {
	off    int32 // append: where it is placed, -1 if nowhere; tail: length; trim, start: log start; read: from; large: see big
	client int32 // its index among clients
	first  int32 // append: its values are first … first+n-1
	by     int32 // append: the operation that placed it
	bits   uint32
}

const (
	kindBits    = 4
	outcomeBits = 2                             // 0 while outstanding
	linBit      = 1 << (kindBits + outcomeBits) // read
	looseBit    = linBit                        // append: values of it are among loose
	ackedBit    = linBit << 1                   // append: placed by its acknowledgement
	openBit     = linBit << 2                   // append: its values are open
	countShift  = kindBits + outcomeBits + 3
	maxCount    = 1<<(32-countShift) - 1
	large       = math.MaxInt32
	// maxPart bounds operations, values and, by limit, offsets of a partition, so
	// that all have numbers of 32 bits.
	maxPart = 1<<29 - 1<<16
)

func (o *opInfo) kind() Kind           { return Kind(o.bits & (1<<kindBits - 1)) }
func (o *opInfo) outcome() Outcome     { return Outcome(o.bits >> kindBits & (1<<outcomeBits - 1)) }
func (o *opInfo) acked() bool          { return o.bits&ackedBit != 0 }
func (o *opInfo) loose() bool          { return o.bits&looseBit != 0 }
func (o *opInfo) open() bool           { return o.bits&openBit != 0 }
func (o *opInfo) n() int64             { return int64(o.bits >> countShift) }
func (o *opInfo) setOutcome(x Outcome) { o.bits |= uint32(x) << kindBits }

func opBits(k Kind, x Outcome, lin bool, n int) uint32 {
	b := uint32(k) | uint32(x)<<kindBits | uint32(min(n, maxCount))<<countShift
	if lin {
		b |= linBit
	}
	return b
}

// Owners of a value: its append, or one of these.
const (
	gone   = -2 // its number is given up for one in its append's block
	orphan = -1 // read, and its append isn't known
)

const (
	seenBit  = 1 << 31 // it was read itself; not only bound with its batch
	shownBit = 1 << 30 // by the operation that placed its append
)

func ownedBy(i int32) uint32 { return uint32(i + 2) }

func (e nameEntry) op() int32   { return int32(e.owner&^(seenBit|shownBit)) - 2 }
func (e nameEntry) seen() bool  { return e.owner&seenBit != 0 }
func (e nameEntry) shown() bool { return e.owner&shownBit != 0 }

// binding is the place of a value that its append's place doesn't tell.
type binding struct {
	off int64 // -1 if nowhere
	by  int32 // the operation that showed it
}

// part is check A for one partition.
type part struct {
	opts   Options
	report PartitionReport
	blamed map[finding]bool
	dirty  bool // in Checker.inside
	broken bool // values aren't unique, or too many: nothing can be concluded

	times   column[opTimes]
	ops     column[opInfo]
	big     map[int32]int64 // offsets of operations that are too large for opInfo
	clients clients
	spare   []int32 // numbers of operations that nothing refers to any more

	values names
	loose  map[int32]binding // of orphans, and of values of appends with looseBit
	slots  column[int32]     // value at an offset; -1 none known, void passed over (A2)
	ord    order

	end     int64 // longest length implied so far
	bound   int64 // offsets bound to a value
	free    int64 // values of appends that may still turn out to fill a hole
	orphans int64 // values read whose append isn't known
	called  int64 // appends invoked and outstanding
	voids   map[int64]int32

	ahead  ahead           // upper bounds at or above the slots
	edges  map[int64]int32 // exact lengths at offsets whose writer isn't known
	starts starts
	far    []distant // operations on offsets too far away to hold slots for
	farMin int64

	cur      *Op // the read or tail being added, and its index once kept
	curIndex int32
}

// distant is an operation set aside; append is its number, -1 of a read or tail.
type distant struct {
	op     Op
	append int32
}

const void = -2

func newPart(name string, opts Options) *part {
	p := &part{opts: opts, report: PartitionReport{Partition: name}, blamed: map[finding]bool{},
		big: map[int32]int64{}, loose: map[int32]binding{}, clients: clients{index: map[int64]int32{}},
		edges: map[int64]int32{}, voids: map[int64]int32{}, ahead: newAhead(), starts: newStarts()}
	p.ord.ops = &p.times
	return p
}

// length is the number of offsets that have slots.
func (p *part) length() int64 { return int64(p.slots.n) }

// since is the first violation after the first n, or nil.
func (p *part) since(n int) *Violation {
	if len(p.report.Violations) > n {
		return &p.report.Violations[n]
	}
	return nil
}

func (p *part) complete(op *Op) {
	if !p.broken && (p.times.n >= maxPart || p.values.len()+len(op.Values) >= maxPart) {
		p.undecided("more than %d operations or values, which is too many for check A", maxPart)
		p.broken = true
	}
	switch {
	case op.Kind == Append:
		p.append(op)
	case op.Kind == Trim:
		p.trim(op)
	case op.Outcome != OK: // a read without an answer says nothing
	case op.Kind == Read:
		p.report.Reads++
		p.observe(op)
	case op.Kind == Tail:
		p.report.Tails++
		p.observe(op)
	default:
		p.observe(op)
	}
	if len(p.far) > 0 && p.farMin <= p.limit() {
		p.retryFar()
	}
}

// observe adds a read or tail that was answered.
func (p *part) observe(op *Op) {
	if p.broken {
		return
	}
	p.cur, p.curIndex = op, -1
	switch {
	case op.Kind == Read:
		p.read(op)
	case !p.reach(op.Off):
		p.aside(op.Off, distant{op.Clone(), -1})
	case op.Kind == Tail:
		p.longer(op.Off)
		p.shorter(op.Off, true)
	default:
		p.start(op)
	}
	p.cur = nil
}

// keep puts the current operation among ops, once.
func (p *part) keep() int32 {
	if p.curIndex < 0 {
		op := p.cur
		off := op.Off
		if op.Kind == Read {
			off = op.From
		}
		times := opTimes{op.Call, op.Ret, op.ID}
		info := opInfo{off: int32(min(off, large)), client: p.clients.number(op.Client), first: -1, by: -1,
			bits: opBits(op.Kind, op.Outcome, op.Lin, len(op.Values))}
		if n := len(p.spare); n > 0 {
			p.curIndex = p.spare[n-1]
			p.spare = p.spare[:n-1]
			*p.times.at(int(p.curIndex)), *p.ops.at(int(p.curIndex)) = times, info
		} else {
			p.curIndex = int32(p.times.n)
			p.times.push(times)
			p.ops.push(info)
		}
		if off >= large {
			p.big[p.curIndex] = off
		}
	}
	return p.curIndex
}

// offset is what opInfo.off tells.
func (p *part) offset(i int32) int64 {
	if off := p.ops.at(int(i)).off; off < large {
		return int64(off)
	}
	return p.big[i]
}

// limit is the length up to which offsets get slots. What lies beyond it lies
// beyond twice all values ever mentioned, so memory follows the history's size
// whatever numbers it contains.
func (p *part) limit() int64 {
	if p.opts.partial {
		return maxReduced
	}
	return 4*int64(p.values.len()) + 1<<16
}

// reach makes offsets below n exist, unless they are too far away for that.
func (p *part) reach(n int64) bool {
	p.end = max(p.end, n)
	if n > p.limit() {
		return false
	}
	p.grow(n)
	return true
}

// aside sets an operation on offsets up to n aside.
func (p *part) aside(n int64, d distant) {
	if len(p.far) == 0 || n < p.farMin {
		p.farMin = n
	}
	p.far = append(p.far, d)
}

func (p *part) grow(n int64) {
	p.end = max(p.end, n)
	if n <= p.length() {
		return
	}
	for p.length() < n {
		p.slots.push(-1)
	}
	p.ord.grow(p.slots.n)
	if n := p.slots.n; n != p.ord.cBy.n || n != p.ord.rBy.n || p.length() > p.end {
		panic(fmt.Sprintf("invariant A4: %d slots, %d lower and %d upper bounds, length %d of %d", n, p.ord.cBy.n, p.ord.rBy.n, p.length(), p.end))
	}
	p.releaseAhead()
}

// retryFar adds what was set aside. What is still too far is set aside again.
func (p *part) retryFar() {
	again := p.far
	p.far = nil
	for i := range again {
		if d := &again[i]; d.append >= 0 {
			p.ack(d.append, d.op.Off)
		} else {
			p.observe(&d.op)
		}
	}
}

// clients numbers clients, for evidence.
type clients struct {
	index  map[int64]int32
	id     []int64
	recent [64]int32 // by the last bits of the id, to save looking it up
}

func (c *clients) number(id int64) int32 {
	quick := &c.recent[id&63]
	if n := *quick; int(n) < len(c.id) && c.id[n] == id {
		return n
	}
	n, ok := c.index[id]
	if !ok {
		n = int32(len(c.id))
		c.index[id] = n
		c.id = append(c.id, id)
	}
	*quick = n
	return n
}
