package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"logd/sim"
)

// printMarks prints how often seeds came by each rare place, and returns those that none came by.
func printMarks(w io.Writer, results []sim.Result) (missed []sim.Mark) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "mark\tof 1000 seeds\tin all\twhat happened")
	for m := range sim.Marks {
		seeds, sum := seen(results, func(r *sim.Result) int64 { return r.Marks[m] })
		if seeds == 0 {
			missed = append(missed, m)
			continue
		}
		fmt.Fprintf(t, "%s\t%d\t%d\t%s\n", m.Name(), perMille(seeds, len(results)), sum, m)
	}
	t.Flush()
	return missed
}

// printMissed says loudly which marks none of so many seeds hit, and which faults no run has.
func printMissed(w io.Writer, missed []sim.Mark, seeds int) {
	for _, m := range missed {
		fmt.Fprintf(w, "NEVER HIT in %d seeds: mark %s: %s\n", seeds, m.Name(), m)
	}
	for _, what := range sim.MissingFaults {
		fmt.Fprintf(w, "NOT INJECTED: %s\n", what)
	}
}
