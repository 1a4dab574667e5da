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
	w   *World
	rng *rand.Rand
	// links[from][to]; clients stand behind the brokers' numbers, all as one place.
	links [][]link
}

// link is one direction between two places.
type link struct {
	cut  int           // faults that cut it now
	slow time.Duration // added by faults
	last time.Duration // arrival of the envelope before
}

func newNetwork(w *World) *network {
	n := &network{w: w, rng: stream(w.opt.Seed, streamNet, 0), links: make([][]link, w.opt.Brokers+1)}
	for i := range n.links {
		n.links[i] = make([]link, w.opt.Brokers+1)
	}
	return n
}

// outside is the place where clients are.
func (n *network) outside() int { return n.w.opt.Brokers }

func (n *network) chance(permille int) bool { return permille > 0 && n.rng.IntN(1000) < permille }

// delay draws a one-way latency.
func (n *network) delay(l *link) time.Duration {
	o := &n.w.opt.Net
	d := o.Delay + l.slow
	if o.Jitter > 0 {
		d += time.Duration(n.rng.Int64N(int64(o.Jitter)))
	}
	return d
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
	l := &n.links[from.p.node.index][node.index]
	copies := 1
	if l.cut > 0 || n.chance(w.opt.Net.Drop) {
		copies = 0
	} else if n.chance(w.opt.Net.Double) {
		copies = 2
	}
	sum := w.trace.bytes(w.now, markEnvelope, from.p.node.index, uint64(node.index)<<8|uint64(copies), data)
	if w.trace.verbose() {
		w.trace.line(w.now, markEnvelope, "%v → %d: %d bytes, %d copies", from, to, len(data), copies)
	}
	boot, elections := from.p.boot, w.count[CountElections]
	if len(data) < 4 || int(binary.BigEndian.Uint32(data)) != len(data)-4 {
		w.violate(BadResponse, "%v sends an envelope of %d bytes that is not one frame", from, len(data))
		return
	}
	if copies == 0 {
		w.watch.sent(from.p.node, node, data, Lost)
	}
	for i := range copies {
		at := w.now + n.delay(l)
		if at <= l.last && !n.chance(w.opt.Net.Reorder) {
			at = l.last + 1
		}
		if at < l.last {
			w.mark(MarkOvertaken, node)
		}
		l.last = max(l.last, at)
		if i > 0 {
			at += time.Duration(n.rng.Int64N(int64(3 * time.Second)))
		}
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
			n.arrive(from.p.node, node, from.index, frame)
		})
	}
}

func (n *network) arrive(from, to *node, shard int, data []byte) {
	w := n.w
	l := &n.links[from.index][to.index]
	if to.proc == nil || l.cut > 0 {
		w.trace.add(w.now, markDrop, to.index, uint64(from.index), uint64(len(data)))
		w.watch.dropped(from, to)
		return
	}
	to.proc.hosts[shard%len(to.proc.hosts)].give(broker.PeerFrame{Data: data})
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

// cut adds (+1) or takes away (-1) one fault on a direction.
func (n *network) cut(from, to, by int) {
	n.w.did("%s %s %s", map[int]string{1: "one-way", -1: "join"}[by], n.place(from), n.place(to))
	n.links[from][to].cut += by
}

// clog makes a direction slower, or takes that away.
func (n *network) clog(from, to int, by time.Duration) {
	n.w.did("clog %s %s %v", n.place(from), n.place(to), by)
	n.links[from][to].slow += by
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
	for i := range n.links {
		for k := range n.links[i] {
			n.links[i][k].cut, n.links[i][k].slow = 0, 0
		}
	}
}
