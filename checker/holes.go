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
			p.undecided("offset %d is too far above the %d values of the history", p.farMin-1, p.values.len())
		}
		if !p.opts.Sparse && p.report.Found == 0 && p.end > p.bound {
			p.fillHoles()
		}
	}
	p.report.AppendsUnknown += p.called
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
	for i := range p.values.len() {
		if p.values.entries.get(i).op() != orphan {
			continue
		}
		b := p.bindingOf(int32(i))
		off := b.off
		if off < 0 {
			off = p.offset(b.by)
		}
		p.violate(NeverSent, off, []int32{b.by}, "%s returned %q, which nobody has sent", p.say(b.by), p.values.string(int32(i)))
	}
}

// tooFew reports that all unseen values together don't fill the holes.
func (p *part) tooFew() {
	if t := p.tiling(); !t.tooLate() {
		p.missing(p.length(), 0, whyRecords, p.end-p.bound, p.free)
	}
}

// missing reports a hole at off that has no possible writer, and why; known is the
// length up to the highest known value.
func (p *part) missing(off, known int64, why string, args ...any) {
	by := p.shows(off)
	name := AcknowledgedMissing
	if off >= known && by >= 0 && p.ops.at(int(by)).kind() == Tail {
		name = TailBeyondEnd
	}
	p.violate(name, off, []int32{by}, "%s shows that offset %d was there, and nobody can have written it: %s", p.say(by), off, fmt.Sprintf(why, args...))
}

// whyRecords is why single records don't suffice.
const whyRecords = "so far %d offsets lack a known writer, and the unseen appends of unknown outcome that were called in time have %d records"

// shows is the operation that first showed off to be there.
func (p *part) shows(off int64) int32 {
	best, by := never, int32(-1)
	for i := int(off); i < p.slots.n; i++ {
		if r := p.ord.r(i); r < best {
			best, by = r, p.ord.rBy.get(i)
		}
	}
	if by < 0 && len(p.far) > 0 {
		by = p.blameFar()
	}
	return by
}

func (p *part) blameFar() int32 {
	d := &p.far[0]
	if d.append >= 0 {
		return d.append
	}
	p.cur, p.curIndex = &d.op, -1
	defer func() { p.cur = nil }()
	return p.keep()
}

// gap is a run of offsets [from, to) without a known writer, and with no length
// inside it that a read or tail showed exactly. All of it was there by due, the
// smallest r at or above it.
type gap struct{ from, to, due int64 }

// tiling is the question which unseen appends fill which gaps.
func (p *part) tiling() *tiling {
	t := &tiling{p: p, gaps: p.gaps()}
	for i := range p.ops.n {
		if o := p.ops.at(i); o.kind() == Append && o.off < 0 && o.outcome() != Failed && o.outcome() != OK {
			t.unseen = append(t.unseen, int32(i))
		}
	}
	slices.SortStableFunc(t.unseen, func(a, b int32) int {
		return cmp.Compare(p.times.at(int(a)).call, p.times.at(int(b)).call)
	})
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
		same = same && p.ops.at(int(i)).n() == p.ops.at(int(t.unseen[0])).n()
	}
	if same {
		t.inOrder()
		return
	}
	t.search()
}

// gaps are found from above, so that what is due grows smaller on the way: the
// earliest-called append belongs in the lowest hole.
func (p *part) gaps() []gap {
	var gaps []gap
	due := never
	for off := p.length() - 1; off >= 0; off-- {
		r := p.ord.r(int(off))
		due = min(due, r)
		if p.slots.get(int(off)) >= 0 {
			continue
		}
		_, edge := p.edges[off+1]
		if n := len(gaps); n > 0 && gaps[n-1].from == off+1 && !edge {
			if gaps[n-1].due != due {
				panic(fmt.Sprintf("invariant A7: offset %d is due at %d and %d of the same gap at %d", off, due, off+1, gaps[n-1].due))
			}
			gaps[n-1].from = off
		} else {
			gaps = append(gaps, gap{off, off + 1, due})
		}
	}
	slices.Reverse(gaps)
	return gaps
}
