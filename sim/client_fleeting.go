package sim

import (
	"time"
)

// fleetingParts is the most partitions that a fleeting topic has.
const fleetingParts = 2

// acquaintance is what a client knows of a fleeting topic, as of the last Metadata that told it: the life may be over by now.
type acquaintance struct {
	life    *life
	leaders []int // by partition: index of the broker that leads, -1 if nobody does
}

func (c *client) knows(topic int) *acquaintance {
	if c.fleeting == nil {
		c.fleeting = make([]acquaintance, c.w.opt.Load.Fleeting)
	}
	return &c.fleeting[topic]
}

// maker makes a fleeting topic, and some time later deletes it; after an unclear outcome it does either.
type maker struct {
	topic int
	there bool
	clear bool
}

func (r *maker) act(c *client) {
	w := c.w
	if w.phase != phaseStorm || c.inflight > 0 {
		return
	}
	creates := !r.there
	if !r.clear || c.rng.IntN(8) == 0 {
		creates = c.rng.IntN(2) == 0
	}
	a := request{part: -1, topic: r.topic, node: c.rng.IntN(w.opt.Brokers)}
	if creates {
		a.kind, a.version = askCreate, int16(2+c.rng.IntN(6))
		a.drawTopic(c)
	} else if a.kind, a.version = askDelete, int16(1+c.rng.IntN(6)); c.knows(r.topic).life != nil && c.rng.IntN(3) > 0 {
		a.version, a.byID = 6, true
	}
	c.ask(a)
}

// drawTopic draws what a new life is like.
func (a *request) drawTopic(c *client) {
	o := &c.w.opt.Load
	a.records, a.copies = 1+c.rng.IntN(fleetingParts), min(o.Replicas, c.w.opt.Brokers)
	if c.w.opt.Brokers <= 3 {
		a.copies = c.w.opt.Brokers
	}
	if chance(c.rng, o.Few) {
		a.copies = 1 + c.rng.IntN(c.w.opt.Brokers)
	}
	if !c.w.mayMake(a.copies) {
		a.copies = c.w.opt.Brokers
	}
	if o.FleetingKeeps > 0 && c.rng.IntN(2) == 0 {
		a.at = o.FleetingKeeps
	}
	a.size = c.rng.IntN(4) // of its other settings
}

func (r *maker) done(c *client, k *call) {
	if h := k.change; h != nil {
		if r.clear = h.clear; h.clear {
			r.there = h.create
		} else if h.create {
			c.w.markLoad(MarkCreateUnclear)
		}
	}
	if c.w.phase == phaseStorm && c.knows(r.topic).life == nil && r.there && k.change != nil { // it wants the id
		c.ask(request{kind: askTopic, part: -1, topic: r.topic, node: c.rng.IntN(c.w.opt.Brokers), version: int16(10 + c.rng.IntN(4))})
	}
	c.soon(c.pause(c.w.opt.Load.Lives))
}

// visitor appends to fleeting topics, reads them and asks for their ends, by what it knows of them, which may be old.
type visitor struct{ topic, index int }

func (r *visitor) act(c *client) {
	w := c.w
	if w.phase != phaseStorm || c.inflight > 0 {
		return
	}
	if c.rng.IntN(6) == 0 {
		r.topic = c.rng.IntN(w.opt.Load.Fleeting)
	}
	r.index = c.rng.IntN(fleetingParts)
	know := c.knows(r.topic)
	if r.index >= len(know.leaders) || know.leaders[r.index] < 0 || c.rng.IntN(40) == 0 {
		c.ask(request{kind: askTopic, part: -1, topic: r.topic, node: c.rng.IntN(w.opt.Brokers), version: int16(4 + c.rng.IntN(10))})
		return
	}
	a := request{part: -1, topic: r.topic, index: r.index, node: know.leaders[r.index], acks: -1}
	if c.rng.IntN(30) == 0 {
		a.node = c.rng.IntN(w.opt.Brokers)
	}
	switch k := c.rng.IntN(10); {
	case k < 5:
		a.kind, a.version, a.records, a.size = askPut, int16(3+c.rng.IntN(11)), 1+c.rng.IntN(w.opt.Load.Records), 10+c.rng.IntN(w.opt.Load.Bytes)
		if w.opt.Load.FleetingKeeps > 0 {
			a.records = 1 // (T2)
		}
	case k < 9:
		a.kind, a.version, a.wait = askGet, int16(4+c.rng.IntN(15)), time.Duration(c.rng.Int64N(w.opt.Load.Timeout.Milliseconds()/2+1))*time.Millisecond
		a.most, a.mostOf = 1<<(9+c.rng.IntN(9)), 1<<(9+c.rng.IntN(9))
		if know.life != nil && c.rng.IntN(3) > 0 {
			a.at = c.rng.Int64N(know.life.length(r.index) + 1)
		}
	default:
		a.kind, a.version = askEnd, c.listVersion()
	}
	c.ask(a)
}

func (r *visitor) done(c *client, k *call) { c.soon(c.pause(c.w.opt.Load.Think)) }
