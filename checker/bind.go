package checker

import (
	"fmt"
)

// read adds a read's values, then what its answer says about the length.
func (p *part) read(op *Op) {
	n := len(op.Values)
	if op.Limit > 0 && int64(n) > op.Limit {
		i := p.keep()
		p.violate(ReadOverLimit, op.From, []int32{i}, "%s returned %d records and had asked for %d", p.say(i), n, op.Limit)
	}
	if n > 0 && (!p.inOrder(op) || !p.reach(op.offset(n-1)+1)) {
		return
	}
	p.passOver(op)
	for k, v := range op.Values {
		p.see(v, op.offset(k))
	}
	if n > 0 {
		p.longer(op.offset(n-1) + 1)
	}
	// In a sparse log the end may be offsets that hold nothing, so a short read
	// isn't a bound.
	if op.Lin && !p.opts.Sparse && (op.Limit == 0 || int64(n) < op.Limit) {
		if n == 0 {
			p.shorter(op.From, false)
		} else {
			p.shorter(op.offset(n-1)+1, true)
		}
	}
}

func (p *part) inOrder(op *Op) bool {
	next := op.From
	for _, off := range op.Offs {
		if off < next {
			i := p.keep()
			p.violate(ReadOutOfOrder, off, []int32{i}, "%s asked for offset %d and on and returned offset %d where %d or more had to follow",
				p.say(i), op.From, off, next)
			return false
		}
		next = off + 1
	}
	return true
}

// passOver notes the offsets that a read left out.
func (p *part) passOver(op *Op) {
	next := op.From
	for _, off := range op.Offs {
		for ; next < off; next++ {
			switch at := p.slots[next]; {
			case at >= 0:
				p.skipped(p.keep(), at)
			case !p.opts.Sparse:
				i := p.keep()
				p.violate(ReadSkipped, next, []int32{i}, "%s passed over offset %d to return offset %d, and this log has a record at every offset",
					p.say(i), next, off)
				next = off - 1
			case at != void:
				p.slots[next] = void
				p.voids[next] = p.keep()
			}
		}
		next = off + 1
	}
}

func (p *part) skipped(reader, at int32) {
	v := &p.values[at]
	p.violate(ReadSkipped, v.off, []int32{reader, v.by, v.op}, "%s passed over offset %d, where %s has %q",
		p.say(reader), v.off, p.say(v.by), v.name)
}

// see binds a value that the current read returned to its offset.
func (p *part) see(name string, off int64) {
	if at := p.slots[off]; at >= 0 && p.values[at].name == name {
		p.values[at].seen = true
		return
	}
	at, ok := p.byName[name]
	if !ok {
		at = int32(len(p.values))
		p.values = append(p.values, valueInfo{name: name, off: -1, op: -1, by: -1})
		p.byName[name] = at
		p.orphans++
	}
	v := &p.values[at]
	switch {
	case v.off >= 0:
		p.elsewhere(at, off)
	case v.op < 0:
		v.by, v.seen = p.keep(), true
		if p.vacant(at, off, v.by) {
			p.bind(at, off, v.by)
		}
	default:
		v.seen = true
		i, by := v.op, p.keep()
		p.place(i, off-int64(at-p.ops[i].first), by)
		if p.ops[i].outcome == Failed {
			p.failedButRead(i)
		}
	}
}

// elsewhere reports a value that is read at off and bound to another offset.
func (p *part) elsewhere(at int32, off int64) {
	v, i := &p.values[at], p.keep()
	ops := []int32{i, v.by, v.op}
	switch {
	case v.op >= 0 && p.ops[v.op].acked:
		p.violate(ReadElsewhere, min(off, v.off), ops, "%s was acknowledged with %q at offset %d and %s returned it at %d",
			p.say(v.op), v.name, v.off, p.say(i), off)
	case v.seen:
		p.violate(ValueAtTwoOffsets, min(off, v.off), ops, "%q was returned at offset %d by %s and at %d by %s",
			v.name, v.off, p.say(v.by), off, p.say(i))
	default:
		p.violate(BatchTorn, min(off, v.off), ops, "%q of %s belongs at offset %d, as %s shows its batch, and %s returned it at %d",
			v.name, p.say(v.op), v.off, p.say(v.by), p.say(i), off)
	}
}

