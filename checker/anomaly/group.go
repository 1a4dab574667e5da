package anomaly

import (
	"cmp"
	"fmt"
	"slices"

	"logd/checker"
)

// noOffset is a group's offset of a partition before the first commit.
const noOffset = -1

// groupKey names a register: the offset that a group has committed of a partition.
type groupKey struct {
	group string
	log   int32
}

// touch is a commit or a fetch of a group's offset.
type touch struct {
	by        int32
	off       int64
	call, ret int64 // ret is never for an unknown outcome: it may take effect at any time
	fetch     bool
}

// groups checks each register by itself.
func (c *check) groups() {
	all := map[groupKey][]touch{}
	var keys []groupKey
	for i := range c.fates {
		a := c.act(int32(i))
		for k := range a.in {
			in := &a.in[k]
			if in.kind != checker.Commit && in.kind != checker.FetchOffset || a.op.outcome == checker.Failed || in.outcome == checker.Failed {
				continue
			}
			t := touch{by: int32(i), off: in.off, call: a.op.call, ret: a.ret(), fetch: in.kind == checker.FetchOffset}
			if in.outcome != checker.OK {
				t.ret = never
			}
			if t.fetch && (in.outcome != checker.OK || t.ret == never) {
				continue
			}
			key := groupKey{c.group(in), in.log}
			if all[key] == nil {
				keys = append(keys, key)
			}
			all[key] = append(all[key], t)
		}
	}
	slices.SortFunc(keys, func(a, b groupKey) int { return cmp.Or(cmp.Compare(a.log, b.log), cmp.Compare(a.group, b.group)) })
	for _, key := range keys {
		c.register(key, all[key])
	}
	c.ahead(keys, all)
}

// commits of one offset, by call, with the latest return of each prefix.
type commits struct {
	list []touch
	last []int // place of the one that returned last among list[:i+1]
}

// before returns those that were called by an instant: the first of them and the one
// that returned last; ok is false if there are none.
func (s *commits) before(at int64) (first, last touch, ok bool) {
	n, _ := slices.BinarySearchFunc(s.list, at, func(t touch, at int64) int {
		if t.call <= at {
			return -1
		}
		return 1
	})
	if n == 0 {
		return touch{}, touch{}, false
	}
	return s.list[0], s.list[s.last[n-1]], true
}

// register judges what fetches returned. A commit can be what a fetch shows unless
// another one, called after it had returned, was acknowledged before the fetch.
// Where an outcome is unknown, or operations overlap, any order is allowed.
func (c *check) register(key groupKey, touches []touch) {
	by := map[int64]*commits{noOffset: {list: []touch{{by: -1, off: noOffset, call: -never, ret: -never}}, last: []int{0}}}
	var acked, fetches []touch
	for _, t := range touches { // by call
		if t.fetch {
			fetches = append(fetches, t)
			continue
		}
		s := by[t.off]
		if s == nil {
			s = &commits{}
			by[t.off] = s
		}
		s.list = append(s.list, t)
		n := len(s.list) - 1
		if n > 0 && s.list[s.last[n-1]].ret >= t.ret {
			n = s.last[n-1]
		}
		s.last = append(s.last, n)
		if t.ret != never {
			acked = append(acked, t)
		}
	}
	slices.SortStableFunc(acked, func(a, b touch) int { return cmp.Compare(a.ret, b.ret) })
	seen := newLatest(fetches)
	latest := touch{by: -1, call: -never}
	for _, f := range fetches {
		for len(acked) > 0 && acked[0].ret < f.call {
			if acked[0].call > latest.call {
				latest = acked[0]
			}
			acked = acked[1:]
		}
		c.fetched(key, f, by, latest, seen)
	}
}

// seen is a fetch, and the earliest commit that it can have shown.
type seen struct {
	fetch, source touch
}

// latest tells, of the fetches that had returned by an instant, the one whose
// sources were all called last.
type latest struct {
	pending []seen // by return of the fetch
	best    seen
}

func newLatest(fetches []touch) *latest {
	return &latest{best: seen{fetch: touch{by: -1}, source: touch{call: -never}}, pending: make([]seen, 0, len(fetches))}
}

func (l *latest) add(s seen) {
	at, _ := slices.BinarySearchFunc(l.pending, s, func(a, b seen) int {
		if a.fetch.ret <= b.fetch.ret {
			return -1
		}
		return 1
	})
	l.pending = slices.Insert(l.pending, at, s)
}

