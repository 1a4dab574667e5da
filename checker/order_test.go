package checker

import (
	"testing"

	"pgregory.net/rapid"
)

// TestOrderAgainstScan compares the tree with a scan over all offsets, growing,
// raising and lowering in any order, over several levels of summaries.
func TestOrderAgainstScan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var ops column[opTimes]
		o := order{ops: &ops}
		var c, r []int64
		size := rapid.SampledFrom([]int{1, 16, 17, 300, 5000}).Draw(t, "size")
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			if len(c) == 0 || rapid.Bool().Draw(t, "grow") {
				n := len(c) + rapid.IntRange(1, size).Draw(t, "by")
				o.grow(n)
				for len(c) < n {
					c, r = append(c, ever), append(r, never)
				}
			}
			at := rapid.IntRange(0, len(c)-1).Draw(t, "at")
			bound := int64(rapid.IntRange(0, 50).Draw(t, "bound"))
			by := int32(ops.n)
			ops.push(opTimes{call: bound, ret: bound})
			if rapid.Bool().Draw(t, "raise") {
				want := -1
				if bound > c[at] {
					c[at] = bound
					for i := len(r) - 1; i >= at; i-- {
						if r[i] < bound {
							want = i
						}
					}
				}
				if got := o.raise(at, by); got != want {
					t.Fatalf("raise(%d, %d) = %d, want %d", at, bound, got, want)
				}
				continue
			}
			want := -1
			if bound < r[at] {
				r[at] = bound
				for j := 0; j <= at; j++ {
					if c[j] > bound {
						want = j
					}
				}
			}
			if got := o.lower(at, by); got != want {
				t.Fatalf("lower(%d, %d) = %d, want %d", at, bound, got, want)
			}
		}
	})
}
