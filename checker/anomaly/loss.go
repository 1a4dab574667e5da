package anomaly

import (
	"cmp"
	"fmt"
	"slices"

	"logd/checker"
)

// losses finds certain values that no ok read returned and that somebody read past.
func (c *check) losses() {
	passed := make([][]reach, len(c.logs))
	seen := make([]map[int64]span, len(c.logs))
	for i := range c.logs {
		seen[i] = map[int64]span{}
	}
	for i := range c.fates {
		if a := c.act(int32(i)); a.ok() {
			c.passes(int32(i), passed, seen)
		}
	}
	for li, l := range c.logs {
		c.lost(l, passed[li], seen[li])
	}
}

// span is the lowest and highest index that a client was given.
type span struct{ low, high int32 }

func (s span) class(i int32) string {
	switch {
	case i < s.low:
		return "prefix"
	case i > s.high:
		return "postfix"
	}
	return "middle"
}

// reach says that an act read on from one index to another.
type reach struct{ from, to, by int32 }

// passes notes what an act read past. Consumers begin at the log's beginning, so a
// poll's reach starts there; that of any other read where it asked to start. What may
// have been trimmed below the first value that it returned was not read past.
func (c *check) passes(i int32, passed [][]reach, seen []map[int64]span) {
	a := c.act(i)
	client := c.peers[a.op.peer].client
	for k := range a.in {
		in := &a.in[k]
		if in.kind != checker.Read || in.outcome != checker.OK || in.n == 0 || in.log < 0 {
			continue
		}
		li := in.log
		l := c.logs[li]
		r := reach{by: i, to: -1}
		if !in.poll {
			r.from = l.rank(in.off)
		}
		first := c.offset(in, 0)
		for k := range in.n {
			first = min(first, c.offset(in, int(k)))
		}
		r.from = max(r.from, l.rank(min(first, l.start)))
		s, ok := seen[li][client]
		for k, v := range c.vals(in) {
			at := l.rank(c.offset(in, k))
			if !ok {
				s, ok = span{at, at}, true
			}
			s = span{min(s.low, at), max(s.high, at)}
			// A value that stands at several offsets proves only the first.
			r.to = max(r.to, l.values[v].first)
		}
		seen[li][client] = s
		passed[li] = append(passed[li], r)
		if in.poll && r.to > l.bound {
			l.bound, l.boundBy = r.to, i
		}
	}
}

// lost goes over the indexes with the furthest reach that began at or before each.
func (c *check) lost(l *log, passed []reach, seen map[int64]span) {
	slices.SortStableFunc(passed, func(a, b reach) int {
		return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(b.to, a.to))
	})
	far := reach{to: -1, by: -1}
	for i, off := range l.offs {
		for len(passed) > 0 && passed[0].from <= int32(i) {
			if passed[0].to > far.to {
				far = passed[0]
			}
			passed = passed[1:]
		}
		for _, s := range l.sights(int32(i)) {
			v := &l.values[s.value]
			if v.last != int32(i) || far.to < int32(i) || v.read || !v.certain(c) {
				continue
			}
			a := classify(Anomaly{Name: LostWrite, Partition: l.name, Offsets: []int64{off, l.offs[far.to]}, Values: []string{v.name}}, int32(i), seen)
			a.Explain = fmt.Sprintf("%q of %s stands at offset %d and no ok read returned it, and %s read on to offset %d",
				v.name, c.say(v.writer), off, c.say(far.by), l.offs[far.to])
			c.found(a, v.writer, far.by)
		}
	}
}

// classify says how a loss at an index lies to what all read, and to what each client read.
func classify(a Anomaly, i int32, seen map[int64]span) Anomaly {
	var clients []int64
	for client := range seen { // order: sorted below
		clients = append(clients, client)
	}
	slices.Sort(clients)
	all := seen[clients[0]]
	for _, client := range clients {
		s := seen[client]
		all = span{min(all.low, s.low), max(all.high, s.high)}
		if len(a.Nodes) < MaxAnomalies {
			a.Nodes = append(a.Nodes, NodeClass{client, s.class(i)})
		}
	}
	a.Class = all.class(i)
	return a
}

// last is the latest ok poll of a partition.
type last struct {
	by    int32
	empty bool
}

// unseen finds acknowledged values that nobody was given although the last poll of
// their partition, called later, found nothing more.
func (c *check) unseen() {
	final := c.lastPolls()
	for li, l := range c.logs {
		p := final[li]
		if p.by < 0 || !p.empty {
			continue
		}
		for k := range l.values {
			v := &l.values[k]
			if v.read || !v.certain(c) || c.rows.rows[v.writer].over() >= c.rows.rows[p.by].call || v.first >= 0 && (v.last <= l.bound || l.offs[v.last] < l.start) {
				continue
			}
			a := Anomaly{Name: Unseen, Partition: l.name, Values: []string{v.name}, Class: "postfix"}
			if v.last >= 0 {
				a.Offsets = []int64{l.offs[v.last]}
			}
			a.Explain = fmt.Sprintf("%q was acknowledged to %s, and %s, the last poll, was called later and returned nothing; no ok poll returned it",
				v.name, c.say(v.writer), c.say(p.by))
			c.found(a, v.writer, p.by)
		}
	}
}

// lastPolls is, for each log, the ok poll that returned last of those whose session
// had the partition assigned, or that name it.
func (c *check) lastPolls() []last {
	final := make([]last, len(c.logs))
	for i := range final {
		final[i].by = -1
	}
	for _, s := range c.sessions {
		var assigned []int32
		for _, i := range s {
			a := c.act(i)
			switch {
			case a.op.kind == checker.Assign && a.op.outcome != checker.Failed:
				assigned = c.parts(a.op)
			case a.op.kind == checker.Subscribe && a.op.outcome != checker.Failed, a.op.kind == checker.Crash:
				assigned = nil // what a group gave is not known
			case a.ok():
				c.lastPoll(final, i, assigned)
			}
		}
	}
	return final
}

func (c *check) lastPoll(final []last, i int32, assigned []int32) {
	a := c.act(i)
	polled := a.op.poll
	c.fresh()
	c.polledOf = append(c.polledOf[:0], assigned...)
	for k, li := range c.polledOf {
		c.placeOf(li, int32(k))
	}
	c.foundOf = append(c.foundOf[:0], make([]bool, len(assigned))...) // whether each partition's part of the poll was not empty
	for k := range a.in {
		in := &a.in[k]
		if in.kind != checker.Read || !in.poll || in.outcome != checker.OK || in.log < 0 {
			continue
		}
		polled = true
		at := int(c.placeOf(in.log, int32(len(c.polledOf))))
		if at == len(c.polledOf) {
			c.polledOf, c.foundOf = append(c.polledOf, in.log), append(c.foundOf, false)
		}
		c.foundOf[at] = c.foundOf[at] || in.n > 0
	}
	if !polled {
		return
	}
	for k, li := range c.polledOf {
		at := c.placeOf(li, int32(k)) // of an assignment that names it twice, the first
		if f := final[li]; f.by < 0 || c.rows.rows[f.by].over() < a.ret() {
			final[li] = last{i, !c.foundOf[at]}
		}
	}
}
