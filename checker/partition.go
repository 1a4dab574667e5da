package checker

// opInfo is what is kept of an operation: of every append, and of the reads and
// tails that a bound or a binding rests on.
type opInfo struct {
	id, client int64
	call, ret  int64 // ret is never if unknown (A5)
	off        int64 // append: where it is placed, -1 if nowhere; tail: length; read: from
	first      int32 // append: its values are values[first : first+n]
	n          int32
	kind       Kind
	outcome    Outcome // 0 while outstanding
	lin        bool
	acked      bool // append: placed by its acknowledgement
}

// valueInfo is a value that was sent or read.
type valueInfo struct {
	name string
	off  int64 // where it is bound, -1 if nowhere
	op   int32 // its append, -1 if none is known yet, gone if moved into its append's block
	by   int32 // the operation that bound it
	seen bool  // it was read itself; not only bound with its batch
}

const gone = -2

// part is check A for one partition.
type part struct {
	opts   Options
	report PartitionReport
	blamed map[finding]bool
	dirty  bool // in Checker.inside
	broken bool // values aren't unique: nothing can be concluded

	ops    []opInfo
	values []valueInfo
	byName map[string]int32
	slots  []int32 // value at an offset; -1 none known, void passed over (A2)
	ord    order

	end     int64 // longest length implied so far
	bound   int64 // offsets bound to a value
	free    int64 // values of appends that may still turn out to fill a hole
	orphans int64 // values read whose append isn't known
	voids   map[int64]int32

	ahead  ahead           // upper bounds at or above len(slots)
	edges  map[int64]int32 // exact lengths at offsets whose writer isn't known
	far    []Op            // operations on offsets too far away to hold slots for
	farMin int64

	cur      *Op // the operation being added, and its index once kept
	curIndex int32
}

const void = -2

func newPart(name string, opts Options) *part {
	return &part{opts: opts, report: PartitionReport{Partition: name}, blamed: map[finding]bool{},
		byName: map[string]int32{}, edges: map[int64]int32{}, voids: map[int64]int32{}, ahead: newAhead()}
}

// newest runs do and returns the first violation that it found, or nil.
func (p *part) newest(do func()) *Violation {
	before := len(p.report.Violations)
	do()
	if len(p.report.Violations) > before {
		return &p.report.Violations[before]
	}
	return nil
}

func (p *part) complete(op *Op) {
	switch {
	case op.Kind == Append:
		p.append(op)
	case op.Outcome != OK: // a read without an answer says nothing
	case op.Kind == Read:
		p.report.Reads++
		p.observe(op)
	default:
		p.report.Tails++
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
	if op.Kind == Read {
		p.read(op)
	} else if p.reach(op.Off) {
		p.longer(op.Off)
		p.shorter(op.Off, true)
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
		p.curIndex = int32(len(p.ops))
		p.ops = append(p.ops, opInfo{id: op.ID, client: op.Client, call: op.Call, ret: op.Ret, off: off,
			first: -1, n: int32(len(op.Values)), kind: op.Kind, outcome: op.Outcome, lin: op.Lin})
	}
	return p.curIndex
}

// register makes a called append known, its outcome outstanding. It returns its
// index, or -1 if it cannot be told from another.
func (p *part) register(op *Op) int32 {
	i, first := int32(len(p.ops)), int32(len(p.values))
	for k, v := range op.Values {
		if old, ok := p.byName[v]; ok && p.values[old].op >= 0 {
			p.ambiguous(v, p.values[old].op, op, i, k)
			return -1
		} else if ok {
			p.adopt(old)
		} else {
			p.values = append(p.values, valueInfo{off: -1, by: -1})
		}
		at := first + int32(k)
		p.values[at].name, p.values[at].op = v, i
		p.byName[v] = at
		if off := p.values[at].off; off >= 0 {
			p.slots[off] = at
		}
	}
	p.ops = append(p.ops, opInfo{id: op.ID, client: op.Client, call: op.Call, ret: never, off: -1,
		first: first, n: int32(len(op.Values)), kind: Append})
	p.free += int64(len(op.Values))
	p.placeSeen(i)
	return i
}

// adopt moves a value that was read before its append was known to the append's
// other values.
func (p *part) adopt(old int32) {
	p.values = append(p.values, p.values[old])
	p.values[old].op = gone
	p.orphans--
}

func (p *part) ambiguous(v string, other int32, op *Op, i int32, k int) {
	first := op.ID
	if other != i {
		first = p.ops[other].id
	}
	p.undecided("value %q is sent twice, by operations %d and %d: check A needs values that are unique in a partition", v, first, op.ID)
	p.broken = true
}

// append adds an append with its outcome, registering it if Invoke didn't.
func (p *part) append(op *Op) {
	switch op.Outcome {
	case OK:
		p.report.AppendsOK++
	case Failed:
		p.report.AppendsFailed++
	default:
		p.report.AppendsUnknown++
	}
	if p.broken {
		return
	}
	i := p.find(op)
	if i < 0 {
		if i = p.register(op); i < 0 {
			return
		}
	}
	o := &p.ops[i]
	o.outcome = op.Outcome
	switch {
	case op.Outcome == OK:
		o.ret = op.Ret
		p.ack(i, op.Off)
	case op.Outcome == Failed && o.off >= 0:
		p.failedButRead(i)
	case op.Outcome == Failed:
		p.free -= int64(o.n)
	}
}

// find returns the index of an append that was invoked and is outstanding, or -1.
func (p *part) find(op *Op) int32 {
	at, ok := p.byName[op.Values[0]]
	if !ok || p.values[at].op < 0 {
		return -1
	}
	i := p.values[at].op
	if o := &p.ops[i]; o.id != op.ID || o.outcome != 0 || int(o.n) != len(op.Values) || o.call != op.Call {
		return -1
	}
	return i
}

// limit is the length up to which offsets get slots. What lies beyond it lies
// beyond twice all values ever mentioned, so memory follows the history's size
// whatever numbers it contains.
func (p *part) limit() int64 { return 4*int64(len(p.values)) + 1<<16 }

// reach makes offsets below n exist. If they are too far away for that, it sets
// the current operation aside and returns false.
func (p *part) reach(n int64) bool {
	p.end = max(p.end, n)
	if n > p.limit() {
		if len(p.far) == 0 || n < p.farMin {
			p.farMin = n
		}
		p.far = append(p.far, p.cur.Clone())
		return false
	}
	p.grow(n)
	return true
}

func (p *part) grow(n int64) {
	p.end = max(p.end, n)
	if n <= int64(len(p.slots)) {
		return
	}
	for int64(len(p.slots)) < n {
		p.slots = append(p.slots, -1)
	}
	p.ord.grow(len(p.slots))
	p.releaseAhead()
}

// retryFar adds what was set aside. What is still too far is set aside again.
func (p *part) retryFar() {
	again := p.far
	p.far = nil
	for i := range again {
		if op := &again[i]; op.Kind == Append {
			p.ack(p.values[p.byName[op.Values[0]]].op, op.Off)
		} else {
			p.observe(op)
		}
	}
}
