package broker

import (
	"strings"
	"testing"
	"time"
)

// A process that stood still in the midst of a write goes on, however long that was: its disk may have been done long ago. A
// write that is out while the process runs ends it (S12).
func TestHungDisk(t *testing.T) {
	l := startLone(t)
	l.create("t")
	l.produce("t", stamped(l.now.Wall), stamped(l.now.Wall))
	l.hold = true
	l.send(deleteRequest("t", 1))
	if len(l.held) == 0 {
		t.Fatal("no write is out")
	}
	l.pass(time.Hour) // fails the test if it halts
	held := l.held
	l.hold, l.held = false, nil
	l.turn(held...)
	l.received(deleteRequest("t", 1)) // its answer, whatever it is after an hour
	l.produce("t", stamped(l.now.Wall))

	l.hold = true
	l.send(deleteRequest("t", 2))
	var out Output
	for range 10 * l.s.cfg.Limits.ElectionTicks * l.s.cfg.Limits.StallElections {
		l.now.Mono += l.s.cfg.Limits.Tick
		out = Output{}
		if l.s.Step(l.now, nil, &out); out.Halt != "" {
			break
		}
	}
	if !strings.Contains(out.Halt, "the disk hangs") {
		t.Errorf("a write that never ends: %q", out.Halt)
	}
}

// While the disk is behind with segments, a partition may propose one batch at a time, and only if it isn't behind with that one's: so those
// that other brokers lead, and write to all the time, don't keep it from being appended to (G9).
func TestBehindWithOthers(t *testing.T) {
	l := startLone(t)
	p := l.create("t")
	p.queue = []*proposal{{data: make([]byte, 10)}, {data: make([]byte, 10)}}
	for _, c := range []struct {
		full      bool
		flushable int
		proposed  int
		want      int
	}{{false, 0, 0, 2}, {false, 5, 5, 2}, {true, 0, 0, 1}, {true, 5, 0, 0}, {true, 0, 5, 0}} {
		l.s.full, p.load.Flushable, p.bytes = c.full, c.flushable, c.proposed
		if n := l.s.fit(p); n != c.want {
			t.Errorf("%+v: %d may be proposed", c, n)
		}
	}
	p.queue, p.bytes, l.s.full = nil, 0, false
}
