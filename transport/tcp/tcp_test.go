package tcp

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// wait is how long a test waits for what must come; no test depends on how quickly it does.
const wait = 20 * time.Second

// taken is a sink that keeps what comes.
type taken struct {
	conn *Conn
	each func(*taken, []byte) // on each Data, before it is kept

	mu     sync.Mutex
	got    []byte
	closes int
	reason error
	change chan struct{}
}

func (s *taken) Data(b *Buf) {
	if s.each != nil {
		s.each(s, b.Bytes)
	}
	s.mu.Lock()
	s.got = append(s.got, b.Bytes...)
	s.mu.Unlock()
	clear(b.Bytes)
	b.Release()
	s.notify()
}

func (s *taken) Closed(reason error) {
	s.mu.Lock()
	s.closes++
	s.reason = reason
	s.mu.Unlock()
	s.notify()
}

func (s *taken) notify() {
	select {
	case s.change <- struct{}{}:
	default:
	}
}

func (s *taken) state() (got []byte, closes int, reason error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Clone(s.got), s.closes, s.reason
}

func (s *taken) until(t *testing.T, what string, ok func(got []byte, closes int) bool) {
	t.Helper()
	end := time.After(wait)
	for {
		if got, closes, _ := s.state(); ok(got, closes) {
			return
		}
		select {
		case <-s.change:
		case <-end:
			got, closes, reason := s.state()
			t.Fatalf("%s: not in %s; got %d bytes, closed %d times: %v", what, wait, len(got), closes, reason)
		}
	}
}

type logLines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logLines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

type server struct {
	net   *Net
	addr  string
	conns chan *taken
	lines logLines
}

func serve(t *testing.T, limits Limits, limit int, each func(*taken, []byte)) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{addr: l.Addr().String(), conns: make(chan *taken, 20_000)}
	s.net = New(limits, slog.New(slog.NewTextHandler(&s.lines, nil)))
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.net.Serve(l, limit, limits.Idle, func(c *Conn) Sink {
			k := &taken{conn: c, each: each, change: make(chan struct{}, 1)}
			s.conns <- k
			return k
		})
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	return s
}

func (s *server) dial(t *testing.T) (net.Conn, *taken) {
	t.Helper()
	nc, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	nc.SetDeadline(time.Now().Add(wait))
	return nc, <-s.conns
}

func pattern(n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(i * 31 >> 3)
	}
	return p
}

// N1, N2: everything arrives once and in order, both ways, through few small buffers.
func TestConnBothWays(t *testing.T) {
	limits := DefaultLimits()
	limits.Buffers, limits.BufferBytes = 2, 1000
	s := serve(t, limits, 10, func(k *taken, p []byte) { k.conn.Send([][]byte{bytes.Clone(p[:len(p)/2]), bytes.Clone(p[len(p)/2:])}) })
	var all sync.WaitGroup
	for range 5 {
		nc, k := s.dial(t)
		data := pattern(300_000)
		all.Go(func() {
			nc.Write(data)
			back := make([]byte, len(data))
			if _, err := io.ReadFull(nc, back); err != nil || !bytes.Equal(back, data) {
				t.Errorf("what came back differs: %v", err)
			}
			nc.Close()
			k.until(t, "closed", func(_ []byte, closes int) bool { return closes == 1 })
			if got, _, reason := k.state(); !bytes.Equal(got, data) || !errors.Is(reason, io.EOF) {
				t.Errorf("%d bytes arrived, %d were sent; %v", len(got), len(data), reason)
			}
		})
	}
	all.Wait()
}

// N2: Close lets what was sent leave, although the client has sent bytes that nobody read, and delivers nothing more.
func TestCloseFlushes(t *testing.T) {
	limits := DefaultLimits()
	limits.Linger = wait
	s := serve(t, limits, 10, func(k *taken, _ []byte) { k.conn.Pause() })
	nc, k := s.dial(t)
	nc.Write([]byte("first"))
	k.until(t, "first bytes", func(got []byte, _ int) bool { return len(got) > 0 })
	go func() { // bytes that nobody reads make a plain close of the socket a reset
		for err := error(nil); err == nil; {
			_, err = nc.Write(make([]byte, 10_000))
		}
	}()
	data := pattern(8 << 20)
	k.conn.Send([][]byte{data[:1], nil, data[1:100], data[100:]})
	k.conn.Close()
	k.conn.Send([][]byte{[]byte("too late")})
	back, err := io.ReadAll(nc)
	if err != nil || !bytes.Equal(back, data) {
		t.Errorf("%d of %d bytes came: %v", len(back), len(data), err)
	}
	nc.Close()
	k.until(t, "closed", func(_ []byte, closes int) bool { return closes == 1 })
	if got, _, _ := k.state(); string(got) != "first" {
		t.Errorf("delivered after Close: %q", got)
	}
}

// N2: also what is still in our socket's buffer when the connection is closed.
func TestCloseDoesNotReset(t *testing.T) {
	limits := DefaultLimits()
	limits.Linger = wait
	s := serve(t, limits, 10, nil)
	nc, k := s.dial(t)
	nc.(*net.TCPConn).SetReadBuffer(4 << 10)
	k.conn.nc.SetWriteBuffer(1 << 20)
	data := pattern(100 << 10)
	k.conn.Send([][]byte{data})
	k.conn.Close()
	for range 10 { // bytes that nobody reads make a plain close of the socket a reset
		nc.Write([]byte("one more request"))
		time.Sleep(5 * time.Millisecond) // could only let a reset go unnoticed
	}
	if back, err := io.ReadAll(nc); err != nil || !bytes.Equal(back, data) {
		t.Errorf("%d of %d bytes came: %v", len(back), len(data), err)
	}
}

