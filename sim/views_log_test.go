package sim

import "testing"

// Logs that end with the same entry have the same hash up to it, uncommitted or not; logs that end elsewhere may differ.
func TestLogMatching(t *testing.T) {
	w, _ := toyWorld(t, 1, 1)
	o := watching{w}
	at := func(node int, last, term, hash uint64) string {
		v := view(node, 7, false, 0, last)
		v.Last, v.LastTerm, v.LastHash = last, term, hash
		return o.turn(node, v)
	}
	expect(t, at(0, 5, 3, 111), "")
	expect(t, at(1, 5, 4, 222), "") // another entry
	expect(t, at(2, 5, 3, 111), "")
	expect(t, at(1, 5, 3, 112), LogsDiffer)
	for last := uint64(6); last < 6+2*tailsKept; last++ {
		expect(t, at(0, last, 3, last), "")
	}
	if g := w.views.find(2); len(g.tails) > tailsKept || len(g.tailsIn) > tailsKept {
		t.Fatalf("%d hashes are kept", len(g.tails))
	}
}

// A leader has every index that somebody knew to be committed, whatever offsets say.
func TestLeaderCompleteness(t *testing.T) {
	w, _ := toyWorld(t, 1, 1)
	o := watching{w}
	v := view(1, 5, false, 7, 7)
	v.Last = 7
	expect(t, o.turn(1, v), "")
	v = view(2, 6, true, 6, 6)
	v.Last, v.LogEnd, v.HighWatermark = 6, 7, 6
	expect(t, o.turn(2, v), CommitLost)
}

// What comes back is what was there: no more entries, and no earlier term than one that it led in.
func TestRemembers(t *testing.T) {
	for what, c := range map[string]struct {
		last, term uint64
		id         uint64
		want       string
	}{
		"the same":           {7, 5, 1, ""},
		"less":               {6, 6, 1, ""},
		"more":               {8, 5, 1, RecoveredMore},
		"an earlier term":    {7, 4, 1, TermForgotten},
		"another replica's":  {9, 1, 2, ""},
		"and nothing at all": {0, 5, 1, ""},
	} {
		w, _ := toyWorld(t, 1, 1)
		o := watching{w}
		v := view(1, 5, true, 0, 7)
		v.Last = 7
		expect(t, o.turn(1, v), "")
		w.views.forget(w.nodes[1])
		v = view(1, c.term, false, 0, c.last)
		v.Last, v.Replica = c.last, 2<<32|c.id
		if got := o.turn(1, v); got != c.want {
			t.Errorf("%s: violation %q, expected %q", what, got, c.want)
		}
	}
}
