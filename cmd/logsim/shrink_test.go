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
		r.Violation = &sim.Violation{Name: "unseen", Text: "gone"}
	default:
		r.Violation = &sim.Violation{Name: "liveness", Text: "nobody moves"}
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
	b.WriteString("expect violation unseen\n")
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
	if !strings.HasPrefix(string(text), want) || !strings.HasSuffix(string(text), "options Seed=7 Budget=true\nat 0s crash 1\nat 0s power 2 keep none\nexpect violation unseen\n") {
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
		return firstThatKeeps("unseen: gone", candidates, results, func(*sim.Case) bool { return true })
	}
	s.say = func() {
		if len(s.best.Decisions) < 100 {
			cancel()
		}
	}
	s.shrink(ctx)
	if n := len(s.best.Decisions); n < 2 || n >= 100 || fakeTelling(s.best.Story("", "")).Violation.Name != "unseen" {
		t.Fatalf("%d decisions are left:\n%s", n, s.best.Story("", ""))
	}
}

// A candidate that fails without the mutant, too, shows nothing of the mutant.
func TestShrinkWantsSoundCodeToPass(t *testing.T) {
	v := sim.Result{Violation: &sim.Violation{Name: "unseen"}}
	some := make([]sim.Case, 3)
	sound := func(c *sim.Case) bool { return c == &some[2] }
	if i := firstThatKeeps("unseen: ", some, []sim.Result{v, {}, v}, sound); i != 2 {
		t.Fatalf("candidate %d is taken", i)
	}
}
