package main

import (
	"context"
	"slices"
	"time"

	"logd/sim"
)

// shrinker takes away from a case, for as long as what is left ends with the same verdict (C6). It tries several candidates at once and
// goes on with the first of them that does: so its result follows from the number of jobs, not from their speed.
type shrinker struct {
	best  sim.Case
	jobs  int
	keeps func(context.Context, []sim.Case) int // which of them, the first, ends with the verdict; -1 if none does
	runs  int
	say   func() // after each round of candidates
	again int    // how often a candidate is tried with other chances
}

// shrink ends when nothing can be taken away any more, or when ctx does. What takes most away for one run comes first: a short stretch of
// time, whole kinds of decisions and whole clients, a calmer world (which is quicker to tell), and chunks, large ones first. Single
// words are looked at once few decisions are left.
func (s *shrinker) shrink(ctx context.Context) {
	s.loose(ctx)
	s.last(ctx)
	for again := 1; ctx.Err() == nil && len(s.best.Decisions) > few; {
		before := len(s.best.Decisions)
		if s.again = again; again == 1 {
			s.kinds(ctx)
			s.worlds(ctx)
		}
		s.chunks(ctx, (len(s.best.Decisions)+coarse-1)/coarse)
		switch much := len(s.best.Decisions)*4 <= before*3; {
		case much:
			again = 1
		case again < mostAgain: // what fails by a race, fails with other chances
			again *= 4
		default: // whatever is left hangs together, or is scattered
			s.again = 0
			s.chunks(ctx, 1)
			s.fine(ctx)
			return
		}
	}
	s.fine(ctx)
}

// fine takes single words away, for as long as there are any.
func (s *shrinker) fine(ctx context.Context) {
	for ctx.Err() == nil {
		before := s.best.Story("", nil)
		s.again = 0
		s.kinds(ctx)
		s.arguments(ctx, true) // a place that is said in words needs nothing that leads up to its byte
		if len(s.best.Decisions) <= few {
			s.again = tries
		}
		s.chunks(ctx, 1)
		s.again = 0
		s.dare(ctx)
		s.options(ctx)
		s.arguments(ctx, false)
		s.times(ctx)
		if s.best.Story("", nil) == before {
			return
		}
	}
}

// loose has the decisions hang together less.
func (s *shrinker) loose(ctx context.Context) {
	s.again = 1
	for _, c := range s.best.Loose() {
		if s.first(ctx, []sim.Case{c}) >= 0 {
			return
		}
	}
}

// dare makes a change that takes nothing away, and keeps it if much can be taken away then.
func (s *shrinker) dare(ctx context.Context) {
	for i := 0; len(s.best.Decisions) > handful && ctx.Err() == nil; i++ {
		was, all := s.best, s.best.Denser()
		if i >= len(all) {
			return
		}
		if s.first(ctx, all[i:i+1]) < 0 {
			continue
		}
		if s.chunks(ctx, 1); len(s.best.Decisions)*10 > len(was.Decisions)*9 {
			s.best = was
		}
	}
}

// few decisions are worth other chances: tries of them for each candidate. More of them are tried for the last stretch of a run,
// which leaves most of it out. Of many decisions no less is taken away at once than one part in coarse.
// A handful is good enough not to change anything for.
const (
	few       = 80
	handful   = 12
	tries     = 4
	mostAgain = 16
	lastTries = 6
	coarse    = 32
)

// last keeps the last stretch of the run only, a short one if that does.
func (s *shrinker) last(ctx context.Context) {
	if len(s.best.Decisions) <= few {
		return
	}
	s.again = lastTries
	for _, stretch := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second} {
		for _, letIn := range []bool{false, true} {
			if c := s.best.Last(stretch, letIn); len(c.Decisions) < len(s.best.Decisions) && s.first(ctx, []sim.Case{c}) >= 0 {
				return
			}
		}
	}
}

// first tries candidates in order, some at once, and goes on with the first that keeps the verdict, by its own chances or by others.
func (s *shrinker) first(ctx context.Context, candidates []sim.Case) int {
	n := len(candidates)
	for k := range s.again {
		for i := range n {
			candidates = append(candidates, candidates[i].Again(uint64(k+1)))
		}
	}
	if i := s.try(ctx, candidates); i >= 0 {
		return i % n
	}
	return -1
}

