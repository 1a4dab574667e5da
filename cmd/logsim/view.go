package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"logd/checker"
	"logd/sim"
	"logd/sim/picture"
)

// viewFlags are those of logsim view.
type viewFlags struct {
	seed    uint64
	seconds int
	size    sim.Size
	history string
	mutant  string
	out     string
	story   string // the argument
}

func newView(a *app) *cobra.Command {
	var f viewFlags
	cmd := &cobra.Command{
		Use: "view [STORYFILE]", Short: "Write what happened in a run as one HTML page, to be looked at in a browser",
		Long: `Write what happened in a seed's run, a story, or a history as one HTML page: a lane per broker (role, term and commit per
partition, faults of its disk and links, crashes), the clients' operations, the messages between brokers, and what a check
found wrong. The page needs no network. With --mutant, the run is that of logsim with that known bug put back.`,
		Example: `  logsim view --seed 7
  logsim view testdata/sim/sync-error.txt
  logsim view --mutant serve-past-commit --seed 5
  logsim run --seed 7 --history seen.jsonl; logsim view --history seen.jsonl`,
		RunE: func(cmd *cobra.Command, args []string) error {
			given := len(args)
			for _, name := range []string{"seed", "history"} {
				if cmd.Flags().Changed(name) {
					given++
				}
			}
			if given != 1 {
				return fmt.Errorf("%w: give one of --seed, --history and a story", errUsage)
			}
			if err := badWorld(f.seconds, f.size); err != nil {
				return err
			}
			if len(args) == 1 {
				f.story = args[0]
			}
			if f.mutant == "" {
				defer a.endsAtOnce(cmd.Context())()
			}
			return a.view(cmd.Context(), &f)
		},
	}
	fl := cmd.Flags()
	fl.Uint64Var(&f.seed, "seed", 0, "run this seed")
	fl.IntVar(&f.seconds, "seconds", 60, "simulated seconds under faults")
	fl.IntVar(&f.size.Brokers, "brokers", 0, "so many brokers; 0: as the seed draws")
	fl.IntVar(&f.size.Shards, "shards", 0, "so many shards of each; 0: as the seed draws")
	fl.StringVar(&f.history, "history", "", "show this history, in JSON lines, instead: what its clients saw, and the checker's verdict")
	fl.StringVar(&f.mutant, "mutant", "", "build this mutant of testdata/mutants, and have it run the seed or the story")
	fl.StringVarP(&f.out, "out", "o", "", "the page's file; logsim-WHAT.html if not given")
	return cmd
}

// view writes the page, and says what is on it. What the run proved wrong is on the page, and is no error here (C1).
func (a *app) view(ctx context.Context, f *viewFlags) error {
	if f.out == "" {
		f.out = "logsim-" + f.what() + ".html"
	}
	if f.mutant != "" {
		return a.viewMutant(ctx, f)
	}
	var r *picture.Recorder
	about := picture.About{Command: f.command()}
	var err error
	switch {
	case f.history != "":
		about.Title = filepath.Base(f.history)
		r, err = pictureHistory(f.history)
	case f.story != "":
		about.Title = strings.TrimSuffix(filepath.Base(f.story), ".txt")
		about.Replay = "go run ./cmd/logsim story -v " + f.story
		r, err = pictureStory(f.story, &about)
	default:
		r, err = f.pictureSeed(&about), nil
	}
	if err != nil {
		return err
	}
	file, err := os.Create(f.out)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(file)
	if err := writeAll(r, about, out, file); err != nil {
		return fmt.Errorf("the page %s is not whole: %w", f.out, err)
	}
	size := int64(0)
	if st, err := os.Stat(f.out); err == nil {
		size = st.Size()
	}
	fmt.Fprintf(a.out, "%s\nwrote %s: %d items, %d KiB; open it in a browser\n", r.Verdict(), f.out, r.Items(), size>>10)
	return nil
}

func writeAll(r *picture.Recorder, about picture.About, out *bufio.Writer, file io.Closer) error {
	err := r.WritePage(out, about)
	if err == nil {
		err = out.Flush()
	}
	if end := file.Close(); err == nil {
		err = end
	}
	return err
}

// what names the page's file.
func (f *viewFlags) what() string {
	name := fmt.Sprintf("seed-%d", f.seed)
	if of := f.story + f.history; of != "" {
		name = strings.TrimSuffix(filepath.Base(of), filepath.Ext(of))
	}
	if f.mutant != "" {
		name = f.mutant + "-" + name
	}
	return name
}

// command makes this page again.
func (f *viewFlags) command() string {
	mutant := os.Getenv(mutantEnv)
	if mutant != "" {
		mutant = "--mutant " + mutant + " "
	}
	switch {
	case f.history != "":
		return "go run ./cmd/logsim view --history " + f.history
	case f.story != "":
		return "go run ./cmd/logsim view " + mutant + f.story
	}
	return "go run ./cmd/logsim view " + mutant + worldFlags(f.seed, f.seconds, f.size)
}

func (f *viewFlags) pictureSeed(about *picture.About) *picture.Recorder {
	opt := sim.DrawSized(f.seed, time.Duration(f.seconds)*time.Second, f.size)
	about.Title, about.Options = fmt.Sprintf("seed %d", f.seed), opt.String()
	if name := os.Getenv(mutantEnv); name != "" {
		about.Title = name + ", " + about.Title
	} else {
		about.Replay = replay(f.seed, f.seconds, f.size)
	}
	r := picture.NewRecorder()
	result := sim.Run(opt, sim.Env{Stack: debug.Stack, Events: r.Event})
	r.Finish(result.Violation)
	return r
}

// pictureStory tells a story. One that doesn't go as it says is shown as far as it went.
func pictureStory(name string, about *picture.About) (*picture.Recorder, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	story, err := sim.ParseStory(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	about.Options = string(text)
	r := picture.NewRecorder()
	told := sim.Tell(story, sim.Env{Stack: debug.Stack, Events: r.Event})
	if told.Violation == nil && told.Err != nil {
		told.Violation = &sim.Violation{Name: "story", Text: told.Err.Error()}
	}
	r.Finish(told.Violation)
	return r, nil
}

func pictureHistory(name string) (*picture.Recorder, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	h, err := checker.ReadAll(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return picture.History(h), nil
}

// mutantEnv tells a mutant's own process what it is.
const mutantEnv = "LOGSIM_MUTANT"

// viewMutant builds a mutant and has it write the page.
func (a *app) viewMutant(ctx context.Context, f *viewFlags) error {
	if f.history != "" {
		return fmt.Errorf("%w: a history is as it is: --mutant goes with --seed or a story", errUsage)
	}
	b, err := newBuilder(ctx, ".", "./cmd/logsim")
	if err != nil {
		return err
	}
	all, err := readMutants(filepath.Join(b.root, "testdata", "mutants"), f.mutant)
	if err != nil {
		return err
	}
	m := all[0]
	m.by = bySeeds // logsim is built, whatever finds it
	work, err := os.MkdirTemp("", "logsim-mutant-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	binary, err := b.build(ctx, &m, work)
	if err != nil {
		return err
	}
	args := []string{"view", "--out", f.out}
	if f.story != "" {
		args = append(args, f.story)
	} else {
		args = append(args, strings.Fields(worldFlags(f.seed, f.seconds, f.size))...)
	}
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Env = append(os.Environ(), mutantEnv+"="+m.name)
	cmd.Stdout, cmd.Stderr = a.out, a.err
	return cmd.Run()
}
