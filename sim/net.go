package sim

import (
	"encoding/binary"
	"hash/crc32"
	"math/rand/v2"
	"strconv"
	"time"

	"logd/broker"
)

// network carries whole envelopes between brokers, each direction of each pair on its own, and client bytes (net_conn.go).
type network struct {
	healed int // how often all links were
	w      *World
	rng    *rand.Rand // of clients' streams
	fates  *rand.Rand // of envelopes, in a drawn run
	bits   *rand.Rand // which of length fields flip
	is     NetOptions // how links behave now
	// links[from][to]; clients stand behind the brokers' numbers, all as one place.
	links [][]link
}

// link is one direction between two places.
type link struct {
	rng  *rand.Rand     // of its delays
	cut  int            // faults that cut it now
	slow time.Duration  // added by faults
	last time.Duration  // arrival of the envelope before
	sent time.Duration  // when that was sent
	nth  int            // how many before it were sent at that instant
	told []toldDelivery // of envelopes to come
	rots int            // faults that flip bits of its envelopes, in a drawn run
	over time.Duration  // envelopes sent before this and still in flight are dropped: their connection was closed: the connection that it was sent on has ended
	ails time.Duration  // when a fault of it began or ended last
	lost []lostAt       // envelopes, lately
}

// toldDelivery is one that a story told, and when.
type toldDelivery struct {
	delivery
	at time.Duration
}

func newNetwork(w *World) *network {
	n := &network{w: w, is: w.opt.Net, rng: stream(w.opt.Seed, streamNet, 0), fates: stream(w.opt.Seed, streamNet, 1), bits: stream(w.opt.Seed, streamNet, 1<<32), links: make([][]link, w.opt.Brokers+1)}
	for i := range n.links {
		n.links[i] = make([]link, w.opt.Brokers+1)
		for k := range n.links[i] {
			n.links[i][k].rng = stream(w.opt.Seed, streamNet, uint64(2+i<<8+k))
		}
	}
	return n
}

// outside is the place where clients are.
func (n *network) outside() int { return n.w.opt.Brokers }

func chance(rng *rand.Rand, permille int) bool { return permille > 0 && rng.IntN(1000) < permille }

// delay draws a one-way latency.
func (n *network) delay(l *link) time.Duration {
	o := &n.is
	d := o.Delay + l.slow
	if o.Jitter > 0 {
		d += time.Duration(l.rng.Int64N(int64(o.Jitter)))
	}
	return d
}

// framed reports whether an envelope is one frame, and keeps what it promises.
func (h *host) framed(data []byte) bool {
	if len(data) < 4 || int(binary.BigEndian.Uint32(data)) != len(data)-4 {
		h.w.violate(BadResponse, "%v sends an envelope of %d bytes that is not one frame", h, len(data))
		return false
	}
	h.promising(data[4:])
	return true
}

// send takes an envelope from a shard; it arrives once, twice, late or never.
func (n *network) send(from *host, to int32, bufs [][]byte) {
	w := n.w
	w.count[CountEnvelopes]++
	node := w.node(to)
	if node == nil || node.index == from.p.node.index {
		w.violate(BadResponse, "broker %d sends an envelope to %d, which isn't another broker", from.p.node.id, to)
		return
	}
	data := join(bufs)
	if !from.framed(data) {
		return
	}
	l := &n.links[from.p.node.index][node.index]
	if l.nth++; l.sent != w.now {
		l.sent, l.nth = w.now, 0
	}
	how := n.delivery(l, from.p.node.index, node.index, len(data)-4)
	copies := 1
	switch {
	case l.cut > 0 || how.lost:
		copies = 0
	case how.twice > 0:
		copies = 2
	}
	sum := w.trace.bytes(w.now, traceEnvelope, from.p.node.index, uint64(node.index)<<8|uint64(copies), data)
	if w.trace.verbose() {
		w.trace.line(w.now, traceEnvelope, "%v → %d: %d bytes, %d copies", from, to, len(data), copies)
	}
	boot, elections, sent := from.p.boot, w.count[CountElections], w.now
	if copies == 0 {
		w.watch.sent(from.p.node, node, data, Lost)
		l.loses(w.now, from.index)
	}
	at := w.now + n.delay(l)
	if at <= l.last && !how.overtakes {
		at = l.last + 1
	}
	if copies > 0 && at < l.last {
		w.mark(MarkOvertaken, node)
	}
	if copies > 0 {
		l.last = max(l.last, at)
	}
	for i := range copies {
		at := at + time.Duration(i)*how.twice
		w.watch.sent(from.p.node, node, data, at)
		w.queue.push(at, func() {
			if checksum(bufs) != sum {
				w.violate(BytesChanged, "%v wrote into an envelope to broker %d after giving it away", from, to)
			}
			if i > 0 {
				w.markDouble(from.p.node, node, boot, elections)
			}
			frame := data[4:]
			if i > 0 { // who got the first copy may have changed it
				frame = join(bufs)[4:]
			}
			conn := peerConn(from.p.node.index)
			if i == 0 && how.flip > 0 {
				frame, conn = n.flipped(node, frame, how.flip, conn)
			}
			bit := how.length
			if i > 0 {
				bit = 0
			}
			n.reach(from, node, sent, conn, frame, bit)
		})
	}
}

