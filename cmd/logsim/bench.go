package main

import (
	"fmt"
	"os"
	"runtime/debug"
	"runtime/pprof"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"logd/sim"
)

// benchFlags are those of logsim bench.
type benchFlags struct {
	seeds   int
	from    uint64
	seconds int
	drawn   bool
	profile string
}

func newBench(a *app) *cobra.Command {
	var f benchFlags
	cmd := &cobra.Command{
		Use: "bench", Short: "Measure simulated seconds per CPU second of one core", Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			if f.seeds < 1 || f.seconds < 1 {
				return fmt.Errorf("%w: --seeds is %d and --seconds %d; each is at least 1", errUsage, f.seeds, f.seconds)
			}
			return a.bench(&f)
		},
	}
	fl := cmd.Flags()
	fl.IntVar(&f.seeds, "seeds", 20, "run so many seeds, one after the other, in this process")
	fl.Uint64Var(&f.from, "from", 1, "the first of --seeds")
	fl.IntVar(&f.seconds, "seconds", 60, "simulated seconds under faults")
	fl.BoolVar(&f.drawn, "drawn", false, "worlds as logsim run draws them, and not the default one")
	fl.StringVar(&f.profile, "cpuprofile", "", "write a CPU profile to this file, for go tool pprof")
	return cmd
}

// bench runs worlds in this process, so that a profile shows nothing else, and counts the CPU time of all its threads: the
// collector's too, but not what others take of the machine.
func (a *app) bench(f *benchFlags) error {
	if f.profile != "" {
		file, err := os.Create(f.profile)
		if err != nil {
			return err
		}
		defer file.Close()
		if err := pprof.StartCPUProfile(file); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	begun := cpuTime()
	simulated, counts, traces := time.Duration(0), [sim.Counts]int64{}, uint64(0)
	for seed := range seedRange(f.from, f.seeds) {
		opt := sim.Default(seed, time.Duration(f.seconds)*time.Second)
		if f.drawn {
			opt = sim.Draw(seed, opt.Length)
		}
		r := runSeed(opt, sim.Env{Stack: debug.Stack}, false)
		if r.Violation != nil {
			return fmt.Errorf("seed %d: %s", seed, r.Violation)
		}
		simulated, traces = simulated+r.Simulated, traces^r.Hash
		for i, n := range r.Counts {
			counts[i] += n
		}
	}
	took := cpuTime() - begun
	each := func(c sim.Count) float64 { return float64(counts[c]) / simulated.Seconds() }
	fmt.Fprintf(a.out, "in a simulated second: %.1f appends acknowledged, %.1f reads, %.0f turns, %.0f envelopes, %.0f syncs\n",
		each(sim.CountAcked), each(sim.CountReads), each(sim.CountTurns), each(sim.CountEnvelopes), each(sim.CountSyncs))
	fmt.Fprintf(a.out, "%.0f simulated seconds in %.2f s of CPU: %.0f simulated seconds per second and core, %.1f µs a turn, traces=%016x\n",
		simulated.Seconds(), took.Seconds(), simulated.Seconds()/took.Seconds(), took.Seconds()*1e6/max(1, float64(counts[sim.CountTurns])), traces)
	return nil
}

// cpuTime is what this process took of all cores so far.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
