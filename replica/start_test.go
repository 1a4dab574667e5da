package replica

import (
	"slices"
	"strings"
	"testing"

	pb "go.etcd.io/raft/v3/raftpb"

	"logd/log"
)

// The log start is decided in the raft log, so all replicas agree on it at each index.

func (n *node) trim(offset int64) {
	n.t.Helper()
	term, _ := n.g.Leading()
	if err := n.g.Trim(term, offset); err != nil {
		n.t.Fatal(err)
	}
}

// reopen restarts a node from its disk.
func (n *node) reopen() { n.open(nil) }

func (c *cluster) cutOff(i int32) {
	id := c.node(i).id
	c.drop = func(m *pb.Message) bool { return m.GetTo() == id || m.GetFrom() == id }
}

func TestTrim(t *testing.T) {
	c := newCluster(t, 3)
	a := c.lead(1)
	for range 5 {
		a.propose(2)
		c.run()
	}
	a.trim(7)
	c.run()
	a.propose(1)
	c.run()
	c.tick()
	for i := int32(1); i <= 3; i++ {
		g := c.node(i).g
		if g.LogStart() != 7 || g.HighWatermark() != 11 {
			t.Fatalf("node %d: log is %d to %d, expected 7 to 11: a trim takes no offset (R6)", i, g.LogStart(), g.HighWatermark())
		}
		if !g.Load().Untrimmed {
			t.Fatal("no flush is due though the start moved")
		}
		g.Flush(1 << 20)
	}
	c.run()
	c.tick()
	for i := int32(1); i <= 3; i++ {
		n := c.node(i)
		if m := n.store.Flushed(testGroup); m.LogStart != 7 || m.LogEnd != 11 || n.g.Load().Untrimmed || n.g.trimmed != 7 {
			t.Fatalf("node %d: mark says log %d to %d, store was told %d", i, m.LogStart, m.LogEnd, n.g.trimmed)
		}
		n.reopen()
		if n.g.LogStart() != 7 {
			t.Fatalf("node %d starts with log start %d", i, n.g.LogStart())
		}
	}
	a = c.lead(2)
	a.trim(6) // not beyond: nothing is proposed
	a.trim(99)
	c.run()
	c.tick() // followers learn what is committed by a heartbeat (R14)
	if got := c.node(3).g.LogStart(); got != 11 {
		t.Fatalf("a trim beyond the end leads to log start %d, expected the end, 11", got)
	}
}

// A trim that is never committed moves nothing, and the log's fold goes back with what is overwritten.
func TestTrimOverwritten(t *testing.T) {
	c := newCluster(t, 3)
	a := c.lead(1)
	a.propose(4)
	c.run()
	c.cutOff(1)
	a.trim(3)
	a.turn()
	if a.g.win.startAt(a.g.win.last()) != 3 || a.g.LogStart() != 0 {
		t.Fatalf("uncommitted trim: log starts at %d, would at %d", a.g.LogStart(), a.g.win.startAt(a.g.win.last()))
	}
	for range 60 { // the lease of the one that is cut off
		c.tick()
	}
	next := c.node(2)
	if !next.g.Serving() {
		next = c.node(3)
	}
	next.propose(1)
	c.drop = nil
	for range 30 {
		c.tick()
	}
	if a.g.win.startAt(a.g.win.last()) != 0 || a.g.HighWatermark() != 5 {
		t.Fatalf("after it was overwritten: log start %d, high watermark %d", a.g.win.startAt(a.g.win.last()), a.g.HighWatermark())
	}
}

// A committed command that a replica doesn't know is ignored by each alike, and said.
func TestUnknownCommand(t *testing.T) {
	for _, data := range [][]byte{{2}, {1, 0, 0}, {1, 0xff, 0, 0, 0, 0, 0, 0, 0}, make([]byte, log.BatchHeader-1)} {
		c := newCluster(t, 3)
		a := c.lead(1)
		a.propose(2)
		c.run()
		if err := a.g.propose([]*pb.Entry{{Data: data}}); err != nil {
			t.Fatal(err)
		}
		c.run()
		a.propose(1)
		c.run()
		c.tick()
		for i := int32(1); i <= 3; i++ {
			n := c.node(i)
			if n.g.LogStart() != 0 || n.g.HighWatermark() != 3 || len(n.got) != 2 {
				t.Fatalf("command %x: node %d has log %d to %d, gave out %v", data, i, n.g.LogStart(), n.g.HighWatermark(), n.got)
			}
			if !slices.ContainsFunc(n.notes, func(s string) bool { return strings.Contains(s, "ignored") }) {
				t.Fatalf("command %x: node %d says nothing of it: %v", data, i, n.notes)
			}
		}
	}
	if got := trimCommand(0x0102); string(got) != "\x01\x00\x00\x00\x00\x00\x00\x01\x02" {
		t.Fatalf("a trim to offset 0x0102 is %x: on disk, don't change", got)
	}
}

