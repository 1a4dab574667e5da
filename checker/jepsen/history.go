package jepsen

import (
	"cmp"
	"fmt"
	"io"
	"slices"

	"logd/checker"
)

// pairing joins invocations with their completions, by process. An operation is of
// unknown outcome until a completion says otherwise. What isn't a client's operation on
// the log (:debug-topic-partitions and the like) is left out; what a nemesis does becomes
// a fault.
type pairing struct {
	open   map[int64]*waiting    // by process
	spare  []*waiting            // not open any more
	done   waiting               // the last one that quick completed
	names  map[string]string     // of partitions, for quick; order: looked up only
	faults map[string]checker.Op // by the function, those that haven't ended
	ids    int64
	events int64
	over   []checker.Op // that nothing can change any more
}

func newPairing() pairing {
	return pairing{open: map[int64]*waiting{}, faults: map[string]checker.Op{}, names: map[string]string{}}
}

var header = checker.Header{Clock: "jepsen", Sparse: true}

// History returns the operations of events, in the order in which they were invoked.
// Offsets may be sparse, as transactions make them. Its errors are *checker.LineError.
func History(events []Event) (checker.History, error) {
	h, p := checker.History{Header: header}, newPairing()
	for i := range events {
		if err := p.add(&events[i]); err != nil {
			return h, err
		}
	}
	p.end()
	h.Ops = p.over
	slices.SortFunc(h.Ops, func(a, b checker.Op) int { return cmp.Compare(a.ID, b.ID) })
	return h, nil
}

// Reader reads operations as they end, and those at last that never did. Of a history it
// holds no more than what is under way.
type Reader struct {
	events *Events
	q      quick
	p      pairing
	next   int
	err    error
}

// NewReader reads the operations of events.
func NewReader(events *Events) *Reader { return &Reader{events: events, p: newPairing()} }

// Header says that offsets may be sparse. There are no errors.
func (r *Reader) Header() (checker.Header, error) { return header, nil }

// Read replaces *op with the next operation; io.EOF after the last. Its errors are those
// of [Events.Next] and [History], and repeat. op's slices are used again for the next, and
// its strings may be cut from a block of the text, which they keep in memory.
func (r *Reader) Read(op *checker.Op) error {
	for r.next == len(r.p.over) {
		if r.err != nil {
			return r.err
		}
		r.p.over, r.next = r.p.over[:0], 0
		if line, ok := r.events.ahead(); ok && r.q.event(line) && r.p.quick(&r.q) {
			r.events.d.at += len(line)
			continue
		}
		var e Event
		if e, r.err = r.events.Next(); r.err == io.EOF {
			r.p.end()
		} else if r.err == nil {
			r.err = r.p.add(&e)
		}
	}
	*op = r.p.over[r.next]
	r.next++
	return nil
}

func (p *pairing) add(e *Event) error {
	if err := p.event(e); err != nil {
		return &checker.LineError{Line: e.Line, Err: err}
	}
	return nil
}

func (p *pairing) event(e *Event) error {
	at, ok := e.Map.Get("time").(int64)
	if !ok {
		at = p.events
	}
	p.events++
	kind := e.keyword("type")
	if kind != "invoke" && kind != "ok" && kind != "fail" && kind != "info" {
		return fmt.Errorf("%w: :type is %s, not :invoke, :ok, :fail or :info", ErrMalformed, Append(nil, e.Map.Get("type")))
	}
	f := e.keyword("f")
	if f == "" {
		return fmt.Errorf("%w: :f is %s", ErrMalformed, Append(nil, e.Map.Get("f")))
	}
	process, ok := e.Map.Get("process").(int64)
	if !ok {
		if _, named := e.Map.Get("process").(Keyword); !named {
			return fmt.Errorf("%w: :process is %s, neither a number nor a keyword", ErrMalformed, Append(nil, e.Map.Get("process")))
		}
		p.fault(e, f, at)
		return nil
	}
	if kind == "invoke" {
		return p.invoke(e, f, process, at)
	}
	return p.complete(e, f, kind, process, at)
}

