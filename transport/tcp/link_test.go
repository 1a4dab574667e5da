package tcp

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A link finds its peer again whenever the connection breaks; each connection begins with the hello.
func TestLinkReconnects(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	var lines logLines
	log := slog.New(slog.NewTextHandler(&lines, nil))
	link := New(DefaultLimits(), log).Dial(addr, []byte("hello "), log)
	for round := range 3 {
		nc, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		nc.SetDeadline(time.Now().Add(wait))
		hello := make([]byte, 6)
		if _, err := io.ReadFull(nc, hello); err != nil || string(hello) != "hello " {
			t.Fatalf("round %d: %q, %v", round, hello, err)
		}
		data := pattern(3<<20 + round)
		link.Send([][]byte{data[:10], data[10 : 2<<20], data[2<<20:]})
		back := make([]byte, len(data))
		if _, err := io.ReadFull(nc, back); err != nil || !bytes.Equal(back, data) {
			t.Fatalf("round %d: %v", round, err)
		}
		nc.Close()
	}
	l.Close()
	link.Close()
	link.Send([][]byte{[]byte("after the end")})
	if out := lines.String(); strings.Count(out, "peer connected") != 3 || !strings.Contains(out, "not connected, trying on\" address="+addr+" err=EOF") {
		t.Errorf("log:\n%s", out)
	}
}

// N5: what doesn't fit is dropped as a whole; what arrives are whole sends in order.
func TestLinkDropsWholeSends(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	limits := DefaultLimits()
	limits.LinkBytes = 1 << 20
	var lines logLines
	log := slog.New(slog.NewTextHandler(&lines, nil))
	link := New(limits, log).Dial(l.Addr().String(), []byte("h"), log)
	nc, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	nc.SetDeadline(time.Now().Add(wait))
	if _, err := io.ReadFull(nc, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	const size, sends = 100_000, 200
	link.mu.Lock()
	conn := link.conn
	link.mu.Unlock()
	dropped := 0
	for i := range sends {
		if !conn.send([][]byte{bytes.Repeat([]byte{byte(i)}, size)}, limits.LinkBytes) {
			dropped++
		}
	}
	if dropped == 0 {
		t.Fatal("20 MB fit into a queue of 1 MB and the sockets' buffers")
	}
	for !strings.Contains(lines.String(), "envelope dropped") { // nobody reads, so this comes to an end
		link.Send([][]byte{make([]byte, limits.LinkBytes)})
	}
	last, buf := -1, make([]byte, size)
	for range sends - dropped {
		if _, err := io.ReadFull(nc, buf); err != nil {
			t.Fatal(err)
		}
		if int(buf[0]) <= last || !bytes.Equal(buf, bytes.Repeat(buf[:1], size)) {
			t.Fatalf("after send %d came %d, or a torn one", last, buf[0])
		}
		last = int(buf[0])
	}
	link.Close()
	if _, err := io.Copy(io.Discard, nc); err != nil && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("after Close: %v", err)
	}
}

func TestLinkCloseWhileNobodyListens(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	var lines logLines
	log := slog.New(slog.NewTextHandler(&lines, nil))
	link := New(DefaultLimits(), log).Dial(addr, []byte("h"), log)
	link.Send([][]byte{{1}})
	time.Sleep(100 * time.Millisecond)
	link.Close()
	if out := lines.String(); strings.Count(out, "not connected") > 1 {
		t.Errorf("one line per attempt:\n%s", out)
	}
}
