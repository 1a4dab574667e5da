package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"logd/broker"
	"logd/log"
	"logd/log/osfs"
	"logd/transport"
	"logd/transport/tcp"
)

// wait is how long a test waits for what must come; no test depends on how quickly it does.
const wait = 20 * time.Second

// fake is a shard that does what a test says.
type fake func(now broker.Now, events []broker.Event, out *broker.Output)

func (f fake) Step(now broker.Now, events []broker.Event, out *broker.Output) {
	out.WakeAt = now.Mono + time.Hour
	f(now, events, out)
}

type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// running is a node with fake shards.
type running struct {
	node   *node
	kafka  string
	peers  string
	stop   context.CancelFunc
	result chan error
	lines  lines
}

func localListener(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func runNode(t *testing.T, id int32, addrs map[int32]string, peers net.Listener, shards ...stepper) *running {
	t.Helper()
	return runNodeSaying(t, nil, id, addrs, peers, shards...)
}

// runNodeSaying runs a node that says what it has to say to logger, or in lines.
func runNodeSaying(t *testing.T, logger *slog.Logger, id int32, addrs map[int32]string, peers net.Listener, shards ...stepper) *running {
	t.Helper()
	tree, err := osfs.New(t.TempDir(), osfs.Options{UnsafeNoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	clients := localListener(t)
	if peers == nil {
		peers = localListener(t)
	}
	r := &running{kafka: clients.Addr().String(), peers: peers.Addr().String(), result: make(chan error, 1)}
	trees := make([]log.FS, len(shards))
	for i := range trees {
		trees[i] = tree
	}
	if logger == nil {
		logger = slog.New(slog.NewTextHandler(&r.lines, nil))
	}
	r.node = newNode(id, 77, 88, tcp.DefaultLimits(), shards, trees, logger, time.Now())
	ctx, stop := context.WithCancel(context.Background())
	r.stop = stop
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.result <- r.node.run(ctx, clients, peers, addrs, connLimits{clients: 100, peers: 100, files: 16})
	}()
	t.Cleanup(func() {
		stop()
		<-done
	})
	return r
}

func (r *running) dial(t *testing.T) net.Conn {
	t.Helper()
	nc, err := net.Dial("tcp", r.kafka)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	nc.SetDeadline(time.Now().Add(wait))
	return nc
}

func (r *running) ended(t *testing.T) error {
	t.Helper()
	select {
	case err := <-r.result:
		return err
	case <-time.After(wait):
		t.Fatalf("still running; log:\n%s", &r.lines)
		return nil
	}
}

// stops answers Stop at once.
func stops(events []broker.Event, out *broker.Output) {
	for _, e := range events {
		if _, ok := e.(broker.Stop); ok {
			out.Stopped = true
		}
	}
}

// An echo that closes after "bye", pauses while it has echoed "hold" and halts on "halt".
func echo(_ broker.Now, events []broker.Event, out *broker.Output) {
	for _, e := range events {
		switch e := e.(type) {
		case broker.ConnData:
			text := string(e.Data)
			out.Send = append(out.Send, broker.Send{Conn: e.Conn, Bufs: [][]byte{[]byte(text[:1]), []byte(text[1:])}})
			if text == "bye" {
				out.Close = append(out.Close, broker.Close{Conn: e.Conn, Reason: "said bye"})
			}
			if text == "halt" {
				out.Halt = "the disk is gone"
				out.Logs = append(out.Logs, broker.LogEvent{Level: broker.LevelError, Text: "last words", Attrs: []broker.Attr{{Key: "n", Value: 7}}})
			}
		case broker.Stop:
			out.Stopped = true
		}
	}
}

func TestNodeEchoesAndCloses(t *testing.T) {
	r := runNode(t, 1, nil, nil, fake(echo), fake(echo))
	for range 4 { // both shards
		nc := r.dial(t)
		for _, word := range []string{"hello", "bye"} {
			nc.Write([]byte(word))
			back := make([]byte, len(word))
			if _, err := io.ReadFull(nc, back); err != nil || string(back) != word {
				t.Fatalf("%q came back as %q: %v", word, back, err)
			}
		}
		if _, err := nc.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("after bye: %v", err)
		}
	}
	r.stop()
	if err := r.ended(t); err != nil {
		t.Error(err)
	}
}

// D2: of an Output that halts nothing leaves but its log lines.
func TestNodeHalts(t *testing.T) {
	r := runNode(t, 1, nil, nil, fake(echo))
	nc := r.dial(t)
	nc.Write([]byte("halt"))
	err := r.ended(t)
	if !errors.Is(err, errHalt) || !strings.Contains(err.Error(), "the disk is gone") {
		t.Errorf("ended with %v", err)
	}
	nc.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if n, _ := nc.Read(make([]byte, 10)); n > 0 {
		t.Error("a response left from the turn that halted")
	}
	if out := r.lines.String(); !strings.Contains(out, `level=ERROR msg="last words" n=7`) {
		t.Errorf("log:\n%s", out)
	}
}

// What was sent before the end arrives, although the client begins to read when the shard has stopped.
func TestNodeStops(t *testing.T) {
	big := bytes.Repeat([]byte("x"), 16<<20) // more than the sockets take
	stopped := make(chan struct{}, 1)
	r := runNode(t, 1, nil, nil, fake(func(_ broker.Now, events []broker.Event, out *broker.Output) {
		for _, e := range events {
			if e, ok := e.(broker.ConnData); ok {
				out.Send = append(out.Send, broker.Send{Conn: e.Conn, Bufs: [][]byte{big}})
			}
		}
		if stops(events, out); out.Stopped {
			stopped <- struct{}{}
		}
	}))
	nc := r.dial(t)
	nc.Write([]byte("fetch"))
	if _, err := io.ReadFull(nc, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	r.stop()
	<-stopped
	time.Sleep(50 * time.Millisecond) // could only let a node go unnoticed that doesn't wait
	if _, err := io.ReadFull(nc, make([]byte, len(big)-1)); err != nil {
		t.Error(err)
	}
	if err := r.ended(t); err != nil {
		t.Error(err)
	}
	if _, err := nc.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("the connection outlives the node: %v", err)
	}
	if _, err := net.Dial("tcp", r.kafka); err == nil {
		t.Error("still listening")
	}
}

// A plan is run, its completion comes back, a read finds what it wrote, and mail goes to the sibling in order.
func TestLoopCarriesDiskAndMail(t *testing.T) {
	result := make(chan string, 10)
	first := fake(func(_ broker.Now, events []broker.Event, out *broker.Output) {
		for _, e := range events {
			switch e := e.(type) {
			case broker.ConnData:
				out.Plans = append(out.Plans, log.Plan{Lane: log.LaneFill, ID: 1, Ops: []log.Op{
					{Kind: log.OpCreate, File: "f"},
					{Kind: log.OpWrite, File: "f", Data: []byte("0123456789"), Off: 0},
					{Kind: log.OpSync, File: "f"},
				}}, log.Plan{Lane: log.LaneWAL, ID: 1, Ops: []log.Op{{Kind: log.OpSync, File: "not there"}}})
			case broker.PlanDone:
				if e.Err != nil {
					result <- "error of lane " + e.Lane.String()
					continue
				}
				out.Reads = append(out.Reads, log.Read{ID: 9, File: "f", Off: 4, Len: 100})
			case broker.ReadDone:
				out.Mail = append(out.Mail, broker.Mail{From: 0, To: 1, Body: string(e.Data)}, broker.Mail{From: 0, To: 1, Body: "second"})
			}
		}
		stops(events, out)
	})
	second := fake(func(_ broker.Now, events []broker.Event, out *broker.Output) {
		for _, e := range events {
			if m, ok := e.(broker.Mail); ok {
				result <- m.Body.(string)
			}
		}
		stops(events, out)
	})
	r := runNode(t, 1, nil, nil, first, second)
	r.node.next.Store(1) // the next connection goes to the first shard
	r.dial(t).Write([]byte("go"))
	got := map[string]int{}
	for n := range 3 {
		select {
		case text := <-result:
			got[text] = n
		case <-time.After(wait):
			t.Fatalf("only %v came", got)
		}
	}
	if _, ok := got["error of lane wal"]; !ok || len(got) != 3 || got["456789"] > got["second"] {
		t.Errorf("came: %v", got)
	}
}

// A full disk keeps the directory from remembering a start: that is tried again when the reserve was given up.
func TestNoteWaitsForRoom(t *testing.T) {
	noted := make(chan bool, 1)
	ready := make(chan struct{})
	asked, calls, full := false, 0, 0
	r := runNode(t, 1, nil, nil, fake(func(_ broker.Now, events []broker.Event, out *broker.Output) {
		<-ready
		out.Note, asked = !asked, true
		for _, e := range events {
			if _, ok := e.(broker.Noted); ok {
				noted <- full == 1 && calls == 2
			}
		}
		stops(events, out)
	}))
	l := r.node.loops[0]
	l.full = func() { full++ }
	l.note = func() error {
		if calls++; calls == 1 {
			return fmt.Errorf("note the start: %w", log.ErrNoSpace)
		}
		return nil
	}
	close(ready)
	select {
	case ok := <-noted:
		if !ok {
			t.Errorf("%d calls, room was asked for %d times, expected 2 and 1", calls, full)
		}
	case err := <-r.result:
		t.Errorf("the full disk ended the node: %v", err)
		r.result <- err
	case <-time.After(wait):
		t.Error("the start was never noted")
	}
}

func TestLoopWakes(t *testing.T) {
	turns := make(chan time.Duration, 100)
	r := runNode(t, 1, nil, nil, fake(func(now broker.Now, events []broker.Event, out *broker.Output) {
		select {
		case turns <- now.Mono:
		default:
		}
		out.WakeAt = now.Mono + time.Millisecond
		stops(events, out)
	}))
	last := time.Duration(-1)
	for range 5 {
		select {
		case at := <-turns:
			if at < last+time.Millisecond && last >= 0 {
				t.Errorf("woke at %s after %s without an event", at, last)
			}
			last = at
		case <-time.After(wait):
			t.Fatal("doesn't wake")
		}
	}
	r.stop()
	if err := r.ended(t); err != nil {
		t.Error(err)
	}
}

// Two nodes: envelopes arrive whole, at the shard of the sender's number, and hellos are not seen by shards.
func TestNodesTalk(t *testing.T) {
	got := make(chan string, 10)
	receiver := func(n string) stepper {
		return fake(func(_ broker.Now, events []broker.Event, out *broker.Output) {
			for _, e := range events {
				if f, ok := e.(broker.PeerFrame); ok {
					_, msgs, err := transport.ParseEnvelope(f.Data)
					if err != nil || len(msgs) != 1 || f.Conn == 0 {
						got <- "bad frame"
						continue
					}
					got <- n + string(msgs[0].Body)
					out.Refuse = append(out.Refuse, broker.Close{Conn: f.Conn, Reason: "enough"})
				}
			}
			stops(events, out)
		})
	}
	two := runNode(t, 2, nil, nil, receiver("0:"), receiver("1:"))
	sender := func(shard uint16, text string) stepper {
		return fake(func(now broker.Now, events []broker.Event, out *broker.Output) {
			out.WakeAt = now.Mono + 5*time.Millisecond
			out.Peers = append(out.Peers, broker.PeerSend{To: 2, Bufs: transport.AppendEnvelope(nil,
				transport.Header{From: 1, Shard: shard, To: 2}, []transport.Msg{{Kind: 1, Bufs: [][]byte{[]byte(text)}}})},
				broker.PeerSend{To: 9})
			stops(events, out)
		})
	}
	runNode(t, 1, map[int32]string{1: "127.0.0.1:1", 2: two.peers}, nil, sender(0, "from zero"), sender(1, "from one"))
	seen := map[string]int{}
	for seen["0:from zero"] < 2 || seen["1:from one"] < 2 { // twice: it comes again after Refuse
		select {
		case text := <-got:
			seen[text]++
		case <-time.After(wait):
			t.Fatalf("came: %v; log:\n%s", seen, &two.lines)
		}
	}
	for text := range seen {
		if text != "0:from zero" && text != "1:from one" {
			t.Errorf("came: %q", text)
		}
	}
}

// Connections that are gone leave nothing behind.
func TestLoopForgetsConnections(t *testing.T) {
	type sizes struct{ clients, peers int }
	seen := make(chan sizes, 1000)
	var l *loop
	made := make(chan struct{})
	r := runNode(t, 2, nil, nil, fake(func(now broker.Now, events []broker.Event, out *broker.Output) {
		<-made
		out.WakeAt = now.Mono + 5*time.Millisecond
		select {
		case seen <- sizes{len(l.clients), len(l.peers)}:
		default:
		}
		stops(events, out)
	}))
	l = r.node.loops[0]
	close(made)
	until := func(want sizes) {
		t.Helper()
		for end := time.After(wait); ; {
			select {
			case got := <-seen:
				if got == want {
					return
				}
			case <-end:
				t.Fatalf("never %+v", want)
			}
		}
	}
	client := r.dial(t)
	peer, err := net.Dial("tcp", r.peers)
	if err != nil {
		t.Fatal(err)
	}
	peer.Write(slices.Concat(transport.AppendEnvelope(nil, transport.Header{From: 1, To: 2}, nil)[0],
		transport.AppendEnvelope(nil, transport.Header{From: 1, To: 2}, nil)[0]))
	until(sizes{1, 1})
	client.Close()
	peer.Close()
	until(sizes{0, 0})
}

func TestPeerGarbageIsRefused(t *testing.T) {
	r := runNode(t, 2, nil, nil, fake(func(_ broker.Now, events []broker.Event, out *broker.Output) {
		for _, e := range events {
			if _, ok := e.(broker.PeerFrame); ok {
				t.Error("a shard saw it")
			}
		}
		stops(events, out)
	}))
	hello := func(to int32) []byte {
		return transport.AppendEnvelope(nil, transport.Header{From: 1, To: to}, nil)[0]
	}
	for _, c := range []struct{ name, text, want string }{
		{"http", "GET / HTTP/1.1\r\nHost: a\r\n\r\n" + strings.Repeat("x", 100), "its length is 1195725856, not 72"},
		{"zeros", strings.Repeat("\x00", 100), "its length is 0, not 72"},
		{"short length", "\x00\x00\x00\x10" + strings.Repeat("x", 100), "its length is 16, not 72"},
		{"long length", "\x00\x00\x01\x00" + strings.Repeat("x", 100), "its length is 256, not 72"},
		{"another broker", string(hello(3)), "means broker 3, this is broker 2"},
		{"garbage later", string(hello(2)) + "\xff\xff\xff\xffabc", "length -1"},
	} {
		nc, err := net.Dial("tcp", r.peers)
		if err != nil {
			t.Fatal(err)
		}
		nc.SetDeadline(time.Now().Add(wait))
		nc.Write([]byte(c.text))
		if _, err := nc.Read(make([]byte, 1)); err == nil {
			t.Errorf("%s: got an answer", c.name)
		}
		nc.Close()
		if out := r.lines.String(); !strings.Contains(out, c.want) {
			t.Errorf("%s: want %q in the log:\n%s", c.name, c.want, out)
		}
	}
}

// D3: a peer is held back while as many of its envelopes wait as may.
func TestInboxHoldsPeersBack(t *testing.T) {
	step := make(chan int, 1)
	goOn := make(chan struct{})
	r := runNode(t, 2, nil, nil, fake(func(_ broker.Now, events []broker.Event, out *broker.Output) {
		frames := 0
		for _, e := range events {
			if _, ok := e.(broker.PeerFrame); ok {
				frames++
			}
		}
		if frames > 0 {
			step <- frames
			<-goOn
		}
		stops(events, out)
	}))
	nc, err := net.Dial("tcp", r.peers)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	envelope := transport.AppendEnvelope(nil, transport.Header{From: 1, To: 2}, nil)[0]
	nc.Write(envelope)
	const sent = 50
	nc.Write(bytes.Repeat(envelope, sent))
	for got := 0; got < sent; {
		n := <-step
		if n > peerFrames {
			t.Fatalf("%d envelopes in one turn, at most %d may wait", n, peerFrames)
		}
		got += n
		time.Sleep(time.Millisecond) // could only let too many that wait go unnoticed
		goOn <- struct{}{}
	}
}

// What comes to a loop that has ended is given back.
func TestInboxClosed(t *testing.T) {
	in := newInbox()
	freed := 0
	it := item{ev: broker.Stop{}, free: func() { freed++ }}
	in.put(it)
	in.close()
	in.put(it)
	if got := in.swap(nil); freed != 2 || len(got) > 0 && got[0].ev != nil {
		t.Errorf("%d of 2 given back, %v left", freed, got)
	}
}