func TestCloseWithoutTraffic(t *testing.T) {
	s := serve(t, DefaultLimits(), 10, nil)
	nc, k := s.dial(t)
	k.conn.Close()
	if _, err := nc.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("read: %v, want EOF", err)
	}
	// The client keeps its side open: Linger ends the connection.
	k.until(t, "closed", func(_ []byte, closes int) bool { return closes == 1 })
	k.conn.Abort(errors.New("again"))
	k.conn.Close()
	k.conn.Send([][]byte{{1}})
}

func TestPauseHoldsBack(t *testing.T) {
	limits := DefaultLimits()
	limits.Idle = 0
	s := serve(t, limits, 10, func(k *taken, _ []byte) { k.conn.Pause() })
	nc, k := s.dial(t)
	nc.Write([]byte("first"))
	k.until(t, "first bytes", func(got []byte, _ int) bool { return string(got) == "first" })
	nc.Write([]byte("second"))
	time.Sleep(20 * time.Millisecond) // could only let a broken Pause go unnoticed
	if got, _, _ := k.state(); string(got) != "first" {
		t.Fatalf("read while paused: %q", got)
	}
	k.conn.Resume()
	k.until(t, "the rest", func(got []byte, _ int) bool { return string(got) == "firstsecond" })
	k.conn.Pause()
	k.conn.Abort(errors.New("enough"))
	k.until(t, "closed while paused", func(_ []byte, closes int) bool { return closes == 1 })
	if _, _, reason := k.state(); reason.Error() != "enough" {
		t.Errorf("reason %v", reason)
	}
}

// N4: a client that doesn't read is first not read from, then closed.
func TestSlowClient(t *testing.T) {
	limits := DefaultLimits()
	limits.ChokeBytes, limits.QueueBytes = 64<<10, 32<<20
	s := serve(t, limits, 10, func(k *taken, p []byte) {
		if string(p) == "fetch" {
			k.conn.Send([][]byte{make([]byte, 16<<20)})
		}
	})
	nc, k := s.dial(t)
	nc.Write([]byte("fetch"))
	k.until(t, "the request", func(got []byte, _ int) bool { return len(got) == 5 })
	nc.Write([]byte("choked"))
	time.Sleep(20 * time.Millisecond) // could only let a missing choke go unnoticed
	if got, _, _ := k.state(); string(got) != "fetch" {
		t.Fatalf("read while its queue is full: %q", got)
	}
	if _, err := io.ReadFull(nc, make([]byte, 16<<20)); err != nil {
		t.Fatal(err)
	}
	k.until(t, "read again", func(got []byte, _ int) bool { return string(got) == "fetchchoked" })
	for range 64 {
		k.conn.Send([][]byte{make([]byte, 1<<20)})
	}
	k.until(t, "closed", func(_ []byte, closes int) bool { return closes == 1 })
	if _, _, reason := k.state(); !errors.Is(reason, ErrSlow) {
		t.Errorf("reason %v", reason)
	}
	if n := s.net.queued.Load(); n != 0 {
		t.Errorf("%d bytes queued after the end", n)
	}
}

func TestIdleClientIsClosed(t *testing.T) {
	limits := DefaultLimits()
	limits.Idle = 30 * time.Millisecond
	s := serve(t, limits, 10, nil)
	_, k := s.dial(t)
	k.until(t, "closed", func(_ []byte, closes int) bool { return closes == 1 })
}

func TestConnectionLimit(t *testing.T) {
	s := serve(t, DefaultLimits(), 3, nil)
	var first *taken
	for range 3 {
		_, k := s.dial(t)
		first = k
	}
	for range 5 {
		nc, err := net.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		nc.SetDeadline(time.Now().Add(wait))
		if _, err := nc.Read(make([]byte, 1)); err == nil {
			t.Error("a connection over the limit got bytes")
		}
		nc.Close()
	}
	if out := s.lines.String(); strings.Count(out, "connection refused: too many are open") != 1 || !strings.Contains(out, "limit=3") {
		t.Errorf("log:\n%s", out)
	}
	first.conn.Abort(errors.New("make room"))
	first.until(t, "closed", func(_ []byte, closes int) bool { return closes == 1 })
	end := time.Now().Add(wait)
	for { // the place is free a moment after Closed
		nc, _ := net.Dial("tcp", s.addr)
		nc.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		_, err := nc.Read(make([]byte, 1))
		nc.Close()
		if ne, ok := err.(net.Error); ok && ne.Timeout() {
			break
		}
		if time.Now().After(end) {
			t.Fatal("still refused after one has gone")
		}
	}
}

// Idle connections hold neither buffers nor a writer.
func TestManyIdleConnections(t *testing.T) {
	s := serve(t, DefaultLimits(), 10_000, nil)
	const n = 2000
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	goroutines := runtime.NumGoroutine()
	conns := make([]net.Conn, n)
	var closed atomic.Int64
	for i := range conns {
		conns[i], _ = s.dial(t)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if per := (int64(after.Sys) - int64(before.Sys)) / n; per > 24<<10 {
		t.Errorf("%d bytes per idle connection, both ends", per)
	}
	if more := runtime.NumGoroutine() - goroutines; more > n+10 {
		t.Errorf("%d goroutines for %d connections", more, n)
	}
	for _, nc := range conns {
		nc.Close()
		closed.Add(1)
	}
}
