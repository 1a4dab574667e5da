package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// tcpPair is a checked connection and the peer's end of it.
func tcpPair(t *testing.T) (*checkedConn, net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	peer, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := c.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); peer.Close() })
	return &checkedConn{Conn: c, raw: raw}, peer
}

func TestHangUpIsSeenBeforeWriting(t *testing.T) {
	t.Parallel()
	c, peer := tcpPair(t)
	if n, err := c.Write([]byte("a")); n != 1 || err != nil {
		t.Fatalf("open connection: %d %v", n, err)
	}
	// A reader that waits must not hold up a writer.
	got := make(chan byte, 1)
	go func() {
		var one [1]byte
		io.ReadFull(c, one[:])
		got <- one[0]
	}()
	time.Sleep(10 * time.Millisecond)
	if _, err := c.Write([]byte("b")); err != nil {
		t.Fatal(err)
	}
	peer.Write([]byte("x"))
	if b := <-got; b != 'x' {
		t.Fatalf("looking at the connection took a byte of it: got %q", b)
	}
	peer.Close()
	awaitHangUp(t, c)
	n, err := c.Write([]byte("c"))
	if n != 0 || !errors.Is(err, errHungUp) {
		t.Fatalf("after a hang-up: %d %v", n, err)
	}
}

func TestResetIsSeenBeforeWriting(t *testing.T) {
	t.Parallel()
	c, peer := tcpPair(t)
	peer.(*net.TCPConn).SetLinger(0)
	peer.Close()
	awaitHangUp(t, c)
	if n, err := c.Write([]byte("c")); n != 0 || !errors.Is(err, errHungUp) {
		t.Fatalf("after a reset: %d %v", n, err)
	}
}

func awaitHangUp(t *testing.T, c *checkedConn) {
	t.Helper()
	for range 1000 {
		if c.hungUp() != nil {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("never seen")
}

// proxy forwards to addr until cut, which closes all connections that are open.
type proxy struct {
	net.Listener
	mu    sync.Mutex
	conns []net.Conn
}

func newProxy(t *testing.T, addr string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{Listener: l}
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", addr)
			if err != nil {
				in.Close()
				return
			}
			p.mu.Lock()
			p.conns = append(p.conns, in, out)
			p.mu.Unlock()
			go io.Copy(in, out)
			go io.Copy(out, in)
		}
	}()
	t.Cleanup(func() { l.Close(); p.cut() })
	return p
}

func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		c.Close()
	}
	p.conns = nil
}

// C5: connections that die between two lines cost nothing: no line is unclear, none is stored twice.
func TestIdleConnectionDies(t *testing.T) {
	t.Parallel()
	c := fake(t, 1, "orders")
	p := newProxy(t, c.ListenAddrs()[0])
	metadataWith(c, func(m *kmsg.MetadataResponse) { m.Brokers[0] = brokerAt(0, p.Addr().String()) })
	stdin, typed := io.Pipe()
	shown, stdout := io.Pipe()
	var errs strings.Builder
	a := &app{in: stdin, out: stdout, err: &errs, getenv: func(string) string { return "" }}
	code := make(chan int, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		code <- a.run(ctx, []string{"-b", p.Addr().String(), "topic", "produce", "orders", "-p", "0", "--json"})
		stdout.Close()
	}()
	out := bufio.NewScanner(shown)
	for _, v := range []string{"a", "b", "c"} {
		io.WriteString(typed, v+"\n")
		if !out.Scan() || !strings.Contains(out.Text(), `"stored"`) {
			t.Fatalf("line %s: %s %s", v, out.Text(), errs.String())
		}
		p.cut()
		time.Sleep(50 * time.Millisecond) // for the close to arrive
	}
	typed.Close()
	if n := <-code; n != exitOK {
		t.Fatalf("exit %d: %s", n, errs.String())
	}
	if d := cmp.Diff(map[int32][]string{0: {"a", "b", "c"}}, values(t, c, "orders")); d != "" {
		t.Error(d)
	}
}
