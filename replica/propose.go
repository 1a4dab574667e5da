package replica

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"

	"logd/log"
)

var (
	// ErrNotLeader means that nothing was proposed: this replica does not lead, or not in the term that was meant.
	ErrNotLeader = errors.New("replica: not leader")
	// ErrDropped means that nothing was proposed: too much is uncommitted, or leadership is being handed over.
	ErrDropped = errors.New("replica: proposal dropped")
)

// Proposal is where proposed entries will stand if they are committed.
type Proposal struct {
	Term   uint64
	Index  uint64 // of the first entry
	Offset int64  // base offset of the first batch
}

// Propose stamps batches with their base offsets and the leader epoch and proposes them, in one step (S9, R5). On success
// the log end has moved and the caller calls Collect before the next Propose; on an error nothing has happened:
// ErrNotLeader, ErrDropped. The batches are changed in place and must stay as they are from then on.
func (g *Group) Propose(term uint64, batches [][]byte) (Proposal, error) {
	if !g.leader || g.term != term {
		return Proposal{}, fmt.Errorf("%w: group %d is at term %d", ErrNotLeader, g.cfg.Group, g.term)
	}
	if g.rn.HasReady() {
		panic(fmt.Sprintf("invariant R5: group %d proposes with a Ready not collected", g.cfg.Group))
	}
	p := Proposal{Term: term, Index: g.win.last() + 1, Offset: g.win.logEnd()}
	end := p.Offset
	es := make([]*pb.Entry, len(batches))
	for i, b := range batches {
		if !g.cfg.Plain {
			log.Stamp(b, end, int32(term))
			h, _, err := log.ParseBatch(b)
			if err != nil {
				panic(fmt.Sprintf("group %d: a batch that was not validated is proposed: %v", g.cfg.Group, err))
			}
			end = h.NextOffset()
		}
		es[i] = &pb.Entry{Data: b}
	}
	return p, g.propose(es)
}

func (g *Group) propose(es []*pb.Entry) error {
	err := g.rn.Step(&pb.Message{Type: pb.MsgProp.Enum(), From: new(g.cfg.ID), Entries: es})
	switch {
	case err == nil:
		return nil
	case errors.Is(err, raft.ErrProposalDropped):
		return fmt.Errorf("%w: group %d", ErrDropped, g.cfg.Group)
	}
	return fmt.Errorf("%w: group %d: %w", ErrNotLeader, g.cfg.Group, err)
}

// ReadIndex asks for a read index; its context comes back in Out.Reads unless raft drops it silently, so the caller keeps a
// deadline and watches the term (S13). ErrNotLeader if this replica does not lead or hasn't committed in its term (R8).
func (g *Group) ReadIndex() (uint64, error) {
	if !g.leader || !g.committedInTerm() {
		return 0, fmt.Errorf("%w: group %d is at term %d", ErrNotLeader, g.cfg.Group, g.term)
	}
	g.reads++
	ctx := binary.LittleEndian.AppendUint64(nil, g.cfg.Boot)
	g.rn.ReadIndex(binary.LittleEndian.AppendUint64(ctx, g.reads))
	return g.reads, nil
}

// ReadContext returns the last context that was given, 0 before the first.
func (g *Group) ReadContext() uint64 { return g.reads }

func (g *Group) committedInTerm() bool {
	t, err := g.win.Term(g.commit)
	return err == nil && t == g.term
}

// HandOver asks raft to move leadership to the follower that is furthest, of those that answer. One that has just ended counts
// among these for up to an election timeout, so a later attempt asks the next one. It reports the replica chosen, 0 if none.
func (g *Group) HandOver(attempt int) uint64 {
	if !g.leader {
		return 0
	}
	type follower struct{ id, match uint64 }
	var followers []follower
	g.rn.WithProgress(func(id uint64, typ raft.ProgressType, pr progress) {
		if id != g.cfg.ID && typ == raft.ProgressTypePeer && pr.RecentActive && pr.Match > 0 {
			followers = append(followers, follower{id, pr.Match})
		}
	})
	if len(followers) == 0 {
		return 0
	}
	slices.SortFunc(followers, func(a, b follower) int { return cmp.Or(cmp.Compare(b.match, a.match), cmp.Compare(a.id, b.id)) })
	next := followers[attempt%len(followers)].id
	g.rn.TransferLeader(next)
	return next
}
