package main

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"logd/checker"
)

// table is a result for people.
func (r *result) table() string {
	var b strings.Builder
	if r.Report == nil {
		fmt.Fprintf(&b, "%s: %v\n", r.File, r.Verdict)
	} else {
		r.linearizable(&b)
	}
	for i := range r.Checks {
		findings(&b, &r.Checks[i])
	}
	for _, o := range r.Opinions {
		fmt.Fprintf(&b, "%s\n", opinionLine(o.Method, o.Verdict, o.Why))
	}
	if r.Disagree {
		b.WriteString("the opinions disagree: one of the checkers is wrong; please keep this history\n")
	}
	return b.String()
}

// linearizable is what check A says.
func (r *result) linearizable(b *strings.Builder) {
	fmt.Fprintf(b, "%s: %v (%d operations, %d faults)\n", r.File, r.Verdict, r.Ops, r.Faults)
	for _, why := range r.Undecided {
		fmt.Fprintf(b, "  unknown: %s\n", why)
	}
	if len(r.Partitions) > 0 {
		r.counts(b)
	}
	for i := range r.Partitions {
		r.details(b, &r.Partitions[i])
	}
}

// findings is what another check says: a line, its figures, its violations.
func findings(b *strings.Builder, f *checker.Findings) {
	fmt.Fprintf(b, "%s: %v, %d violations\n", f.Family, f.Verdict, f.Found)
	if len(f.Figures) > 0 {
		figures(b, f.Figures)
	}
	found(b, string(f.Family), f.Violations, f.Found, f.Undecided)
}

// found says what was found of something, and what wasn't decided.
func found(b *strings.Builder, of string, violations []checker.Violation, all int64, undecided []string) {
	for i := range violations {
		v := &violations[i]
		fmt.Fprintf(b, "%s\n", v)
		for _, op := range v.Ops {
			fmt.Fprintf(b, "    %s\n", evidenceLine(op))
		}
	}
	if more := all - int64(len(violations)); more > 0 {
		fmt.Fprintf(b, "%s: %d more violations\n", of, more)
	}
	for _, why := range undecided {
		fmt.Fprintf(b, "%s: unknown: %s\n", of, why)
	}
}

func figures(b *strings.Builder, all []checker.Figure) {
	w := tabwriter.NewWriter(b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "\t")
	for _, f := range all {
		if f.Row != all[0].Row {
			break
		}
		fmt.Fprintf(w, "%s\t", f.Column)
	}
	for i, f := range all {
		if i == 0 || f.Row != all[i-1].Row {
			fmt.Fprintf(w, "\n%s\t", f.Row)
		}
		fmt.Fprintf(w, "%d\t", f.Value)
	}
	fmt.Fprintln(w)
	w.Flush() // to a strings.Builder, which cannot fail
}

func opinionLine(method string, v checker.Verdict, why string) string {
	switch {
	case v == checker.Undecided:
		return fmt.Sprintf("%s has no opinion: %s", method, why)
	case why != "":
		return fmt.Sprintf("%s says %v: %s", method, v, why)
	}
	return fmt.Sprintf("%s says %v", method, v)
}

func (r *result) counts(b *strings.Builder) {
	w := tabwriter.NewWriter(b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "partition\tverdict\tlength\tappends ok\tunknown\tfail\treads\ttails\tupper bounds\tunread\tviolations\t")
	for _, p := range r.Partitions {
		fmt.Fprintf(w, "%s\t%v\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t\n", p.Partition, p.Verdict, p.Length,
			p.AppendsOK, p.AppendsUnknown, p.AppendsFailed, p.Reads, p.Tails, p.UpperBounds, p.Unread, p.Found)
	}
	w.Flush() // to a strings.Builder, which cannot fail
}

func (r *result) details(b *strings.Builder, p *checker.PartitionReport) {
	found(b, p.Partition, p.Violations, p.Found, p.Undecided)
}

func evidenceLine(e checker.Evidence) string {
	line := fmt.Sprintf("%s %d, client %d, called %d, ", e.Op, e.ID, e.Client, e.Call)
	if e.Ret != nil {
		line += fmt.Sprintf("returned %d: %s", *e.Ret, e.Outcome)
	} else {
		line += e.Outcome
	}
	switch {
	case e.Op == checker.Tail.String():
		return line + fmt.Sprintf(", length %d", *e.Off)
	case e.Op == checker.Trim.String() || e.Op == checker.Start.String():
		return line + fmt.Sprintf(", begins at offset %d", *e.Off)
	case e.Op == checker.Read.String():
		return line + fmt.Sprintf(", %d values from offset %d", e.Count, *e.Off)
	case e.Off != nil:
		return line + fmt.Sprintf(", %d values at offset %d", e.Count, *e.Off)
	}
	return line + fmt.Sprintf(", %d values", e.Count)
}
