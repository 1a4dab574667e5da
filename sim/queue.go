package sim

import "time"

// queue orders what will happen by (time, sequence), so that equal instants keep the order in which they were planned (W2).
type queue struct {
	heap []item
	late []item // deadlines, by rising (time, sequence): most never fire, and kept out of the heap they leave it shallow
	head int    // of late: those before it are gone
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

func (q *queue) len() int { return len(q.heap) + len(q.late) - q.head }

// next is the time of the earliest; the queue must not be empty.
func (q *queue) next() time.Duration {
	if q.lateFirst() {
		return q.late[q.head].at
	}
	return q.heap[0].at
}

func (q *queue) lateFirst() bool {
	return q.head < len(q.late) && (len(q.heap) == 0 || q.late[q.head].before(&q.heap[0]))
}

func (q *queue) push(at time.Duration, do func()) {
	q.seq++
	q.insert(item{at: at, seq: ordinary + q.seq, do: do})
}

// deadline is push for a time that is seldom before that of the deadline planned last.
func (q *queue) deadline(at time.Duration, do func()) {
	if n := len(q.late); n > q.head && at < q.late[n-1].at {
		q.push(at, do)
		return
	}
	q.seq++
	q.late = append(q.late, item{at: at, seq: ordinary + q.seq, do: do})
}

// ordinary events come after all acts of their instant.
const ordinary = 1 << 62

// first plans an act, which comes before all that isn't one.
func (q *queue) first(at time.Duration, do func()) {
	q.acts++
	q.insert(item{at: at, seq: q.acts, do: do})
}

func (q *queue) insert(it item) {
	q.heap = append(q.heap, it)
	h, i := q.heap, len(q.heap)-1
	for i > 0 {
		up := (i - 1) / fan
		if !it.before(&h[up]) {
			break
		}
		h[i] = h[up]
		i = up
	}
	h[i] = it
}

// fan is how many children a place of the heap has: a flat heap moves less.
const fan = 4

// pop takes the earliest; the queue must not be empty.
func (q *queue) pop() item {
	if q.lateFirst() {
		return q.popLate()
	}
	h := q.heap
	top, n := h[0], len(h)-1
	last := h[n]
	h[n] = item{}
	h = h[:n]
	q.heap = h
	for i := 0; n > 0; {
		first := fan*i + 1
		down, end := first, min(first+fan, n)
		for c := first + 1; c < end; c++ {
			if h[c].before(&h[down]) {
				down = c
			}
		}
		if down >= n || !h[down].before(&last) {
			h[i] = last
			break
		}
		h[i] = h[down]
		i = down
	}
	return top
}

func (q *queue) popLate() item {
	top := q.late[q.head]
	q.late[q.head] = item{}
	if q.head++; q.head > len(q.late)/2 { // what is left moves once for each that has gone, at most
		n := copy(q.late, q.late[q.head:])
		clear(q.late[n:])
		q.late, q.head = q.late[:n], 0
	}
	return top
}
