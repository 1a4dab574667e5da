package broker

import (
	"fmt"

	"logd/log"
)

// A partition's leader epochs are in its batches, in rising order: the leader stamps its term into each. So where an epoch
// ends is looked up in the log itself, and is the same on each replica, after a restart and behind a trimmed start:
//
//	epoch    │ 2   2   2   │ 5   5 │ 6 ...
//	offset   7             19      31            where does 3 end? 2 is the last at or below it, and ends at 19.
//	         log start

// epochEnd is the last epoch at or below the one that was asked for, and the offset after its last record. Its zero value
// says nothing.
type epochEnd struct {
	epoch  int32
	offset int64
	some   bool
}

func (e epochEnd) known() bool { return e.some }

// epochSearch looks for the first committed offset whose epoch is above a given one.
type epochSearch struct {
	w      waiter
	epoch  int32
	lo, hi int64 // what is below lo has no greater epoch; hi has one, or is the high watermark
	floor  int32 // epoch of the batch before lo; -1 if there is none
}

// findEpochEnd finds where an epoch ends among what is committed here. The floor is -1 if the log starts with a greater
// epoch. The code isn't 0 if the log can't be read, or nobody waits for it any more.
func (s *Shard) findEpochEnd(p *partition, w waiter, epoch int32, done func(end int64, floor int32, code int16)) {
	s.searchEpoch(p, &epochSearch{w: w, epoch: epoch, lo: p.g.LogStart(), hi: p.g.HighWatermark(), floor: noEpoch}, done)
}

func (s *Shard) searchEpoch(p *partition, c *epochSearch, done func(end int64, floor int32, code int16)) {
	if c.lo >= c.hi {
		done(c.lo, c.floor, errNone)
		return
	}
	if !s.waits(c.w) {
		done(-1, noEpoch, errTimedOut)
		return
	}
	mid := c.lo + (c.hi-c.lo)/2
	s.readBatches(p, mid, 1, func(batches [][]byte, code int16) {
		switch {
		case s.parts[p.group] != p:
			done(-1, noEpoch, errNotLeader)
			return
		case code == errOffsetRange: // the log start has passed it
			c.lo = min(max(c.lo, p.g.LogStart()), c.hi)
			c.floor = noEpoch
			s.searchEpoch(p, c, done)
			return
		case code != errNone || len(batches) == 0:
			done(-1, noEpoch, errStorage)
			return
		}
		b, _, err := log.ParseBatch(batches[0])
		if err != nil || b.BaseOffset > mid || b.NextOffset() <= mid {
			panic(fmt.Sprintf("invariant B3: group %d: the batch that was read for offset %d has %d to %d: %v", p.group, mid, b.BaseOffset, b.NextOffset()-1, err))
		}
		if b.LeaderEpoch > c.epoch {
			c.hi = max(c.lo, b.BaseOffset)
		} else {
			c.lo, c.floor = min(b.NextOffset(), c.hi), b.LeaderEpoch
		}
		s.searchEpoch(p, c, done)
	})
}

// endOfEpoch says of a leader that a quorum confirmed where an epoch ends, as Kafka's LeaderEpochFileCache.endOffsetFor does:
// an epoch above the leader's own isn't known; its own ends where its log does, uncommitted tail included, since no other
// leader's records can be in it; any other ended before the leader's own began, and so within what is committed.
func (s *Shard) endOfEpoch(p *partition, w waiter, epoch int32, done func(e epochEnd, code int16)) {
	term, _ := p.g.Leading()
	switch own := int32(term); {
	case epoch < 0 || epoch > own:
		done(epochEnd{epoch: noEpoch, offset: -1}, errNone)
	case epoch == own:
		done(epochEnd{own, p.g.Status().LogEnd, true}, errNone)
	default:
		s.findEpochEnd(p, w, epoch, func(end int64, floor int32, code int16) {
			switch {
			case code != errNone:
				done(epochEnd{}, code)
			case floor == noEpoch:
				done(epochEnd{epoch, end, true}, errNone)
			default:
				done(epochEnd{floor, end, true}, errNone)
			}
		})
	}
}

// runUndiverged serves a client whose offset is within the log, once it is certain that what it read last is what
// this log has there: else it is told where the two part (KIP-320; UnifiedLog's rules, in Partition.readRecords).
func (c fetchCall) runUndiverged(s *Shard, p *partition, o origin) {
	term, leads := p.g.Leading()
	if c.lastEpoch < 0 || leads && c.lastEpoch == int32(term) && c.offset <= p.g.Status().LogEnd {
		c.serve(s, p, o)
		return
	}
	w := waiter{o, c.until + s.cfg.Limits.FetchWait} // see fetchedAll
	if !leads {
		s.findEpochEnd(p, w, c.lastEpoch, func(end int64, floor int32, code int16) {
			if floor < c.lastEpoch && floor != noEpoch && end >= p.g.HighWatermark() {
				code = errNotLeader // what comes next is not known here: it is the leader's to say
			}
			if floor == noEpoch {
				floor = c.lastEpoch
			}
			c.served(s, p, o, epochEnd{floor, end, true}, code)
		})
		return
	}
	s.linearize(p, func(ok bool) {
		if !ok {
			s.answer(o, fetched{code: errNotLeader, hw: -1, start: -1})
			return
		}
		s.endOfEpoch(p, w, c.lastEpoch, func(e epochEnd, code int16) {
			if code == errNone && !e.known() { // "Could not determine the end offset of the last fetched epoch"
				code = errOffsetRange
			}
			c.served(s, p, o, e, code)
		})
	})
}

// served goes on once it is known where the client's last epoch ends.
func (c fetchCall) served(s *Shard, p *partition, o origin, e epochEnd, code int16) {
	hw, start := p.g.HighWatermark(), p.g.LogStart()
	switch {
	case code == errTimedOut: // consumers know that code of no fetch
		s.answer(o, fetched{code: errOffsetNotYet, hw: hw, start: start})
	case code != errNone:
		s.answer(o, fetched{code: code, hw: hw, start: start})
	case e.epoch < c.lastEpoch || e.offset < c.offset:
		s.answer(o, fetched{hw: hw, start: start, diverged: e})
	case c.offset < start:
		s.answer(o, fetched{code: errOffsetRange, hw: hw, start: start})
	default:
		c.serve(s, p, o)
	}
}
