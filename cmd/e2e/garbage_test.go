package e2e

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"logd/transport"
)

const (
	connections = 10_000
	mayGrow     = 256 << 20 // bytes of resident set
	// shrug is how long a garbage connection waits for what a broker makes of it.
	shrug = 300 * time.Millisecond
)

// besieged is a broker that things are thrown at.
type besieged struct {
	t     *testing.T
	c     *cluster
	n     *node
	pid   int
	rss   int64 // at the start
	check *kgo.Client
}

// besiege starts a cluster with topics, and takes the measure of its first broker.
func besiege(t *testing.T) *besieged {
	t.Helper()
	c := startCluster(t)
	c.createTopic(t, "safe", brokers)
	c.createTopic(t, "open", brokers)
	b := &besieged{t: t, c: c, n: c.nodes[0]}
	b.pid = b.n.proc.cmd.Process.Pid
	var err error
	b.check, err = kgo.NewClient(kgo.SeedBrokers(b.n.addr), kgo.DisableIdempotentWrite(), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.check.Close)
	b.serves("before anything")
	b.rss = b.resident("VmRSS")
	return b
}

// Whatever is thrown at both ports of a broker: the same process goes on serving, and its memory stays bounded.
func TestGarbage(t *testing.T) {
	t.Parallel()
	b := besiege(t)
	b.stage("random bytes", b.randomBytes)
	b.stage("frames cut short", b.frames)
	b.stage("envelopes", b.envelopes)
	b.stage("hostile fields", b.hostileFields)
	b.stage("changed bytes", b.changedBytes)
	b.stage("requests without a reader", b.deafClients)
	b.stage("connections", b.connections)
	if runtime.GOOS != "linux" {
		lacking(t, "the resident set is not known without /proc")
	}
}

// Frames as great as they may be, many at once, take no more memory than other garbage.
func TestGreatFrames(t *testing.T) {
	t.Parallel()
	b := besiege(t)
	b.stage("frames of the greatest length", b.greatFrames)
	if runtime.GOOS != "linux" {
		lacking(t, "the resident set is not known without /proc")
	}
}

// stage throws one kind of things, then looks how the broker is.
func (b *besieged) stage(name string, run func(*rand.Rand)) {
	b.t.Helper()
	start, seed := time.Now(), rand.Uint64()
	run(rand.New(rand.NewPCG(seed, 0)))
	took := time.Since(start)
	b.serves(name)
	b.t.Logf("%s: %s, seed %d, resident set +%d MiB, at most +%d MiB so far", name, took.Round(time.Millisecond), seed,
		(b.resident("VmRSS")-b.rss)>>20, (b.resident("VmHWM")-b.rss)>>20)
	if b.t.Failed() {
		b.t.FailNow()
	}
}

// serves checks that the broker is the process that it was, is well, and didn't grow.
func (b *besieged) serves(after string) {
	b.t.Helper()
	if !b.n.running() || b.n.proc.cmd.Process.Pid != b.pid {
		b.t.Fatalf("%s: the broker is gone: %s", after, tail(b.n.log, 5))
	}
	if err := b.c.awaitServing(b.c.nodes[:1]); err != nil {
		b.t.Fatalf("%s: %v", after, err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for p := range int32(brokers) {
		r := &kgo.Record{Topic: "safe", Partition: p, Value: []byte(after)}
		if err := b.check.ProduceSync(ctx, r).FirstErr(); err != nil {
			b.t.Fatalf("%s: nothing can be produced to partition %d: %v", after, p, err)
		}
	}
	if grown := b.resident("VmHWM") - b.rss; b.rss > 0 && grown > mayGrow {
		b.t.Errorf("%s: the resident set grew by %d MiB, allowed are %d", after, grown>>20, mayGrow>>20)
	}
}

// resident reads the broker's resident set (VmRSS) or the most that it ever was (VmHWM), in bytes; 0 where there is no /proc.
func (b *besieged) resident(what string) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", b.pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, what+":"); ok {
			n, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			return n << 10
		}
	}
	b.t.Fatalf("no %s in /proc/%d/status", what, b.pid)
	return 0
}

func (b *besieged) ports() []string { return []string{b.n.addr, b.n.peer} }

// throw writes bytes to a new connection and waits for a moment for what comes back, or for the end. It is no error if the
// broker closes before it has read everything.
func throw(addr string, data []byte) {
	nc, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return // refused: too many are open
	}
	defer nc.Close()
	nc.SetDeadline(time.Now().Add(shrug))
	if _, err := nc.Write(data); err == nil {
		io.Copy(io.Discard, nc) // ends at the deadline, if not before
	}
}

