package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"logd/sim"
)

// fakeTelling finds one violation where broker 2 loses power and broker 1 crashed before, and another where only the power is lost.
func fakeTelling(story string) sim.Result {
	r := sim.Result{Simulated: time.Hour}
	crash, power := strings.Index(story, " crash 1"), strings.Index(story, " power 2")
	switch {
	case power < 0:
	case crash >= 0 && crash < power:
		r.Violation = &sim.Violation{Name: "unseen", Text: "gone", Cause: "gone"}
	default:
		r.Violation = &sim.Violation{Name: "liveness", Text: "nobody moves", Cause: "nobody moves"}
	}
	return r
}

// longRecord is a record with what matters to fakeTelling in the midst of other things.
func longRecord() string {
	var b strings.Builder
	b.WriteString("# a record\noptions Seed=7 Budget=true\noptions Net.Drop=40 Net.Double=20\n")
	for i := range 400 {
		switch i {
		case 133:
			fmt.Fprintf(&b, "at %dms crash 1 77 back=3.2s\n", 1000+i)
		case 391:
			fmt.Fprintf(&b, "at %dms power 2 keep random 99\n", 1000+i)
		default:
			fmt.Fprintf(&b, "at %dms client %d append orders/0 on=1 v=9 records=3 size=300 acks=all\n", 1000+i, 2+i%5)
		}
	}
	b.WriteString("expect violation unseen\n  gone\n")
	return b.String()
}

// Shrinking leaves what the violation needs, and the violation is the same one (C5): here a shorter story ends with another.
func TestShrinkKeepsVerdict(t *testing.T) {
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	from, to := filepath.Join(t.TempDir(), "record"), filepath.Join(t.TempDir(), "story.txt")
	if err := os.WriteFile(from, []byte(longRecord()), 0o666); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	a := &app{out: &out, err: &errs, binary: binary}
	if code := a.run(t.Context(), []string{"shrink", "--from", from, "--out", to, "--jobs", "2"}); code != exitOK {
		t.Fatalf("exit status %d: %s", code, errs.String())
	}
	text, err := os.ReadFile(to)
	if err != nil {
		t.Fatal(err)
	}
	want := "# unseen: gone\n# Shrunk from record, 2 of its 400 decisions"
	if !strings.HasPrefix(string(text), want) || !strings.HasSuffix(string(text), "options Seed=7 Budget=true\nat 0s crash 1\nat 0s power 2 keep none\nexpect violation unseen\n  gone\n") {
		t.Fatalf("the story is\n%s", text)
	}
}

// An interrupt keeps what was reached, and the result doesn't depend on the speed of the workers.
func TestShrinkIsInterrupted(t *testing.T) {
	c, err := caseOf(longRecord())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	s := &shrinker{best: c, jobs: 1}
	s.keeps = func(_ context.Context, candidates []sim.Case) int {
		var results []sim.Result
		for _, story := range stories(candidates) {
			results = append(results, fakeTelling(story))
		}
		return new(met).firstThatKeeps("unseen: gone", candidates, results, func(*sim.Case) bool { return true })
	}
	s.say = func() {
		if len(s.best.Decisions) < 100 {
			cancel()
		}
	}
	s.shrink(ctx)
	if n := len(s.best.Decisions); n < 2 || n >= 100 || fakeTelling(s.best.Story("", nil)).Violation.Name != "unseen" {
		t.Fatalf("%d decisions are left:\n%s", n, s.best.Story("", nil))
	}
}

// A candidate that fails without the mutant, too, shows nothing of the mutant.
func TestShrinkWantsSoundCodeToPass(t *testing.T) {
	v := sim.Result{Violation: &sim.Violation{Name: "unseen"}}
	some := make([]sim.Case, 3)
	sound := func(c *sim.Case) bool { return c == &some[2] }
	if i := new(met).firstThatKeeps("unseen: ", some, []sim.Result{v, {}, v}, sound); i != 2 {
		t.Fatalf("candidate %d is taken", i)
	}
}

// slipping is a record's run that waits for one thing, and for another once the pause is left out: the same check, and another cause.
func slipping(story string) sim.Result {
	r := sim.Result{Simulated: time.Hour}
	switch pause, power := strings.Contains(story, " pause 1"), strings.Contains(story, " power 2"); {
	case power && pause:
		r.Violation = &sim.Violation{Name: sim.Stalled, Text: "1m0s after the last fault:\n  orders/0 waits\n    nobody leads", Cause: "a partition: nobody leads"}
	case power:
		r.Violation = &sim.Violation{Name: sim.Stalled, Text: "1m0s after the last fault:\n  orders/0 waits\n    holes", Cause: "a partition: holes on a majority"}
	}
	return r
}

