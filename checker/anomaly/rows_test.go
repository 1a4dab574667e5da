package anomaly

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"logd/checker"
)

// TestRanks: a rank is the number of known offsets below, with gaps and without (B4).
func TestRanks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := newLog("p")
		off := rapid.Int64Range(0, 100).Draw(t, "first")
		gap := rapid.SampledFrom([]int64{1, 2, 4, 40}).Draw(t, "gap")
		for range rapid.IntRange(0, 200).Draw(t, "offsets") {
			l.offs = append(l.offs, off)
			off += rapid.Int64Range(1, gap).Draw(t, "step")
		}
		l.rankTable()
		for at := range off + 10 {
			want, _ := slices.BinarySearch(l.offs, at)
			if got := l.rank(at); got != int32(want) {
				t.Fatalf("rank %d is %d, want %d of %v", at, got, want, l.offs)
			}
		}
	})
}

// TestNumbers: rows are sorted, and numbered, the same whatever their order was (B1), and
// keep their values.
func TestNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var ops []checker.Op
		for i := range rapid.IntRange(1, 30).Draw(t, "operations") {
			op := checker.Op{ID: int64(i), Kind: checker.Append, Partition: rapid.SampledFrom([]string{"p", "q"}).Draw(t, "part"), Outcome: checker.OK,
				Call: rapid.Int64Range(0, 5).Draw(t, "call"), Values: []string{string(rune('a' + i))}}
			op.Ret = op.Call + rapid.Int64Range(0, 5).Draw(t, "took")
			if i%3 == 2 {
				op.Kind, op.Values = checker.Read, []string{string(rune('a' + i - 1)), "?"}
			}
			ops = append(ops, op)
		}
		texts := func(ops []checker.Op) (out []string) {
			h := rowsOf(checker.History{Ops: ops})
			h.sort()
			h.number()
			for i := range h.rows {
				r := &h.rows[i]
				if i > 0 && h.rows[i-1].call > r.call {
					t.Fatalf("call %d before %d", h.rows[i-1].call, r.call)
				}
				for k, v := range h.vals(r) {
					l := h.logs[r.log]
					if l.values[v].name != ops[slices.IndexFunc(ops, func(op checker.Op) bool { return op.ID == r.id })].Values[k] {
						t.Fatalf("operation %d has %q", r.id, l.values[v].name)
					}
					out = append(out, l.name+l.values[v].name+string(rune('0'+v)))
				}
			}
			return out
		}
		want := texts(ops)
		shuffled := rapid.Permutation(ops).Draw(t, "order")
		if got := texts(shuffled); !slices.Equal(want, got) {
			t.Fatalf("%v in one order, %v in another", want, got)
		}
	})
}

// TestStored: an edge of values is kept in 8 bytes, and comes back.
func TestStored(t *testing.T) {
	for _, kind := range storedKinds {
		e := edge{1<<29 - 1, 7, kind}
		if got := e.store().edge(); got != e {
			t.Errorf("%+v came back as %+v", e, got)
		}
	}
}
