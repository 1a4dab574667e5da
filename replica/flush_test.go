package replica

import "testing"

// What isn't committed waits for a majority, not for a flush: it must not count as what the disk is behind with, or a partition without a
// majority would hold up every other one of its shard.
func TestFlushableIsCommitted(t *testing.T) {
	c := newCluster(t, 3)
	a := c.lead(1)
	a.propose(2)
	c.run()
	committed := a.g.Load().Flushable
	if committed == 0 {
		t.Fatal("a batch is committed, and none of it waits for a segment")
	}
	for i := int32(2); i <= 3; i++ {
		c.node(i).stuck = true // they take entries, and sync none
	}
	for range 5 {
		a.propose(2)
		c.run()
	}
	for i := int32(1); i <= 3; i++ {
		if n := c.node(i); n.g.Bytes() < 5*committed {
			t.Fatalf("node %d holds %d bytes, expected five batches more than %d", i, n.g.Bytes(), committed)
		} else if got := n.g.Load().Flushable; got > committed {
			t.Fatalf("node %d: %d bytes wait for a segment, but only %d are committed", i, got, committed)
		}
	}
	for i := int32(2); i <= 3; i++ {
		c.node(i).stuck = false
	}
	c.run()
	if got := a.g.Load().Flushable; got < 5*committed {
		t.Fatalf("%d bytes wait for a segment after all was committed, expected 6 batches, of which one is %d", got, committed)
	}
	if !a.g.Flush(1<<20) || a.g.Load().Flushable != 0 {
		t.Fatalf("%d bytes wait for a segment after a flush of everything began", a.g.Load().Flushable)
	}
}
