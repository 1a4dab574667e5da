package replica

import (
	"fmt"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"

	"logd/log"
)

// Catch-up of a follower behind the leader's window (S11):
//
//	leader                         follower
//	MsgSnap {index, mark} ───────► kept aside, not stepped
//	         ◄──────────────────── Want: range from where its segments end
//	range of committed batches ──► hash checked, segment, sync        (again, until the mark's log end)
//	                               one that begins where the log starts: the segments start anew there
//	                               MsgSnap stepped: one WAL record switches mark and log
//	         ◄──────────────────── MsgAppResp

// segment is where a group's segments end, and the batch hash there.
type segment struct {
	end  int64
	hash uint64
}

// incoming is a MsgSnap that waits for its batches.
type incoming struct {
	m    *pb.Message
	mark log.Mark
}

// offer is a MsgSnap sent to a follower that has not ended yet.
type offer struct {
	index    uint64 // of the snapshot: entries after it stay in the window until the offer ends
	start    int64  // its log start: what lies from there on stays in segments until then
	from     int64  // the highest offset that was asked for
	deadline int    // in ticks; progress extends it
	asked    bool   // a mark for a replica that lost entries, without raft's knowledge: see [Group.Offer]
}

// Want is a range of committed batches that a follower needs from its leader.
type Want struct {
	Leader   uint64 // replica id
	From, To int64  // offsets
}

// snapshot describes the state as of now for a follower: raft calls it through the window. What was given out in the same
// turn may not be in the state machine yet; its state is not that of the applied index then, and raft asks again.
func (g *Group) snapshot() (*pb.Snapshot, error) {
	if g.cfg.App != nil && (g.ahead || g.arriving != nil) {
		return nil, raft.ErrSnapshotTemporarilyUnavailable
	}
	m := g.markAt(g.applied)
	cs, err := decodeConf(m.Conf)
	if err != nil {
		panic(fmt.Sprintf("group %d: own configuration can't be decoded: %v", g.cfg.Group, err))
	}
	return &pb.Snapshot{Data: encodeMark(m), Metadata: &pb.SnapshotMetadata{ConfState: cs, Index: &m.Index, Term: &m.Term}}, nil
}

// offer sends a MsgSnap and remembers it, so that it ends in exactly one ReportSnapshot (R9).
func (g *Group) offer(m *pb.Message, out *Out) {
	mark, err := markOf(m.GetSnapshot())
	if err != nil {
		panic(fmt.Sprintf("group %d: own snapshot can't be decoded: %v", g.cfg.Group, err))
	}
	g.snaps[m.GetTo()] = &offer{index: mark.Index, start: mark.LogStart, from: -1, deadline: g.ticks + g.cfg.Limits.TransferTicks}
	out.Messages = append(out.Messages, m)
}

// settleOffer ends an offer once the follower has the snapshot, or raft itself took it out of its snapshot state. raft doesn't where the
// window has moved on meanwhile, past what follows the snapshot: then the follower is to be offered a later one, and not to wait till this
// one has expired.
func (g *Group) settleOffer(m *pb.Message) {
	follower := m.GetFrom()
	o := g.snaps[follower]
	if o == nil {
		return
	}
	ended := !m.GetReject() && m.GetIndex() >= o.index
	if !o.asked {
		g.rn.WithProgress(func(id uint64, _ raft.ProgressType, pr progress) {
			if id == follower {
				ended = pr.State != stateSnapshot || pr.Match >= o.index
			}
		})
	}
	if !ended {
		return
	}
	delete(g.snaps, follower)
	if !o.asked {
		g.rn.ReportSnapshot(follower, raft.SnapshotFinish)
	}
}

// expireOffers fails the transfers that have asked for nothing for too long: raft probes the follower again.
func (g *Group) expireOffers() {
	for _, id := range sortedKeys(g.snaps) {
		if g.ticks >= g.snaps[id].deadline {
			asked := g.snaps[id].asked
			delete(g.snaps, id)
			if !asked {
				g.rn.ReportSnapshot(id, raft.SnapshotFailure)
			}
		}
	}
}

// offered takes a MsgSnap from the leader: stepped at once if nothing is missing, else kept aside until it is here (R9).
func (g *Group) offered(m *pb.Message, out *Out) {
	mark, err := markOf(m.GetSnapshot())
	if err == nil {
		_, err = producersOf(&mark, g.cfg.Plain)
	}
	if err != nil {
		out.Notes = append(out.Notes, fmt.Sprintf("group %d: snapshot from replica %x: %v", g.cfg.Group, m.GetFrom(), err))
		return
	}
	if isMark(m) {
		g.offeredMark(m, mark)
		return
	}
	if m.GetTerm() < g.term {
		_ = g.rn.Step(m) // raft answers a leader of the past by itself
		return
	}
	if g.snap == nil || m.GetTerm() > g.snap.m.GetTerm() || mark.Index > g.snap.mark.Index {
		g.snap = &incoming{m, mark}
		if g.snap.mark.Index > g.applied {
			out.Notes = append(out.Notes, fmt.Sprintf("group %d: catching up from offset %d to %d, index %d to %d, from replica %x",
				g.cfg.Group, g.seg.end, mark.LogEnd, g.applied, mark.Index, m.GetFrom()))
		}
	}
}