func (p *pairing) next(process, at int64) checker.Op {
	p.ids++
	return checker.Op{ID: p.ids - 1, Client: process, Session: process, Call: at}
}

// ends takes an operation that nothing can change any more.
func (p *pairing) ends(op checker.Op) {
	if op.Kind != 0 {
		p.over = append(p.over, op)
	}
}

// end takes what never ended, in the order in which it began.
func (p *pairing) end() {
	n := len(p.over)
	for _, w := range p.open { // order: sorted below
		p.ends(w.op)
	}
	for _, op := range p.faults { // order: sorted below
		p.ends(op)
	}
	slices.SortFunc(p.over[n:], func(a, b checker.Op) int { return cmp.Compare(a.ID, b.ID) })
}

func (p *pairing) invoke(e *Event, f Keyword, process, at int64) error {
	if _, busy := p.open[process]; busy {
		return fmt.Errorf("%w: process %d invokes :%s before its last operation was complete", ErrMalformed, process, f)
	}
	return fill(&p.take(process, at).op, e, f, "info", at)
}

// take opens an operation of a process.
func (p *pairing) take(process, at int64) *waiting {
	w := new(waiting)
	if n := len(p.spare); n > 0 {
		w, p.spare = p.spare[n-1], p.spare[:n-1]
	}
	w.op = p.next(process, at)
	p.open[process] = w
	return w
}

func (p *pairing) complete(e *Event, f, kind Keyword, process, at int64) error {
	w, ok := p.open[process]
	if !ok {
		return fmt.Errorf("%w: process %d completes :%s without having invoked it", ErrMalformed, process, f)
	}
	delete(p.open, process)
	p.spare = append(p.spare, w)
	was := &w.op
	if at < was.Call {
		return fmt.Errorf("%w: process %d completes :%s at %d, having invoked it at %d", ErrMalformed, process, f, at, was.Call)
	}
	if e.Map.Get("value") == nil {
		p.ends(settle(*was, outcomeOf(kind), at))
		return nil
	}
	op := checker.Op{ID: was.ID, Client: was.Client, Session: was.Session, Call: was.Call}
	if err := fill(&op, e, f, kind, at); err != nil {
		return err
	}
	if op.Kind != was.Kind && op.Kind != checker.Txn && was.Kind != checker.Txn {
		return fmt.Errorf("%w: process %d completes :%s, having invoked a %s", ErrMalformed, process, f, was.Kind)
	}
	p.ends(op)
	return nil
}

// settle completes an operation of which nothing is told but its outcome.
func settle(op checker.Op, outcome checker.Outcome, at int64) checker.Op {
	if op.Kind == checker.Append && outcome == checker.OK {
		in := op
		op = checker.Op{ID: op.ID, Client: op.Client, Session: op.Session, Kind: checker.Txn, Call: op.Call, Ops: []checker.Op{in}}
	}
	if op.Outcome = outcome; outcome != checker.Unknown {
		op.Ret = at
	}
	for k := range op.Ops {
		if outcome == checker.Failed {
			op.Ops[k].Outcome, op.Ops[k].Ret = outcome, at
		}
	}
	return op
}

// fault notes what a nemesis does: twice :info, its begin and its end.
func (p *pairing) fault(e *Event, f Keyword, at int64) {
	if op, ok := p.faults[string(f)]; ok {
		delete(p.faults, string(f))
		op.Ret = at
		p.ends(op)
		return
	}
	op := p.next(-1, at)
	op.Session = 0
	op.Kind, op.Fault, op.Ret = checker.Fault, string(f), at
	if v := e.Map.Get("value"); v != nil {
		op.Target = nameOf(v)
	}
	p.faults[string(f)] = op
}

func outcomeOf(kind Keyword) checker.Outcome {
	switch kind {
	case "ok":
		return checker.OK
	case "fail":
		return checker.Failed
	}
	return checker.Unknown
}

