package crash

import (
	"os"
	"runtime/debug"
	"testing"

	"logd/log"
)

func TestCrashStates(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	states := 200_000
	if testing.Short() {
		states = 20_000
	}
	r := Config{States: states, Seed: 1, Jobs: 2}.Go(t.Context())
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
