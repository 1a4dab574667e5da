package deadline

import (
	"container/heap"
	"time"
)

// Heap is a set of deadlines; the zero value is empty.
type Heap struct {
	h   timers
	seq uint64
}

// Timer is one deadline.
type Timer struct {
	at   time.Duration
	seq  uint64 // D2
	pos  int    // in the heap, -1 once it was fired or cancelled (D1)
	fire func()
}

// Set has fire called once it is at.
func (h *Heap) Set(at time.Duration, fire func()) *Timer {
	h.seq++
	t := &Timer{at: at, seq: h.seq, fire: fire}
	heap.Push(&h.h, t)
	return t
}

// Cancel takes a deadline back; one that has fired, or nil, is left alone.
func (h *Heap) Cancel(t *Timer) {
	if t.Waits() {
		heap.Remove(&h.h, t.pos)
	}
}

// Next returns the earliest deadline.
func (h *Heap) Next() (time.Duration, bool) {
	if len(h.h) == 0 {
		return 0, false
	}
	return h.h[0].at, true
}

// Len is how many deadlines are still to fire.
func (h *Heap) Len() int { return len(h.h) }

// Expire fires what has passed by now, also what is set meanwhile, and reports whether there was any.
func (h *Heap) Expire(now time.Duration) (fired bool) {
	for len(h.h) > 0 && h.h[0].at <= now {
		fired = true
		heap.Pop(&h.h).(*Timer).fire()
	}
	return fired
}

// WaitsFor tells whether a deadline is still to fire, and at this time; nil isn't.
func (t *Timer) WaitsFor(at time.Duration) bool { return t.Waits() && t.at == at }

// Waits tells whether a deadline is still to fire; nil isn't.
func (t *Timer) Waits() bool { return t != nil && t.pos >= 0 }

type timers []*Timer

func (h timers) Len() int { return len(h) }
func (h timers) Less(i, j int) bool {
	if h[i].at != h[j].at {
		return h[i].at < h[j].at
	}
	return h[i].seq < h[j].seq
}
func (h timers) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].pos, h[j].pos = i, j
}
func (h *timers) Push(x any) {
	t := x.(*Timer)
	t.pos = len(*h)
	*h = append(*h, t)
}
func (h *timers) Pop() any {
	old := *h
	t := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	t.pos = -1
	return t
}
