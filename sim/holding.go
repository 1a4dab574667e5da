package sim

import (
	"maps"
	"slices"
	"time"

	"logd/broker"
)

// holder says what a shard holds in memory.
type holder interface {
	Holdings(visit func(broker.Holding))
}

// holdEvery is how many turns of a shard lie between two looks at what it holds.
const holdEvery = 16

// leakWait is longer than any request of the run's clients may take.
const leakWait = 5 * time.Second

// within checks that a shard holds no more than its limits allow (verification.md, 2C: memory bounds).
func (h *host) within() {
	s, ok := h.shard.(holder)
	if h.turns++; !ok || h.turns%holdEvery != 0 {
		return
	}
	s.Holdings(func(x broker.Holding) {
		if x.Most >= 0 && x.Now > x.Most {
			h.w.violate(OverBound, "%v: %d %s, the bound is %d%s", h, x.Now, kept(x.What), x.Most, h.w.state())
		}
	})
}

// adminWait is the world's Limits.AdminWait: a forwarded command whose answer is lost is kept for so long.
const adminWait = leakWait - time.Second

// leaks checks, once all clients have hung up and the time of a request has passed, that healthy brokers hold nothing
// for them any more. The last to hang up is the last zombie, which may come when nobody else is there any more.
func (w *World) leaks() {
	for _, c := range w.clients {
		c.over = true
		for _, l := range c.lines {
			if l != nil {
				c.drop(l) // what is under way has no answer any more, and nobody refused it
			}
		}
	}
	for w.violation == nil && w.zombies > 0 && w.queue.len() > 0 {
		w.step()
	}
	for len(w.strangers) > 0 {
		w.leaves(w.strangers[0])
	}
	held := map[*host]map[string]int64{}
	for range leakLooks {
		w.settleFor(leakWait / leakLooks)
		for _, h := range w.sound() {
			held[h] = h.holds(held[h])
		}
	}
	for _, h := range w.sound() {
		for _, what := range slices.Sorted(maps.Keys(held[h])) {
			w.violate(Leaked, "%v, %v after the last client has gone, still holds %d %s%s", h, leakWait, held[h][what], kept(what), w.state())
		}
	}
}

// leakLooks is how often it is looked: a scrub's reads come and go, a leak stays.
const leakLooks = 10

// settleFor lets time pass.
func (w *World) settleFor(d time.Duration) {
	for end := w.now + d; w.violation == nil && w.queue.len() > 0 && w.queue.next() <= end; {
		w.step()
	}
}

// sound lists the shards of the healthy brokers.
func (w *World) sound() (hosts []*host) {
	for _, n := range w.nodes {
		if n.proc != nil && !n.proc.paused && !broken(n) {
			hosts = append(hosts, n.proc.hosts...)
		}
	}
	return hosts
}

// holds returns what a shard holds though nobody asks for anything, and held at every look before; before is nil at the first.
func (h *host) holds(before map[string]int64) map[string]int64 {
	now := map[string]int64{}
	if s, ok := h.shard.(holder); ok {
		s.Holdings(func(x broker.Holding) {
			if x.Idle && x.Now != 0 && (before == nil || before[x.What] != 0) {
				now[x.What] = x.Now
			}
		})
	}
	return now
}
