package replica

import (
	"bytes"
	"errors"
	"testing"

	pb "go.etcd.io/raft/v3/raftpb"

	"logd/log"
)

// S5a: replicas with holes.

// rot damages the bytes of entries on a node's disk, wherever in the WAL they are, and starts the node from it.
func (n *node) rot(indexes ...uint64) {
	n.t.Helper()
	n.store.Seal()
	n.turn()
	for _, i := range indexes {
		n.spoil(n.g.win.at(i).e.Data)
	}
	n.reopen()
	need, _ := n.g.Missing()
	if len(need.Holes) != len(indexes) {
		n.t.Fatalf("%d holes, expected those at %v", len(need.Holes), indexes)
	}
	for k, i := range indexes {
		if need.Holes[k].Index != i {
			n.t.Fatalf("a hole at %d, expected at %d", need.Holes[k].Index, i)
		}
	}
}

// spoil flips a bit of every copy of an entry's bytes in the WAL. Of a large entry only sectors are hit that hold nothing else.
func (n *node) spoil(data []byte) {
	n.t.Helper()
	keys := [][]byte{data[:min(len(data), 16)]}
	if len(data) >= manySectors { // one of them doesn't lie across sectors
		keys = [][]byte{data[600:616], data[640:656]}
	}
	names, err := n.fs.List("wal")
	if err != nil {
		n.t.Fatal(err)
	}
	found := false
	for _, name := range names {
		f, err := n.fs.Open("wal/" + name)
		if err != nil {
			n.t.Fatal(err)
		}
		size, _ := f.Size()
		all := make([]byte, size)
		if _, err := f.ReadAt(all, 0); err != nil {
			n.t.Fatal(err)
		}
		for _, key := range keys {
			for at := bytes.Index(all, key); at >= 0; at = bytes.Index(all, key) {
				all[at] ^= 0x10
				if _, err := f.WriteAt(all[at:at+1], int64(at)); err != nil {
					n.t.Fatal(err)
				}
				found = true
			}
		}
		_ = f.Close()
	}
	if !found {
		n.t.Fatalf("the entry's bytes %x are in no WAL file", keys[0])
	}
}

// mendFrom has a node ask others for what it misses, as a peer's repair would; it reports whether nothing is missing then.
func (c *cluster) mendFrom(n *node, peers ...int32) bool {
	c.t.Helper()
	need, _ := n.g.Missing()
	for _, h := range need.Holes {
		for _, p := range peers {
			if e, ok := c.node(p).g.Entry(h.Index, h.Hash); ok {
				e.Data = bytes.Clone(e.Data)
				if err := n.g.Heal(e); err != nil {
					c.t.Fatal(err)
				}
				break
			}
		}
	}
	n.turn()
	_, missing := n.g.Missing()
	return !missing
}

// same checks that all nodes applied the same log.
func (c *cluster) same() {
	c.t.Helper()
	a := c.node(1).g.Status()
	for i := int32(2); int(i) <= len(c.nodes); i++ {
		b := c.node(i).g.Status()
		if a.Applied != b.Applied || a.EntryHash != b.EntryHash || a.HighWatermark != b.HighWatermark || a.LogStart != b.LogStart {
			c.t.Fatalf("node %d applied %d, hash %016x, high watermark %d; node 1 %d, %016x, %d", i, b.Applied, b.EntryHash, b.HighWatermark,
				a.Applied, a.EntryHash, a.HighWatermark)
		}
	}
}

// written makes three nodes with n batches committed on all of them: indexes 3 to n+2, each in a write group of its own.
func written(t *testing.T, n int) (*cluster, *node) {
	c := newCluster(t, 3)
	a := c.lead(1)
	for range n {
		a.propose(2)
		c.run()
	}
	c.tick()
	return c, a
}

