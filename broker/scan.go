package broker

import (
	"time"

	"logd/log"
)

// waiter is who waits for a call that takes more than a turn, and until when.
type waiter struct {
	o     origin
	until time.Duration
}

// waits tells whether anyone still waits, as far as this shard can tell: of other shards' requests it knows the time alone.
func (s *Shard) waits(w waiter) bool {
	own := w.o.broker == 0 && w.o.shard == s.cfg.Shard
	return s.now.Mono < w.until && (!own || s.requests[w.o.id] != nil)
}

// scans are the searches for timestamps that go on in later turns. All of a shard's together cost a turn no more than
// Limits.ScanBytes, and a piece of a record; who has used that up goes on behind the others.
type scans struct {
	cost int      // of this turn, in bytes of work, about
	rows []func() // in this order
	set  bool     // a deadline is, for the next turn
}

// scanLater has a scan go on in the next turn that has room for it.
func (s *Shard) scanLater(f func()) {
	s.scans.rows = append(s.scans.rows, f)
	s.wakeScans()
}

func (s *Shard) wakeScans() {
	if !s.scans.set {
		s.scans.set = true
		s.timers.Set(s.now.Mono+1, s.scanOn)
	}
}

func (s *Shard) scanOn() {
	rows := s.scans.rows
	s.scans.rows, s.scans.set = nil, false
	for len(rows) > 0 && s.scans.cost < s.cfg.Limits.ScanBytes {
		rows[0]()
		rows = rows[1:]
	}
	if len(rows) > 0 {
		s.scans.rows = append(rows, s.scans.rows...)
		s.wakeScans()
	}
}

// timeScan looks for a record by its timestamp: stretches of the log, and in them batches whose headers say that it may be there.
type timeScan struct {
	p       *partition
	w       waiter
	ts      int64 // the first record at or after it is looked for;
	newest  bool  // or the first of those with the highest timestamp
	hw      int64 // when the scan began
	at, to  int64 // the stretch that is looked through: the next offset, and its end <= hw; none before the first was found
	begun   bool  // it was, of a time
	size    int   // bytes of a read
	batches [][]byte
	search  *recordSearch // in the first of them
	counted int           // of its cost, in turns
	best    listed

	settled int64        // newest: intervals of segments before it are stretches of their own
	last    log.Interval // of them
}

const (
	// findCost is what finding the next stretch costs: the index of a segment is gone through.
	findCost = 64 << 10
	// lookCost is what it costs to look at an interval of an index.
	lookCost = 2
)

// scanTime finds the first record with a timestamp of at least ts: segments have an index for it, which is asked first.
func (s *Shard) scanTime(p *partition, w waiter, ts int64, empty listed) {
	s.scan(&timeScan{p: p, w: w, ts: ts, hw: p.g.HighWatermark(), size: s.cfg.Limits.ColdRead, best: empty})
}

// scanNewest finds the first record with the highest timestamp (KIP-734): first in memory, then in the intervals of the segments' index,
// those with the highest timestamps first, for as long as one may have a higher one, or the same earlier:
//
//	highest   │ 50 │ 90 │ 70 │ 90 │ 60 ...        memory has 80 at most: the second interval is read, and no other
//	          └ segments ─────────┴ memory
func (s *Shard) scanNewest(p *partition, w waiter, empty listed) {
	hw := p.g.HighWatermark()
	settled := min(s.store.Settled(p.group), hw)
	s.scan(&timeScan{p: p, w: w, newest: true, hw: hw, at: max(settled, p.g.LogStart()), to: hw, size: s.cfg.Limits.ColdRead, best: empty,
		settled: settled, last: log.FirstInterval})
}

// scan goes on until it is over, must wait for the disk, or has used up the turn.
func (s *Shard) scan(c *timeScan) {
	for {
		switch {
		case s.parts[c.p.group] != c.p:
			c.best.code = errNotLeader
		case !s.waits(c.w):
			c.best.code = errTimedOut
		case s.scans.cost >= s.cfg.Limits.ScanBytes:
			s.scanLater(func() { s.scan(c) })
			return
		case c.at >= c.to:
			c.batches = nil
			if s.nextStretch(c) {
				continue
			}
		case len(c.batches) > 0:
			if !s.scanBatch(c) {
				continue
			}
		default:
			s.scanRead(c)
			return
		}
		s.answer(c.w.o, c.best)
		return
	}
}

