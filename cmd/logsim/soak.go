package main

import (
	"context"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"logd/sim"
)

// soakFlags are those of logsim soak.
type soakFlags struct {
	last    time.Duration
	dir     string
	from    uint64
	seeds   int
	jobs    int
	seconds int
	size    sim.Size
	limit   time.Duration
	twice   bool
	json    bool
	marks   bool
	shrink  time.Duration
}

func newSoak(a *app) *cobra.Command {
	var f soakFlags
	cmd := &cobra.Command{
		Use: "soak", Short: "Run seeds until a time is up, keep those that fail, and print a scorecard", Args: noArgs,
		Long: "Run seeds until a time is up, keep those that fail, and print a scorecard.\n\n" +
			"All that was found is kept in --dir, and the same command goes on where it was interrupted: --for counts the time of all\n" +
			"its runs together. A seed that fails leaves seed-N.txt: what was violated, the world's options, and how to run it again; and\n" +
			"story-N.txt: the least of its run that still fails so, as far as --shrink-for goes ('logsim shrink --from' goes on with it).\n" +
			"Another failure that the shrinking comes by is kept beside it, as story-N.NAME-HASH.txt.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case badWorld(f.seconds, f.size) != nil:
				return badWorld(f.seconds, f.size)
			case f.last <= 0 || f.jobs < 1 || f.seeds < 0 || f.limit <= 0 || f.shrink < 0:
				return fmt.Errorf("%w: --for and --limit are positive, --jobs at least 1, --seeds and --shrink-for not negative", errUsage)
			}
			return a.soak(cmd.Context(), &f)
		},
	}
	fl := cmd.Flags()
	fl.DurationVar(&f.last, "for", time.Hour, "begin no further seed after this time, of all runs of this soak together")
	fl.StringVar(&f.dir, "dir", "soak", "folder of what is kept: made if it is missing, gone on with if it is a soak's")
	fl.Uint64Var(&f.from, "from", 1, "the first seed")
	fl.IntVar(&f.seeds, "seeds", 0, "end after so many seeds; 0: when the time is up")
	fl.IntVar(&f.jobs, "jobs", runtime.NumCPU(), "worker processes")
	fl.IntVar(&f.seconds, "seconds", 60, "simulated seconds under faults")
	fl.IntVar(&f.size.Brokers, "brokers", 0, "so many brokers; 0: as the seed draws")
	fl.IntVar(&f.size.Shards, "shards", 0, "so many shards of each; 0: as the seed draws")
	fl.DurationVar(&f.limit, "limit", 3*time.Minute, "longest time for one seed")
	fl.BoolVar(&f.twice, "twice", false, "run each seed two times and compare the hashes of their traces")
	fl.DurationVar(&f.shrink, "shrink-for", time.Minute, "shrink each seed that fails for so long at the most; 0: don't")
	fl.BoolVar(&f.marks, "marks-must-hit", false, "fail if there is a mark that none of the seeds hit")
	fl.BoolVar(&f.json, "json", false, "print the scorecard as JSON")
	return cmd
}

// saveEvery is how often the state is written; what was done since is done again after a crash.
const saveEvery = 2 * time.Second

// soak runs seeds that its state doesn't have yet. The state is written before the folder says anything else.
func (a *app) soak(ctx context.Context, f *soakFlags) error {
	build, err := fileHash(a.binary)
	if err != nil {
		return err
	}
	if err := nobodysElse(f.dir); err != nil {
		return err
	}
	unlock, err := lockDir(f.dir)
	if err != nil {
		return err
	}
	defer unlock()
	s, err := loadSoak(f, build)
	if err != nil {
		return err
	}
	r := &soakRun{app: a, flags: f, state: s, begun: time.Now(), before: s.Spent, saved: time.Now(), progress: terminal(a.err)}
	if err := r.save(); err != nil { // (C5)
		return fmt.Errorf("soak in %s: %w", f.dir, err)
	}
	if err := r.run(ctx); err != nil {
		return fmt.Errorf("soak in %s: %w", f.dir, err)
	}
	if err := a.scorecard(s, f); err != nil {
		return err
	}
	switch {
	case len(s.Failures) > 0:
		return errInvalid
	case ctx.Err() != nil:
		return fmt.Errorf("%w: interrupted after %v of %v; the same command goes on", errUnfinished, s.Spent.Round(time.Second), f.last)
	case s.Seeds == 0:
		return fmt.Errorf("%w: no seed was run in %v", errUnfinished, f.last)
	case f.marks && len(s.missed()) > 0:
		return errInvalid
	}
	return nil
}