// Each of three replicas lost a different entry. They heal each other without a leader, and then have one.
//
//	1: ■ ■ □ ■ ■      2: ■ □ ■ ■ ■      3: ■ ■ ■ ■ □       no one may stand, so no one can lead, before they are whole
func TestHolesHealWithoutALeader(t *testing.T) {
	c, _ := written(t, 5)
	for i, index := range []uint64{5, 4, 7} {
		n := c.node(int32(i + 1))
		n.rot(index)
		if n.g.commit >= index || n.g.win.last() != 7 {
			t.Fatalf("invariant R12: node %d starts with commit %d, log to %d, hole at %d", i+1, n.g.commit, n.g.win.last(), index)
		}
	}
	for range 100 {
		c.tick()
	}
	if c.leading(1, 2, 3) != nil {
		t.Fatal("invariant R13: one with a hole leads")
	}
	for i := int32(1); i <= 3; i++ {
		if !c.mendFrom(c.node(i), 1, 2, 3) {
			t.Fatalf("node %d isn't whole", i)
		}
	}
	for range 100 {
		c.tick()
	}
	if c.leading(1, 2, 3) == nil {
		t.Fatal("no leader though all are whole")
	}
	c.same()
	if c.node(1).g.HighWatermark() != 10 {
		t.Fatal("records were lost")
	}
	for i := int32(1); i <= 3; i++ { // durably so
		c.node(i).reopen()
		if _, missing := c.node(i).g.Missing(); missing {
			t.Fatalf("node %d has a hole again", i)
		}
	}
}

// A replica with a hole votes by its true last entry: one with a shorter log doesn't get its vote.
func TestHoleVotesByItsTrueLast(t *testing.T) {
	c, a := written(t, 3)
	c.cutOff(3)
	a.propose(1)
	c.run()
	c.node(2).rot(6)
	c.cutOff(1)
	for range 200 {
		c.tickOnly(2, 3)
	}
	if c.leading(3) != nil {
		t.Fatal("the hole's replica voted as if the entry had never been: an acknowledged record is lost")
	}
	c.cutOff(3)
	for range 100 {
		c.tick()
	}
	if c.leading(1) == nil {
		t.Fatal("no leader with the vote of the one with a hole")
	}
}

// It acknowledges nothing at or past the hole, and raft's own appends heal it where the leader sends the entry again.
func TestHoleIsNotAcknowledged(t *testing.T) {
	c, a := written(t, 4)
	c.node(2).rot(4)
	c.cutOff(3)
	c.seen = nil
	a.propose(1)
	for range 8 { // less than an election timeout without a quorum
		c.tick()
	}
	for _, m := range c.seen {
		if m.GetFrom() == c.node(2).id && m.GetType() == pb.MsgAppResp && !m.GetReject() && m.GetIndex() >= 4 {
			t.Fatalf("invariant R12: index %d was acknowledged", m.GetIndex())
		}
	}
	if a.g.commit == a.g.win.last() {
		t.Fatal("committed with a replica that counts as lost")
	}
	if n := c.node(2).g; n.commit >= 4 || n.applied >= 4 {
		t.Fatalf("invariant R12: commit %d, applied %d", n.commit, n.applied)
	}
	if !c.mendFrom(c.node(2), 1) {
		t.Fatal("not healed")
	}
	for range 8 {
		c.tick()
	}
	if a.g.commit != a.g.win.last() {
		t.Fatal("raft doesn't go on by itself once the hole is durably healed")
	}
	c.drop = nil
	for range 5 {
		c.tick()
	}
	c.same()
}