func (l *latest) by(at int64) seen {
	for len(l.pending) > 0 && l.pending[0].fetch.ret < at {
		if l.pending[0].source.call > l.best.source.call {
			l.best = l.pending[0]
		}
		l.pending = l.pending[1:]
	}
	return l.best
}

func (c *check) fetched(key groupKey, f touch, by map[int64]*commits, acked touch, l *latest) {
	a := Anomaly{Partition: c.logName(key.log), Offsets: []int64{f.off}}
	says := c.say(f.by)
	s := by[f.off]
	if s == nil {
		s = &commits{}
	}
	first, last, ok := s.before(f.ret)
	before := l.by(f.call)
	switch {
	case !ok:
		a.Name = GroupOffsetUnknown
		a.Explain = fmt.Sprintf("%s returned offset %d of group %q, which nobody had committed by then", says, f.off, key.group)
		c.found(a, f.by)
		return
	case acked.by >= 0 && last.ret < acked.call:
		a.Name, a.Offsets = GroupOffsetLost, []int64{f.off, acked.off}
		a.Explain = fmt.Sprintf("%s returned %s of group %q, after %s of offset %d had been acknowledged at %d, which was called later than any of what was returned",
			says, offsetName(f.off), key.group, c.say(acked.by), acked.off, acked.ret)
		c.found(a, f.by, acked.by, last.by)
	case before.fetch.by >= 0 && last.ret < before.source.call:
		a.Name, a.Offsets = GroupOffsetBack, []int64{f.off, before.fetch.off}
		a.Explain = fmt.Sprintf("%s returned %s of group %q, after %s had returned offset %d, whose commit by %s was called later than any of what was returned",
			says, offsetName(f.off), key.group, c.say(before.fetch.by), before.fetch.off, c.say(before.source.by))
		c.found(a, f.by, before.fetch.by, before.source.by, last.by)
	}
	if first.by >= 0 {
		l.add(seen{f, first})
	}
}

func offsetName(off int64) string {
	if off == noOffset {
		return "no offset"
	}
	return fmt.Sprintf("offset %d", off)
}

// ahead finds commits beyond records that nobody of the group had been given before
// the commit was called. Reads that name no group count for every group.
func (c *check) ahead(keys []groupKey, all map[groupKey][]touch) {
	if len(keys) == 0 {
		return
	}
	polls := make([]bool, len(c.peers)) // sessions that consume; the others may set offsets as they like
	given := map[groupKey][]touch{}
	for i := range c.fates {
		a := c.act(int32(i))
		if a.polled() {
			polls[a.op.peer] = true
		}
		for k := range a.in {
			in := &a.in[k]
			if in.kind != checker.Read || in.outcome != checker.OK || in.n == 0 {
				continue
			}
			ret := a.ret()
			if ret == never {
				ret = in.ret
			}
			key := groupKey{c.group(in), in.log}
			given[key] = append(given[key], touch{by: int32(i), off: c.offset(in, int(in.n)-1) + 1, call: a.op.call, ret: ret})
		}
	}
	for _, key := range keys {
		reads := slices.Clone(given[key])
		if key.group != "" {
			reads = append(reads, given[groupKey{"", key.log}]...)
		}
		slices.SortStableFunc(reads, func(a, b touch) int { return cmp.Compare(a.ret, b.ret) })
		c.aheadOf(key, all[key], reads, polls)
	}
}

func (c *check) aheadOf(key groupKey, touches, reads []touch, polls []bool) {
	if key.log < 0 {
		return
	}
	l := c.logs[key.log]
	top := touch{by: -1}
	for _, t := range touches { // by call
		op := &c.rows.rows[t.by]
		inTxn := op.kind == checker.Txn
		for len(reads) > 0 && (reads[0].ret <= t.call || inTxn && reads[0].by == t.by) {
			if reads[0].off > top.off || top.by < 0 {
				top = reads[0]
			}
			reads = reads[1:]
		}
		if t.fetch || !polls[op.peer] || t.off <= top.off {
			continue
		}
		// Control records may lie between, unless a record is known there.
		at := l.rank(top.off)
		if c.sparse && (int(at) >= len(l.offs) || l.offs[at] >= t.off) {
			continue
		}
		a := Anomaly{Name: GroupOffsetAhead, Partition: l.name, Offsets: []int64{t.off, top.off}}
		a.Explain = fmt.Sprintf("%s committed offset %d of group %q before anybody had been given offset %d", c.say(t.by), t.off, key.group, top.off)
		c.found(a, t.by, top.by)
	}
}