// fill makes op what an event says, with the outcome that kind stands for.
func fill(op *checker.Op, e *Event, f, kind Keyword, at int64) error {
	op.Outcome = outcomeOf(kind)
	if op.Outcome != checker.Unknown {
		op.Ret = at
	}
	value := e.Map.Get("value")
	switch f {
	case "send", "poll", "txn":
		return fillMops(op, e, value, at)
	case "assign", "subscribe":
		op.Kind = checker.Assign
		if f == "subscribe" {
			op.Kind = checker.Subscribe
		}
		op.Beginning = e.Map.Get("seek-to-beginning?") == true
		all, ok := elements(value)
		if set, isSet := value.(Set); isSet {
			all, ok = set, true
		}
		if !ok && value != nil {
			return fmt.Errorf("%w: :%s of %.60s, not of a list of keys", ErrMalformed, f, Append(nil, value))
		}
		for _, k := range all {
			op.Parts = append(op.Parts, nameOf(k))
		}
	case "crash":
		op.Kind = checker.Crash
	case "tail", "trim", "start", "commit", "fetch-offset":
		return fillOffset(op, f, value)
	}
	return nil
}

// fillMops makes op of the micro-operations of a send, poll or txn. One by itself is a
// plain operation if that says as much; otherwise they are a transaction.
func fillMops(op *checker.Op, e *Event, value Value, at int64) error {
	op.Kind = checker.Txn
	op.Rebalanced = rebalanced(e.Map.Get("rebalance-log"))
	mops, ok := elements(value)
	if !ok {
		return fmt.Errorf("%w: :value is %.60s, not a list of :send and :poll", ErrMalformed, Append(nil, value))
	}
	for _, m := range mops {
		if err := addMop(op, m, at); err != nil {
			return err
		}
	}
	if e.Map.Get("batch") == true {
		return joinBatch(op)
	}
	if len(mops) != 1 || len(op.Ops) != 1 {
		return nil
	}
	if in := op.Ops[0]; in.Outcome == op.Outcome {
		in.ID, in.Client, in.Session, in.Rebalanced, in.Ret = op.ID, op.Client, op.Session, op.Rebalanced, op.Ret
		if from, ok := e.Map.Get("from").(int64); ok && in.Kind == checker.Read {
			in.From, in.Poll, in.Lin = from, false, e.Map.Get("lin") == true
			in.Limit, _ = e.Map.Get("limit").(int64)
		}
		*op = in
	}
	return nil
}

