package broker

import (
	"slices"
	"time"

	"logd/log"
)

// Retention is decided by a partition's leader and takes effect through the raft log, so that all replicas have the same log
// start and no leader to come takes it back:
//
//	each RetentionTicks, every partition ─► by time, by bytes: the end of the last segment to go
//	    ─► replica.Trim ─► committed, applied: the log starts there ─► a mark says so, durably ─► the files go
//
// The rules are Kafka's (UnifiedLog.deleteOldSegments): whole segments, oldest first; by time those whose newest record is
// older than retention.ms, by bytes while the rest still has at least retention.bytes. Kafka has no guard against a clock that
// jumps ahead, and there is none here: what has expired by the clock goes. But each deletion is a line in the log, with its numbers,
// and so is such a jump.
//
// A record is in a segment only some time after it was committed. So a partition's oldest records are moved there once they
// have waited for retention.ms or segment.ms, however few they are.

// retentionSegments bounds the segments that are looked at in one tick, but for the last partition's: the next tick goes on
// from there.
const retentionSegments = 10_000

// clockJump is how far the wall clock may run ahead of the monotonic one, between two ticks, without a word.
const clockJump = time.Hour

// retention is how far the round through all partitions is.
type retention struct {
	last uint64 // the group that was looked at last
	was  Now    // at the tick before
}

// retentionTick looks at the next few partitions, in turn, so that each is looked at once in RetentionTicks.
func (s *Shard) retentionTick() {
	s.watchClock()
	n := (len(s.order) + s.cfg.Limits.RetentionTicks - 1) / s.cfg.Limits.RetentionTicks
	for budget := retentionSegments; n > 0 && budget > 0; n-- {
		i, _ := slices.BinarySearch(s.order, s.retained.last+1)
		if i == len(s.order) {
			i = 0
		}
		s.retained.last = s.order[i]
		budget -= 1 + s.retain(s.parts[s.order[i]])
	}
}

// watchClock says so when the wall clock has jumped ahead: retention by time goes by it.
func (s *Shard) watchClock() {
	was := s.retained.was
	s.retained.was = s.now
	ahead := time.Duration(s.now.Wall-was.Wall)*time.Millisecond - (s.now.Mono - was.Mono)
	if was.Wall > 0 && ahead > clockJump {
		s.log(LevelWarn, "the wall clock jumped ahead: records that have expired by it will be deleted", "shard", s.cfg.Shard, "ahead", ahead,
			"wall_before_ms", was.Wall, "wall_ms", s.now.Wall)
	}
}

// retain applies a topic's settings to one partition, and returns how many segments it looked at.
func (s *Shard) retain(p *partition) int {
	t, _ := s.meta.PartitionOf(p.group)
	if t == nil {
		return 0
	}
	s.moveOld(p, t)
	segs := s.store.SegmentInfo(p.group)
	s.rollOld(p, t, segs)
	if !p.g.Serving() || p.damaged || s.disk.stalled || s.stopping {
		return len(segs)
	}
	start := p.g.LogStart()
	for len(segs) > 0 && segs[0].End <= start { // its file is on its way out
		segs = segs[1:]
	}
	if internalTopic(t.Name) {
		return len(segs) // compacted: see group.forward
	}
	to, why := overTime(segs, s.now.Wall, t.retentionMs()), configRetentionTime
	if bytes := overSize(segs, t.retentionBytes()); bytes > to {
		to, why = bytes, configRetentionSize
	}
	if to > start && !slices.ContainsFunc(p.trims, func(w trimWait) bool { return w.offset >= to }) {
		s.logRetention(p, t, segs, to, why)
		s.trim(p, origin{shard: s.cfg.Shard}, to)
	}
	return len(segs)
}

func (s *Shard) logRetention(p *partition, t *Topic, segs []log.SegmentInfo, to int64, why string) {
	n, bytes, newest := 0, int64(0), int64(0)
	for _, g := range segs {
		if g.End <= to {
			n, bytes, newest = n+1, bytes+g.Size, max(newest, g.MaxTimestamp)
		}
	}
	limit, _ := t.config(why)
	if limit == "" {
		limit = "preset"
	}
	s.log(LevelInfo, "retention: deleting old records", "partition", s.nameOf(p.group), "group", p.group, "log_start", p.g.LogStart(), "to", to,
		"segments", n, "bytes", bytes, "newest_record_ms", newest, "wall_ms", s.now.Wall, "by", why, "limit", limit)
}

// overTime returns the end of the last of the segments, from the first on, whose newest record is older than the limit; 0 if
// there is none. One whose records have no time goes with a later one that has expired.
func overTime(segs []log.SegmentInfo, wall, limit int64) int64 {
	to := int64(0)
	for _, g := range segs {
		if limit < 0 || g.MaxTimestamp >= wall-limit {
			break
		}
		if g.MaxTimestamp > 0 {
			to = g.End
		}
	}
	return to
}

// overSize returns the end of the last of the segments, from the first on, without which the rest has at least limit bytes; 0
// if there is none.
func overSize(segs []log.SegmentInfo, limit int64) int64 {
	if limit < 0 {
		return 0
	}
	over, to := -limit, int64(0)
	for _, g := range segs {
		over += g.Size
	}
	for _, g := range segs {
		if over -= g.Size; over < 0 {
			break
		}
		to = g.End
	}
	return to
}

// sizeSegments tells the store how large the topic's segments are to be, each time that the metadata may say something else;
// topics that don't say have the store's own size.
func (s *Shard) sizeSegments(p *partition, t *Topic) {
	size := int64(0)
	if _, given := t.config(configSegmentBytes); given || p.segmentBytes > 0 {
		size = t.SegmentBytes()
	}
	if size != p.segmentBytes {
		p.segmentBytes = size
		s.store.SetSegment(p.group, size)
	}
}

// moveOld has committed records moved to a segment that have waited for it as long as retention.ms or segment.ms say: nothing
// is deleted but segments.
func (s *Shard) moveOld(p *partition, t *Topic) {
	if p.g.Load().Unflushed == 0 {
		p.unflushed = 0
		return
	}
	if p.unflushed == 0 {
		p.unflushed = s.now.Mono
	}
	limit := t.segmentMs()
	if ms := t.retentionMs(); ms >= 0 {
		limit = min(limit, ms)
	}
	if (s.now.Mono-p.unflushed).Milliseconds() >= limit && p.g.Flush(s.cfg.Limits.FlushChunk) {
		p.unflushed = 0
	}
}

// rollOld has the open segment closed once it is older than segment.ms, by this process's clock; and once all of it is deleted,
// so that its file goes with the next ones and doesn't grow on.
func (s *Shard) rollOld(p *partition, t *Topic, segs []log.SegmentInfo) {
	if len(segs) == 0 || segs[len(segs)-1].Closed {
		p.open = openSegment{}
		return
	}
	if base := segs[len(segs)-1].Base; p.open.since == 0 || p.open.base != base {
		p.open = openSegment{base: base, since: s.now.Mono}
	}
	if (s.now.Mono-p.open.since).Milliseconds() >= t.segmentMs() || segs[len(segs)-1].End <= p.g.LogStart() {
		s.store.RollSegment(p.group)
	}
}

// openSegment is the segment that a partition's records go to, and since when it was seen there.
type openSegment struct {
	base  int64
	since time.Duration
}
