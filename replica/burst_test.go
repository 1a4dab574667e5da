package replica

import (
	"testing"

	"logd/log"

	pb "go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// A burst of entries that are committed takes many write groups. Wherever a crash ends it, what the log has without a word that it is
// committed is little: a WAL of two files full of it could neither flush nor copy it, and write no vote (L11).
func TestBurstSaysWhatIsCommitted(t *testing.T) {
	b, m, all := burst(t)
	var out Out
	b.g.Step(m, &out)
	b.g.Collect(&out)
	most := b.store.MaxEntry()/commitShare + len(m.Entries[0].GetData())
	for groups := 0; ; groups++ {
		p, ok := b.store.Plan(log.LaneWAL)
		if !ok {
			if groups < 2 {
				t.Fatalf("%d bytes took %d write groups, expected some", all, groups)
			}
			break
		}
		if err := b.store.Done(b.lanes[log.LaneWAL].Run(p)); err != nil {
			t.Fatal(err)
		}
		crashed := *b
		crashed.open(nil)
		g := crashed.g
		if unsaid := int(g.win.sumAt(g.win.last()) - g.win.sumAt(g.hard.Commit)); unsaid > most {
			t.Errorf("after %d write groups %d bytes, from index %d to %d, aren't known to be committed, expected %d at most",
				groups+1, unsaid, g.hard.Commit, g.win.last(), most)
		}
	}
}

// Each part of a burst is applied once it is durable, so that it can be flushed: the WAL may have no room for the rest before that (L11).
func TestBurstIsAppliedInParts(t *testing.T) {
	b, m, _ := burst(t)
	var out Out
	b.g.Step(m, &out)
	b.g.Collect(&out)
	parts := 0
	for b.g.stable < b.g.win.last() {
		p, ok := b.store.Plan(log.LaneWAL)
		if !ok {
			t.Fatalf("entries up to %d are durable of %d, and nothing is to be written", b.g.stable, b.g.win.last())
		}
		if err := b.store.Done(b.lanes[log.LaneWAL].Run(p)); err != nil {
			t.Fatal(err)
		}
		b.g.Collect(&out)
		if want := min(b.g.stable, m.GetCommit()); b.g.applied != want {
			t.Errorf("entries up to %d are durable, and those up to %d committed: %d are applied", b.g.stable, m.GetCommit(), b.g.applied)
		}
		parts++
	}
	if parts < 3 {
		t.Errorf("the burst was durable in %d parts, expected some", parts)
	}
}

// burst is a follower that lacks much, and a message that brings all of it, most of it committed; and how many bytes that is.
func burst(t *testing.T) (b *node, m *pb.Message, all int) {
	c := newCluster(t, 3)
	a := c.lead(1)
	b = c.node(2)
	c.drop = func(m *pb.Message) bool { return m.GetTo() == b.id }
	for range 8 {
		batches := make([][]byte, 40)
		for i := range batches {
			batches[i] = sizedBatch(1, 250, 0)
		}
		if _, err := a.g.Propose(a.g.hard.Term, batches); err != nil {
			t.Fatal(err)
		}
		c.run()
	}
	m = &pb.Message{Type: pb.MsgApp.Enum(), From: proto.Uint64(a.id), To: proto.Uint64(b.id), Term: proto.Uint64(a.g.hard.Term),
		Index: proto.Uint64(b.g.win.last()), LogTerm: proto.Uint64(b.g.hard.Term), Commit: proto.Uint64(a.g.hard.Commit)}
	for i := b.g.win.last() + 1; i <= a.g.win.last(); i++ {
		m.Entries = append(m.Entries, a.g.win.at(i).e)
		all += len(a.g.win.at(i).e.GetData())
	}
	if m.GetCommit() < 300 {
		t.Fatalf("index %d is committed, expected 300 and more", m.GetCommit())
	}
	return b, m, all
}
