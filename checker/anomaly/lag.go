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
func Lags(h checker.History) []Lag {
	var out []Lag
	newCheck(h.Header, rowsOf(h)).lags(func(l Lag) { out = append(out, l) })
	slices.SortStableFunc(out, func(a, b Lag) int { return cmp.Compare(a.Time, b.Time) })
	return out
}

// lag notes the worst: of equal ones the first in time.
func (c *check) lag() {
	c.lags(func(l Lag) {
		if w := c.report.WorstLag; w == nil || l.Lag > w.Lag || l.Lag == w.Lag && l.Time < w.Time {
			c.report.WorstLag = &l
		}
	})
}

// known is an instant from which on a partition was known to have a record at or
// above each offset up to off.
type known struct{ off, at int64 }

// tails is, for each log, the rise of the highest offset that was known to exist.
func (c *check) tails() [][]known {
	tails := make([][]known, len(c.logs))
	for _, i := range c.byRet {
		a := c.act(i)
		if !a.ok() {
			continue
		}
		for _, h := range c.highest(&a) {
			t := tails[h.log]
			if len(t) == 0 || h.off > t[len(t)-1].off {
				tails[h.log] = append(t, known{h.off, a.ret()})
			}
		}
	}
	return tails
}

// high is the highest offset that an act read from, or wrote to, a log; -1 if it read
// nothing.
type high struct {
	log int32
	off int64
}

// highest is that of each log, until the next call.
func (c *check) highest(a *act) []high {
	c.fresh()
	c.highs = c.highs[:0]
	for k := range a.in {
		in := &a.in[k]
		if in.outcome != checker.OK || in.log < 0 || in.kind != checker.Append && in.kind != checker.Read {
			continue
		}
		at := c.placeOf(in.log, int32(len(c.highs)))
		if int(at) == len(c.highs) {
			c.highs = append(c.highs, high{in.log, -1})
		}
		off := &c.highs[at].off
		switch n := int(in.n); {
		case in.kind == checker.Append:
			*off = max(*off, in.off+int64(n)-1)
		case n > 0:
			for k := range n {
				*off = max(*off, c.offset(in, k))
			}
		case !in.poll:
			*off = max(*off, in.off-1)
		}
	}
	return c.highs
}

func (c *check) lags(tell func(Lag)) {
	tails := c.tails()
	for _, s := range c.sessions {
		at := map[int32]int64{}
		for _, i := range s {
			a := c.act(i)
			if !a.ok() {
				continue
			}
			switch a.op.kind {
			case checker.Assign:
				c.seek(at, a.op)
			case checker.Subscribe, checker.Crash:
				clear(at) // what the group gives isn't known
			case checker.Txn, checker.Read:
				c.measure(tell, tails, at, &a)
			}
		}
	}
}

// seek leaves the session where it is in partitions that it goes on with, and at the
// beginning of others.
func (c *check) seek(at map[int32]int64, op *row) {
	was := map[int32]int64{}
	for _, li := range c.parts(op) {
		off, ok := at[li]
		if !ok || c.extras[op.extra].beginning {
			off = -1
		}
		was[li] = off
	}
	clear(at)
	for li, off := range was { // order: each sets its own
		at[li] = off
	}
}

func (c *check) measure(tell func(Lag), tails [][]known, at map[int32]int64, a *act) {
	if a.op.kind == checker.Read && !a.op.poll {
		// Only one that could have returned more, and didn't, thought itself at the tail.
		if a.op.short && a.op.log >= 0 {
			tell(c.behind(tails, a, a.op.log, c.highest(a)[0].off))
		}
		return
	}
	for _, h := range c.highest(a) {
		if was, ok := at[h.log]; !ok || h.off > was {
			at[h.log] = h.off
		}
	}
	if !a.polled() {
		return
	}
	var logs []int32
	for li := range at { // order: sorted below
		logs = append(logs, li)
	}
	slices.Sort(logs)
	for _, li := range logs {
		tell(c.behind(tails, a, li, at[li]))
	}
}

func (a *act) polled() bool {
	return a.op.poll || slices.ContainsFunc(a.in, func(in row) bool { return in.kind == checker.Read && in.poll })
}

func (c *check) behind(tails [][]known, a *act, li int32, off int64) Lag {
	p, tail := c.peers[a.op.peer], tails[li]
	l := Lag{Time: a.op.call, Client: p.client, Session: p.session, Partition: c.logs[li].name, ID: a.op.id}
	if k := sort.Search(len(tail), func(k int) bool { return tail[k].off > off }); k < len(tail) {
		l.Lag = max(0, a.op.call-tail[k].at)
	}
	return l
}
