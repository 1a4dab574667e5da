package e2e

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// verifyEverywhere reads everything with each broker as the leader of all partitions in turn.
func verifyEverywhere(t *testing.T, c *cluster, h *history) {
	t.Helper()
	for _, n := range c.nodes {
		c.makeLead(t, h.topic, n)
		verify(t, c, h)
	}
}

// calm is a time in which nothing is done to a cluster, so that a broker can catch up: some election timeouts.
const calm = 4 * time.Second

// makeLead gives a broker the leadership of every partition of a topic: the other two hand theirs over on SIGTERM, one after
// the other, and the first is back only once the second can't choose it any more. Where that fails, because the broker has
// not caught up yet, it is tried again.
func (c *cluster) makeLead(t *testing.T, topic string, n *node) {
	t.Helper()
	others := c.others(n)
	state := ""
	for try, end := 0, time.Now().Add(patience); time.Now().Before(end); try++ {
		a, b := others[try%2], others[1-try%2]
		led := func(ask *node, by func(int32) bool) bool {
			leaders, err := ask.leaders(topic)
			state = fmt.Sprint(leaders, err)
			return err == nil && !slices.ContainsFunc(leaders, func(id int32) bool { return !by(id) })
		}
		a.stop(t)
		for soon := time.Now().Add(3 * time.Second); time.Now().Before(soon); time.Sleep(look) {
			if led(b, func(id int32) bool { return id == b.id || id == n.id }) {
				b.stop(t)
				break
			}
		}
		c.startAndServe(t, a, b)
		await(t, "leader of every partition", func() (bool, string) {
			return led(n, func(id int32) bool { return id > 0 }), state
		})
		if led(n, func(id int32) bool { return id == n.id }) {
			return
		}
		t.Logf("try %d: broker %d doesn't lead everything: %s", try, n.id, state)
		time.Sleep(calm)
	}
	t.Fatalf("broker %d doesn't get the leadership of every partition when the others hand theirs over: %s", n.id, state)
}

// verify reads everything from the leaders: every acknowledged record is there once, at its acknowledged offset.
func verify(t *testing.T, c *cluster, h *history) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.addrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	r := newReader(t, c, h)
	defer r.cl.Close()
	for p := range int32(partitions) {
		end := int64(-1)
		await(t, "the end of a partition", func() (bool, string) {
			var err error
			end, err = askOffset(ctx, cl, h.topic, p)
			return err == nil, fmt.Sprint(err)
		})
		for r.next[p] < end {
			if ctx.Err() != nil {
				t.Fatalf("%s: read up to offset %d of %d in %s", h.part(p), r.next[p], end, patience)
			}
			r.poll(ctx)
		}
	}
	for p := range int32(partitions) {
		part, values, at := h.part(p), r.values[p], map[string]int{}
		if int64(len(values)) != r.next[p] {
			t.Errorf("%s: %d records up to offset %d", part, len(values), r.next[p])
		}
		for off, value := range values {
			if before, twice := at[value]; twice {
				t.Errorf("%s: %s is at offset %d and at offset %d", part, value, before, off)
			}
			at[value] = off
		}
		lost := 0
		for _, op := range h.acknowledged(part) {
			if op.Off < int64(len(values)) && values[op.Off] == op.Values[0] {
				continue
			}
			if lost++; lost <= 3 {
				t.Errorf("%s: %s was acknowledged at offset %d, where %q is", part, op.Values[0], op.Off, values[min(op.Off, int64(len(values))):min(op.Off+1, int64(len(values)))])
			}
		}
		if lost > 0 {
			t.Errorf("%s: %d acknowledged records are not where they were acknowledged", part, lost)
		}
	}
}
