package checker_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"logd/checker"
)

// largeHistory executes a log of several partitions for many concurrent clients.
// It is valid by construction and ends, as a workload should, by reading all.
func largeHistory(seed uint64, n, clients int) checker.History {
	rng := rand.New(rand.NewPCG(seed, 1))
	logs := map[string][]string{}
	var h checker.History
	now := int64(0)
	add := func(op checker.Op) {
		op.ID = int64(len(h.Ops) + 1)
		h.Ops = append(h.Ops, op)
	}
	for len(h.Ops) < n {
		now += rng.Int64N(20)
		part := fmt.Sprint("t/", rng.IntN(3))
		log := logs[part]
		op := checker.Op{Client: rng.Int64N(int64(clients)), Partition: part, Outcome: checker.OK,
			Call: now - rng.Int64N(10*int64(clients)), Ret: now + rng.Int64N(10*int64(clients))}
		switch luck := rng.IntN(10); {
		case luck < 6:
			op.Kind = checker.Append
			for range 1 + rng.IntN(2)*rng.IntN(3) {
				op.Values = append(op.Values, fmt.Sprint(len(h.Ops), "-", len(op.Values)))
			}
			op.Off = int64(len(log))
			done := true
			if fate := rng.IntN(20); fate == 0 {
				op.Outcome, op.Ret, op.Off, done = checker.Failed, op.Call, 0, false
			} else if fate < 4 {
				op.Outcome, op.Ret, op.Off, done = checker.Unknown, 0, 0, fate > 1
			}
			if done {
				logs[part] = append(log, op.Values...)
			}
		case luck < 8:
			op.Kind, op.Lin, op.Limit = checker.Read, rng.IntN(2) == 0, rng.Int64N(3)*5
			op.From = int64(max(0, len(log)-rng.IntN(20)))
			op.Values = slices.Clone(log[op.From:])
			if op.Limit > 0 && op.Limit < int64(len(op.Values)) {
				op.Values = op.Values[:op.Limit]
			}
		default:
			op.Kind, op.Off = checker.Tail, int64(len(log))
		}
		add(op)
	}
	now += 100 * int64(clients)
	for i := range 3 {
		part := fmt.Sprint("t/", i)
		add(checker.Op{Kind: checker.Read, Partition: part, Outcome: checker.OK, Call: now, Ret: now + 5, Lin: true, Values: logs[part]})
	}
	return h
}

// planted are bugs of a log, each done to one operation somewhere in a history. A
// function returns false if op cannot carry it.
var planted = []struct {
	name string
	do   func(h *checker.History, op *checker.Op) bool
}{
	{checker.TailWentBack, func(h *checker.History, op *checker.Op) bool {
		if op.Kind != checker.Tail || op.Off < 30 {
			return false
		}
		op.Off, op.Call, op.Ret = 0, op.Call+100_000, op.Ret+100_000
		return true
	}},
	{checker.TwoValuesAtOffset, func(h *checker.History, op *checker.Op) bool {
		if op.Kind != checker.Append || op.Outcome != checker.OK || op.Off == 0 {
			return false
		}
		op.Off-- // the batch overwrites what was there
		return true
	}},
	{checker.NeverSent, func(h *checker.History, op *checker.Op) bool {
		if op.Kind != checker.Read || len(op.Values) == 0 {
			return false
		}
		op.Values = append(slices.Clone(op.Values[:len(op.Values)-1]), "corrupt")
		return true
	}},
	{checker.ReadBeforeAppend, func(h *checker.History, op *checker.Op) bool {
		if op.Kind != checker.Append || op.Outcome == checker.Failed {
			return false
		}
		op.Call, op.Ret = op.Call+1_000_000, op.Ret+1_000_000
		return op.Outcome == checker.OK
	}},
	{checker.FailedButRead, func(h *checker.History, op *checker.Op) bool {
		if op.Kind != checker.Append || op.Outcome != checker.OK {
			return false
		}
		op.Outcome = checker.Failed
		return true
	}},
}

// TestLarge: histories of thousands of operations are valid, and one bug planted
// in one operation is found, under its name among others, offline and online.
func TestLarge(t *testing.T) {
	for seed := range uint64(10) {
		h := largeHistory(seed, 4000, 8)
		r := checker.Check(h)
		if r.Verdict != checker.Valid {
			t.Fatalf("seed %d: %v: %v", seed, r.Verdict, r.First())
		}
		for _, p := range r.Partitions {
			if p.UpperBounds < 50 || p.Unread != 0 {
				t.Errorf("seed %d: %s has %d upper bounds and %d unread offsets, want many and none", seed, p.Partition, p.UpperBounds, p.Unread)
			}
		}
		if first, live := online(h); live.Verdict != checker.Valid || first != nil {
			t.Fatalf("seed %d: online %v: %v", seed, live.Verdict, first)
		}
		for _, bug := range planted {
			bad := checker.History{Ops: slices.Clone(h.Ops)}
			at := int(seed)*100 + 1000
			for !bug.do(&bad, &bad.Ops[at]) {
				bad.Ops[at] = h.Ops[at]
				at++
			}
			r := checker.Check(bad)
			first, live := online(bad)
			if r.Verdict != checker.Invalid || live.Verdict != checker.Invalid || first == nil {
				t.Errorf("seed %d: %s in operation %d: offline %v, online %v, while it ran %v", seed, bug.name, bad.Ops[at].ID, r.Verdict, live.Verdict, first)
			}
			if !slices.Contains(namesOf(r), bug.name) {
				t.Errorf("seed %d: %s in operation %d is called %v", seed, bug.name, bad.Ops[at].ID, namesOf(r))
			}
		}
	}
}

func namesOf(r checker.Report) (names []string) {
	for _, p := range r.Partitions {
		for _, v := range p.Violations {
			names = append(names, v.Name)
		}
	}
	return names
}

// online feeds h as it would have run and returns the first violation found
// before the end.
func online(h checker.History) (*checker.Violation, checker.Report) {
	type event struct {
		at       int64
		complete bool
		op       *checker.Op
	}
	var events []event
	for i := range h.Ops {
		op := &h.Ops[i]
		back := op.Ret
		if op.Outcome == checker.Unknown {
			back = op.Call + 1000
		}
		events = append(events, event{op.Call, false, op}, event{back, true, op})
	}
	slices.SortStableFunc(events, func(a, b event) int { return int(a.at - b.at) })
	c := checker.New(checker.Options{Invoked: true})
	var first *checker.Violation
	for _, e := range events {
		found := (*checker.Violation)(nil)
		if e.complete {
			found = c.Complete(e.op)
		} else {
			found = c.Invoke(e.op)
		}
		if first == nil {
			first = found
		}
	}
	return first, c.Finish()
}

func BenchmarkCheck(b *testing.B) {
	h := largeHistory(1, 200_000, 16)
	b.ReportAllocs()
	for b.Loop() {
		if r := checker.Check(h); r.Verdict != checker.Valid {
			b.Fatal(r.First())
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(h.Ops)), "ns/operation")
}

func BenchmarkOnline(b *testing.B) {
	h := largeHistory(1, 200_000, 16)
	b.ReportAllocs()
	for b.Loop() {
		if first, _ := online(h); first != nil {
			b.Fatal(first)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(h.Ops)), "ns/operation")
}
