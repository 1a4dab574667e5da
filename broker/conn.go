package broker

import (
	"cmp"
	"fmt"
	"time"

	"logd/transport"
)

// conn is one client's connection: its bytes become frames, frames become requests, and each request has a slot from which
// its response leaves in order (B1).
//
//	bytes ─► frames ─► parse ─► slots:  [done][waiting][done]   only the front one is sent
type conn struct {
	id     ConnID
	remote string
	client string // name and version of its software, as its ApiVersions request says; empty before
	frames *transport.Frames
	slots  []*slot
	asked  uint64 // requests that came; asked - len(slots) == left
	left   uint64 // responses that left, or were none (B1)
	bytes  int    // of the requests in slots
	begun  int    // bytes of the request that is not all here yet
	large  bool   // it is a large one, with a place in the shard's line of those
	held   bool   // not to be read for now, because unfinished requests hold too much
	paused bool   // nothing more is started: held, or too much is unanswered, or the broker is fenced
	told   bool   // paused, as the driver knows it
	dead   bool   // closed by us: nothing more is read or sent

	turning bool // among the shard's
}

// slot is a request's place in the order of responses.
type slot struct {
	seq   uint64 // of its request on the connection, from 1
	bytes int
	done  bool
	bufs  [][]byte // none: this request has no response (acks=0)
}

func (s *Shard) opened(e ConnOpened) {
	if s.conns[e.Conn] != nil {
		panic(fmt.Sprintf("broker: connection %d opened twice", e.Conn))
	}
	c := &conn{id: e.Conn, remote: e.Remote, frames: transport.NewFrames(transport.MaxFrame)}
	s.conns[e.Conn] = c
	s.throttle(c)
}

func (s *Shard) closed(id ConnID) {
	if c := s.conns[id]; c != nil {
		c.dead = true
		s.countBegun(c, 0)
		delete(s.conns, id)
	}
}

// received takes what arrived and starts what is whole of it.
func (s *Shard) received(e ConnData) {
	c := s.conns[e.Conn]
	if c == nil || c.dead {
		return
	}
	c.frames.Feed(e.Data)
	s.parse(c)
	if !c.dead {
		s.countBegun(c, c.frames.Pending())
	}
}

// parse starts the requests that are here, in order, for as long as the connection isn't paused: what had arrived before its
// driver heard of that waits in frames. A connection that sends garbage is closed and touches nothing else.
func (s *Shard) parse(c *conn) {
	for !c.dead && !c.paused {
		frame, ok, err := c.frames.Next()
		if err != nil {
			s.closeConn(c, err.Error())
			return
		}
		if !ok {
			return
		}
		s.begin(c, frame)
	}
}

// goOn starts what has waited on connections that are no longer paused. It is done at the end of a turn, not where a response is
// filled in: that is in the midst of something.
func (s *Shard) goOn() {
	for len(s.resumed) > 0 {
		c := s.resumed[0]
		s.resumed = s.resumed[1:]
		s.parse(c)
		s.settle()
	}
}

// begin starts one request.
func (s *Shard) begin(c *conn, frame []byte) {
	if !s.fence.open {
		panic(fmt.Sprintf("invariant B15: connection %d: a request is begun, and what was applied of the metadata ends at index %d", c.id, s.meta.Index))
	}
	if n := s.cfg.Limits.RequestBytes; len(frame) > n && (len(frame) < 2 || frame[0] != 0 || frame[1] != byte(keyProduce)) {
		s.closeConn(c, fmt.Sprintf("a request of %d bytes that is no Produce, the limit is %d", len(frame), n))
		return
	}
	r, err := transport.ParseRequest(frame, served)
	if err != nil {
		s.closeConn(c, err.Error())
		return
	}
	c.client = cmp.Or(softwareOf(r), c.client)
	c.asked++
	sl := &slot{seq: c.asked, bytes: len(frame)}
	c.slots = append(c.slots, sl)
	c.bytes += sl.bytes
	s.start(c, sl, r)
	s.throttle(c)
}

// closings are the lines of the log on connections that were closed: a client that connects anew each time would fill it.
type closings struct {
	until time.Duration // no more than closingLines
	lines int
	more  int // closed since the last, without one
}

const (
	closingLines = 10
	closingEvery = 10 * time.Second
)

// heed tells whether there is to be a line, and how many had none before it.
func (c *closings) heed(now time.Duration) (more int, say bool) {
	if now >= c.until {
		c.until, c.lines = now+closingEvery, 0
	}
	if c.lines == closingLines {
		c.more++
		return 0, false
	}
	c.lines++
	more, c.more = c.more, 0
	return more, true
}

// closeConn closes a connection from our side, with the reason in the log. A client that hangs up by itself is no news.
func (s *Shard) closeConn(c *conn, reason string) {
	if c.dead {
		return
	}
	c.dead = true
	s.out.Close = append(s.out.Close, Close{c.id, reason})
	if more, say := s.closings.heed(s.now.Mono); say {
		s.log(LevelInfo, "closing a client's connection", "remote", c.remote, "software", cmp.Or(c.client, "unknown"), "reason", reason, "more", more)
	}
}

// fill puts a response into its slot and sends what is at the front.
func (s *Shard) fill(c *conn, sl *slot, bufs [][]byte) {
	if sl.done {
		panic(fmt.Sprintf("invariant B7: connection %d: a request is answered twice", c.id))
	}
	sl.done, sl.bufs = true, bufs
	for len(c.slots) > 0 && c.slots[0].done {
		front := c.slots[0]
		c.slots[0] = nil
		c.slots = c.slots[1:]
		c.bytes -= front.bytes
		if c.left++; front.seq != c.left {
			panic(fmt.Sprintf("invariant B1: connection %d: the response to request %d leaves as number %d", c.id, front.seq, c.left))
		}
		if len(front.bufs) > 0 && !c.dead {
			s.out.Send = append(s.out.Send, Send{c.id, front.bufs})
		}
	}
	s.throttle(c)
}

// throttle stops a connection that has too much unanswered, and has it go on when that has shrunk by half; and all of them for as long
// as the broker is fenced.
func (s *Shard) throttle(c *conn) {
	l := s.cfg.Limits
	held := c.held || !s.fence.open
	over := held || len(c.slots) >= l.ConnRequests || c.bytes >= l.ConnBytes
	under := !held && len(c.slots) <= l.ConnRequests/2 && c.bytes <= l.ConnBytes/2
	if c.dead || c.paused && !under || !c.paused && !over {
		return
	}
	c.paused = !c.paused
	if !c.turning {
		c.turning = true
		s.turning = append(s.turning, c)
	}
	if !c.paused {
		s.resumed = append(s.resumed, c)
	}
}

// tellPauses tells the driver which connections to read, at the end of a turn: some may have gone back and forth in it.
func (s *Shard) tellPauses() {
	for _, c := range s.turning {
		c.turning = false
		switch {
		case c.dead || c.told == c.paused:
			continue
		case c.paused:
			s.out.Pause = append(s.out.Pause, c.id)
		default:
			s.out.Resume = append(s.out.Resume, c.id)
		}
		c.told = c.paused
	}
	clear(s.turning)
	s.turning = s.turning[:0]
}
