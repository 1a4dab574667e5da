package tcp

import (
	"log/slog"
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Each connection of a link is ended by the kernel once the peer's has acknowledged nothing for a while: the next one finds a network
// that is healed at once, the old one only when the kernel sends again, up to two minutes later.
func TestLinkEndsInSilence(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() // nothing is left to lose
	limits := DefaultLimits()
	limits.LinkSilence = 2345 * time.Millisecond
	log := slog.New(slog.DiscardHandler)
	link := New(limits, log).Dial(l.Addr().String(), []byte("h"), log)
	defer link.Close()
	for round := range 2 {
		nc, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		nc.SetDeadline(time.Now().Add(wait))
		if _, err := nc.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		link.mu.Lock() // waits for what was said in the hello's turn
		c := link.conn
		link.mu.Unlock()
		var ms int
		var failed error
		if err := c.raw.Control(func(fd uintptr) { ms, failed = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT) }); err != nil || failed != nil {
			t.Fatal(err, failed)
		}
		if ms != 2345 {
			t.Errorf("connection %d: TCP_USER_TIMEOUT is %d ms, expected 2345", round, ms)
		}
		nc.Close()
	}
}

func TestEndAfterOfClosed(t *testing.T) {
	_, k := serve(t, DefaultLimits(), 1, nil).dial(t)
	k.conn.nc.Close()
	if err := k.conn.endAfter(time.Second); err == nil {
		t.Error("no error for a socket that is closed")
	}
}
