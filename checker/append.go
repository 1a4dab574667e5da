package checker

// register makes a called append known, its outcome outstanding. It returns its
// index, or -1 if it cannot be told from another. find is names.find, or names.unsent if
// the outcome follows at once. Who calls it opens what isn't placed then.
func (p *part) register(op *Op, find func(string) (int32, uint32)) int32 {
	i := int32(p.times.n)
	p.times.push(opTimes{op.Call, never, op.ID})
	p.ops.push(opInfo{off: -1, client: p.clients.number(op.Client), first: int32(p.values.len()), by: -1, bits: opBits(Append, 0, false, len(op.Values))})
	o := p.ops.at(int(i))
	for _, v := range op.Values {
		if len(v) > maxValue || len(op.Values) > maxCount {
			p.tooLong(op, v)
			return -1
		}
		old, tag := find(v)
		switch {
		case old >= 0 && p.values.entries.get(int(old)).op() >= 0:
			p.ambiguous(v, p.values.entries.get(int(old)).op(), op.ID, i)
			return -1
		case old >= 0 && len(op.Values) == 1:
			o.first = old
			p.values.known(tag, old)
			p.adopt(old, old, i)
			o.bits |= looseBit
		case old >= 0:
			p.values.forget(tag, old)
			p.adopt(old, p.values.sent(v, tag, ownedBy(i)), i)
			o.bits |= looseBit
		default:
			p.values.sent(v, tag, ownedBy(i))
		}
	}
	p.free += int64(len(op.Values))
	if o.loose() {
		p.placeSeen(i)
	}
	return i
}

func (p *part) tooLong(op *Op, v string) {
	if len(v) > maxValue {
		p.undecided("operation %d sends a value of %d bytes, check A takes up to %d", op.ID, len(v), maxValue)
	} else {
		p.undecided("operation %d sends %d values, check A takes up to %d", op.ID, len(op.Values), maxCount)
	}
	p.broken = true
}

// tell makes all values known by name, and reports those that were read where nothing
// else is known to be and stand at another place. It returns false if a value was sent twice: what else was found is no proof then.
func (p *part) tell() bool {
	if p.values.told() || p.broken {
		return !p.broken
	}
	p.sentTwice(p.values.tell())
	for i := int32(0); p.orphans > 0 && !p.broken && int(i) < p.values.len(); i++ {
		if at := p.sentToo(i); at >= 0 {
			b := p.loose[i]
			p.elsewhere(at, b.off, b.by)
		}
	}
	return !p.broken
}

// sentToo is the number under which a value was sent that was read as one that nobody
// had sent; -1 if there is none, or i is no such value. All must be told.
func (p *part) sentToo(i int32) int32 {
	if p.values.entries.get(int(i)).op() != orphan {
		return -1
	}
	name := p.values.string(i)
	return p.values.in(&p.values.all, tagOf(name), name)
}

// once returns false if a value was sent twice.
func (p *part) once(room *sorter) bool {
	if !p.values.told() {
		p.sentTwice(p.values.twice(room))
	}
	return !p.broken
}

func (p *part) sentTwice(first, again int32) {
	if again >= 0 {
		i := p.values.entries.get(int(again)).op()
		p.ambiguous(p.values.string(again), p.values.entries.get(int(first)).op(), p.times.at(int(i)).id, i)
	}
}

// adopt gives append i a value that was read before the append was known: under its
// number, or under one among the append's other values.
func (p *part) adopt(old, at, i int32) {
	p.orphans--
	was := p.values.entries.at(int(old))
	if at == old {
		was.owner = was.owner&seenBit | ownedBy(i)
		return
	}
	p.values.entries.at(int(at)).owner |= was.owner & seenBit
	was.owner = ownedBy(gone)
	b := p.loose[old]
	delete(p.loose, old)
	p.loose[at] = b
	if b.off >= 0 {
		*p.slots.at(int(b.off)) = at
	}
}

func (p *part) ambiguous(v string, other int32, id int64, i int32) {
	first := id
	if other != i {
		first = p.times.at(int(other)).id
	}
	p.undecided("value %q is sent twice, by operations %d and %d: check A needs values that are unique in a partition", v, first, id)
	p.broken = true
}

// append adds an append with its outcome, registering it if Invoke didn't.
func (p *part) append(op *Op) {
	switch op.Outcome {
	case OK:
		p.report.AppendsOK++
	case Failed:
		p.report.AppendsFailed++
	default:
		p.report.AppendsUnknown++
	}
	if p.broken {
		return
	}
	i := p.outstanding(op)
	if i < 0 {
		if i = p.register(op, p.values.unsent); i < 0 {
			return
		}
	}
	p.outcome(op, i)
	if o := p.ops.at(int(i)); o.off < 0 && !o.open() {
		p.opens(o)
	}
}

// outcome adds what became of append i.
func (p *part) outcome(op *Op, i int32) {
	o := p.ops.at(int(i))
	o.setOutcome(op.Outcome)
	if o.off >= 0 {
		p.closes(o)
	}
	switch {
	case op.Outcome == OK && op.Off < 0: // of a transaction, and its place wasn't told
		p.times.at(int(i)).ret = op.Ret
		if o.off >= 0 {
			last := int(int64(o.off) + o.n() - 1)
			p.conflict(p.ord.lower(last, i), last, false)
		}
	case op.Outcome == OK:
		p.times.at(int(i)).ret = op.Ret
		p.ack(i, op.Off)
	case op.Outcome == Failed && o.off >= 0:
		p.failedButRead(i)
	case op.Outcome == Failed:
		p.free -= o.n()
	}
}

