package main

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"logd/broker"
	"logd/log"
	"logd/transport"
)

// peerPort is a broker's peer port for tools: it answers as a script says, and closes what isn't of the private API.
type peerPort struct {
	addr   string
	script func(shard int, scrub bool) broker.ToolReport
	mu     sync.Mutex
	boot   uint64
}

func newPeerPort(t *testing.T, script func(shard int, scrub bool) broker.ToolReport) *peerPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &peerPort{addr: l.Addr().String(), script: script, boot: 1}
	var running sync.WaitGroup
	running.Add(1)
	go func() {
		defer running.Done()
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			running.Add(1)
			go func() {
				defer running.Done()
				defer nc.Close()
				p.serve(nc)
			}()
		}
	}()
	t.Cleanup(func() {
		l.Close()
		running.Wait()
	})
	return p
}

// serve is what logd does: a hello that names the shard, then envelopes.
func (p *peerPort) serve(nc net.Conn) {
	nc.SetDeadline(time.Now().Add(20 * time.Second))
	hello := make([]byte, transport.EmptyEnvelope)
	if _, err := io.ReadFull(nc, hello); err != nil {
		return
	}
	h, err := transport.ParseHello(hello)
	if err != nil || h.From != broker.ToolID {
		return
	}
	frames := transport.NewFrames(1 << 20)
	buf := make([]byte, 4096)
	for {
		n, err := nc.Read(buf)
		frames.Feed(buf[:n])
		for {
			frame, ok, ferr := frames.Next()
			if ferr != nil || !ok && err != nil {
				return
			}
			if !ok {
				break
			}
			_, msgs, perr := transport.ParseEnvelope(frame)
			var r broker.ToolRequest
			if perr != nil || len(msgs) != 1 || msgs[0].Kind != broker.KindTool || json.Unmarshal(msgs[0].Body, &r) != nil {
				return
			}
			nc.Write(slices.Concat(p.answer(int(h.Shard), r.Scrub)...))
		}
	}
}

func (p *peerPort) answer(shard int, scrub bool) [][]byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	body, _ := json.Marshal(p.script(shard, scrub)) // can't fail
	return transport.AppendEnvelope(nil, transport.Header{From: 1, Boot: p.boot, To: broker.ToolID}, []transport.Msg{{Kind: broker.KindTool, Bufs: [][]byte{body}}})
}

// scrubber is a broker of two shards whose passes take a few looks; a pass finds what was broken before it began.
func scrubber(id int32, damage ...broker.ToolDamage) func(shard int, scrub bool) broker.ToolReport {
	left, passes, mending := [2]int{}, [2]int{}, [2]int{}
	return func(shard int, scrub bool) broker.ToolReport {
		if scrub && left[shard] == 0 {
			left[shard] = 3
		}
		r := broker.ToolReport{Broker: id, Shard: shard, Shards: 2, Running: left[shard] > 0, Bytes: 3_400_000, Done: int64(3-left[shard]) * 1_133_333, Damaged: []broker.ToolDamage{}}
		if r.Running {
			if left[shard]--; left[shard] == 0 {
				passes[shard]++
				r.Running = false
			}
		}
		r.Pass = passes[shard]
		if passes[shard] > 0 && shard == 1 && len(damage) > 0 {
			r.Found = len(damage)
			r.Damaged = damage
			if mending[shard]++; mending[shard] > 3 && damage[0].Asked == 0 {
				r.Damaged, r.Mended = nil, len(damage)
			}
		}
		return r
	}
}

func TestScrubWhole(t *testing.T) {
	t.Parallel()
	a := newPeerPort(t, scrubber(1))
	b := newPeerPort(t, scrubber(2, broker.ToolDamage{Partition: "orders/3", Group: 5, Ranges: []log.Range{{From: 10, To: 90}}}))
	addrs := []string{a.addr, b.addr}
	sameResult(t, "scrub_whole", addrs, logctl(t, nil, "", "scrub", "--peers", "1="+a.addr+",2="+b.addr))
	r := decode[scrubReport](t, logctl(t, nil, "", "scrub", "--status", "--json", "--peers", a.addr+","+b.addr).ok(t))
	if !r.Clean || len(r.Shards) != 4 || r.Shards[3].Broker != 2 || r.Shards[3].Shard != 1 || r.Shards[3].Passes != 1 || r.Shards[3].Mended != 1 {
		t.Errorf("%+v", r)
	}
}

// What nobody gives is reported when patience ends, and an address where nobody is doesn't hide it.
func TestScrubDamaged(t *testing.T) {
	t.Parallel()
	ranges := []log.Range{{From: 10, To: 90}, {From: 100, To: 101}, {From: 200, To: 300}, {From: 400, To: 500}, {From: 600, To: 700}}
	a := newPeerPort(t, scrubber(1, broker.ToolDamage{Partition: "orders/3", Group: 5, Entries: 2, Ranges: ranges, Asked: 31}))
	dead := closedPort(t)
	addrs := []string{a.addr, dead}
	sameResult(t, "scrub_damaged", addrs, logctl(t, nil, "", "scrub", "--patience", "1ms", "--timeout", "300ms", "--peers", a.addr+","+dead))
	r := decode[scrubReport](t, logctl(t, nil, "", "scrub", "--status", "--json", "--peers", a.addr).want(t, exitFailed))
	if d := r.Shards[1].Damaged; r.Clean || len(d) != 1 || d[0].Entries != 2 || len(d[0].Ranges) != 5 || d[0].Ranges[0] != (offsetRange{10, 90}) {
		t.Errorf("%+v", r)
	}
}

