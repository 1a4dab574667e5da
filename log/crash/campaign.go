package crash

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"time"
)

// Config says how far to go.
type Config struct {
	States      int // distinct ones, at least; rounds over all scripts go on until there are as many
	PerBoundary int // most states of a boundary where not all choices are tried, up to [MaxStates]; 0: by States
	Seed        uint64
	Jobs        int    // workers
	Only        string // a script's name, or ""
	Rounds      int    // at least so many, 0: each order that is not drawn, and one that is
	// Progress, if given, is called after each run, by one goroutine at a time.
	Progress func(Report)
}

// Report is what was found so far.
type Report struct {
	Rows      []Row      `json:"-"`
	Runs      int        `json:"runs"`
	Rounds    int        `json:"rounds"` // whole ones, of all scripts
	Bounds    int        `json:"boundaries"`
	Most      int        `json:"per_boundary"`
	States    int        `json:"states"` // images, equal ones included
	Distinct  int        `json:"distinct"`
	Seconds   float64    `json:"seconds"`
	Violation *Violation `json:"violation"`
	Cut       bool       `json:"cut"` // it was interrupted
}

// Names returns the names of all workloads.
func Names() []string {
	names := []string{whatFormat}
	for i := range Scripts {
		names = append(names, Scripts[i].Name)
	}
	return names
}

// Known says whether a name, if not empty, is one of [Names].
func Known(name string) bool { return name == "" || slices.Contains(Names(), name) }

// rounds is the fewest rounds.
func (c *Config) rounds() int {
	if c.Rounds > 0 {
		return c.Rounds
	}
	return int(Drawn) + 1
}

// perBoundary chooses how many states of a boundary are tried, so that some rounds make up the number wanted.
func (c *Config) perBoundary() int {
	if c.PerBoundary > 0 {
		return min(c.PerBoundary, MaxStates)
	}
	return min(max(c.States/1500, 48), MaxStates)
}

// tasks returns the runs of one round.
func (c *Config) tasks(round int) []task {
	var all []task
	for i := range Scripts {
		if s := &Scripts[i]; c.Only == "" || c.Only == s.Name {
			all = append(all, task{script: s, order: Order(round), seed: c.Seed, limit: c.perBoundary()})
		}
	}
	if c.Only == "" || c.Only == whatFormat {
		all = append(all, task{order: Order(round), seed: c.Seed + uint64(round), limit: c.perBoundary()})
	}
	return all
}

// Go runs rounds until there are as many distinct states as wanted, a violation is found, or ctx ends. Whatever the number
// of workers, the report is the same but for its seconds (X1), unless ctx ended.
func (c Config) Go(ctx context.Context) Report {
	begun := time.Now()
	// Each recovery takes several times what is alive here. Room that is never touched makes the collector wait until there
	// is something to collect.
	ballast := make([]byte, 64<<20)
	defer runtime.KeepAlive(ballast)
	m := newMemo()
	r := Report{Most: c.perBoundary()}
	seen := map[uint64]bool{}
	for round := 0; ctx.Err() == nil && r.Violation == nil && (round < c.rounds() || r.Distinct < c.States); round++ {
		before := r.Distinct
		c.round(ctx, m, round, func(d done) bool {
			r.add(d, seen)
			r.Seconds = time.Since(begun).Seconds()
			if c.Progress != nil {
				c.Progress(r)
			}
			return r.Violation == nil
		})
		if ctx.Err() == nil {
			r.Rounds++
		}
		if r.Distinct == before && round >= c.rounds() {
			break // nothing is left to be found
		}
	}
	r.Cut = ctx.Err() != nil
	r.Seconds = time.Since(begun).Seconds()
	return r
}

// add merges a run.
func (r *Report) add(d done, seen map[uint64]bool) {
	r.Runs++
	at := make([]int, len(d.rows))
	for i, row := range d.rows {
		at[i] = -1
		for k := range r.Rows {
			if is := &r.Rows[k]; is.What == row.What && is.Kind == row.Kind && is.Lane == row.Lane && is.Done == row.Done {
				at[i] = k
			}
		}
		if at[i] < 0 {
			at[i] = len(r.Rows)
			r.Rows = append(r.Rows, Row{What: row.What, Kind: row.Kind, Lane: row.Lane, Done: row.Done})
		}
		is := &r.Rows[at[i]]
		is.Boundaries += row.Boundaries
		is.States += row.States
		r.Bounds += row.Boundaries
		r.States += row.States
	}
	for _, s := range d.fresh {
		if !seen[s.key] {
			seen[s.key] = true
			r.Rows[at[s.row]].Distinct++
			r.Distinct++
		}
	}
	if r.Violation == nil {
		r.Violation = d.found
	}
}

// round runs the tasks of a round by some workers, and gives what they found to each, in the order of the tasks, until it
// says no. A run that was cut short by that, or by ctx, is given too if it is next.
func (c *Config) round(ctx context.Context, m *memo, round int, each func(done) bool) {
	tasks := c.tasks(round)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	results := make([]chan done, len(tasks))
	next := make(chan int, len(tasks))
	for i := range tasks {
		results[i] = make(chan done, 1)
		next <- i
	}
	close(next)
	var workers sync.WaitGroup
	defer workers.Wait()
	defer cancel()
	for range max(c.Jobs, 1) {
		workers.Go(func() {
			for i := range next {
				results[i] <- tasks[i].run(m, func() bool { return ctx.Err() != nil })
			}
		})
	}
	for i := range tasks {
		if d := <-results[i]; !each(d) {
			return
		}
	}
}
