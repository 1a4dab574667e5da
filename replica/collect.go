package replica

import (
	"encoding/binary"
	"fmt"
	"slices"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"logd/log"
)

// Collect takes everything that raft has ready: stages writes, applies what is committed, and gives out what may be sent.
// It is called after each proposal (R5) and at the end of a turn, and again when Durable() rose.
func (g *Group) Collect(out *Out) {
	g.drain(out)
	g.install(out)
	g.resume(out)
	if g.observe() {
		out.Changed = true
	}
}

// drain takes what raft has ready until it has no more, and nothing more is durable.
func (g *Group) drain(out *Out) {
	for {
		released, ready := g.release(out), g.rn.HasReady()
		if ready {
			g.ready(g.rn.Ready(), out)
		}
		if !released && !ready {
			return
		}
	}
}

// Busy reports whether something waits for a write, so that Collect is due when Durable() rises.
func (g *Group) Busy() bool {
	return len(g.held) > 0 || len(g.writes) > 0 || g.snap != nil || len(g.holes) > 0 || g.due
}

// ready handles one Ready: local storage first, so that a vote request in it is held behind the write of its term (R1).
func (g *Group) ready(rd raft.Ready, out *Out) {
	for _, m := range rd.Messages {
		if m.GetTo() == raft.LocalAppendThread {
			g.stage(m, out)
		}
	}
	for _, m := range rd.Messages {
		switch {
		case m.GetTo() == raft.LocalAppendThread:
		case m.GetTo() == raft.LocalApplyThread:
			g.apply(m, out)
		case m.GetType() == pb.MsgVote:
			g.hold(m)
		case m.GetType() == pb.MsgSnap:
			g.offer(m, out)
		default:
			g.send(m, out)
		}
	}
	for _, rs := range rd.ReadStates {
		if len(rs.RequestCtx) == 16 && binary.LittleEndian.Uint64(rs.RequestCtx) == g.cfg.Boot {
			context := binary.LittleEndian.Uint64(rs.RequestCtx[8:])
			if context <= g.confirmed || context > g.reads {
				panic(fmt.Sprintf("invariant R8: group %d: read context %d is confirmed, the last one was %d, %d were given", g.cfg.Group, context, g.confirmed, g.reads))
			}
			g.confirmed = context
			out.Reads = append(out.Reads, ReadState{context, rs.Index})
		}
	}
}

// stage takes a MsgStorageAppend: snapshot, entries and hard state into the window and the store, in raft's order, and its
// responses to where they wait.
func (g *Group) stage(m *pb.Message, out *Out) {
	if m.GetSnapshot() != nil {
		g.installed(m.GetSnapshot(), out)
	}
	if es := m.GetEntries(); len(es) > 0 {
		g.stageEntries(es, m)
	}
	if m.Term != nil {
		st := log.State{Term: m.GetTerm(), Vote: m.GetVote(), Commit: m.GetCommit()}
		// Commit alone needs no write: recovery may start from an older one, raft learns it anew (safety.md, S10). But what a restart
		// doesn't know to be committed can't be flushed, and the WAL must have room to copy it (L11): so it is written now and then,
		// with the very entries that it speaks of.
		if st.Term != g.hard.Term || st.Vote != g.hard.Vote || g.commitDue(st.Commit) {
			g.setState(st)
		}
		g.hard = st
	}
	for _, r := range m.GetResponses() {
		g.hold(r)
	}
}

// stageEntries takes a MsgStorageAppend's entries, a burst of them in parts (L11). Each part is durable by itself, and raft is told so: what
// is committed of it can be applied and flushed while the WAL has no room for the rest. And where some are committed already, that is said
// in between, since a crash may leave some parts.
func (g *Group) stageEntries(es []*pb.Entry, m *pb.Message) {
	g.win.append(es)
	g.cutHoles(es[0].GetIndex())
	g.noteChange(es)
	g.stable = min(g.stable, es[0].GetIndex()-1)
	for i := range g.writes { // a write under way counts only up to where it was overwritten
		g.writes[i].index = min(g.writes[i].index, es[0].GetIndex()-1)
	}
	for rest := entriesOf(es); len(rest) > 0; {
		n := share(rest, g.store.MaxEntry()/commitShare)
		last := &rest[n-1]
		g.writes = append(g.writes, write{g.store.Append(g.cfg.Group, rest[:n]), last.Index})
		if rest = rest[n:]; len(rest) == 0 {
			return
		}
		g.hold(partOf(m, last))
		if commit := min(m.GetCommit(), last.Index); m.Term != nil && g.commitDue(commit) {
			g.setState(log.State{Term: m.GetTerm(), Vote: m.GetVote(), Commit: commit})
		}
	}
}

// partOf is the answer to a MsgStorageAppend that says of its entries those up to one, and nothing of what else is in it.
func partOf(m *pb.Message, e *log.Entry) *pb.Message {
	all := m.GetResponses()
	at := slices.IndexFunc(all, func(r *pb.Message) bool { return r.GetType() == pb.MsgStorageAppendResp })
	if at < 0 {
		panic(fmt.Sprintf("raft: entries up to %d are to be stored, and nothing is to be said of it", e.Index))
	}
	r := all[at]
	return &pb.Message{Type: r.Type, To: r.To, From: r.From, Term: r.Term, Index: new(e.Index), LogTerm: new(e.Term)}
}

