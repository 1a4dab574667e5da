package main

import (
	"context"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
)

type mutantFlags struct {
	only    []string
	dir     string
	write   string
	build   string
	seeds   int
	from    uint64
	jobs    int
	seconds int
	limit   time.Duration
	states  int
	starts  int
	quick   bool
	shrunk  string
	most    time.Duration // to shrink one seed; 0: none is

	workers int // processes for one mutant
}

func newMutants(a *app) *cobra.Command {
	var f mutantFlags
	cmd := &cobra.Command{
		Use: "mutants", Short: "Put known bugs back and show that seeds, or crash states, find them", Args: noArgs,
		Long: "Put known bugs back, one at a time, and show that the check that each file names finds them.\n\n" +
			"--jobs mutants are hunted at once, each by one process; a single one, by --jobs processes. A story that a seed was shrunk to,\n" +
			"NAME.txt in --shrunk, must show the mutant, too; with --quick it does so instead of seeds. With --shrink-for, seeds that have no\n" +
			"such story are shrunk to one, once all mutants were hunted and the table is written: interrupted, the command goes on with those\n" +
			"that are missing. With --starts each mutant is hunted from several first seeds, and the table has the medians.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case badSeconds(f.seconds) != nil:
				return badSeconds(f.seconds)
			case cmd.Flags().Changed("only") && (len(f.only) == 0 || slices.Contains(f.only, "")):
				return fmt.Errorf("%w: --only names none", errUsage)
			case f.limit <= 0 || f.most < 0:
				return fmt.Errorf("%w: --limit is %v, and more than 0; --shrink-for is %v, and at least 0", errUsage, f.limit, f.most)
			case f.seeds < 1 || f.jobs < 1 || f.seconds < 1 || f.states < 1 || f.starts < 1:
				return fmt.Errorf("%w: --seeds, --jobs, --seconds, --states and --starts are at least 1", errUsage)
			case f.quick && (f.starts > 1 || f.most > 0):
				return fmt.Errorf("%w: --quick runs no seeds where it can, and --starts and --shrink-for need them", errUsage)
			}
			if f.build != "" && len(f.only) != 1 {
				return fmt.Errorf("%w: --build goes with --only", errUsage)
			}
			return a.mutants(cmd.Context(), &f)
		},
	}
	fl := cmd.Flags()
	fl.StringSliceVar(&f.only, "only", nil, "the mutants of these names, with commas between")
	fl.StringVar(&f.dir, "dir", filepath.Join("testdata", "mutants"), "folder of the mutants, below the module's")
	fl.StringVar(&f.write, "write", "", "also write the table to this file; rows of mutants that are not hunted stay")
	fl.StringVar(&f.build, "build", "", "only build the one of --only, in this folder, as the program 'mutant'")
	fl.IntVar(&f.seeds, "seeds", 200, "most seeds for one mutant")
	fl.IntVar(&f.states, "states", 100_000, "most crash states for one mutant that names these as its end")
	fl.Uint64Var(&f.from, "from", 1, "the first seed")
	fl.IntVar(&f.jobs, "jobs", runtime.GOMAXPROCS(0), "worker processes")
	fl.IntVar(&f.seconds, "seconds", 60, "simulated seconds under faults")
	fl.DurationVar(&f.limit, "limit", 3*time.Minute, "longest time for one seed")
	fl.IntVar(&f.starts, "starts", 1, "hunt each mutant that seeds find so often, from first seeds that are far apart; the table has the medians")
	fl.BoolVar(&f.quick, "quick", false, "run no seeds for mutants that have a story that one was shrunk to: tell that")
	fl.StringVar(&f.shrunk, "shrunk", filepath.Join("testdata", "sim", "shrunk"), "folder of the stories that seeds were shrunk to")
	fl.DurationVar(&f.most, "shrink-for", 0, "shrink each seed that kills a mutant without such a story, for so long at the most; 0: don't")
	return cmd
}

