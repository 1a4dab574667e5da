package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"logd/sim"
)

// runFlags are those of logsim run.
type runFlags struct {
	seed     uint64
	seeds    int
	from     uint64
	jobs     int
	seconds  int
	verbose  bool
	twice    bool
	paranoid bool
	history  string
	record   string
	limit    time.Duration
	size     sim.Size
	marks    bool
}

func newRun(a *app) *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use: "run", Short: "Run one seed, or many in worker processes", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			one, many := cmd.Flags().Changed("seed"), cmd.Flags().Changed("seeds")
			switch {
			case one == many:
				return fmt.Errorf("%w: give either --seed or --seeds", errUsage)
			case badWorld(f.seconds, f.size) != nil:
				return badWorld(f.seconds, f.size)
			case f.jobs < 1 || many && f.seeds < 1 || f.limit <= 0:
				return fmt.Errorf("%w: --jobs is %d, --seeds %d, --limit %v; each is more than 0", errUsage, f.jobs, f.seeds, f.limit)
			case one && (cmd.Flags().Changed("jobs") || cmd.Flags().Changed("limit") || cmd.Flags().Changed("from")):
				return fmt.Errorf("%w: --jobs, --limit and --from go with --seeds", errUsage)
			case one && f.marks:
				return fmt.Errorf("%w: --marks-must-hit goes with --seeds", errUsage)
			case many && (f.verbose || f.history != "" || f.record != ""):
				return fmt.Errorf("%w: -v, --history and --record go with --seed", errUsage)
			case one:
				defer a.endsAtOnce(cmd.Context())()
				return a.runOne(&f)
			}
			return a.runMany(cmd.Context(), &f)
		},
	}
	fl := cmd.Flags()
	fl.Uint64Var(&f.seed, "seed", 0, "run this seed")
	fl.IntVar(&f.seeds, "seeds", 0, "run so many seeds")
	fl.Uint64Var(&f.from, "from", 1, "the first of --seeds")
	fl.IntVar(&f.jobs, "jobs", runtime.GOMAXPROCS(0), "worker processes")
	fl.IntVar(&f.seconds, "seconds", 60, "simulated seconds under faults")
	fl.BoolVarP(&f.verbose, "verbose", "v", false, "print a line per event")
	fl.BoolVar(&f.twice, "twice", false, "run each seed two times and compare the hashes of their traces")
	fl.BoolVar(&f.paranoid, "paranoid", false, "check every replica after every turn, also those that did not change: nothing may come of it")
	fl.StringVar(&f.history, "history", "", "write what the clients saw to this file, in JSON lines")
	fl.BoolVar(&f.marks, "marks-must-hit", false, "fail if there is a mark that none of --seeds hit")
	fl.StringVar(&f.record, "record", "", "write what was decided to this file, as a story that is the same run")
	fl.IntVar(&f.size.Brokers, "brokers", 0, "so many brokers; 0: as the seed draws, 1, 3 or 5")
	fl.IntVar(&f.size.Shards, "shards", 0, "so many shards of each; 0: as the seed draws, 1 to 3")
	fl.DurationVar(&f.limit, "limit", 3*time.Minute, "longest time for one seed")
	return cmd
}

// runOne runs a seed in this process, with its seed and options first and its verdict last.
func (a *app) runOne(f *runFlags) error {
	opt := sim.DrawSized(f.seed, time.Duration(f.seconds)*time.Second, f.size)
	fmt.Fprintf(a.out, "seed=%d %s\n", f.seed, opt.String())
	env := sim.Env{Stack: debug.Stack, Paranoid: f.paranoid}
	if f.verbose {
		out := bufio.NewWriterSize(a.out, 1<<16)
		defer out.Flush()
		env.Trace = out
	}
	if f.history != "" {
		file, err := os.Create(f.history)
		if err != nil {
			return fmt.Errorf("--history: %w", err)
		}
		defer file.Close()
		env.History = file
	}
	var record bytes.Buffer
	if f.record != "" {
		if err := os.WriteFile(f.record, nil, 0o644); err != nil { // before the run, which may take a while
			return fmt.Errorf("--record: %w", err)
		}
		env.Record = &record
	}
	begun := time.Now()
	r := runSeed(opt, env, f.twice)
	if f.record != "" {
		if err := os.WriteFile(f.record, record.Bytes(), 0o644); err != nil {
			return fmt.Errorf("--record: %w", err)
		}
	}
	if out, ok := env.Trace.(*bufio.Writer); ok {
		out.Flush()
	}
	took := time.Since(begun)
	fmt.Fprintf(a.out, "%.1f simulated seconds in %.2f s\n", r.Simulated.Seconds(), took.Seconds())
	printCounts(a.out, []sim.Result{r})
	printFaults(a.out, []sim.Result{r})
	printMarks(a.out, []sim.Result{r})
	return a.verdict(&r, f)
}

