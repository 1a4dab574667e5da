package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"logd/sim"
)

type shrinkFlags struct {
	seed    uint64
	seconds int
	size    sim.Size
	mutant  string
	dir     string
	from    string
	out     string
	jobs    int
	limit   time.Duration
	most    time.Duration
	near    int // so many seeds are looked through for a shorter storm
}

func newShrink(a *app) *cobra.Command {
	var f shrinkFlags
	cmd := &cobra.Command{
		Use: "shrink", Short: "Take away from a failing seed what it doesn't need to fail, and write the rest as a story", Args: noArgs,
		Long: "Take away from a failing seed what it doesn't need to fail, and write the rest as a story.\n\n" +
			"The run's decisions are taken away in chunks, its world is made calmer, its arguments smaller, for as long as the same violation\n" +
			"is found: by the same check, for the same cause. Others that are met are kept as stories of their own. With --mutant the seed is one that fails with that bug put back, and the story is one that the code without it passes.\n" +
			"An interrupt keeps what was reached; --from goes on with it.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("seed") == (f.from != "") {
				return fmt.Errorf("%w: give either --seed or --from", errUsage)
			}
			if err := badWorld(f.seconds, f.size); err != nil {
				return err
			}
			if f.jobs < 1 || f.limit <= 0 || f.near < 0 || f.most < 0 {
				return fmt.Errorf("%w: --jobs is %d, --limit %v, --near %d, --for %v; the first two are more than 0, the others at least 0", errUsage, f.jobs, f.limit, f.near, f.most)
			}
			return a.shrink(cmd.Context(), &f)
		},
	}
	fl := cmd.Flags()
	fl.Uint64Var(&f.seed, "seed", 0, "the seed that fails")
	fl.StringVar(&f.from, "from", "", "a record, or a story that was shrunk before, instead of a seed")
	fl.IntVar(&f.seconds, "seconds", 60, "simulated seconds under faults")
	fl.IntVar(&f.size.Brokers, "brokers", 0, "so many brokers; 0: as the seed draws")
	fl.IntVar(&f.size.Shards, "shards", 0, "so many shards of each; 0: as the seed draws")
	fl.StringVar(&f.mutant, "mutant", "", "with this known bug put back")
	fl.StringVar(&f.dir, "dir", filepath.Join("testdata", "mutants"), "folder of the mutants, below the module's")
	fl.StringVar(&f.out, "out", "", "write the story to this file instead of printing it")
	fl.IntVar(&f.jobs, "jobs", runtime.GOMAXPROCS(0), "worker processes")
	fl.DurationVar(&f.limit, "limit", time.Minute, "longest time for one candidate")
	fl.IntVar(&f.near, "near", nearSeeds, "first look for a shorter storm that ends with the same violation, of this seed and of so many behind it; 0: don't")
	fl.DurationVar(&f.most, "for", 0, "end after so long with what was reached; 0: when nothing can be taken away any more")
	return cmd
}

// shrunk is what became of a seed.
type shrunk struct {
	story     string
	violation *sim.Violation
	of        string // what was shrunk
	had, has  int    // decisions
	runs      int
	begun     time.Time
	took      time.Duration
	met       met
}

