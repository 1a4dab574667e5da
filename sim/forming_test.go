package sim

import (
	"testing"
	"time"
)

// TestForming: processes end while a cluster forms, and it forms all the same.
func TestForming(t *testing.T) {
	ended := int64(0)
	for seed := uint64(1); seed <= 4; seed++ {
		o := Draw(seed, 100*time.Millisecond)
		o.Faults.Forming = 20
		r := Run(o, Env{})
		if r.Violation != nil {
			t.Errorf("seed %d: %s", seed, r.Violation)
		}
		ended += r.Counts[CountForming]
	}
	if ended < 8 {
		t.Errorf("%d processes ended while four clusters formed, of 80 that were to", ended)
	}
}
