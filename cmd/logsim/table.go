package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
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

// seen is how many seeds came by something that each counts, and how often all together did.
func seen(results []sim.Result, count func(*sim.Result) int64) (seeds int, sum int64) {
	for i := range results {
		if n := count(&results[i]); n > 0 {
			seeds, sum = seeds+1, sum+n
		}
	}
	return seeds, sum
}

// printFaults prints how often each kind of fault was drawn, and the story that shows one: what the budget doesn't allow, or what there
// is no broker for, is drawn all the same, and the counts above say what came of it.
func printFaults(w io.Writer, results []sim.Result) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "fault\tof 1000 seeds\tin all\tstory")
	var never []string
	for kind := range sim.Faults {
		seeds, sum := seen(results, func(r *sim.Result) int64 { return r.Faults[kind] })
		if seeds == 0 {
			never = append(never, sim.FaultName(kind))
			continue
		}
		fmt.Fprintf(t, "%s\t%d\t%d\t%s\n", sim.FaultName(kind), perMille(seeds, len(results)), sum, sim.FaultStory(kind))
	}
	t.Flush()
	if len(never) > 0 && len(results) > 0 {
		fmt.Fprintf(w, "not drawn: %s\n", strings.Join(never, ", "))
	}
}

// perMille is n of a thousand of all, rounded.
func perMille(n, all int) int { return (n*1000 + all/2) / max(1, all) }
