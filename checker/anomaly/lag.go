package anomaly

import (
	"cmp"
	"slices"
	"sort"

	"logd/checker"
)

// Lag says how long a reader lagged at least behind the tail of a partition: from
// when its next record was known to be there to when it asked, in nanoseconds.
type Lag struct {
	Time      int64  `json:"time"` // when the read was called
	Client    int64  `json:"client"`
	Session   int64  `json:"session,omitempty"`
	Partition string `json:"partition"`
	Lag       int64  `json:"lag"`
	ID        int64  `json:"id"` // of the read
}

// Lags measures the lag of each poll, for each partition that its session is known
// to consume, and of each other read that came to what it took for the end. It is not
// a failure.
func Lags(h checker.History) []Lag { return newCheck(h).lags() }

func (c *check) lag() {
	for _, l := range c.lags() {
		if w := c.report.WorstLag; w == nil || l.Lag > w.Lag {
			c.report.WorstLag = &l
		}
	}
}

// known is an instant from which on a partition was known to have a record at or
// above each offset up to off.
type known struct{ off, at int64 }

// tails is, for each log, the rise of the highest offset that was known to exist.
func (c *check) tails() [][]known {
	tails := make([][]known, len(c.logs))
	var done []int32
	for i := range c.acts {
		if c.acts[i].ok() {
			done = append(done, int32(i))
		}
	}
	slices.SortStableFunc(done, func(i, j int32) int { return cmp.Compare(c.acts[i].ret(), c.acts[j].ret()) })
	for _, i := range done {
		a := &c.acts[i]
		for li, off := range c.highest(a) { // order: each has its own list
			t := tails[li]
			if len(t) == 0 || off > t[len(t)-1].off {
				tails[li] = append(t, known{off, a.ret()})
			}
		}
	}
	return tails
}

// highest are the highest offsets that an act read from, or wrote to, each log;
// -1 where it read nothing.
func (c *check) highest(a *act) map[int32]int64 {
	high := map[int32]int64{}
	for k := range a.in {
		in := &a.in[k]
		if in.Outcome != checker.OK || in.Partition == "" || in.Kind != checker.Append && in.Kind != checker.Read {
			continue
		}
		li := c.byName[in.Partition]
		off, ok := high[li]
		if !ok {
			off = -1
		}
		switch n := len(in.Values); {
		case in.Kind == checker.Append:
			off = max(off, in.Off+int64(n)-1)
		case n > 0:
			for k := range n {
				off = max(off, offset(in, k))
			}
		case !in.Poll:
			off = max(off, in.From-1)
		}
		high[li] = off
	}
	return high
}

func (c *check) lags() []Lag {
	tails := c.tails()
	var out []Lag
	for _, s := range c.sessions {
		at := map[int32]int64{}
		for _, i := range s {
			a := &c.acts[i]
			if !a.ok() {
				continue
			}
			switch a.op.Kind {
			case checker.Assign:
				c.seek(at, a.op)
			case checker.Subscribe, checker.Crash:
				clear(at) // what the group gives isn't known
			case checker.Txn, checker.Read:
				out = c.measure(out, tails, at, a)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Lag) int { return cmp.Compare(a.Time, b.Time) })
	return out
}

// seek leaves the session where it is in partitions that it goes on with, and at the
// beginning of others.
func (c *check) seek(at map[int32]int64, op *checker.Op) {
	was := map[int32]int64{}
	for _, p := range op.Parts {
		li := c.byName[p]
		off, ok := at[li]
		if !ok || op.Beginning {
			off = -1
		}
		was[li] = off
	}
	clear(at)
	for li, off := range was { // order: each sets its own
		at[li] = off
	}
}

func (c *check) measure(out []Lag, tails [][]known, at map[int32]int64, a *act) []Lag {
	if a.op.Kind == checker.Read && !a.op.Poll {
		// Only one that could have returned more, and didn't, thought itself at the tail.
		if n := int64(len(a.op.Values)); n == 0 || n < a.op.Limit {
			li := c.byName[a.op.Partition]
			out = append(out, behind(tails[li], a, c.logs[li].name, c.highest(a)[li]))
		}
		return out
	}
	for li, off := range c.highest(a) { // order: each sets its own
		if was, ok := at[li]; !ok || off > was {
			at[li] = off
		}
	}
	if !a.polled() {
		return out
	}
	var logs []int32
	for li := range at { // order: sorted below
		logs = append(logs, li)
	}
	slices.Sort(logs)
	for _, li := range logs {
		out = append(out, behind(tails[li], a, c.logs[li].name, at[li]))
	}
	return out
}

func (a *act) polled() bool {
	return a.op.Poll || slices.ContainsFunc(a.in, func(in checker.Op) bool { return in.Kind == checker.Read && in.Poll })
}

func behind(tail []known, a *act, part string, off int64) Lag {
	l := Lag{Time: a.op.Call, Client: a.op.Client, Session: a.op.Session, Partition: part, ID: a.op.ID}
	if k := sort.Search(len(tail), func(k int) bool { return tail[k].off > off }); k < len(tail) {
		l.Lag = max(0, a.op.Call-tail[k].at)
	}
	return l
}