// install steps a MsgSnap whose batches are all in synced segments; what it does to the log arrives with the next Ready.
func (g *Group) install(out *Out) {
	if g.snap != nil && isMark(g.snap.m) && !g.covers() {
		g.snap = nil // healed otherwise, or cut off
	}
	g.skipAll()
	for g.snap != nil && g.complete() {
		switch {
		case !g.proven():
			g.refuted(out)
		case g.covers():
			if !g.settled() {
				return
			}
			g.adopt(out)
		case len(g.holes) > 0 && g.holes[0].Index <= g.applied:
			return // its own mark is not durable yet: only then raft may say so
		default:
			m := g.snap.m
			g.snap = nil
			_ = g.rn.Step(m)
		}
		g.drain(out)
	}
}

// proven reports whether the segments' batches are those of the snapshot that waits, as far as is known. What a transfer
// brings is checked when it comes; what was there already, before a restart or from another leader, is checked here.
func (g *Group) proven() bool {
	m := &g.snap.mark
	if g.cfg.Plain || m.Index <= g.applied {
		return true
	}
	hash, ok := g.seg.hash, g.seg.end == m.LogEnd
	if !ok {
		hash, ok = g.store.HashAt(g.cfg.Group, m.LogEnd)
	}
	return !ok || hash == m.BatchHash
}

// refuted has what a transfer brought asked of peers once more, where the snapshot's hash says that something of it is none of the
// snapshot's batches: a leader epoch has rotted, here or where it came from, which no checksum covers. Else nothing would ever fit.
func (g *Group) refuted(out *Out) {
	m, again := &g.snap.mark, "not taken; scrub this replica and that one"
	if g.store.Refute(g.cfg.Group, *m) {
		again = "they are lost, and asked for again"
		g.seg.hash = m.BatchHash
	}
	out.Notes = append(out.Notes, fmt.Sprintf("group %d: the segments' batches up to offset %d have another hash than the snapshot of replica %x, %016x: %s",
		g.cfg.Group, m.LogEnd, g.snap.m.GetFrom(), m.BatchHash, again))
	if !g.proven() {
		g.snap = nil
	}
}

// complete reports whether nothing is missing for the snapshot that waits.
func (g *Group) complete() bool {
	if g.snap.mark.Index <= g.applied {
		return true
	}
	return !g.store.Flushing(g.cfg.Group) && (g.cfg.Plain || g.store.SegmentEnd(g.cfg.Group) >= g.snap.mark.LogEnd)
}

// Want returns what a transfer needs next; false while nothing is needed or bytes are on their way to disk.
func (g *Group) Want() (Want, bool) {
	if g.snap == nil || g.complete() || g.store.Flushing(g.cfg.Group) || g.store.SegmentEnd(g.cfg.Group) != g.seg.end {
		return Want{}, false
	}
	return Want{g.snap.m.GetFrom(), g.seg.end, g.snap.mark.LogEnd}, true
}

// installed switches window and store to a snapshot that raft accepted.
func (g *Group) installed(s *pb.Snapshot, out *Out) {
	mark, err := markOf(s)
	if err != nil {
		panic(fmt.Sprintf("group %d: snapshot was checked when it came: %v", g.cfg.Group, err))
	}
	if end := g.store.SegmentEnd(g.cfg.Group); !g.cfg.Plain && end < mark.LogEnd {
		panic(fmt.Sprintf("invariant R9: group %d installs a snapshot with log end %d, segments end at %d", g.cfg.Group, mark.LogEnd, end))
	}
	if mark.Index <= g.applied {
		panic(fmt.Sprintf("invariant R10: group %d installs index %d after applying %d", g.cfg.Group, mark.Index, g.applied))
	}
	mark.LogStart = max(mark.LogStart, min(g.floor, mark.LogEnd)) // R11
	seq := g.store.Install(g.cfg.Group, mark)
	g.win.reset(mark, g.prod.begin(&mark, g.cfg.Plain))
	g.cutHoles(0)
	g.covered = mark.Index - 1
	g.stable, g.writes = min(g.stable, mark.Index), append(g.writes[:0], write{seq, mark.Index})
	if g.cfg.App != nil {
		g.arriving = &arrival{seq, mark, g.Applied()}
	}
	g.follows(mark, s.GetMetadata().GetConfState(), out)
}

// arrival is a snapshot of a state machine that is staged: people are answered by that state only once it is durable, since a crash would
// bring the one before it back. raft gives nothing out that follows till then.
type arrival struct {
	seq  log.Seq
	mark log.Mark
	from uint64 // what was given out before
}

// arrives gives the state of a snapshot out once it is durable.
func (g *Group) arrives(durable log.Seq, out *Out) {
	if a := g.arriving; a != nil && a.seq <= durable {
		g.arriving = nil
		out.Installed, out.Applied, out.Changed = &a.mark, nil, true
	}
}

// follows has the replica go on behind a mark that a snapshot brought.
func (g *Group) follows(mark log.Mark, cs *pb.ConfState, out *Out) {
	g.installs++
	g.applied, g.marked, g.markedStart = mark.Index, mark.Index, mark.LogStart
	g.confs, g.conf = append(g.confs[:0], confAt{mark.Index, cs}), confOf(cs)
	g.ahead = false
	g.seekChange()
	if out.Changed = true; g.arriving == nil {
		out.Installed, out.Applied = &mark, nil
	}
}
