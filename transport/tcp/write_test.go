package tcp

import (
	"bytes"
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

// narrow makes a connection whose sockets hold little, so that what is sent on it stays in its queue.
func (s *server) narrow(t *testing.T) (net.Conn, *taken) {
	t.Helper()
	nc, k := s.dial(t)
	nc.(*net.TCPConn).SetReadBuffer(32 << 10)
	k.conn.nc.SetWriteBuffer(32 << 10)
	return nc, k
}

// A client that takes something in each step may take as little as it likes: a step that ends at its deadline keeps the rest in front.
// The test ends steps itself, so it depends on no clock.
func TestSlowClientIsNotStalled(t *testing.T) {
	s := serve(t, DefaultLimits(), 10, nil)
	nc, k := s.narrow(t)
	data := pattern(writeBytes + 300<<10)
	k.conn.Send([][]byte{data[:100], nil, data[100 : 700<<10], data[700<<10:]})
	k.conn.Send([][]byte{data[:10]})
	k.conn.Close()
	back := make([]byte, 0, len(data)+10)
	for len(back) < cap(back) {
		k.conn.mu.Lock()
		if k.conn.reason == nil && k.conn.writing {
			k.conn.nc.SetWriteDeadline(time.Unix(1, 0))
		}
		k.conn.mu.Unlock()
		piece := back[len(back):min(len(back)+10_000, cap(back))]
		if _, err := io.ReadFull(nc, piece); err != nil {
			_, _, reason := k.state()
			t.Fatalf("after %d of %d bytes: %v; the connection's end: %v", len(back), cap(back), err, reason)
		}
		back = back[:len(back)+len(piece)]
	}
	if !bytes.Equal(back, append(data, data[:10]...)) {
		t.Error("what came is not what was sent")
	}
}

// What was taken of a batch counts as taken before the batch is: else who takes little looks stuck, and its queue full.
func TestPartOfABatchCounts(t *testing.T) {
	s := serve(t, DefaultLimits(), 10, nil)
	_, k := s.narrow(t)
	c, before := k.conn, time.Now().Add(-time.Hour)
	c.mu.Lock()
	c.writing = true // so that Send starts no writer
	c.mu.Unlock()
	c.Send([][]byte{make([]byte, writeBytes)})
	c.mu.Lock()
	c.moved = before
	c.mu.Unlock()
	go c.write()
	for end := time.Now().Add(wait); s.net.Queued() == writeBytes; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("all %d bytes are still said to wait, though the sockets hold some of them", writeBytes)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.reason != nil || c.queued == 0 || c.moved.Equal(before) {
		t.Errorf("%d bytes wait, last taken at %s; %v", c.queued, c.moved, c.reason)
	}
}

// Who takes nothing in Stall is ended, with the reason that it doesn't read.
func TestStalledClientIsClosed(t *testing.T) {
	limits := DefaultLimits()
	limits.Stall = 50 * time.Millisecond
	s := serve(t, limits, 10, nil)
	_, k := s.dial(t)
	k.conn.Send([][]byte{make([]byte, 64<<20)})
	k.until(t, "closed", func(_ []byte, closes int) bool { return closes == 1 })
	if _, _, reason := k.state(); !errors.Is(reason, ErrSlow) {
		t.Errorf("reason %v", reason)
	}
	if n := s.net.Queued(); n != 0 {
		t.Errorf("%d bytes are queued after the end", n)
	}
}
