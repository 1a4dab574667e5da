package sim

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"logd/broker"
	"logd/log"
)

// toy is a shard that echoes what clients write, and writes what it was sent to a file of its own.
type toy struct {
	t       testing.TB
	open    map[broker.ConnID]int // 1 open, 2 closed
	got     bytes.Buffer
	plans   uint64
	planOut bool
	data    []byte
	wake    time.Duration
	mails   []int
	frames  [][]byte
	turns   int
}

func newToy(t testing.TB) *toy { return &toy{t: t, open: map[broker.ConnID]int{}} }

func (s *toy) Step(now broker.Now, events []broker.Event, out *broker.Output) {
	s.turns++
	for _, e := range events {
		switch e := e.(type) {
		case broker.ConnOpened:
			if s.open[e.Conn]++; s.open[e.Conn] != 1 {
				s.t.Errorf("connection %d opened twice", e.Conn)
			}
		case broker.ConnClosed:
			if s.open[e.Conn]++; s.open[e.Conn] != 2 {
				s.t.Errorf("connection %d closed %d times, or before it was open", e.Conn, s.open[e.Conn]-1)
			}
		case broker.ConnData:
			if s.open[e.Conn] != 1 {
				s.t.Errorf("data on connection %d that isn't open", e.Conn)
			}
			s.got.Write(e.Data)
			out.Send = append(out.Send, broker.Send{Conn: e.Conn, Bufs: [][]byte{bytes.Clone(e.Data)}})
		case broker.PlanDone:
			if e.ID != s.plans {
				s.t.Errorf("plan %d is done, %d is out", e.ID, s.plans)
			}
			if bytes.Contains(s.data, []byte("abc")) {
				s.t.Error("a completed plan's bytes weren't overwritten")
			}
			s.planOut = false
		case broker.Mail:
			s.mails = append(s.mails, e.Body.(int))
		case broker.PeerFrame:
			s.frames = append(s.frames, e.Data)
		}
	}
	if !s.planOut && s.plans < 5 {
		s.plans++
		s.planOut = true
		s.data = bytes.Repeat([]byte("abc"), 700)
		ops := []log.Op{{Kind: log.OpWrite, File: "f", Data: s.data, Off: int64(s.plans) * 100}, {Kind: log.OpSync, File: "f"}}
		if s.plans == 1 {
			ops = append([]log.Op{{Kind: log.OpCreate, File: "f"}, {Kind: log.OpSyncDir, File: "."}}, ops...)
		}
		out.Plans = append(out.Plans, log.Plan{ID: s.plans, Ops: ops})
	}
	out.WakeAt = s.wake
}

func (s *toy) Inspect(func(*broker.GroupView))        {}
func (s *toy) InspectChanged(func(*broker.GroupView)) {}

// toyWorld is a world of toys, without clients of its own and without faults.
func toyWorld(t testing.TB, seed uint64, shards int) (*World, [][]*toy) {
	opt := DrawSized(seed, time.Minute, Size{Brokers: 3})
	opt.Shards = shards
	w := newWorld(opt, Env{})
	var toys [][]*toy
	for _, n := range w.nodes {
		p := &process{node: n, boot: 1}
		n.proc = p
		toys = append(toys, nil)
		for i := range shards {
			s := newToy(t)
			if err := n.disk.mkdir(log.ShardDir(i)); err != nil {
				t.Fatal(err)
			}
			rng := stream(seed, streamShard, uint64(i))
			p.hosts = append(p.hosts, newHost(p, i, s, rng, entropyOf(rng)))
			toys[n.index] = append(toys[n.index], s)
		}
	}
	return w, toys
}

// run runs a world until nothing is planned, or for so long.
func (w *World) run(t testing.TB, length time.Duration) {
	t.Helper()
	before := setEntropy(nil)
	defer setEntropy(before)
	for end := w.now + length; w.queue.len() > 0 && w.violation == nil && w.queue.next() <= end; {
		w.step()
	}
	if w.violation != nil {
		t.Fatal(w.violation)
	}
}

// ear is a client's role that only listens.
type ear struct{}

func (ear) act(*client)         {}
func (ear) done(*client, *call) {}

