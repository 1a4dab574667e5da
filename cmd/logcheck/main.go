package main

import (
	"io"
	"os"

	"github.com/spf13/cobra"
)

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

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
		Long: `logcheck reads histories in JSON lines (- for standard input; gzip and zstd are
unpacked) and says of each whether it is that of a linearizable log: valid,
invalid with the operations that contradict each other, or unknown.

Exit status: 0 valid, 1 invalid, 2 unreadable input, 3 unknown.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if what != "" {
				return cobra.NoArgs(cmd, args)
			}
			return cobra.MinimumNArgs(1)(cmd, args)
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
			exit, err = c.files(files)
			return err
		},
	}
	cmd.Flags().BoolVar(&c.json, "json", false, "one JSON object a file instead of tables")
	cmd.Flags().BoolVar(&c.second, "second", false, "ask porcupine and an exhaustive search too, if the history is small enough")
	cmd.Flags().DurationVar(&c.timeout, "second-timeout", defaultTimeout, "time that porcupine may take for each partition")
	cmd.Flags().StringSliceVar(&checks, "check", nil, "only these checks, or the ones that look for these anomalies (default all)")
	cmd.Flags().StringArrayVar(&c.partitions, "partition", nil, "only this partition; may be repeated")
	cmd.Flags().StringVar(&what, "explain", "", "print the definition of an anomaly with an example of two lines, or of all anomalies of a check")
	cmd.SetArgs(append([]string{}, args...)) // for nil cobra would take os.Args
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	if err := cmd.Execute(); err != nil {
		c.complain("logcheck: %v", err)
		return exitUnreadable
	}
	if cmd.Flags().Changed("help") {
		return exitValid
	}
	return exit
}
