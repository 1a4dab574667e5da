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
