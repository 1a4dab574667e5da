package idempotent

import (
	"cmp"
	"fmt"
	"slices"

	"logd/checker"
)

// Finish judges all partitions, by name.
func (j *judge) Finish() checker.Findings {
	f := checker.Findings{Family: Family.Name, Verdict: checker.Valid}
	if j.batches == 0 {
		f.Verdict, f.Undecided = checker.Undecided, []string{"no append names its producer, epoch and sequence"}
		return f
	}
	var names []string
	for name := range j.logs { // order: sorted below (D5)
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		p := j.logs[name]
		p.judge()
		if len(p.batches) > 0 {
			f.Figures = append(f.Figures, checker.Figure{Row: name, Column: "batches", Value: int64(len(p.batches))},
				checker.Figure{Row: name, Column: "found", Value: p.count})
		}
		f.Violations, f.Found = append(f.Violations, p.found...), f.Found+p.count
	}
	if f.Found > 0 {
		f.Verdict = checker.Invalid
	}
	return f
}

func (p *partition) judge() {
	var order []int32 // batches that are somewhere (D1), by producer, then by place
	for i := range p.batches {
		if b := &p.batches[i]; p.base(b) >= 0 {
			order = append(order, int32(i))
			p.doubled(b)
		}
	}
	slices.SortFunc(order, func(a, b int32) int {
		x, y := &p.batches[a], &p.batches[b]
		return cmp.Or(cmp.Compare(x.producer, y.producer), cmp.Compare(p.base(x), p.base(y)), cmp.Compare(p.ops[x.op].id, p.ops[y.op].id))
	})
	for i := 1; i < len(order); i++ {
		if low, high := &p.batches[order[i-1]], &p.batches[order[i]]; low.producer == high.producer {
			p.neighbours(low, high)
		}
	}
}

// doubled looks for a value of the batch that is at two offsets.
func (p *partition) doubled(b *batch) {
	for i, at := range b.values {
		if v := &p.places[at]; v.again >= 0 {
			p.violate(BatchDoubled, min(v.off, v.again), []int32{b.op, v.by, v.too}, "%s was appended twice: its record of sequence %d is at offset %d by %s, and at %d by %s",
				p.say(b), (b.seq+int64(i))&sequenceMask, v.off, p.sayOp(v.by), v.again, p.sayOp(v.too))
			return
		}
	}
}

// sequences go round (D2).
const sequenceMask = 1<<31 - 1

// neighbours compares two batches of a producer of which none of its others stands between, as far as is known (D3).
func (p *partition) neighbours(low, high *batch) {
	from, to := (high.seq-low.seq)&sequenceMask, (low.seq-high.seq)&sequenceMask // from the one to the other
	ops := []int32{low.op, high.op, p.shownBy(low), p.shownBy(high)}
	at, behind := p.base(low), p.base(high)
	switch {
	case high.epoch < low.epoch:
		p.violate(EpochBehind, behind, ops, "%s is at offset %d, behind %s at %d, which is of a newer epoch", p.say(high), behind, p.say(low), at)
	case high.epoch > low.epoch:
	case from < int64(len(low.values)) || to < int64(len(high.values)):
		p.violate(SequenceTwice, behind, ops, "%s, at offset %d, and %s, at offset %d, share a sequence", p.say(low), at, p.say(high), behind)
	case from > to:
		p.violate(BatchReordered, at, ops, "%s is at offset %d, and %s, which was sent before it, at %d", p.say(low), at, p.say(high), behind)
	}
}

// shownBy is the operation that shows where a batch is.
func (p *partition) shownBy(b *batch) int32 {
	for _, at := range b.values {
		if v := &p.places[at]; v.off >= 0 {
			return v.by
		}
	}
	return b.op
}

func (p *partition) say(b *batch) string {
	last := (b.seq + int64(len(b.values)) - 1) & sequenceMask
	return fmt.Sprintf("%s of producer %d, epoch %d, sequence %d to %d", p.sayOp(b.op), b.producer, b.epoch, b.seq, last)
}

func (p *partition) sayOp(i int32) string { return fmt.Sprintf("%s %d", p.ops[i].kind, p.ops[i].id) }

func (p *partition) violate(name string, off int64, ops []int32, format string, args ...any) {
	p.count++
	if len(p.found) >= checker.MaxViolations {
		return
	}
	v := checker.Violation{Name: name, Partition: p.name, Offset: off, Explain: fmt.Sprintf(format, args...)}
	for i, k := range ops {
		if !slices.Contains(ops[:i], k) {
			v.Ops = append(v.Ops, p.evidence(k))
		}
	}
	p.found = append(p.found, v)
}

func (p *partition) evidence(i int32) checker.Evidence {
	o := &p.ops[i]
	e := checker.Evidence{ID: o.id, Client: o.client, Op: o.kind.String(), Call: o.call, Outcome: o.outcome.String(), Count: int(o.n)}
	if o.outcome != checker.Unknown {
		e.Ret = &o.ret
	}
	if o.off >= 0 {
		e.Off = &o.off
	}
	return e
}
