package replica

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"go.etcd.io/raft/v3/tracker"

	"logd/log"
)

const stateSnapshot = tracker.StateSnapshot

// sortedKeys returns a map's keys in order, so that going through it is deterministic.
func sortedKeys[V any](m map[uint64]V) []uint64 {
	if len(m) == 0 {
		return nil
	}
	return slices.Sorted(maps.Keys(m))
}

// Load is what a replica keeps in memory and has still to move, in bytes.
type Load struct {
	Bytes     int  // of the window
	Unflushed int  // of entries that no segment has yet, about
	Flushable int  // of these, committed ones: no flush can move others, however long a majority takes to form; the WAL bounds them (S10)
	Untrimmed bool // the log start has moved since the last flush, so that files may go once there is another
}

// Load returns the replica's load as of now.
func (g *Group) Load() Load {
	w := g.win
	flushed, start := g.store.FlushedTo(g.cfg.Group)
	last := w.last()
	from := min(max(flushed, g.marked, w.index), last)
	sum, below := w.sumAt(last), w.sumAt(from)
	return Load{Bytes: int(sum - w.sum), Unflushed: int(sum - below),
		Flushable: int(w.sumAt(max(g.applied, from)) - below),
		Untrimmed: !g.cfg.Plain && g.LogStart() > max(start, g.markedStart)}
}

// Unsegmented returns the bytes of entries that no synced segment has yet, about: also those that are on their way into one.
func (g *Group) Unsegmented() int { return g.BytesFrom(g.store.SegmentEnd(g.cfg.Group)) }

// BytesFrom returns the bytes of the window's entries from the one with an offset on, about.
func (g *Group) BytesFrom(offset int64) int {
	w := g.win
	from := w.index
	if offset >= w.end {
		at, ok := w.find(offset, w.last())
		if !ok {
			return 0
		}
		from = at - 1
	}
	return int(w.sumAt(w.last()) - w.sumAt(from))
}

// Flush moves committed, durable entries to the segments, about maxBytes of them, and has a mark written behind them (S10).
// It reports whether it started anything.
func (g *Group) Flush(maxBytes int) bool {
	from := g.flushed()
	to := g.flushTo(from, maxBytes)
	if g.store.Flushing(g.cfg.Group) || to <= from || g.store.SegmentEnd(g.cfg.Group) != g.seg.end {
		return false // one write to the segments at a time: a flush, or what a transfer brought
	}
	if to > g.applied || to > g.stable {
		panic(fmt.Sprintf("invariant R7: group %d marks %d, applied %d, durable %d", g.cfg.Group, to, g.applied, g.stable))
	}
	m := g.markAt(to)
	g.markedAt(to)
	var batches [][]byte
	for i := from + 1; i <= to && !g.cfg.Plain; i++ {
		if s := g.win.at(i); isBatch(s.e) && s.end > g.seg.end { // a transfer may have brought some already
			batches = append(batches, s.e.Data)
		}
	}
	if m.LogEnd > g.seg.end {
		g.seg = segment{m.LogEnd, m.BatchHash}
	}
	g.marked, g.markedStart = to, m.LogStart
	g.store.Flush(g.cfg.Group, batches, m)
	g.forget(to)
	return true
}

// flushed returns the index up to which a flush was started.
func (g *Group) flushed() uint64 {
	index, _ := g.store.FlushedTo(g.cfg.Group)
	return max(index, g.marked)
}

// flushTo returns the last index that a flush may cover.
func (g *Group) flushTo(from uint64, maxBytes int) uint64 {
	to := min(g.applied, g.stable)
	if from < g.win.index { // a snapshot's mark is not durable yet
		return 0
	}
	if g.cfg.App != nil {
		if to != g.applied { // the state machine's state is as of applied, and of nothing else
			return 0
		}
		return to
	}
	for to > from+1 && g.win.sumAt(to)-g.win.sumAt(from) > uint64(maxBytes) {
		to = from + (to-from)/2
	}
	return to
}

// forget drops the configurations that no mark can ask for any more.
func (g *Group) forget(index uint64) {
	for len(g.confs) > 1 && g.confs[1].index <= index {
		g.confs = slices.Delete(g.confs, 0, 1)
	}
}

// markAt describes the log as of an index in the window that was applied.
func (g *Group) markAt(index uint64) log.Mark {
	term, err := g.win.Term(index)
	hash, ok := g.store.EntryHash(g.cfg.Group, index)
	if err != nil || !ok {
		panic(fmt.Sprintf("invariant R3: group %d has no entry %d for a mark (%v, hash known: %t)", g.cfg.Group, index, err, ok))
	}
	k := len(g.confs) - 1
	for k > 0 && g.confs[k].index > index {
		k--
	}
	end, _ := g.win.endAt(index)
	m := log.Mark{Index: index, Term: term, Conf: encodeConf(g.confs[k].conf), LogStart: max(g.win.startAt(index), min(g.floor, end)), LogEnd: end, EntryHash: hash, BatchHash: g.win.hashAt(index)}
	m.App = g.stateAt(index)
	return m
}

// Copy has the uncommitted entries up to an index written again at the WAL's head, because the file that holds them is
// about to be recycled (S10). Those that a flush under way or still to come covers are left to it.
func (g *Group) Copy(last uint64) {
	from := max(min(g.applied, g.stable), g.win.index) + 1
	if g.cfg.App != nil && g.applied > g.stable {
		from = max(g.flushed(), g.win.index) + 1
	}
	// Entries in that file may not count as durable here yet: an earlier record that waits for room holds the order back.
	to := min(last, g.win.last())
	if from > to {
		return
	}
	var es []log.Entry
	for i := from; i <= to; i++ {
		es = append(es, entryOf(g.win.at(i).e))
	}
	g.store.Copy(g.cfg.Group, es)
}

// Evict drops flushed entries from memory until the window has at most maxBytes, oldest first; what a follower in a transfer will ask
// for after it stays (R3).
func (g *Group) Evict(maxBytes int) { g.EvictKeeping(maxBytes, math.MaxInt) }

// EvictKeeping is Evict, but what followers in transfers will ask for stays only where they are near their end. Near is one behind whose snapshot there are at most keepBytes: another one gets a later
// snapshot when it comes so far, and has less to fetch for it.
func (g *Group) EvictKeeping(maxBytes, keepBytes int) {
	flushed, _ := g.store.FlushedTo(g.cfg.Group)
	limit := min(flushed, g.applied)
	for _, id := range sortedKeys(g.snaps) {
		if index := g.snaps[id].index; index >= g.win.index && g.win.sumAt(g.win.last())-g.win.sumAt(index) <= uint64(keepBytes) {
			limit = min(limit, index)
		}
	}
	to, sum := g.win.index, g.win.sumAt(g.win.last())
	for to < limit && sum-g.win.sumAt(to) > uint64(maxBytes) {
		to++
	}
	g.win.evict(to)
}

// Offering reports whether a follower's transfer is under way, for which entries may have to stay in memory.
func (g *Group) Offering() bool { return len(g.snaps) > 0 }