// scanRead reads on.
func (s *Shard) scanRead(c *timeScan) {
	s.readBatches(c.p, c.at, c.size, func(batches [][]byte, code int16) {
		switch {
		case s.parts[c.p.group] != c.p: // scan says so
		case code == errOffsetRange: // the log start has passed it
			c.at = max(c.at, c.p.g.LogStart())
		case code != errNone:
			c.best.code = code
			s.answer(c.w.o, c.best)
			return
		}
		c.batches = batches
		s.scan(c)
	})
}

// nextStretch finds where to look next; false if there is nothing that could be more.
func (s *Shard) nextStretch(c *timeScan) bool {
	if !c.newest {
		return s.timeStretch(c)
	}
	if len(s.store.SegmentHoles(c.p.group)) > 0 { // what is lost could have it
		c.best.code = errStorage
		return false
	}
	start := c.p.g.LogStart()
	next, ok := s.store.FindNewest(c.p.group, start, c.settled, c.last)
	s.scans.cost += findCost
	if !ok || !c.betters(next.MaxTimestamp, max(next.From, start)) {
		return false
	}
	c.last, c.at, c.to, c.size = next, max(next.From, start), min(next.To, c.hw), min(next.Size, s.cfg.Limits.ColdRead)
	return true
}

// timeStretch finds the one stretch that a search for a time has: from where the index says, to the end.
func (s *Shard) timeStretch(c *timeScan) bool {
	if c.begun {
		return false
	}
	from, looked, ok := s.store.FindTime(c.p.group, c.ts)
	s.scans.cost += findCost + looked*lookCost
	if !ok {
		from = s.store.SegmentEnd(c.p.group)
	}
	c.begun, c.at, c.to = true, max(from, c.p.g.LogStart()), c.hw
	return true
}

// betters tells whether a record of a timestamp at an offset would be the one that is looked for, rather than what was found so far.
func (c *timeScan) betters(timestamp, offset int64) bool {
	if !c.newest {
		return timestamp >= c.ts
	}
	return timestamp > c.best.timestamp || timestamp == c.best.timestamp && offset < c.best.offset
}

// scanBatch looks into the next batch, as far as the turn goes, and reports whether the scan is over.
func (s *Shard) scanBatch(c *timeScan) bool {
	data := c.batches[0]
	b, n, err := log.ParseBatch(data)
	if err != nil {
		c.best.code = errStorage
		return true
	}
	if c.search == nil {
		s.scans.cost += log.BatchHeader
		if c.at = max(c.at, c.p.g.LogStart()); b.NextOffset() > c.at && c.betters(b.MaxTimestamp, max(b.BaseOffset, c.at)) {
			if c.newest {
				c.search, err = searchNewest(data[:n], c.at)
			} else {
				c.search, err = searchFirst(data[:n], c.at, c.ts)
			}
		}
	}
	over := c.search == nil
	for !over && err == nil && s.scans.cost < s.cfg.Limits.ScanBytes {
		over, err = c.search.step()
		s.scans.cost, c.counted = s.scans.cost+c.search.cost()-c.counted, c.search.cost()
	}
	if !over && err == nil {
		return false
	}
	found := c.take(b, err)
	c.counted = 0
	c.search, c.at, c.batches[0] = nil, max(c.at, b.NextOffset()), data[n:]
	if len(data) == n {
		c.batches = c.batches[1:]
	}
	return found && !c.newest
}

// take notes what was found in a batch, and reports whether anything was.
func (c *timeScan) take(b log.Batch, err error) bool {
	switch {
	case err != nil && c.newest: // a producer's batch that can't be read: it says nothing of its records
		return false
	case err != nil: // where it begins is as near as can be told
		c.best.offset, c.best.timestamp, c.best.epoch = max(b.BaseOffset, c.at), b.MaxTimestamp, b.LeaderEpoch
	case c.search == nil || !c.search.found || !c.betters(c.search.best.timestamp, c.search.best.offset):
		return false
	default:
		c.best.offset, c.best.timestamp, c.best.epoch = c.search.best.offset, c.search.best.timestamp, b.LeaderEpoch
	}
	return true
}
