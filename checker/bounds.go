package checker

import "fmt"

// longer says that the current operation showed a length of at least n.
func (p *part) longer(n int64) {
	if n == 0 {
		return
	}
	if last := p.lastOf(n - 1); p.ord.r(last) > p.cur.Ret {
		p.conflict(p.ord.lower(last, p.keep()), last, false)
	}
}

// lastOf is where a deadline of offset off stands (A3).
func (p *part) lastOf(off int64) int {
	if i := p.writer(off); i >= 0 {
		o := p.ops.at(int(i))
		return int(o.off) + int(o.n()) - 1
	}
	return int(off)
}

// shorter says that the current operation showed a length of at most hi, or, if
// exact, of hi. It is kept only if that is news.
func (p *part) shorter(hi int64, exact bool) {
	if hi >= p.length() {
		p.shorterAhead(hi, exact)
		return
	}
	w := p.writer(hi)
	_, edge := p.edges[hi]
	edge = edge || w >= 0 && int64(p.ops.at(int(w)).off) == hi
	if p.ord.c(int(hi)) >= p.cur.Call && (edge || !exact) {
		p.report.UpperBounds++
		return
	}
	u := upper{by: p.keep(), exactBy: -1, count: 1}
	if exact {
		u.exactBy = u.by
	}
	p.apply(hi, u)
}

// apply takes an upper bound into account that the log is known to have outgrown.
func (p *part) apply(hi int64, u upper) {
	p.report.UpperBounds += u.count
	if i := p.writer(hi); u.exactBy >= 0 && i < 0 {
		p.edges[hi] = u.exactBy
	} else if u.exactBy >= 0 && int64(p.ops.at(int(i)).off) != hi {
		p.insideBatch(i, hi, u.exactBy)
	}
	p.conflict(p.ord.raise(int(hi), u.by), int(hi), true)
}

// gather moves the deadlines found inside a batch to its end, where they bind all
// of it (A3), and adds its own interval.
func (p *part) gather(i int32) {
	o := p.ops.at(int(i))
	first, last := int(o.off), int(o.off)+int(o.n())-1
	if len(p.edges) > 0 {
		p.gatherEdges(i, first, last)
	}
	for at := first; at < last; at++ {
		if by := p.ord.rBy.get(at); by >= 0 {
			p.conflict(p.ord.lower(last, by), last, false)
		}
	}
	p.conflict(p.ord.raise(first, i), first, true)
	p.conflict(p.ord.lower(last, i), last, false)
}

// gatherEdges looks for lengths told inside a batch, or at its beginning. Where there
// is no c, no length was told.
func (p *part) gatherEdges(i int32, first, last int) {
	for at := first; at <= last; at++ {
		if p.ord.cBy.get(at) < 0 {
			continue
		}
		if at == first {
			delete(p.edges, int64(first))
		} else if by, ok := p.edges[int64(at)]; ok {
			p.insideBatch(i, int64(at), by)
		}
	}
}

// writer is the append that is placed at off, or -1.
func (p *part) writer(off int64) int32 {
	at := p.slots.get(int(off))
	if at < 0 {
		return -1
	}
	i := p.values.entries.get(int(at)).op()
	if i < 0 || p.ops.at(int(i)).off < 0 {
		return -1
	}
	return i
}

func (p *part) insideBatch(i int32, length int64, by int32) {
	if p.simpler(i, by, length) {
		return
	}
	o := p.ops.at(int(i))
	p.violate(LengthInsideBatch, length, []int32{by, i, p.placer(i)}, "%s shows a length of %d, inside the batch that %s appended at offsets %d to %d",
		p.say(by), length, p.say(i), o.off, int64(o.off)+o.n()-1)
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
	if j > i || p.ord.c(j) <= p.ord.r(i) {
		panic(fmt.Sprintf("invariant A1: no conflict between c at %d and r at %d", j, i))
	}
	late, early := p.ord.cBy.get(j), p.ord.rBy.get(i)
	if by := p.placer(late); by >= 0 && p.times.at(int(by)).ret < p.times.at(int(late)).call {
		early, i = by, j // what shows its place came too early by itself
	}
	name, blame, other := NotLinearizable, late, early
	switch e, l := p.ops.at(int(early)), p.ops.at(int(late)); {
	case l.kind() == Tail:
		name = TailWentBack
	case l.kind() == Read:
		name = LinearizableReadBack
	case e.kind() == Tail:
		name, blame, other = TailBeforeAppend, early, late
	case e.kind() == Trim || e.kind() == Start:
		name, blame, other = StartBeyondEnd, early, late
	case e.kind() == Read:
		name, blame, other = ReadBeforeAppend, early, late
	}
	p.violate(name, int64(j), append([]int32{blame, other}, p.grounds(late, early, int64(j), int64(i))...), "%s by %d, and %s from %d on",
		p.had(early, int64(i)), p.times.at(int(early)).ret, p.lacked(late, int64(j)), p.ord.c(j))
}

// had says what an operation shows that returned when offset i was there.
func (p *part) had(by int32, i int64) string {
	if o := p.ops.at(int(by)); o.kind() == Append {
		return fmt.Sprintf("%s was acknowledged at offset %d", p.say(by), o.off)
	}
	return fmt.Sprintf("%s had shown offset %d", p.say(by), i)
}

// lacked says what an operation shows that was called when offset j wasn't there.
func (p *part) lacked(by int32, j int64) string {
	if o := p.ops.at(int(by)); o.kind() == Append {
		return fmt.Sprintf("%s, whose offset is %d, was called only", p.say(by), o.off)
	}
	return fmt.Sprintf("%s shows that offset %d was not there", p.say(by), j)
}
