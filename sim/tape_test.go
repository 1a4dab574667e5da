package sim

import (
	"runtime"
	"strings"
	"testing"
	"time"
)

// A run is a function of its seed, however many threads the process has (W1). With -race too: .ci/run compares the two builds.
func TestThreadsChangeNothing(t *testing.T) {
	before := runtime.GOMAXPROCS(1)
	defer runtime.GOMAXPROCS(before)
	one := Run(Draw(11, 20*time.Second), Env{})
	runtime.GOMAXPROCS(4)
	if four := Run(Draw(11, 20*time.Second), Env{}); one.Hash != four.Hash || one.Events != four.Events {
		t.Errorf("trace hash %016x after %d events on one thread, %016x after %d on four", one.Hash, one.Events, four.Hash, four.Events)
	}
}

// Two runs are told apart at the very event in which they differ: here, the end of the storm.
func TestTapeFindsTheFirstDifference(t *testing.T) {
	short, long := Draw(12, 4*time.Second), Draw(12, 5*time.Second)
	one := &tape{}
	ended := Run(short, Env{Trace: one, tape: one})
	two := &tape{first: one}
	Run(long, Env{Trace: two, tape: two})
	if !two.differs {
		t.Fatalf("%d events, and none differs", two.seen)
	}
	first := one.event(two.seen)
	if !strings.Contains(first, ", phase, ") || !strings.Contains(first, "phase    calm") {
		t.Errorf("the first event that differs is said to be number %d: %s\nand then: %s", two.seen, first, two.event(two.seen))
	}
	if uint64(one.seen) != ended.Events || len(two.events) != 1 {
		t.Errorf("the first run has %d of %d events on its tape, the second keeps %d", one.seen, ended.Events, len(two.events))
	}
	same := &tape{first: one}
	if Run(short, Env{Trace: same, tape: same}); same.differs || same.seen != one.seen {
		t.Errorf("equal runs differ at event %d of %d: %t", same.seen, one.seen, same.differs)
	}
}
