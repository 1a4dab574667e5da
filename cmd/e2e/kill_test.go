package e2e

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// A leader is killed while producers are at work, comes back, the next one is killed, five times: the others go on, and
// nothing acknowledged is lost, doubled or elsewhere (G1, G2, G4, G5, G9).
func TestKillLeaders(t *testing.T) {
	t.Parallel()
	c := startCluster(t)
	h := newHistory(c.dir, "orders")
	c.createTopic(t, h.topic, partitions)
	l := startLoad(t, c, h)
	h.progress(t, partitions)
	var last *node
	for round := range 5 {
		victim := c.chief(t, h.topic)
		if victim == last {
			victim = c.others(last)[round%2] // the next one, also where leaderships came back
		}
		h.fault("kill -9", fmt.Sprint(victim.id))
		victim.kill(t)
		h.progress(t, partitions)
		h.fault("restart", fmt.Sprint(victim.id))
		c.startAndServe(t, victim)
		time.Sleep(time.Duration(rand.IntN(500)) * time.Millisecond)
		last = victim
	}
	h.progress(t, partitions)
	l.finish()
	verifyEverywhere(t, c, h)
	h.judge(t)
}

// All brokers are killed at once, twice.
func TestKillAll(t *testing.T) {
	t.Parallel()
	c := startCluster(t)
	h := newHistory(c.dir, "orders")
	c.createTopic(t, h.topic, partitions)
	l := startLoad(t, c, h)
	for range 2 {
		h.progress(t, partitions)
		h.fault("kill -9", "all")
		for _, n := range c.nodes {
			n.proc.signal(9)
		}
		for _, n := range c.nodes {
			n.proc.exit(t)
		}
		h.fault("restart", "all")
		c.startAndServe(t, c.nodes...)
	}
	h.progress(t, partitions)
	l.finish()
	verifyEverywhere(t, c, h)
	h.judge(t)
}

// logs says whether any broker has logged a text.
func (c *cluster) logs(text string) bool {
	return slices.ContainsFunc(c.nodes, func(n *node) bool { return strings.Contains(readAll(n.log), text) })
}
