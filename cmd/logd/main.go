package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// sameSignal is how long further signals are taken for the first one: some senders signal a process and its group.
const sameSignal = 200 * time.Millisecond

// usageError is an error of the command line: what is wrong, and what is right.
type usageError struct{ text string }

func (e usageError) Error() string { return e.text }

func usagef(format string, args ...any) error { return usageError{fmt.Sprintf(format, args...)} }

// app is what a command may touch outside of itself.
type app struct {
	out     io.Writer
	err     io.Writer
	environ []string
	exit    func(code int) // ends the process, with what was said
}

func main() {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	said := newLineWriter(os.Stderr)
	exit := func(code int) {
		said.flush(lastWords)
		os.Exit(code)
	}
	a := &app{out: os.Stdout, err: said, environ: os.Environ(), exit: exit}
	again := make(chan struct{})
	go func() {
		<-signals
		cancel()
		for first := time.Now(); ; {
			<-signals
			if time.Since(first) > sameSignal {
				close(again)
				return
			}
		}
	}()
	done := make(chan int)
	go func() { done <- a.run(ctx, os.Args[1:]) }()
	select {
	case code := <-done:
		exit(code)
	case <-again: // brokers that dev started end with this process (D5)
		fmt.Fprintln(said, "logd: asked to stop again: stopping at once")
		exit(exitFailed)
	}
}

// run executes one command line and returns the process's exit code. Stopping is asked for by cancelling ctx.
func (a *app) run(ctx context.Context, args []string) int {
	root := newRoot(a)
	root.SetArgs(args)
	root.SetOut(a.out)
	root.SetErr(a.err)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	fmt.Fprintf(a.err, "%s: %s\n", cmd.CommandPath(), oneLine(err))
	var usage usageError
	if errors.As(err, &usage) {
		fmt.Fprintf(a.err, "run '%s --help' for its usage\n", cmd.CommandPath())
		return exitUsage
	}
	return exitFailed
}

func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "logd",
		Short: "A partitioned, replicated log that speaks the Kafka wire protocol",
		Example: `  logd dev
  logd serve --id 1 --peers 1=127.0.0.1:10092 --kafka 127.0.0.1:9092 --data ./broker-1`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("unknown command %q; there are: serve, dev, inspect, version", args[0])
			}
			return nil
		},
		RunE: func(*cobra.Command, []string) error {
			return usagef("say what to do: serve, dev, inspect or version; logd dev starts a cluster here")
		},
	}
	root.SetUsageTemplate(root.UsageTemplate() + "\nExit status: 0 stopped as asked, or nothing wrong (inspect), 1 an error, or something is damaged (inspect), 2 wrong usage.\n")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err.Error()} })
	root.AddCommand(newServe(a), newDev(a), newInspect(a), newVersion(a))
	return root
}

// none refuses positional arguments.
func none(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("unexpected argument %q", args[0])
	}
	return nil
}