func (a *app) shrink(ctx context.Context, f *shrinkFlags) error {
	binary := a.binary
	if f.mutant != "" {
		work, err := os.MkdirTemp("", "logsim-mutant-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(work)
		if binary, err = a.mutantOf(ctx, f, work); err != nil {
			return err
		}
	}
	r, err := a.shrinkSeed(ctx, f, binary)
	if err != nil {
		return err
	}
	if f.out == "" {
		fmt.Fprint(a.out, r.story)
	} else if err := writeAtomically(f.out, []byte(r.story)); err != nil {
		return err
	}
	fmt.Fprintf(a.err, "%s\n%d of %d decisions left, after %d runs in %.0f s\n", r.violation.Signature(), r.has, r.had, r.runs, r.took.Seconds())
	return a.keepMet(r.met, f.prefix(), f.mutant, f.of())
}

// of says what is shrunk.
func (f *shrinkFlags) of() string {
	if f.from != "" {
		return filepath.Base(f.from)
	}
	return fmt.Sprintf("seed %d of %d s", f.seed, f.seconds)
}

// prefix begins the names of the files of other failures that are met.
func (f *shrinkFlags) prefix() string {
	switch {
	case f.out != "":
		return strings.TrimSuffix(f.out, ".txt")
	case f.from != "":
		return strings.TrimSuffix(f.from, ".txt")
	}
	return fmt.Sprintf("seed-%d", f.seed)
}

// shrinkSeed shrinks what a seed's run decided, or what a file holds, as a program does it: this one, or a mutant's.
func (a *app) shrinkSeed(ctx context.Context, f *shrinkFlags, binary string) (r shrunk, err error) {
	work, err := os.MkdirTemp("", "logsim-shrink-")
	if err != nil {
		return r, err
	}
	defer os.RemoveAll(work)
	text, err := a.record(ctx, f, binary, filepath.Join(work, "record"))
	if err != nil {
		return r, err
	}
	c, v, err := a.told(ctx, f, binary, text)
	if err != nil {
		return r, err
	}
	r = shrunk{violation: v, of: f.of(), had: len(c.Decisions), begun: time.Now()}
	if f.from == "" && len(c.Decisions) > few && f.near > 0 {
		a.shorter(ctx, f, binary, filepath.Join(work, "shorter"), &c, &r)
	}
	return a.shrinkCase(ctx, f, binary, &c, r)
}

// told is the case of a record, and the violation that it ends with when it is told.
func (a *app) told(ctx context.Context, f *shrinkFlags, binary, text string) (c sim.Case, v *sim.Violation, err error) {
	if c, err = caseOf(text); err != nil && f.from != "" {
		err = fmt.Errorf("%s: %w", f.from, err)
	}
	if err != nil {
		return c, nil, err
	}
	t := newTellers(&pool{binary: binary, limit: f.limit}, 1)
	defer t.stop()
	first := t.tell(ctx, []string{c.Story("the record", nil)})[0]
	if v = first.Violation; v == nil {
		return c, nil, fmt.Errorf("%w: told again, the record ends without a violation", errUnfinished)
	}
	return c.Without(func(_ int, d *sim.Decision) bool { return d.At > first.Simulated }), v, nil
}

func (a *app) mutantOf(ctx context.Context, f *shrinkFlags, work string) (string, error) {
	b, err := newBuilder(ctx, ".", "./cmd/logsim")
	if err != nil {
		return "", err
	}
	all, err := readMutants(filepath.Join(b.root, f.dir), f.mutant)
	if err != nil {
		return "", err
	}
	if all[0].by == byTest {
		return "", fmt.Errorf("%w: %s is found by a test: there is no seed", errUsage, f.mutant)
	}
	return b.build(ctx, &all[0], work)
}

// record returns the record of a seed, or what a file holds.
func (a *app) record(ctx context.Context, f *shrinkFlags, binary, file string) (string, error) {
	if f.from == "" {
		cmd := exec.CommandContext(ctx, binary, "run", "--seed", strconv.FormatUint(f.seed, 10), "--seconds", strconv.Itoa(f.seconds),
			"--brokers", strconv.Itoa(f.size.Brokers), "--shards", strconv.Itoa(f.size.Shards), "--record", file)
		said := &tail{}
		cmd.Stderr = said
		if err := cmd.Run(); err == nil {
			return "", fmt.Errorf("seed %d is valid: there is nothing to shrink", f.seed)
		} else if ended := (*exec.ExitError)(nil); !errors.As(err, &ended) || ended.ExitCode() != exitInvalid {
			return "", fmt.Errorf("seed %d: %w\n%s", f.seed, err, said)
		}
		text, err := os.ReadFile(file)
		return string(text), err
	}
	text, err := os.ReadFile(f.from)
	return string(text), err
}

// shrinkCase shrinks a case. Its violation must be found again in each step by a worker of binary and, if that is a mutant's, none
// by one of this program.
func (a *app) shrinkCase(ctx context.Context, f *shrinkFlags, binary string, c *sim.Case, r shrunk) (_ shrunk, err error) {
	mutant := newTellers(&pool{binary: binary, limit: f.limit}, f.jobs)
	defer mutant.stop()
	sound := newTellers(&pool{binary: a.binary, limit: f.limit}, 1)
	defer sound.stop()
	s := &shrinker{best: *c, jobs: f.jobs, runs: r.runs}
	isSound := func(c *sim.Case) bool {
		if f.mutant == "" {
			return true
		}
		v := sound.tell(ctx, []string{c.Story("a candidate", nil)})[0].Violation
		r.met.note(v, c, true)
		return v == nil
	}
	s.keeps = func(ctx context.Context, candidates []sim.Case) int {
		return r.met.firstThatKeeps(r.violation.Signature(), candidates, mutant.tell(ctx, stories(candidates)), isSound)
	}
	s.say = a.progress(s)
	timed := ctx
	if f.most > 0 {
		var cancel context.CancelFunc
		timed, cancel = context.WithDeadline(ctx, r.begun.Add(f.most))
		defer cancel()
	}
	s.shrink(timed)
	clearLine(a.err, terminal(a.err))
	r.has, r.runs, r.took = len(s.best.Decisions), s.runs, time.Since(r.begun)
	if last := mutant.tell(context.WithoutCancel(ctx), []string{s.best.Story("the end", nil)})[0]; last.Violation != nil {
		r.violation = last.Violation // in its own words
	}
	r.story, err = a.ending(f, &s.best, &r)
	return r, err
}

func caseOf(text string) (sim.Case, error) {
	story, err := sim.ParseStory(text)
	if err != nil {
		return sim.Case{}, err
	}
	return story.Case()
}

func stories(cases []sim.Case) (texts []string) {
	for i := range cases {
		texts = append(texts, cases[i].Story("a candidate", nil))
	}
	return texts
}

// firstThatKeeps is the first candidate whose result is a violation of this signature, and that sound code tells without one (C6).
// Violations of others are noted, and the first of each told by sound code, too.
func (m *met) firstThatKeeps(signature string, candidates []sim.Case, results []sim.Result, isSound func(*sim.Case) bool) int {
	first := -1
	for i := range candidates {
		switch v := results[i].Violation; {
		case v == nil:
		case v.Signature() != signature:
			if m.note(v, &candidates[i], false) {
				isSound(&candidates[i]) // if not, it is no mutant's, and noted as what it is
			}
		case first < 0 && isSound(&candidates[i]):
			first = i
		}
	}
	return first
}

// progress says on a terminal how far it is.
func (a *app) progress(s *shrinker) func() {
	if !terminal(a.err) {
		return func() {}
	}
	begun := time.Now()
	return func() {
		fmt.Fprintf(a.err, "\r\x1b[K%d decisions left, %d runs, %.0f s; an interrupt keeps them", len(s.best.Decisions), s.runs, time.Since(begun).Seconds())
	}
}

// ending is the story's whole text: with the answers that sound code gives if the violation was a mutant's, and else with the violation.
func (a *app) ending(f *shrinkFlags, c *sim.Case, r *shrunk) (string, error) {
	why := fmt.Sprintf("%s\nShrunk from %s, %d of its %d decisions%s", reason(r.violation), r.of, r.has, r.had, version())
	if f.mutant == "" {
		return c.Story(why+".", r.violation), nil
	}
	story, err := sim.ParseStory(c.Story(why+", with the mutant "+f.mutant+"; without it all is well.", nil))
	if err != nil {
		return "", err
	}
	told := sim.Tell(story, sim.Env{Stack: debug.Stack})
	if told.Violation != nil {
		return "", fmt.Errorf("%w: without the mutant the story ends with %s", errUnfinished, told.Violation)
	}
	return told.Story.String(), nil
}

// mostReason is the most lines of a violation's text that stand on top of a story.
const mostReason = 12

// reason says what happened, as it stands on top of a story: what was found, and of one who waits, for whom.
func reason(v *sim.Violation) string {
	lines := strings.Split(v.String(), "\n")
	n := 1
	if strings.HasSuffix(lines[0], ":") {
		for n < min(len(lines), mostReason) && (n == 1 || strings.HasPrefix(lines[n], "    ")) {
			n++
		}
	}
	return strings.Join(lines[:n], "\n")
}

// version names the commit that this program was built from, if that is known.
func version() string {
	info, _ := debug.ReadBuildInfo()
	if info == nil {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return ", version " + s.Value[:min(12, len(s.Value))]
		}
	}
	return ""
}
