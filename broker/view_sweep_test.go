package broker

import (
	"testing"
	"time"
)

// Who leads a partition that is gone, and which topics were asked for once, isn't remembered for ever.
func TestViewForgetsWhatIsGone(t *testing.T) {
	l := startLone(t)
	p := l.create("a")
	for group := uint64(1000); group < 1100; group++ {
		l.s.learn([]lead{{group, 3, 2}})
	}
	for _, name := range []string{"x", "y"} {
		l.s.creating[name] = l.now.Mono + time.Second
	}
	for range sweepTicks + 20 {
		l.tick()
	}
	if _, _, ok := l.s.view.leaderOf(p.group); !ok || len(l.s.view.leads) != 2 {
		t.Errorf("%d groups are remembered to be led, expected the metadata's and a's: %v", len(l.s.view.leads), l.s.view.leads)
	}
	if len(l.s.creating) > 0 {
		t.Errorf("%v are being created still", l.s.creating)
	}
}
