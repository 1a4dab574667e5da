package sim

import (
	"fmt"
)

// broken tells whether a broker isn't healthy in the calm.
func broken(n *node) bool { return n.lost != lossNone || n.behind.way != sound }

// brokenness is how a broker stays in the calm.
type brokenness struct {
	way   int
	times int // staySlow: as slow as the others
}

const (
	sound = iota
	stayDead
	stayPowerless
	stayUnheard // by its peers
	stayDeaf    // to its peers
	stayAlone
	staySlow
	stayStill
	brokennesses
)

var brokenNames = [brokennesses]string{"sound", "dead", "powerless", "unheard", "deaf", "alone", "slow", "paused"}

func (b brokenness) String() string {
	if b.way == staySlow {
		return fmt.Sprintf("slow:%d", b.times)
	}
	return brokenNames[b.way]
}

// down tells whether it is down for ever.
func (b brokenness) down() bool { return b.way == stayDead || b.way == stayPowerless }

// settleDown brings a broker into the state that it has in the calm.
func (n *node) settleDown() {
	switch n.behind.way {
	case stayDead, stayPowerless:
		n.kill(n.behind.way == stayPowerless)
		return
	case stayUnheard, stayDeaf, stayAlone:
		n.cutOff()
	case staySlow:
		n.disk.drag = n.behind.times
	}
	if n.proc != nil && n.proc.boot <= n.hurtIn && n.rotten != "" {
		n.kill(false) // what is wrong in its WAL shows at a start only
	}
	if n.proc != nil && n.proc.paused {
		n.proc.resume()
	}
	n.start()
	if n.behind.way == stayStill && n.proc != nil {
		n.proc.paused = true
		n.hurts()
	}
}

// leaveBehind draws which brokers stay broken: as many as no group needs for a majority of whole replicas.
func (f *nemesis) leaveBehind() calm {
	w := f.w
	a := calm{stay: make([]brokenness, len(w.nodes))}
	from := f.rng.IntN(len(w.nodes))
	for i := range w.nodes {
		n := w.nodes[(from+i)%len(w.nodes)]
		if n.lost != lossNone || f.coin() {
			continue
		}
		if w.spared(n, func(other *node) bool { return other.lost != lossNone || a.stay[other.index].way != sound }) == nil {
			a.stay[n.index] = brokenness{1 + f.rng.IntN(brokennesses-1), 10 + f.rng.IntN(100)}
		}
	}
	return a
}

// cutOff separates a broker from its peers, in one direction or both.
func (n *node) cutOff() {
	for _, other := range n.w.nodes {
		if other == n {
			continue
		}
		if n.behind.way != stayDeaf {
			n.w.net.links[n.index][other.index].cut++
		}
		if n.behind.way != stayUnheard {
			n.w.net.links[other.index][n.index].cut++
		}
	}
}
