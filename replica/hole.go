package replica

import (
	"fmt"
	"math"
	"slices"
	"sort"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"

	"logd/log"
)

// A log with holes (S5a). Of a hole everything is known but its bytes, so raft runs on the true log; what raft may not do is
// go past the first hole, and that is kept from it at the edges:
//
//	             h: first hole
//	applied ≤ commit < h            MsgApp, MsgHeartbeat, recovered commit: clamped to h-1
//	acknowledged     < h            MsgAppResp at or past h says h-1
//	             h ≤ last           its last index and term are the true ones: votes as it would whole
//	             h ≤ prev of MsgApp: what follows can't be checked against the log end (R4), so it is taken as an empty one at h-1
//
// A hole ends when its bytes, or a mark over it, are durable; or when raft cuts it off. Bytes may come from anyone: the
// running hash decides.

// hole is an entry whose bytes are lost; or they are here again, and durable once seq is.
type hole struct {
	log.Hole
	seq log.Seq // 0 while the bytes are lost
}

// Need says what a replica with holes needs from its peers.
type Need struct {
	Holes  []log.Hole // in order of index
	Offset int64      // log end before the first: the base offset of its batch, if it is one
}

// Missing returns the entries whose bytes are lost; false if there are none.
func (g *Group) Missing() (Need, bool) {
	var n Need
	for i := range g.holes {
		if g.holes[i].seq == 0 {
			n.Holes = append(n.Holes, g.holes[i].Hole)
		}
	}
	n.Offset = g.win.logEnd()
	return n, len(n.Holes) > 0
}

// Entry gives a peer the entry at an index of our log, committed or not, if the running hash after it is the one that the
// peer's log has there: it is the same entry then. Where our own is under a mark already and its hash forgotten, the peer is
// left to find out. Its data aliases memory that never changes.
func (g *Group) Entry(index, hash uint64) (log.Entry, bool) {
	if index <= g.win.index || index > g.win.last() || g.win.at(index).lost {
		return log.Entry{}, false
	}
	if h, ok := g.store.EntryHash(g.cfg.Group, index); ok && h != hash {
		return log.Entry{}, false
	}
	return entryOf(g.win.at(index).e), true
}

// Heal takes the bytes of an entry, from whomever. They fill the hole if and only if they are those that were lost; an error
// says why not, and wraps [log.ErrMisfit]. An entry that is no hole any more is of no use and no error. The data must stay as
// it is from then on.
func (g *Group) Heal(e log.Entry) error {
	h := g.lost(e.Index)
	if h == nil {
		return nil
	}
	seq, err := g.store.Fill(g.cfg.Group, e)
	if err != nil {
		return fmt.Errorf("healing: %w", err)
	}
	h.seq = seq
	g.restored++
	g.win.fill(raftEntry(e))
	return nil
}

// lost returns the hole at an index whose bytes are lost, nil if there is none.
func (g *Group) lost(index uint64) *hole {
	i := g.searchHole(index)
	if i == len(g.holes) || g.holes[i].Index != index || g.holes[i].seq != 0 {
		return nil
	}
	return &g.holes[i]
}

func (g *Group) searchHole(index uint64) int {
	return sort.Search(len(g.holes), func(i int) bool { return g.holes[i].Index >= index })
}

// safe returns the last index before the first hole: nothing past it is committed or acknowledged here (R12).
func (g *Group) safe() uint64 {
	if len(g.holes) == 0 {
		return math.MaxUint64
	}
	return g.holes[0].Index - 1
}

// cutHoles forgets the holes that raft cut off: they are at or above an index that is overwritten.
func (g *Group) cutHoles(index uint64) { g.holes = g.holes[:g.searchHole(index)] }

// mend makes a message from a leader one that a log with holes can take; it reports whether there is anything left of it.
func (g *Group) mend(m *pb.Message, out *Out) bool {
	if len(g.holes) == 0 && !g.due {
		return true
	}
	if m.GetType() == pb.MsgApp {
		if g.settling() {
			return false // raft is to begin anew once all that is under way is durable; the leader sends it again
		}
		g.mendAppend(m, out)
	}
	m.Commit = new(min(m.GetCommit(), g.safe()))
	return true
}

// mendAppend takes from an append the bytes that fit holes. What would be appended behind one that stays is left out.
func (g *Group) mendAppend(m *pb.Message, out *Out) {
	for i, e := range m.GetEntries() {
		h := g.lost(e.GetIndex())
		if h == nil {
			continue
		}
		if e.GetTerm() != h.Term {
			break // another entry: raft cuts ours off, or refuses this
		}
		if err := g.Heal(entryOf(e)); err != nil {
			out.Notes = append(out.Notes, fmt.Sprintf("append from replica %x: %v: the rest of it is dropped", m.GetFrom(), err))
			m.Entries = m.Entries[:i]
			break
		}
	}
	if prev := m.GetIndex(); prev > g.win.known && prev <= g.win.last() && g.win.at(prev).e.GetTerm() == m.GetLogTerm() {
		// The logs agree up to prev, so they do before the hole. Said as an append that ends there, it tells the leader where
		// to go on, and what it sends next fills the hole.
		before := g.win.known
		term, err := g.win.Term(before)
		if err != nil {
			panic(fmt.Sprintf("invariant R3: group %d has no term of index %d: %v", g.cfg.Group, before, err))
		}
		m.Index, m.LogTerm, m.Entries = &before, &term, nil
	}
}

// clamp keeps an acknowledgement below the first hole (R12).
func (g *Group) clamp(m *pb.Message) {
	if m.GetType() == pb.MsgAppResp && !m.GetReject() && m.GetIndex() > g.safe() {
		m.Index = new(g.safe())
	}
}

