package sim

import (
	"testing"

	"logd/replica"
)

// A vote is kept, whatever restarts lie between; and what is acknowledged is on disk by then.
func TestPromises(t *testing.T) {
	w, _ := toyWorld(t, 1, 1)
	o := watching{w}
	h := w.nodes[1].proc.hosts[0]
	id := uint64(2<<32 | 1)
	v := view(1, 5, false, 3, 7)
	v.Last, v.Durable, v.Applied = 7, 6, 3
	expect(t, o.turn(1, v), "")
	tell := func(want string, is replica.Promise) {
		t.Helper()
		is.From = id
		h.promised = append(h.promised, promise{v.Group, is})
		w.views.promised(h)
		got := ""
		if w.violation != nil {
			got = w.violation.Name
		}
		expect(t, got, want)
		w.violation = nil
	}
	tell("", replica.Promise{Term: 5, Index: 6})
	tell(AckedUnsynced, replica.Promise{Term: 5, Index: 7})
	tell("", replica.Promise{Term: 4, Index: 7}) // cut off since
	tell("", replica.Promise{Term: 5, Vote: 1})
	tell("", replica.Promise{Term: 5, Vote: 1})
	tell(VotedTwice, replica.Promise{Term: 5, Vote: 3})
	tell("", replica.Promise{Term: 6, Vote: 3})
	w.views.forget(w.nodes[1])
	tell(VotedTwice, replica.Promise{Term: 6, Vote: 1})
	expect(t, o.turn(1, v), TermForgotten)
}

// Within a process nothing that is decided is taken back; a restart may know less.
func TestForward(t *testing.T) {
	for what, c := range map[string]struct {
		term, commit, start uint64
		want                string
	}{
		"as it was":        {5, 3, 1, ""},
		"an earlier term":  {4, 3, 1, WentBack},
		"a lower commit":   {5, 2, 1, WentBack},
		"an earlier start": {5, 3, 0, WentBack},
	} {
		for _, restart := range []bool{false, true} {
			w, _ := toyWorld(t, 1, 1)
			o := watching{w}
			v := view(1, 5, false, 3, 7)
			v.LogStart, v.HighWatermark = 1, 2
			w.views.asked[0] = 1
			expect(t, o.turn(1, v), "")
			if restart {
				w.views.forget(w.nodes[1])
				c.want = ""
			}
			v = view(1, c.term, false, c.commit, 7)
			v.LogStart, v.HighWatermark = int64(c.start), 2
			if got := o.turn(1, v); got != c.want {
				t.Errorf("%s, restart %t: %q, expected %q", what, restart, got, c.want)
			}
		}
	}
}
