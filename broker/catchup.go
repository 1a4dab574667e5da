package broker

import (
	"slices"

	"logd/replica"
)

// Catch-up in ranges (S11): a follower asks for what its transfer needs next, one range at a time, and the leader gives no more in a
// tick than leaves the disk and the links to live traffic.
//
//	follower: at most Limits.Transfers groups ask at a time; each range is verified, written and synced before the next is asked for
//	leader:   asks wait in a row; each tick gives out Limits.TransferBytes of them
type catchup struct {
	asking []uint64   // groups whose transfers run here
	row    []rangeAsk // asks of followers that wait for the next tick, each group and replica once
	budget int        // bytes that may still be given out in this tick
}

type rangeAsk struct {
	from int32
	c    rangeControl
}

// transferIdleTicks is how long a transfer that gets no answer keeps its place from others.
const transferIdleTicks = 20

// rangeRetryTicks is how long an answer to a range is waited for.
const rangeRetryTicks = 2

// catchupTick gives out a tick's worth of ranges, those that have waited longest first.
func (s *Shard) catchupTick() {
	s.catchup.budget = s.cfg.Limits.TransferBytes
	row := s.catchup.row
	s.catchup.row = nil
	for _, a := range row {
		s.serveRange(a.from, a.c)
	}
}

// serveRange gives committed batches to a follower that catches up, or has its ask wait for the next tick.
func (s *Shard) serveRange(from int32, c rangeControl) {
	p := s.parts[c.Group]
	if p == nil || brokerOf(c.Replica) != from {
		return
	}
	h, ok := p.g.RangeAt(c.Replica, c.From) // the transfer lives on, also while it waits
	if !ok {
		return
	}
	if s.catchup.budget <= 0 {
		i := slices.IndexFunc(s.catchup.row, func(a rangeAsk) bool { return a.c.Group == c.Group && a.c.Replica == c.Replica })
		if i < 0 {
			s.catchup.row = append(s.catchup.row, rangeAsk{from, c})
		} else {
			s.catchup.row[i] = rangeAsk{from, c}
		}
		return
	}
	size := min(max(c.Max, 1), s.cfg.Limits.RangeBytes)
	s.catchup.budget -= size
	s.readBatches(p, h.From, size, func(batches [][]byte, code int16) {
		for _, b := range batches {
			size -= len(b)
		}
		if code == errNone && len(batches) > 0 {
			s.peers.send(from, kindRange, c.Group, replica.AppendRange(nil, h, batches))
		}
		s.giveBack(size)
	})
}

// giveBack returns what a range didn't need of the tick's worth to those that wait: a read brings less than may be asked for.
func (s *Shard) giveBack(bytes int) {
	c := &s.catchup
	if bytes <= 0 {
		return
	}
	c.budget = min(c.budget+bytes, s.cfg.Limits.TransferBytes)
	if len(c.row) > 0 && c.budget > 0 {
		a := c.row[0]
		c.row = c.row[1:]
		s.serveRange(a.from, a.c)
	}
}

// rangeMessage takes batches that we asked for.
func (s *Shard) rangeMessage(group uint64, body []byte) {
	p := s.parts[group]
	if p == nil {
		return
	}
	if err := p.g.Range(body); err != nil {
		s.log(LevelError, "catching up: "+err.Error())
	}
	p.asked, p.answered = 0, s.ticks
	s.touch(group)
}

// askRange asks for what a snapshot transfer needs next; one that stays unanswered is asked for again.
func (s *Shard) askRange(p *partition) {
	w, ok := p.g.Want()
	if !ok || p.asked == w.From+1 && s.ticks < p.askedAt+rangeRetryTicks || !s.mayTransfer(p) {
		return
	}
	p.asked, p.askedAt = w.From+1, s.ticks
	s.peers.control(replica.Broker(w.Leader), control{Range: &rangeControl{Group: p.group, Replica: p.replica, From: w.From, Max: s.cfg.Limits.RangeBytes}})
}

// mayTransfer gives a group a place among those that transfer, if there is one. A group whose transfer has ended, or gets no
// answer, loses its own. The metadata group always has one: nothing else goes without it.
func (s *Shard) mayTransfer(p *partition) bool {
	c := &s.catchup
	if p.group == metaGroup || slices.Contains(c.asking, p.group) {
		return true
	}
	if len(c.asking) >= s.cfg.Limits.Transfers {
		c.asking = slices.DeleteFunc(c.asking, func(id uint64) bool {
			other := s.parts[id]
			return other == nil || !other.g.Transferring() || s.ticks >= other.answered+transferIdleTicks
		})
	}
	if len(c.asking) >= s.cfg.Limits.Transfers {
		return false
	}
	c.asking, p.answered = append(c.asking, p.group), s.ticks
	return true
}
