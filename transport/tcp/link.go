package tcp

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

const (
	dialTimeout = 2 * time.Second
	backoffLow  = 20 * time.Millisecond
	backoffHigh = 250 * time.Millisecond
)

// Link is a connection to a peer that is made anew whenever it breaks. What is sent while there is none, or while its queue
// is full, is dropped: envelopes may be lost.
type Link struct {
	net    *Net
	addr   string
	hello  []byte
	log    *slog.Logger
	cancel context.CancelFunc
	ended  chan struct{}

	mu    sync.Mutex
	conn  *Conn // nil while there is none
	drops seldom
}

// Dial returns a link to addr; every connection of it begins with hello.
func (n *Net) Dial(addr string, hello []byte, log *slog.Logger) *Link {
	ctx, cancel := context.WithCancel(context.Background())
	l := &Link{net: n, addr: addr, hello: hello, log: log.With("address", addr), cancel: cancel, ended: make(chan struct{})}
	go l.run(ctx)
	return l
}

// Send queues one envelope as a whole, or drops it. A nil Link drops everything.
func (l *Link) Send(bufs [][]byte) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conn == nil || l.conn.send(bufs, l.net.limits.LinkBytes) {
		return
	}
	if skipped, ok := l.drops.now(); ok {
		l.log.Warn("envelope dropped: the peer takes them too slowly", "bound_bytes", l.net.limits.LinkBytes, "more", skipped)
	}
}

// Close ends the link and waits for its goroutine.
func (l *Link) Close() {
	l.cancel()
	<-l.ended
}

// run dials, serves, and dials again, with a growing wait in between. It logs changes, not attempts.
func (l *Link) run(ctx context.Context) {
	defer close(l.ended)
	dialer := net.Dialer{Timeout: dialTimeout} // TCP_NODELAY and keepalive are on by default
	wait, silent := backoffLow, false
	for ctx.Err() == nil {
		nc, err := dialer.DialContext(ctx, "tcp", l.addr)
		if err == nil {
			l.log.Info("peer connected")
			wait, silent = backoffLow, false
			err = l.serve(ctx, nc.(*net.TCPConn))
		}
		if !silent && ctx.Err() == nil {
			l.log.Info("peer not connected, trying on", "err", err)
			silent = true
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait/2 + rand.N(wait)): // jitter, so that peers of a restarted broker don't come together
		}
		wait = min(2*wait, backoffHigh)
	}
}

// serve carries what is sent until the connection breaks, and returns why it did.
func (l *Link) serve(ctx context.Context, nc *net.TCPConn) error {
	c, err := l.net.newConn(nc, 0)
	if err != nil {
		return err
	}
	if err := c.endAfter(l.net.limits.LinkSilence); err != nil {
		l.log.Warn("a cut of the network will be noticed late", "err", err)
	}
	if err := l.net.enter(c); err != nil {
		nc.Close() // it was never used
		return err
	}
	defer l.net.leave(c)
	defer context.AfterFunc(ctx, func() { c.Abort(ctx.Err()) })()
	l.mu.Lock()
	c.Send([][]byte{l.hello}) // under mu: nothing goes before it, and what is sent once it arrived isn't dropped
	l.conn = c
	l.mu.Unlock()
	var nothing silence
	c.serve(&nothing)
	l.mu.Lock()
	l.conn = nil
	l.mu.Unlock()
	return nothing.reason
}

// silence is what comes in on a link: nothing, until it ends.
type silence struct{ reason error }

func (s *silence) Data(b *Buf)         { b.Release() }
func (s *silence) Closed(reason error) { s.reason = reason }
