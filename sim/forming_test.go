package sim

import (
	"bytes"
	"testing"
	"time"
)

// TestForming: processes end while a cluster forms, and it forms all the same; what is told of such a run is that run (W12).
func TestForming(t *testing.T) {
	ended := int64(0)
	for seed := uint64(1); seed <= 4; seed++ {
		o := Draw(seed, 3*time.Second)
		o.Faults.Forming = 20
		var record bytes.Buffer
		r := Run(o, Env{Record: &record})
		if _, err := Replay(record.String(), Env{}); err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
		if r.Violation != nil {
			t.Errorf("seed %d: %s", seed, r.Violation)
		}
		ended += r.Counts[CountForming]
	}
	if ended < 8 {
		t.Errorf("%d processes ended while four clusters formed, of 80 that were to", ended)
	}
}
