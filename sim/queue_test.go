package sim

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Events come by time, and of one instant in the order in which they were planned.
func TestQueueOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var q queue
		type event struct {
			at time.Duration
			n  int
		}
		var got []event
		var now time.Duration
		take := func() {
			e := q.pop()
			now = e.at
			e.do()
		}
		for n, in := range rapid.SliceOfN(rapid.Int64Range(0, 20), 1, 200).Draw(t, "waits") {
			plan, at := q.push, now+time.Duration(in)
			if rapid.Bool().Draw(t, "deadline") {
				plan = q.deadline
			}
			plan(at, func() { got = append(got, event{at, n}) })
			if rapid.IntRange(0, 2).Draw(t, "take") == 0 {
				take()
			}
		}
		for q.len() > 0 {
			if at := q.next(); at < now {
				t.Fatalf("an event of %v is next at %v", at, now)
			}
			take()
		}
		for i := 1; i < len(got); i++ {
			if a, b := got[i-1], got[i]; a.at > b.at || a.at == b.at && a.n > b.n {
				t.Fatalf("event %d of %v came before event %d of %v", a.n, a.at, b.n, b.at)
			}
		}
	})
}
