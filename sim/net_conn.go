package sim

import (
	"fmt"
	"slices"
	"time"

	"logd/broker"
)

// conn is a client's connection: two ordered byte streams. It ends with an orderly close, which delivers all, or a reset,
// which delivers any prefix of what was under way.
type conn struct {
	w      *World
	client *client
	node   *node
	host   *host // the broker's end; nil until it arrived there
	id     broker.ConnID
	up     pipe // client → broker
	down   pipe // broker → client
	dead   bool // the client's end is closed

	unanswered bool // an append without an answer was sent on it (acks=0)
	garbage    bool // it is no client's (act_garbage.go)
	cut        int  // bytes that may wait for one that reads nothing (act_numb.go)
}

// pipe is one direction. Bytes keep their order; how they are cut is the network's choice.
type pipe struct {
	c       *conn
	out     bool // client → broker
	buf     []byte
	spare   []byte // empty; only its memory counts
	due     bool   // a delivery is planned
	held    bool   // the broker reads no more (backpressure)
	ending  bool   // no more bytes come; end is told once all are delivered
	ended   bool
	deliver func([]byte)
	fires   func() // fire
	end     func()
}

func (p *pipe) link() *link {
	n := p.c.w.net
	if p.out {
		return &n.links[n.outside()][p.c.node.index]
	}
	return &n.links[p.c.node.index][n.outside()]
}

func (p *pipe) write(b []byte) {
	if p.ending {
		return
	}
	if p.buf == nil {
		p.buf, p.spare = p.spare, nil
	}
	p.buf = append(p.buf, b...)
	if !p.out {
		p.c.piled()
	}
	p.plan(p.c.w.net.delay(p.link()))
}

// close ends the stream after what was written.
func (p *pipe) close() {
	if !p.ending {
		p.ending = true
		p.plan(p.c.w.net.delay(p.link()))
	}
}

// reset ends the stream after any prefix of what was written.
func (p *pipe) reset() {
	if p.ended {
		return
	}
	if n := len(p.buf); n > 0 && !p.held {
		p.buf = p.buf[:p.c.w.net.rng.IntN(n+1)]
	}
	p.held = false
	p.close()
}

func (p *pipe) plan(in time.Duration) {
	if p.due || p.held || p.ended {
		return
	}
	p.due = true
	if p.fires == nil {
		p.fires = p.fire
	}
	p.c.w.after(in, p.fires)
}

// fire delivers what is there, or a part of it.
func (p *pipe) fire() {
	p.due = false
	w := p.c.w
	if p.held || p.ended {
		return
	}
	l := p.link()
	if p.out && (p.c.choked() || p.c.garbage && p.c.untaken()) && !p.ending {
		p.plan(20 * time.Millisecond)
		return
	}
	if l.cut > 0 { // a stream waits where an envelope is lost
		p.plan(20 * time.Millisecond)
		return
	}
	if n := len(p.buf); n > 0 {
		if n > 1 && chance(w.net.rng, w.net.is.Split) {
			n = 1 + w.net.rng.IntN(n-1)
		}
		if p.c.garbage && p.out {
			n = min(n, readBytes)
		}
		all, chunk := p.buf, p.buf[:n:n]
		p.buf = p.buf[n:]
		w.trace.bytes(w.now, traceBytes, p.c.node.index, uint64(p.c.id), chunk)
		p.deliver(chunk)
		switch {
		case len(p.buf) > 0:
		case p.out:
			p.buf = nil // the shard has it until its turn, see returned
		default: // clients copy what they get
			p.buf = all[:0]
		}
	}
	switch {
	case len(p.buf) > 0:
		p.plan(time.Duration(1 + w.net.rng.Int64N(int64(w.net.is.Delay)+1)))
	case p.ending && !p.ended:
		p.ended = true
		p.end()
	}
}

// dial connects a client to a broker; the client may write at once.
func (w *World) dial(cl *client, n *node) *conn {
	c := &conn{w: w, client: cl, node: n}
	c.up = pipe{c: c, out: true, held: true, deliver: c.toBroker, end: c.upEnded}
	c.down = pipe{c: c, deliver: c.toClient, end: c.downEnded}
	w.after(w.net.delay(c.up.link()), func() { c.accept(0) })
	return c
}

func (c *conn) accept(tries int) {
	p := c.node.proc
	switch {
	case c.dead:
		return
	case c.up.link().cut > 0 && tries < 20:
		c.w.after(100*time.Millisecond, func() { c.accept(tries + 1) })
		return
	case p == nil || p.paused || p.stopping || c.up.link().cut > 0:
		c.down.close() // refused, or timed out
		return
	}
	p.accepted++
	c.host = p.hosts[p.accepted%uint64(len(p.hosts))]
	c.id = broker.ConnID(p.accepted)
	p.conns = append(p.conns, c)
	c.w.trace.add(c.w.now, traceConn, c.node.index, uint64(c.id), 0)
	c.host.give(broker.ConnOpened{Conn: c.id, Remote: fmt.Sprintf("client-%d", c.client.number)})
	c.up.held = false
	c.up.plan(0)
}

// untaken tells whether what was delivered last waits for its turn still: of a client whose answers may be much larger than its
// requests a broker reads nothing more before (transport/tcp, N4).
func (c *conn) untaken() bool {
	return c.host != nil && slices.ContainsFunc(c.host.inbox, func(e broker.Event) bool {
		d, ok := e.(broker.ConnData)
		return ok && d.Conn == c.id
	})
}

func (c *conn) toBroker(b []byte) {
	if c.host != nil {
		c.host.give(broker.ConnData{Conn: c.id, Data: b})
	}
}

// returned takes back the bytes of a ConnData whose turn is over.
func (c *conn) returned(b []byte) { c.up.spare = b[:0] }

func (c *conn) toClient(b []byte) {
	if !c.dead {
		c.client.receive(c, b)
	}
}

// upEnded: the broker sees that the client is gone.
func (c *conn) upEnded() { c.closeBroker() }

// closeBroker tells the shard, once, that the connection is over.
func (c *conn) closeBroker() {
	h := c.host
	if h == nil {
		return
	}
	c.host, c.up.ending, c.up.ended = nil, true, true
	h.p.forget(c)
	h.give(broker.ConnClosed{Conn: c.id})
	c.down.close()
}

// downEnded: the client sees that the broker is gone.
func (c *conn) downEnded() {
	if !c.dead {
		c.dead = true
		c.client.closed(c)
	}
	c.up.reset()
}

// hangUp is the client's own end: it reads no more.
func (c *conn) hangUp() {
	c.dead = true
	c.down.ended, c.down.ending = true, true
	if c.host == nil {
		c.up.ended, c.up.ending = true, true
		return
	}
	c.up.reset()
}

// brokerDied: nothing is left at the broker's end. After a loss of power the client is not even told at once.
func (c *conn) brokerDied(powerLost bool) {
	c.host, c.up.ending, c.up.ended = nil, true, true
	if !powerLost {
		c.down.reset()
		return
	}
	c.down.buf = c.down.buf[:c.w.net.rng.IntN(len(c.down.buf)+1)]
	c.w.after(time.Duration(c.w.net.rng.Int64N(int64(2*time.Second))), c.down.reset)
}
