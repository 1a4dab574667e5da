package jepsen

import (
	"slices"
	"strings"

	"logd/checker"
)

// waiting is an operation that was invoked, and room for its slices.
type waiting struct {
	op     checker.Op
	ops    []checker.Op
	values []string
	offs   []int64
}

// maxNames bounds how many names of partitions are kept.
const maxNames = 1 << 12

// part is the name of a partition, one string for all its operations.
func (p *pairing) part(name string) string {
	s, ok := p.names[name]
	if !ok {
		s = strings.Clone(name)
		if len(p.names) < maxNames {
			p.names[s] = s
		}
	}
	return s
}

// quick adds an event that was read from its line. What event would refuse, or make
// something else of than an operation on the log, it leaves to that: it changes nothing
// and reports false.
func (p *pairing) quick(q *quick) bool {
	kind := q.function()
	if kind == 0 || q.shape != noValue && (q.shape == mopList) != (kind == checker.Txn) {
		return false
	}
	was, open := p.open[q.process]
	if q.kind == "invoke" {
		if open || q.shape == noValue || !q.sound(checker.Unknown) {
			return false
		}
		p.events++
		w := p.take(q.process, q.time)
		q.fill(p, w, kind, checker.Unknown, strings.Clone)
		return true
	}
	outcome := outcomeOf(Keyword(q.kind))
	if !open || q.time < was.op.Call || outcome == checker.Unknown && q.kind != "info" || !q.sound(outcome) {
		return false
	}
	w := &p.done
	if q.shape == noValue {
		w.op = settle(was.op, outcome, q.time)
	} else {
		w.op = checker.Op{ID: was.op.ID, Client: was.op.Client, Session: was.op.Session, Call: was.op.Call}
		q.fill(p, w, kind, outcome, func(s string) string { return s })
		if w.op.Kind != was.op.Kind && w.op.Kind != checker.Txn && was.op.Kind != checker.Txn {
			return false
		}
	}
	p.events++
	delete(p.open, q.process)
	p.spare = append(p.spare, was)
	p.ends(w.op)
	return true
}

// function is the kind that an event's function stands for: Txn if it has
// micro-operations, 0 if it is none of those that quick knows.
func (q *quick) function() checker.Kind {
	switch q.f {
	case "send", "poll", "txn":
		return checker.Txn
	}
	return offsetKinds[Keyword(q.f)]
}

// sound reports whether fillMops or fillOffset would take the value.
func (q *quick) sound(outcome checker.Outcome) bool {
	if q.shape == mopField {
		return q.fields.told || outcome != checker.OK
	}
	if q.shape == noValue || !q.batch {
		return true
	}
	for i := range q.mops {
		m := &q.mops[i]
		if !m.send || m.key != q.mops[0].key || m.told != q.mops[0].told {
			return false
		}
	}
	return len(q.mops) > 0
}

// fill makes w's operation what the event says, as fill does of a form. hold makes
// values of their own of those that are to be kept.
func (q *quick) fill(p *pairing, w *waiting, kind checker.Kind, outcome checker.Outcome, hold func(string) string) {
	op := &w.op
	op.Kind, op.Outcome = kind, outcome
	if outcome != checker.Unknown {
		op.Ret = q.time
	}
	if kind != checker.Txn {
		op.Partition, op.Group = p.part(q.fields.key), p.part(q.fields.group)
		op.From, op.Off = q.fields.from, q.fields.offset
		return
	}
	q.fillMops(p, w, hold)
	switch {
	case q.batch:
		all := op.Ops[0]
		all.Values, all.ID, all.Client, all.Session = w.values[:len(q.mops)], op.ID, op.Client, op.Session
		all.Outcome, all.Ret = op.Outcome, op.Ret
		*op = all
	case len(q.mops) == 1 && len(op.Ops) == 1 && op.Ops[0].Outcome == outcome:
		in := op.Ops[0]
		in.Ret = op.Ret
		if q.asked && in.Kind == checker.Read {
			in.From, in.Poll, in.Lin, in.Limit = q.from, false, q.lin, q.limit
		}
		*op = in
	}
}

// fillMops makes the operations of a transaction.
func (q *quick) fillMops(p *pairing, w *waiting, hold func(string) string) {
	op := &w.op
	// What is cut from these must not move while they grow.
	w.ops, w.values = w.ops[:0], slices.Grow(w.values[:0], len(q.mops)+len(q.values))
	w.offs = slices.Grow(w.offs[:0], len(q.offs)+1)
	in := checker.Op{ID: op.ID, Client: op.Client, Session: op.Session, Call: op.Call, Ret: q.time, Outcome: op.Outcome}
	for i := range q.mops {
		m := &q.mops[i]
		if m.send {
			w.ops = append(w.ops, w.send(m, in, p.part(m.key), hold(m.value)))
			continue
		}
		op.Poll = true
		for _, k := range q.polls[m.first:m.end] {
			w.ops = append(w.ops, w.read(q, k, in, p.part(k.key), hold))
		}
	}
	if len(w.ops) > 0 {
		op.Ops = w.ops
	}
}

// send is addSend.
func (w *waiting) send(m *quickMop, in checker.Op, part, value string) checker.Op {
	w.values = append(w.values, value)
	n := len(w.values)
	in.Kind, in.Partition, in.Values = checker.Append, part, w.values[n-1:n:n]
	switch {
	case in.Outcome == checker.Failed:
	case m.told:
		in.Outcome, in.Off = checker.OK, m.off
	default:
		in.Outcome, in.Ret = checker.Unknown, 0
	}
	return in
}

// read is addPoll for one key.
func (w *waiting) read(q *quick, k quickPoll, in checker.Op, part string, hold func(string) string) checker.Op {
	in.Kind, in.Partition, in.Poll, in.Outcome = checker.Read, part, true, checker.OK
	at, from := len(w.values), len(w.offs)
	for i := k.first; i < k.end; i++ {
		w.values = append(w.values, hold(q.values[i]))
	}
	w.offs = append(w.offs, q.offs[k.first:k.end]...)
	in.Offs = w.offs[from:len(w.offs):len(w.offs)]
	if len(in.Offs) > 0 {
		in.Values = w.values[at:len(w.values):len(w.values)]
		in.From = slices.Min(in.Offs)
	}
	return in
}
