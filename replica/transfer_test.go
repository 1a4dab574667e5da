package replica

import (
	"bytes"
	"fmt"
	"testing"

	pb "go.etcd.io/raft/v3/raftpb"
)

// needy makes a cluster in which node 3 needs a snapshot of node 1, which leads, and waits for its batches.
func needy(t *testing.T) (c *cluster, a, lost *node) {
	c = newCluster(t, 3)
	a, lost = c.lead(1), c.node(3)
	c.cutOff(3)
	for range 9 {
		a.propose(2)
		c.run()
	}
	a.g.Flush(1 << 20)
	c.run()
	a.g.Evict(0)
	c.settle()
	if w, ok := lost.g.Want(); !ok || w.From != 0 || w.To != 18 {
		t.Fatalf("the follower wants %+v (%t)", w, ok)
	}
	return c, a, lost
}

// bring answers a follower's want once.
func (c *cluster) bring(from, to *node) {
	c.t.Helper()
	w, _ := to.g.Want()
	h, ok := from.g.RangeAt(to.id, w.From)
	rd, found := from.store.Find(testGroup, h.From, 300)
	if !ok || !found {
		c.t.Fatalf("no answer from offset %d on", w.From)
	}
	data := cut(c.t, from.lanes[1].Read(rd).Data, h.From)
	if err := to.g.Range(join(AppendRange(nil, h, [][]byte{bytes.Clone(data)}))); err != nil {
		c.t.Fatal(err)
	}
	to.turn()
}

// A transfer goes on where it was, also after a restart of the follower: what was synced is never sent again.
func TestTransferResumes(t *testing.T) {
	c, a, lost := needy(t)
	c.bring(a, lost)
	c.bring(a, lost)
	was := lost.g.seg
	if was.end == 0 || was.end >= 18 {
		t.Fatalf("two ranges reach offset %d", was.end)
	}
	lost.reopen()
	if lost.g.seg != was {
		t.Fatalf("after a restart the segments end at %+v, before at %+v", lost.g.seg, was)
	}
	c.drop = nil
	for range 60 { // the leader finds that this transfer ended, and offers another
		c.tick()
	}
	if w, ok := lost.g.Want(); !ok || w.From != was.end {
		t.Fatalf("the follower wants %+v (%t), it has all up to %d", w, ok, was.end)
	}
	c.transfer(a, lost)
	for range 5 {
		c.tick()
	}
	c.same()
}

// Progress extends the deadline of a transfer; asking for the same again and again does not.
func TestDeadlineOfATransfer(t *testing.T) {
	for _, progress := range []bool{true, false} {
		c, a, lost := needy(t)
		from := int64(0)
		began := a.g.snaps[lost.id]
		for i := range 60 { // ticks; the deadline is 20
			if _, ok := a.g.RangeAt(lost.id, from); !ok {
				t.Fatal("not answered")
			}
			if i%4 == 0 && progress {
				from++
			}
			c.tick()
			if a.g.snaps[lost.id] != began {
				break
			}
		}
		if under := a.g.snaps[lost.id] == began; under != progress {
			t.Fatalf("progress: %t; under way: %t", progress, under)
		}
	}
}

// Each MsgSnap of raft ends once: by its follower's answer or by its deadline, whichever comes first, and raft goes on.
func TestEachSnapshotEndsOnce(t *testing.T) {
	c, a, lost := needy(t)
	snaps := 0
	c.drop = func(m *pb.Message) bool {
		if m.GetType() == pb.MsgSnap {
			snaps++
		}
		return m.GetType() == pb.MsgAppResp && m.GetFrom() == lost.id && snaps < 3 // its answers are lost
	}
	for range 70 {
		c.tick()
		c.transfer(a, lost)
	}
	if snaps < 2 || len(a.g.snaps) != 0 {
		t.Fatalf("%d MsgSnaps, %d under way", snaps, len(a.g.snaps))
	}
	a.propose(1)
	c.run()
	c.tick()
	c.same()
}

// A follower that has its snapshot is offered a later one at once where the leader's window has moved past what follows it: raft alone
// leaves it in its snapshot state, till the offer has expired.
func TestSnapshotThatTheWindowPassed(t *testing.T) {
	c, a, lost := needy(t)
	began := a.g.snaps[lost.id]
	c.cutOff(3)
	for range 9 {
		a.propose(2)
		c.run()
	}
	a.g.Flush(1 << 20)
	c.run()
	a.g.EvictKeeping(0, 0)
	c.drop = nil
	c.transfer(a, lost)
	c.run()
	for range 3 {
		c.tick()
	}
	if a.g.snaps[lost.id] == began {
		t.Fatalf("the snapshot at index %d is still under way; the follower is at %d", began.index, lost.g.applied)
	}
	c.transfer(a, lost)
	c.tick()
	c.same()
}

