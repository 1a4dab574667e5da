package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// gcPercent keeps the heap close to what is live, which has hardly a pointer in it
// to be followed. A history that is kept for a page or for other opinions is full of them.
const (
	gcPercent         = 10
	gcPercentPointers = 50
)

func main() {
	debug.SetGCPercent(gcPercent)
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// Exit codes. Of several files the first of invalid, unreadable, unknown that
// occurs decides.
const (
	exitValid      = 0
	exitInvalid    = 1
	exitUnreadable = 2 // also: wrong usage
	exitUnknown    = 3
)

// run is main with its world handed in. It returns the exit code.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	c := &check{stdin: stdin, stdout: stdout, stderr: stderr}
	exit := exitUnreadable
	var checks []string
	var what string
	cmd := &cobra.Command{
		Use:   "logcheck FILE...",
		Short: "Check histories of a log for linearizability",
		Long: `logcheck reads histories and says of each whether it is that of a linearizable
log, and free of anomalies: valid, invalid with the operations that contradict
each other, or unknown. A history is JSON lines, Jepsen's history.edn or
history.txt, or a directory of Jepsen's store; gzip and zstd are unpacked; - is
standard input.

Exit status: 0 valid, 1 invalid, 2 unreadable input, 3 unknown.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if what != "" {
				return cobra.NoArgs(cmd, args)
			}
			if len(args) == 0 {
				return errors.New("name a history: a file, a directory of Jepsen's store, or - for standard input")
			}
			return nil
		},
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(_ *cobra.Command, files []string) error {
			var err error
			if what != "" {
				exit = exitValid
				return c.explain(what)
			}
			if c.families, err = choose(checks); err != nil {
				return err
			}
			if c.html != "" && len(files) != 1 {
				return fmt.Errorf("--html is of one history, not of %d", len(files))
			}
			c.collect()
			exit, err = c.files(files)
			return err
		},
	}
	cmd.Flags().BoolVar(&c.json, "json", false, "one JSON object a file instead of tables")
	cmd.Flags().BoolVar(&c.second, "second", false, "ask porcupine and an exhaustive search too, if the history is small enough")
	cmd.Flags().StringVar(&c.html, "html", "", "also write a page with plots, a timeline and each partition's order to this file")
	cmd.Flags().DurationVar(&c.timeout, "second-timeout", defaultTimeout, "time that porcupine may take for each partition")
	cmd.Flags().StringSliceVar(&checks, "check", nil, "only these checks, or the ones that look for these anomalies (default all)")
	cmd.Flags().StringArrayVar(&c.partitions, "partition", nil, "only this partition; may be repeated")
	cmd.Flags().StringVar(&what, "explain", "", "print the definition of an anomaly with an example of two lines, or of all anomalies of a check")
	cmd.AddCommand(newBench(stdout))
	cmd.SetArgs(append([]string{}, args...)) // for nil cobra would take os.Args
	cmd.CompletionOptions.DisableDefaultCmd = true
	cmd.SetHelpCommand(&cobra.Command{Hidden: true})
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	ran, err := cmd.ExecuteC()
	if err != nil {
		c.complain("logcheck: %v\nrun '%s --help' for its usage", err, ran.CommandPath())
		return exitUnreadable
	}
	if ran != cmd || cmd.Flags().Changed("help") {
		return exitValid
	}
	return exit
}
