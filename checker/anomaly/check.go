package anomaly

import (
	"cmp"
	"math"
	"slices"

	"logd/checker"
)

// fate is whether what an act sent is in the log.
type fate uint8

const (
	maybe   fate = iota
	certain      // ok; or unknown, and an ok read returned a value of it
	aborted
)

// act is one operation of the history, or one transaction.
type act struct {
	op   *row
	in   []row // the operations of a transaction, or op itself
	fate fate
}

// never is the return of what has none.
const never = int64(math.MaxInt64)

// ret is when the act was known to be over, or never (B2).
func (a *act) ret() int64 { return a.op.over() }

func (a *act) ok() bool { return a.op.outcome == checker.OK }

// check is one run of check B.
type check struct {
	*rows             // acts, by call (B1)
	sparse, retention bool

	fates []fate
	byRet []int32 // acts that returned, by that
	// sessions are the acts of each, in order, ordered by the first.
	sessions [][]int32
	counts   map[string]*Count
	report   Report
	marks    []mark // of each log
	marked   int32
	// What lists of an act are made in, used again for the next.
	polledOf  []int32
	foundOf   []bool
	firstEnds []end
	lastEnds  []end
	highs     []high
}

// mark is a place that a log has in a list of the act that is being looked at.
type mark struct{ act, at int32 }

// fresh begins a list of logs: none has a place in it.
func (c *check) fresh() { c.marked++ }

// placeOf is where a log is in the list, next if it wasn't: then it is now.
func (c *check) placeOf(li, next int32) int32 {
	m := &c.marks[li]
	if m.act != c.marked {
		*m = mark{c.marked, next}
	}
	return m.at
}

func (c *check) act(i int32) act {
	op := &c.rows.rows[i]
	return act{op, c.in(op, i), c.fates[i]}
}

// Check decides check B for a whole history, whose operations may be in any order.
func Check(h checker.History) Report {
	return newCheck(h.Header, rowsOf(h)).run()
}

func rowsOf(h checker.History) *rows {
	r := newRows()
	for i := range h.Ops {
		r.add(&h.Ops[i])
	}
	return r
}

func (c *check) run() Report {
	c.report.Ops = c.heard
	c.learn()
	for i := range c.logs {
		c.offsets(int32(i))
	}
	c.reads()
	c.losses()
	c.unseen()
	for _, s := range c.sessions {
		c.polls(s)
		c.sends(s)
	}
	c.insides()
	c.cycles()
	c.groups()
	c.partitions()
	c.lag()
	c.finish()
	return c.report
}

func newCheck(h checker.Header, r *rows) *check {
	c := &check{rows: r, sparse: h.Sparse, retention: h.Retention, counts: map[string]*Count{}}
	c.report.Partitions = []PartitionReport{}
	for _, why := range r.refused {
		c.undecided("%s", why)
	}
	r.sort()
	r.number()
	c.fates, c.marks = make([]fate, len(r.rows)), make([]mark, len(r.logs))
	at := slices.Repeat([]int32{-1}, len(r.peers))
	for i := range r.rows {
		p := r.rows[i].peer
		if at[p] < 0 {
			at[p] = int32(len(c.sessions))
			c.sessions = append(c.sessions, nil)
		}
		c.sessions[at[p]] = append(c.sessions[at[p]], int32(i))
		if r.rows[i].over() != never {
			c.byRet = append(c.byRet, int32(i))
		}
	}
	slices.SortFunc(c.byRet, func(i, j int32) int {
		if a, b := r.rows[i].ret, r.rows[j].ret; a != b {
			return cmp.Compare(a, b)
		}
		return cmp.Compare(i, j)
	})
	return c
}

// partitions counts what the report says of each.
func (c *check) partitions() {
	for _, l := range c.logs {
		p := PartitionReport{Partition: l.name, Records: int64(len(l.offs))}
		for k := range l.values {
			if v := &l.values[k]; v.certain(c) {
				p.Certain++
				if !v.read {
					p.Unread++
				}
			}
		}
		c.report.Partitions = append(c.report.Partitions, p)
	}
}
