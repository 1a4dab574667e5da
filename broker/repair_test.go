package broker

import (
	"fmt"
	"testing"

	"logd/log"
)

// What nobody gives is asked for again only after all that is behind it; what is given in parts is asked for to its end.
func TestEachHoleHasItsTurn(t *testing.T) {
	ranges := []log.Range{{From: 10, To: 20}, {From: 40, To: 50}, {From: 70, To: 80}}
	var r repairing
	var asked []int64
	ask := func(on bool) {
		at := r.nextRange(ranges, on)
		r.from, asked = at.From, append(asked, at.From)
	}
	for _, on := range []bool{false, false, true, false} {
		ask(on)
	}
	ranges[1].From = 44 // some of it came
	ask(false)
	ask(true)
	ranges = ranges[:2] // all of the last came
	ask(false)
	ask(true)
	ask(true)
	if got := fmt.Sprint(asked); got != "[10 10 40 40 44 70 10 44 10]" {
		t.Errorf("asked for %s", got)
	}
}