// many runs f n times, several at once, each with its own source.
func many(rng *rand.Rand, n, atOnce int, f func(i int, rng *rand.Rand)) {
	var workers sync.WaitGroup
	var next atomic.Int64
	for range atOnce {
		own := rand.New(rand.NewPCG(rng.Uint64(), rng.Uint64()))
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				f(i, own)
			}
		})
	}
	workers.Wait()
}

func randomBytes(rng *rand.Rand, n int) []byte {
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(rng.Uint32())
	}
	return data
}

func (b *besieged) randomBytes(rng *rand.Rand) {
	many(rng, 400, 20, func(i int, rng *rand.Rand) {
		throw(b.ports()[i%2], randomBytes(rng, 1+rng.IntN(1<<(4+rng.IntN(14)))))
	})
}

// frames are lengths that lie, and frames that never end. A length costs nothing: memory follows what arrived.
func (b *besieged) frames(rng *rand.Rand) {
	lengths := []int32{0, 1, 7, 8, 63, 64, -1, math.MinInt32, math.MaxInt32, transport.MaxFrame, transport.MaxFrame + 1, 64 << 20, 1 << 20}
	many(rng, 60*len(lengths), 100, func(i int, rng *rand.Rand) {
		length := lengths[i%len(lengths)]
		data := binary.BigEndian.AppendUint32(nil, uint32(length))
		if rng.IntN(2) == 0 { // looks like a Produce
			data = append(data, 0, 0, 0, 9, 0, 0, 0, 1, 0xff, 0xff)
		}
		data = append(data, randomBytes(rng, rng.IntN(60_000))...)
		throw(b.ports()[rng.IntN(2)], data[:rng.IntN(len(data)+1)])
	})
}

// greatFrames sends several frames at once, to each port, as great as one may be: more in all than a broker may grow by.
func (b *besieged) greatFrames(rng *rand.Rand) {
	hello := slices.Concat(transport.AppendEnvelope(nil, b.header(b.c.nodes[1]), nil)...)
	filling := randomBytes(rng, 1<<20)
	many(rng, 16, 16, func(i int, _ *rand.Rand) {
		nc, err := net.DialTimeout("tcp", b.ports()[i%2], patience)
		if err != nil {
			b.t.Errorf("connection: %v", err)
			return
		}
		defer nc.Close()
		nc.SetDeadline(time.Now().Add(5 * time.Second))
		length := transport.MaxFrame
		if i%2 == 1 { // envelopes have a lower limit, which isn't told
			length = []int{transport.MaxFrame, 40 << 20}[i/2%2]
			nc.Write(hello) // an error shows below
		}
		nc.Write(append(binary.BigEndian.AppendUint32(nil, uint32(length)), 0, 0, 0, 9)) // on one port, it is a Produce
		for left := length - 4; left > 0 && err == nil; left -= len(filling) {
			_, err = nc.Write(filling[:min(left, len(filling))])
		}
		io.Copy(io.Discard, nc) // it is closed, now or before
	})
}

// connections opens very many at once, each with a request that doesn't come.
func (b *besieged) connections(rng *rand.Rand) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		b.t.Fatal(err)
	}
	atOnce := min(connections, int(limit.Cur)/4*3-500) // a broker takes no more itself
	if atOnce < connections {
		b.t.Logf("only %d connections at once: this process may have %d files open", atOnce, limit.Cur)
	}
	for left := connections; left > 0; left -= atOnce {
		var mu sync.Mutex
		var open []net.Conn
		many(rng, min(left, atOnce), 50, func(_ int, rng *rand.Rand) {
			nc, err := net.DialTimeout("tcp", b.n.addr, patience)
			if err != nil {
				b.t.Errorf("connection: %v", err)
				return
			}
			data := binary.BigEndian.AppendUint32(nil, uint32(rng.IntN(1<<20)))
			nc.Write(append(data, 0, 3, 0, 1)[:rng.IntN(9)]) // an error means that it was closed
			mu.Lock()
			open = append(open, nc)
			mu.Unlock()
		})
		b.serves(fmt.Sprintf("with %d connections open", len(open)))
		for _, nc := range open {
			nc.Close()
		}
	}
	many(rng, connections/10, 50, func(_ int, rng *rand.Rand) { // those over the limit are closed at once
		nc, err := net.DialTimeout("tcp", b.n.peer, patience)
		if err == nil {
			nc.Write(randomBytes(rng, rng.IntN(70))) // may be closed already
			nc.Close()
		}
	})
}