// verdict prints the last line.
func (a *app) verdict(r *sim.Result, f *runFlags) error {
	if r.Violation == nil {
		fmt.Fprintln(a.out, r.Line())
		return nil
	}
	fmt.Fprintf(a.out, "%s\n%s; %s\n", r.Violation, r.Line(), hints(r.Seed, f.seconds, f.size))
	return errInvalid
}

// hints are the commands that show a seed again.
func hints(seed uint64, seconds int, size sim.Size) string {
	return fmt.Sprintf("replay: %s\nview: go run ./cmd/logsim view %s", replay(seed, seconds, size), worldFlags(seed, seconds, size))
}

func replay(seed uint64, seconds int, size sim.Size) string {
	return fmt.Sprintf("go run ./cmd/logsim run %s -v", worldFlags(seed, seconds, size))
}

// worldFlags make the world of a seed.
func worldFlags(seed uint64, seconds int, size sim.Size) string {
	flags := fmt.Sprintf("--seed %d --seconds %d", seed, seconds)
	if size.Brokers > 0 {
		flags += fmt.Sprintf(" --brokers %d", size.Brokers)
	}
	if size.Shards > 0 {
		flags += fmt.Sprintf(" --shards %d", size.Shards)
	}
	return flags
}

// runSeed runs a world, or two that must be equal.
func runSeed(opt sim.Options, env sim.Env, twice bool) sim.Result {
	if twice {
		return sim.RunTwice(opt, env)
	}
	return sim.Run(opt, env)
}

// runMany runs seeds in worker processes and prints a table.
func (a *app) runMany(ctx context.Context, f *runFlags) error {
	begun := time.Now()
	p := &pool{binary: a.binary, jobs: f.jobs, seconds: f.seconds, twice: f.twice, paranoid: f.paranoid, limit: f.limit, size: f.size}
	var results []sim.Result
	var busy time.Duration
	bad := 0
	progress := terminal(a.err)
	p.run(ctx, seedRange(f.from, f.seeds), func(d seedDone) bool {
		results = append(results, d.Result)
		busy += d.took
		if d.Violation != nil {
			bad++
			clearLine(a.err, progress)
			fmt.Fprintf(a.out, "%s\n%s; %s\n", d.Violation, d.Line(), hints(d.Seed, f.seconds, f.size))
		}
		if progress {
			fmt.Fprintf(a.err, "\r\x1b[K%d of %d seeds, %d invalid, %.0f s", len(results), f.seeds, bad, time.Since(begun).Seconds())
		}
		return true
	})
	clearLine(a.err, progress)
	printCounts(a.out, results)
	printFaults(a.out, results)
	missed := printMarks(a.out, results)
	printMissed(a.out, missed, len(results))
	simulated, traces := time.Duration(0), uint64(0)
	for i := range results {
		simulated += results[i].Simulated
		traces ^= results[i].Hash
	}
	if f.twice {
		simulated *= 2
	}
	fmt.Fprintf(a.out, "%d seeds, %.0f simulated seconds in %.1f s; %.0f simulated seconds per second and core\n",
		len(results), simulated.Seconds(), time.Since(begun).Seconds(), simulated.Seconds()/max(busy.Seconds(), 1e-9))
	if bad > 0 || len(results) < f.seeds {
		fmt.Fprintf(a.out, "INVALID %d of %d seeds, %d not run\n", bad, f.seeds, f.seeds-len(results))
		return errInvalid
	}
	if f.marks && len(missed) > 0 {
		fmt.Fprintf(a.out, "INVALID %d marks were never hit in %d seeds\n", len(missed), len(results))
		return errInvalid
	}
	fmt.Fprintf(a.out, "valid %d seeds from %d, traces=%016x\n", len(results), f.from, traces)
	return nil
}

func clearLine(w io.Writer, progress bool) {
	if progress {
		fmt.Fprint(w, "\r\x1b[K")
	}
}

func seedRange(from uint64, n int) iter.Seq[uint64] {
	return func(yield func(uint64) bool) {
		for i := range uint64(n) {
			if !yield(from + i) {
				return
			}
		}
	}
}
