package sim

import (
	"testing"
	"time"

	"logd/broker"
)

// TestNothingOutlastsTheLookForLeaks: whatever a broker keeps for a time, with nobody there, it keeps for less than it is waited for before
// what is kept is a leak.
func TestNothingOutlastsTheLookForLeaks(t *testing.T) {
	stories := storyOptions()
	for name, l := range map[string]broker.Limits{"default": Default(1, time.Second).Limits, "of a story": stories.Limits, "drawn": broker.DrawLimits(stream(1, streamAct, 0))} { // order: independent
		if l.AdminWait > adminWait || l.ReadIndexWait > adminWait {
			t.Errorf("the limits %s: a forwarded command is kept for %v, a read index waited for %v, expected %v at most", name, l.AdminWait, l.ReadIndexWait, adminWait)
		}
	}
}
