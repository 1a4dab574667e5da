package crash

import (
	"context"
	"os"
	"reflect"
	"runtime/debug"
	"testing"

	"logd/log"
)

// TestCrashStates is the campaign, small: `logsim crash-states` is the whole.
func TestCrashStates(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	states := 10_000
	r := Config{States: states, Seed: 1, Jobs: 2, Rounds: 2, PerBoundary: 16}.Go(t.Context())
	r.Print(os.Stdout)
	if r.Violation != nil {
		t.Fatal(r.Violation)
	}
	if r.Distinct < states || r.Bounds < 200 {
		t.Fatalf("%d states at %d boundaries are too few", r.Distinct, r.Bounds)
	}
	kinds := map[log.OpKind]bool{}
	for _, row := range r.Rows {
		kinds[row.Kind] = true
	}
	for k := log.OpCreate; k <= log.OpSyncDir; k++ {
		if !kinds[k] {
			t.Errorf("no boundary of a %s", k)
		}
	}
}

// X1: the number of workers changes nothing.
func TestWorkersDontMatter(t *testing.T) {
	one := Config{States: 100, Seed: 3, Jobs: 1, Rounds: 4, PerBoundary: 4, Only: "snapshot"}.Go(t.Context())
	four := Config{States: 100, Seed: 3, Jobs: 4, Rounds: 4, PerBoundary: 4, Only: "snapshot"}.Go(t.Context())
	one.Seconds, four.Seconds = 0, 0
	if !reflect.DeepEqual(one, four) {
		t.Fatalf("one worker: %+v\nfour workers: %+v", one, four)
	}
}

// An interrupt leaves a report of what was done.
func TestInterrupt(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := Config{States: 1 << 40, Seed: 1, Jobs: 2, PerBoundary: 10, Progress: func(r Report) {
		if r.Runs == 3 {
			cancel()
		}
	}}
	if r := c.Go(ctx); !r.Cut || r.Violation != nil || r.Distinct == 0 {
		t.Fatalf("%+v", r)
	}
}
