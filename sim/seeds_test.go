package sim

import (
	"testing"
	"time"
)

// Whole worlds: each seed is valid, and replays to the same trace. CI runs 500 more through logsim.
func TestSeedsReplay(t *testing.T) {
	for seed := uint64(1); seed <= 8; seed++ {
		first := Run(Draw(seed, 30*time.Second), Env{})
		if first.Violation != nil {
			t.Errorf("seed %d: %s; replay: go run ./cmd/logsim run --seed %d --seconds 30 -v", seed, first.Violation, seed)
			continue
		}
		if first.Counts[CountAcked] == 0 {
			t.Errorf("seed %d: nothing was acknowledged", seed)
		}
		if again := Run(Draw(seed, 30*time.Second), Env{}); again.Hash != first.Hash {
			t.Errorf("seed %d: trace hash %016x, and %016x when run again", seed, first.Hash, again.Hash)
		}
	}
}
