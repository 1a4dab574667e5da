package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"logd/sim"
)

// soak runs the command with workers that are fakes.
func soak(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var o, e bytes.Buffer
	a := &app{out: &o, err: &e, binary: binary}
	code = a.run(t.Context(), append([]string{"soak", "--limit", "2s", "--jobs", "2"}, args...))
	return code, o.String(), e.String()
}

// A soak goes on where it was, with what it had found.
func TestSoakGoesOn(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "kept")
	for _, seeds := range []string{"5", "12", "12"} {
		code, out, errs := soak(t, "--dir", dir, "--from", "20", "--seeds", seeds)
		if last := "valid " + seeds + " seeds from 20\n"; code != exitOK || !strings.HasSuffix(out, last) || errs != "" {
			t.Fatalf("exit status %d, said %q and %q; expected %q", code, out, errs, last)
		}
	}
	for _, other := range [][]string{{"--from", "21"}, {"--from", "20", "--seconds", "5"}, {"--from", "20", "--twice"}} {
		if code, _, errs := soak(t, append(other, "--dir", dir)...); code != exitInvalid || !strings.Contains(errs, errSoak.Error()) {
			t.Errorf("with %v: exit status %d, said %q", other, code, errs)
		}
	}
}

// A mark that no seed came by is said, and with --marks-must-hit it is a failure.
func TestSoakWantsMarks(t *testing.T) {
	never := fmt.Sprintf("NEVER HIT in 3 seeds: mark %s", sim.Mark(0).Name())
	for _, c := range []struct {
		flags []string
		code  int
		last  string
	}{
		{nil, exitOK, "valid 3 seeds from 20\n"},
		{[]string{"--marks-must-hit"}, exitInvalid, fmt.Sprintf("INVALID %d marks were never hit in 3 seeds\n", sim.Marks)},
	} {
		code, out, _ := soak(t, append(c.flags, "--dir", t.TempDir(), "--from", "20", "--seeds", "3")...)
		if code != c.code || !strings.Contains(out, never) || !strings.Contains(out, "NOT INJECTED: ") || !strings.HasSuffix(out, c.last) {
			t.Errorf("%v: exit status %d, said %q; expected %d, %q and %q", c.flags, code, out, c.code, never, c.last)
		}
	}
}

// What fails is kept, and is no less a failure when the soak goes on.
func TestSoakKeepsFailures(t *testing.T) {
	dir := t.TempDir()
	for _, seeds := range []string{"8", "9"} {
		code, out, _ := soak(t, "--dir", dir, "--from", "1", "--seeds", seeds)
		if code != exitInvalid || !strings.Contains(out, "INVALID 5 of "+seeds+" seeds; see "+dir) || !strings.Contains(out, "unseen: gone (seed-7.txt; 2 decisions in story-7.txt)") {
			t.Fatalf("exit status %d, said %q", code, out)
		}
	}
	story, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("story-%d.txt", seedInvalid)))
	if err != nil || !strings.HasPrefix(string(story), "# unseen: gone\n# Shrunk from seed 7 of 60 s, 2 of its 400 decisions") || !strings.HasSuffix(string(story), "\nat 0s crash 1\nat 0s power 2 keep none\nexpect violation unseen\n  gone\n") {
		t.Errorf("%v: %s", err, story)
	}
	text, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("seed-%d.txt", seedInvalid)))
	if err != nil || !strings.HasPrefix(string(text), "unseen: gone\nINVALID seed=7 ") || !strings.Contains(string(text), "run --seed 7 --seconds 60 -v\n") ||
		!strings.Contains(string(text), "\n\nseed=7 Length=1m0s Brokers=") {
		t.Errorf("%v: %s", err, text)
	}
	code, out, _ := soak(t, "--dir", dir, "--from", "1", "--seeds", "9", "--json")
	var s soakState
	if err := json.Unmarshal([]byte(out), &s); err != nil || code != exitInvalid || s.Seeds != 9 || len(s.Failures) != 5 || s.Failures[4].Violation.Name != "unseen" {
		t.Errorf("exit status %d, %v: %s", code, err, out)
	}
}

func TestSoakWithoutTime(t *testing.T) {
	dir := t.TempDir()
	if code, _, errs := soak(t, "--dir", dir, "--for", "1ns"); code != exitInvalid || !strings.Contains(errs, "no seed was run") {
		t.Errorf("exit status %d, said %q", code, errs)
	}
	unlock, err := lockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if code, _, errs := soak(t, "--dir", dir, "--seeds", "1"); code != exitInvalid || !strings.Contains(errs, "another soak") {
		t.Errorf("in a folder that another soak has: exit status %d, said %q", code, errs)
	}
	unlock()
	if err := os.WriteFile(filepath.Join(dir, soakFile), []byte("{"), 0o666); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := soak(t, "--dir", dir, "--seeds", "1"); code != exitInvalid || !strings.Contains(errs, soakFile) {
		t.Errorf("with a torn state: exit status %d, said %q", code, errs)
	}
}

// However seeds end, and wherever it is interrupted, each is done once.
func TestSoakState(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		f := &soakFlags{dir: dir, from: rapid.Uint64Range(0, 5).Draw(t, "from"), seeds: rapid.IntRange(1, 30).Draw(t, "seeds"), seconds: 1}
		os.Remove(filepath.Join(dir, soakFile))
		done := map[uint64]int{}
		for {
			s, err := loadSoak(f, "build")
			if err != nil {
				t.Fatal(err)
			}
			var some []uint64
			for seed := range s.todo(f, func() time.Duration { return 1 }) {
				some = append(some, seed)
			}
			if len(some) == 0 {
				break
			}
			for _, i := range rapid.Permutation(some).Draw(t, "order")[:rapid.IntRange(1, len(some)).Draw(t, "ended")] {
				r := sim.Result{Seed: i, Events: 1}
				s.add(&seedDone{Result: r})
				done[i]++
			}
			if err := s.save(dir); err != nil {
				t.Fatal(err)
			}
			if s.Seeds != len(done) || s.Sum.Events != uint64(s.Seeds) {
				t.Fatalf("%d seeds and %d events after %v", s.Seeds, s.Sum.Events, done)
			}
		}
		for seed := f.from; seed < f.from+uint64(f.seeds); seed++ {
			if done[seed] != 1 {
				t.Fatalf("seed %d was done %d times: %v", seed, done[seed], maps.All(done))
			}
		}
	})
}

// A folder that has other things in it is left as it is.
func TestSoakInAStrangersFolder(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "letters"), []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	code, _, errs := soak(t, "--dir", dir, "--seeds", "1")
	if code != exitInvalid || !strings.Contains(errs, "is not empty: letters is in it") || strings.Count(errs, "\n") != 1 {
		t.Errorf("exit status %d, said %q", code, errs)
	}
	if rows, err := os.ReadDir(dir); err != nil || len(rows) > 1 {
		t.Errorf("%v: %v", rows, err)
	}
}
