package anomaly

import (
	"fmt"
	"slices"

	"logd/checker"
)

// log is what the history shows of one partition.
type log struct {
	name   string
	values []value
	base   int32 // how many values the logs before this one have
	byName map[string]int32
	// Until index, at has the first value that each offset was seen with; then firsts has,
	// in the order of offs. more has the others.
	at     map[int64]sight
	firsts []sight
	more   map[int64][]sight
	offs   []int64 // sorted (B4)
	ranks  []int32
	// start is as high as the log may have begun: what lies below may be gone (B2).
	start int64
	// bound is the highest index that a consumer is known to have read on to, or -1,
	// and boundBy the reader.
	bound   int32
	boundBy int32
}

// sight is a value at an offset, and the act that showed it first.
type sight struct{ value, by int32 }

type value struct {
	name   string
	writer int32 // act, or -1
	first  int32 // its lowest index, or -1
	last   int32 // its highest
	failed bool  // its own send failed, whatever became of its transaction
	twice  bool  // it was sent twice, so that it may well stand at two offsets
	read   bool  // an act that is ok returned it
}

func newLog(name string) *log {
	return &log{name: name, byName: map[string]int32{}, at: map[int64]sight{}, more: map[int64][]sight{}, bound: -1, boundBy: -1}
}

func (v *value) certain(c *check) bool {
	return v.writer >= 0 && !v.failed && c.fates[v.writer] == certain
}

// rank is the index of a known offset, or the number of known offsets below it.
func (l *log) rank(off int64) int32 {
	if len(l.offs) == 0 || off < l.offs[0] {
		return 0
	}
	all, from := l.offs, int32(0)
	if k := (off - l.offs[0]) / rankEvery; k+1 < int64(len(l.ranks)) {
		from = l.ranks[k]
		all = l.offs[from : l.ranks[k+1]+1]
	}
	i, _ := slices.BinarySearch(all, off)
	return from + int32(i)
}

// rankEvery offsets have an entry in ranks, if most of them are known.
const rankEvery = 16

// rankTable fills ranks: the index of every rankEvery-th offset from the first.
func (l *log) rankTable() {
	n := len(l.offs)
	if n == 0 || l.offs[n-1]-l.offs[0] > 4*int64(n) {
		return
	}
	for i, off := range l.offs {
		for int64(len(l.ranks))*rankEvery <= off-l.offs[0] {
			l.ranks = append(l.ranks, int32(i))
		}
	}
}

func (l *log) see(off int64, v, by int32) {
	s, ok := l.at[off]
	if !ok {
		l.at[off] = sight{v, by}
		return
	}
	if s.value == v || slices.ContainsFunc(l.more[off], func(s sight) bool { return s.value == v }) {
		return
	}
	l.more[off] = append(l.more[off], sight{v, by})
}

// sights are the values that offset i was seen with, in the order of the acts.
func (l *log) sights(i int32) []sight {
	if len(l.more) > 0 {
		if more, ok := l.more[l.offs[i]]; ok {
			return append([]sight{l.firsts[i]}, more...)
		}
	}
	return l.firsts[i : i+1]
}

// trims notes how far the logs may have been trimmed, by a client or by retention.
func (c *check) trims() {
	for _, l := range c.logs {
		if c.retention {
			l.start = never
		}
	}
	for i := range c.rows.rows {
		switch op := &c.rows.rows[i]; {
		case op.kind == checker.Trim && op.outcome != checker.Failed:
			l := c.logs[op.log]
			l.start = max(l.start, c.extras[op.extra].from)
		case op.kind == checker.Start && op.outcome == checker.OK:
			l := c.logs[op.log]
			l.start = max(l.start, op.off)
		}
	}
}

// learn fills the logs: who wrote and who read a value, which acts are certain,
// which values stand where.
func (c *check) learn() {
	for i := range c.fates {
		c.learnSends(int32(i))
	}
	for i := range c.fates {
		a := c.act(int32(i))
		if a.ok() {
			c.eachRead(&a, func(l *log, _ *row, _ int, v int32) {
				l.values[v].read = true
			})
		}
	}
	for i := range c.fates {
		a := c.act(int32(i))
		c.fates[i] = c.fateOf(&a)
	}
	for i := range c.fates {
		c.place(int32(i))
	}
	for _, l := range c.logs {
		l.index()
	}
	c.trims()
}

func (c *check) learnSends(i int32) {
	a := c.act(i)
	for k := range a.in {
		in := &a.in[k]
		if in.kind != checker.Append || in.log < 0 {
			continue
		}
		l := c.logs[in.log]
		for _, id := range c.vals(in) {
			v := &l.values[id]
			if v.writer >= 0 {
				v.twice = true
				w := c.act(v.writer)
				c.undecided("%q was sent to %s by %s and by %s: check B needs values that are unique in their partition",
					v.name, l.name, w.say(), a.say())
				continue
			}
			v.writer, v.failed = i, in.outcome == checker.Failed
		}
	}
}

// eachRead calls do with each value that an act was given, in order.
func (c *check) eachRead(a *act, do func(l *log, in *row, k int, v int32)) {
	for i := range a.in {
		in := &a.in[i]
		if in.kind != checker.Read || in.outcome != checker.OK || in.log < 0 {
			continue
		}
		l := c.logs[in.log]
		for k, v := range c.vals(in) {
			do(l, in, k, v)
		}
	}
}

func (c *check) fateOf(a *act) fate {
	switch a.op.outcome {
	case checker.OK:
		return certain
	case checker.Failed:
		return aborted
	}
	for k := range a.in {
		in := &a.in[k]
		if in.kind != checker.Append || in.log < 0 {
			continue
		}
		l := c.logs[in.log]
		for _, v := range c.vals(in) {
			if l.values[v].read {
				return certain
			}
		}
	}
	return maybe
}

// place notes which values an act shows at which offsets: all that it was given,
// and what it sent if that is certain.
func (c *check) place(i int32) {
	a := c.act(i)
	c.eachRead(&a, func(l *log, in *row, k int, v int32) { l.see(c.offset(in, k), v, i) })
	if a.fate != certain {
		return
	}
	for k := range a.in {
		if in := &a.in[k]; in.kind == checker.Append && in.outcome == checker.OK && in.log >= 0 {
			l := c.logs[in.log]
			for n, v := range c.vals(in) {
				l.see(in.off+int64(n), v, i)
			}
		}
	}
}

// index numbers the known offsets.
func (l *log) index() {
	l.offs = make([]int64, 0, len(l.at))
	for off := range l.at { // order: sorted below
		l.offs = append(l.offs, off)
	}
	slices.Sort(l.offs)
	l.firsts = make([]sight, len(l.offs))
	for i, off := range l.offs {
		l.firsts[i] = l.at[off]
	}
	l.at = nil
	l.rankTable()
	for i, off := range l.offs {
		if r := l.rank(off); r != int32(i) {
			panic(fmt.Sprintf("invariant B4: offset %d of %s has rank %d and index %d", off, l.name, r, i))
		}
		for _, s := range l.sights(int32(i)) {
			v := &l.values[s.value]
			if v.first < 0 {
				v.first = int32(i)
			}
			v.last = int32(i)
		}
	}
}
