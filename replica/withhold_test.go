package replica

import (
	"testing"

	pb "go.etcd.io/raft/v3/raftpb"
	"pgregory.net/rapid"
)

// empties counts the appends without entries that left since from.
func (c *cluster) empties(from int) (n int) {
	for _, m := range c.seen[from:] {
		if m.GetType() == pb.MsgApp && len(m.GetEntries()) == 0 {
			n++
		}
	}
	return n
}

// applied returns how far each node has applied.
func (c *cluster) applied() (a [3]uint64) {
	for i := range a {
		a[i] = c.node(int32(i + 1)).g.Applied()
	}
	return a
}

// What is committed followers learn from the next append, or from the next heartbeat, and nothing is sent for it (R14).
func TestCommitRides(t *testing.T) {
	c := newCluster(t, 3)
	a := c.lead(1)
	c.tick()
	sent := len(c.seen)
	first := a.propose(1)
	c.run()
	if n := c.empties(sent); n != 0 || len(c.seen)-sent != 4 {
		t.Fatalf("an append takes %d messages, %d of them without entries; expected two appends and two responses", len(c.seen)-sent, n)
	}
	if got, want := c.applied(), [3]uint64{first.Index, first.Index - 1, first.Index - 1}; got != want {
		t.Fatalf("after an append nodes have applied %d, expected %d", got, want)
	}
	a.propose(1)
	c.run()
	if got, want := c.applied(), [3]uint64{first.Index + 1, first.Index, first.Index}; got != want {
		t.Fatalf("after the next append nodes have applied %d, expected %d", got, want)
	}
	c.tick()
	if got, want := c.applied(), [3]uint64{first.Index + 1, first.Index + 1, first.Index + 1}; got != want || c.empties(sent) != 0 {
		t.Fatalf("after a heartbeat nodes have applied %d, expected %d", got, want)
	}
}

// A follower that lost an append is asked for what it has, though nothing new is committed: that append is no news (R14).
func TestProbeIsNoNews(t *testing.T) {
	c := newCluster(t, 3)
	a := c.lead(1)
	c.tick()
	c.drop = func(m *pb.Message) bool { return m.GetType() == pb.MsgApp && m.GetTo() == c.node(3).id }
	p := a.propose(1)
	c.run()
	c.drop = nil
	for range 2 {
		c.tick()
	}
	if got, want := c.applied(), [3]uint64{p.Index, p.Index, p.Index}; got != want {
		t.Fatalf("nodes have applied %d, expected %d: who lost an append never got it", got, want)
	}
}

// A follower that was away until as much was under way to it as may be gets the rest, however steadily others append: what raft sends it
// then, once per heartbeat, is an append without entries, and always says that something was committed (R14).
func TestProbeUnderLoad(t *testing.T) {
	c := newCluster(t, 3)
	a := c.lead(1)
	c.tick()
	away := c.node(3)
	c.drop = func(m *pb.Message) bool { return m.GetTo() == away.id }
	for range 12 {
		a.propose(1)
		c.run()
	}
	c.drop = nil
	for range 50 {
		a.propose(1)
		c.run()
		c.tick()
		c.flushAll()
	}
	if got := c.applied(); got[2]+2 < got[0] {
		t.Fatalf("nodes have applied %d: the third was away once", got)
	}
}

// Commands of the metadata group, and entries while the configuration changes, are known to be committed at once (R14).
func TestCommitIsToldAtOnce(t *testing.T) {
	c := newClusterIn(t, 3, t.TempDir, true)
	a := c.lead(1)
	if err := a.g.propose([]*pb.Entry{{Data: []byte("x")}}); err != nil {
		t.Fatal(err)
	}
	c.run()
	last := a.g.win.last()
	if got, want := c.applied(), [3]uint64{last, last, last}; got != want {
		t.Fatalf("metadata: nodes have applied %d, expected %d without a tick", got, want)
	}
	c = newCluster(t, 3)
	a = c.lead(1)
	c.tick()
	a.g.Reconcile([]uint64{a.id, c.node(2).id}) // the third leaves
	c.run()
	if left := c.node(2).g.Conf(); left.Has(c.node(3).id) {
		t.Fatalf("node 2 has configuration %v, expected the one without node 3 before any tick", left)
	}
}

// Whatever is lost, doubled or late: once messages arrive, two heartbeats bring every follower to the leader's commit index.
func TestCommitArrives(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		c := newClusterIn(r, 3, t.TempDir, false)
		a := c.lead(1)
		lose := rapid.IntRange(0, 60).Draw(r, "percent lost")
		c.drop = func(*pb.Message) bool { return rapid.IntRange(0, 99).Draw(r, "fate") < lose }
		for range rapid.IntRange(1, 12).Draw(r, "steps") {
			if term, leads := a.g.Leading(); leads && rapid.Bool().Draw(r, "append") {
				_, _ = a.g.Propose(term, [][]byte{testBatch(1)})
				c.run()
			} else {
				c.tick()
			}
		}
		c.drop = nil
		for range 60 { // a leader is found again, if there is none
			c.tick()
		}
		for i := int32(1); i <= 3; i++ {
			n := c.node(i)
			if term, leads := n.g.Leading(); leads {
				p, err := n.g.Propose(term, [][]byte{testBatch(1)})
				if err != nil {
					r.Fatal(err)
				}
				c.run()
				c.tick()
				c.tick()
				if got, want := c.applied(), [3]uint64{p.Index, p.Index, p.Index}; got != want {
					r.Fatalf("two heartbeats later nodes have applied %d, expected %d", got, want)
				}
				return
			}
		}
		r.Fatal("nobody leads")
	})
}