// Two locks keep an acknowledgement below a hole: appends behind it are taken as empty ones before it, and whatever raft says
// is clamped.
func TestAcknowledgementsAreClamped(t *testing.T) {
	c, _ := written(t, 4)
	n := c.node(2)
	n.rot(4, 6)
	for _, x := range []struct{ said, want uint64 }{{2, 2}, {3, 3}, {4, 3}, {6, 3}} {
		m := &pb.Message{Type: pb.MsgAppResp.Enum(), Index: &x.said, To: &c.node(1).id}
		n.g.hold(m)
		if m.GetIndex() != x.want {
			t.Fatalf("invariant R12: %d is acknowledged as %d", x.said, m.GetIndex())
		}
	}
	app := &pb.Message{Type: pb.MsgApp.Enum(), From: &c.node(1).id, To: &n.id, Term: &n.g.term, Index: new(uint64(6)), LogTerm: &n.g.term,
		Entries: []*pb.Entry{{Index: new(uint64(7)), Term: &n.g.term, Data: testBatch(1)}}} // with a base offset that no one can check
	n.g.Step(app, &Out{})
	n.turn()
	if n.g.win.last() != 6 {
		t.Fatal("invariant R4: a batch was appended whose base offset can't be checked")
	}
	m := &pb.Message{Type: pb.MsgAppResp.Enum(), Index: new(uint64(6)), Reject: new(true)}
	if n.g.clamp(m); m.GetIndex() != 6 {
		t.Fatal("a reject names the index that it rejects")
	}
}

// The clamp ends when the bytes are durable, not when they are there.
func TestHealingIsDurableFirst(t *testing.T) {
	c, a := written(t, 4)
	n := c.node(2)
	n.rot(4)
	n.stuck = true
	e, _ := a.g.Entry(4, a.hash(4))
	if err := n.g.Heal(e); err != nil {
		t.Fatal(err)
	}
	if _, missing := n.g.Missing(); missing || n.g.safe() != 3 {
		t.Fatalf("the bytes are here; nothing past %d may be said", n.g.safe())
	}
	for range 5 {
		c.tick()
	}
	if n.g.applied != 3 {
		t.Fatalf("invariant R12: applied %d, the entry at 4 is not durable", n.g.applied)
	}
	n.reopen() // a crash in the middle of healing
	n.stuck = false
	if need, _ := n.g.Missing(); len(need.Holes) != 1 || need.Offset != 2 {
		t.Fatalf("after a crash before the bytes were durable: %+v", need)
	}
	c.mendFrom(n, 3)
	for range 5 {
		c.tick()
	}
	c.same()
}

func (n *node) hash(index uint64) uint64 {
	h, ok := n.store.EntryHash(testGroup, index)
	if !ok {
		n.t.Fatalf("no hash of %d", index)
	}
	return h
}

// Bytes that are not those that were lost are refused, whoever sends them.
func TestHoleTakesOnlyItsBytes(t *testing.T) {
	c, a := written(t, 4)
	n := c.node(2)
	n.rot(4)
	e, _ := a.g.Entry(4, a.hash(4))
	for _, bad := range []log.Entry{{Index: 4, Term: e.Term, Data: nil}, {Index: 4, Term: e.Term + 1, Data: e.Data},
		{Index: 4, Term: e.Term, Type: log.EntryConfV2, Data: e.Data}, {Index: 4, Term: e.Term, Data: append(bytes.Clone(e.Data[:160]), e.Data[160]^1)}} {
		if err := n.g.Heal(bad); !errors.Is(err, log.ErrMisfit) {
			t.Fatalf("%+v was taken: %v", bad, err)
		}
	}
	if err := n.g.Heal(log.Entry{Index: 5}); err != nil {
		t.Fatalf("an entry that is no hole: %v", err)
	}
	if _, ok := n.g.Entry(4, n.hash(4)); ok {
		t.Fatal("a hole was given to a peer")
	}
	if _, ok := a.g.Entry(4, n.hash(5)); ok {
		t.Fatal("an entry was given for another hash")
	}
}

// An append that begins behind the hole tells the leader to go on before it, and what that sends then is the cure.
func TestAppendBehindAHoleHealsIt(t *testing.T) {
	c, _ := written(t, 4)
	c.node(2).rot(4, 6)
	c.cutOff(1)
	for range 100 { // a new leader knows nothing of how far node 2 is
		c.tickOnly(2, 3)
	}
	if c.leading(3) == nil {
		t.Fatal("no leader")
	}
	c.node(3).propose(1)
	c.run()
	for range 3 {
		c.tickOnly(2, 3)
	}
	if need, missing := c.node(2).g.Missing(); missing {
		t.Fatalf("still missing: %+v", need.Holes)
	}
	if c.node(3).g.applied != c.node(3).g.win.last() {
		t.Fatal("nothing is committed")
	}
	c.drop = nil
	for range 30 {
		c.tick()
	}
	c.same()
}

