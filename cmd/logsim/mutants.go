package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"logd/log/crash"
	"logd/sim"
)

type mutantFlags struct {
	only    string
	dir     string
	write   string
	build   string
	seeds   int
	from    uint64
	jobs    int
	seconds int
	limit   time.Duration
	states  int
}

func newMutants(a *app) *cobra.Command {
	var f mutantFlags
	cmd := &cobra.Command{
		Use: "mutants", Short: "Put known bugs back and show that seeds, or crash states, find them", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.seeds < 1 || f.jobs < 1 || f.seconds < 1 || f.states < 1 {
				return fmt.Errorf("%w: --seeds, --jobs, --seconds and --states are at least 1", errUsage)
			}
			if f.build != "" && f.only == "" {
				return fmt.Errorf("%w: --build goes with --only", errUsage)
			}
			return a.mutants(cmd.Context(), &f)
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&f.only, "only", "", "the mutant of this name")
	fl.StringVar(&f.dir, "dir", filepath.Join("testdata", "mutants"), "folder of the mutants, below the module's")
	fl.StringVar(&f.write, "write", "", "also write the table to this file")
	fl.StringVar(&f.build, "build", "", "only build the one of --only, in this folder, as the program 'mutant'")
	fl.IntVar(&f.seeds, "seeds", 200, "most seeds for one mutant")
	fl.IntVar(&f.states, "states", 100_000, "most crash states for one mutant that names these as its end")
	fl.Uint64Var(&f.from, "from", 1, "the first seed")
	fl.IntVar(&f.jobs, "jobs", runtime.GOMAXPROCS(0), "worker processes")
	fl.IntVar(&f.seconds, "seconds", 60, "simulated seconds under faults")
	fl.DurationVar(&f.limit, "limit", 3*time.Minute, "longest time for one seed")
	return cmd
}

// fate is what became of a mutant.
type fate struct {
	m      *mutant
	fired  string // the violation that killed it; "" if it survived
	seed   uint64 // that found it
	seeds  int    // run until then; or crash states
	took   time.Duration
	others map[string]int // violations that its file doesn't name
	failed error          // it couldn't be built, or its shrunk story doesn't show it
	shrunk int            // decisions of that story; 0: it has none
}

func (a *app) mutants(ctx context.Context, f *mutantFlags) error {
	b, err := newBuilder(ctx, ".", "./cmd/logsim")
	if err != nil {
		return err
	}
	all, err := readMutants(filepath.Join(b.root, f.dir), f.only)
	if err != nil {
		return err
	}
	if f.build != "" {
		return a.buildMutant(ctx, b, &all[0], f.build)
	}
	var fates []fate
	alive := 0
	for i := range all {
		t := a.hunt(ctx, b, &all[i], f)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		fates = append(fates, t)
		switch {
		case t.failed != nil:
			alive++
			fmt.Fprintf(a.out, "FAILED %s: %v\n", t.m.name, t.failed)
		case t.fired == "":
			alive++
			fmt.Fprintf(a.out, "ALIVE  %s after %d %s, %.1f s; other violations: %v\n", t.m.name, t.seeds, t.m.by, t.took.Seconds(), t.others)
		case t.m.by != bySeeds && t.m.by != byTwice:
			fmt.Fprintf(a.out, "killed %s by %s, after %d %s, %.1f s%s\n", t.m.name, t.fired, t.seeds, t.m.by, t.took.Seconds(), t.view(f))
		default:
			fmt.Fprintf(a.out, "killed %s by %s at seed %d, after %d seeds, %.1f s%s\n", t.m.name, t.fired, t.seed, t.seeds, t.took.Seconds(), t.view(f))
		}
	}
	printFates(a.out, fates)
	if f.write != "" {
		if err := writeFates(f.write, fates); err != nil {
			return err
		}
	}
	if alive > 0 {
		fmt.Fprintf(a.out, "INVALID %d of %d mutants live\n", alive, len(all))
		return errInvalid
	}
	fmt.Fprintf(a.out, "all %d mutants are dead\n", len(all))
	return nil
}

