package sim

import (
	"math"
)

// die ends all that a client has under way, with unclear outcomes. It comes back with a new session, and new values.
func (c *client) die(back returning) {
	c.w.count[CountClientCrashes]++
	for _, l := range c.lines {
		if l != nil {
			c.drop(l)
		}
	}
	if p := c.idem; p != nil && p.has && back != returnsConnected {
		c.renounce()
		if c.w.markLoad(MarkProducerReborn); back == returnsBumped && p.epoch < math.MaxInt16 {
			c.bump()
			return
		}
		p.has, p.id = false, 0
	}
}

// returning is as what an idempotent producer's client comes back that has crashed.
type returning int64

const (
	returnsNew       returning = iota // it knows nothing, and asks for a new id
	returnsBumped                     // it has kept its id, and raises its epoch (KIP-360)
	returnsConnected                  // only its connections were lost: it goes on
	returnings
)

// drawReturn draws for clients that are producers; others come back in one way.
func (c *client) drawReturn() int64 {
	if c.idem == nil {
		return 0
	}
	return c.rng.Int64N(int64(returnings))
}

// crashClient has one of those that append or read crash, most often one with something under way.
func (f *nemesis) crashClient() {
	all := f.w.clients
	c := all[f.rng.IntN(len(all))]
	for range 4 {
		if c.inflight > 0 {
			break
		}
		c = all[f.rng.IntN(len(all))]
	}
	if !c.over {
		f.w.decide(request{client: c.number, kind: askDie, part: -1, at: c.drawReturn()})
	}
}

// mute is the role of a client that does nothing by itself.
type mute struct{}

func (mute) act(*client) {}

func (mute) done(*client, *call) {}
