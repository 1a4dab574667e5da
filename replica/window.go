package replica

import (
	"fmt"
	"slices"
	"sort"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"

	"logd/log"
	"logd/replica/producer"
)

// slot is one entry in memory with what follows from it.
type slot struct {
	e     *pb.Entry
	lost  bool   // its bytes are (S5a)
	end   int64  // log end after this entry
	start int64  // log start after this entry; start <= end
	hash  uint64 // batch hash after this entry (G11); end, start and hash hold up to window.known
	sum   uint64 // bytes of all entries up to this one, since the window began
}

// window is the recent tail of a group's log in memory: raft's Storage, which never touches the disk and so never fails.
//
//	  evicted            window                    unstable in raft as well
//	─────────────┬──────────────────────┬─────────────────────────┐
//	        base ┤ slots[0] …           │                 … last  │
//	             FirstIndex = base.index+1
type window struct {
	index uint64 // base: the index before slots[0]
	term  uint64 // its term
	end   int64  // log end after it
	start int64  // log start after it
	hash  uint64 // batch hash after it
	sum   uint64 // the base's sum
	slots []slot
	known uint64                           // index <= known <= last(): no bytes are lost up to here, so what follows from the entries is known
	plain bool                             // entries are commands, not batches, and take no offsets
	tip   *producer.Table                  // producers after index known, and
	done  func() (*producer.Table, uint64) // those that were applied, and up to which index; index <= that

	hard *pb.HardState
	conf *pb.ConfState
	snap func() (*pb.Snapshot, error)
}

var _ raft.Storage = (*window)(nil)

func (w *window) InitialState() (*pb.HardState, *pb.ConfState, error) { return w.hard, w.conf, nil }

func (w *window) FirstIndex() (uint64, error) { return w.index + 1, nil }

func (w *window) LastIndex() (uint64, error) { return w.last(), nil }

func (w *window) last() uint64 { return w.index + uint64(len(w.slots)) }

func (w *window) Term(i uint64) (uint64, error) {
	switch {
	case i < w.index:
		return 0, raft.ErrCompacted
	case i == w.index:
		return w.term, nil
	case i > w.last():
		return 0, raft.ErrUnavailable
	}
	return w.at(i).e.GetTerm(), nil
}

// Entries returns [lo, hi), cut where the sum of the payloads would pass maxSize, but at least one.
func (w *window) Entries(lo, hi, maxSize uint64) ([]*pb.Entry, error) {
	if lo <= w.index {
		return nil, raft.ErrCompacted
	}
	if hi > w.last()+1 {
		return nil, raft.ErrUnavailable
	}
	var size uint64
	es := make([]*pb.Entry, 0, hi-lo)
	for i := lo; i < hi; i++ {
		if w.at(i).lost {
			panic(fmt.Sprintf("invariant R12: raft reads entry %d, whose bytes are lost", i))
		}
		e := w.at(i).e
		size += uint64(len(e.Data)) + entryOverhead
		if len(es) > 0 && size > maxSize {
			break
		}
		es = append(es, e)
	}
	return es, nil
}

// entryOverhead is about what an entry's index, term and type cost beside its data.
const entryOverhead = 16

func (w *window) Snapshot() (*pb.Snapshot, error) { return w.snap() }

// at returns the slot of an index that is in the window.
func (w *window) at(i uint64) *slot {
	if i <= w.index || i > w.last() {
		panic(fmt.Sprintf("invariant R3: index %d outside of window (%d, %d]", i, w.index, w.last()))
	}
	return &w.slots[i-w.index-1]
}

// endAt returns the log end after index i, and whether the window knows it.
func (w *window) endAt(i uint64) (int64, bool) {
	if i == w.index {
		return w.end, true
	}
	if i < w.index || i > w.known {
		return 0, false
	}
	return w.at(i).end, true
}

// startAt returns the log start after index i <= known, which is in the window or its base.
func (w *window) startAt(i uint64) int64 {
	if i == w.index {
		return w.start
	}
	return w.at(i).start
}

// hashAt returns the batch hash after index i <= known, which is in the window or its base.
func (w *window) hashAt(i uint64) uint64 {
	if i == w.index {
		return w.hash
	}
	return w.at(i).hash
}

// sumAt returns the bytes of all entries up to index i, which is in the window or its base.
func (w *window) sumAt(i uint64) uint64 {
	if i == w.index {
		return w.sum
	}
	return w.at(i).sum
}

// bytes returns what the window holds.
func (w *window) bytes() int { return int(w.sumAt(w.last()) - w.sum) }

