package sim

import (
	"bytes"
	"testing"
	"time"
)

// A record says all that was decided: told again it is the same run, event by event (W12).
func TestRecordIsTheRun(t *testing.T) {
	for seed := uint64(1); seed <= 10; seed++ {
		opt := Draw(seed, 15*time.Second)
		var record bytes.Buffer
		first := Run(opt, Env{Record: &record})
		story, err := ParseStory(record.String())
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, record.String())
		}
		told := Tell(story, Env{})
		if told.Err != nil {
			t.Errorf("seed %d: %v", seed, told.Err)
		}
		if told.Hash != first.Hash {
			t.Errorf("seed %d: trace hash %016x, %016x when its record is told; %d events, %d events", seed, first.Hash, told.Hash, first.Events, told.Events)
		}
	}
}
