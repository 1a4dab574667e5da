package checker

import (
	"cmp"
	"fmt"
	"slices"
)

// settle reports what the operations up to an instant lack, once the instant has
// passed: whoever could have written it has been called by then.
func (p *part) settle() {
	if p.broken || p.report.Found > 0 {
		return
	}
	if p.orphans > 0 {
		p.neverSent()
	}
	if !p.opts.Sparse && p.end-p.bound > p.free {
		p.tooFew()
	}
}

// finish gives the partition's verdict.
func (p *part) finish() {
	if !p.broken {
		p.retryFar()
		p.settle()
		if p.orphans > 0 {
			p.neverSent()
		}
		if p.opts.Sparse && len(p.far) > 0 {
			p.undecided("offset %d is too far above the %d values of the history", p.farMin-1, len(p.values))
		}
		if !p.opts.Sparse && p.report.Found == 0 && p.end > p.bound {
			p.fillHoles()
		}
	}
	for i := range p.ops {
		if o := &p.ops[i]; o.kind == Append && o.outcome == 0 {
			p.report.AppendsUnknown++
		}
	}
	p.report.Length, p.report.Unread = p.end, p.end-p.bound
	switch {
	case p.report.Found > 0:
		p.report.Verdict = Invalid
	case len(p.report.Undecided) > 0:
		p.report.Verdict = Undecided
	default:
		p.report.Verdict = Valid
	}
}

func (p *part) neverSent() {
	for i := range p.values {
		if v := &p.values[i]; v.op == -1 {
			off := v.off
			if off < 0 {
				off = p.ops[v.by].off
			}
			p.violate(NeverSent, off, []int32{v.by}, "%s returned %q, which nobody has sent", p.say(v.by), v.name)
		}
	}
}

// tooFew reports that all unseen values together don't fill the holes.
func (p *part) tooFew() {
	if t := p.tiling(); !t.tooLate() {
		p.missing(int64(len(p.slots)), 0, whyRecords, p.end-p.bound, p.free)
	}
}

// missing reports a hole at off that has no possible writer, and why; known is the
// length up to the highest known value.
func (p *part) missing(off, known int64, why string, args ...any) {
	by := p.shows(off)
	name := AcknowledgedMissing
	if off >= known && by >= 0 && p.ops[by].kind == Tail {
		name = TailBeyondEnd
	}
	p.violate(name, off, []int32{by}, "%s shows that offset %d was there, and nobody can have written it: %s", p.say(by), off, fmt.Sprintf(why, args...))
}

// whyRecords is why single records don't suffice.
const whyRecords = "so far %d offsets lack a known writer, and the unseen appends of unknown outcome that were called in time have %d records"

// shows is the operation that first showed off to be there.
func (p *part) shows(off int64) int32 {
	best, by := never, int32(-1)
	for i := int(off); i < len(p.slots); i++ {
		if p.ord.r[i] < best {
			best, by = p.ord.r[i], p.ord.rBy[i]
		}
	}
	if by < 0 && len(p.far) > 0 {
		by = p.blameFar()
	}
	return by
}

func (p *part) blameFar() int32 {
	op := &p.far[0]
	if op.Kind == Append {
		return p.values[p.byName[op.Values[0]]].op
	}
	p.cur, p.curIndex = op, -1
	defer func() { p.cur = nil }()
	return p.keep()
}

// gap is a run of offsets [from, to) without a known writer, and with no length
// inside it that a read or tail showed exactly.
type gap struct{ from, to int64 }

// tiling is the question which unseen appends fill which gaps.
func (p *part) tiling() *tiling {
	t := &tiling{p: p, gaps: p.gaps(), due: p.due()}
	for i := range p.ops {
		if o := &p.ops[i]; o.kind == Append && o.off < 0 && o.outcome != Failed && o.outcome != OK {
			t.unseen = append(t.unseen, int32(i))
		}
	}
	slices.SortStableFunc(t.unseen, func(a, b int32) int { return cmp.Compare(p.ops[a].call, p.ops[b].call) })
	return t
}

// fillHoles looks for whole unseen appends of unknown outcome that tile all gaps,
// each called no later than what lies at or above it was shown.
func (p *part) fillHoles() {
	t := p.tiling()
	if t.tooLate() {
		return
	}
	same := true
	for _, i := range t.unseen {
		same = same && p.ops[i].n == p.ops[t.unseen[0]].n
	}
	if same {
		t.inOrder()
		return
	}
	t.search()
}

func (p *part) gaps() []gap {
	var gaps []gap
	for off := int64(0); off < int64(len(p.slots)); off++ {
		if p.slots[off] >= 0 {
			continue
		}
		_, edge := p.edges[off]
		if n := len(gaps); n > 0 && gaps[n-1].to == off && !edge {
			gaps[n-1].to++
		} else {
			gaps = append(gaps, gap{off, off + 1})
		}
	}
	return gaps
}

// due is, for each offset, the instant by which it was there: the smallest r at or
// above it. It never falls, so the earliest-called append belongs in the lowest hole.
func (p *part) due() []int64 {
	due := slices.Clone(p.ord.r)
	for i := len(due) - 2; i >= 0; i-- {
		due[i] = min(due[i], due[i+1])
	}
	return due
}
