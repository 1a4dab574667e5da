package tcp

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall"
	"time"
)

// Sink takes what comes in on one connection (N1). Its methods may wait, which holds the connection back.
type Sink interface {
	Data(b *Buf)
	Closed(reason error)
}

// ErrSlow is the reason when a connection was closed because its other side doesn't read.
var ErrSlow = errors.New("the other side does not read")

// Conn is one connection. All its methods may be called by any goroutine, and none waits (N3); those of a nil Conn do
// nothing, so that who has a table of them need not ask whether one is still there.
type Conn struct {
	ID     uint64 // never given twice by a Net
	Remote string

	net  *Net
	nc   *net.TCPConn
	raw  syscall.RawConn
	idle time.Duration

	mu      sync.Mutex
	gate    sync.Cond // paused, choked, closing or dead changed
	queue   [][]byte
	queued  int
	taken   int       // bytes read, and
	given   int       // bytes to write, so far
	out     int       // reads that were delivered, and not given back yet
	moved   time.Time // when the other side last took something, or the queue was empty
	writing bool      // a writer runs
	paused  bool
	closing bool  // nothing more is delivered or taken; it ends when the queue is empty
	reason  error // not nil: it ends now
}

func (n *Net) newConn(nc *net.TCPConn, idle time.Duration) (*Conn, error) {
	raw, err := nc.SyscallConn()
	c := &Conn{ID: n.ids.Add(1), Remote: nc.RemoteAddr().String(), net: n, nc: nc, raw: raw, idle: idle}
	c.gate.L = &c.mu
	return c, err
}

// Send queues slices, which must not change any more.
func (c *Conn) Send(bufs [][]byte) {
	if c != nil {
		c.send(bufs, 0)
	}
}

// send is Send, but with a bound leaves alone what doesn't fit, and says so.
func (c *Conn) send(bufs [][]byte, bound int) bool {
	fits := c.enqueue(bufs, bound)
	if c.net.queued.Load() > int64(c.net.limits.TotalBytes) {
		c.net.relieve() // not under mu: it may be any connection that has to go
	}
	return fits
}

func (c *Conn) enqueue(bufs [][]byte, bound int) bool {
	size := 0
	for _, b := range bufs {
		size += len(b)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing || c.reason != nil || size == 0 {
		return true
	}
	if bound > 0 && c.queued > 0 && c.queued+size > bound {
		return false
	}
	if c.queued == 0 {
		c.moved = time.Now()
	}
	c.queue = append(c.queue, bufs...)
	c.queued += size
	c.given += size
	c.net.queued.Add(int64(size))
	if most := c.net.limits.QueueBytes; c.queued > most {
		c.endLocked(fmt.Errorf("%w: %d bytes wait for it, the bound is %d; it took nothing for %s", ErrSlow, c.queued, most, time.Since(c.moved)))
	} else if !c.writing {
		c.writing = true
		go c.write()
	}
	return true
}

// Close ends the connection once what was sent has left (N2). Nothing more is delivered but Closed.
func (c *Conn) Close() {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing || c.reason != nil {
		return
	}
	c.closing = true
	c.gate.Broadcast()
	if !c.writing {
		c.writing = true
		go c.write()
	}
}

// Abort ends the connection now.
func (c *Conn) Abort(reason error) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.endLocked(reason)
}

// Pause stops reading; one read that had begun is still delivered.
func (c *Conn) Pause() { c.setPaused(true) }

// Resume reads again.
func (c *Conn) Resume() { c.setPaused(false) }

func (c *Conn) setPaused(paused bool) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.paused = paused
	c.gate.Broadcast()
}

// endLocked drops what waits and wakes both goroutines; the reader closes the socket.
func (c *Conn) endLocked(reason error) {
	if c.reason == nil {
		c.reason = reason
		c.net.queued.Add(-int64(c.queued)) // at once: who makes room must not end more than it needs
		c.queue, c.queued = nil, 0
		c.nc.SetDeadline(time.Unix(1, 0)) // an error means that the socket is closed already
		c.gate.Broadcast()
	}
}

// serve reads until the connection ends.
func (c *Conn) serve(sink Sink) {
	for c.open() {
		b, err := c.read(c.morsel())
		if err != nil {
			c.Abort(err)
			break
		}
		if c.isClosing() {
			b.Release() // what came after Close is nobody's
			continue
		}
		sink.Data(b)
	}
	c.nc.Close() // a write error was reported as the reason already
	c.mu.Lock()
	reason := c.reason
	c.mu.Unlock()
	sink.Closed(reason)
}

// open waits until reading is wanted, and says whether the connection goes on.
func (c *Conn) open() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for (c.paused || c.queued > c.net.limits.ChokeBytes || c.out > 0 && c.greedy()) && !c.closing && c.reason == nil {
		c.gate.Wait()
	}
	if c.reason == nil && !c.closing && c.idle > 0 {
		c.nc.SetReadDeadline(time.Now().Add(c.idle)) // an error shows in the read that follows
	}
	return c.reason == nil
}

// little is read at once of a client whose answers are much larger than its requests.
const little = 2 << 10

// greedy tells whether a client's answers are much larger than its requests, or not known yet. A request of thirty bytes may have an
// answer of thousands, and what reads lead to can't be taken back: so little is read of it at once, and nothing more before the turn
// that took it is over, and what it is given is counted, however long that turn takes (N4).
func (c *Conn) greedy() bool { return c.taken < 4*little || c.given > 8*c.taken }

// morsel is how much is read at once.
func (c *Conn) morsel() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.greedy() {
		return little
	}
	return c.net.limits.BufferBytes
}

// returned: what one read delivered was taken, and what it led to was sent.
func (c *Conn) returned() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out--
	c.gate.Broadcast()
}

func (c *Conn) isClosing() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closing
}

// read waits for bytes, and takes a buffer only once there are some: ten thousand idle connections hold none.
func (c *Conn) read(most int) (*Buf, error) {
	var n int
	var err error
	b := &Buf{net: c.net, conn: c}
	rawErr := c.raw.Read(func(fd uintptr) bool {
		b.Bytes = c.net.take()
		for {
			n, err = syscall.Read(int(fd), b.Bytes[:min(most, len(b.Bytes))])
			if err != syscall.EINTR {
				break
			}
		}
		if n <= 0 {
			b.giveBack()
		}
		return err != syscall.EAGAIN
	})
	switch {
	case rawErr != nil:
		return nil, rawErr
	case err != nil:
		return nil, err
	case n == 0:
		return nil, io.EOF
	}
	b.Bytes = b.Bytes[:n]
	c.mu.Lock()
	c.taken += n
	c.out++
	c.mu.Unlock()
	return b, nil
}
