package replica

import (
	"errors"
	"slices"
	"testing"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
)

// The facts of raft that the rules of safety.md rest on, shown on our own replica: a raft version that changes one of them
// fails here.

// S1: raft does not hold MsgVote back behind the write of its term, so we do; a node whose disk hangs asks for no vote, and
// can't lead on the votes of others alone.
func TestVoteRequestWaitsForItsTerm(t *testing.T) {
	c := newCluster(t, 3)
	a := c.node(1)
	c.run()
	a.g.Campaign()
	c.queue = append(c.queue, a.turn()...) // the pre-vote of itself goes through the disk
	a.stuck = true
	c.run()
	if slices.ContainsFunc(c.seen, func(m *pb.Message) bool { return m.GetType() == pb.MsgVote }) {
		t.Fatal("invariant R1: a vote request left before its term was durable")
	}
	if _, leads := a.g.Leading(); leads {
		t.Fatal("a node leads whose own vote is not durable")
	}
	if !slices.ContainsFunc(a.g.held, func(h held) bool { return h.m.GetType() == pb.MsgVote }) {
		t.Fatal("raft no longer emits MsgVote before the write of its term: R1's hold has nothing to do")
	}
	a.stuck = false
	c.run()
	if _, leads := a.g.Leading(); !leads {
		t.Fatal("no leader once the disk goes on")
	}
}

// S2: a Ready without entries can carry responses while entries are in flight; they leave only after those are durable.
func TestResponsesFollowEarlierWrites(t *testing.T) {
	c := newCluster(t, 3)
	a, b := c.lead(1), c.node(2)
	b.stuck = true
	c.seen = nil
	a.propose(3)
	c.run()
	for range 3 {
		c.tick() // heartbeats carry the commit index to b: commit-only Readys there
	}
	for _, m := range c.seen {
		if m.GetFrom() == b.id && m.GetType() == pb.MsgAppResp && !m.GetReject() && m.GetIndex() > b.g.stable {
			t.Fatalf("invariant R2: a response for index %d left, durable is %d", m.GetIndex(), b.g.stable)
		}
	}
	if len(b.g.held) < 2 {
		t.Fatalf("%d responses wait at the stuck follower, expected that of the entry and later ones", len(b.g.held))
	}
	b.stuck = false
	c.run()
	if b.g.stable != a.g.win.last() {
		t.Fatalf("follower is durable up to %d, leader's log ends at %d", b.g.stable, a.g.win.last())
	}
}

// S5: raft panics when a leader's commit is beyond the log of a replica that had acknowledged it: a log must never come
// back shorter than it was.
func TestRaftPanicsOnAShortLog(t *testing.T) {
	c := newCluster(t, 3)
	a, b := c.lead(1), c.node(2)
	for range 5 {
		a.propose(1)
		c.run()
	}
	b.g.win.truncate(b.g.win.last()) // as if recovery had cut an acknowledged entry
	g := &Group{cfg: b.g.cfg, store: b.store, snaps: map[uint64]*offer{}, applied: 1, win: b.g.win, confs: b.g.confs}
	g.win.hard = &pb.HardState{Term: new(b.g.term), Vote: new(uint64(0)), Commit: new(uint64(1))}
	rn, err := raft.NewRawNode(g.raftConfig())
	if err != nil {
		t.Fatal(err)
	}
	mustPanic(t, "commit beyond the log", func() {
		_ = rn.Step(&pb.Message{Type: pb.MsgHeartbeat.Enum(), From: new(a.id), To: new(b.id), Term: new(a.g.term), Commit: new(a.g.commit)})
	})
}

// S10: raft panics when applied is beyond commit; recovery therefore starts at max(commit, mark).
func TestAppliedBeyondCommit(t *testing.T) {
	c := newCluster(t, 3)
	a := c.lead(1)
	a.propose(1)
	c.run()
	w := a.g.win
	w.hard = &pb.HardState{Term: new(a.g.term), Vote: new(uint64(0)), Commit: new(uint64(1))}
	cfg := a.g.raftConfig()
	cfg.Applied = 2
	mustPanic(t, "applied beyond commit", func() { _, _ = raft.NewRawNode(cfg) })
}

// S11: entries that were not applied must not leave memory.
func TestEvictionStopsAtApplied(t *testing.T) {
	c := newCluster(t, 3)
	a := c.lead(1)
	a.propose(1)
	c.run()
	a.g.Evict(0)
	if a.g.win.index != 1 {
		t.Fatalf("evicted up to %d, nothing is in a segment", a.g.win.index)
	}
	a.g.Flush(1 << 20)
	c.run()
	a.stuck = true
	a.propose(1)
	a.g.Collect(&Out{})
	a.g.Evict(0)
	if a.g.win.index > a.g.applied || a.g.win.last() != a.g.applied+1 {
		t.Fatalf("invariant R3: window begins after %d, applied is %d", a.g.win.index, a.g.applied)
	}
}