// invoke registers an append that was called.
func (p *part) invoke(op *Op) {
	if p.broken {
		return
	}
	if i := p.register(op, p.values.find); i >= 0 {
		p.opens(p.ops.at(int(i)))
		p.called++
	}
}

// outstanding returns the index of an append that was invoked and has no outcome
// yet, or -1.
func (p *part) outstanding(op *Op) int32 {
	if p.called == 0 {
		return -1
	}
	at, _ := p.values.find(op.Values[0])
	if at < 0 || p.values.entries.get(int(at)).op() < 0 {
		return -1
	}
	i := p.values.entries.get(int(at)).op()
	o, t := p.ops.at(int(i)), p.times.at(int(i))
	if t.id != op.ID || o.outcome() != 0 || o.n() != int64(len(op.Values)) || t.call != op.Call {
		return -1
	}
	p.called--
	return i
}

// ack places an acknowledged append.
func (p *part) ack(i int32, off int64) {
	o := p.ops.at(int(i))
	n := o.n()
	switch {
	case o.off >= 0 && int64(o.off) != off:
		by := p.bindingOf(o.first).by
		p.violate(ReadElsewhere, min(off, int64(o.off)), []int32{i, by}, "%s was acknowledged at offset %d and %s shows its first value %q at %d",
			p.say(i), off, p.say(by), p.values.string(o.first), o.off)
	case !p.reach(off + n):
		p.aside(off+n, distant{Op{Kind: Append, Off: off}, i})
	case o.off >= 0:
		o.bits |= ackedBit
		o.by = i
		last := int(off + n - 1)
		p.conflict(p.ord.lower(last, i), last, false)
	default:
		if p.place(i, off, i) {
			p.ops.at(int(i)).bits |= ackedBit
		}
	}
}

// placeSeen places an append of which a read has already shown a value.
func (p *part) placeSeen(i int32) {
	o := p.ops.at(int(i))
	for k := range int32(o.n()) {
		if b, ok := p.loose[o.first+k]; ok && b.off >= 0 {
			p.place(i, b.off-int64(k), b.by)
			return
		}
	}
}

// place gives an append its offsets. It returns false if they cannot be its.
func (p *part) place(i int32, base int64, by int32) bool {
	o := p.ops.at(int(i))
	n := o.n()
	if base < 0 {
		p.violate(BatchTorn, 0, []int32{i, by}, "%s is a batch that would begin at offset %d, as %s shows it", p.say(i), base, p.say(by))
		return false
	}
	p.grow(base + n)
	fits := p.vacantPlainly(i, base, by)
	for k := int64(0); fits && k < n; k++ {
		at := o.first + int32(k)
		if o.loose() {
			if b := p.bindingOf(at); b.off >= 0 && b.off != base+k {
				p.torn(i, at, base+k, by)
				return false
			}
		}
		fits = p.vacant(at, base+k, by)
	}
	if !fits {
		return false
	}
	for k := range n {
		at := o.first + int32(k)
		b, ok := binding{}, false
		if o.loose() {
			b, ok = p.loose[at]
		}
		if !ok || b.off < 0 {
			p.bind(at, base+k)
		}
		if ok && b.off >= 0 && b.by == by {
			p.values.entries.at(int(at)).owner |= shownBit
		}
		if ok && (b.off < 0 || b.by == by) {
			delete(p.loose, at)
		}
	}
	o.off, o.by = int32(base), by
	if o.outcome() != 0 {
		p.closes(o)
	}
	p.free -= n
	p.gather(i)
	return true
}

// opens makes the values of an append known by name, until closes.
func (p *part) opens(o *opInfo) {
	o.bits |= openBit
	for k := range int32(o.n()) {
		p.values.opened(o.first + k)
	}
}

// closes gives up the names of an append that is placed and has its outcome (A9).
func (p *part) closes(o *opInfo) {
	if !o.open() {
		return
	}
	o.bits &^= openBit
	for k := range int32(o.n()) {
		p.values.placed(o.first + k)
	}
}

func (p *part) torn(i, at int32, want int64, by int32) {
	b := p.bindingOf(at)
	name := BatchTorn
	if by == i {
		name = ReadElsewhere
	}
	p.violate(name, min(b.off, want), []int32{i, by, b.by}, "%q of %s belongs at offset %d, as %s has it, and %s returned it at %d",
		p.values.string(at), p.say(i), want, p.say(by), p.say(b.by), b.off)
}

func (p *part) failedButRead(i int32) {
	o := p.ops.at(int(i))
	for k := range int32(o.n()) {
		if b := p.bindingOf(o.first + k); b.by >= 0 && p.values.entries.get(int(o.first+k)).seen() {
			p.violate(FailedButRead, b.off, []int32{i, b.by}, "%s failed, which means never done, and %s returned its value %q",
				p.say(i), p.say(b.by), p.values.string(o.first+k))
			return
		}
	}
}
