package checker

// proof is what shows that value at stands where it is bound: an acknowledgement, a read
// that returned it, or an append and a read that returned another value of its batch.
func (p *part) proof(at int32) []int32 {
	v, b := p.values.entries.get(int(at)), p.bindingOf(at)
	i := v.op()
	if _, own := p.loose[at]; i < 0 || own || b.by == i || v.shown() {
		return []int32{b.by}
	}
	return []int32{b.by, i}
}

// beside is the append that it takes, with an operation that places it at another value,
// to show that value at is at off; -1 if the operation shows that by itself.
func (p *part) beside(by, at int32, off int64) int32 {
	i := p.values.entries.get(int(at)).op()
	if i < 0 || i == by {
		return -1
	}
	if b, ok := p.loose[at]; ok && b.by == by {
		return -1
	}
	if p.cur != nil && p.cur.Kind == Read && by == p.curIndex {
		for k := range p.cur.Values {
			if p.cur.offset(k) == off && p.values.is(at, p.cur.Values[k]) {
				return -1
			}
		}
	}
	return i
}

// vacantPlainly is vacant for the offsets of append i where two operations suffice to show
// that it isn't.
func (p *part) vacantPlainly(i int32, base int64, by int32) bool {
	o := p.ops.at(int(i))
	for k := range o.n() {
		at := o.first + int32(k)
		if other := p.slots.get(int(base + k)); other >= 0 && other != at && len(p.proof(other)) == 1 && p.beside(by, at, base+k) < 0 {
			return p.vacant(at, base+k, by)
		}
	}
	return true
}

// alsoAt is another offset at which the current operation, if it is i, returned a value; or -1.
func (p *part) alsoAt(name string, off int64, i int32) int64 {
	if p.cur == nil || p.cur.Kind != Read || i != p.curIndex {
		return -1
	}
	for k, v := range p.cur.Values {
		if v == name && p.cur.offset(k) != off {
			return p.cur.offset(k)
		}
	}
	return -1
}

// firstOf is the first value of an append, or at if that isn't known.
func (p *part) firstOf(i, at int32) int32 {
	if i < 0 {
		return at
	}
	return p.ops.at(int(i)).first
}

// placer is the operation that shows where append i is, unless i was told itself.
func (p *part) placer(i int32) int32 {
	if o := p.ops.at(int(i)); o.kind() == Append && !o.acked() {
		return o.by
	}
	return -1
}

// grounds are what the bounds of a conflict rest on, besides the operations that set them:
// what shows the place of an append, and the batch through which a deadline below j
// binds j (A3).
func (p *part) grounds(late, early int32, j, i int64) []int32 {
	ops := []int32{p.placer(late), p.placer(early)}
	e := p.ops.at(int(early))
	if e.kind() == Append {
		return ops
	}
	if w := p.writer(i); w >= 0 && p.showed(early) <= j {
		ops = append(ops, w, p.placer(w))
	}
	return ops
}

// showed is the length that an operation which isn't an append showed at least.
func (p *part) showed(by int32) int64 {
	if o := p.ops.at(int(by)); o.kind() == Read {
		return p.offset(by) + o.n()
	}
	return p.offset(by)
}

// simpler reports whether what shows the place of append i contradicts that append, or a
// length that by shows inside it, by itself: then that is told, as a conflict.
func (p *part) simpler(i, by int32, length int64) bool {
	at := p.placer(i)
	if at < 0 {
		return false
	}
	ret := p.times.at(int(at)).ret
	return ret < p.times.at(int(i)).call || ret < p.times.at(int(by)).call && p.showed(at) > length
}
