package main

import (
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"runtime/pprof"
	"strconv"
	"strings"
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
	loads   []string
	profile string
}

func newBench(a *app) *cobra.Command {
	var f benchFlags
	cmd := &cobra.Command{
		Use: "bench", Short: "Measure simulated seconds per CPU second of one core", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := badSeconds(f.seconds); err != nil {
				return err
			}
			if f.seeds < 1 {
				return fmt.Errorf("%w: --seeds is %d; it is at least 1", errUsage, f.seeds)
			}
			defer a.endsAtOnce(cmd.Context())()
			return a.bench(&f)
		},
	}
	fl := cmd.Flags()
	fl.IntVar(&f.seeds, "seeds", 20, "run so many seeds, one after the other, in this process")
	fl.Uint64Var(&f.from, "from", 1, "the first of --seeds")
	fl.IntVar(&f.seconds, "seconds", 60, "simulated seconds under faults")
	fl.BoolVar(&f.drawn, "drawn", false, "worlds as logsim run draws them, and not the default one")
	fl.StringSliceVar(&f.loads, "load", nil, "a table of these shares of the rate at which clients ask, such as 1/16,1/4,1")
	fl.StringVar(&f.profile, "cpuprofile", "", "write a CPU profile to this file, for go tool pprof")
	return cmd
}

// bench runs worlds in this process, so that a profile shows nothing else, and counts the CPU time of all its threads: the
// collector's too, but not what others take of the machine.
func (a *app) bench(f *benchFlags) error {
	loads, err := parseLoads(f.loads)
	if err != nil {
		return err
	}
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
	if len(loads) == 0 {
		m, err := f.measure(load{1, 1})
		if err == nil {
			m.print(a.out)
		}
		return err
	}
	fmt.Fprintln(a.out, benchHead)
	for _, l := range loads {
		m, err := f.measure(l)
		if err != nil {
			return err
		}
		m.row(a.out, l)
	}
	return nil
}

// measured is what some worlds did, and the CPU time that it took.
type measured struct {
	simulated, cpu time.Duration
	counts         [sim.Counts]int64
	faults         int64
	traces         uint64
}

// measure runs the worlds, with a load of their clients.
func (f *benchFlags) measure(l load) (measured, error) {
	begun, m := cpuTime(), measured{}
	for seed := range seedRange(f.from, f.seeds) {
		opt := sim.Default(seed, time.Duration(f.seconds)*time.Second)
		if f.drawn {
			opt = sim.Draw(seed, opt.Length)
		}
		opt.Load.Think = l.think(opt.Load.Think)
		r := runSeed(opt, sim.Env{Stack: debug.Stack}, false)
		if r.Violation != nil {
			return m, fmt.Errorf("seed %d: %s", seed, r.Violation)
		}
		m.simulated, m.traces = m.simulated+r.Simulated, m.traces^r.Hash
		for i, n := range r.Counts {
			m.counts[i] += n
		}
		for _, n := range r.Faults {
			m.faults += n
		}
	}
	m.cpu = cpuTime() - begun
	return m, nil
}

// each is how often something is counted in a simulated second.
func (m *measured) each(c sim.Count) float64 { return float64(m.counts[c]) / m.simulated.Seconds() }

// speed is simulated seconds per CPU second, and turn the microseconds of CPU that one takes with all that belongs to it.
func (m *measured) speed() float64 { return m.simulated.Seconds() / m.cpu.Seconds() }

func (m *measured) turn() float64 {
	return m.cpu.Seconds() * 1e6 / max(1, float64(m.counts[sim.CountTurns]))
}

// judged are the operations that the checker judged.
func (m *measured) judged() (n float64) {
	for _, c := range [...]sim.Count{sim.CountAcked, sim.CountFailed, sim.CountUnknown, sim.CountReads, sim.CountTails} {
		n += float64(m.counts[c])
	}
	return n
}

func (m *measured) print(out io.Writer) {
	fmt.Fprintf(out, "in a simulated second: %.1f appends acknowledged, %.1f reads, %.0f turns, %.0f envelopes, %.0f syncs\n",
		m.each(sim.CountAcked), m.each(sim.CountReads), m.each(sim.CountTurns), m.each(sim.CountEnvelopes), m.each(sim.CountSyncs))
	fmt.Fprintf(out, "%.0f simulated seconds in %.2f s of CPU: %.0f simulated seconds per second and core, %.1f µs a turn, traces=%016x\n",
		m.simulated.Seconds(), m.cpu.Seconds(), m.speed(), m.turn(), m.traces)
}

const benchHead = "            in a simulated second             µs a   in a second of one core\n" +
	" load   operations  turns  envelopes  faults   turn   simulated s  operations  faults  traces"

func (m *measured) row(out io.Writer, l load) {
	cpu := m.cpu.Seconds()
	fmt.Fprintf(out, "%5s  %11.1f %6.0f %10.0f %7.2f %6.1f  %12.0f %11.0f %7.0f  %016x\n", l, m.judged()/m.simulated.Seconds(), m.each(sim.CountTurns),
		m.each(sim.CountEnvelopes), float64(m.faults)/m.simulated.Seconds(), m.turn(), m.speed(), m.judged()/cpu, float64(m.faults)/cpu, m.traces)
}

// load is a share of the rate at which a world's clients ask: each thinks so many times as long between two requests.
type load struct{ of, in int64 }

// think is the pause of a client that thinks for so long in a world of full load.
func (l load) think(full time.Duration) time.Duration {
	return full * time.Duration(l.in) / time.Duration(l.of)
}

func (l load) String() string {
	if l.in == 1 {
		return fmt.Sprint(l.of)
	}
	return fmt.Sprintf("%d/%d", l.of, l.in)
}

// parseLoads reads shares, whole numbers or fractions.
func parseLoads(texts []string) ([]load, error) {
	const maxLoad = 1000
	var loads []load
	for _, text := range texts {
		of, in, fraction := strings.Cut(text, "/")
		if !fraction {
			in = "1"
		}
		a, err := strconv.ParseInt(of, 10, 64)
		b, err2 := strconv.ParseInt(in, 10, 64)
		if err != nil || err2 != nil || a < 1 || a > maxLoad || b < 1 || b > maxLoad {
			return nil, fmt.Errorf("%w: --load %q is no share such as 1/8 or 1, of numbers from 1 to %d", errUsage, text, maxLoad)
		}
		loads = append(loads, load{a, b})
	}
	return loads, nil
}

// cpuTime is what this process took of all cores so far.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
