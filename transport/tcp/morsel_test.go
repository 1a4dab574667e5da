package tcp

import (
	"io"
	"log/slog"
	"net"
	"sync/atomic"
	"testing"
	"time"
)

// N4: of a client whose answers are much larger than its requests little is read at once, so what one read leads to is bounded.
func TestLittleIsReadOfWhoIsGivenMuch(t *testing.T) {
	var most atomic.Int64
	s := serve(t, DefaultLimits(), 10, func(k *taken, b []byte) {
		most.Store(max(most.Load(), int64(len(b))))
		k.conn.Send([][]byte{make([]byte, 9*len(b))})
	})
	nc, k := s.dial(t)
	go io.Copy(io.Discard, nc) // until the connection ends
	const sent = 256 << 10
	if _, err := nc.Write(make([]byte, sent)); err != nil {
		t.Fatal(err)
	}
	k.until(t, "all bytes", func(got []byte, _ int) bool { return len(got) == sent })
	if n := most.Load(); n > 2<<10 {
		t.Errorf("%d bytes were read at once", n)
	}
	nc.Close()
}

// lingering is a sink whose turns take their time: what it got it gives back a little later.
type lingering struct {
	conn      *Conn
	out, most atomic.Int64 // reads that it has, and the most it had at a time
	done      chan struct{}
}

func (s *lingering) Data(b *Buf) {
	s.most.Store(max(s.most.Load(), s.out.Add(1)))
	go func() {
		time.Sleep(5 * time.Millisecond)
		n := len(b.Bytes)
		s.conn.Send([][]byte{make([]byte, 20*n)})
		s.out.Add(-1)
		b.Release()
	}()
}

func (s *lingering) Closed(error) { close(s.done) }

// N4: however long the turn takes that took a read, there is no second one of such a client before it is over.
func TestNothingIsReadBeforeTheTurnIsOver(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	sinks := make(chan *lingering, 1)
	n := New(DefaultLimits(), slog.New(slog.DiscardHandler))
	go n.Serve(l, 10, 0, func(c *Conn) Sink {
		s := &lingering{conn: c, done: make(chan struct{})}
		sinks <- s
		return s
	})
	nc, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	const sent = 40 << 10
	if _, err := nc.Write(make([]byte, sent)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(io.Discard, nc, 20*sent); err != nil {
		t.Fatal(err)
	}
	nc.Close()
	s := <-sinks
	<-s.done
	if most := s.most.Load(); most != 1 {
		t.Errorf("%d reads were on their way at a time, expected 1", most)
	}
}
