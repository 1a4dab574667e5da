package sim

import (
	"fmt"
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
			h.w.violate(OverBound, "%v: %d %s, the bound is %d", h, x.Now, x.What, x.Most)
		}
	})
}

// leaks checks, once all clients have hung up and the time of a request has passed, that brokers which are counted upon hold nothing
// for them any more.
func (w *World) leaks() {
	for _, c := range w.clients {
		c.over = true
		for _, l := range c.lines {
			if l != nil {
				l.conn.hangUp()
				c.lines[l.node] = nil
			}
		}
	}
	for end := w.now + leakWait; w.violation == nil && w.queue.len() > 0 && w.queue.heap[0].at <= end; {
		w.step()
	}
	for _, n := range w.nodes {
		if n.proc == nil || n.proc.paused || broken(n) {
			continue
		}
		for _, h := range n.proc.hosts {
			if what := h.leaked(); what != "" {
				w.violate(Leaked, "%v, %v after the last client has gone, still holds %s%s", h, leakWait, what, w.state())
			}
		}
	}
}

// leaked names what a shard holds though nobody asks for anything, "" if it holds nothing.
func (h *host) leaked() (what string) {
	if s, ok := h.shard.(holder); ok {
		s.Holdings(func(x broker.Holding) {
			if x.Idle && x.Now != 0 && what == "" {
				what = fmt.Sprintf("%d %s", x.Now, x.What)
			}
		})
	}
	return what
}