// buildMutant leaves a mutant's program in a folder, for those who want to see it fail.
func (a *app) buildMutant(ctx context.Context, b *builder, m *mutant, folder string) error {
	folder, err := filepath.Abs(folder)
	if err == nil {
		err = os.MkdirAll(folder, 0o777)
	}
	if err != nil {
		return err
	}
	binary, err := b.build(ctx, m, folder)
	if err == nil {
		fmt.Fprintln(a.out, binary)
	}
	return err
}

// view is the command that shows how the mutant died, "" where there is nothing to look at.
func (t *fate) view(f *mutantFlags) string {
	switch t.m.by {
	case bySeeds:
		return fmt.Sprintf("; view: go run ./cmd/logsim view --mutant %s %s", t.m.name, worldFlags(t.seed, f.seconds, sim.Size{}))
	case byStory:
		return fmt.Sprintf("; view: go run ./cmd/logsim view --mutant %s %s", t.m.name, t.m.only)
	}
	return ""
}

// hunt builds a mutant and runs seeds until the check that it names fires (C3).
func (a *app) hunt(ctx context.Context, b *builder, m *mutant, f *mutantFlags) (t fate) {
	t = fate{m: m, others: map[string]int{}}
	work, err := os.MkdirTemp("", "logsim-mutant-")
	if err != nil {
		t.failed = err
		return t
	}
	defer os.RemoveAll(work)
	binary, err := b.build(ctx, m, work)
	if err != nil {
		t.failed = err
		return t
	}
	begun := time.Now()
	defer func() { t.took = time.Since(begun) }()
	switch m.by {
	case byCrashStates:
		t.crash(ctx, binary, f)
		return t
	case byStory:
		t.story(ctx, binary, filepath.Join(b.root, m.only))
		return t
	case byTest:
		t.test(ctx, binary, filepath.Join(b.root, m.only))
		return t
	}
	if m.mark != "" {
		t.marks(ctx, binary, f)
		return t
	}
	p := &pool{binary: binary, jobs: f.jobs, seconds: f.seconds, limit: f.limit, twice: m.by == byTwice}
	p.run(ctx, seedRange(f.from, f.seeds), func(d seedDone) bool {
		t.seeds++
		if d.Violation == nil {
			return true
		}
		if m.check.MatchString(d.Violation.Name) {
			t.fired, t.seed = d.Violation.Name, d.Seed
			return false
		}
		t.others[d.Violation.Name]++
		return true
	})
	if t.fired != "" && m.shrunk != "" {
		t.tellShrunk(ctx, binary, filepath.Join(b.root, m.shrunk))
	}
	return t
}

// tellShrunk tells the story that a seed of the mutant was shrunk to, which must end with the check that is named, too.
func (t *fate) tellShrunk(ctx context.Context, binary, file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.failed = err
		return
	}
	c, err := caseOf(string(text))
	if err != nil {
		t.failed = fmt.Errorf("%s: %w", file, err)
		return
	}
	told := fate{m: t.m, others: map[string]int{}}
	if told.story(ctx, binary, file); told.fired == "" {
		t.failed = fmt.Errorf("%s doesn't show it any more: %v, %v; shrink seed %d anew", file, told.others, told.failed, t.seed)
	}
	t.shrunk = len(c.Decisions)
}

// markSeeds is how many seeds must not come by a mark; the marks that mutants name are those that nearly each seed hits.
const markSeeds = 10

// marks runs seeds, none of which may come by the mark that the mutant names.
func (t *fate) marks(ctx context.Context, binary string, f *mutantFlags) {
	mark, _ := sim.MarkNamed(t.m.mark) // it was looked up when the mutant was read
	hit := false
	p := &pool{binary: binary, jobs: f.jobs, seconds: f.seconds, limit: f.limit}
	p.run(ctx, seedRange(f.from, min(f.seeds, markSeeds)), func(d seedDone) bool {
		t.seeds, t.seed = t.seeds+1, d.Seed
		if d.Violation != nil {
			t.others[d.Violation.Name]++
		}
		hit = hit || d.Marks[mark] > 0
		return !hit
	})
	if !hit && len(t.others) == 0 {
		t.fired = "mark " + t.m.mark
	}
}

