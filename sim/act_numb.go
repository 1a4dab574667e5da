package sim

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/transport"
)

// numb is a consumer that asks for everything from the log starts on, many times over, and reads none of it for as long as it stays.
// The broker may keep what it wrote up to a bound, and reads no more requests from there (transport/tcp: Limits).
type numb struct {
	node    int
	fetches int
	hold    time.Duration
	cut     int // bytes
}

// What a connection's other side doesn't read: with more than choked a broker reads no more from it, with more than cut it ends it. A real
// one's bounds are larger by as much as its disks are. Little is drawn for the second one, too, since few logs have so much that 4 MiB are
// reached before the first one stops it.
const (
	chokedBytes = 64 << 10
	cutBytes    = 4 << 20
	cutLittle   = 160 << 10
	readBytes   = 2 << 10 // read at once from a stranger
	leastAsked  = 60      // bytes of one of its requests, at least
)

func (a numb) do(w *World) error {
	w.count[CountNumb]++
	var b []byte
	for i := range a.fetches {
		req := kmsg.NewPtrFetchRequest()
		req.Version, req.MinBytes, req.MaxBytes = 11, 1, 1<<20
		part := i % w.partitions()
		p := kmsg.NewFetchRequestTopicPartition()
		p.Partition, p.FetchOffset, p.PartitionMaxBytes = int32(part%w.opt.Load.Partitions), w.views.told[part], 1<<20
		t := kmsg.NewFetchRequestTopic()
		t.Topic, t.Partitions = w.topic(part), append(t.Partitions, p)
		req.Topics = append(req.Topics, t)
		b = append(b, transport.AppendRequest("numb", int32(i), req)...)
	}
	c := w.intrude(w.nodes[a.node], b, a.hold)
	c.cut = a.cut
	c.down.held = true
	return nil
}

func (a numb) text(w *World) string {
	text := fmt.Sprintf("numb %d %d hold=%v", w.nodes[a.node].id, a.fetches, a.hold)
	if a.cut != cutBytes {
		text += fmt.Sprintf(" cut=%d", a.cut)
	}
	return text
}

func parseNumb(t *teller, args []string) (act, error) {
	n, err := t.broker(args[0])
	if err != nil {
		return nil, err
	}
	a := numb{node: n.index, hold: time.Second, cut: cutBytes}
	a.fetches, err = strconv.Atoi(args[1])
	for _, word := range args[2:] {
		if err != nil {
			break
		}
		if cut, ok := strings.CutPrefix(word, "cut="); ok {
			a.cut, err = strconv.Atoi(cut)
		} else {
			a.hold, err = parseHold(word)
		}
	}
	return a, err
}

// benumb has a consumer ask and not read.
func (f *nemesis) benumb() {
	n := f.w.nodes[f.rng.IntN(len(f.w.nodes))]
	f.w.decide(numb{n.index, 1 + f.rng.IntN(200), f.downtime(), pick(f.rng, cutLittle, cutBytes)})
}

// choked tells whether so much waits for a client that nothing more is read from it.
func (c *conn) choked() bool { return c.down.held && len(c.down.buf) > chokedBytes }

// piled looks at what waits for a client that doesn't read. What a shard has taken of it when it was choked it may still answer: the
// requests that may be under way on one connection, and those that were read with the last of them, each with at most a response's bytes.
func (c *conn) piled() {
	if !c.down.held || c.host == nil {
		return
	}
	w, l := c.w, &c.node.limits
	if c.choked() {
		w.mark(MarkChoked, c.node)
	}
	requests := l.ConnRequests + readBytes/leastAsked + 1
	most := chokedBytes + requests*(l.FetchBytes+w.opt.Limits.UncommittedBytes+responseHead)
	if n := len(c.down.buf); n > most {
		w.violate(OverBound, "%v: %d bytes wait for a client that doesn't read, the bound is %d: %d, and %d requests with %d bytes each", c.host, n, most, chokedBytes, requests, l.FetchBytes)
	} else if n > c.cut {
		w.mark(MarkSlowCut, c.node)
		c.down.reset()
		c.closeBroker()
	}
}

// responseHead is more than a fetch's response has besides its batches.
const responseHead = 1 << 10
