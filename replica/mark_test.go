package replica

import (
	"errors"
	"strings"
	"testing"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
)

// Marks that heal, where entries can't (S5a).

// Nobody has the entry as such any more: another replica, leader or not, offers its mark, which takes the place of our log up
// to there; what is behind it stays.
//
//	1 (gone)      2: ■ □ ■ ■ ■ ■           3: [mark: ■ ■ ■ ■ ■]
func TestHoleHealsByMark(t *testing.T) {
	for _, crash := range []bool{false, true} {
		c, a := written(t, 4)
		n, peer := c.node(2), c.node(3)
		peer.g.Flush(1 << 20)
		c.run()
		peer.g.Evict(0)
		c.cutOff(3)
		a.propose(1) // index 7, behind the peer's mark
		c.run()
		n.rot(4)
		c.cutOff(1)
		h, _ := n.g.Missing()
		if _, ok := peer.g.Entry(4, h.Holes[0].Hash); ok {
			t.Fatal("the peer has it still")
		}
		for crashed := false; ; crashed = true {
			var out Out
			peer.g.snaps = map[uint64]*offer{}
			if !peer.g.Offer(n.id, &out) || peer.g.Offer(n.id, &out) || len(out.Messages) != 1 {
				t.Fatalf("offered %d times", len(out.Messages))
			}
			c.queue = append(c.queue, out.Messages...)
			c.run()
			if w, ok := n.g.Want(); !ok || w.From != 0 || w.To != peer.g.HighWatermark() || w.Leader != peer.id {
				t.Fatalf("the replica wants %+v (%t)", w, ok)
			}
			if crashed || !crash {
				break
			}
			n.reopen()
		}
		c.transfer(peer, n)
		if _, missing := n.g.Missing(); missing || len(n.g.holes) > 0 || n.g.win.index != 6 || n.g.win.last() != 7 || n.g.snap != nil {
			t.Fatalf("not healed: log (%d, %d]", n.g.win.index, n.g.win.last())
		}
		for range 100 {
			c.tickOnly(2, 3)
		}
		c.drop = nil
		for range 30 {
			c.tick()
		}
		c.same()
		if n.g.HighWatermark() != 9 {
			t.Fatalf("high watermark %d: the entry behind the mark is gone", n.g.HighWatermark())
		}
		n.reopen()
		if n.g.win.index < 6 || n.g.HighWatermark() < 8 {
			t.Fatal("the mark is not durable")
		}
	}
}

// A mark that is of no use is not taken: our log doesn't reach to it, or has no hole below.
func TestMarkOfNoUse(t *testing.T) {
	c, a := written(t, 4)
	n := c.node(2)
	var out Out
	a.g.Offer(n.id, &out)
	c.queue = append(c.queue, out.Messages...)
	c.run()
	if n.g.snap != nil {
		t.Fatal("a replica without holes took a mark")
	}
	n.rot(5)
	out = Out{}
	a.g.snaps = map[uint64]*offer{}
	m := a.g.markAt(4)
	cs, _ := decodeConf(m.Conf)
	c.queue = append(c.queue, &pb.Message{Type: pb.MsgSnap.Enum(), From: &a.id, To: &n.id, Term: new(uint64(0)),
		Snapshot: &pb.Snapshot{Data: encodeMark(m), Metadata: &pb.SnapshotMetadata{ConfState: cs, Index: &m.Index, Term: &m.Term}}})
	c.run()
	if n.g.snap != nil {
		t.Fatal("a mark below the hole was taken")
	}
}

// A snapshot that says something else of the same index and term is not taken.
func TestMarkOfAnotherLog(t *testing.T) {
	c, a := written(t, 4)
	n := c.node(2)
	n.rot(4)
	m := a.g.markAt(5)
	m.EntryHash++
	cs, _ := decodeConf(m.Conf)
	n.g.seg.end = m.LogEnd
	var out Out
	n.g.cfg.Plain = true // nothing is to be transferred
	n.g.Step(&pb.Message{Type: pb.MsgSnap.Enum(), From: &a.id, To: &n.id, Term: &a.g.term,
		Snapshot: &pb.Snapshot{Data: encodeMark(m), Metadata: &pb.SnapshotMetadata{ConfState: cs, Index: &m.Index, Term: &m.Term}}}, &out)
	n.g.Collect(&out)
	if n.g.applied > 3 || n.g.snap != nil || !strings.Contains(strings.Join(out.Notes, "\n"), "not taken") {
		t.Fatalf("applied %d, notes %q", n.g.applied, out.Notes)
	}
}

// The metadata group's entries are in no segment: once the others hold them in their state alone, a snapshot heals. The state
// machine starts anew from it, and the entries behind it follow.
func TestMetadataHealsBySnapshot(t *testing.T) {
	c := newClusterIn(t, 3, t.TempDir, true)
	a, n := c.lead(1), c.node(2)
	for _, command := range []string{"one ", "two ", "three "} {
		a.command(command)
		c.run()
	}
	c.tick()
	for _, nd := range []*node{a, c.node(3)} {
		nd.g.Flush(1 << 20)
		nd.turn()
		nd.g.Evict(0)
	}
	n.rot(4)
	var out Out
	if !a.g.Offer(n.id, &out) {
		t.Fatal("no offer")
	}
	c.queue = append(c.queue, out.Messages...)
	a.command("four ")
	c.run()
	a.command("five ")
	c.run()
	for range 5 {
		c.tick()
	}
	if _, missing := n.g.Missing(); missing || string(n.state) != "one two three four five " {
		t.Fatalf("missing: %t, state %q", missing, n.state)
	}
	c.same()
	n.reopen()
	for range 5 {
		c.tick()
	}
	if string(n.state) != "one two three four five " {
		t.Fatalf("after a restart: %q", n.state)
	}
}

func (n *node) command(text string) {
	n.t.Helper()
	term, _ := n.g.Leading()
	if _, err := n.g.Propose(term, [][]byte{[]byte(text)}); err != nil {
		n.t.Fatal(err)
	}
}

// A snapshot says what the state machine holds as of an index: not one that was only given out to it.
func TestSnapshotWaitsForTheStateMachine(t *testing.T) {
	c := newClusterIn(t, 3, t.TempDir, true)
	a := c.lead(1)
	a.command("one ")
	var out Out
	for len(out.Applied) == 0 {
		c.queue = append(c.queue, a.turnInto(&out)...)
		for len(c.queue) > 0 {
			m := c.queue[0]
			c.queue = c.queue[1:]
			if m.GetTo() == a.id {
				a.g.Step(m, &out)
				continue
			}
			c.nodes[m.GetTo()].g.Step(m, &Out{})
			c.queue = append(c.queue, c.nodes[m.GetTo()].turn()...)
		}
		a.g.Collect(&out)
	}
	if s, err := a.g.snapshot(); !errors.Is(err, raft.ErrSnapshotTemporarilyUnavailable) {
		t.Fatalf("a snapshot at index %d with a state from before it: %v", s.GetMetadata().GetIndex(), err)
	}
	a.state = append(a.state, out.Applied[0].Data...)
	a.g.Tick()
	if _, err := a.g.snapshot(); err != nil {
		t.Fatal(err)
	}
}
