package group

import (
	"testing"
	"time"
)

// TestHolds: what a machine has under way is counted, each kind for itself.
func TestHolds(t *testing.T) {
	r := newRig(t, 1)
	before := r.m.Holds()
	r.m.open[99], r.m.writes[99] = true, &write{}
	g := r.m.groupOf("g")
	g.queue = append(g.queue, op{}, op{}, op{})
	r.m.members++
	r.m.in(time.Hour, func() {})
	want := Holding{before.Tickets + 1, before.Steps + 3, before.Writes + 1, before.Deadlines + 1, before.MostDeadlines + groupDeadlines + memberDeadlines}
	if got := r.m.Holds(); got != want {
		t.Errorf("held are %+v, expected %+v", got, want)
	}
}
