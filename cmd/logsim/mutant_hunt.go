package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"logd/log/crash"
	"logd/sim"
)

// fate is what became of a mutant.
type fate struct {
	m      *mutant
	by     string // what found it
	fired  string // the violation that killed it; "" if it survived
	seed   uint64 // that found it, from the first start
	seeds  int    // run until then, the median of all starts; or crash states
	took   time.Duration
	others map[string]int // violations that its file doesn't name
	failed error          // it couldn't be built, or its shrunk story doesn't show it
	shrunk *shrunkTo      // that story; nil: it has none
}

// shrunkTo is a story that a seed was shrunk to.
type shrunkTo struct{ decisions int }

// line says what became of it.
func (t *fate) line(f *mutantFlags) string {
	switch {
	case t.failed != nil:
		return fmt.Sprintf("FAILED %s: %v", t.m.name, t.failed)
	case t.fired == "":
		return fmt.Sprintf("ALIVE  %s after %d %s, %.1f s; other violations: %v", t.m.name, t.seeds, t.by, t.took.Seconds(), t.others)
	case t.by == bySeeds || t.by == byTwice:
		return fmt.Sprintf("killed %s by %s at seed %d, after %d seeds, %.1f s%s", t.m.name, t.fired, t.seed, t.seeds, t.took.Seconds(), t.view(f))
	}
	return fmt.Sprintf("killed %s by %s, after %d %s, %.1f s%s", t.m.name, t.fired, t.seeds, t.by, t.took.Seconds(), t.view(f))
}

// view is the command that shows how the mutant died, "" where there is nothing to look at.
func (t *fate) view(f *mutantFlags) string {
	switch t.by {
	case byShrunk:
		return fmt.Sprintf("; view: go run ./cmd/logsim view --mutant %s %s", t.m.name, filepath.Join(f.shrunk, t.m.name+".txt"))
	case bySeeds:
		return fmt.Sprintf("; view: go run ./cmd/logsim view --mutant %s %s", t.m.name, worldFlags(t.seed, f.seconds, sim.Size{}))
	case byStory:
		return fmt.Sprintf("; view: go run ./cmd/logsim view --mutant %s %s", t.m.name, t.m.only)
	}
	return ""
}

// byShrunk is what finds a mutant of seeds if none are run: the story that one was shrunk to.
const byShrunk = "shrunk story"

// hunt builds a mutant and runs seeds until the check that it names fires (C3).
func hunt(ctx context.Context, b *builder, m *mutant, f *mutantFlags) (t fate) {
	t = fate{m: m, by: m.by, others: map[string]int{}}
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
	switch {
	case m.by == byCrashStates:
		t.crash(ctx, binary, f)
	case m.by == byStory:
		t.story(ctx, binary, b.path(m.only))
	case m.by == byTest:
		t.test(ctx, binary, b.path(m.only))
	case m.mark != "":
		t.marks(ctx, binary, f)
	default:
		t.huntBySeeds(ctx, binary, f)
		return t
	}
	t.took = time.Since(begun)
	return t
}

// huntBySeeds runs seeds, unless the story that one was shrunk to may stand for them, and shows the mutant.
func (t *fate) huntBySeeds(ctx context.Context, binary string, f *mutantFlags) {
	begun := time.Now()
	if f.quick {
		if shown, _ := t.tellShrunk(ctx, binary, f.storyOf(t.m)); shown {
			t.by, t.seeds, t.took = byShrunk, 1, time.Since(begun)
			return
		}
	}
	t.fired = ""
	t.seedsFrom(ctx, binary, f)
}

// hasStory tells whether a story may be shrunk from a seed that killed the mutant.
func (t *fate) hasStory() bool {
	return t.failed == nil && t.fired != "" && t.m.mark == "" && t.by == bySeeds
}

// shrunkStory tells the story that a seed was shrunk to, which must show the mutant. With --shrink-for one that is missing is made.
func (a *app) shrunkStory(ctx context.Context, b *builder, t *fate, f *mutantFlags) {
	file := f.storyOf(t.m)
	if _, err := os.Stat(file); err != nil && f.most == 0 {
		return
	}
	work, err := os.MkdirTemp("", "logsim-mutant-")
	if err != nil {
		t.failed = err
		return
	}
	defer os.RemoveAll(work)
	binary, err := b.build(ctx, t.m, work)
	if err != nil {
		t.failed = err
		return
	}
	shown, err := t.tellShrunk(ctx, binary, file)
	switch {
	case shown || ctx.Err() != nil:
	case f.most > 0:
		if t.shrunk, err = a.shrinkMutant(ctx, t, binary, file, f); err != nil && ctx.Err() == nil {
			t.failed = fmt.Errorf("seed %d isn't shrunk: %w", t.seed, err)
		}
	default:
		t.failed = fmt.Errorf("%w; remove it, or shrink seed %d anew: logsim mutants --only %s --shrink-for 5m", err, t.seed, t.m.name)
	}
}

// startsApart is how far the first seeds of the starts are from each other.
const startsApart = 1_000_000