// A hole that was never committed, where others have another entry, is overwritten by raft like any entry.
func TestOrphanHoleIsOverwritten(t *testing.T) {
	c, a := written(t, 2)
	c.cutOff(1)
	a.propose(1)
	a.turn()
	a.propose(1)
	a.turn()
	for range 60 {
		c.tickOnly(2, 3)
	}
	next := c.leading(2, 3)
	next.propose(5)
	c.run()
	a.rot(5, 6)
	c.drop = nil
	for range 10 {
		c.tick()
	}
	if _, missing := a.g.Missing(); missing || len(a.g.holes) > 0 {
		t.Fatal("the orphans are still there")
	}
	c.same()
	if a.g.HighWatermark() != 9 {
		t.Fatalf("high watermark %d", a.g.HighWatermark())
	}
}

// The lost bytes are a configuration change's: the replica goes by the one before, and doesn't stand; healed, it comes to the
// commit index that it had durably known before anyone tells it.
func TestHoleInAConfiguration(t *testing.T) {
	c, a := written(t, 2)
	a.g.Reconcile([]uint64{a.id, c.node(2).id})
	for range 4 {
		c.tick()
	}
	if len(a.g.Conf().Voters) != 2 {
		t.Fatalf("configuration %+v", a.g.Conf())
	}
	a.propose(1)
	c.run()
	index := uint64(0)
	for i := uint64(2); i <= a.g.win.last(); i++ {
		if e := a.g.win.at(i).e; e.GetType() == pb.EntryConfChangeV2 && len(e.Data) > 0 {
			index = i
		}
	}
	n := c.node(2)
	n.rot(index)
	if len(n.g.Conf().Voters) != 3 || n.g.known < index || n.g.commit >= index {
		t.Fatalf("hole at %d: configuration %+v, commit %d, known %d", index, n.g.Conf(), n.g.commit, n.g.known)
	}
	c.mendFrom(n, 1)
	n.turn()
	if len(n.g.Conf().Voters) != 2 || n.g.commit < index {
		t.Fatalf("healed: configuration %+v, commit %d", n.g.Conf(), n.g.commit)
	}
	for range 5 {
		c.tick()
	}
	if n.g.applied != a.g.applied {
		t.Fatal("it doesn't follow")
	}
}

// A vote that a replica with a hole gives doesn't take the durable commit index back.
func TestHoleKeepsTheDurableCommit(t *testing.T) {
	c, a := written(t, 2)
	a.g.Reconcile([]uint64{a.id, c.node(2).id})
	for range 4 {
		c.tick()
	}
	n := c.node(2)
	n.rot(4)
	known := n.g.known
	var out Out
	n.g.Step(&pb.Message{Type: pb.MsgHeartbeat.Enum(), From: &a.id, To: &n.id, Term: new(a.g.term + 3), Commit: &known}, &out)
	n.turn()
	n.reopen()
	if n.g.term != a.g.term+3 || n.g.known != known || known < 5 {
		t.Fatalf("term %d, durable commit %d, expected %d", n.g.term, n.g.known, known)
	}
}

// Holes survive the WAL's going round: they are written anew as holes.
func TestHoleOutlivesItsFile(t *testing.T) {
	c, a := written(t, 3)
	n := c.node(2)
	n.rot(4)
	for range 400 {
		a.propose(1)
		a.turn()
		for len(c.queue) > 0 {
			c.run()
		}
		if a.g.win.last()%50 == 0 {
			c.run()
			for _, nd := range []*node{a, c.node(3)} {
				nd.g.Flush(1 << 20)
				nd.turn()
			}
		}
		for _, nd := range []*node{a, n, c.node(3)} {
			for _, h := range nd.store.Reclaim() {
				nd.g.Flush(1 << 20)
				nd.g.Copy(h.Last)
				nd.turn()
			}
		}
		c.run()
	}
	if need, _ := n.g.Missing(); len(need.Holes) != 1 {
		t.Fatalf("holes: %+v", need)
	}
	n.reopen()
	if need, _ := n.g.Missing(); len(need.Holes) != 1 {
		t.Fatalf("holes after a restart: %+v", need)
	}
	if !c.mendFrom(n, 1, 3) {
		t.Fatal("not healed")
	}
	for range 100 {
		c.tick()
	}
	c.same()
}

