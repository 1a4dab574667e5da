package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"logd/sim"
)

// asLogsim has the test binary be logsim itself: with real workers, or with fakes.
const asLogsim = "LOGSIM_TEST_IS"

// TestMain lets this test binary stand in for a worker process, for one that records a run, and for logsim.
func TestMain(m *testing.M) {
	is, command := os.Getenv(asLogsim), ""
	if len(os.Args) > 1 {
		command = os.Args[1]
	}
	switch {
	case is == "real", is == "faked" && command != "worker" && command != "run":
		main()
	case command == "worker":
		fakeWorker()
	case command == "run":
		fakeRecord()
	case command == "take-memory":
		for taken := [][]byte{}; ; time.Sleep(time.Millisecond) {
			taken = append(taken, make([]byte, 1<<30)) // of which no byte is touched
			fmt.Fprintln(os.Stderr, len(taken), "GiB")
		}
	default:
		os.Exit(m.Run())
	}
}

// fakeRecord is a run of a seed that ends with a violation, and is written down.
func fakeRecord() {
	at := slices.Index(os.Args, "--record")
	if err := os.WriteFile(os.Args[at+1], []byte(longRecord()), 0o666); err != nil {
		panic(err)
	}
	os.Exit(exitInvalid)
}

// toldFile, if it is named, is where a fake worker leaves a byte for each story that it was told.
const toldFile = "LOGSIM_TEST_TOLD"

func told() {
	if path := os.Getenv(toldFile); path != "" {
		file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
		if err == nil {
			_, err = file.WriteString(".")
		}
		if err != nil {
			panic(err)
		}
		file.Close()
		time.Sleep(20 * time.Millisecond) // so that there is time to interrupt it
	}
}

// The seeds that the fake worker treats badly.
const (
	seedDies     = 3
	seedHangs    = 4
	seedMumbles  = 5
	seedConfuses = 6
	seedInvalid  = 7
)

func fakeWorker() {
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		var task storyTask
		if json.Unmarshal(in.Bytes(), &task) == nil && task.ID > 0 {
			r := fakeTelling(task.Story)
			r.Seed = task.ID
			told()
			json.NewEncoder(os.Stdout).Encode(&r)
			continue
		}
		seed, _ := strconv.ParseUint(in.Text(), 10, 64)
		r := sim.Result{Seed: seed, Hash: seed}
		switch seed {
		case seedDies:
			fmt.Fprintln(os.Stderr, "panic: the fake is dead")
			os.Exit(2)
		case seedHangs:
			time.Sleep(time.Hour)
		case seedMumbles:
			fmt.Println("what?")
			continue
		case seedConfuses:
			r.Seed++
		case seedInvalid:
			r.Violation = &sim.Violation{Name: "unseen", Text: "gone"}
		}
		json.NewEncoder(os.Stdout).Encode(&r)
	}
}

func fakePool(t *testing.T) *pool {
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return &pool{binary: binary, jobs: 2, seconds: 1, limit: 2 * time.Second}
}

// Whatever a worker does to a seed, the seed has a result, and the others theirs (C2).
func TestPoolAnswersForEverySeed(t *testing.T) {
	got := map[uint64]string{}
	fakePool(t).run(t.Context(), seedRange(1, 10), func(d seedDone) bool {
		if _, twice := got[d.Seed]; twice {
			t.Errorf("seed %d has two results", d.Seed)
		}
		got[d.Seed] = ""
		if d.Violation != nil {
			got[d.Seed] = d.Violation.Name
		}
		if d.Seed == seedDies && !strings.Contains(d.Violation.Text, "the fake is dead") {
			t.Errorf("the dead worker's last words are missing: %s", d.Violation.Text)
		}
		return true
	})
	want := map[uint64]string{1: "", 2: "", seedDies: sim.WorkerDied, seedHangs: sim.WorkerDied, seedMumbles: sim.WorkerDied,
		seedConfuses: sim.WorkerDied, seedInvalid: "unseen", 8: "", 9: "", 10: ""}
	if !maps.Equal(got, want) {
		t.Fatalf("results %v, expected %v", got, want)
	}
}

func TestPoolStopsWhenTold(t *testing.T) {
	n := 0
	fakePool(t).run(t.Context(), seedRange(100, 100_000), func(seedDone) bool { n++; return n < 5 })
	if n != 5 {
		t.Fatalf("%d results after the pool was told to stop at 5", n)
	}
}

func TestRunMany(t *testing.T) {
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		from string
		code int
		last string
	}{{"20", exitOK, "valid 3 seeds from 20, traces=0000000000000017"}, {"6", exitInvalid, "INVALID 2 of 3 seeds, 0 not run"}} {
		var out, errs bytes.Buffer
		a := &app{out: &out, err: &errs, binary: binary}
		code := a.run(t.Context(), []string{"run", "--seeds", "3", "--from", c.from, "--limit", "2s"})
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		if last := lines[len(lines)-1]; code != c.code || last != c.last || errs.Len() > 0 {
			t.Errorf("exit status %d, last line %q, said %q; expected %d and %q", code, last, errs.String(), c.code, c.last)
		}
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{{}, {"what"}, {"run"}, {"run", "--seed", "1", "--seeds", "2"}, {"run", "--seed", "x"}, {"run", "--seeds", "0"},
		{"run", "--seed", "1", "more"}, {"run", "--seeds", "2", "-v"}, {"mutants", "--seeds", "0"}, {"mutants", "--build", "x"}, {"soak", "--for", "0s"}, {"soak", "--seeds", "-1"}, {"bench", "--seeds", "0"}, {"bench", "--load", "1/0"}, {"bench", "--load", "1,0/8"},
		{"replay"}, {"shrink"}, {"shrink", "--seed", "1", "--from", "x"}, {"shrink", "--seed", "1", "--jobs", "0"}, {"run", "--seeds", "2", "--record", "x"},
		{"mutants", "--states", "0"}, {"crash-states", "--states", "0"}, {"crash-states", "--per-boundary", "5000"}, {"crash-states", "--only", "nothing"}} {
		var out, errs bytes.Buffer
		a := &app{out: &out, err: &errs}
		if code := a.run(t.Context(), args); code != exitUsage || errs.Len() == 0 {
			t.Errorf("logsim %q: exit status %d, said %q", args, code, errs.String())
		}
	}
}