// seedsFrom runs seeds from each start on, until the check that is named fires.
func (t *fate) seedsFrom(ctx context.Context, binary string, f *mutantFlags) {
	var after []int
	var took []time.Duration
	for k := range f.starts {
		begun, ran, killed := time.Now(), 0, false
		p := &pool{binary: binary, jobs: f.workers, seconds: f.seconds, limit: f.limit, twice: t.m.by == byTwice}
		p.run(ctx, seedRange(f.from+uint64(k)*startsApart, f.seeds), func(d seedDone) bool {
			ran++
			switch {
			case d.Violation == nil:
			case t.m.check.MatchString(d.Violation.Check()):
				killed = true
				if k == 0 {
					t.fired, t.seed = d.Violation.Check(), d.Seed
				}
			default:
				t.others[d.Violation.Check()]++
			}
			return !killed
		})
		after, took = append(after, ran), append(took, time.Since(begun))
		if !killed {
			t.fired, t.seeds, t.took = "", ran, took[k]
			return
		}
	}
	slices.Sort(after)
	slices.Sort(took)
	t.seeds, t.took = after[len(after)/2], took[len(took)/2]
}

// tellShrunk tells the story that a seed of the mutant was shrunk to, and says whether it ends with the check that is named. An error
// says why not; it is fs.ErrNotExist if there is none.
func (t *fate) tellShrunk(ctx context.Context, binary, file string) (bool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return false, err
	}
	c, err := caseOf(string(text))
	if err != nil {
		return false, fmt.Errorf("%s: %w", file, err)
	}
	told := fate{m: t.m, others: map[string]int{}}
	if told.story(ctx, binary, file); told.fired == "" {
		return false, fmt.Errorf("%s doesn't show it any more: %v, %v", file, told.others, told.failed)
	}
	t.shrunk = &shrunkTo{len(c.Decisions)}
	if t.fired == "" {
		t.fired = told.fired
	}
	return true, nil
}

// shrinkMutant shrinks a seed that kills a mutant, and returns how many decisions are left. Interrupted, it leaves no story: what is
// missing is made by the next run of the command.
func (a *app) shrinkMutant(ctx context.Context, t *fate, binary, file string, f *mutantFlags) (*shrunkTo, error) {
	seed, seconds := t.shortest(ctx, binary, f)
	r, err := a.shrinkSeed(ctx, &shrinkFlags{seed: seed, seconds: seconds, mutant: t.m.name, jobs: f.workers, limit: f.limit, most: f.most}, binary)
	if err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = a.keepMet(r.met, t.m.name, t.m.name, fmt.Sprintf("seed %d of %d s, with the mutant %s,", seed, seconds, t.m.name))
	}
	if err == nil {
		err = os.MkdirAll(filepath.Dir(file), 0o777)
	}
	if err != nil {
		return nil, err
	}
	return &shrunkTo{r.has}, writeAtomically(file, []byte(r.story))
}

// shortest is a seed that kills the mutant in as short a storm as possible, the one that did in the table if none does.
func (t *fate) shortest(ctx context.Context, binary string, f *mutantFlags) (seed uint64, seconds int) {
	ctx, cancel := context.WithTimeout(ctx, f.most)
	defer cancel()
	p := &pool{binary: binary, jobs: f.workers, limit: f.limit}
	seed, seconds, _ = p.shortest(ctx, f.from, nearSeeds, f.seconds, func(v *sim.Violation) bool { return t.m.check.MatchString(v.Check()) })
	if seconds == 0 {
		return t.seed, f.seconds
	}
	return seed, seconds
}

// markSeeds is how many seeds must not come by a mark; the marks that mutants name are those that nearly each seed hits.
const markSeeds = 10

// marks runs seeds, none of which may come by the mark that the mutant names.
func (t *fate) marks(ctx context.Context, binary string, f *mutantFlags) {
	mark, _ := sim.MarkNamed(t.m.mark) // it was looked up when the mutant was read
	hit := false
	p := &pool{binary: binary, jobs: f.workers, seconds: f.seconds, limit: f.limit}
	p.run(ctx, seedRange(f.from, min(f.seeds, markSeeds)), func(d seedDone) bool {
		t.seeds, t.seed = t.seeds+1, d.Seed
		if d.Violation != nil {
			t.others[d.Violation.Check()]++
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
	cmd := exec.CommandContext(ctx, binary, "crash-states", "--only", t.m.only, "--json", "--states", strconv.Itoa(f.states), "--jobs", strconv.Itoa(f.workers))
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

// mutantKiB is the most memory of a test of a mutant: one that takes it without end would else stop the whole machine.
const mutantKiB = 8 << 20

// bounded is a command with so much memory, on systems that bound it.
func bounded(ctx context.Context, binary string, args ...string) *exec.Cmd {
	script := fmt.Sprintf(`ulimit -v %d; exec "$0" "$@"`, mutantKiB)
	return exec.CommandContext(ctx, "sh", append([]string{"-c", script, binary}, args...)...)
}

// test runs the one test that the mutant's check names, in its folder. It must fail, and not panic.
func (t *fate) test(ctx context.Context, binary, folder string) {
	cmd := bounded(ctx, binary, "-test.run", t.m.check.String())
	cmd.Dir = folder
	said, _ := cmd.CombinedOutput() // what failed stands in the text
	out := string(said)
	if _, why, fatal := strings.Cut(out, "\nfatal error: "); fatal {
		t.others[firstLine(why)]++
	}
	t.seeds = 1
	_, what, failed := strings.Cut(out, "--- FAIL: ")
	name, _, _ := strings.Cut(what, " ")
	switch {
	case failed && t.m.check.MatchString(name) && !strings.Contains(out, "\npanic: "):
		t.fired = name
	case failed:
		t.others[name]++
	}
}
