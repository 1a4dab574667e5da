package tcp

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// mute dials a connection that no writer serves: what is sent on it stays in its queue, and the test says when it took something.
func (s *server) mute(t *testing.T) *Conn {
	t.Helper()
	_, k := s.dial(t)
	k.conn.mu.Lock()
	defer k.conn.mu.Unlock()
	k.conn.writing = true
	return k.conn
}

// still has a connection have taken nothing for so long.
func (c *Conn) still(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.moved = time.Now().Add(-d)
}

func (c *Conn) end() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reason
}

// N4: the bound is on all queues together, and holds after each Send, however quickly they come and whoever they are for.
func TestTotalBytes(t *testing.T) {
	limits := DefaultLimits()
	limits.TotalBytes = 256 << 10
	s := serve(t, limits, 100, nil)
	var all []*Conn
	for i := range 40 {
		c := s.mute(t)
		c.Send([][]byte{make([]byte, 50<<10)}) // what one Fetch is given, in KiB for MiB
		all = append(all, c)
		if n, want := s.net.Queued(), int64(min(i+1, 5)*50<<10); n != want {
			t.Errorf("%d bytes are queued for %d connections, expected %d: the bound is %d", n, i+1, want, limits.TotalBytes)
		}
	}
	left := 0
	for _, c := range all {
		if err := c.end(); err == nil {
			left++
		} else if !errors.Is(err, ErrSlow) {
			t.Errorf("reason %v", err)
		}
	}
	if left != 5 {
		t.Errorf("%d connections are left, 5 have room", left)
	}
	if out := s.lines.String(); !strings.Contains(out, "connections ended: too much waits") {
		t.Errorf("log:\n%s", out)
	}
}

// N4: with clients that don't read, and writers and sockets as they are, the bound holds after each Send too.
func TestTotalBytesOfWriters(t *testing.T) {
	limits := DefaultLimits()
	limits.TotalBytes = 8 << 20
	s := serve(t, limits, 100, nil)
	one := make([]byte, 3<<20)
	for range 12 {
		_, k := s.narrow(t)
		k.conn.Send([][]byte{one})
		if n := s.net.Queued(); n > int64(limits.TotalBytes) {
			t.Errorf("%d bytes are queued, the bound is %d", n, limits.TotalBytes)
		}
	}
}

// Those that are stuck go first, the longest first, and no more than must; nobody goes who takes what it is given while one of them is left.
func TestStuckEndFirst(t *testing.T) {
	limits := DefaultLimits()
	limits.TotalBytes = 1000
	s := serve(t, limits, 10, nil)
	a, b, slow, last := s.mute(t), s.mute(t), s.mute(t), s.mute(t)
	b.Send([][]byte{make([]byte, 100)})
	a.Send([][]byte{make([]byte, 100)})
	slow.Send([][]byte{make([]byte, 800)})
	a.still(20 * time.Second)
	b.still(time.Hour)
	slow.still(-time.Hour) // it goes on taking, however long the test takes
	expect := func(what string, want ...*Conn) {
		t.Helper()
		for i, c := range []*Conn{a, b, slow, last} {
			ended, shall := c.end() != nil, false
			for _, w := range want {
				shall = shall || w == c
			}
			if ended != shall {
				t.Errorf("%s: connection %d of a, b, slow, last is ended: %v, expected %v", what, i, ended, shall)
			}
		}
	}
	expect("at the bound")
	last.Send([][]byte{make([]byte, 50)})
	expect("50 over it", b)
	last.Send([][]byte{make([]byte, 51)})
	expect("1 over it again", b, a)
	if n := s.net.Queued(); n != 901 {
		t.Errorf("%d bytes are queued, expected 901", n)
	}
}

// When all take what they are given, the one goes that has most before it: not who asked for little, nor who is nearly done.
func TestLongestQueueEndsThen(t *testing.T) {
	limits := DefaultLimits()
	limits.TotalBytes = 1000
	s := serve(t, limits, 10, nil)
	little, much, last := s.mute(t), s.mute(t), s.mute(t)
	little.Send([][]byte{make([]byte, 10)})
	much.Send([][]byte{make([]byte, 600)})
	for _, c := range []*Conn{little, much, last} {
		c.still(-time.Hour)
	}
	last.Send([][]byte{make([]byte, 500)})
	if little.end() != nil || !errors.Is(much.end(), ErrSlow) || last.end() != nil {
		t.Errorf("little: %v, much: %v, last: %v; expected that much is ended", little.end(), much.end(), last.end())
	}
	last.Send([][]byte{make([]byte, 491)})
	if little.end() != nil || !errors.Is(last.end(), ErrSlow) {
		t.Errorf("little: %v, last: %v; expected that last is ended", little.end(), last.end())
	}
}

// A link's queue counts, and it is ended as any other: it is made anew.
func TestLinkOverTotalBytes(t *testing.T) {
	limits := DefaultLimits()
	limits.TotalBytes = 1 << 20
	s := serve(t, limits, 10, nil)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() // nothing is left to lose
	link := s.net.Dial(l.Addr().String(), []byte("hello"), s.net.log)
	defer link.Close()
	accept := func() {
		nc, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { nc.Close() }) // not before, or the link would end for that
		nc.SetDeadline(time.Now().Add(wait))
		if _, err := io.ReadFull(nc, make([]byte, 5)); err != nil {
			t.Fatal(err)
		}
	}
	accept()
	link.mu.Lock()
	c := link.conn
	link.mu.Unlock()
	link.Send([][]byte{make([]byte, 32<<20)}) // more than the sockets' buffers hold
	if n := s.net.Queued(); n > int64(limits.TotalBytes) || !errors.Is(c.end(), ErrSlow) {
		t.Errorf("%d bytes are queued, the bound is %d; the link's connection: %v", n, limits.TotalBytes, c.end())
	}
	accept()
}
