package replica

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"

	"logd/log"
)

// RangeHead is where the answer to a [Want] begins. Where the leader's log starts beyond what was asked for, the follower's
// segments start anew there: Hash is then the running batch hash before From, which the snapshot's own hash proves right at
// the transfer's end.
type RangeHead struct {
	From    int64
	Restart bool
	Hash    uint64
}

// The body of a range, big-endian. The checksum covers all that follows it: offsets and leader epochs of batches lie outside of
// the batches' own. On the wire, don't change.
//
//	┌────────────────┬─────────────┬──────────┬──────────┬─────────────────────┐
//	│ crc-32c    u32 │ restart  u8 │ from u64 │ hash u64 │ batches, as stored… │
//	└────────────────┴─────────────┴──────────┴──────────┴─────────────────────┘
const rangeHead = 4 + 1 + 8 + 8

// AppendRange appends the slices of a range's body to bufs; batches are aliased.
func AppendRange(bufs [][]byte, h RangeHead, batches [][]byte) [][]byte {
	head := make([]byte, 5, rangeHead)
	if h.Restart {
		head[4] = 1
	}
	head = binary.BigEndian.AppendUint64(head, uint64(h.From))
	head = binary.BigEndian.AppendUint64(head, h.Hash)
	crc := crc32.Checksum(head[4:], castagnoli)
	for _, b := range batches {
		crc = crc32.Update(crc, castagnoli, b)
	}
	binary.BigEndian.PutUint32(head, crc)
	return append(append(bufs, head), batches...)
}

// parseRange reads a range's body; the batches alias it. Any error wraps ErrWire.
func parseRange(b []byte) (RangeHead, []byte, error) {
	if len(b) < rangeHead {
		return RangeHead{}, nil, fmt.Errorf("%w: range of %d bytes, its head has %d", ErrWire, len(b), rangeHead)
	}
	if got, want := crc32.Checksum(b[4:], castagnoli), binary.BigEndian.Uint32(b); got != want {
		return RangeHead{}, nil, fmt.Errorf("%w: range has checksum %08x, expected %08x", ErrWire, got, want)
	}
	h := RangeHead{From: int64(binary.BigEndian.Uint64(b[5:])), Restart: b[4] == 1, Hash: binary.BigEndian.Uint64(b[13:])}
	if b[4] > 1 || h.From < 0 {
		return RangeHead{}, nil, fmt.Errorf("%w: range from offset %d, restart %d", ErrWire, h.From, b[4])
	}
	return h, b[rangeHead:], nil
}

// RangeAt tells where to answer a follower that wants batches from an offset on, and that its transfer makes progress. false if
// there is nothing to say: this replica neither leads nor made an
// offer, or has no such batches.
func (g *Group) RangeAt(follower uint64, from int64) (RangeHead, bool) {
	o := g.snaps[follower]
	if !g.leader && o == nil || g.cfg.Plain || from < 0 || from >= g.HighWatermark() {
		return RangeHead{}, false
	}
	start := g.LogStart()
	if o != nil {
		start = min(start, o.start)
		if from > o.from {
			o.from, o.deadline = from, g.ticks+g.cfg.Limits.TransferTicks
		}
	}
	if from >= start {
		return RangeHead{From: from}, true
	}
	at, ok := g.batchAt(start)
	if !ok || at.end <= from {
		return RangeHead{From: from}, ok
	}
	return RangeHead{From: at.end, Restart: true, Hash: at.hash}, true
}

// batchAt returns the first offset of a batch that contains an offset, or of one shortly before it, and the batch hash there.
func (g *Group) batchAt(offset int64) (segment, bool) {
	if i, ok := g.win.find(offset, g.applied); ok {
		end, _ := g.win.endAt(i - 1)
		return segment{end, g.win.hashAt(i - 1)}, true
	}
	rd, ok := g.store.Find(g.cfg.Group, offset, 0)
	if !ok {
		return segment{}, false
	}
	hash, ok := g.store.HashAt(g.cfg.Group, rd.First)
	return segment{rd.First, hash}, ok
}

// Range takes the body of a leader's answer to a Want. Batches that don't continue the segments are dropped: duplicates and
// late ones are harmless. Each must be whole and sound; an error names the first that isn't.
func (g *Group) Range(body []byte) error {
	w, ok := g.Want()
	if !ok {
		return nil
	}
	h, data, err := parseRange(body)
	if err != nil {
		return fmt.Errorf("group %d: from replica %x: %w", g.cfg.Group, w.Leader, err)
	}
	at := g.seg
	if h.Restart && h.From > at.end {
		if start := g.snap.mark.LogStart; h.From > start {
			return fmt.Errorf("group %d: batches of replica %x begin at offset %d, its snapshot's log starts at %d: not taken", g.cfg.Group, w.Leader, h.From, start)
		}
		at = segment{h.From, h.Hash}
	}
	next, batches, err := g.follow(at, w, data)
	if err != nil || len(batches) == 0 {
		return err
	}
	if at != g.seg {
		g.skipTo(at)
	}
	g.store.Transfer(g.cfg.Group, batches)
	g.seg = next
	return nil
}

// follow checks batches that continue at, and returns them and where they end; none if they don't. Whether they are those of the snapshot
// shows when all are here: see [Group.proven].
func (g *Group) follow(at segment, w Want, data []byte) (next segment, batches [][]byte, err error) {
	next = at
	epoch := int32(math.MinInt32)
	for len(data) > 0 && next.end < w.To {
		b, n, err := log.ParseBatch(data)
		if err == nil {
			err = log.CheckCRC(data[:n])
		}
		if err == nil && b.LeaderEpoch < epoch {
			err = fmt.Errorf("leader epoch %d follows %d", b.LeaderEpoch, epoch)
		}
		if err != nil {
			return at, nil, fmt.Errorf("group %d: range from replica %x at offset %d: %w", g.cfg.Group, w.Leader, next.end, err)
		}
		if b.NextOffset() > next.end {
			if b.BaseOffset != next.end {
				return at, nil, nil
			}
			batches = append(batches, data[:n:n])
			next = segment{b.NextOffset(), log.HashBatch(next.hash, data[:n])}
		}
		data, epoch = data[n:], b.LeaderEpoch
	}
	return next, batches, nil
}

// skipTo starts the segments anew beyond their end, at or below the log start of the snapshot that waits. Until that is
// installed, marks of our own say that the log starts there as well, or at its end where that is less: what lies in between
// was deleted by a committed command, and no mark may speak of segments that aren't there (R11).
func (g *Group) skipTo(at segment) {
	start := g.snap.mark.LogStart
	if at.end > start || at.end <= g.seg.end {
		panic(fmt.Sprintf("invariant R11: group %d starts its segments anew at offset %d, they end at %d, the snapshot's log starts at %d",
			g.cfg.Group, at.end, g.seg.end, start))
	}
	g.floor = max(g.floor, start)
	g.store.ResetSegments(g.cfg.Group, at.end, at.hash)
	g.seg = at
}

// skipAll starts the segments anew for a snapshot whose log is empty: there is nothing to ask for.
func (g *Group) skipAll() {
	if w, ok := g.Want(); ok && g.snap.mark.LogStart == w.To && w.From < w.To {
		g.skipTo(segment{w.To, g.snap.mark.BatchHash})
	}
}