// Bytes on a connection keep their order, whatever cuts and resets there are; a reset delivers a prefix, a close all.
func TestConnIsAnOrderedStream(t *testing.T) {
	for seed := range uint64(60) {
		w, toys := toyWorld(t, seed, 1)
		c := newClient(w, 2+len(w.clients), ear{})
		cn := w.dial(c, w.nodes[0])
		var back bytes.Buffer
		ended := 0
		cn.down.deliver = func(b []byte) { back.Write(b) }
		cn.down.end = func() { ended++; cn.dead = true }
		var sent bytes.Buffer
		for i := range 50 {
			chunk := fmt.Appendf(nil, "<%d of seed %d>", i, seed)
			sent.Write(chunk)
			w.after(time.Duration(i)*time.Millisecond, func() { cn.up.write(chunk) })
		}
		how := seed % 3
		w.after(30*time.Millisecond, func() {
			switch how {
			case 0:
				cn.up.reset()
			case 1:
				w.nodes[0].kill(seed%2 == 0)
			}
		})
		if how == 2 {
			w.after(50*time.Millisecond, cn.up.close)
		}
		w.run(t, time.Hour)
		got := toys[0][0].got.Bytes()
		if !bytes.HasPrefix(sent.Bytes(), got) || !bytes.HasPrefix(sent.Bytes(), back.Bytes()) {
			t.Fatalf("seed %d: sent %q, the broker got %q, back came %q", seed, sent.Bytes(), got, back.Bytes())
		}
		if how == 2 && len(got) != sent.Len() {
			t.Fatalf("seed %d: closed in order, and of %d bytes %d came", seed, sent.Len(), len(got))
		}
		if ended != 1 {
			t.Fatalf("seed %d: the client was told %d times that the connection ended", seed, ended)
		}
		if how != 1 && toys[0][0].open[cn.id] != 2 {
			t.Fatalf("seed %d: the shard's connection is in state %d", seed, toys[0][0].open[cn.id])
		}
	}
}

// A plan runs in order, its bytes reach the disk and are overwritten in memory; a paused process ends none.
func TestPlansRun(t *testing.T) {
	w, toys := toyWorld(t, 1, 1)
	p := w.nodes[0].proc
	p.hosts[0].poke(0)
	w.after(200*time.Microsecond, func() { p.paused = true })
	w.run(t, time.Second)
	if toys[0][0].plans == 5 {
		t.Fatal("a paused process went on")
	}
	p.resume()
	w.run(t, time.Second)
	if s := toys[0][0]; s.plans != 5 || s.planOut {
		t.Fatalf("plan %d is out: %v", s.plans, s.planOut)
	}
	f, err := w.nodes[0].disk.file("read", "shard-0/f")
	if err != nil || f.size != 500+2100 {
		t.Fatalf("the file has %d bytes: %v", f.size, err)
	}
	b := make([]byte, 3)
	if f.readAt(b, 500); string(b) != "abc" {
		t.Fatalf("the disk holds %q", b)
	}
}

// Mail arrives once and in order.
func TestMailIsOrdered(t *testing.T) {
	w, toys := toyWorld(t, 2, 2)
	h := w.nodes[0].proc.hosts[0]
	for i := range 100 {
		w.after(time.Duration(i)*time.Microsecond, func() { h.post(broker.Mail{From: 0, To: 1, Body: i}) })
	}
	w.run(t, time.Second)
	got := toys[0][1].mails
	for i, m := range got {
		if m != i {
			t.Fatalf("mail %d came in place %d", m, i)
		}
	}
	if len(got) != 100 {
		t.Fatalf("%d of 100 mails came", len(got))
	}
}

func envelope(text string) [][]byte {
	return [][]byte{{0, 0, 0, byte(len(text))}, []byte(text)}
}

// A cut direction loses envelopes, the other one doesn't.
func TestOneWayPartition(t *testing.T) {
	w, toys := toyWorld(t, 3, 1)
	w.opt.Net.Drop, w.opt.Net.Double = 0, 0
	w.net.links[0][1].cut++
	w.net.send(w.nodes[0].proc.hosts[0], 2, envelope("lost"))
	w.net.send(w.nodes[1].proc.hosts[0], 1, envelope("came"))
	w.run(t, time.Second)
	w.net.links[0][1].cut--
	w.net.send(w.nodes[0].proc.hosts[0], 2, envelope("now"))
	w.run(t, time.Second)
	if got := toys[1][0].frames; len(got) != 1 || string(got[0]) != "now" {
		t.Fatalf("broker 2 got %q", got)
	}
	if got := toys[0][0].frames; len(got) != 1 || string(got[0]) != "came" {
		t.Fatalf("broker 1 got %q", got)
	}
}

// Whoever writes into what he gave away is caught.
func TestBytesChangedAfterOutput(t *testing.T) {
	w, _ := toyWorld(t, 4, 1)
	w.opt.Net.Drop = 0
	bufs := envelope("mine no more")
	w.net.send(w.nodes[0].proc.hosts[0], 2, bufs)
	bufs[1][0]++
	for w.queue.len() > 0 && w.violation == nil {
		w.step()
	}
	if w.violation == nil || w.violation.Name != BytesChanged {
		t.Fatalf("violation is %v", w.violation)
	}
}

// A shard that always wants to wake at once doesn't stop time, and doesn't go unnoticed.
func TestNoTurnsWithoutTime(t *testing.T) {
	w, toys := toyWorld(t, 5, 1)
	s := toys[0][0]
	s.wake = 1
	w.nodes[0].proc.hosts[0].poke(0)
	for w.violation == nil && w.now < time.Second {
		w.step()
	}
	if w.violation == nil || w.violation.Name != BusyLoop || w.now < maxSpun*w.opt.Turn/2 {
		t.Fatalf("%d turns in %v: %v", s.turns, w.now, w.violation)
	}
}
