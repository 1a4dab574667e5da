package sim

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"time"

	"logd/broker"
	"logd/log"
)

// shard is what a host drives; in every real run a *broker.Shard.
type shard interface {
	Step(now broker.Now, events []broker.Event, out *broker.Output)
	inspector
}

// host is the loop around one shard of one process: the same few lines as in cmd/logd, with the world as its outside.
type host struct {
	w        *World
	p        *process
	index    int
	name     string
	prefix   string // of its files on the disk
	shard    shard
	rng      *rand.Rand
	entropy  io.Reader // what raft draws from during this shard's turns (S14)
	inbox    []broker.Event
	taken    []broker.Event // by the turn under way
	out      broker.Output
	spare    [][]byte // what brief reads had; at most spareReads
	lanes    [log.Lanes]lane
	walFile  string // written last
	rolls    bool   // the WAL operation under way is the first in its file
	turns    int
	cramped  cramped
	spun     int           // turns in a row that had nothing to do (spin.go)
	promised []promise     // by the turn under way
	stopped  bool          // it was asked to stop, and has nothing in flight any more
	turnAt   time.Duration // the turn that is planned; idle if none
	farAt    time.Duration // the queue has a turn of this host for then, planned or not; idle if it may have none
	mailAt   []time.Duration
	fire     func()
	step     func()
}

const idle = time.Duration(-1)

const spareReads = 2 // a scrub has one read under way

// epoch is the wall clock's time when the world begins, in milliseconds.
const epoch = int64(1_790_000_000_000)

func newHost(p *process, index int, s shard, rng *rand.Rand, entropy io.Reader) *host {
	h := &host{w: p.node.w, p: p, index: index, prefix: log.ShardDir(index) + "/", shard: s, rng: rng, entropy: entropy, turnAt: idle, farAt: idle}
	h.name = fmt.Sprintf("broker %d.%d (boot %d)", p.node.id, index, p.boot)
	h.mailAt = make([]time.Duration, p.node.w.opt.Shards)
	h.fire = h.turn
	h.step = func() { h.shard.Step(h.now(), h.taken, &h.out) }
	return h
}

func (h *host) String() string {
	return h.name
}

// give puts an event into the shard's inbox.
func (h *host) give(e broker.Event) {
	if h.p.dead {
		return
	}
	h.inbox = append(h.inbox, e)
	h.poke(h.gap())
}

// gap is the time from an event to its turn.
func (h *host) gap() time.Duration {
	t := h.w.opt.Turn + h.p.node.sluggish
	return t/2 + time.Duration(h.w.rng.Int64N(int64(t)+1))
}

// poke plans a turn at the latest after d.
func (h *host) poke(d time.Duration) {
	at := h.w.now + max(0, d)
	if h.turnAt != idle && h.turnAt <= at {
		return
	}
	h.turnAt = at
	if at == h.farAt {
		return // what it wakes for anyway was planned before, and something came in between
	}
	h.farAt = max(h.farAt, at)
	h.w.queue.push(at, h.fire)
}

func (h *host) now() broker.Now {
	w := h.w
	return broker.Now{Mono: w.now - h.p.started, Wall: epoch + w.now.Milliseconds() + h.p.node.wall}
}

// turn is one Step, with a random part of the inbox, and all that follows from it.
func (h *host) turn() {
	w := h.w
	if h.farAt == w.now {
		h.farAt = idle
	}
	if h.p.dead || h.turnAt != w.now {
		return // another turn was planned instead
	}
	if h.p.paused {
		h.turnAt = idle
		h.p.held = append(h.p.held, func() { h.poke(h.gap()) })
		return
	}
	h.turnAt = idle
	n := len(h.inbox)
	if n > 1 && w.rng.IntN(3) == 0 {
		n = 1 + w.rng.IntN(n)
	}
	h.taken = append(h.taken[:0], h.inbox[:n]...)
	events := h.taken
	h.inbox = slices.Delete(h.inbox, 0, n)
	w.count[CountTurns]++
	w.trace.add(w.now, traceTurn, h.p.node.index<<8|h.index, h.p.boot, uint64(n))
	setEntropy(h.entropy) // (W3)
	h.out.Reset()
	w.guard(h.name, h.step)
	h.spins(len(events))
	if w.violation != nil {
		return
	}
	w.net.refuses(h, events)
	for _, e := range events {
		switch d := e.(type) {
		case broker.ConnData:
			poison(d.Data) // valid during Step only (W4)
			if c := h.conn(d.Conn); c != nil {
				c.returned(d.Data)
			}
		case broker.ReadDone:
			if d.Brief && d.Data != nil {
				poison(d.Data)
				h.spare = append(h.spare[:min(len(h.spare), spareReads-1)], d.Data)
			}
		}
	}
	clear(events)
	h.carryOut()
}

func (h *host) conn(id broker.ConnID) *conn {
	for _, c := range h.p.conns {
		if c.id == id && c.host == h {
			return c
		}
	}
	return nil
}

// spaceEvery is how often a broker is told what room its disk has, and spaceWant below which it takes no records.
const (
	spaceEvery = 500 * time.Millisecond
	spaceWant  = 64 << 10
)

// watchSpace tells a shard again and again what room its disk has.
func (h *host) watchSpace() {
	if h.p.dead {
		return
	}
	h.p.whenRunning(func() { h.give(broker.Space{Free: h.p.node.disk.left(), Want: spaceWant}) })
	h.w.after(spaceEvery, h.watchSpace)
}

// worthless is what stands in bytes that nobody may look at any more.
var worthless = bytes.Repeat([]byte{0xdb}, 1<<12)

func poison(b []byte) {
	for len(b) > 0 {
		b = b[copy(b, worthless):]
	}
}