func TestScrubDiffers(t *testing.T) {
	t.Parallel()
	a := newPeerPort(t, func(shard int, _ bool) broker.ToolReport {
		return broker.ToolReport{Broker: 1, Shards: 1, Differ: 1}
	})
	if r := logctl(t, nil, "", "scrub", "--status", "--peers", a.addr).want(t, exitFailed); !strings.Contains(r.out, "differs") {
		t.Error(r.out)
	}
}

func TestScrubUnreachable(t *testing.T) {
	t.Parallel()
	dead, mute := closedPort(t), silent(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			io.CopyN(io.Discard, nc, transport.EmptyEnvelope) // then it refuses, as whatever isn't logd's peer port does
			nc.Close()
		}
	}()
	for addr, why := range map[string]string{dead: "connection refused", mute: "no answer in time", l.Addr().String(): "connection"} {
		r := logctl(t, nil, "", "scrub", "--status", "--timeout", "1s", "--peers", addr).want(t, exitUnreachable, addr, why)
		if r.out != "" {
			t.Errorf("stdout: %s", r.out)
		}
	}
	logctl(t, nil, "", "scrub", "--peers", "nonsense").want(t, exitUsage, "not host:port")
	logctl(t, nil, "", "scrub", "--peers", "").want(t, exitUsage)
	logctl(t, nil, "", "scrub", "--patience", "0s").want(t, exitUsage, "--patience")
}

// A pass that ran before ours has read bytes that may have rotted since; one of a process that ended is none.
func TestScrubOfItsOwn(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	s := shardScrub{patience: 10 * time.Second}
	steps := []struct {
		rep    broker.ToolReport
		boot   uint64
		after  time.Duration
		begins bool
		over   bool
	}{
		{broker.ToolReport{Running: true, Pass: 4}, 1, 0, false, false}, // somebody else's
		{broker.ToolReport{Running: true, Pass: 4}, 1, 0, false, false},
		{broker.ToolReport{Pass: 5}, 1, 0, true, false},
		{broker.ToolReport{Running: true, Pass: 5}, 1, 0, false, false}, // ours
		{broker.ToolReport{Running: true, Pass: 0}, 2, 0, false, false}, // started again, and somebody was quicker
		{broker.ToolReport{Pass: 1}, 2, 0, true, false},
		{broker.ToolReport{Running: true, Pass: 1}, 2, 0, false, false},
		{broker.ToolReport{Running: true, Pass: 1}, 2, time.Hour, false, false},
		{broker.ToolReport{Pass: 2, Damaged: []broker.ToolDamage{{Entries: 3}}}, 2, 0, false, false},
		{broker.ToolReport{Pass: 2, Damaged: []broker.ToolDamage{{Entries: 3}}}, 2, scrubSettle, false, false},
		{broker.ToolReport{Pass: 2, Damaged: []broker.ToolDamage{{Entries: 3}}}, 2, 9 * time.Second, false, false},
		{broker.ToolReport{Pass: 2, Damaged: []broker.ToolDamage{{Entries: 2}}}, 2, 2 * time.Second, false, false}, // it goes on
		{broker.ToolReport{Pass: 2, Damaged: []broker.ToolDamage{{Entries: 2}}}, 2, 9 * time.Second, false, false},
		{broker.ToolReport{Pass: 2}, 2, 0, false, true},
	}
	for i, step := range steps {
		now = now.Add(step.after)
		over := s.take(step.rep, step.boot, now)
		if over != step.over || s.begins() != step.begins {
			t.Fatalf("step %d: over %t, begins %t, phase %d", i, over, s.begins(), s.phase)
		}
	}
}

// Interrupted, it says so, and shows what is known.
func TestScrubInterrupted(t *testing.T) {
	t.Parallel()
	seen := make(chan bool, 1000)
	a := newPeerPort(t, func(shard int, scrub bool) broker.ToolReport {
		seen <- scrub
		return broker.ToolReport{Broker: 1, Shards: 1, Running: scrub, Bytes: 10, Done: 5}
	})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		for !<-seen {
		}
		cancel()
	}()
	r := logctlCtx(ctx, nil, "", "scrub", "--peers", a.addr).want(t, exitFailed, "interrupted")
	if !strings.Contains(r.out, "50 %") {
		t.Error(r.out)
	}
}

func TestSize(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 999_949: "999.9 kB", 999_950: "1.0 MB", 3_400_000: "3.4 MB", 9_223_372_036_854_775_807: "9.2 EB"} {
		if got := size(n); got != want {
			t.Errorf("size(%d) = %q, want %q", n, got, want)
		}
	}
}
