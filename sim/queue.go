package sim

import "time"

// queue orders what will happen by (time, sequence), so that equal instants keep the order in which they were planned (W2).
type queue struct {
	heap []item
	seq  uint64
	acts uint64
}

type item struct {
	at  time.Duration
	seq uint64
	do  func()
}

func (a *item) before(b *item) bool {
	return a.at < b.at || a.at == b.at && a.seq < b.seq
}

func (q *queue) len() int { return len(q.heap) }

func (q *queue) push(at time.Duration, do func()) {
	q.seq++
	q.insert(item{at: at, seq: ordinary + q.seq, do: do})
}

// ordinary events come after all acts of their instant.
const ordinary = 1 << 62

// first plans an act, which comes before all that isn't one.
func (q *queue) first(at time.Duration, do func()) {
	q.acts++
	q.insert(item{at: at, seq: q.acts, do: do})
}

func (q *queue) insert(i item) {
	q.heap = append(q.heap, i)
	q.up()
}

func (q *queue) up() {
	h, i := q.heap, len(q.heap)-1
	for i > 0 {
		up := (i - 1) / 2
		if !h[i].before(&h[up]) {
			return
		}
		h[i], h[up] = h[up], h[i]
		i = up
	}
}

// pop takes the earliest; the queue must not be empty.
func (q *queue) pop() item {
	h := q.heap
	top, last := h[0], len(h)-1
	h[0], h[last] = h[last], item{}
	h = h[:last]
	q.heap = h
	for i := 0; ; {
		down := 2*i + 1
		if down >= len(h) {
			return top
		}
		if r := down + 1; r < len(h) && h[r].before(&h[down]) {
			down = r
		}
		if !h[down].before(&h[i]) {
			return top
		}
		h[i], h[down] = h[down], h[i]
		i = down
	}
}
