package main

import (
	"math"
	"math/rand/v2"
	"slices"
	"strconv"

	"logd/checker"
)

// generator executes logs for many concurrent clients, and gives their operations
// in the order in which they end, as a recorder writes them. It is valid by
// construction: each operation has an instant between its call and its return.
type generator struct {
	rng     *rand.Rand
	clients []*client
	queue   []*client // a heap, by next
	parts   []*partition
	now     int64
	made    int64
	most    int64 // operations to be called
	plant   int64 // from this operation on, the next tail that can lie does; 0: never
	planted bool
}

// client has one operation at a time: called, then done, then answered.
type client struct {
	number int64
	op     checker.Op
	part   *partition
	next   int64 // the time of its next event
	phase  int
	floor  int64 // length acknowledged when the operation was called
}

const (
	idle = iota
	called
	done
)

// partition is a log, of which the newest values are there to be read.
type partition struct {
	name   string
	length int64
	acked  int64
	recent [recentValues]string
}

const recentValues = 64

func newGenerator(seed uint64, most int64, clients, partitions int, plant int64) *generator {
	g := &generator{rng: rand.New(rand.NewPCG(seed, 5)), most: most, plant: plant}
	for i := range partitions {
		g.parts = append(g.parts, &partition{name: "bench/" + strconv.Itoa(i)})
	}
	for i := range clients {
		g.clients = append(g.clients, &client{number: int64(i), next: g.rng.Int64N(1000)})
	}
	g.queue = slices.Clone(g.clients)
	slices.SortFunc(g.queue, func(a, b *client) int { return int(a.next - b.next) })
	return g
}

// next replaces *op with the next operation that ends; there are as many as were
// asked for. It makes no garbage but the text of values: what it measures is the checker.
func (g *generator) next(op *checker.Op) {
	for {
		c := g.queue[0]
		g.now = c.next
		ended := g.step(c)
		if ended {
			used := op.Values[:0]
			*op = c.op
			c.op.Values = used // values of an operation that was handed out before
		}
		c.next = g.now + 1 + g.rng.Int64N(1000)
		if g.made == g.most && c.phase == idle {
			c.next = math.MaxInt64
		}
		g.sink()
		if ended {
			return
		}
	}
}

// sink restores the heap after its first has got a later time.
func (g *generator) sink() {
	q := g.queue
	for i := 0; 2*i+1 < len(q); {
		least := 2*i + 1
		if least+1 < len(q) && q[least+1].next < q[least].next {
			least++
		}
		if q[i].next <= q[least].next {
			return
		}
		q[i], q[least] = q[least], q[i]
		i = least
	}
}

// step is a client's next event; true if it ends an operation.
func (g *generator) step(c *client) bool {
	switch c.phase {
	case idle:
		if g.made < g.most {
			g.call(c)
			c.phase = called
		}
	case called:
		g.execute(c)
		c.phase = done
	default:
		g.answer(c)
		c.phase = idle
		return true
	}
	return false
}

// call draws an operation: of ten, six appends, two reads and two tails.
func (g *generator) call(c *client) {
	g.made++
	c.part = g.parts[g.rng.IntN(len(g.parts))]
	c.floor = c.part.acked
	c.op = checker.Op{ID: g.made, Client: c.number, Partition: c.part.name, Call: g.now, Outcome: checker.OK, Values: c.op.Values[:0]}
	switch luck := g.rng.IntN(10); {
	case luck < 6:
		c.op.Kind = checker.Append
		n := 1
		if luck == 0 {
			n = 1 + g.rng.IntN(4)
		}
		for k := range n {
			c.op.Values = append(c.op.Values, strconv.FormatInt(g.made*8+int64(k), 36))
		}
		if fate := g.rng.IntN(200); fate == 0 {
			c.op.Outcome = checker.Failed
		} else if fate < 4 {
			c.op.Outcome = checker.Unknown
		}
	case luck < 8:
		c.op.Kind, c.op.Lin, c.op.Limit = checker.Read, g.rng.IntN(2) == 0, 10
	default:
		c.op.Kind = checker.Tail
	}
}

func (g *generator) execute(c *client) {
	p, op := c.part, &c.op
	switch op.Kind {
	case checker.Append:
		if op.Outcome == checker.Failed || op.Outcome == checker.Unknown && g.rng.IntN(2) == 0 {
			return
		}
		if op.Outcome == checker.OK {
			op.Off = p.length
		}
		for _, v := range op.Values {
			p.recent[p.length%recentValues] = v
			p.length++
		}
	case checker.Read:
		op.From = max(0, p.length-g.rng.Int64N(recentValues/2))
		for off := op.From; off < min(p.length, op.From+op.Limit); off++ {
			op.Values = append(op.Values, p.recent[off%recentValues])
		}
	default:
		op.Off = p.length
	}
}

func (g *generator) answer(c *client) {
	op := &c.op
	if op.Outcome != checker.Unknown {
		op.Ret = g.now
	}
	if op.Kind == checker.Append && op.Outcome == checker.OK {
		c.part.acked = max(c.part.acked, op.Off+int64(len(op.Values)))
	}
	if g.plant > 0 && op.ID >= g.plant && !g.planted && op.Kind == checker.Tail && c.floor > 0 {
		op.Off, g.planted = c.floor-1, true // an acknowledged record is gone
	}
}
