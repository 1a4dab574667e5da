package broker

import "testing"

// TestDroppedIsShown: what a turn drops is shown once more, with all that it may have acknowledged in that turn.
func TestDroppedIsShown(t *testing.T) {
	l := startLone(t)
	p := l.create("short")
	l.produce("short", testRecord{value: "a"}, testRecord{value: "b"})
	l.s.InspectChanged(func(*GroupView) {})
	l.s.out = &Output{}
	l.s.drop(p)
	shown := 0
	look := func(v *GroupView) {
		if v.Group != p.group {
			return
		}
		if shown++; !v.Gone || v.HighWatermark != 2 || v.Durable == 0 {
			t.Errorf("gone %t, high watermark %d, durable to %d", v.Gone, v.HighWatermark, v.Durable)
		}
	}
	l.s.InspectChanged(look)
	l.s.InspectChanged(look)
	if shown != 1 {
		t.Errorf("shown %d times, expected once", shown)
	}
	l.s.drop(l.create("unseen"))
	l.turn()
	l.s.InspectChanged(func(v *GroupView) {
		if v.Gone {
			t.Errorf("group %d was dropped a turn ago", v.Group)
		}
	})
}
