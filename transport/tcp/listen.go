package tcp

import (
	"errors"
	"net"
	"sync/atomic"
	"time"
)

// acceptRetry is how long accepting rests after an error such as too many open files.
const acceptRetry = 50 * time.Millisecond

// Serve accepts connections until the listener is closed. open says who takes what comes in on one; it is called before
// anything is read. A connection beyond limit is closed at once, with a line in the log. idle is [Limits.Idle] or 0: no limit.
//
// Go's listeners turn on TCP_NODELAY and keepalive.
func (n *Net) Serve(l net.Listener, limit int, idle time.Duration, open func(*Conn) Sink) {
	var count atomic.Int64
	var refusals, failures seldom
	for {
		nc, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			if skipped, ok := failures.now(); ok {
				n.log.Warn("can't accept a connection", "listener", l.Addr().String(), "err", err, "more", skipped)
			}
			time.Sleep(acceptRetry)
			continue
		}
		if count.Load() >= int64(limit) {
			nc.Close() // it was never used
			if skipped, ok := refusals.now(); ok {
				n.log.Warn("connection refused: too many are open", "listener", l.Addr().String(),
					"remote", nc.RemoteAddr().String(), "limit", limit, "more", skipped)
			}
			continue
		}
		c, err := n.newConn(nc.(*net.TCPConn), idle)
		if err != nil {
			nc.Close() // the error is that it is closed
			continue
		}
		if n.enter(c) != nil {
			nc.Close() // nobody takes it
			continue
		}
		count.Add(1)
		sink := open(c)
		go func() {
			c.serve(sink)
			n.leave(c)
			count.Add(-1)
		}()
	}
}
