package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"logd/sim"
)

// scorecard prints what a soak has come to, over all its runs.
func (a *app) scorecard(s *soakState, f *soakFlags) error {
	if f.json {
		e := json.NewEncoder(a.out)
		e.SetIndent("", "\t")
		return e.Encode(s)
	}
	t := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	row := func(what string, format string, args ...any) {
		fmt.Fprintf(t, "%s\t%s\n", what, fmt.Sprintf(format, args...))
	}
	count := func(c sim.Count) int64 { return s.Sum.Counts[c.String()] }
	row("program", "%.12s%s", s.Build, version())
	row("seeds", "%d, from %d", s.Seeds, s.From)
	row("simulated", "%.3g years, %.0f seconds", s.Sum.Simulated.Hours()/(24*365.25), s.Sum.Simulated.Seconds())
	row("time", "%s, %.0f simulated seconds per second and worker", s.Spent.Round(time.Millisecond), s.Sum.Simulated.Seconds()/max(s.Busy.Seconds(), 1e-9))
	row("events", "%d", s.Sum.Events)
	row("acknowledged records", "%d in %d appends", count(sim.CountAckedRecords), count(sim.CountAcked))
	row("records read", "%d in %d reads", count(sim.CountRecordsRead), count(sim.CountReads))
	row("elections", "%d", count(sim.CountElections))
	row("good copies seen", "%d", count(sim.CountCopies))
	for c := sim.CountLeft; c <= sim.CountLeftPaused; c++ {
		row(c.String(), "%d", count(c))
	}
	row("budget stops", "%d", count(sim.CountBudgetStops))
	for _, kind := range slices.Sorted(maps.Keys(s.Sum.Faults)) {
		row("fault: "+kind, "%d", s.Sum.Faults[kind])
	}
	for _, name := range slices.Sorted(maps.Keys(s.Sum.Marks)) {
		row("mark: "+name, "%.0f of 1000 seeds", float64(s.Sum.Marks[name])*1000/float64(max(1, s.Seeds)))
	}
	row("violations", "%d", len(s.Failures))
	for _, v := range s.Failures {
		row(fmt.Sprintf("  seed %d", v.Seed), "%s (seed-%d.txt%s)", firstLine(v.Violation.String()), v.Seed, v.shrunk())
	}
	if err := t.Flush(); err != nil {
		return err
	}
	missed := s.missed()
	printMissed(a.out, missed, s.Seeds)
	switch {
	case len(s.Failures) > 0:
		fmt.Fprintf(a.out, "INVALID %d of %d seeds; see %s\n", len(s.Failures), s.Seeds, f.dir)
	case f.marks && len(missed) > 0:
		fmt.Fprintf(a.out, "INVALID %d marks were never hit in %d seeds\n", len(missed), s.Seeds)
	default:
		fmt.Fprintf(a.out, "valid %d seeds from %d\n", s.Seeds, s.From)
	}
	return nil
}

// missed are the marks that no seed came by.
func (s *soakState) missed() (missed []sim.Mark) {
	for m := range sim.Marks {
		if s.Sum.Marks[m.Name()] == 0 {
			missed = append(missed, m)
		}
	}
	return missed
}

// shrunk says what came of shrinking it.
func (v *soakFailure) shrunk() string {
	switch {
	case v.Decisions > 0:
		return fmt.Sprintf("; %d decisions in story-%d.txt", v.Decisions, v.Seed)
	case v.NotShrunk != "":
		return "; not shrunk: " + v.NotShrunk
	}
	return ""
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
