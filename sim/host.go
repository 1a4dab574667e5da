package sim

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
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
	w       *World
	p       *process
	index   int
	name    string
	prefix  string // of its files on the disk
	shard   shard
	rng     *rand.Rand
	entropy io.Reader // what raft draws from during this shard's turns (S14)
	inbox   []broker.Event
	taken   []broker.Event // by the turn under way
	out     broker.Output
	spare   [][]byte // what brief reads had; at most spareReads
	lanes   [log.Lanes]lane
	walFile string // written last
	rolls   bool   // the WAL operation under way is the first in its file
	turns   int
	spun    int           // turns in a row that had nothing to do (spin.go)
	stopped bool          // it was asked to stop, and has nothing in flight any more
	turnAt  time.Duration // the turn that is planned; idle if none
	farAt   time.Duration // the queue has a turn of this host for then, planned or not; idle if it may have none
	mailAt  []time.Duration
	fire    func()
	step    func()
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
	w.trace.add(w.now, markTurn, h.p.node.index<<8|h.index, h.p.boot, uint64(n))
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

// carryOut does what a turn asked for.
func (h *host) carryOut() {
	w, p, out := h.w, h.p, &h.out
	w.trace.add(w.now, markOutput, len(out.Send), uint64(len(out.Peers))<<32|uint64(len(out.Mail)), uint64(len(out.Reads))<<32|uint64(len(out.Plans)))
	for _, l := range out.Logs {
		w.watch.said(h, &l)
		if w.trace.verbose() {
			w.trace.line(w.now, markProcess, "%v says: %s %v", h, l.Text, attrs(l.Attrs))
		}
		if w.hear != nil {
			w.hear(h, l)
		}
	}
	if out.Rejoin != "" && len(out.Peers)+len(out.Send)+len(out.Plans)+len(out.Mail)+len(out.Replies)+len(out.Reads) > 0 {
		w.violate(SpokeOn, "%v gives up its directory, and goes on: %d envelopes, %d responses, %d plans", h, len(out.Peers)+len(out.Replies), len(out.Send), len(out.Plans))
		return
	}
	if out.Halt != "" {
		for _, p := range out.Peers { // leaderships are left behind
			w.net.send(h, p.To, p.Bufs)
		}
	}
	if out.Rejoin != "" {
		h.rejoins(out.Rejoin)
		return
	}
	if out.Halt != "" {
		h.halted(out.Halt)
		return
	}
	if out.Starved {
		w.mark(MarkStarved, h.p.node)
	}
	if out.Note {
		if h.note(); p.dead {
			return
		}
	}
	for i := range out.Plans {
		h.startPlan(out.Plans[i])
	}
	for _, r := range out.Reads {
		h.startRead(r)
	}
	for _, p := range out.Peers {
		w.net.send(h, p.To, p.Bufs)
	}
	for _, m := range out.Mail {
		h.post(m)
	}
	h.answer()
	w.views.after(h)
	h.within()
	if out.Stopped && h.stops() {
		return
	}
	if len(h.inbox) > 0 {
		h.poke(h.gap())
	}
	if out.WakeAt > 0 && !h.p.dead {
		h.poke(max(h.gap(), h.p.started+out.WakeAt-w.now))
	}
}

// answer carries out what concerns client connections.
func (h *host) answer() {
	for _, s := range h.out.Send {
		if c := h.conn(s.Conn); c != nil {
			for _, b := range s.Bufs {
				c.down.write(b)
			}
		}
	}
	for _, id := range h.out.Pause {
		if c := h.conn(id); c != nil {
			c.up.held = true
		}
	}
	for _, id := range h.out.Resume {
		if c := h.conn(id); c != nil {
			c.up.held = false
			c.up.plan(0)
		}
	}
	for _, cl := range h.out.Close {
		if c := h.conn(cl.Conn); c != nil {
			if h.w.trace.verbose() {
				h.w.trace.line(h.w.now, markConn, "%v closes connection %d: %s", h, cl.Conn, cl.Reason)
			}
			h.w.closedBy(h, c, cl.Reason)
			c.closeBroker()
		}
	}
}

func (h *host) conn(id broker.ConnID) *conn {
	for _, c := range h.p.conns {
		if c.id == id && c.host == h {
			return c
		}
	}
	return nil
}

// post delivers mail to a sibling, once and in order.
func (h *host) post(m broker.Mail) {
	w := h.w
	if m.To < 0 || m.To >= len(h.p.hosts) {
		w.violate(BadResponse, "%v sends mail to shard %d of %d", h, m.To, len(h.p.hosts))
		return
	}
	h.mailAt[m.To] = max(h.mailAt[m.To]+1, w.now+h.gap())
	to := h.p.hosts[m.To]
	w.queue.push(h.mailAt[m.To], func() { to.give(m) })
}

// note has the directory remember this start, which takes the time of its calls on the disk; the process may end at any of them.
func (h *host) note() {
	w, p := h.w, h.p
	n := p.node
	fs := &bootFS{d: n.disk}
	if w.phase == phaseStorm && chance(n.rng, w.opt.Faults.Boot) {
		fs.crashAt = 1 + n.rng.IntN(16)
	}
	dir, err := log.NoteStart(fs, p.dir, p.name)
	switch {
	case fs.crashed():
		w.count[CountBootCrashes]++
		n.kill(n.rng.IntN(2) == 0)
		w.faults.ended(n, w.faults.downtime())
	case errors.Is(err, log.ErrNoSpace):
		w.after(time.Second, func() { p.whenRunning(h.note) })
	case err != nil:
		h.halted(err.Error())
	default:
		p.dir = dir
		w.after(time.Duration(fs.calls)*w.opt.Disk.Read, func() { h.give(broker.Noted{}) })
	}
}

// halted: a process may give up only for a cause that was put there (W8).
func (h *host) halted(why string) {
	w, n := h.w, h.p.node
	gone := slices.ContainsFunc(n.gone, func(file string) bool { return strings.Contains(why, file) })
	if !h.p.failed && !gone { // rot is no cause: it is repaired
		w.violate(Halted, "%v: %s", h, gist(why))
		return
	}
	if w.trace.verbose() {
		w.trace.line(w.now, markProcess, "%v halts: %s", h, why)
	}
	n.kill(false)
	n.ended = "halted: " + why
	w.faults.ended(n, w.faults.downtime())
}

// rejoins: a process gives its directory up, which it may only if others have reason to take it for an old copy.
func (h *host) rejoins(why string) {
	w, n := h.w, h.p.node
	if n.lost == "" {
		w.violate(Halted, "%v gives up its directory, which is as it should be: %s", h, gist(why))
		return
	}
	if w.trace.verbose() {
		w.trace.line(w.now, markProcess, "%v gives up its directory: %s", h, why)
	}
	if w.hear != nil {
		w.hear(h, broker.LogEvent{Level: broker.LevelError, Text: "gives up its directory: " + why})
	}
	n.kill(false)
	n.aside = true
	if w.budgeted() {
		w.faults.ended(n, w.faults.downtime())
		return
	}
	w.after(w.faults.downtime(), n.start)
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

func attrs(as []broker.Attr) string {
	var b strings.Builder
	for _, a := range as {
		fmt.Fprintf(&b, "%s=%v ", a.Key, a.Value)
	}
	return b.String()
}