// rebalanced are the keys that a :rebalance-log names.
func rebalanced(v Value) []string {
	log, _ := elements(v)
	var out []string
	for _, entry := range log {
		m, _ := entry.(Map)
		keys, _ := elements(m.Get("keys"))
		for _, k := range keys {
			if name := nameOf(k); !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	return out
}

// joinBatch makes one append of the sends of a batch, which our own export writes.
func joinBatch(op *checker.Op) error {
	if len(op.Ops) == 0 {
		return fmt.Errorf("%w: a batch of nothing", ErrMalformed)
	}
	all := op.Ops[0]
	for _, in := range op.Ops[1:] {
		if in.Kind != checker.Append || in.Partition != all.Partition || in.Outcome != all.Outcome {
			return fmt.Errorf("%w: a batch that isn't of sends to one partition", ErrMalformed)
		}
		all.Values = append(all.Values, in.Values...)
	}
	all.ID, all.Client, all.Session, all.Outcome, all.Ret = op.ID, op.Client, op.Session, op.Outcome, op.Ret
	*op = all
	return nil
}

// addMop adds [:send k v], [:send k [off v]], [:poll] or [:poll {k [[off v] …]}].
func addMop(op *checker.Op, v Value, at int64) error {
	m, ok := elements(v)
	if !ok || len(m) == 0 {
		return fmt.Errorf("%w: %.60s is neither a :send nor a :poll", ErrMalformed, Append(nil, v))
	}
	in := checker.Op{ID: op.ID, Client: op.Client, Session: op.Session, Call: op.Call, Ret: at, Outcome: op.Outcome}
	switch {
	case m[0] == Keyword("send") && len(m) == 3:
		in.Kind, in.Partition = checker.Append, nameOf(m[1])
		return addSend(op, in, m[2])
	case m[0] == Keyword("poll") && len(m) <= 2:
		op.Poll = true
		in.Kind = checker.Read
		if len(m) == 1 || m[1] == nil {
			return nil
		}
		return addPoll(op, in, m[1])
	}
	return fmt.Errorf("%w: %.60s is neither a :send nor a :poll", ErrMalformed, Append(nil, v))
}

// addSend adds a send. If it was told an offset it is ok, and if it wasn't nothing is
// known of it, whatever the transaction is, unless that failed.
func addSend(op *checker.Op, in checker.Op, v Value) error {
	told := false
	if pair, ok := elements(v); ok {
		if len(pair) != 2 {
			return fmt.Errorf("%w: %.60s is not an offset and a value", ErrMalformed, Append(nil, v))
		}
		if pair[0] != nil {
			if in.Off, told = pair[0].(int64); !told || in.Off < 0 {
				return fmt.Errorf("%w: %.60s is no offset", ErrMalformed, Append(nil, pair[0]))
			}
		}
		v = pair[1]
	}
	in.Values = []string{nameOf(v)}
	switch {
	case in.Outcome == checker.Failed:
		in.Off = 0
	case told:
		in.Outcome = checker.OK
	default:
		in.Outcome, in.Ret = checker.Unknown, 0
	}
	op.Ops = append(op.Ops, in)
	return nil
}

// addPoll adds a read for each key that a poll was given. A consumer is told the
// truth whatever becomes of its transaction, so these are ok.
func addPoll(op *checker.Op, in checker.Op, v Value) error {
	keys, ok := v.(Map)
	if !ok {
		return fmt.Errorf("%w: a poll of %.60s, not a map", ErrMalformed, Append(nil, v))
	}
	for _, k := range keys {
		r := in
		r.Partition, r.Poll, r.Outcome, r.Offs = nameOf(k.Key), true, checker.OK, []int64{}
		pairs, ok := elements(k.Value)
		if !ok {
			return fmt.Errorf("%w: a poll of %.60s, not a list of offsets and values", ErrMalformed, Append(nil, k.Value))
		}
		for _, p := range pairs {
			pair, _ := elements(p)
			if len(pair) != 2 {
				return fmt.Errorf("%w: %.60s is not an offset and a value", ErrMalformed, Append(nil, p))
			}
			off, ok := pair[0].(int64)
			if !ok || off < 0 {
				return fmt.Errorf("%w: a poll of %.60s, without an offset", ErrMalformed, Append(nil, p))
			}
			r.Offs, r.Values = append(r.Offs, off), append(r.Values, nameOf(pair[1]))
		}
		if len(r.Offs) > 0 {
			r.From = slices.Min(r.Offs)
		}
		op.Ops = append(op.Ops, r)
	}
	return nil
}

var offsetKinds = map[Keyword]checker.Kind{"tail": checker.Tail, "trim": checker.Trim, "start": checker.Start, "commit": checker.Commit, "fetch-offset": checker.FetchOffset}

// fillOffset reads what our own export writes of operations that Jepsen doesn't have:
// [key offset], and a map for a group's.
func fillOffset(op *checker.Op, f Keyword, value Value) error {
	op.Kind = offsetKinds[f]
	m, ok := value.(Map)
	if !ok {
		return fmt.Errorf("%w: :%s of %.60s, not of a map", ErrMalformed, f, Append(nil, value))
	}
	op.Partition = nameOf(m.Get("key"))
	op.Group, _ = m.Get("group").(string)
	op.From, _ = m.Get("from").(int64)
	if op.Off, ok = m.Get("offset").(int64); !ok && op.Outcome == checker.OK {
		return fmt.Errorf("%w: :%s without an :offset", ErrMalformed, f)
	}
	return nil
}
