package replica

import (
	"bytes"
	"strings"
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

// Batches that were here before the snapshot was offered are not taken for its own unless their hash says so.
func TestSegmentsOfAnotherHash(t *testing.T) {
	c, a, lost := needy(t)
	for lost.g.snap != nil && lost.g.seg.end < 18 {
		c.bring(a, lost)
		if w, ok := lost.g.Want(); ok && w.To-w.From <= 2 {
			break
		}
	}
	lost.g.snap.mark.LogEnd, lost.g.snap.mark.BatchHash = lost.g.seg.end, lost.g.seg.hash+1
	lost.turn()
	if lost.g.applied > 2 || lost.g.snap != nil || !strings.Contains(strings.Join(lost.notes, "\n"), "another hash") {
		t.Fatalf("applied %d, notes %q", lost.g.applied, lost.notes)
	}
}
