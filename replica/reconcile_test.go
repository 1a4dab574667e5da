package replica

import (
	"slices"
	"testing"

	pb "go.etcd.io/raft/v3/raftpb"
)

// A leader's change of the configuration is lost with its leadership. When it leads again, it proposes it again.
func TestLostChangeIsProposedAgain(t *testing.T) {
	c := newCluster(t, 3)
	a := c.lead(1)
	want := []uint64{a.id, c.node(2).id}
	c.drop = func(m *pb.Message) bool { return m.GetFrom() == a.id || m.GetTo() == a.id }
	for range 3 { // it lies behind what the next leader appends
		a.propose(1)
		c.run()
	}
	a.g.Reconcile(want)
	c.run()
	if a.g.change <= a.g.applied {
		t.Fatal("nothing was proposed")
	}
	for i := 0; c.leading(2, 3) == nil; i++ {
		if i == 100 {
			t.Fatal("nobody else is elected")
		}
		c.tick()
	}
	c.drop = nil
	for range 3 {
		c.tick()
	}
	if a.g.change > a.g.applied {
		t.Fatalf("a change at index %d is on its way, but it was overwritten", a.g.change)
	}
	b := c.leading(2, 3)
	b.g.rn.TransferLeader(a.id)
	c.run()
	if !a.g.Serving() {
		t.Fatal("the first one doesn't lead again")
	}
	a.g.Reconcile(want)
	c.tick()
	if conf := a.g.Conf(); conf.Has(c.node(3).id) {
		t.Fatalf("configuration %+v, expected %x", conf, want)
	}
}

// raft proposes the end of a joint configuration when it applies it, or what follows it. While leadership is being handed over that
// is dropped, and where nothing follows it would last for ever: two majorities would be needed, one of them of replicas that are gone.
func TestJointIsLeftAfterAHandover(t *testing.T) {
	c := newCluster(t, 3)
	a := c.lead(1)
	want := []uint64{a.id}
	c.drop = func(m *pb.Message) bool { return m.GetType() == pb.MsgAppResp || m.GetType() == pb.MsgTimeoutNow }
	a.g.Reconcile(want)
	c.run()
	if a.g.HandOver(0) == 0 {
		t.Fatal("there is nobody to hand over to")
	}
	c.drop = func(m *pb.Message) bool { return m.GetType() == pb.MsgTimeoutNow }
	for range 2 {
		c.tick()
	}
	if !a.g.Conf().Joint {
		t.Fatalf("configuration %+v, expected a joint one", a.g.Conf())
	}
	for range 20 { // whoever was to take over doesn't
		c.tick()
		a.g.Reconcile(want)
	}
	c.run()
	if conf := a.g.Conf(); conf.Joint || len(conf.Voters) != 1 {
		t.Fatalf("configuration %+v, expected %x alone", conf, want)
	}
}

// A learner that doesn't come keeps no other one from being promoted, and its own broker's voter in place: with two of five brokers
// replaced, one of which is gone again, the other three and the new one would be a voter short for as long.
func TestNobodyWaitsForAnothersLearner(t *testing.T) {
	c := newCluster(t, 5)
	a := c.lead(1)
	ids := func(brokers ...int32) (ids []uint64) {
		for _, b := range brokers {
			ids = append(ids, c.node(b).id)
		}
		return ids
	}
	to := func(want []uint64) Conf {
		for range 8 {
			c.tick()
			a.g.Reconcile(want)
			c.run()
		}
		return a.g.Conf()
	}
	if conf := to(ids(1, 2, 3)); len(conf.Voters) != 3 || conf.Joint {
		t.Fatalf("configuration %+v, expected three voters", conf)
	}
	gone := ID(2, 99) // broker 2's new replica
	c.drop = func(m *pb.Message) bool { return m.GetTo() == gone }
	want := append(ids(1, 4, 5), gone)
	conf := to(want)
	if got, expected := conf.Voters, ids(1, 2, 4, 5); !slices.Equal(got, expected) {
		t.Fatalf("voters %x, expected %x: 4 and 5 have caught up, and 2 stays until its successor has", got, expected)
	}
	if got := conf.Learners; !slices.Equal(got, []uint64{gone}) {
		t.Fatalf("learners %x, expected %x", got, gone)
	}
}

// A learner whose answers always come a little after those that commit, while others append, is promoted all the same.
func TestSlowLearnerIsPromoted(t *testing.T) {
	c := newCluster(t, 3)
	a, slow := c.lead(1), c.node(3)
	want := []uint64{a.id, c.node(2).id}
	for range 4 {
		a.g.Reconcile(want)
		c.run()
		c.tick()
	}
	want = append(want, slow.id)
	var late, now []*pb.Message
	var under [][]*pb.Message // by tick, for nearly an election timeout
	c.drop = func(m *pb.Message) bool {
		held := m.GetFrom() == slow.id && m.GetType() == pb.MsgAppResp && !slices.Contains(late, m)
		if held {
			now = append(now, m)
		}
		return held
	}
	for range 20 {
		late = nil
		if under, now = append(under, now), nil; len(under) > 8 {
			late, under = under[0], under[1:]
		}
		a.propose(1)
		c.run()
		c.queue = append(c.queue, late...) // its answers to what was appended then
		c.run()
		a.g.Reconcile(want)
		c.run()
		c.tick()
		c.flushAll()
	}
	if conf := a.g.Conf(); !slices.Contains(conf.Voters, slow.id) {
		t.Fatalf("configuration %+v after 20 appends, expected %x among the voters", conf, slow.id)
	}
}
