package jepsen

import (
	"cmp"
	"slices"

	"logd/checker"
)

// FromHistory returns a history's operations as events, in the order of time. A
// session becomes a process; an operation that overlaps another one of its session
// gets a process of its own, for Jepsen's do one thing at a time. What is unknown
// ends, by :info, when all else has.
//
// [History] makes the same operations of them, but for their numbers, and takes the
// history for a sparse one, as all of Jepsen's are.
func FromHistory(h checker.History) []Event {
	x := exporter{free: map[[2]int64][]*lane{}}
	for i := range h.Ops {
		op := &h.Ops[i]
		x.end = max(x.end, op.Call, op.Ret)
		x.ops = append(x.ops, op)
	}
	slices.SortStableFunc(x.ops, func(a, b *checker.Op) int { return cmp.Compare(a.Call, b.Call) })
	for _, op := range x.ops {
		x.add(op)
	}
	// An invocation goes before the completions of its instant, so that what shares an
	// instant overlaps, but behind the one that frees its process.
	slices.SortStableFunc(x.stamped, func(a, b stamped) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.order, b.order))
	})
	events := make([]Event, len(x.stamped))
	for i, s := range x.stamped {
		events[i].Map = append(Map{{Keyword("index"), int64(i)}, {Keyword("time"), s.at}}, s.m...)
	}
	return events
}

type stamped struct {
	at    int64
	order int
	m     Map
}

// lane is a process, when it is free again, and the event that says so.
type lane struct {
	process int64
	op      *checker.Op
	done    int // in stamped
}

// free reports whether an operation that is called at an instant can be the lane's next.
func (l *lane) free(at int64) bool {
	return l.op.Outcome != checker.Unknown && (l.op.Ret < at || l.op.Ret == at && l.op.Call < at)
}

type exporter struct {
	ops     []*checker.Op
	stamped []stamped
	free    map[[2]int64][]*lane // by client and session; order: looked up only
	next    int64
	end     int64
}

// process takes a process of the op's session that is free when it is called.
func (x *exporter) process(op *checker.Op) *lane {
	key := [2]int64{op.Client, op.Session}
	lanes := x.free[key]
	for _, l := range lanes {
		if l.free(op.Call) {
			if l.op.Ret == op.Call {
				x.stamped[l.done].order = -1
			}
			l.op = op
			return l
		}
	}
	l := &lane{process: x.next, op: op}
	x.next++
	x.free[key] = append(lanes, l)
	return l
}

func (x *exporter) add(op *checker.Op) {
	if op.Kind == checker.Fault {
		m := Map{{Keyword("process"), Keyword("nemesis")}, {Keyword("type"), Keyword("info")}, {Keyword("f"), Keyword(op.Fault)}}
		if op.Target != "" {
			m = append(m, Pair{Keyword("value"), formOf(op.Target)})
		}
		x.stamped = append(x.stamped, stamped{op.Call, 0, m}, stamped{max(op.Call, op.Ret), 1, m})
		return
	}
	f, asked, told, extra := forms(op)
	l := x.process(op)
	event := func(at int64, order int, kind Keyword, value Value) {
		m := Map{{Keyword("process"), l.process}, {Keyword("type"), kind}, {Keyword("f"), f}, {Keyword("value"), value}}
		x.stamped = append(x.stamped, stamped{at, order, append(m, extra...)})
	}
	event(op.Call, 0, "invoke", asked)
	l.done = len(x.stamped)
	switch op.Outcome {
	case checker.OK:
		event(op.Ret, 1, "ok", told)
	case checker.Failed:
		event(max(op.Call, op.Ret), 1, "fail", told)
	default:
		event(x.end, 2, "info", told)
	}
}

// forms are the function of an operation, what it asked for, what it was told, and
// what it says besides.
func forms(op *checker.Op) (f Keyword, asked, told Value, extra Map) {
	switch op.Kind {
	case checker.Append:
		if len(op.Values) > 1 {
			extra = Map{{Keyword("batch"), true}}
		}
		a, t := mops(op)
		return "send", a, t, extra
	case checker.Read:
		a, t := mops(op)
		return "poll", a, t, readExtra(op)
	case checker.Txn:
		return txnForms(op)
	case checker.Assign, checker.Subscribe:
		if op.Beginning {
			extra = Map{{Keyword("seek-to-beginning?"), true}}
		}
		keys := Vector{}
		for _, p := range op.Parts {
			keys = append(keys, formOf(p))
		}
		return Keyword(op.Kind.String()), keys, keys, extra
	case checker.Tail, checker.Trim, checker.Start, checker.Commit, checker.FetchOffset:
		a := Map{{Keyword("key"), formOf(op.Partition)}}
		if op.Group != "" {
			a = append(a, Pair{Keyword("group"), op.Group})
		}
		if op.Kind == checker.Trim {
			a = append(a, Pair{Keyword("from"), op.From})
		}
		t := append(slices.Clone(a), Pair{Keyword("offset"), op.Off})
		if op.Kind == checker.Commit {
			a = t
		}
		return Keyword(op.Kind.String()), a, t, nil
	}
	return Keyword(op.Kind.String()), nil, nil, nil
}

func readExtra(op *checker.Op) (extra Map) {
	if !op.Poll {
		extra = append(extra, Pair{Keyword("from"), op.From})
		if op.Limit > 0 {
			extra = append(extra, Pair{Keyword("limit"), op.Limit})
		}
		if op.Lin {
			extra = append(extra, Pair{Keyword("lin"), true})
		}
	}
	return append(extra, rebalanceLog(op)...)
}

func rebalanceLog(op *checker.Op) Map {
	if len(op.Rebalanced) == 0 {
		return nil
	}
	keys := Vector{}
	for _, p := range op.Rebalanced {
		keys = append(keys, formOf(p))
	}
	return Map{{Keyword("rebalance-log"), Vector{Map{{Keyword("keys"), keys}}}}}
}

func txnForms(op *checker.Op) (f Keyword, asked, told Value, extra Map) {
	a, t := Vector{}, Vector{}
	sends := 0
	for i := range op.Ops {
		x, y := mops(&op.Ops[i])
		a, t = append(a, x...), append(t, y...)
		if op.Ops[i].Kind == checker.Append {
			sends++
		}
	}
	f = "txn"
	switch {
	case sends == 0:
		f = "poll"
	case sends == len(op.Ops):
		f = "send"
	}
	if op.Poll && sends == len(op.Ops) { // it polled, and no partition is named
		f = "txn"
		a, t = append(a, Vector{Keyword("poll")}), append(t, Vector{Keyword("poll"), Map{}})
	}
	return f, a, t, rebalanceLog(op)
}

// mops are the micro-operations of a send or read, before and after.
func mops(op *checker.Op) (asked, told Vector) {
	key := formOf(op.Partition)
	if op.Kind != checker.Append {
		pairs := Vector{}
		for k, v := range op.Values {
			off := op.From + int64(k)
			if op.Offs != nil {
				off = op.Offs[k]
			}
			pairs = append(pairs, Vector{off, formOf(v)})
		}
		told = Vector{Vector{Keyword("poll")}}
		if op.Outcome == checker.OK {
			told = Vector{Vector{Keyword("poll"), Map{{key, pairs}}}}
		}
		return Vector{Vector{Keyword("poll")}}, told
	}
	for k, v := range op.Values {
		plain := Vector{Keyword("send"), key, formOf(v)}
		asked = append(asked, plain)
		if op.Outcome == checker.OK {
			plain = Vector{Keyword("send"), key, Vector{op.Off + int64(k), formOf(v)}}
		}
		told = append(told, plain)
	}
	return asked, told
}