// ack places an acknowledged append.
func (p *part) ack(i int32, off int64) {
	o := &p.ops[i]
	n := int64(o.n)
	p.cur, p.curIndex = &Op{Kind: Append, Off: off, Values: []string{p.values[o.first].name}}, i
	defer func() { p.cur = nil }()
	if o.off >= 0 && o.off != off {
		by := p.values[o.first].by
		p.violate(ReadElsewhere, min(off, o.off), []int32{i, by}, "%s was acknowledged at offset %d and %s shows its first value %q at %d",
			p.say(i), off, p.say(by), p.values[o.first].name, o.off)
		return
	}
	if !p.reach(off + n) {
		return
	}
	if o.off == off {
		o.acked = true
		p.conflict(p.ord.lower(int(off+n-1), o.ret, i), int(off+n-1), false)
		return
	}
	if p.place(i, off, i) {
		p.ops[i].acked = true
	}
}

// placeSeen places an append of which a read has already shown a value.
func (p *part) placeSeen(i int32) {
	o := &p.ops[i]
	for k := range o.n {
		v := &p.values[o.first+k]
		if v.off < 0 {
			continue
		}
		p.place(i, v.off-int64(k), v.by)
		return
	}
}

// place gives an append its offsets. It returns false if they cannot be its.
func (p *part) place(i int32, base int64, by int32) bool {
	o := &p.ops[i]
	n := int64(o.n)
	if base < 0 {
		p.violate(BatchTorn, 0, []int32{i, by}, "%s is a batch that would begin at offset %d, as %s shows it", p.say(i), base, p.say(by))
		return false
	}
	p.grow(base + n)
	fits := true
	for k := range n {
		at := o.first + int32(k)
		if off := p.values[at].off; off >= 0 && off != base+k {
			p.torn(i, at, base+k, by)
			fits = false
		}
		fits = p.vacant(at, base+k, by) && fits
	}
	if !fits {
		return false
	}
	for k := range n {
		if at := o.first + int32(k); p.values[at].off < 0 {
			p.bind(at, base+k, by)
		}
	}
	o.off = base
	p.free -= n
	p.gather(i)
	return true
}

func (p *part) torn(i, at int32, want int64, by int32) {
	v := &p.values[at]
	name := BatchTorn
	if by == i {
		name = ReadElsewhere
	}
	p.violate(name, min(v.off, want), []int32{i, by, v.by}, "%q of %s belongs at offset %d, as %s has it, and %s returned it at %d",
		v.name, p.say(i), want, p.say(by), p.say(v.by), v.off)
}

// vacant reports whether value at may be bound to off, and a violation if not.
func (p *part) vacant(at int32, off int64, by int32) bool {
	other := p.slots[off]
	switch {
	case other == void:
		reader := p.voids[off]
		p.violate(ReadSkipped, off, []int32{reader, by, p.values[at].op}, "%s passed over offset %d, where %s has %q",
			p.say(reader), off, p.say(by), p.values[at].name)
		return false
	case other >= 0 && other != at:
		w := &p.values[other]
		p.violate(TwoValuesAtOffset, off, []int32{by, w.by}, "offset %d holds %q as %s has it, and %q as %s has it",
			off, w.name, p.say(w.by), p.values[at].name, p.say(by))
		return false
	}
	return true
}

func (p *part) bind(at int32, off int64, by int32) {
	if p.slots[off] != -1 {
		panic(fmt.Sprintf("invariant A2: offset %d holds value %d, now %d", off, p.slots[off], at))
	}
	p.slots[off] = at
	p.values[at].off, p.values[at].by = off, by
	p.bound++
}

func (p *part) failedButRead(i int32) {
	o := &p.ops[i]
	for k := range o.n {
		if v := &p.values[o.first+k]; v.by >= 0 && v.seen {
			p.violate(FailedButRead, v.off, []int32{i, v.by}, "%s failed, which means never done, and %s returned its value %q",
				p.say(i), p.say(v.by), v.name)
			return
		}
	}
}
