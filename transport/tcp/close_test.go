package tcp

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"testing"
	"time"
)

type quietSink struct{ closed chan error }

func (s quietSink) Data(b *Buf)         { b.Release() }
func (s quietSink) Closed(reason error) { s.closed <- reason }

// Close ends a connection that has said nothing yet, and every one that comes later: whoever is at the other side must not go on
// talking to nobody.
func TestNetClose(t *testing.T) {
	n := New(DefaultLimits(), slog.New(slog.NewTextHandler(io.Discard, nil)))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() // nothing is left to lose
	opened, closed := make(chan struct{}, 2), make(chan error, 2)
	go n.Serve(l, 10, 0, func(*Conn) Sink { opened <- struct{}{}; return quietSink{closed} })
	dial := func() net.Conn {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	ends := func(c net.Conn) {
		t.Helper()
		c.SetReadDeadline(time.Now().Add(time.Minute)) // a hang fails by this
		if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, net.ErrClosed) {
			t.Errorf("the other side sees %v", err)
		}
	}
	first := dial()
	<-opened
	why := errors.New("the end")
	n.Close(why)
	ends(first)
	if err := <-closed; !errors.Is(err, why) {
		t.Errorf("closed for %v", err)
	}
	ends(dial())
	if len(opened) > 0 {
		t.Error("a connection was given to somebody after the end")
	}
}
