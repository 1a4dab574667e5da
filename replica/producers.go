package replica

import (
	"encoding/binary"
	"fmt"

	pb "go.etcd.io/raft/v3/raftpb"

	"logd/log"
	"logd/replica/producer"
)

// The producers of a partition follow from its log (R15). Three tables are kept, of entries that they share:
//
//	  marked                 applied              known
//	────┬───────────────────────┬───────────────────┬───────
//	    │ base: what a mark     │ applied: what is  │ tip: what a leader goes by,
//	    │ says, moved by        │ committed, what a │ uncommitted tail included; made
//	    │ flushes               │ snapshot says     │ anew where raft cuts the tail
type producers struct {
	base    *producer.Table
	at      uint64 // of base; window.index <= at <= applied
	applied *producer.Table
}

// passBytes is the length of a command of kind 2 (command.go).
const passBytes = 17

func passCommand(elapsed, before uint64) []byte {
	b := binary.BigEndian.AppendUint64([]byte{commandPass}, elapsed)
	return binary.BigEndian.AppendUint64(b, before)
}

// passOf returns what a command says of time that has passed; false if it isn't of that kind.
func passOf(e *pb.Entry) (elapsed, before uint64, ok bool) {
	if len(e.Data) != passBytes || e.Data[0] != commandPass {
		return 0, 0, false
	}
	return binary.BigEndian.Uint64(e.Data[1:]), binary.BigEndian.Uint64(e.Data[9:]), true
}

// follow has a table take an entry that is whole.
func follow(t *producer.Table, e *pb.Entry) {
	if isBatch(e) {
		b, _, err := log.ParseBatch(e.Data)
		if err != nil {
			panic(fmt.Sprintf("invariant R4: entry %d is no batch any more: %v", e.GetIndex(), err))
		}
		t.Append(b)
	} else if elapsed, before, ok := passOf(e); ok && isCommand(e) {
		t.Pass(elapsed, before)
	}
}

// retip makes the tip anew, after index known.
func (w *window) retip() {
	table, at := w.done()
	w.tip = table.Clone()
	for i := at + 1; i <= w.known; i++ {
		follow(w.tip, w.at(i).e)
	}
}

// producersOf reads the table of a mark. Marks of an older logd have none: it served no such producers.
func producersOf(m *log.Mark, plain bool) (*producer.Table, error) {
	if plain {
		return producer.NewTable(), nil
	}
	t, err := producer.Decode(m.App)
	if err != nil {
		return nil, fmt.Errorf("mark at index %d: %w", m.Index, err)
	}
	return t, nil
}

// begin has the producers be those of a mark that was checked; it returns a table for the window's tip.
func (p *producers) begin(m *log.Mark, plain bool) *producer.Table {
	t, err := producersOf(m, plain)
	if err != nil {
		panic(fmt.Sprintf("invariant R15: %v", err))
	}
	p.base, p.at, p.applied = t, m.Index, t.Clone()
	return t.Clone()
}

// stateAt returns what a mark at an index that was applied says beside the log: the state machine's state, or the producers.
func (g *Group) stateAt(index uint64) []byte {
	switch {
	case g.cfg.App != nil:
		return g.cfg.App()
	case g.cfg.Plain:
		return nil
	case index == g.applied:
		return g.prod.applied.Encode()
	case index < g.prod.at || index > g.applied:
		panic(fmt.Sprintf("invariant R15: group %d marks index %d, producers are known from %d to %d", g.cfg.Group, index, g.prod.at, g.applied))
	}
	for g.prod.at < index {
		g.prod.at++
		follow(g.prod.base, g.win.at(g.prod.at).e)
	}
	return g.prod.base.Encode()
}

// markedAt has later marks begin from one that is being made.
func (g *Group) markedAt(index uint64) {
	if !g.cfg.Plain && index == g.applied {
		g.prod.base, g.prod.at = g.prod.applied.Clone(), index
	}
}

// Producers returns the partition's producers as a leader goes by them, uncommitted batches included. It is valid until the next
// Collect, and not to be changed.
func (g *Group) Producers() *producer.Table { return g.win.tip }

// Committed returns the producers as of what was applied; not to be changed.
func (g *Group) Committed() *producer.Table { return g.prod.applied }

// EntryAt returns index and term of the entry whose batch contains an offset, committed or not, if it is in memory.
func (g *Group) EntryAt(offset int64) (index, term uint64, ok bool) {
	if index, ok = g.win.find(offset, g.win.last()); ok {
		term = g.win.at(index).e.GetTerm()
	}
	return index, term, ok
}

// LogEnd returns the offset that the next batch gets, as far as is known here.
func (g *Group) LogEnd() int64 { return g.win.logEnd() }

// Pass proposes that so many ms have passed, and that producers which were last seen before a time of the table's clock are
// forgotten. As with [Group.Propose], Collect comes before the next proposal; an error means that nothing has happened:
// ErrNotLeader, ErrDropped.
func (g *Group) Pass(term, elapsed, before uint64) error {
	switch {
	case g.cfg.Plain:
		return fmt.Errorf("group %d: only a partition's log has producers", g.cfg.Group)
	case !g.leader || g.term != term:
		return fmt.Errorf("%w: group %d is at term %d", ErrNotLeader, g.cfg.Group, g.term)
	}
	return g.propose([]*pb.Entry{{Data: passCommand(elapsed, before)}})
}
