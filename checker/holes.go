package checker

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
)

// settle reports what the operations up to an instant lack, once the instant has
// passed: whoever could have written it has been called by then.
func (p *part) settle() {
	if p.broken || p.report.Found > 0 {
		return
	}
	if p.opts.Invoked {
		p.judgeStarts(false)
	}
	if p.orphans > 0 {
		p.neverSent()
	}
	if !p.opts.Sparse && !p.opts.partial && p.end-p.bound > p.free {
		p.tooFew()
	}
}

// finish gives the partition's verdict.
func (p *part) finish(room *sorter) {
	if !p.broken && p.once(room) {
		p.retryFar()
		p.judgeStarts(true)
		p.settle()
		if p.orphans > 0 {
			p.neverSent()
		}
		if p.opts.Sparse && len(p.far) > 0 {
			p.undecided("offset %d is too far above the %d values of the history", p.farMin-1, p.values.len())
		}
		if !p.opts.Sparse && !p.opts.partial && p.report.Found == 0 && p.end > p.bound {
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

// neverSent judges values that were read and whose append isn't known, now that all
// appends are.
func (p *part) neverSent() {
	if !p.tell() {
		return
	}
	for i := range p.values.len() {
		if p.values.entries.get(i).op() != orphan || p.opts.partial || p.sentToo(int32(i)) >= 0 {
			continue // tell has judged it
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
	if by >= 0 {
		switch k := p.ops.at(int(by)).kind(); {
		case k == Trim || k == Start:
			name = StartBeyondEnd
		case k == Tail && off >= known:
			name = TailBeyondEnd
		}
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
// inside it that a read or tail showed exactly. Each was there by the smallest r at
// or above it, which falls downwards where a log start was shown.
type gap struct {
	from, to int64
	due      []step // from above
}

// step says by when the offsets from one on were there, up to the step before.
type step struct{ from, due int64 }

// dueAt is by when a batch had to be there that begins at off.
func (g *gap) dueAt(off int64) int64 {
	i := sort.Search(len(g.due), func(i int) bool { return g.due[i].from <= off })
	return g.due[i].due
}

// tiling is the question which unseen appends fill which gaps.
func (p *part) tiling() *tiling {
	t := &tiling{p: p, gaps: p.gaps(), open: p.open()}
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

// gaps are found from above. What is due rises with the offset (A7), so the
// earliest-called append belongs in the lowest hole.
func (p *part) gaps() []gap {
	var gaps []gap
	due := never
	for off := p.length() - 1; off >= 0; off-- {
		due = min(due, p.ord.r(int(off)))
		if p.slots.get(int(off)) >= 0 {
			continue
		}
		_, edge := p.edges[off+1]
		if n := len(gaps); n == 0 || gaps[n-1].from != off+1 || edge {
			gaps = append(gaps, gap{off, off + 1, []step{{off, due}}})
			continue
		}
		g := &gaps[len(gaps)-1]
		g.from = off
		if last := &g.due[len(g.due)-1]; last.due == due {
			last.from = off
		} else {
			g.due = append(g.due, step{off, due})
		}
	}
	slices.Reverse(gaps)
	return gaps
}

// open reports whether the log may be longer than what is known of it: nobody has
// told its length, only where it began.
func (p *part) open() bool {
	u, ok := p.ahead.at[p.length()]
	return p.slots.n > 0 && p.slots.get(p.slots.n-1) < 0 && (!ok || u.exactBy < 0)
}
