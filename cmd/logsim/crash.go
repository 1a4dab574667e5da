package main

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"logd/log/crash"
)

// crashFlags are those of logsim crash-states.
type crashFlags struct {
	config crash.Config
	json   bool
}

func newCrashStates(a *app) *cobra.Command {
	var f crashFlags
	cmd := &cobra.Command{
		Use: "crash-states", Short: "Recover every state that a crash may leave of a store's disk, and judge it", Args: noArgs,
		Long: "Recover every state that a crash may leave of a store's disk, and judge it.\n\n" +
			"Scripted workloads run operation by operation, both lanes interleaved. At each operation and each sync, each choice of what\n" +
			"isn't stable is an image: sectors of 512 and of 4096 bytes, sizes, names; and what a process that ends leaves. The number\n" +
			"of jobs changes the time only, not the result.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c := &f.config
			if c.States < 1 || c.Jobs < 1 || c.PerBoundary < 0 || c.PerBoundary > crash.MaxStates {
				return fmt.Errorf("%w: --states is %d and --jobs %d, each at least 1; --per-boundary is %d, of 0 to %d", errUsage, c.States, c.Jobs, c.PerBoundary, crash.MaxStates)
			}
			if !crash.Known(c.Only) {
				return fmt.Errorf("%w: --only is %q; the workloads are %s", errUsage, c.Only, strings.Join(crash.Names(), ", "))
			}
			return a.crashStates(cmd.Context(), &f)
		},
	}
	fl := cmd.Flags()
	fl.IntVar(&f.config.States, "states", 1_000_000, "go on until there are so many distinct ones")
	fl.IntVar(&f.config.PerBoundary, "per-boundary", 0, fmt.Sprintf("most states of a boundary that has more than %d choices; 0: by --states", crash.MaxStates))
	fl.Uint64Var(&f.config.Seed, "seed", 1, "draws orders and choices")
	fl.IntVar(&f.config.Jobs, "jobs", runtime.GOMAXPROCS(0), "how many at once")
	fl.StringVar(&f.config.Only, "only", "", "the workload of this name")
	fl.BoolVar(&f.json, "json", false, "print one JSON object instead of the table")
	return cmd
}

// crashStates prints the table, also of what was done until an interrupt; then the exit status says so (C1).
func (a *app) crashStates(ctx context.Context, f *crashFlags) error {
	progress := terminal(a.err)
	if progress {
		f.config.Progress = func(r crash.Report) {
			fmt.Fprintf(a.err, "\r\x1b[K%d of %d states, %d boundaries, %d runs, %.0f s", r.Distinct, f.config.States, r.Bounds, r.Runs, r.Seconds)
		}
	}
	r := f.config.Go(ctx)
	clearLine(a.err, progress)
	if f.json {
		if err := json.NewEncoder(a.out).Encode(&r); err != nil {
			return err
		}
	} else {
		r.Print(a.out)
	}
	if r.Violation != nil {
		if !f.json {
			fmt.Fprintf(a.out, "%s\nINVALID %s; replay: go run ./cmd/logsim crash-states --states %d --per-boundary %d --seed %d\n",
				r.Violation, r.Violation.Name, f.config.States, r.Most, f.config.Seed)
		}
		return errInvalid
	}
	if r.Cut || r.Distinct < f.config.States {
		return fmt.Errorf("%w: %d of %d states", errUnfinished, r.Distinct, f.config.States)
	}
	if !f.json {
		fmt.Fprintf(a.out, "valid %d states\n", r.Distinct)
	}
	return nil
}
