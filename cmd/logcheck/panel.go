package main

import (
	"fmt"
	"io"
	"slices"

	"logd/checker"
)

// panel is the checks of one history, which hear every operation in turn.
type panel struct {
	families []checker.Family
	line     *checker.Checker // check A, nil if it isn't wanted
	judges   []checker.Judge
	optional []bool // by judge
}

func newPanel(families []checker.Family) *panel { return &panel{families: families} }

func (p *panel) begin(h checker.Header) {
	for i := range p.families {
		if p.families[i].Name == checker.Linearizable.Name {
			p.line = checker.New(checker.Options{Sparse: h.Sparse, Retention: h.Retention})
		} else {
			p.judges = append(p.judges, p.families[i].Begin(h))
			p.optional = append(p.optional, p.families[i].Optional)
		}
	}
}

func (p *panel) complete(op *checker.Op) {
	if p.line != nil {
		p.line.Complete(op)
	}
	for _, j := range p.judges {
		j.Complete(op)
	}
}

// finish writes the verdicts into r.
func (p *panel) finish(r *result) {
	r.Verdict = checker.Valid
	if p.line != nil {
		report := p.line.Finish()
		r.Report = &report
		r.Verdict = worse(r.Verdict, report.Verdict)
	}
	for i, j := range p.judges {
		f := j.Finish()
		if p.optional[i] && f.Verdict == checker.Undecided {
			continue // it had nothing to ask, and nobody wanted it to
		}
		r.Checks = append(r.Checks, f)
		r.Verdict = worse(r.Verdict, f.Verdict)
	}
}

// worse is invalid over unknown over valid (K2).
func worse(a, b checker.Verdict) checker.Verdict {
	for _, v := range []checker.Verdict{checker.Invalid, checker.Undecided} {
		if a == v || b == v {
			return v
		}
	}
	return checker.Valid
}

// only reports whether an operation concerns one of the partitions, or none at
// all, such as a crash. Of a transaction it leaves what concerns them.
func only(op *checker.Op, partitions []string) bool {
	if len(partitions) == 0 {
		return true
	}
	if op.Kind == checker.Txn {
		op.Ops = slices.DeleteFunc(op.Ops, func(in checker.Op) bool { return !only(&in, partitions) })
		return len(op.Ops) > 0
	}
	return op.Partition == "" || slices.Contains(partitions, op.Partition)
}

// named has the partitions that operations were on.
type named map[string]bool

func (n named) see(op *checker.Op) {
	if op.Partition != "" {
		n[op.Partition] = true
	}
	for i := range op.Ops {
		n.see(&op.Ops[i])
	}
}

// lacks is an error if one of the partitions was never seen: a misspelt name must not
// pass for a valid log.
func (n named) lacks(partitions []string) error {
	for _, p := range partitions {
		if !n[p] {
			return fmt.Errorf("no operation names the partition %q", p)
		}
	}
	return nil
}

func (c *check) explain(name string) error {
	text, err := explain(name)
	if err != nil {
		return err
	}
	_, err = io.WriteString(c.stdout, text)
	return err
}
