package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"logd/sim"
)

// printCounts prints what happened, per kind: of one seed, or the spread over many.
func printCounts(w io.Writer, results []sim.Result) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	if len(results) > 1 {
		fmt.Fprintln(t, "per seed\tleast\tmedian\tmost\tin all\t")
	}
	for c := range sim.Counts {
		var all []int64
		sum := int64(0)
		for i := range results {
			all = append(all, results[i].Counts[c])
			sum += results[i].Counts[c]
		}
		slices.Sort(all)
		switch {
		case len(all) == 1:
			fmt.Fprintf(t, "%s\t%d\t\n", c, sum)
		case len(all) > 1:
			fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t\n", c, all[0], all[len(all)/2], all[len(all)-1], sum)
		}
	}
	t.Flush()
}
