package replica

import (
	"testing"

	pb "go.etcd.io/raft/v3/raftpb"
)

// tickOnly ticks some nodes and lets the messages run.
func (c *cluster) tickOnly(nodes ...int32) {
	for _, i := range nodes {
		c.node(i).g.Tick()
	}
	c.run()
}

// leading returns the node that leads, nil if none does.
func (c *cluster) leading(nodes ...int32) *node {
	for _, i := range nodes {
		if c.node(i).g.Serving() {
			return c.node(i)
		}
	}
	return nil
}

// S12, R13: a follower that doesn't tick ignores pre-votes for ever once its leader is gone, because raft counts the lease in
// its own ticks. With one of three replicas gone, such a one leaves the group without a leader for good.
//
//	1 leads, dies     2 stands ──pre-vote──► 3, which doesn't tick: "lease is not expired", for ever
func TestFollowerWithoutTicksBlocksElections(t *testing.T) {
	for _, ticks := range []bool{false, true} {
		c := newCluster(t, 3)
		c.lead(1)
		c.tick()
		c.node(3).g.Hurt(true)
		c.cutOff(1)
		for range 200 {
			if ticks {
				c.tickOnly(2, 3)
			} else {
				c.tickOnly(2)
			}
		}
		if leads := c.leading(2) != nil; leads != ticks {
			t.Fatalf("ticking: %t; a new leader: %t", ticks, leads)
		}
	}
}

// R13: a hurt replica ticks and votes, and never asks for a vote nor takes a leadership over.
func TestHurtReplicaNeverStands(t *testing.T) {
	c := newCluster(t, 3)
	a, hurt := c.lead(1), c.node(3)
	a.propose(1)
	c.run()
	hurt.g.Hurt(true)
	a.g.rn.TransferLeader(hurt.id)
	c.run()
	hurt.g.Campaign()
	if hurt.g.term != a.g.term || c.leading(1) == nil {
		t.Fatal("invariant R13: a hurt replica took the leadership that it was asked to")
	}
	c.cutOff(1)
	c.seen = nil
	for range 200 {
		c.tickOnly(3) // the other one stands for nothing yet
	}
	for _, m := range c.seen {
		if m.GetFrom() == hurt.id && (m.GetType() == pb.MsgVote || m.GetType() == pb.MsgPreVote) {
			t.Fatalf("invariant R13: a hurt replica sent %s", m.GetType())
		}
	}
	for range 100 {
		c.tickOnly(2, 3)
	}
	if c.leading(2) == nil {
		t.Fatal("the sound one was not elected with the hurt one's vote")
	}
	hurt.g.Hurt(false)
	c.cutOff(2)
	for range 300 {
		c.tick()
	}
	if c.leading(1, 3) == nil {
		t.Fatal("no leader among the others once it is whole")
	}
}

// R13: a vote request that waits for its term to be durable isn't sent either, once the replica is hurt.
func TestHurtWhileStanding(t *testing.T) {
	c := newCluster(t, 3)
	a := c.node(1)
	c.run()
	a.g.Campaign()
	c.queue = append(c.queue, a.turn()...)
	a.stuck = true
	c.run()
	a.g.Hurt(true)
	a.stuck = false
	c.seen = nil
	c.run()
	for _, m := range c.seen {
		if m.GetFrom() == a.id && m.GetType() == pb.MsgVote {
			t.Fatal("invariant R13: a hurt replica asked for a vote")
		}
	}
}

// R13: a leader that gets hurt hands over; its clock goes on, so nothing stalls while no one can take it.
func TestHurtLeaderHandsOver(t *testing.T) {
	c := newCluster(t, 3)
	a := c.lead(1)
	a.propose(1)
	c.run()
	c.node(2).g.Hurt(true) // the first that would be asked
	a.g.Hurt(true)
	for range 10 {
		c.tick()
	}
	if c.leading(3) == nil {
		t.Fatal("the sound replica doesn't lead")
	}
	if _, leads := a.g.Leading(); leads {
		t.Fatal("it leads still")
	}
}

// R13: the only voter would be elected by its own vote, so it does not tick at all while it is hurt.
func TestOnlyVoterDoesNotStandWhileHurt(t *testing.T) {
	c := newCluster(t, 1)
	a := c.node(1)
	a.g.Hurt(true)
	a.g.Campaign()
	for range 100 {
		c.tick()
	}
	if _, leads := a.g.Leading(); leads {
		t.Fatal("invariant R13: a hurt replica elected itself")
	}
	a.g.Hurt(false)
	for range 100 {
		c.tick()
	}
	if !a.g.Serving() {
		t.Fatal("it doesn't lead once it is whole")
	}
}

// R13: a hurt leader that hears nobody can't hand over. Its attempts don't keep it from finding that it has no quorum: another is elected.
func TestHurtLeaderThatHearsNobodyStepsDown(t *testing.T) {
	c := newCluster(t, 3)
	a := c.lead(1)
	c.drop = func(m *pb.Message) bool { return m.GetTo() == a.id }
	a.propose(1) // nobody is known to have all that it has
	c.run()
	a.g.Hurt(true)
	for range 60 {
		c.tick()
	}
	if _, leads := a.g.Leading(); leads || c.leading(2) == nil && c.leading(3) == nil {
		t.Fatalf("the hurt one leads: %t; the sound ones: %t and %t", leads, c.leading(2) != nil, c.leading(3) != nil)
	}
}
