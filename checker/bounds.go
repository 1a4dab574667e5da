package checker

import (
	"container/heap"
	"fmt"
)

// longer says that the current operation showed a length of at least n.
func (p *part) longer(n int64) {
	if n == 0 {
		return
	}
	last := int(n - 1)
	if i := p.writer(n - 1); i >= 0 {
		last = int(p.ops[i].off) + int(p.ops[i].n) - 1 // A3
	}
	if p.ord.r[last] > p.cur.Ret {
		p.conflict(p.ord.lower(last, p.cur.Ret, p.keep()), last, false)
	}
}

// shorter says that the current operation showed a length of at most hi, or, if
// exact, of hi.
func (p *part) shorter(hi int64, exact bool) {
	u := upper{hi: hi, call: p.cur.Call, by: p.keep(), exactBy: -1, count: 1}
	if exact {
		u.exactBy = u.by
	}
	if hi >= int64(len(p.slots)) {
		p.ahead.add(u)
		return
	}
	p.apply(u)
}

// apply takes an upper bound into account that the log is known to have outgrown.
func (p *part) apply(u upper) {
	p.report.UpperBounds += u.count
	if i := p.writer(u.hi); u.exactBy >= 0 && i < 0 {
		p.edges[u.hi] = u.exactBy
	} else if u.exactBy >= 0 && p.ops[i].off != u.hi {
		p.insideBatch(i, u.hi, u.exactBy)
	}
	p.conflict(p.ord.raise(int(u.hi), u.call, u.by), int(u.hi), true)
}

// gather moves the deadlines found inside a batch to its end, where they bind all
// of it (A3), and adds its own interval.
func (p *part) gather(i int32) {
	o := &p.ops[i]
	first, last := int(o.off), int(o.off)+int(o.n)-1
	delete(p.edges, o.off)
	for at := first; at < last; at++ {
		if by, ok := p.edges[int64(at)+1]; ok {
			p.insideBatch(i, int64(at)+1, by)
		}
		if r := p.ord.r[at]; r < never {
			p.conflict(p.ord.lower(last, r, p.ord.rBy[at]), last, false)
		}
	}
	p.conflict(p.ord.raise(first, o.call, i), first, true)
	p.conflict(p.ord.lower(last, o.ret, i), last, false)
}

// writer is the append that is placed at off, or -1.
func (p *part) writer(off int64) int32 {
	at := p.slots[off]
	if at < 0 || p.values[at].op < 0 || p.ops[p.values[at].op].off < 0 {
		return -1
	}
	return p.values[at].op
}

func (p *part) insideBatch(i int32, length int64, by int32) {
	o := &p.ops[i]
	p.violate(LengthInsideBatch, length, []int32{by, i}, "%s shows a length of %d, inside the batch that %s appended at offsets %d to %d",
		p.say(by), length, p.say(i), o.off, o.off+int64(o.n)-1)
}

// conflict reports c_j > r_i for j ≤ i, where one of the two has just been set at
// offset at and the other was found at offset with; with = -1 means no conflict.
// The operation that came second in time is to blame.
func (p *part) conflict(with, at int, raised bool) {
	if with < 0 {
		return
	}
	j, i := with, at
	if raised {
		j, i = at, with
	}
	if j > i || p.ord.c[j] <= p.ord.r[i] {
		panic(fmt.Sprintf("invariant A1: no conflict between c at %d and r at %d", j, i))
	}
	late, early := p.ord.cBy[j], p.ord.rBy[i]
	name, blame, other := NotLinearizable, late, early
	switch e, l := &p.ops[early], &p.ops[late]; {
	case l.kind == Tail:
		name = TailWentBack
	case l.kind == Read:
		name = LinearizableReadBack
	case e.kind == Tail:
		name, blame, other = TailBeforeAppend, early, late
	case e.kind == Read:
		name, blame, other = ReadBeforeAppend, early, late
	}
	p.violate(name, int64(j), []int32{blame, other}, "%s by %d, and %s from %d on",
		p.had(early, int64(i)), p.ord.r[i], p.lacked(late, int64(j)), p.ord.c[j])
}

// had says what an operation shows that returned when offset i was there.
func (p *part) had(by int32, i int64) string {
	if o := &p.ops[by]; o.kind == Append {
		return fmt.Sprintf("%s was acknowledged at offset %d", p.say(by), o.off)
	}
	return fmt.Sprintf("%s had shown offset %d", p.say(by), i)
}

// lacked says what an operation shows that was called when offset j wasn't there.
func (p *part) lacked(by int32, j int64) string {
	if o := &p.ops[by]; o.kind == Append {
		return fmt.Sprintf("%s, whose offset is %d, was called only", p.say(by), o.off)
	}
	return fmt.Sprintf("%s shows that offset %d was not there", p.say(by), j)
}

// upper is an upper bound: hi wasn't there at call, as by shows; exactBy, if not
// -1, shows a length of exactly hi.
type upper struct {
	hi, call    int64
	by, exactBy int32
	count       int64
}

// ahead holds the upper bounds that the log may yet outgrow: one for each length,
// the strictest.
type ahead struct {
	at   map[int64]upper
	next lengths
}

func newAhead() ahead { return ahead{at: map[int64]upper{}} }

func (a *ahead) add(u upper) {
	old, ok := a.at[u.hi]
	if !ok {
		heap.Push(&a.next, u.hi)
		a.at[u.hi] = u
		return
	}
	if old.call >= u.call {
		old.call, old.by, u.call, u.by = u.call, u.by, old.call, old.by
	}
	if old.exactBy >= 0 {
		u.exactBy = old.exactBy
	}
	u.count += old.count
	a.at[u.hi] = u
}

// releaseAhead applies the bounds that the log has now outgrown.
func (p *part) releaseAhead() {
	for len(p.ahead.next) > 0 && p.ahead.next[0] < int64(len(p.slots)) {
		hi := heap.Pop(&p.ahead.next).(int64)
		u := p.ahead.at[hi]
		delete(p.ahead.at, hi)
		p.apply(u)
	}
}

// lengths is a heap, the smallest first.
type lengths []int64

func (h lengths) Len() int           { return len(h) }
func (h lengths) Less(i, j int) bool { return h[i] < h[j] }
func (h lengths) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *lengths) Push(x any)        { *h = append(*h, x.(int64)) }
func (h *lengths) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}
