package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"

	"logd/sim"
)

func newReplay(a *app) *cobra.Command {
	var trace bool
	cmd := &cobra.Command{
		Use: "replay FILE", Short: "Run a record again, or what is left of one",
		Long: "Run a record again, or what is left of one, and say whether it ends as it did: with the same violation or none, and the same trace.",
		RunE: func(cmd *cobra.Command, files []string) error {
			if len(files) != 1 {
				return fmt.Errorf("%w: name one file, as logsim run --record wrote it", errUsage)
			}
			defer a.endsAtOnce(cmd.Context())()
			return a.replay(files[0], trace)
		},
	}
	cmd.Flags().BoolVar(&trace, "trace", false, "print a line per event")
	return cmd
}

func (a *app) replay(file string, trace bool) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	env := sim.Env{Stack: debug.Stack}
	if trace {
		out := bufio.NewWriterSize(a.out, 1<<16)
		defer out.Flush()
		env.Trace = out
	}
	told, err := sim.Replay(string(text), env)
	if out, ok := env.Trace.(*bufio.Writer); ok {
		out.Flush()
	}
	if told.Violation != nil {
		fmt.Fprintln(a.out, told.Violation)
	}
	if told.Story != nil && (err == nil || errors.Is(err, sim.ErrDiverges)) {
		fmt.Fprintf(a.out, "%.1f simulated seconds, %d events\n%s\n", told.Simulated.Seconds(), told.Events, told.Line())
	}
	if err != nil {
		fmt.Fprintf(a.out, "INVALID %s: %v\n", file, err)
		return errInvalid
	}
	return nil
}
