package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// defaultBrokers are where `logd dev` listens: all three, so that it is no matter which of them was just killed.
const defaultBrokers = "127.0.0.1:9092,127.0.0.1:9093,127.0.0.1:9094"

// app is everything a command may touch outside of itself.
type app struct {
	in     io.Reader
	out    io.Writer
	err    io.Writer
	getenv func(string) string
	// self starts this program again (bench disk); empty means os.Executable.
	self []string

	brokers []string
	json    bool
	timeout time.Duration
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	a := &app{in: os.Stdin, out: os.Stdout, err: os.Stderr, getenv: os.Getenv}
	code := a.run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// run executes one command line and returns the process's exit code (C2).
func (a *app) run(ctx context.Context, args []string) int {
	root := newRoot(a)
	root.SetArgs(args)
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	var ee *exitError
	if !errors.As(err, &ee) {
		ee = &exitError{code: exitFailed, err: err}
	}
	if ee.err != nil {
		fmt.Fprintf(a.err, "%s: %v\n", cmd.CommandPath(), ee.err)
	}
	if ee.code == exitUsage && ee.err != nil { // scrub exits with the same number where a broker can't be reached
		fmt.Fprintf(a.err, "run '%s --help' for its usage\n", cmd.CommandPath())
	}
	return ee.code
}

// note writes one line for a human to stderr.
func (a *app) note(format string, args ...any) {
	fmt.Fprintf(a.err, format+"\n", args...)
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
