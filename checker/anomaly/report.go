package anomaly

import (
	"fmt"
	"slices"

	"logd/checker"
)

// Report is the verdict of check B on a history.
type Report struct {
	Verdict checker.Verdict `json:"verdict"`
	Ops     int64           `json:"ops"`
	// Counts of the anomalies found, in the order of [Family].
	Counts []Count `json:"counts,omitempty"`
	// Anomalies in that order, at most MaxAnomalies of each name.
	Anomalies []Anomaly `json:"anomalies,omitempty"`
	// Undecided says why the verdict is unknown.
	Undecided []string `json:"undecided,omitempty"`
	// Partitions, by name.
	Partitions []PartitionReport `json:"partitions"`
	// WorstLag is the largest of all; nil if nothing was read.
	WorstLag *Lag `json:"worst_lag,omitempty"`
}

// Count says how many anomalies of a name there are, and how many of these are
// allowed, so that they leave the history valid.
type Count struct {
	Name    string `json:"name"`
	Found   int64  `json:"found"`
	Allowed int64  `json:"allowed,omitempty"`
}

// MaxAnomalies is how many anomalies of a name are reported in full.
const MaxAnomalies = 20

// PartitionReport is what check B knows of a partition.
type PartitionReport struct {
	Partition string `json:"partition"`
	// Records is the number of its known offsets, Certain that of values whose send is certain.
	Records int64 `json:"records"`
	Certain int64 `json:"certain"`
	// Unread counts certain values that no ok read returned. They are anomalies only
	// if reading went past them, or the last poll found nothing more.
	Unread int64 `json:"unread"`
}

// Anomaly is one finding with its evidence.
type Anomaly struct {
	Name      string `json:"name"`
	Partition string `json:"partition,omitempty"` // of a cycle, all of them
	// Allowed says why it doesn't make the history invalid; empty if it does.
	Allowed string `json:"allowed,omitempty"`
	// Explain says in one sentence what contradicts what.
	Explain string `json:"explain"`
	// Offsets and Values are those concerned, as far as known, in the order of Explain.
	Offsets []int64  `json:"offsets,omitempty"`
	Values  []string `json:"values,omitempty"`
	// Delta is by how many indexes a poll or send moved; it should be 1, or for sends at least 1.
	Delta int64 `json:"delta,omitempty"`
	// Class of a loss is prefix, middle or postfix: before, among or behind what was read.
	Class string `json:"class,omitempty"`
	// Nodes has the class of a loss as each client that read the partition sees it.
	Nodes []NodeClass `json:"nodes,omitempty"`
	// Steps of a cycle; the operations are those of Ops, and the last leads to the first.
	Steps []Step `json:"steps,omitempty"`
	// Ops are the operations that suffice to show it.
	Ops []checker.Evidence `json:"ops"`
}

// NodeClass is the class of a loss as a client sees it that read of the partition.
type NodeClass struct {
	Client int64  `json:"client"`
	Class  string `json:"class"`
}

// Step is an edge of a cycle from one operation to the next: ww, wr, process or realtime.
type Step struct {
	Kind      string `json:"kind"`
	Partition string `json:"partition,omitempty"`
	Value     string `json:"value,omitempty"`
	Next      string `json:"next,omitempty"` // of ww: the value that follows Value
}

func (a *Anomaly) String() string {
	s := a.Name
	if a.Partition != "" {
		s += " in " + a.Partition
	}
	if a.Allowed != "" {
		s += " (allowed: " + a.Allowed + ")"
	}
	return s + ": " + a.Explain
}

// found records an anomaly. ops[0] is the operation to blame.
func (c *check) found(a Anomaly, ops ...int32) {
	if len(ops) == 0 {
		panic("invariant B3: " + a.Name + " without an operation")
	}
	n := c.counts[a.Name]
	if n == nil {
		n = &Count{Name: a.Name}
		c.counts[a.Name] = n
	}
	n.Found++
	if a.Allowed != "" {
		n.Allowed++
	}
	if kept := n.Allowed; a.Allowed == "" && n.Found-kept > MaxAnomalies || a.Allowed != "" && kept > MaxAnomalies {
		return
	}
	var told []int32
	for _, i := range ops {
		if i >= 0 && !slices.Contains(told, i) {
			told = append(told, i)
			a.Ops = append(a.Ops, c.evidence(i))
		}
	}
	c.report.Anomalies = append(c.report.Anomalies, a)
}

func (c *check) undecided(format string, args ...any) {
	why := fmt.Sprintf(format, args...)
	if len(c.report.Undecided) < MaxAnomalies && !slices.Contains(c.report.Undecided, why) {
		c.report.Undecided = append(c.report.Undecided, why)
	}
}

// finish sorts what was found and decides.
func (c *check) finish() {
	r := &c.report
	r.Verdict = checker.Valid
	if len(r.Undecided) > 0 {
		r.Verdict = checker.Undecided
	}
	place := map[string]int{}
	for i, d := range Family.Anomalies {
		place[d.Name] = i
		if n := c.counts[d.Name]; n != nil {
			r.Counts = append(r.Counts, *n)
			if n.Found > n.Allowed {
				r.Verdict = checker.Invalid
			}
		}
	}
	slices.SortStableFunc(r.Anomalies, func(a, b Anomaly) int { return place[a.Name] - place[b.Name] })
}

// evidence is the operation as a report shows it.
func (c *check) evidence(i int32) checker.Evidence {
	op := &c.rows.rows[i]
	e := checker.Evidence{ID: op.id, Client: c.peers[op.peer].client, Op: op.kind.String(), Call: op.call, Outcome: op.outcome.String(), Count: int(op.n)}
	if ret := op.ret; op.outcome == checker.OK || op.outcome == checker.Failed && ret != 0 {
		e.Ret = &ret
	}
	off := op.off
	if op.kind != checker.Txn && (op.kind == checker.Read || op.outcome == checker.OK && op.kind <= checker.FetchOffset || op.kind == checker.Commit) {
		e.Off = &off
	}
	return e
}

func (a *act) say() string { return fmt.Sprintf("%s %d", a.op.kind, a.op.id) }

func (c *check) say(i int32) string {
	a := c.act(i)
	return a.say()
}

func (c *check) logName(li int32) string {
	if li < 0 {
		return ""
	}
	return c.logs[li].name
}
