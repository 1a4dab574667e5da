package sim

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"logd/broker"
)

// ring has each broker see a majority, and no two the same: they stand in a ring, and hear their nearest neighbours only.
//
//	1 ── 4 ── 2
//	 \       /
//	  5 ── 3        1 hears 4 and 5, 4 hears 1 and 2, 2 hears 4 and 3 ...
func (f *nemesis) ring() {
	n := len(f.w.nodes)
	at := f.rng.Perm(n)
	f.cutting("ring", ringCuts(at, n/4))
}

// ringCuts are the directions between those that stand further apart than so many places.
func ringCuts(at []int, near int) (pairs [][2]int) {
	n := len(at)
	for i := range n {
		for k := range n {
			if apart := min((i-k+n)%n, (k-i+n)%n); apart > max(1, near) {
				pairs = append(pairs, [2]int{at[i], at[k]})
			}
		}
	}
	return pairs
}

// corrupt has one direction flip a bit of an envelope now and then; each flip is a decision of its own (delivery).
func (f *nemesis) corrupt() {
	from, to := f.rng.IntN(len(f.w.nodes)), f.rng.IntN(len(f.w.nodes))
	if from == to {
		return
	}
	l := &f.w.net.links[from][to]
	f.note("envelopes from broker %d to broker %d rot", from+1, to+1)
	l.rots++
	f.lasting(func() { l.rots-- })
}

// rotsOneIn is how many envelopes of a link that rots are between two flips, about.
const rotsOneIn = 4

// envelopeHeads is about how long the heads of an envelope are: half of the flips hit them.
const envelopeHeads = 120

// drawBit draws the bit of an envelope of so many bytes that flips.
func (n *network) drawBit(size int) int {
	if n.fates.IntN(2) == 0 {
		size = min(size, envelopeHeads)
	}
	return 1 + n.fates.IntN(8*size)
}

// flipped is an envelope with another bit. In its heads no broker may miss that.
func (n *network) flipped(to *node, frame []byte, bit int, conn broker.ConnID) ([]byte, broker.ConnID) {
	n.w.count[CountCorrupted]++
	frame = slices.Clone(frame)
	heads := 72 + 16*int(binary.BigEndian.Uint32(frame[64:]))
	at := (bit - 1) % (8 * len(frame))
	frame[at/8] ^= 1 << (at % 8)
	if at/8 < heads {
		n.w.mark(MarkHeadCorrupted, to)
		conn |= corrupted
	} else {
		n.w.mark(MarkBodyCorrupted, to)
	}
	return frame, conn
}

// Envelopes come on a connection of their own for each sender; corrupted is set where a broker must refuse what it reads.
const corrupted broker.ConnID = 1 << 32

func peerConn(from int) broker.ConnID { return broker.ConnID(1 + from) }

// refuses ends the connections between brokers that a turn refused: what was under way on them is lost, and what is sent until
// the sender notices. An envelope whose heads don't bear their checksum out must be refused (transport, T5).
func (n *network) refuses(h *host, events []broker.Event) {
	w := n.w
	for _, e := range events {
		if f, ok := e.(broker.PeerFrame); ok && f.Conn&corrupted != 0 && h.out.Halt == "" && h.out.Rejoin == "" {
			if !slices.ContainsFunc(h.out.Refuse, func(c broker.Close) bool { return c.Conn == f.Conn }) {
				w.violate(CorruptTaken, "%v took an envelope from broker %d of which a bit of the heads had flipped", h, f.Conn&^corrupted)
				return
			}
		}
	}
	for _, c := range h.out.Refuse {
		from := int(c.Conn&^corrupted) - 1
		l, back := &n.links[from][h.p.node.index], &n.links[h.p.node.index][from]
		l.over = max(l.over, w.now+n.delay(back))
		w.mark(MarkPeerRefused, h.p.node)
	}
}

// quality is how the links of brokers and clients behave from now on. What becomes of each envelope is told one by one.
type quality struct{ NetOptions }

func (a quality) do(w *World) error {
	w.net.is = a.NetOptions
	w.count[CountQualities]++
	return nil
}

func (a quality) text(*World) string {
	return fmt.Sprintf("network delay=%v jitter=%v split=%d", a.Delay, a.Jitter, a.Split)
}

func parseQuality(t *teller, args []string) (act, error) {
	a := quality{t.w.net.is}
	for _, word := range args {
		var err error
		switch name, value, _ := strings.Cut(word, "="); name {
		case "delay":
			a.Delay, err = parseTime(value)
		case "jitter":
			a.Jitter, err = parseTime(value)
		case "split":
			a.Split, err = strconv.Atoi(value)
		default:
			err = fmt.Errorf("what is %q?", word)
		}
		if err != nil {
			return nil, err
		}
	}
	if a.Delay < 1 {
		return nil, fmt.Errorf("an envelope takes some time, not %v", a.Delay)
	}
	return a, nil
}

// tired has each turn of a broker take so long besides; 0 ends that.
type tired struct {
	node int
	by   time.Duration
}

func (a tired) do(w *World) error {
	n := w.nodes[a.node]
	if a.by > 0 {
		if err := w.faults.atPeaceNow(); err != nil {
			return err
		}
		w.count[CountTired]++
	}
	n.sluggish = a.by
	n.hurts()
	return nil
}

func (a tired) text(w *World) string { return fmt.Sprintf("tire %d %v", w.nodes[a.node].id, a.by) }

func parseTired(t *teller, args []string) (act, error) {
	n, err := t.broker(args[0])
	if err != nil {
		return nil, err
	}
	by, err := parseTime(args[1])
	return tired{node: n.index, by: by}, err
}

// tire slows a process down for a while: each of its turns takes from some milliseconds to longer than a tick.
func (f *nemesis) tire() {
	n := f.w.nodes[f.rng.IntN(len(f.w.nodes))]
	if n.sluggish > 0 {
		return
	}
	f.w.decide(tired{n.index, drawTired(f.rng)})
	f.lasting(func() { f.w.decide(tired{n.index, 0}) })
}

func drawTired(rng *rand.Rand) time.Duration { return micros(rng, 2_000, 250_000) }