// soakRun is one run of a soak.
type soakRun struct {
	app      *app
	flags    *soakFlags
	state    *soakState
	begun    time.Time
	before   time.Duration // spent by earlier runs
	saved    time.Time
	progress bool
}

// run shrinks what an earlier run was interrupted before, and goes on with the seeds.
func (r *soakRun) run(ctx context.Context) error {
	if err := r.shrinkAll(ctx); err != nil {
		return err
	}
	f := r.flags
	p := &pool{binary: r.app.binary, jobs: f.jobs, seconds: f.seconds, twice: f.twice, limit: f.limit, size: f.size}
	var failed error
	p.run(ctx, r.state.todo(f, r.left), func(d seedDone) bool {
		failed = r.done(ctx, &d)
		return failed == nil
	})
	clearLine(r.app.err, r.progress)
	if failed == nil {
		failed = r.save()
	}
	return failed
}

func (r *soakRun) left() time.Duration { return r.flags.last - r.before - time.Since(r.begun) }

func (r *soakRun) save() error {
	r.saved, r.state.Spent = time.Now(), r.before+time.Since(r.begun)
	return r.state.save(r.flags.dir)
}

// done takes the result of a seed.
func (r *soakRun) done(ctx context.Context, d *seedDone) (err error) {
	r.state.add(d)
	if d.Violation != nil {
		clearLine(r.app.err, r.progress)
		fmt.Fprintf(r.app.err, "seed %d: %s\n", d.Seed, firstLine(d.Violation.String()))
		err = keep(r.flags, d)
	}
	if err == nil && (d.Violation != nil || time.Since(r.saved) > saveEvery) {
		err = r.save()
	}
	if err == nil && d.Violation != nil {
		err = r.shrinkAll(ctx)
	}
	if r.progress {
		fmt.Fprintf(r.app.err, "\r\x1b[K%d seeds, %d failed, %s left", r.state.Seeds, len(r.state.Failures), max(0, r.left()).Round(time.Second))
	}
	return err
}

// shrinkAll leaves a story of each seed that failed and has none. What can't be shrunk, such as a worker that died, says why.
func (r *soakRun) shrinkAll(ctx context.Context) error {
	for i := range r.state.Failures {
		v := &r.state.Failures[i]
		if r.flags.shrink == 0 || v.Decisions > 0 || v.NotShrunk != "" || ctx.Err() != nil {
			continue
		}
		story := filepath.Join(r.flags.dir, fmt.Sprintf("story-%d.txt", v.Seed))
		got, err := r.shrink(ctx, v.Seed, story)
		switch {
		case err == nil:
			if ctx.Err() == nil {
				v.Decisions = got.has // else the next run goes on with it
			}
			if err = writeAtomically(story, []byte(got.story)); err == nil {
				clearLine(r.app.err, r.progress)
				err = r.app.keepMet(got.met, strings.TrimSuffix(story, ".txt"), "", fmt.Sprintf("seed %d", v.Seed))
			}
		case ctx.Err() == nil:
			v.NotShrunk, err = firstLine(err.Error()), nil
		default:
			err = nil // interrupted before there was anything
		}
		if err == nil {
			err = r.save()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// shrink goes on with the story of an earlier run that was interrupted, if there is one.
func (r *soakRun) shrink(ctx context.Context, seed uint64, story string) (shrunk, error) {
	f := r.flags
	s := &shrinkFlags{seed: seed, seconds: f.seconds, size: f.size, jobs: f.jobs, limit: f.limit, most: f.shrink}
	if _, err := os.Stat(story); err == nil {
		s.from = story
	}
	return r.app.shrinkSeed(ctx, s, r.app.binary)
}

// todo are the seeds that are not done, until there are enough or the time is up.
func (s *soakState) todo(f *soakFlags, left func() time.Duration) iter.Seq[uint64] {
	done, next := s.done(), s.Next
	return func(yield func(uint64) bool) {
		for seed := next; left() > 0 && (f.seeds == 0 || seed-s.From < uint64(f.seeds)); seed++ {
			if !done[seed] && !yield(seed) {
				return
			}
		}
	}
}

// keep writes a failing seed down.
func keep(f *soakFlags, d *seedDone) error {
	opt := sim.DrawSized(d.Seed, time.Duration(f.seconds)*time.Second, f.size)
	text := fmt.Sprintf("%s\n%s\n%s\n\nseed=%d %s\n", d.Violation, d.Line(), hints(d.Seed, f.seconds, f.size), d.Seed, opt.String())
	return writeAtomically(filepath.Join(f.dir, fmt.Sprintf("seed-%d.txt", d.Seed)), []byte(text))
}