// crash runs the mutant's own crash-states. It ends at the first violation, which must be of the check that is named (C3).
func (t *fate) crash(ctx context.Context, binary string, f *mutantFlags) {
	cmd := exec.CommandContext(ctx, binary, "crash-states", "--only", t.m.only, "--json", "--states", strconv.Itoa(f.states), "--jobs", strconv.Itoa(f.jobs))
	said := &tail{}
	cmd.Stderr = said
	out, err := cmd.Output()
	var r crash.Report
	if bad := json.Unmarshal(out, &r); bad != nil {
		t.failed = fmt.Errorf("its crash-states say %q: %w: %v\n%s", out, bad, err, said)
		return
	}
	t.seeds = r.Distinct
	switch v := r.Violation; {
	case v == nil:
	case t.m.check.MatchString(v.Name):
		t.fired = v.Name
	default:
		t.others[v.Name]++
	}
}

// story tells the story that the mutant names. It must end with the check that is named, and not with another answer.
func (t *fate) story(ctx context.Context, binary, file string) {
	cmd := exec.CommandContext(ctx, binary, "story", file)
	said := &tail{}
	cmd.Stderr = said
	out, err := cmd.Output()
	t.seeds = 1
	switch {
	case err == nil:
		return
	case len(out) == 0:
		t.failed = fmt.Errorf("its story says nothing: %w\n%s", err, said)
		return
	}
	_, what, _ := strings.Cut(strings.TrimSpace(string(out)), "INVALID "+file+": ")
	for _, name := range strings.Split(what, ": ") { // behind the line that it happened at
		name, _, _ = strings.Cut(name, ":\n")
		if t.m.check.MatchString(name) {
			t.fired = name
			return
		}
	}
	what, _, _ = strings.Cut(what, "\n")
	t.others[what]++
}

// test runs the one test that the mutant's check names, in its folder. It must fail, and not panic.
func (t *fate) test(ctx context.Context, binary, folder string) {
	cmd := exec.CommandContext(ctx, binary, "-test.run", t.m.check.String())
	cmd.Dir = folder
	out, _ := cmd.CombinedOutput() // what failed stands in the text
	t.seeds = 1
	_, what, failed := strings.Cut(string(out), "--- FAIL: ")
	name, _, _ := strings.Cut(what, " ")
	switch {
	case failed && t.m.check.MatchString(name) && !strings.Contains(string(out), "\npanic: "):
		t.fired = name
	case failed:
		t.others[name]++
	}
}

func writeFates(path string, fates []fate) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	printFates(file, fates)
	return file.Close()
}

// printFates prints the table, as Markdown.
func printFates(w io.Writer, fates []fate) {
	fmt.Fprintln(w, "| mutant | history | guarantee | check that fired | found by | after | seconds | shrunk decisions | other violations met |")
	fmt.Fprintln(w, "|---|---|---|---|---|---:|---:|---:|---|")
	for i := range fates {
		t := &fates[i]
		fired := t.fired
		switch {
		case t.failed != nil:
			fired = "**not built**"
		case fired == "":
			fired = "**none: alive**"
		}
		shrunk := ""
		if t.shrunk > 0 {
			shrunk = strconv.Itoa(t.shrunk)
		}
		var others []string
		for _, name := range slices.Sorted(maps.Keys(t.others)) {
			others = append(others, fmt.Sprintf("%s × %d", name, t.others[name]))
		}
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %d | %.1f | %s | %s |\n", t.m.name, t.m.history, t.m.guarantee, fired, t.m.by, t.seeds, t.took.Seconds(), shrunk, strings.Join(others, ", "))
	}
}