// behind makes a cluster in which node 3 has offsets 0 to 4, half of them in a segment, and the others' logs start at start
// of 20.
func behind(t *testing.T, start int64) (c *cluster, a, lost *node) {
	c = newCluster(t, 3)
	a, lost = c.lead(1), c.node(3)
	a.propose(2)
	c.run()
	c.tick()
	lost.g.Flush(1 << 20)
	a.propose(2)
	c.run()
	c.tick()
	c.cutOff(3)
	for range 8 {
		a.propose(2)
		c.run()
	}
	a.trim(start)
	c.run()
	return c, a, lost
}

// settle lets the leader find out that a follower needs a snapshot.
func (c *cluster) settle() {
	c.drop = nil
	for range 30 {
		c.tick()
	}
}

// A follower that slept through a trim starts its segments anew where the log starts; at each step it can crash.
func TestFollowerBelowLogStart(t *testing.T) {
	for crash := range 4 {
		c, a, lost := behind(t, 12)
		a.g.Flush(1400) // a part of it: the window begins before the log start
		c.run()
		a.g.Evict(0)
		c.settle()
		w, ok := lost.g.Want()
		if !ok || w.From != 2 || w.To != 20 {
			t.Fatalf("the follower wants %+v (%t)", w, ok)
		}
		h, _ := a.g.RangeAt(lost.id, w.From)
		if h.From != 12 || !h.Restart {
			t.Fatalf("the leader answers %+v", h)
		}
		if crash > 0 {
			b, _ := a.g.Batches(h.From, 200)
			if err := lost.g.Range(join(AppendRange(nil, h, b))); err != nil {
				t.Fatal(err)
			}
			lost.turn()
		}
		if crash > 1 { // what is applied is flushed all the same: nothing may pin the WAL
			if !lost.g.Flush(1<<20) || lost.g.markedStart != 4 {
				t.Fatalf("flush while segments start anew: mark has log start %d", lost.g.markedStart)
			}
			lost.turn()
		}
		if crash > 2 {
			lost.reopen()
			if lost.g.LogStart() != 4 || lost.g.HighWatermark() != 4 {
				t.Fatalf("after a crash: log is %d to %d, expected 4 to 4", lost.g.LogStart(), lost.g.HighWatermark())
			}
		}
		for range 60 {
			c.tick()
			c.transfer(a, lost)
		}
		if lost.g.applied != a.g.applied || lost.g.LogStart() != 12 || lost.g.HighWatermark() != 20 || lost.g.seg.hash != a.g.win.hashAt(a.g.applied) {
			t.Fatalf("crash %d: applied %d of %d, log %d to %d", crash, lost.g.applied, a.g.applied, lost.g.LogStart(), lost.g.HighWatermark())
		}
		lost.reopen()
		if _, ok := lost.store.Find(testGroup, 12, 1); !ok || lost.g.LogStart() != 12 {
			t.Fatal("what was transferred is not there after a restart")
		}
		a.propose(1)
		c.run()
		c.tick()
		if lost.g.HighWatermark() != 21 {
			t.Fatal("the follower does not follow after its snapshot")
		}
	}
}

