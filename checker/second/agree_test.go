package second_test

import (
	"bytes"
	"flag"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"logd/checker"
	"logd/checker/second"
)

// historiesVar, an environment variable, asks for another number of histories.
const historiesVar = "LOGD_HISTORIES"

// TestAgree draws histories and requires that check A offline, in another order
// and online, porcupine and exhaustive search all say the same.
func TestAgree(t *testing.T) {
	count := "20000"
	if n := os.Getenv(historiesVar); n != "" {
		count = n
	}
	checks := flag.Lookup("rapid.checks")
	defer checks.Value.Set(checks.Value.String())
	if err := checks.Value.Set(count); err != nil {
		t.Fatalf("%s=%s: %v", historiesVar, count, err)
	}
	var total, invalid, online int
	names := map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		h, built := history(rt)
		shuffle := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "order"), 0))
		r := checker.Check(h)
		want := second.Exhaustive(h)
		if built && r.Verdict != checker.Valid {
			fatal(rt, h, r, "valid by construction, and check A says %v", r.Verdict)
		}
		if r.Verdict != want.Verdict {
			fatal(rt, h, r, "check A says %v, exhaustive search %v", r.Verdict, want)
		}
		if p := second.Porcupine(h, time.Minute); p.Verdict != want.Verdict {
			fatal(rt, h, r, "porcupine says %v, exhaustive search %v", p, want)
		}
		mixed := checker.History{Ops: slices.Clone(h.Ops)}
		shuffle.Shuffle(len(mixed.Ops), func(i, j int) { mixed.Ops[i], mixed.Ops[j] = mixed.Ops[j], mixed.Ops[i] })
		if m := checker.Check(mixed); m.Verdict != r.Verdict {
			fatal(rt, mixed, m, "in another order check A says %v, then %v", r.Verdict, m.Verdict)
		}
		early, live := feed(h, shuffle)
		if live.Verdict != r.Verdict || early != nil && r.Verdict != checker.Invalid {
			fatal(rt, h, live, "offline %v, online %v, while it ran %v", r.Verdict, live.Verdict, early)
		}
		total++
		if r.Verdict == checker.Invalid {
			invalid++
			names[r.First().Name]++
		}
		if early != nil {
			online++
		}
	})
	t.Logf("%d histories, %d of them invalid, %d of these found while they ran", total, invalid, online)
	for _, name := range slices.Sorted(keys(names)) {
		t.Logf("%8d  first %s", names[name], name)
	}
	if invalid*5 < total {
		t.Errorf("%d of %d histories are invalid, want a fifth: the generator no longer tests much", invalid, total)
	}
	if online*3 < invalid*2 {
		t.Errorf("%d of %d invalid histories were found while they ran, want two thirds", online, invalid)
	}
}

func keys(m map[string]int) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func fatal(rt *rapid.T, h checker.History, r checker.Report, format string, args ...any) {
	rt.Helper()
	var b bytes.Buffer
	w := checker.NewWriter(&b)
	for i := range h.Ops {
		if err := w.Write(&h.Ops[i]); err != nil {
			rt.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		rt.Fatal(err)
	}
	if v := r.First(); v != nil {
		rt.Logf("%v", v)
	}
	rt.Logf("\n%s", b.String())
	rt.Fatalf(format, args...)
}

// feed gives h to a checker as it would have run, equal instants in any order. It
// returns the first violation found before the end, and the report.
func feed(h checker.History, shuffle *rand.Rand) (*checker.Violation, checker.Report) {
	type event struct {
		at       int64
		complete bool
		tie      uint64
		op       *checker.Op
	}
	var events []event
	for i := range h.Ops {
		op := &h.Ops[i]
		tie := shuffle.Uint64() >> 1
		events = append(events, event{op.Call, false, tie, op})
		back := max(op.Ret, op.Call)
		if op.Outcome == checker.Unknown {
			back = op.Call + int64(shuffle.IntN(10))
		}
		if op.Outcome != checker.Unknown || shuffle.IntN(3) > 0 { // else: still outstanding at the end
			events = append(events, event{back, true, tie + shuffle.Uint64()>>2, op})
		}
	}
	slices.SortStableFunc(events, func(a, b event) int {
		if a.at != b.at {
			return int(a.at - b.at)
		}
		if a.tie < b.tie {
			return -1
		}
		return 1
	})
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
