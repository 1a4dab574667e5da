package main

import (
	"context"
	"fmt"
	"time"

	"logd/sim"
)

// shorter takes a shorter storm instead, of the same seed or one near it, that ends with the same violation: it has less to take away.
func (a *app) shorter(ctx context.Context, f *shrinkFlags, binary, file string, c *sim.Case, r *shrunk) {
	most := longestSearch
	if f.most > 0 {
		most = min(most, f.most/3)
	}
	timed, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	if terminal(a.err) {
		fmt.Fprintf(a.err, "\r\x1b[K%d decisions; looking for a shorter storm that fails so", len(c.Decisions))
		defer clearLine(a.err, true)
	}
	p := &pool{binary: binary, jobs: f.jobs, limit: f.limit, size: f.size}
	g := *f
	var runs int
	g.seed, g.seconds, runs = p.shortest(timed, f.seed, f.near, f.seconds, func(v *sim.Violation) bool { return v.Signature() == r.violation.Signature() })
	r.runs += runs
	if g.seconds == 0 {
		return
	}
	text, err := a.record(ctx, &g, binary, file)
	if err != nil {
		return // interrupted: there is the longer one
	}
	if short, v, err := a.told(ctx, &g, binary, text); err == nil && v.Signature() == r.violation.Signature() && len(short.Decisions) < len(c.Decisions) {
		*c, r.violation, r.of, r.had = short, v, g.of()+", which fails as "+f.of()+" does", len(short.Decisions)
	}
}

// shortStorms are the lengths in seconds in which a seed is looked for that fails in a given way, nearSeeds of each: what fails after a
// short storm has little to take away. It is looked for no longer than longestSearch.
var shortStorms = [...]int{2, 6, 20}

const (
	nearSeeds     = 25
	longestSearch = time.Minute
)

// shortest is a seed, of some from one on, that fails in a given way in as short a storm as possible, shorter than below; 0 seconds:
// none does. It says how many were run.
func (p pool) shortest(ctx context.Context, from uint64, near, below int, fails func(*sim.Violation) bool) (seed uint64, seconds, runs int) {
	for _, seconds := range shortStorms {
		if seconds >= below {
			break
		}
		p.seconds = seconds
		found := false
		p.run(ctx, seedRange(from, near), func(d seedDone) bool {
			runs++
			if found = d.Violation != nil && fails(d.Violation); found {
				seed = d.Seed
			}
			return !found
		})
		if found {
			return seed, seconds, runs
		}
	}
	return 0, 0, runs
}