// S11: raft keeps a follower whose MsgSnap was lost in its snapshot state for ever; each MsgSnap therefore has a deadline.
func TestLostSnapshotEnds(t *testing.T) {
	c := newCluster(t, 3)
	a := c.lead(1)
	lost := c.node(3)
	c.drop = func(m *pb.Message) bool { return m.GetTo() == lost.id || m.GetFrom() == lost.id }
	for range 5 {
		a.propose(2)
		c.run()
	}
	a.g.Flush(1 << 20)
	c.run()
	a.g.Evict(0)
	snaps := 0
	c.drop = func(m *pb.Message) bool {
		if m.GetType() == pb.MsgSnap {
			snaps++
		}
		return m.GetType() == pb.MsgSnap && snaps == 1
	}
	for range 10 {
		c.tick()
	}
	if snaps != 1 {
		t.Fatalf("%d MsgSnaps sent, expected one that is waited for", snaps)
	}
	for range 40 {
		c.tick()
	}
	if snaps < 2 {
		t.Fatal("invariant R9: the lost MsgSnap never ended")
	}
	w, ok := lost.g.Want()
	if !ok || w.From != 0 || w.To != a.g.HighWatermark() {
		t.Fatalf("the follower wants %+v (%t), expected offsets 0 to %d", w, ok, a.g.HighWatermark())
	}
	c.transfer(a, lost)
	if lost.g.applied != a.g.applied || lost.g.HighWatermark() != a.g.HighWatermark() {
		t.Fatalf("after the transfer: applied %d of %d, high watermark %d of %d", lost.g.applied, a.g.applied, lost.g.HighWatermark(), a.g.HighWatermark())
	}
	a.propose(1)
	c.run()
	if lost.g.stable != a.g.win.last() {
		t.Fatal("the follower does not follow after its snapshot")
	}
}

// transfer carries ranges from a leader's segments to a follower until it wants no more.
func (c *cluster) transfer(from, to *node) {
	c.t.Helper()
	for range 100 {
		w, ok := to.g.Want()
		if !ok {
			break
		}
		h, ok := from.g.RangeAt(to.id, w.From)
		if !ok {
			c.t.Fatalf("no answer from offset %d on", w.From)
		}
		batches, mem := from.g.Batches(h.From, 200)
		if !mem {
			rd, found := from.store.Find(testGroup, h.From, 300)
			if !found {
				c.t.Fatalf("offset %d is nowhere", h.From)
			}
			batches = [][]byte{cut(c.t, from.lanes[1].Read(rd).Data, h.From)}
		}
		if err := to.g.Range(join(AppendRange(nil, h, batches))); err != nil {
			c.t.Fatal(err)
		}
		c.run()
	}
	c.tick()
}

// S12: a leader whose disk hangs goes on heartbeating, keeps its followers, and acknowledges nothing: the shard has to
// step aside for it.
func TestStuckLeaderStaysLeader(t *testing.T) {
	c := newCluster(t, 3)
	a := c.lead(1)
	a.stuck = true
	before := a.g.applied
	c.drop = func(m *pb.Message) bool { return m.GetType() == pb.MsgAppResp && m.GetFrom() == c.node(3).id }
	a.propose(1)
	for range 100 {
		c.tick()
	}
	if _, leads := a.g.Leading(); !leads {
		t.Fatal("raft deposes a stuck leader by itself now: S12's rule has nothing to do")
	}
	if a.g.applied != before {
		t.Fatal("applied without a majority's syncs")
	}
}

// S9: a proposal that is refused moves nothing; one at a wrong term is refused.
func TestRefusedProposalMovesNothing(t *testing.T) {
	c := newCluster(t, 3)
	a := c.lead(1)
	end := a.g.win.logEnd()
	if _, err := a.g.Propose(a.g.term-1, [][]byte{testBatch(1)}); !errors.Is(err, ErrNotLeader) {
		t.Fatalf("proposal in a term that is over: %v", err)
	}
	c.drop = func(m *pb.Message) bool { return true }
	var err error
	for range 1 << 14 { // until the uncommitted limit
		if _, err = a.g.Propose(a.g.term, [][]byte{testBatch(1)}); err != nil {
			break
		}
		end++
		a.turn()
	}
	if !errors.Is(err, ErrDropped) {
		t.Fatalf("no end of uncommitted entries: %v", err)
	}
	if a.g.win.logEnd() != end {
		t.Fatalf("log end is %d after a refused proposal, expected %d", a.g.win.logEnd(), end)
	}
}

// R4: a batch with a wrong base offset never reaches raft.
func TestWrongStampIsDropped(t *testing.T) {
	c := newCluster(t, 3)
	a, b := c.lead(1), c.node(2)
	c.tamper = func(m *pb.Message) {
		for _, e := range m.GetEntries() {
			if m.GetTo() == b.id && isBatch(e) {
				e.Data[7] = 9 // base offset
			}
		}
	}
	a.propose(1)
	c.run()
	if b.g.win.logEnd() != 0 {
		t.Fatal("invariant R4: a batch with a wrong base offset was taken")
	}
	if a.g.HighWatermark() != 1 {
		t.Fatal("the others did not commit it")
	}
}

func mustPanic(t *testing.T, what string, f func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Fatalf("raft no longer panics: %s", what)
		}
	}()
	f()
}