// healed forgets the holes that are durably healed.
func (g *Group) healed(durable log.Seq) {
	if len(g.holes) == 0 {
		return
	}
	g.holes = slices.DeleteFunc(g.holes, func(h hole) bool { return h.seq != 0 && h.seq <= durable })
	// What was known to be committed before the crash is so still, and raft, which was told less, may not learn it by itself:
	// a configuration in it can be the one that elects the next leader.
	g.due = g.due || len(g.holes) == 0 && g.known > g.commit
}

// covers reports whether the snapshot that waits stands for a prefix of our own log, with a hole in it: its mark takes that
// prefix's place, and what is behind stays.
func (g *Group) covers() bool {
	if g.snap == nil || len(g.holes) == 0 {
		return false
	}
	m := &g.snap.mark
	if m.Index <= g.applied || m.Index <= g.safe() {
		return false
	}
	t, err := g.win.Term(m.Index)
	return err == nil && t == m.Term
}

// Offer offers our own mark as of now to a replica that lost entries, where nobody has them as such any more, or has their
// bytes: they may be deleted already (S5a). Anyone may: the replica takes it if and only if its own log has that running hash
// there. So a group heals that can have no leader before. It is none of raft's MsgSnaps, has no term, and no ReportSnapshot
// ends it. It reports whether there is an offer now.
func (g *Group) Offer(replica uint64, out *Out) bool {
	if replica == g.cfg.ID || g.snaps[replica] != nil || !g.conf.Has(replica) {
		return false
	}
	s, err := g.snapshot()
	if err != nil {
		return false
	}
	g.offer(&pb.Message{Type: pb.MsgSnap.Enum(), From: new(g.cfg.ID), To: &replica, Term: new(uint64(0)), Snapshot: s}, out)
	g.snaps[replica].asked = true
	return true
}

// isMark tells an offered mark from a leader's snapshot, which has a term.
func isMark(m *pb.Message) bool { return m.GetTerm() == 0 }

// offeredMark takes a mark that a peer offered, unless a leader's snapshot is on its way.
func (g *Group) offeredMark(m *pb.Message, mark log.Mark) {
	was := g.snap
	if was != nil && (!isMark(was.m) || was.mark.Index > mark.Index) {
		return
	}
	if g.snap = (&incoming{m, mark}); !g.covers() {
		g.snap = was
	}
}

// settling reports whether raft is to begin anew: nothing may be under way then.
func (g *Group) settling() bool { return g.due || g.covers() && g.complete() }

// settled reports whether nothing is under way: all that was staged is durable, and said.
func (g *Group) settled() bool {
	return !g.rn.HasReady() && len(g.held) == 0 && len(g.writes) == 0 && g.store.Staged(g.cfg.Group) <= g.store.Durable()
}

// adopt takes the mark of the snapshot that covers holes.
func (g *Group) adopt(out *Out) {
	mark, cs := g.snap.mark, g.snap.m.GetSnapshot().GetMetadata().GetConfState()
	if h, ok := g.store.EntryHash(g.cfg.Group, mark.Index); !ok || h != mark.EntryHash {
		out.Notes = append(out.Notes, fmt.Sprintf("group %d: snapshot at index %d term %d from replica %x has running hash %016x, the log has %016x there: not taken",
			g.cfg.Group, mark.Index, mark.Term, g.snap.m.GetFrom(), mark.EntryHash, h))
		g.snap = nil
		return
	}
	mark.LogStart = max(mark.LogStart, min(g.floor, mark.LogEnd)) // R11
	seq := g.store.Supersede(g.cfg.Group, mark)
	for i := range g.holes {
		if g.holes[i].Index <= mark.Index {
			g.holes[i].seq = seq
		}
	}
	g.win.rebase(mark, g.prod.begin(&mark, g.cfg.Plain))
	if isMark(g.snap.m) {
		g.snap = nil // a leader's is stepped once this is durable, so that raft answers it
	}
	g.follows(mark, cs, out)
	g.renew(mark.Index)
}

// renew starts raft anew on the window, as a restart of the process would: at a commit index that it can't be told otherwise.
func (g *Group) renew(commit uint64) {
	if g.rn.HasReady() || len(g.held)+len(g.writes) > 0 {
		panic(fmt.Sprintf("invariant R12: group %d starts raft anew with %d messages and %d writes under way", g.cfg.Group, len(g.held), len(g.writes)))
	}
	st := g.rn.BasicStatus()
	g.win.hard = &pb.HardState{Term: new(st.GetTerm()), Vote: new(st.GetVote()), Commit: new(max(commit, st.GetCommit()))}
	g.win.conf = g.confs[len(g.confs)-1].conf
	rn, err := raft.NewRawNode(g.raftConfig())
	if err != nil {
		panic(fmt.Sprintf("group %d: raft can't start anew at index %d: %v", g.cfg.Group, commit, err))
	}
	g.rn, g.due = rn, false
}

// resume brings raft to the commit index that was durable before the start, once no hole is in the way.
func (g *Group) resume(out *Out) {
	if g.due && g.settled() {
		g.renew(min(g.known, g.win.last()))
		g.drain(out)
	}
}

func entryOf(e *pb.Entry) log.Entry {
	return log.Entry{Index: e.GetIndex(), Term: e.GetTerm(), Type: log.EntryType(e.GetType()), Data: e.Data}
}

func raftEntry(e log.Entry) *pb.Entry {
	return &pb.Entry{Index: new(e.Index), Term: new(e.Term), Type: pb.EntryType(e.Type).Enum(), Data: e.Data}
}
