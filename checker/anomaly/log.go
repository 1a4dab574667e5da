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
	byName map[string]int32
	// at has the first value that an offset was seen with, more the others.
	at   map[int64]sight
	more map[int64][]sight
	offs []int64 // sorted (B4)
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
	failed bool  // its own send failed, whatever became of its transaction
	twice  bool  // it was sent twice, so that it may well stand at two offsets
	reader int32 // the first act that is ok and returned it, or -1
	first  int32 // its lowest index, or -1
	last   int32 // its highest
}

func newLog(name string) *log {
	return &log{name: name, byName: map[string]int32{}, at: map[int64]sight{}, more: map[int64][]sight{}, bound: -1, boundBy: -1}
}

func (l *log) value(name string) int32 {
	v, ok := l.byName[name]
	if !ok {
		v = int32(len(l.values))
		l.values = append(l.values, value{name: name, writer: -1, reader: -1, first: -1, last: -1})
		l.byName[name] = v
	}
	return v
}

func (v *value) certain(c *check) bool {
	return v.writer >= 0 && !v.failed && c.acts[v.writer].fate == certain
}

// rank is the index of a known offset, or the number of known offsets below it.
func (l *log) rank(off int64) int32 {
	i, _ := slices.BinarySearch(l.offs, off)
	return int32(i)
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

// sights are the values that an offset was seen with, in the order of the acts.
func (l *log) sights(off int64) []sight { return append([]sight{l.at[off]}, l.more[off]...) }

// trims notes how far the logs may have been trimmed, by a client or by retention.
func (c *check) trims() {
	for _, l := range c.logs {
		if c.retention {
			l.start = never
		}
	}
	for i := range c.acts {
		switch op := c.acts[i].op; {
		case op.Kind == checker.Trim && op.Outcome != checker.Failed:
			l := c.logs[c.byName[op.Partition]]
			l.start = max(l.start, op.From)
		case op.Kind == checker.Start && op.Outcome == checker.OK:
			l := c.logs[c.byName[op.Partition]]
			l.start = max(l.start, op.Off)
		}
	}
}

// learn fills the logs: who wrote and who read a value, which acts are certain,
// which values stand where.
func (c *check) learn() {
	for i := range c.acts {
		c.learnSends(int32(i))
	}
	for i := range c.acts {
		a := &c.acts[i]
		if a.ok() {
			c.eachRead(a, func(l *log, _ *checker.Op, _ int, v int32) {
				if l.values[v].reader < 0 {
					l.values[v].reader = int32(i)
				}
			})
		}
	}
	for i := range c.acts {
		c.acts[i].fate = c.fateOf(&c.acts[i])
	}
	for i := range c.acts {
		c.place(int32(i))
	}
	for _, l := range c.logs {
		l.index()
	}
	c.trims()
}

func (c *check) learnSends(i int32) {
	for k := range c.acts[i].in {
		in := &c.acts[i].in[k]
		if in.Kind != checker.Append || in.Partition == "" {
			continue
		}
		l := c.logs[c.byName[in.Partition]]
		for _, name := range in.Values {
			v := &l.values[l.value(name)]
			if v.writer >= 0 {
				v.twice = true
				c.undecided("%q was sent to %s by %s and by %s: check B needs values that are unique in their partition",
					name, l.name, c.acts[v.writer].say(), c.acts[i].say())
				continue
			}
			v.writer, v.failed = i, in.Outcome == checker.Failed
		}
	}
}

// eachRead calls do with each value that an act was given, in order.
func (c *check) eachRead(a *act, do func(l *log, in *checker.Op, k int, v int32)) {
	for i := range a.in {
		in := &a.in[i]
		if in.Kind != checker.Read || in.Outcome != checker.OK {
			continue
		}
		l := c.logs[c.byName[in.Partition]]
		for k, name := range in.Values {
			do(l, in, k, l.value(name))
		}
	}
}

func (c *check) fateOf(a *act) fate {
	switch a.op.Outcome {
	case checker.OK:
		return certain
	case checker.Failed:
		return aborted
	}
	for k := range a.in {
		in := &a.in[k]
		if in.Kind != checker.Append {
			continue
		}
		l := c.logs[c.byName[in.Partition]]
		for _, name := range in.Values {
			if l.values[l.value(name)].reader >= 0 {
				return certain
			}
		}
	}
	return maybe
}

// place notes which values an act shows at which offsets: all that it was given,
// and what it sent if that is certain.
func (c *check) place(i int32) {
	a := &c.acts[i]
	c.eachRead(a, func(l *log, in *checker.Op, k int, v int32) { l.see(offset(in, k), v, i) })
	if a.fate != certain {
		return
	}
	for k := range a.in {
		if in := &a.in[k]; in.Kind == checker.Append && in.Outcome == checker.OK {
			l := c.logs[c.byName[in.Partition]]
			for n, name := range in.Values {
				l.see(in.Off+int64(n), l.value(name), i)
			}
		}
	}
}

func offset(in *checker.Op, k int) int64 {
	if in.Offs != nil {
		return in.Offs[k]
	}
	return in.From + int64(k)
}

// index numbers the known offsets.
func (l *log) index() {
	for off := range l.at { // order: sorted below
		l.offs = append(l.offs, off)
	}
	slices.Sort(l.offs)
	for i, off := range l.offs {
		if r := l.rank(off); r != int32(i) {
			panic(fmt.Sprintf("invariant B4: offset %d of %s has rank %d and index %d", off, l.name, r, i))
		}
		for _, s := range l.sights(off) {
			v := &l.values[s.value]
			if v.first < 0 {
				v.first = int32(i)
			}
			v.last = int32(i)
		}
	}
}
