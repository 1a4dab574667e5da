package crash

import (
	"bytes"
	"fmt"

	"logd/log"
)

// Violation is a state that recovery did wrong by; Name is one of the package's list.
type Violation struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

func (v *Violation) String() string { return v.Name + ": " + v.Text }

func violation(name, format string, args ...any) *Violation {
	return &Violation{Name: name, Text: fmt.Sprintf(format, args...)}
}

// bounds is what the store had said when the crash came.
type bounds struct {
	durable log.Seq
	flushed map[uint64]log.Mark
	blocked bool // the store was ever: it may have cut what a waiting append was to cut, without that
}

// judge compares an outcome with what was staged, and with what the store said was durable.
func (m *model) judge(o *outcome, b bounds) *Violation {
	if o.panics {
		return violation("panic", "%s", o.failed)
	}
	if o.failed != "" {
		return violation("recovery-refused", "%s", o.failed)
	}
	if o.damage != "" && !m.hurt {
		return violation("crash-taken-for-damage", "recovered\n%s", o)
	}
	left := map[uint64]*found{}
	for i := range o.groups {
		left[o.groups[i].id] = &o.groups[i]
	}
	for _, g := range m.groups {
		f := left[g.id]
		delete(left, g.id)
		if v := g.judge(f, b); v != nil {
			v.Text = fmt.Sprintf("group %d: %s; durable was position %d; recovered\n%s", g.id, v.Text, b.durable, o)
			return v
		}
	}
	for id := range left { // order: any of them is wrong
		return violation("recovered-uninvoked", "group %d was never created; recovered\n%s", id, o)
	}
	return nil
}

func (g *group) judge(f *found, b bounds) *Violation {
	switch {
	case f == nil && g.created <= b.durable && !g.buried:
		return violation("acknowledged-lost", "it is gone, its creation was durable at %d", g.created)
	case f == nil:
		return nil
	case f.dropped && g.dropped == 0:
		return violation("acknowledged-lost", "it is dropped, which nobody asked for")
	case f.dropped && f.left:
		return violation("dropped-left", "it was dropped, its segments are there")
	case f.dropped:
		return nil
	case g.dropped != 0 && g.dropped <= b.durable:
		return violation("dropped-left", "it is there, its drop was durable at %d", g.dropped)
	}
	for _, check := range []func(*found, bounds) *Violation{g.judgeHurt, g.judgeLog, g.judgeMark, g.judgeState, g.judgeSegments} {
		if v := check(f, b); v != nil {
			return v
		}
	}
	return nil
}

// judgeLog: the log is one that was staged at or after the durable one, or the beginning of such a log; and no durable entry is
// missing that nothing staged since has cut.
func (g *group) judgeLog(f *found, b bounds) *Violation {
	from := 0
	for i := range g.versions {
		if g.versions[i].seq <= b.durable {
			from = i
		}
	}
	d := &g.versions[from]
	matched, least, epoch := -1, d.last(), d.epoch
	for i := from; i < len(g.versions); i++ {
		v := &g.versions[i]
		if v.epoch != epoch {
			if matched >= 0 {
				break
			}
			least, epoch = v.mark.Index, v.epoch
		}
		for least > 0 && d.epoch == v.epoch { // how much of d is left in v
			is, ok := d.at(least)
			then, ok2 := v.at(least)
			if !ok || ok2 && is.hash == then.hash {
				break
			}
			least--
		}
		if e, ok := v.at(f.last); ok && e.hash == f.hash && matched < 0 {
			matched = i
		}
	}
	if matched < 0 {
		for i := range g.versions[:from] {
			if e, ok := g.versions[i].at(f.last); ok && e.hash == f.hash {
				return violation("acknowledged-lost", "its log goes to index %d hash %016x, which was so before position %d", f.last, f.hash, d.seq)
			}
		}
		return violation("recovered-uninvoked", "its log goes to index %d hash %016x, which was never staged", f.last, f.hash)
	}
	v := &g.versions[matched]
	if e, ok := d.at(f.last); v.epoch == d.epoch && !b.blocked && ok && e.hash == f.hash {
		least = d.last() // what cuts it takes its place at once
	}
	if v.epoch == d.epoch && f.last < least {
		return violation("acknowledged-lost", "its log goes to index %d, durable were %d and not cut since", f.last, least)
	}
	return nil
}

// judgeMark: the mark was staged, and is none below the durable one.
func (g *group) judgeMark(f *found, b bounds) *Violation {
	if d := b.flushed[g.id]; f.mark.Index < d.Index || f.mark.LogEnd < d.LogEnd || f.mark.LogStart < d.LogStart {
		return violation("acknowledged-lost", "its mark is at index %d, log %d to %d; durable was %d, %d to %d",
			f.mark.Index, f.mark.LogStart, f.mark.LogEnd, d.Index, d.LogStart, d.LogEnd)
	}
	for i := range g.marks {
		if same(g.marks[i], f.mark) {
			return nil
		}
	}
	return violation("recovered-uninvoked", "its mark %+v was never staged", f.mark)
}

func same(a, b log.Mark) bool {
	return a.Index == b.Index && a.Term == b.Term && a.LogStart == b.LogStart && a.LogEnd == b.LogEnd && a.EntryHash == b.EntryHash &&
		a.BatchHash == b.BatchHash && bytes.Equal(a.App, b.App) && bytes.Equal(a.Conf, b.Conf)
}

// judgeState: term and vote were staged, at or after the durable ones, and the log's terms are none above.
func (g *group) judgeState(f *found, b bounds) *Violation {
	from, commit := 0, g.commit
	for i, s := range g.states {
		if s.seq <= b.durable {
			from = i
		}
	}
	if f.uneven == "" && f.term > f.state.Term {
		return violation("vote-back", "its state is %+v, its log of term %d", f.state, f.term)
	}
	if f.state.Commit < f.mark.Index || f.state.Commit > min(f.last, max(commit, f.mark.Index)) {
		return violation("commit-wrong", "commit is %d, the mark at %d, the log's end at %d, committed were %d", f.state.Commit, f.mark.Index, f.last, commit)
	}
	for _, s := range g.states[from:] {
		if s.st.Term == f.state.Term && s.st.Vote == f.state.Vote {
			return nil
		}
	}
	return violation("vote-back", "its state is %+v, durable was %+v", f.state, g.states[from].st)
}

// judgeSegments: what is read from the log start on is what was committed, to the mark's end at least.
func (g *group) judgeSegments(f *found, _ bounds) *Violation {
	if f.uneven != "" {
		return violation("segment-wrong", "%s", f.uneven)
	}
	if f.segEnd < f.mark.LogEnd {
		return violation("segment-wrong", "segments end at %d, the mark says %d", f.segEnd, f.mark.LogEnd)
	}
	at, lost := f.mark.LogStart, f.lost
	for _, b := range f.batches {
		first := at == f.mark.LogStart
		for len(lost) > 0 && lost[0].From == at {
			at, lost = lost[0].To, lost[1:]
		}
		if b.base != at && !(first && b.base < at) || g.batches[b.base] != b.sum {
			return violation("segment-wrong", "the batch at offset %d, where %d was expected, is not what was committed", b.base, at)
		}
		at = b.next
	}
	return nil
}
