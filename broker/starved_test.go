package broker

import (
	"slices"
	"testing"
)

// TestStarvedOnce: a partition whose batches find no room is listed once, however often it is looked at; and again once there was room.
func TestStarvedOnce(t *testing.T) {
	l := startLone(t)
	p, q := l.create("first"), l.create("second")
	l.s.uncommitted, l.s.roomWAL = 90, 100
	p.queue = []*proposal{{data: make([]byte, 20)}}
	q.pending = []*proposal{{data: make([]byte, 5)}, {data: make([]byte, 5)}}
	for range 3 {
		l.s.fit(p)
	}
	if !slices.Equal(l.s.starved, []uint64{p.group}) {
		t.Errorf("looked at three times: groups %v wait for room, expected [%d]", l.s.starved, p.group)
	}
	if l.s.pop(q); len(l.s.starved) != 0 || !p.dirty {
		t.Errorf("there is room: groups %v wait for it, to be collected %t", l.s.starved, p.dirty)
	}
	if l.s.fit(p); !slices.Equal(l.s.starved, []uint64{p.group}) {
		t.Errorf("too little room: groups %v wait for it, expected [%d]", l.s.starved, p.group)
	}
}