// A new leader that has not applied the trim yet may offer a snapshot from before it. Segments that started anew beyond that
// don't hold its log, and the mark must not say so (R11).
func TestSnapshotFromBeforeTheTrim(t *testing.T) {
	c, a, lost := behind(t, 12)
	a.g.Flush(1400)
	c.run()
	a.g.Evict(0)
	c.settle()
	w, _ := lost.g.Want()
	h, _ := a.g.RangeAt(lost.id, w.From)
	b, _ := a.g.Batches(h.From, 200)
	if err := lost.g.Range(join(AppendRange(nil, h, b))); err != nil {
		t.Fatal(err)
	}
	lost.turn()
	old := c.node(2).g.markAt(7)
	cs, _ := decodeConf(old.Conf)
	var out Out
	lost.g.Step(&pb.Message{Type: pb.MsgSnap.Enum(), From: new(c.node(2).id), To: new(lost.id), Term: new(a.g.term + 1),
		Snapshot: &pb.Snapshot{Data: encodeMark(old), Metadata: &pb.SnapshotMetadata{ConfState: cs, Index: &old.Index, Term: &old.Term}}}, &out)
	lost.turn()
	if old.LogStart != 0 || lost.g.applied != 7 || lost.g.LogStart() != old.LogEnd {
		t.Fatalf("applied %d, log starts at %d, the snapshot's at %d", lost.g.applied, lost.g.LogStart(), old.LogStart)
	}
	lost.reopen()
}

// Nothing is left of the log: there is nothing to ask for.
func TestFollowerOfAnEmptyLog(t *testing.T) {
	c, a, lost := behind(t, 20)
	a.g.Flush(1 << 20)
	c.run()
	a.g.Evict(0)
	c.settle()
	if lost.g.LogStart() != 20 || lost.g.HighWatermark() != 20 || lost.g.applied != a.g.applied {
		t.Fatalf("log is %d to %d, applied %d of %d", lost.g.LogStart(), lost.g.HighWatermark(), lost.g.applied, a.g.applied)
	}
	a.propose(1)
	c.run()
	lost.turn()
	c.tick()
	lost.g.Flush(1 << 20)
	lost.turn()
	lost.reopen()
	if lost.g.HighWatermark() != 21 || lost.g.LogStart() != 20 {
		t.Fatalf("after a restart log is %d to %d", lost.g.LogStart(), lost.g.HighWatermark())
	}
}

// What a transfer began with stays until it ends, though the log start moves on meanwhile.
func TestTrimWaitsForTransfer(t *testing.T) {
	c, a, lost := behind(t, 6)
	a.g.Flush(1 << 20)
	c.run()
	a.g.Evict(0)
	c.settle()
	a.g.Evict(0)
	if len(a.g.snaps) != 1 {
		t.Fatal("no transfer under way")
	}
	a.trim(16)
	c.run()
	a.g.Flush(1 << 20)
	c.run()
	c.tick()
	if a.store.Flushed(testGroup).LogStart != 16 || a.g.trimmed != 6 {
		t.Fatalf("durable log start %d, store was told %d: expected 16 and 6", a.store.Flushed(testGroup).LogStart, a.g.trimmed)
	}
	if h, ok := a.g.RangeAt(lost.id, 8); !ok || h.Restart {
		t.Fatalf("a transfer under way is answered %+v (%t)", h, ok)
	}
	for range 60 { // it asks for nothing: the transfer ends
		c.node(1).g.Tick()
		a.turn()
	}
	if a.g.trimmed != 16 {
		t.Fatalf("the transfer ended, the store was told %d", a.g.trimmed)
	}
}

// A range whose bytes changed on the way is refused: base offset and leader epoch lie outside of a batch's own checksum.
func TestRangeChecksum(t *testing.T) {
	body := join(AppendRange(nil, RangeHead{From: 5, Restart: true, Hash: 7}, [][]byte{testBatch(1)}))
	if h, data, err := parseRange(body); err != nil || h != (RangeHead{5, true, 7}) || len(data) != 161 {
		t.Fatalf("%+v, %d bytes, %v", h, len(data), err)
	}
	for i := range body {
		bad := slices.Clone(body)
		bad[i] ^= 4
		if _, _, err := parseRange(bad); err == nil {
			t.Fatalf("byte %d was changed, and taken", i)
		}
	}
}

// A replica that was created in this turn has nothing durable before its create record is: a crash may take it.
func TestCreatedIsDurableOnceWritten(t *testing.T) {
	n := newCluster(t, 1).node(1)
	if st := n.g.Status(); st.Stable != 0 || st.Last != 1 {
		t.Fatalf("durable up to %d of %d before anything was written", st.Stable, st.Last)
	}
	n.turn()
	if st := n.g.Status(); st.Stable != 1 {
		t.Fatalf("durable up to %d once it was", st.Stable)
	}
}
