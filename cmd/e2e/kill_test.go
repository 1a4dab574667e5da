package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"syscall"
	"testing"
	"time"
)

// startOrders starts a cluster with a topic and clients at work on it.
func startOrders(t *testing.T, more ...string) (*cluster, *history, *load) {
	t.Helper()
	c := startCluster(t, more...)
	h := newHistory(c.dir, "orders")
	c.createTopic(t, h.topic, partitions)
	l := startLoad(t, c, h)
	h.progress(t, partitions)
	return c, h, l
}

// while lets the clients work for a while.
func while() { time.Sleep(time.Duration(300+rand.IntN(700)) * time.Millisecond) }

// A leader is killed while producers are at work, comes back, the next one is killed, five times: the others go on, and
// nothing acknowledged is lost, doubled or elsewhere (G1, G2, G4, G5, G9).
func TestKillLeaders(t *testing.T) {
	t.Parallel()
	c, h, l := startOrders(t)
	var last *node
	for round := range 5 {
		while()
		victim := c.chief(t, h.topic)
		if victim == last { // the next one, also where leaderships came back
			victim = c.others(last)[round%2]
		}
		h.fault(t, "kill -9", fmt.Sprint(victim.id))
		victim.kill(t)
		h.progress(t, partitions)
		h.fault(t, "restart", fmt.Sprint(victim.id))
		c.startAndServe(t, victim)
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
	c, h, l := startOrders(t, "--shards", "2")
	for range 2 {
		while()
		h.fault(t, "kill -9", "all")
		for _, n := range c.nodes {
			n.proc.signal(syscall.SIGKILL)
		}
		for _, n := range c.nodes {
			n.proc.exit(t)
		}
		h.fault(t, "restart", "all")
		c.startAndServe(t, c.nodes...)
		h.progress(t, partitions)
	}
	l.finish()
	verifyEverywhere(t, c, h)
	h.judge(t)
}

// A broker loses its directory while it is down. It rejoins by itself, under a new identity (S7), and once it has caught
// up it counts: another one goes for good, and everything acknowledged is there, and appends go on (G1, G9).
func TestWipe(t *testing.T) {
	t.Parallel()
	c, h, l := startOrders(t)
	while()
	wiped := c.chief(t, h.topic)
	h.fault(t, "kill -9", fmt.Sprint(wiped.id))
	wiped.kill(t)
	h.progress(t, partitions)
	h.fault(t, "wipe", fmt.Sprint(wiped.id))
	if err := os.RemoveAll(wiped.data); err != nil {
		t.Fatal(err)
	}
	c.startAndServe(t, wiped)
	time.Sleep(calm)
	// Only a voter that has everything can be given a leadership, so this is when it has caught up.
	h.fault(t, "hand over", fmt.Sprint(wiped.id))
	c.makeLead(t, h.topic, wiped)
	h.progress(t, partitions)
	gone, left := c.others(wiped)[0], c.others(wiped)[1]
	h.fault(t, "kill -9 for good", fmt.Sprint(gone.id))
	gone.kill(t)
	h.progress(t, partitions)
	l.finish()
	verify(t, c, h)
	// The other way round: what the one that was wiped hands over is all there as well.
	c.restart(t, wiped)
	verify(t, c, h)
	c.restart(t, left)
	verify(t, c, h)
	h.judge(t)
}
