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
	op   *checker.Op
	in   []checker.Op // the operations of a transaction, or op itself
	fate fate
}

// never is the return of what has none.
const never = int64(math.MaxInt64)

// ret is when the act was known to be over, or never (B2).
func (a *act) ret() int64 {
	if a.op.Outcome == checker.Unknown || a.op.Outcome == 0 {
		return never
	}
	return a.op.Ret
}

func (a *act) ok() bool { return a.op.Outcome == checker.OK }

// check is one run of check B.
type check struct {
	sparse, retention bool

	acts   []act  // by Call (B1)
	logs   []*log // by name
	byName map[string]int32
	// sessions are the acts of each, in order, ordered by the first.
	sessions [][]int32
	counts   map[string]*Count
	report   Report
}

// Check decides check B for a whole history, whose operations may be in any order.
func Check(h checker.History) Report {
	c := newCheck(h)
	c.report.Ops = int64(len(h.Ops))
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

func newCheck(h checker.History) *check {
	c := &check{sparse: h.Sparse, retention: h.Retention, byName: map[string]int32{}, counts: map[string]*Count{}}
	c.report.Partitions = []PartitionReport{}
	for i := range h.Ops {
		op := &h.Ops[i]
		if err := op.Validate(); err != nil {
			c.undecided("%v", err)
			continue
		}
		if op.Kind == checker.Fault {
			continue
		}
		a := act{op: op, in: h.Ops[i : i+1]}
		if op.Kind == checker.Txn {
			a.in = op.Ops
		}
		c.acts = append(c.acts, a)
	}
	slices.SortStableFunc(c.acts, func(a, b act) int {
		return cmp.Or(cmp.Compare(a.op.Call, b.op.Call), cmp.Compare(a.ret(), b.ret()), cmp.Compare(a.op.ID, b.op.ID))
	})
	type session struct{ client, session int64 }
	at := map[session]int{}
	for i := range c.acts {
		key := session{c.acts[i].op.Client, c.acts[i].op.Session}
		k, ok := at[key]
		if !ok {
			k = len(c.sessions)
			at[key] = k
			c.sessions = append(c.sessions, nil)
		}
		c.sessions[k] = append(c.sessions[k], int32(i))
	}
	c.name()
	return c
}

// name makes a log for each partition, in the order of the names.
func (c *check) name() {
	var names []string
	add := func(p string) {
		if _, ok := c.byName[p]; !ok && p != "" {
			c.byName[p] = 0
			names = append(names, p)
		}
	}
	for i := range c.acts {
		for k := range c.acts[i].in {
			add(c.acts[i].in[k].Partition)
		}
		for _, p := range c.acts[i].op.Parts {
			add(p)
		}
	}
	slices.Sort(names)
	for i, p := range names {
		c.byName[p] = int32(i)
		c.logs = append(c.logs, newLog(p))
	}
}

// partitions counts what the report says of each.
func (c *check) partitions() {
	for _, l := range c.logs {
		p := PartitionReport{Partition: l.name, Records: int64(len(l.offs))}
		for k := range l.values {
			if v := &l.values[k]; v.certain(c) {
				p.Certain++
				if v.reader < 0 {
					p.Unread++
				}
			}
		}
		c.report.Partitions = append(c.report.Partitions, p)
	}
}