// read returns batches from an offset on, of a node's segments.
func (n *node) read(t *testing.T, from int64) []byte {
	t.Helper()
	rd, ok := n.store.Find(testGroup, from, 300)
	if !ok {
		t.Fatalf("offset %d is in no segment", from)
	}
	return cut(t, n.lanes[1].Read(rd).Data, from)
}

// rotEpoch takes one from the leader epoch of the batch at a byte of a node's first segment.
func rotEpoch(t *testing.T, n *node, at int64) {
	t.Helper()
	f, err := n.fs.Open(fmt.Sprintf("seg/%020d/%020d.log", testGroup, 0))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() // the test's own
	var b [1]byte
	if _, err := f.ReadAt(b[:], at+15); err != nil {
		t.Fatal(err)
	}
	b[0]--
	if _, err := f.WriteAt(b[:], at+15); err != nil {
		t.Fatal(err)
	}
}

// The leader epoch of a batch that was transferred has rotted, where no checksum sees it: the snapshot's hash says so at the end. What was
// transferred is lost then, and asked of peers again; else no snapshot would ever fit. A restart in the midst knows as much.
func TestEpochRotsInATransfer(t *testing.T) {
	for _, restart := range []bool{false, true} {
		c := newCluster(t, 3)
		c.lead(1)
		lost := c.node(3)
		c.cutOff(3)
		for range 3 {
			c.node(1).propose(2)
			c.run()
		}
		c.node(1).g.HandOver(0)
		c.run()
		a := c.node(2) // in term 3
		for range 6 {
			a.propose(2)
			c.run()
		}
		a.g.Flush(1 << 20)
		c.run()
		a.g.Evict(0)
		c.settle()
		for lost.g.seg.end < 10 {
			c.bring(a, lost)
		}
		if restart {
			rotEpoch(t, lost, 3*int64(len(testBatch(2)))) // the first of the new term: it looks like one more of the old one
			lost.reopen()
			c.drop = nil
		} else { // as a leader may send it that has no hash of it
			b := bytes.Clone(a.read(t, lost.g.seg.end))
			b[len(b)-len(testBatch(2))+15]++
			if err := lost.g.Range(join(AppendRange(nil, RangeHead{From: lost.g.seg.end}, [][]byte{b}))); err != nil {
				t.Fatal(err)
			}
			lost.turn()
		}
		for range 20 {
			c.transfer(a, lost)
			c.tick()
		}
		if lost.g.applied < a.g.applied {
			t.Fatalf("restart %t: it has applied %d of %d; notes %q", restart, lost.g.applied, a.g.applied, lost.notes)
		}
		holes := lost.store.SegmentHoles(testGroup)
		if len(holes) == 0 {
			t.Fatalf("restart %t: nothing is lost", restart)
		}
		for _, h := range holes {
			var batches [][]byte
			for at := h.From; at < h.To; at += 2 {
				batches = append(batches, a.read(t, at)[:len(testBatch(2))])
			}
			if err := lost.store.Repair(testGroup, h.From, batches); err != nil {
				t.Fatal(err)
			}
			lost.turn()
		}
		if holes := lost.store.SegmentHoles(testGroup); len(holes) > 0 {
			t.Errorf("restart %t: %v are lost still", restart, holes)
		}
	}
}

// The state that a snapshot brings is given out when it is durable, and not before: a crash would bring the one before it back, by which
// others had been answered already.
func TestStateIsGivenOutOnceDurable(t *testing.T) {
	c := newClusterIn(t, 3, t.TempDir, true)
	a, lost := c.lead(1), c.node(3)
	c.cutOff(3)
	for _, word := range []string{"x", "y", "z"} {
		if err := a.g.propose([]*pb.Entry{{Data: []byte(word)}}); err != nil {
			t.Fatal(err)
		}
		c.run()
	}
	a.g.Flush(1 << 20)
	c.run()
	a.g.Evict(0)
	before := lost.g.Applied()
	lost.stuck = true
	c.settle()
	if len(lost.state) > 0 || lost.g.Applied() != before || lost.g.arriving == nil {
		t.Fatalf("state %q, applied %d, expected nothing new beyond %d and a snapshot on its way to disk: %t", lost.state, lost.g.Applied(), before, lost.g.arriving != nil)
	}
	if _, err := lost.g.snapshot(); err == nil {
		t.Error("it gives a snapshot of a state that it doesn't have yet")
	}
	lost.stuck = false
	c.settle()
	if string(lost.state) != "xyz" || lost.g.Applied() != a.g.Applied() {
		t.Fatalf("state %q, applied %d, expected xyz and %d", lost.state, lost.g.Applied(), a.g.Applied())
	}
}