// reach brings an envelope that was sent at some time to its end of the link, unless the connection has ended since then. A bit of its
// length field is another one there, if that isn't 0.
func (n *network) reach(from *host, to *node, sent time.Duration, conn broker.ConnID, frame []byte, bit int) {
	l := &n.links[from.p.node.index][to.index]
	switch {
	case sent < l.over:
		n.w.trace.add(n.w.now, traceDrop, to.index, uint64(from.p.node.index), uint64(len(frame)))
		n.w.watch.dropped(from.p.node, to)
	case bit > 0 && l.cut == 0 && to.proc != nil:
		n.misread(from.p.node, to, from.index, frame, bit)
	default:
		n.arrive(from.p.node, to, from.index, conn, frame)
	}
}

// delivery is what becomes of a link's next envelope. A drawn run draws and records it; before the storm, and when all was
// read, nothing is unusual.
func (n *network) delivery(l *link, from, to, size int) delivery {
	w := n.w
	if !w.drawn() {
		return l.next(w.now)
	}
	f := delivery{from: from, to: to}
	if w.phase == phaseSetup || w.phase == phaseOver || l.cut > 0 {
		return f
	}
	o := &n.is
	if chance(n.fates, o.Drop) {
		f.lost = true
	} else {
		if chance(n.fates, o.Double) {
			f.twice = time.Duration(1 + n.fates.Int64N(int64(3*time.Second)))
		}
		f.overtakes = chance(n.fates, o.Reorder)
		if l.rots > 0 && n.fates.IntN(rotsOneIn) == 0 {
			f.flip = n.drawBit(size)
			if chance(n.bits, w.opt.Faults.Length) {
				f.flip, f.length = 0, 1+n.bits.IntN(32)
			}
		}
	}
	if !f.usual() && w.env.Record != nil {
		f.skip = l.nth
		w.record(f)
	}
	return f
}

// next takes what a story told of the next envelope.
func (l *link) next(now time.Duration) delivery {
	if len(l.told) == 0 || l.cut > 0 || l.told[0].at == now && l.told[0].skip > l.nth {
		return delivery{}
	}
	f := l.told[0].delivery
	l.told = l.told[1:]
	return f
}

func (n *network) arrive(from, to *node, shard int, conn broker.ConnID, data []byte) {
	w := n.w
	l := &n.links[from.index][to.index]
	if to.proc == nil || l.cut > 0 {
		w.trace.add(w.now, traceDrop, to.index, uint64(from.index), uint64(len(data)))
		w.watch.dropped(from, to)
		return
	}
	to.proc.hosts[shard%len(to.proc.hosts)].give(broker.PeerFrame{Conn: conn, Data: data})
}

func checksum(bufs [][]byte) (sum uint32) {
	for _, b := range bufs {
		sum = crc32.Update(sum, castagnoli, b)
	}
	return sum
}

// join copies slices into one.
func join(bufs [][]byte) []byte {
	size := 0
	for _, b := range bufs {
		size += len(b)
	}
	out := make([]byte, 0, size)
	for _, b := range bufs {
		out = append(out, b...)
	}
	return out
}

// place names one end of a link as stories do.
func (n *network) place(at int) string {
	if at == n.outside() {
		return "clients"
	}
	return strconv.Itoa(at + 1)
}

// heal ends every fault of the network.
func (n *network) heal() {
	n.healed++
	for i := range n.links {
		for k := range n.links[i] {
			l := &n.links[i][k]
			if l.cut > 0 || l.slow > 0 {
				l.ails = n.w.now
			}
			l.cut, l.slow, l.rots = 0, 0, 0
		}
	}
}
