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
	if n > 0 && !p.inOrder(op) {
		return
	}
	if n > 0 && !p.reach(op.offset(n-1)+1) {
		p.aside(op.offset(n-1)+1, distant{op.Clone(), -1})
		return
	}
	p.passOver(op)
	for k, v := range op.Values {
		p.see(v, op.offset(k))
	}
	if n > 0 {
		p.longer(op.offset(n-1) + 1)
	}
	if p.endsLog(op) {
		if n == 0 {
			p.shorter(op.From, false)
		} else {
			p.shorter(op.offset(n-1)+1, true)
		}
	}
}

// endsLog reports whether a read shows where the log ends. In a sparse log the end
// may be offsets that hold nothing, so a short read isn't a bound.
func (p *part) endsLog(op *Op) bool {
	return op.Lin && !p.opts.Sparse && (op.Limit == 0 || int64(len(op.Values)) < op.Limit)
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
	if len(op.Offs) == 0 {
		return
	}
	if op.Offs[0] > op.From {
		p.passed(op) // they may be below the log's start
	}
	next := op.Offs[0]
	for _, off := range op.Offs {
		for ; next < off; next++ {
			switch at := p.slots.get(int(next)); {
			case at >= 0 && p.opts.Sparse:
				p.skipped(p.keep(), at)
			case !p.opts.Sparse:
				i := p.keep()
				p.violate(ReadSkipped, next, []int32{i}, "%s passed over offset %d to return offset %d, and this log has a record at every offset",
					p.say(i), next, off)
				next = off - 1
			case at != void:
				*p.slots.at(int(next)) = void
				p.voids[next] = p.keep()
			}
		}
		next = off + 1
	}
}

func (p *part) skipped(reader, at int32) {
	b := p.bindingOf(at)
	p.violate(ReadSkipped, b.off, append([]int32{reader}, p.proof(at)...), "%s passed over offset %d, where %s has %q",
		p.say(reader), b.off, p.say(b.by), p.values.string(at))
}

// bindingOf is where value at is bound, and by what.
func (p *part) bindingOf(at int32) binding {
	var o *opInfo
	if i := p.values.entries.get(int(at)).op(); i >= 0 {
		o = p.ops.at(int(i))
	}
	if o == nil || o.loose() {
		if b, ok := p.loose[at]; ok {
			return b
		}
	}
	if o != nil && o.off >= 0 {
		return binding{int64(o.off) + int64(at-o.first), o.by}
	}
	return binding{-1, -1}
}

// see binds a value that the current read returned to its offset.
func (p *part) see(name string, off int64) {
	if at := p.slots.get(int(off)); at >= 0 && p.values.is(at, name) {
		v := p.values.entries.at(int(at))
		v.owner |= seenBit
		if i := v.op(); p.curIndex >= 0 && i >= 0 && p.ops.at(int(i)).by == p.curIndex {
			v.owner |= shownBit
		}
		return
	}
	at, tag := p.values.find(name)
	if at < 0 && p.slots.get(int(off)) != -1 { // wrong in any case: it may have another place
		if !p.tell() {
			return
		}
		at, tag = p.values.find(name)
	}
	if at < 0 {
		if len(name) > maxValue {
			p.undecided("operation %d returned a value of %d bytes, check A takes up to %d", p.cur.ID, len(name), maxValue)
			p.broken = true
			return
		}
		at = p.values.read(name, tag, ownedBy(orphan))
		p.orphans++
	}
	v := p.values.entries.at(int(at))
	switch {
	case p.bindingOf(at).off >= 0:
		p.elsewhere(at, off, p.keep())
	case v.op() < 0:
		v.owner |= seenBit
		b := binding{-1, p.keep()}
		if p.vacant(at, off, b.by) {
			p.bind(at, off)
			b.off = off
		}
		p.loose[at] = b
	default:
		v.owner |= seenBit
		i := v.op()
		if p.vacant(at, off, p.keep()) && p.place(i, off-int64(at-p.ops.at(int(i)).first), p.keep()) {
			p.values.entries.at(int(at)).owner |= shownBit
		}
		if p.ops.at(int(i)).outcome() == Failed {
			p.failedButRead(i)
		}
	}
}

// elsewhere reports a value that operation i read at off and that is bound to another
// offset.
func (p *part) elsewhere(at int32, off int64, i int32) {
	v, b := p.values.entries.get(int(at)), p.bindingOf(at)
	name := p.values.string(at)
	if again := p.alsoAt(name, off, i); again >= 0 {
		p.violate(ValueAtTwoOffsets, min(off, again), []int32{i}, "%q was returned at offsets %d and %d by %s", name, min(off, again), max(off, again), p.say(i))
		return
	}
	if base := off - int64(at-p.firstOf(v.op(), at)); base < 0 {
		p.violate(BatchTorn, 0, []int32{v.op(), i}, "%s is a batch that would begin at offset %d, as %s shows it", p.say(v.op()), base, p.say(i))
		return
	}
	switch {
	case v.op() >= 0 && p.ops.at(int(v.op())).acked():
		p.violate(ReadElsewhere, min(off, b.off), []int32{i, v.op()}, "%s was acknowledged with %q at offset %d and %s returned it at %d",
			p.say(v.op()), name, b.off, p.say(i), off)
	case len(p.proof(at)) == 1:
		p.violate(ValueAtTwoOffsets, min(off, b.off), []int32{i, b.by}, "%q was returned at offset %d by %s and at %d by %s",
			name, b.off, p.say(b.by), off, p.say(i))
	default:
		p.violate(BatchTorn, min(off, b.off), []int32{i, b.by, v.op()}, "%q of %s belongs at offset %d, as %s shows its batch, and %s returned it at %d",
			name, p.say(v.op()), b.off, p.say(b.by), p.say(i), off)
	}
}

// vacant reports whether value at may be bound to off, and a violation if not.
func (p *part) vacant(at int32, off int64, by int32) bool {
	other := p.slots.get(int(off))
	switch {
	case other == void:
		reader := p.voids[off]
		p.violate(ReadSkipped, off, []int32{reader, by, p.beside(by, at, off)}, "%s passed over offset %d, where %s has %q",
			p.say(reader), off, p.say(by), p.values.string(at))
		return false
	case other >= 0 && other != at:
		w := p.bindingOf(other)
		p.violate(TwoValuesAtOffset, off, append([]int32{by, w.by, p.beside(by, at, off)}, p.proof(other)...), "offset %d holds %q as %s has it, and %q as %s has it",
			off, p.values.string(other), p.say(w.by), p.values.string(at), p.say(by))
		return false
	}
	return true
}

func (p *part) bind(at int32, off int64) {
	slot := p.slots.at(int(off))
	if *slot != -1 {
		panic(fmt.Sprintf("invariant A2: offset %d holds value %d, now %d", off, *slot, at))
	}
	*slot = at
	p.bound++
}
