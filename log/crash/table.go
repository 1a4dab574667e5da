package crash

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
)

// Print prints the table: what, kind of operation, lane, boundaries, states, distinct ones; the last line sums up.
func (r *Report) Print(w io.Writer) {
	rows := slices.Clone(r.Rows)
	order := map[string]int{whatFormat: 0, whatStart: 1, whatWork: 2, whatRecovery: 3, whatLife: 4}
	slices.SortFunc(rows, func(a, b Row) int {
		return cmp.Or(cmp.Compare(order[a.What], order[b.What]), cmp.Compare(b.Lane, a.Lane), cmp.Compare(b2u(a.Done), b2u(b.Done)), cmp.Compare(a.Kind, b.Kind))
	})
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "crash in\toperation\tlane\tboundaries\tstates\tdistinct")
	for _, row := range rows {
		kind := row.Kind.String()
		if row.Done {
			kind = "completion of " + kind
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%d\t%d\n", row.What, kind, row.Lane, row.Boundaries, row.States, row.Distinct)
	}
	fmt.Fprintf(t, "all\t\t\t%d\t%d\t%d\n", r.Bounds, r.States, r.Distinct)
	t.Flush()
	fmt.Fprintf(w, "%d distinct states of %d at %d boundaries, at most %d of one where not all choices (%d) are tried; %d runs, %d rounds, %.1f s\n",
		r.Distinct, r.States, r.Bounds, r.Most, MaxStates, r.Runs, r.Rounds, r.Seconds)
}
