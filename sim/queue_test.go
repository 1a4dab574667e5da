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
		for n, at := range rapid.SliceOfN(rapid.Int64Range(0, 20), 1, 200).Draw(t, "times") {
			q.push(time.Duration(at), func() { got = append(got, event{time.Duration(at), n}) })
		}
		for q.len() > 0 {
			q.pop().do()
		}
		for i := 1; i < len(got); i++ {
			if a, b := got[i-1], got[i]; a.at > b.at || a.at == b.at && a.n > b.n {
				t.Fatalf("event %d of %v came before event %d of %v", a.n, a.at, b.n, b.at)
			}
		}
	})
}