func (a *app) mutants(ctx context.Context, f *mutantFlags) error {
	b, err := newBuilder(ctx, ".", "./cmd/logsim")
	if err != nil {
		return err
	}
	all, err := readMutants(b.path(f.dir))
	if err != nil {
		return err
	}
	some, err := readMutants(b.path(f.dir), f.only...)
	if err != nil {
		return err
	}
	if f.build != "" {
		return a.buildMutant(ctx, b, &some[0], f.build)
	}
	f.shrunk = b.path(f.shrunk)
	fates := a.huntAll(ctx, b, some, f)
	if err := a.tellStories(ctx, b, fates, all, f); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%w: interrupted after %d of %d mutants", errUnfinished, len(fates), len(some))
	}
	printFates(a.out, fates)
	alive := 0
	for i := range fates {
		if fates[i].failed != nil || fates[i].fired == "" {
			alive++
		}
	}
	if alive > 0 {
		fmt.Fprintf(a.out, "INVALID %d of %d mutants live\n", alive, len(some))
		return errInvalid
	}
	fmt.Fprintf(a.out, "all %d mutants are dead\n", len(some))
	return nil
}

// huntAll hunts some mutants at a time, says what became of each when that is known, and returns those, by name.
func (a *app) huntAll(ctx context.Context, b *builder, some []mutant, f *mutantFlags) (hunted []fate) {
	at := min(f.jobs, len(some))
	f.workers = f.jobs / at
	fates := make([]fate, len(some))
	for i := range someAtATime(ctx, at, len(some), func(i int) { fates[i] = hunt(ctx, b, &some[i], f) }) {
		fmt.Fprintln(a.out, fates[i].line(f))
		hunted = append(hunted, fates[i])
	}
	slices.SortFunc(hunted, func(a, b fate) int { return strings.Compare(a.m.name, b.m.name) })
	return hunted
}

// tellStories tells the stories that seeds were shrunk to, or makes them, and writes the table: before, and after each that was made.
func (a *app) tellStories(ctx context.Context, b *builder, fates []fate, all []mutant, f *mutantFlags) error {
	write := func() error {
		if f.write == "" {
			return nil
		}
		return writeFates(f.write, fates, all, func(m *mutant) bool {
			_, err := os.Stat(f.storyOf(m))
			return err == nil
		})
	}
	var with []int
	for i := range fates {
		if fates[i].hasStory() {
			with = append(with, i)
		}
	}
	err := write()
	told := make([]fate, len(with)) // the table is written while others are under way
	for k := range someAtATime(ctx, f.jobs, len(with), func(k int) {
		told[k] = fates[with[k]]
		a.shrunkStory(ctx, b, &told[k], f)
	}) {
		t := &fates[with[k]]
		*t = told[k]
		switch {
		case t.failed != nil:
			fmt.Fprintln(a.out, t.line(f))
		case t.shrunk != nil:
			fmt.Fprintf(a.out, "%s: shrunk to %d decisions\n", t.m.name, t.shrunk.decisions)
		}
		if again := write(); again != nil {
			err = again
		}
	}
	return err
}

// someAtATime does n things, some at a time, and yields each that is done, unless ctx is over by then.
func someAtATime(ctx context.Context, some, n int, do func(i int)) iter.Seq[int] {
	return func(yield func(int) bool) {
		next, done := make(chan int), make(chan int)
		var workers sync.WaitGroup
		for range some {
			workers.Go(func() {
				for i := range next {
					do(i)
					done <- i
				}
			})
		}
		go func() {
			for i := range n {
				if ctx.Err() == nil {
					next <- i
				}
			}
			close(next)
			workers.Wait()
			close(done)
		}()
		goesOn := true
		for i := range done {
			goesOn = goesOn && ctx.Err() == nil && yield(i)
		}
	}
}

// storyOf is the file of the story that a seed of a mutant was shrunk to.
func (f *mutantFlags) storyOf(m *mutant) string { return filepath.Join(f.shrunk, m.name+".txt") }

// buildMutant leaves a mutant's program in a folder, for those who want to see it fail.
func (a *app) buildMutant(ctx context.Context, b *builder, m *mutant, folder string) error {
	folder, err := filepath.Abs(folder)
	if err == nil {
		err = os.MkdirAll(folder, 0o777)
	}
	if err != nil {
		return err
	}
	binary, err := b.build(ctx, m, folder)
	if err == nil {
		fmt.Fprintln(a.out, binary)
	}
	return err
}
