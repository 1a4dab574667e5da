package second_test

import (
	"flag"
	"fmt"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"logd/checker"
)

// TestMinimal: the operations of a violation always contradict each other without the rest of
// the history, and none of them can be left out. Seldom what is left contradicts itself all the
// same: in another way, or because a read shows as much as the operation that was named before
// it, which isn't found out, as the values of reads aren't kept.
func TestMinimal(t *testing.T) {
	names := map[string]int{}
	checks := flag.Lookup("rapid.checks")
	defer checks.Value.Set(checks.Value.String())
	if n, err := strconv.Atoi(checks.Value.String()); err != nil || n < 5000 {
		if err := checks.Value.Set("5000"); err != nil {
			t.Fatal(err)
		}
	}
	var total, others, same int
	rapid.Check(t, func(rt *rapid.T) {
		h, _ := history(rt)
		r := checker.Check(h)
		v := r.First()
		if v == nil {
			return
		}
		names[v.Name]++
		total++
		var told []checker.Op
		for _, op := range h.Ops {
			if slices.ContainsFunc(v.Ops, func(e checker.Evidence) bool { return e.ID == op.ID }) {
				told = append(told, op)
			}
		}
		absent := slices.Contains(ofAbsence, v.Name) && len(v.Ops) == 1
		if r := alone(told, h.Ops, absent); r.Verdict != checker.Invalid {
			fatal(rt, h, r, "%s: its operations alone are %v", v.Name, r.Verdict)
		}
		for i := range told {
			rest := slices.Delete(slices.Clone(told), i, i+1)
			switch r := alone(rest, h.Ops, absent); {
			case r.First() == nil:
			case r.First().Name == v.Name:
				same++
			default:
				others++
			}
		}
	})
	t.Logf("%d violations; without one of its operations another kind is left %d times, the same kind %d times: %v", total, others, same, names)
	if others*20 > total || same*100 > total {
		t.Errorf("of %d violations %d hold one of another kind and %d of the same, want a twentieth and a hundredth at most", total, others, same)
	}
}

// ofAbsence are violations that say that something is not there: these their operations show
// if there is nothing else. To the others anything may have been appended, and lost its answer.
var ofAbsence = []string{checker.NeverSent, checker.AcknowledgedMissing, checker.TailBeyondEnd,
	checker.StartBeyondEnd, checker.StartUnasked}

// alone checks some operations of a history. The rest was of unknown outcome: each value
// that they read may have been sent, any offset taken, any trim asked for.
func alone(told, all []checker.Op, absent bool) checker.Report {
	h := checker.History{Ops: slices.Clone(told)}
	if absent {
		return checker.Check(h)
	}
	sent := map[string]bool{}
	for _, op := range told {
		for _, v := range op.Values {
			if op.Kind == checker.Append {
				sent[op.Partition+v] = true
			}
		}
	}
	lost := func(part, value string) {
		if !sent[part+value] {
			sent[part+value] = true
			h.Ops = append(h.Ops, checker.Op{ID: int64(1000 + len(h.Ops)), Kind: checker.Append, Partition: part, Outcome: checker.Unknown, Call: -1000, Values: []string{value}})
		}
	}
	for _, op := range told {
		if op.Kind == checker.Read {
			for _, v := range op.Values {
				lost(op.Partition, v)
			}
		}
		for i := range 60 {
			lost(op.Partition, fmt.Sprint("lost", i))
		}
	}
	for _, op := range all {
		if op.Kind == checker.Trim && op.Outcome != checker.Failed {
			op.ID, op.Outcome = op.ID+100, checker.Unknown
			h.Ops = append(h.Ops, op)
		}
	}
	return checker.Check(h)
}
