package log

import "testing"

// TestForget: a tombstone goes once it is wanted no more and nothing of its group's files can come back, also where a removal finds no
// room; the state at a file's head is then as if the group had never been.
func TestForget(t *testing.T) {
	for full := -1; full < 3; full++ {
		for _, early := range []bool{true, false} {
			r, b := spaceRig(t)
			before := r.s.state
			r.s.Create(3, []byte("three"), Mark{})
			r.s.Transfer(3, b[:2])
			r.idle(t)
			r.s.Drop(3)
			if early {
				r.s.Forget(3)
			}
			for r.step(t, LaneWAL) {
			}
			if r.s.groups[3] == nil {
				t.Fatalf("full %d: the tombstone goes before the files", full)
			}
			if full >= 0 {
				p, _ := r.s.Plan(LaneFill)
				if len(p.Ops) != 3 { // a file, the directory, the names
					t.Fatalf("removal: %v", lines(p.Ops))
				}
				r.runFull(t, p, full)
				r.s.Retry()
			}
			r.idle(t)
			if !early {
				if r.s.groups[3] == nil {
					t.Fatal("the tombstone goes by itself")
				}
				r.s.Forget(3)
			}
			if r.s.groups[3] != nil || len(r.s.ids) != 2 || r.s.state != before {
				t.Fatalf("full %d, early %t: groups %v, state %+v, before %+v", full, early, r.s.ids, r.s.state, before)
			}
			for i := 0; r.s.ring.lap < 4; i++ { // around the ring
				r.s.SetState(1, State{Term: uint64(i + 1)})
				r.idle(t)
			}
			r.open(t)
			if len(r.rec.Groups) != 2 {
				t.Fatalf("full %d, early %t: recovered\n%s", full, early, r.rec.show())
			}
		}
	}
}

// A start finds a tombstone again while the WAL has it.
func TestForgetAgain(t *testing.T) {
	r, _ := spaceRig(t)
	r.s.Drop(2)
	r.s.Forget(2)
	r.idle(t)
	r.open(t)
	if len(r.rec.Groups) != 2 || !r.rec.Groups[1].Dropped {
		t.Fatalf("recovered\n%s", r.rec.show())
	}
	r.s.Forget(2)
	if r.s.groups[2] != nil {
		t.Fatal("the tombstone stays")
	}
	defer func() {
		if recover() == nil {
			t.Fatal("a group that was not dropped is forgotten")
		}
	}()
	r.s.Forget(1)
}