// share is how many of the entries, one at least, have bytes in all.
func share(es []log.Entry, bytes int) int {
	for i := range es {
		if bytes -= len(es[i].Data); bytes <= 0 {
			return i + 1
		}
	}
	return len(es)
}

// commitShare is the part of what may be uncommitted in a store that one group may have committed and not written so.
const commitShare = 16

// commitDue reports whether so much was committed since the commit index was written that it is to be written again.
func (g *Group) commitDue(commit uint64) bool {
	flushed, _ := g.store.FlushedTo(g.cfg.Group)
	to, from := min(commit, g.win.last()), max(g.saved, flushed, g.win.index)
	return to > from && g.win.sumAt(to)-g.win.sumAt(from) >= uint64(g.store.MaxEntry()/commitShare)
}

// hold keeps a message until everything staged for the group so far is durable (R1, R2).
func (g *Group) hold(m *pb.Message) {
	g.clamp(m)
	g.held = append(g.held, held{g.store.Staged(g.cfg.Group), m})
}

// release lets go of what waited and is durable now; it reports whether there was any.
func (g *Group) release(out *Out) bool {
	durable := g.store.Durable()
	g.healed(durable)
	g.arrives(durable, out)
	for len(g.writes) > 0 && g.writes[0].seq <= durable {
		g.stable = max(g.stable, g.writes[0].index)
		g.writes = slices.Delete(g.writes, 0, 1)
	}
	for len(g.saving) > 0 && g.saving[0].seq <= durable {
		g.kept, g.saving = g.saving[0].st, g.saving[1:]
	}
	n := 0
	for n < len(g.held) && g.held[n].seq <= durable {
		n++
	}
	if n == 0 {
		return false
	}
	for _, h := range g.held[:n] {
		if h.m.GetTo() == g.cfg.ID {
			g.durably(h.m)
			_ = g.rn.Step(h.m) // a response of an older term is dropped by raft
		} else {
			g.send(h.m, out)
		}
	}
	g.held = slices.Delete(g.held, 0, n) // none was added meanwhile: raft hands over in Ready
	return true
}

// apply gives out committed entries, in order, and follows configuration changes.
func (g *Group) apply(m *pb.Message, out *Out) {
	for _, e := range m.GetEntries() {
		if e.GetIndex() != g.applied+1 || g.arriving != nil {
			panic(fmt.Sprintf("invariant R10: group %d applies %d after %d, a snapshot on its way to disk: %t", g.cfg.Group, e.GetIndex(), g.applied, g.arriving != nil))
		}
		if e.GetIndex() > g.safe() {
			panic(fmt.Sprintf("invariant R12: group %d applies %d, an entry after %d is a hole", g.cfg.Group, e.GetIndex(), g.safe()))
		}
		g.applied = e.GetIndex()
		if !g.cfg.Plain {
			follow(g.prod.applied, e)
		}
		switch e.GetType() {
		case pb.EntryConfChange, pb.EntryConfChangeV2:
			g.reconfigure(e)
			out.Changed = true
		case pb.EntryNormal:
			switch {
			case len(e.Data) == 0:
			case !g.cfg.Plain && isCommand(e):
				g.command(e, out)
			default:
				out.Applied, g.ahead = append(out.Applied, e), true
			}
		}
	}
	for _, r := range m.GetResponses() {
		_ = g.rn.Step(r)
	}
}

// reconfigure applies a configuration change at its place in the log, never before (M16).
func (g *Group) reconfigure(e *pb.Entry) {
	var cc pb.ConfChangeV2
	if err := proto.Unmarshal(e.Data, &cc); err != nil || e.GetType() != pb.EntryConfChangeV2 {
		panic(fmt.Sprintf("group %d: committed entry %d of type %s is no configuration change: %v", g.cfg.Group, e.GetIndex(), e.GetType(), err))
	}
	cs := g.rn.ApplyConfChange(&cc)
	g.confs, g.conf = append(g.confs, confAt{e.GetIndex(), cs}), confOf(cs)
	// raft acts on a configuration once it is applied, so a restart must not go back behind it: it could need the votes of
	// replicas that are gone for good. This commit index is therefore written, unlike any other.
	st := g.hard
	st.Commit = e.GetIndex()
	g.setState(st)
}

// setState writes term, vote and commit; that one never goes back behind what was durable at the start.
func (g *Group) setState(st log.State) {
	st.Commit = max(st.Commit, g.known)
	g.saved = max(g.saved, st.Commit)
	seq := g.store.SetState(g.cfg.Group, st)
	if last := g.lastSaving(); st.Term != last.Term || st.Vote != last.Vote {
		g.saving = append(g.saving, saving{seq, st})
	}
}

// lastSaving is the term and vote that was staged last.
func (g *Group) lastSaving() log.State {
	if n := len(g.saving); n > 0 {
		return g.saving[n-1].st
	}
	return g.kept
}

func entriesOf(es []*pb.Entry) []log.Entry {
	out := make([]log.Entry, len(es))
	for i, e := range es {
		out[i] = entryOf(e)
	}
	return out
}
