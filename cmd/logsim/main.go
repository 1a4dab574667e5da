package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"logd/sim"
)

// The exit statuses (C1).
const (
	exitOK      = 0
	exitInvalid = 1
	exitUsage   = 2
)

var (
	// errInvalid says that a violation was found and printed.
	errInvalid = errors.New("not valid")
	errUsage   = errors.New("usage")
	// errUnfinished says that less was done than wanted, which is no pass.
	errUnfinished = errors.New("not finished")
)

// app is what the commands may touch of the outside.
type app struct {
	out, err io.Writer
	binary   string // this program, for worker processes
}

// A world takes little memory, so some of it is spent to collect garbage less often than by Go's 100 percent: a fifth less CPU.
const (
	gcPercent   = 1000
	memoryLimit = 256 << 20 // soft: nearer to it, garbage is collected more often
)

func spendMemory() {
	debug.SetGCPercent(gcPercent)
	debug.SetMemoryLimit(memoryLimit)
}

func main() {
	spendMemory()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	binary, err := os.Executable()
	if err != nil {
		binary = os.Args[0]
	}
	a := &app{out: os.Stdout, err: os.Stderr, binary: binary}
	code := a.run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

const commands = "run, soak, story, replay, shrink, view, crash-states, mutants, bench"

func (a *app) run(ctx context.Context, args []string) int {
	root := &cobra.Command{
		Use: "logsim", Short: "Simulate logd's brokers from seeds, and judge what their clients saw",
		SilenceErrors: true, SilenceUsage: true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("%w: unknown command %q; there are %s", errUsage, args[0], commands)
			}
			return nil
		},
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		RunE: func(*cobra.Command, []string) error {
			return fmt.Errorf("%w: say what to do: %s", errUsage, commands)
		},
	}
	root.SetArgs(args)
	root.SetOut(a.out)
	root.SetErr(a.err)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return fmt.Errorf("%w: %w", errUsage, err) })
	root.SetUsageTemplate(root.UsageTemplate() + "\nExit status: 0 all is valid, 1 a violation was found or less was done than asked for, 2 wrong usage. Of mutants: 0 all are found.\n")
	root.AddCommand(newRun(a), newStory(a), newReplay(a), newShrink(a), newCrashStates(a), newMutants(a), newView(a), newBench(a), newSoak(a), newWorker(a))
	cmd, err := root.ExecuteContextC(ctx)
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errInvalid):
		return exitInvalid
	case errors.Is(err, errUsage) || !cmd.HasParent():
		fmt.Fprintf(a.err, "logsim: %v\nrun '%s --help'\n", err, cmd.CommandPath())
		return exitUsage
	}
	fmt.Fprintf(a.err, "logsim: %s\n", strings.ReplaceAll(err.Error(), "\n", "; "))
	return exitInvalid
}

// endsAtOnce has a signal end the process, where there is nothing half done that somebody could go on with.
func (a *app) endsAtOnce(ctx context.Context) (back func() bool) {
	return context.AfterFunc(ctx, func() {
		fmt.Fprintln(a.err, "logsim: interrupted")
		os.Exit(exitInvalid)
	})
}

// maxSeconds is the longest storm that can be asked for: more than eleven days.
const maxSeconds = 1_000_000

// badSeconds says what is wrong with a number of simulated seconds; nil if nothing is.
func badSeconds(n int) error {
	if n < 1 || n > maxSeconds {
		return fmt.Errorf("%w: --seconds is %d, of 1 to %d", errUsage, n, maxSeconds)
	}
	return nil
}

// badSize says what is wrong with the number of brokers and shards; nil if nothing is.
func badSize(s sim.Size) error {
	if s.Brokers < 0 || s.Brokers > sim.MaxBrokers || s.Shards < 0 || s.Shards > sim.MaxShards {
		return fmt.Errorf("%w: --brokers is %d, of 0 to %d; --shards is %d, of 0 to %d; 0 leaves it to the seed", errUsage, s.Brokers, sim.MaxBrokers, s.Shards, sim.MaxShards)
	}
	return nil
}

// badWorld says what is wrong with both.
func badWorld(seconds int, size sim.Size) error { return cmp.Or(badSeconds(seconds), badSize(size)) }

// noArgs refuses arguments as a wrong command line.
func noArgs(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("%w: %q is no flag", errUsage, args[0])
	}
	return nil
}

// terminal says whether a stream is a terminal; streams that are no files are not.
func terminal(stream any) bool {
	f, ok := stream.(*os.File)
	if !ok {
		return false
	}
	st, err := f.Stat()
	return err == nil && st.Mode()&os.ModeCharDevice != 0
}
