package deadline

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// A heap does what a sorted list does (D1, D2).
func TestHeap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type row struct {
			at    time.Duration
			n     int
			timer *Timer
		}
		var h Heap
		var rows []row
		var fired, want []int
		now := time.Duration(0)
		for n := range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch rapid.IntRange(0, 4).Draw(t, "what") {
			case 0, 1, 2:
				at := now + time.Duration(rapid.IntRange(-2, 9).Draw(t, "in"))
				rows = append(rows, row{at, n, h.Set(at, func() { fired = append(fired, n) })})
			case 3:
				if len(rows) > 0 {
					i := rapid.IntRange(0, len(rows)-1).Draw(t, "which")
					h.Cancel(rows[i].timer)
					h.Cancel(rows[i].timer)
					if rows[i].timer.WaitsFor(rows[i].at) {
						t.Fatal("a cancelled deadline waits")
					}
					rows = slices.Delete(rows, i, i+1)
				}
			case 4:
				now += time.Duration(rapid.IntRange(0, 5).Draw(t, "passes"))
				slices.SortStableFunc(rows, func(a, b row) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.n, b.n)) })
				some := false
				for len(rows) > 0 && rows[0].at <= now {
					some, want, rows = true, append(want, rows[0].n), rows[1:]
				}
				if got := h.Expire(now); got != some || !slices.Equal(fired, want) {
					t.Fatalf("at %d: %v, fired %v, expected %v", now, got, fired, want)
				}
			}
			slices.SortStableFunc(rows, func(a, b row) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.n, b.n)) })
			at, ok := h.Next()
			if ok != (len(rows) > 0) || ok && (at != rows[0].at || !rows[0].timer.WaitsFor(at)) {
				t.Fatalf("next is %d, %v with %d left", at, ok, len(rows))
			}
		}
	})
}