// A follower's segments start anew beyond their end, for a snapshot, and it marks what it had with the log start raised. It restarts
// with a hole in its WAL, and a peer that has not applied the trim yet offers its own mark: its log starts below the follower's mark.
func TestMarkFromBeforeATrim(t *testing.T) {
	c := newCluster(t, 5)
	a, peer, n := c.lead(1), c.node(2), c.node(3)
	c.leaveBehind(t, a, peer, n)
	c.bring(a, n) // segments begin anew, at offset 100
	n.g.Flush(1 << 20)
	n.turn()                                          // a mark at index 6, with log start 8 and log end 8
	c.drop = func(m *pb.Message) bool { return true } // only peer is heard from now on
	n.rot(7)
	peer.g.Flush(1 << 20)
	peer.turn()
	peer.g.Evict(0)
	var out Out
	if !peer.g.Offer(n.id, &out) {
		t.Fatal("no offer")
	}
	defer func() {
		if r := recover(); r != nil {
			t.Errorf("the mark of a peer: %v", r)
		}
	}()
	for _, m := range out.Messages {
		n.g.Step(m, &Out{})
	}
	n.turn()
	for range 5 {
		if _, ok := n.g.Want(); ok {
			c.bring(peer, n)
		}
		n.turn()
	}
	if need, missing := n.g.Missing(); missing {
		t.Errorf("it still lacks %+v", need)
	}
}

// leaveBehind has n know that entries up to index 6 are committed, hold a command and a batch behind them, and be offered a snapshot by a, whose
// log was trimmed to offset 100; peer doesn't hear of that.
func (c *cluster) leaveBehind(t *testing.T, a, peer, n *node) {
	t.Helper()
	for range 4 {
		a.propose(2)
		c.run()
	}
	c.tick()                           // offsets 0 to 7 at indexes 3 to 6, applied by all
	mute := func(m *pb.Message) bool { // n gets appends, its answers are lost, and it isn't told of commits
		return m.GetFrom() == n.id || m.GetTo() == n.id && (m.GetType() != pb.MsgApp || len(m.GetEntries()) == 0)
	}
	c.drop = mute
	term, _ := a.g.Leading()
	if err := a.g.Pass(term, 0x123456789a, 0x11223344556677); err != nil { // index 7, no batch
		t.Fatal(err)
	}
	c.run()
	c.drop = func(m *pb.Message) bool {
		if m.GetTo() == n.id && m.GetType() == pb.MsgApp && m.GetCommit() > 6 {
			m.Commit = new(uint64(6)) // as one would have said that was sent a moment earlier
		}
		return mute(m)
	}
	a.propose(2) // index 8
	c.run()
	c.drop = func(m *pb.Message) bool { return m.GetTo() == n.id || m.GetFrom() == n.id }
	c.tick()

	away := func(m *pb.Message) bool { return m.GetTo() == peer.id || m.GetFrom() == peer.id }
	c.drop = func(m *pb.Message) bool { return away(m) || m.GetTo() == n.id || m.GetFrom() == n.id }
	for range 60 {
		a.propose(2)
		c.run()
		for _, i := range []int32{1, 4, 5} {
			c.node(i).g.Flush(1 << 20)
		}
		c.run()
	}
	a.trim(100)
	c.run()
	a.g.Flush(1 << 20)
	c.run()
	a.g.Evict(0)
	c.drop = away
	for range 30 {
		c.tick()
	}
}
