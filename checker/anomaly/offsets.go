package anomaly

import (
	"fmt"
	"strings"

	"logd/checker"
)

// offsets finds offsets with two values and values at two offsets.
func (c *check) offsets(li int32) {
	l := c.logs[li]
	twice := map[int32][]place{}
	for i, off := range l.offs {
		if len(l.more[off]) > 0 {
			c.inconsistent(l, int32(i))
		}
		for _, s := range l.sights(int32(i)) {
			if v := &l.values[s.value]; v.first != v.last && !v.twice {
				twice[s.value] = append(twice[s.value], place{off, s.by})
			}
		}
	}
	for v := range l.values {
		if at := twice[int32(v)]; len(at) > 0 {
			c.duplicate(l, l.values[v].name, at)
		}
	}
}

type place struct {
	off int64
	by  int32
}

func (c *check) inconsistent(l *log, i int32) {
	off := l.offs[i]
	a := Anomaly{Name: InconsistentOffsets, Partition: l.name, Offsets: []int64{off}}
	var says []string
	var by []int32
	for _, s := range l.sights(i) {
		a.Values = append(a.Values, l.values[s.value].name)
		says = append(says, fmt.Sprintf("%q by %s", l.values[s.value].name, c.say(s.by)))
		by = append(by, s.by)
	}
	a.Explain = fmt.Sprintf("offset %d holds %s", off, strings.Join(says, ", "))
	c.found(a, by...)
}

func (c *check) duplicate(l *log, value string, at []place) {
	a := Anomaly{Name: Duplicate, Partition: l.name, Values: []string{value}}
	var says []string
	var by []int32
	for _, p := range at {
		a.Offsets = append(a.Offsets, p.off)
		says = append(says, fmt.Sprintf("at offset %d by %s", p.off, c.say(p.by)))
		by = append(by, p.by)
	}
	a.Explain = fmt.Sprintf("%q is shown %s", value, strings.Join(says, ", "))
	c.found(a, by...)
}

// reads finds what should never have been given out.
func (c *check) reads() {
	for i := range c.fates {
		a := c.act(int32(i))
		seen := map[*value]bool(nil) // order: looked up only
		c.eachRead(&a, func(l *log, in *row, k int, id int32) {
			v := &l.values[id]
			if v.writer < 0 {
				return
			}
			aborts := a.ok() && (v.failed || c.fates[v.writer] == aborted)
			if !aborts && v.writer != int32(i) || seen[v] {
				return
			}
			if seen == nil {
				seen = map[*value]bool{}
			}
			seen[v] = true
			w := c.act(v.writer)
			say := Anomaly{Partition: l.name, Offsets: []int64{c.offset(in, k)}, Values: []string{v.name}}
			if aborts {
				say.Name = AbortedRead
				say.Explain = fmt.Sprintf("%s returned %q, whose send by %s failed", a.say(), v.name, w.say())
				if w.op.kind == checker.Txn && w.fate == aborted {
					say.Explain = fmt.Sprintf("%s returned %q of %s, which aborted", a.say(), v.name, w.say())
				}
				c.found(say, int32(i), v.writer)
			}
			if v.writer == int32(i) {
				say.Name = PrecommittedRead
				say.Explain = fmt.Sprintf("%s polled %q, which it had itself sent", a.say(), v.name)
				c.found(say, int32(i))
			}
		})
	}
}
