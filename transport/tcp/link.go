package tcp

import (
	"context"
	"errors"
	"io"
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

var errClosedByPeer = errors.New("closed by the other side")

// Link is a connection to a peer that is made anew whenever it breaks. What is sent while there is none, or while its queue
// is full, is dropped: envelopes may be lost.
type Link struct {
	net    *Net
	addr   string
	hello  []byte
	log    *slog.Logger
	cancel context.CancelFunc
	ended  chan struct{}

	mu      sync.Mutex
	nc      net.Conn // nil while there is none
	queue   [][]byte
	queued  int
	dropped int
	wake    chan struct{} // something was queued, or the connection broke
	broken  error
}

// Dial returns a link to addr; every connection of it begins with hello.
func (n *Net) Dial(addr string, hello []byte, log *slog.Logger) *Link {
	ctx, cancel := context.WithCancel(context.Background())
	l := &Link{net: n, addr: addr, hello: hello, log: log.With("address", addr), cancel: cancel, ended: make(chan struct{}), wake: make(chan struct{}, 1)}
	go l.run(ctx)
	return l
}

// Send queues one envelope, or drops it.
func (l *Link) Send(bufs [][]byte) {
	size := 0
	for _, b := range bufs {
		size += len(b)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.nc == nil || l.broken != nil {
		return
	}
	if l.queued+size > l.net.limits.LinkBytes && l.queued > 0 {
		l.dropped++
		return
	}
	l.queue = append(l.queue, bufs...)
	l.queued += size
	l.signal()
}

// Close ends the link and waits for its goroutines.
func (l *Link) Close() {
	l.cancel()
	<-l.ended
}

func (l *Link) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
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
			err = l.serve(ctx, nc)
		}
		if ctx.Err() != nil {
			return
		}
		if !silent {
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

// serve writes what is sent until the connection breaks.
func (l *Link) serve(ctx context.Context, nc net.Conn) error {
	l.mu.Lock()
	l.nc, l.queue, l.queued, l.broken = nc, [][]byte{l.hello}, len(l.hello), nil
	l.signal()
	l.mu.Unlock()
	watched := make(chan struct{})
	go l.watch(nc, watched)
	stop := context.AfterFunc(ctx, func() { l.fail(ctx.Err()) })
	err := l.write(nc)
	stop()
	nc.Close() // ends watch
	<-watched
	l.mu.Lock()
	l.nc, l.queue, l.queued = nil, nil, 0
	dropped := l.dropped
	l.dropped = 0
	l.mu.Unlock()
	if dropped > 0 {
		l.log.Warn("envelopes dropped: the peer takes them too slowly", "envelopes", dropped, "bound_bytes", l.net.limits.LinkBytes)
	}
	return err
}

// watch notices that the other side is gone though we have nothing to write. Nothing is ever received on a link.
func (l *Link) watch(nc net.Conn, done chan struct{}) {
	defer close(done)
	_, err := nc.Read(make([]byte, 1))
	if err == nil || errors.Is(err, io.EOF) {
		err = errClosedByPeer
	}
	l.fail(err)
}

func (l *Link) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken == nil {
		l.broken = err
		if l.nc != nil {
			l.nc.SetDeadline(time.Unix(1, 0)) // an error means that it is closed already
		}
	}
	l.signal()
}

func (l *Link) write(nc net.Conn) error {
	for {
		l.mu.Lock()
		if l.broken != nil {
			defer l.mu.Unlock()
			return l.broken
		}
		batch, size := cut(&l.queue)
		if size > 0 {
			nc.SetWriteDeadline(time.Now().Add(l.net.limits.Stall)) // under mu: never after fail's
		}
		l.mu.Unlock()
		if size == 0 {
			<-l.wake
			continue
		}
		if _, err := batch.WriteTo(nc); err != nil {
			l.fail(err) // a reason found earlier stays
			continue
		}
		l.mu.Lock()
		l.queued -= size
		l.mu.Unlock()
	}
}
