package main

import (
	"testing"

	"logd/sim"
)

// Runs that fail for the same reason have one cause; other reasons of the same check are others (C5).
func TestCause(t *testing.T) {
	for _, c := range []struct {
		what, one, other string
		same             bool
	}{
		{"numbers and partitions", "orders/0: replica 20000000c of broker 2 held index 3 durably, and comes back with 2",
			"audit/12: replica 300000001 of broker 3 held index 417 durably, and comes back with 99\nmore", true},
		{"times", "60s after the last fault:", "1m0.5s after the last fault:", true},
		{"values", "tail-behind in orders/0: read 2 had shown offset 0", "tail-behind in audit/1: read 112 had shown offset 17", true},
		{"lists", "offsets left out: [1 2 3]", "offsets left out: [7]", true},
		{"another kind of partition", "orders/0: broker 1 leads", "metadata: broker 1 leads", false},
		{"another request", "broker 1, asked for Produce of orders/0, answers NOT_LEADER", "broker 1, asked for Fetch of orders/0, answers NOT_LEADER", false},
		{"another answer", "broker 1 answers NOT_LEADER", "broker 1 answers REQUEST_TIMED_OUT", false},
		{"another witness", "in orders/0: read 2 had shown offset 0", "in orders/0: append 2 was acknowledged at offset 0", false},
	} {
		one, other := causeOf(&sim.Violation{Name: "x", Text: c.one}), causeOf(&sim.Violation{Name: "x", Text: c.other})
		if (one == other) != c.same {
			t.Errorf("%s: the causes are\n%s\n%s", c.what, one, other)
		}
	}
}
