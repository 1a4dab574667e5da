package broker

import (
	"fmt"
	"slices"

	"logd/broker/deadline"
)

// begun are the requests of a shard's clients that are not all here yet. While they hold more than Limits.PartialBytes, connections with a
// large one aren't read, but for the one that began first: so there is always one that goes on, and one request as great as may be is
// always taken. What is large shrinks with the number of connections, so that the small ones together are bounded, too:
//
//	bytes     [ large: read ][ large: waits ][ large: waits ] ...   [ small: read ][ small: read ] ...
//	          must bring some in each PartialWait, while others wait
type begun struct {
	bytes int
	over  bool            // bytes > Limits.PartialBytes
	large []*conn         // connections with a large one, in the order that they began
	first *conn           // large[0], if others wait for it; else nil
	had   int             // bytes of its request when its time began
	timer *deadline.Timer // fires when that is over
}

const (
	// begunShares of Limits.PartialBytes is large, with few connections, and what the first one has to bring in Limits.PartialWait.
	begunShares = 16
	// leastShare of Limits.PartialBytes isn't large, with however many: 4 KiB, as a rule.
	leastShare = 4096
)

// largeBegun is how many bytes of an unfinished request are, at the most, not large.
func (s *Shard) largeBegun() int {
	return s.cfg.Limits.PartialBytes / min(begunShares+len(s.conns), leastShare)
}

// countBegun keeps count of what a connection's unfinished request holds.
func (s *Shard) countBegun(c *conn, bytes int) {
	b := &s.begun
	another := bytes < c.begun // which began last
	b.bytes += bytes - c.begun
	c.begun = bytes
	large := bytes > s.largeBegun()
	if c.large && (another || !large) {
		b.large = slices.DeleteFunc(b.large, func(l *conn) bool { return l == c })
		c.large = false
	}
	if large && !c.large {
		b.large = append(b.large, c)
		c.large = true
	} else if !large {
		s.hold(c, false)
	}
	was := b.over
	b.over = b.bytes > s.cfg.Limits.PartialBytes
	for i, l := range b.large {
		if !was && !b.over {
			break // none is held
		}
		s.hold(l, i > 0 && b.over)
	}
	s.timeBegun(b.over && len(b.large) > 1)
}

func (s *Shard) hold(c *conn, held bool) {
	if c.held != held {
		c.held = held
		s.throttle(c)
	}
}

// timeBegun gives the first one its time, if others wait for it.
func (s *Shard) timeBegun(wait bool) {
	b := &s.begun
	var first *conn
	if wait {
		first = b.large[0]
	}
	if first == b.first {
		return
	}
	s.timers.Cancel(b.timer)
	b.first, b.timer = first, nil
	if first != nil {
		s.timeFirst()
	}
}

func (s *Shard) timeFirst() {
	b := &s.begun
	b.had = b.first.begun
	b.timer = s.timers.Set(s.now.Mono+s.cfg.Limits.PartialWait, s.firstIsDue)
}

// firstIsDue closes the first one if it didn't get on although it was read: else whoever begins a request, and doesn't end it, would have
// the others wait for ever.
func (s *Shard) firstIsDue() {
	b := &s.begun
	c := b.first
	brought, least := c.begun-b.had, s.cfg.Limits.PartialBytes/begunShares
	if brought < least && !c.paused {
		s.closeConn(c, fmt.Sprintf("an unfinished request of %d bytes so far brought %d in %s, %d are needed while others wait", c.begun, brought, s.cfg.Limits.PartialWait, least))
		return // its end has the next one go on
	}
	s.timeFirst()
}