func (s *shrinker) try(ctx context.Context, candidates []sim.Case) int {
	for from := 0; from < len(candidates) && ctx.Err() == nil; from += s.jobs {
		some := candidates[from:min(from+s.jobs, len(candidates))]
		s.runs += len(some)
		i := s.keeps(ctx, some)
		if i >= 0 {
			s.best = some[i]
		}
		s.say()
		if i >= 0 {
			return from + i
		}
	}
	return -1
}

// kinds takes away all decisions of a kind at once, those first of which there are most; and all of a client.
func (s *shrinker) kinds(ctx context.Context) {
	for _, of := range []func(d *sim.Decision) string{
		func(d *sim.Decision) string { return d.Words[0] },
		(*sim.Decision).Verb,
		func(d *sim.Decision) string {
			if d.Words[0] == "client" {
				return d.Words[1]
			}
			return ""
		},
	} {
		count := map[string]int{}
		var kinds []string
		for i := range s.best.Decisions {
			kind := of(&s.best.Decisions[i])
			if count[kind]++; count[kind] == 1 && kind != "" {
				kinds = append(kinds, kind)
			}
		}
		slices.SortStableFunc(kinds, func(a, b string) int { return count[b] - count[a] })
		for _, kind := range kinds {
			s.first(ctx, []sim.Case{s.best.Without(func(_ int, d *sim.Decision) bool { return of(d) == kind })})
		}
	}
}

// chunks is delta debugging: it takes away halves, quarters and so on, down to chunks of least decisions.
func (s *shrinker) chunks(ctx context.Context, least int) {
	for size := (len(s.best.Decisions) + 1) / 2; size >= max(1, least) && ctx.Err() == nil; size /= 2 {
		for at := 0; at < len(s.best.Decisions) && ctx.Err() == nil; {
			var candidates []sim.Case
			for k := range s.jobs {
				if from := at + k*size; from < len(s.best.Decisions) {
					candidates = append(candidates, s.best.Without(func(i int, _ *sim.Decision) bool { return i >= from && i < from+size }))
				}
			}
			if i := s.first(ctx, candidates); i >= 0 {
				at += i * size
			} else {
				at += len(candidates) * size
			}
		}
	}
}

// worlds makes the world calmer at one blow, as calm as that is possible.
func (s *shrinker) worlds(ctx context.Context) {
	const boldest = 9 // of all that Calmer returns, these change more than one option
	candidates := s.best.Calmer()
	s.first(ctx, candidates[:min(boldest, len(candidates))])
}

// options makes the world calmer and smaller.
func (s *shrinker) options(ctx context.Context) {
	for tried := 0; ctx.Err() == nil; {
		candidates := s.best.Calmer()
		i := s.first(ctx, candidates[min(tried, len(candidates)):])
		if i < 0 {
			return
		}
		tried += i // those before it failed, and most often would again
	}
}

// arguments has decisions say less: those that are faults, or all.
func (s *shrinker) arguments(ctx context.Context, faults bool) {
	for i := 0; i < len(s.best.Decisions) && ctx.Err() == nil; {
		if verb := s.best.Decisions[i].Words[0]; faults && (verb == "client" || verb == "envelope") || s.first(ctx, s.best.Simpler(i)) < 0 {
			i++
		}
	}
}

// times has everything happen sooner, and at rounder times.
func (s *shrinker) times(ctx context.Context) {
	for i := 0; i < len(s.best.Decisions) && ctx.Err() == nil; i++ {
		for s.first(ctx, []sim.Case{s.best.Sooner(i, false), s.best.Sooner(i, true)}) > 0 && s.gap(i) > 10*time.Millisecond {
			continue
		}
	}
	for i := range s.best.Decisions {
		var candidates []sim.Case
		for _, to := range []time.Duration{100 * time.Millisecond, 10 * time.Millisecond, time.Millisecond, 100 * time.Microsecond, time.Microsecond} {
			if c, ok := s.best.Rounder(i, to); ok {
				candidates = append(candidates, c)
			}
		}
		s.first(ctx, candidates)
	}
}

func (s *shrinker) gap(i int) time.Duration {
	if i == 0 {
		return s.best.Decisions[0].At
	}
	return s.best.Decisions[i].At - s.best.Decisions[i-1].At
}
