package broker

import (
	"container/heap"
	"time"
)

// timers is a heap of deadlines. Each is fired once, in order of time and then of when it was set.
type timers struct {
	h   timerHeap
	seq uint64
}

// timer is one deadline; pos is its place in the heap, -1 once it was fired or cancelled.
type timer struct {
	at   time.Duration
	seq  uint64
	pos  int
	fire func()
}

type timerHeap []*timer

func (h timerHeap) Len() int { return len(h) }
func (h timerHeap) Less(i, j int) bool {
	if h[i].at != h[j].at {
		return h[i].at < h[j].at
	}
	return h[i].seq < h[j].seq
}
func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].pos, h[j].pos = i, j
}
func (h *timerHeap) Push(x any) {
	t := x.(*timer)
	t.pos = len(*h)
	*h = append(*h, t)
}
func (h *timerHeap) Pop() any {
	old := *h
	t := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	t.pos = -1
	return t
}

func (t *timers) set(at time.Duration, fire func()) *timer {
	t.seq++
	n := &timer{at: at, seq: t.seq, fire: fire}
	heap.Push(&t.h, n)
	return n
}

// cancel takes a deadline back; one that has passed, or nil, is left alone.
func (t *timers) cancel(n *timer) {
	if n != nil && n.pos >= 0 {
		heap.Remove(&t.h, n.pos)
	}
}

func (t *timers) next() (time.Duration, bool) {
	if len(t.h) == 0 {
		return 0, false
	}
	return t.h[0].at, true
}

// expire fires the deadlines that have passed.
func (s *Shard) expire() {
	for len(s.timers.h) > 0 && s.timers.h[0].at <= s.now.Mono {
		s.restless = true
		heap.Pop(&s.timers.h).(*timer).fire()
	}
}
