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
// the history, and without any one of them nothing contradicts anything.
func TestMinimal(t *testing.T) {
	names := map[string]int{}
	checks := flag.Lookup("rapid.checks")
	defer checks.Value.Set(checks.Value.String())
	if n, err := strconv.Atoi(checks.Value.String()); err != nil || n < 5000 {
		if err := checks.Value.Set("5000"); err != nil {
			t.Fatal(err)
		}
	}
	total := 0
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
			if r := alone(rest, h.Ops, absent); r.First() != nil {
				fatal(rt, h, r, "%s: without operation %d there still is %v", v, told[i].ID, r.First())
			}
		}
	})
	t.Logf("%d violations, all of them minimal: %v", total, names)
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