// The same check with another cause is another failure: it isn't what is left, and it isn't lost either.
func TestShrinkKeepsCause(t *testing.T) {
	c, err := caseOf("# r\noptions Seed=7 Budget=true\nat 1s pause 1\nat 2s crash 3\nat 3s power 2 keep none\nexpect violation liveness\n")
	if err != nil {
		t.Fatal(err)
	}
	var m met
	s := &shrinker{best: c, jobs: 2, say: func() {}}
	s.keeps = func(_ context.Context, candidates []sim.Case) int {
		var results []sim.Result
		for _, story := range stories(candidates) {
			results = append(results, slipping(story))
		}
		return m.firstThatKeeps("liveness: a partition: nobody leads", candidates, results, func(*sim.Case) bool { return true })
	}
	s.shrink(t.Context())
	if text := s.best.Story("", nil); len(s.best.Decisions) != 2 || !strings.Contains(text, " pause 1") || !strings.Contains(text, " power 2") {
		t.Errorf("what is left is\n%s", text)
	}
	if len(m) != 1 || m[0].times < 2 || len(m[0].least.Decisions) != 1 {
		t.Fatalf("met %+v", m)
	}
	var errs bytes.Buffer
	a := &app{err: &errs}
	prefix := filepath.Join(t.TempDir(), "seed-7")
	if err := a.keepMet(m, prefix, "", "seed 7"); err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(prefix + ".liveness-*.txt")
	if len(files) != 1 || !strings.Contains(errs.String(), "another failure was met, ") || !strings.Contains(errs.String(), "liveness: a partition: holes on a majority; kept as "+files[0]) {
		t.Fatalf("files %v; it says %s", files, errs.String())
	}
	text, err := os.ReadFile(files[0])
	if err != nil || !strings.HasPrefix(string(text), "# liveness: 1m0s after the last fault:\n#   orders/0 waits\n#     holes\n# Met while seed 7 was shrunk") ||
		!strings.HasSuffix(string(text), " power 2 keep none\nexpect violation liveness\n  a partition: holes on a majority\n") {
		t.Errorf("%v\n%s", err, text)
	}
}

// A candidate that only the code without the mutant fails on, or fails on too, is a bug of that; what can't be told or takes too long is none.
func TestMet(t *testing.T) {
	var m met
	c := &sim.Case{}
	m.note(&sim.Violation{Name: notTold}, c, true)
	m.note(died(1, overLimit+"%v", time.Second).Violation, c, false)
	m.note(nil, c, false)
	if len(m) != 0 {
		t.Fatalf("met %+v", m)
	}
	m.note(&sim.Violation{Name: "unseen", Cause: "gone"}, c, true)
	m.note(&sim.Violation{Name: "unseen", Cause: "gone"}, c, false)
	m.note(died(1, "its worker ended%s", ": fatal error").Violation, c, false)
	var errs bytes.Buffer
	a := &app{err: &errs}
	dir := t.TempDir()
	if err := a.keepMet(m, filepath.Join(dir, "m"), "m", "seed 1"); err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*"))
	if len(m) != 3 || len(files) != 1 || !strings.Contains(errs.String(), "a failure of the code without the mutant was met, 1 times: unseen: gone; kept as "+files[0]) ||
		!strings.Contains(errs.String(), "another failure of the mutant was met, 1 times: worker-died: its worker ended\n") {
		t.Errorf("met %+v, files %v, said %s", m, files, errs.String())
	}
}

// A shorter storm is looked for in as many seeds as are asked for, and only if there is a shorter one.
func TestShortest(t *testing.T) {
	p := fakePool(t)
	unseen := func(v *sim.Violation) bool { return v.Name == "unseen" }
	if seed, seconds, runs := p.shortest(t.Context(), seedInvalid, 3, 60, unseen); seed != seedInvalid || seconds != shortStorms[0] || runs < 1 {
		t.Errorf("seed %d of %d s, after %d runs", seed, seconds, runs)
	}
	if seed, seconds, runs := p.shortest(t.Context(), seedInvalid+1, 3, shortStorms[1]+1, unseen); seconds != 0 || runs != 6 {
		t.Errorf("no seed fails, and it is seed %d of %d s, after %d runs", seed, seconds, runs)
	}
	if _, seconds, runs := p.shortest(t.Context(), seedInvalid, 3, shortStorms[0], unseen); seconds != 0 || runs != 0 {
		t.Errorf("no storm is shorter, and it is one of %d s, after %d runs", seconds, runs)
	}
}