// logEnd returns the log end as far as it is known.
func (w *window) logEnd() int64 {
	end, _ := w.endAt(w.known)
	return end
}

// append puts entries at the tail, first cutting what they overwrite.
func (w *window) append(es []*pb.Entry) {
	if len(es) == 0 {
		return
	}
	w.truncate(es[0].GetIndex())
	for _, e := range es {
		w.push(e, false)
	}
}

// push puts an entry at the tail, its bytes maybe lost.
func (w *window) push(e *pb.Entry, lost bool) {
	if e.GetIndex() != w.last()+1 {
		panic(fmt.Sprintf("invariant R3: entry %d after %d", e.GetIndex(), w.last()))
	}
	w.slots = append(w.slots, slot{e: e, lost: lost, sum: w.sumAt(w.last()) + uint64(len(e.Data)) + entryOverhead})
	w.chain()
}

// chain derives what follows from the entries, as far as no bytes are lost.
func (w *window) chain() {
	for w.known < w.last() {
		s := w.at(w.known + 1)
		if s.lost {
			return
		}
		s.end, _ = w.endAt(w.known)
		s.start, s.hash = w.startAt(w.known), w.hashAt(w.known)
		switch {
		case w.plain:
		case isBatch(s.e):
			b, _, err := log.ParseBatch(s.e.Data)
			if err != nil || b.BaseOffset != s.end {
				panic(fmt.Sprintf("invariant R4: entry %d has base offset %d, log end is %d (%v)", s.e.GetIndex(), b.BaseOffset, s.end, err))
			}
			s.end, s.hash = b.NextOffset(), log.HashBatch(s.hash, s.e.Data)
			w.tip.Append(b)
		case isCommand(s.e):
			if offset, ok := trimOf(s.e); ok {
				s.start = max(s.start, min(offset, s.end))
			}
			follow(w.tip, s.e)
		}
		w.known++
	}
}

// fill gives an entry whose bytes were lost back.
func (w *window) fill(e *pb.Entry) {
	s := w.at(e.GetIndex())
	if !s.lost || s.e.GetTerm() != e.GetTerm() {
		panic(fmt.Sprintf("invariant R12: entry %d term %d fills a hole of term %d, lost: %t", e.GetIndex(), e.GetTerm(), s.e.GetTerm(), s.lost))
	}
	s.e, s.lost = e, false
	for i := e.GetIndex(); i <= w.last(); i++ {
		w.at(i).sum += uint64(len(e.Data))
	}
	w.chain()
}

// rebase has the window begin behind a mark that stands for its first entries; those behind stay.
func (w *window) rebase(m log.Mark, producers *producer.Table) {
	rest := slices.Clone(w.slots[m.Index-w.index:])
	w.reset(m, producers)
	for i := range rest {
		w.push(rest[i].e, rest[i].lost)
	}
}

// truncate removes index i and everything after it.
func (w *window) truncate(i uint64) {
	if i <= w.index {
		panic(fmt.Sprintf("invariant R3: truncation at %d, window begins after %d", i, w.index))
	}
	if n := int(i - w.index - 1); n < len(w.slots) {
		clear(w.slots[n:])
		w.slots = w.slots[:n]
		if i <= w.known && !w.plain {
			w.known = i - 1
			w.retip()
		}
		w.known = min(w.known, i-1)
	}
}

// evict drops entries up to index i from memory.
func (w *window) evict(i uint64) {
	n := int(i - w.index)
	if i <= w.index {
		return
	}
	if i > w.known {
		panic(fmt.Sprintf("invariant R12: entries up to %d leave memory, one after %d is lost", i, w.known))
	}
	s := w.at(i)
	w.index, w.term, w.end, w.start, w.hash, w.sum = i, s.e.GetTerm(), s.end, s.start, s.hash, s.sum
	clear(w.slots[:n])
	w.slots = w.slots[n:]
}

// reset empties the window and starts it after a mark, with the producers that it speaks of.
func (w *window) reset(m log.Mark, producers *producer.Table) {
	w.tip = producers
	w.index, w.term, w.end, w.start, w.hash = m.Index, m.Term, m.LogEnd, m.LogStart, m.BatchHash
	clear(w.slots)
	w.slots, w.sum, w.known = nil, 0, m.Index
}

// find returns the index of the entry whose batch contains offset; false if it is before the window or not below limit.
func (w *window) find(offset int64, limit uint64) (uint64, bool) {
	if offset < w.end {
		return 0, false
	}
	chained := int(w.known - w.index)
	n := sort.Search(chained, func(k int) bool { return w.slots[k].end > offset })
	i := w.index + 1 + uint64(n)
	return i, n < chained && i <= limit
}
