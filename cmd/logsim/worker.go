package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"os/exec"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"logd/sim"
)

// maxStory bounds a story that a worker is given.
const maxStory = 64 << 20

// storyTask is a story for a worker. The result has its ID in place of a seed.
type storyTask struct {
	ID    uint64
	Story string
}

// work does one line: a seed, or a story as JSON.
func work(line []byte, run func(seed uint64) sim.Result) (sim.Result, error) {
	if !bytes.HasPrefix(line, []byte("{")) {
		seed, err := strconv.ParseUint(string(line), 10, 64)
		if err != nil {
			return sim.Result{}, fmt.Errorf("%w: %q is no seed", errUsage, line)
		}
		return run(seed), nil
	}
	var task storyTask
	if err := json.Unmarshal(line, &task); err != nil {
		return sim.Result{}, fmt.Errorf("%w: %w", errUsage, err)
	}
	return tellTask(&task), nil
}

// notTold is the violation of a story that can't be told.
const notTold = "not-told"

func tellTask(task *storyTask) sim.Result {
	story, err := sim.ParseStory(task.Story)
	var r sim.Result
	if err == nil {
		told := sim.Tell(story, sim.Env{Stack: debug.Stack})
		if r = told.Result; r.Violation == nil && told.Err != nil && !errors.Is(told.Err, sim.ErrAnswers) {
			err = told.Err
		}
	}
	if err != nil {
		r.Violation = &sim.Violation{Name: notTold, Text: err.Error(), Cause: "it can't be told"}
	}
	r.Seed = task.ID
	return r
}

// newWorker is the other end of a pool: seeds come in as lines, results leave as JSON lines.
func newWorker(a *app) *cobra.Command {
	var seconds int
	var twice, paranoid bool
	var size sim.Size
	cmd := &cobra.Command{Use: "worker", Hidden: true, Args: noArgs, RunE: func(*cobra.Command, []string) error {
		spendMemory()
		in := bufio.NewScanner(os.Stdin)
		in.Buffer(nil, maxStory)
		for in.Scan() {
			r, err := work(in.Bytes(), func(seed uint64) sim.Result {
				return runSeed(sim.DrawSized(seed, time.Duration(seconds)*time.Second, size), sim.Env{Stack: debug.Stack, Paranoid: paranoid}, twice)
			})
			if err != nil {
				return err
			}
			if err := json.NewEncoder(a.out).Encode(&r); err != nil {
				return err
			}
		}
		return in.Err()
	}}
	cmd.Flags().IntVar(&seconds, "seconds", 60, "")
	cmd.Flags().BoolVar(&twice, "twice", false, "")
	cmd.Flags().BoolVar(&paranoid, "paranoid", false, "")
	cmd.Flags().IntVar(&size.Brokers, "brokers", 0, "")
	cmd.Flags().IntVar(&size.Shards, "shards", 0, "")
	return cmd
}

// pool runs seeds in worker processes: a world owns its whole process, since raft's randomness is one for all (S14).
type pool struct {
	binary   string
	jobs     int
	seconds  int
	twice    bool
	paranoid bool
	limit    time.Duration
	size     sim.Size
}

// seedDone is a result and the wall time it took.
type seedDone struct {
	sim.Result
	took time.Duration
}

// run gives each result to report, one at a time, in no order, until report returns false, ctx ends or all are done.
func (p *pool) run(ctx context.Context, seeds iter.Seq[uint64], report func(seedDone) bool) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	next, done := make(chan uint64), make(chan seedDone)
	go func() {
		defer close(next)
		for s := range seeds {
			select {
			case next <- s:
			case <-ctx.Done():
				return
			}
		}
	}()
	var workers sync.WaitGroup
	for range p.jobs {
		workers.Go(func() { p.work(ctx, next, done) })
	}
	go func() { workers.Wait(); close(done) }()
	for d := range done {
		if ctx.Err() == nil && !report(d) {
			cancel()
		}
	}
}

// work keeps one worker process busy, and replaces it when a seed was its end.
func (p *pool) work(ctx context.Context, next <-chan uint64, done chan<- seedDone) {
	var w *worker
	defer func() {
		if w != nil {
			w.stop()
		}
	}()
	for seed := range next {
		begun := time.Now()
		if w == nil {
			var err error
			if w, err = p.start(ctx); err != nil {
				done <- seedDone{Result: died(seed, "its worker can't be started: %v", err)}
				continue
			}
		}
		r, alive := w.ask(ctx, seed, strconv.FormatUint(seed, 10), p.limit)
		if !alive {
			w.stop()
			w = nil
		}
		if ctx.Err() != nil {
			return
		}
		done <- seedDone{Result: r, took: time.Since(begun)}
	}
}

// overLimit is the cause of a worker that was stopped since its time was up.
const overLimit = "still running after "

// died is the result of a seed whose worker didn't give one. Its cause is the sentence up to what differs.
func died(seed uint64, format string, args ...any) sim.Result {
	cause, _, _ := strings.Cut(format, "%")
	return sim.Result{Seed: seed, Violation: &sim.Violation{Name: sim.WorkerDied, Text: fmt.Sprintf(format, args...), Cause: cause}}
}

// worker is one process.
type worker struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  chan []byte // its lines; closed when it ends
	said *tail
}

func (p *pool) start(ctx context.Context) (*worker, error) {
	cmd := exec.CommandContext(ctx, p.binary, "worker", "--seconds", strconv.Itoa(p.seconds), "--twice="+strconv.FormatBool(p.twice), "--paranoid="+strconv.FormatBool(p.paranoid),
		"--brokers", strconv.Itoa(p.size.Brokers), "--shards", strconv.Itoa(p.size.Shards))
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a terminal's interrupt is for us: a worker that it killed would look like a failing seed
	w := &worker{cmd: cmd, out: make(chan []byte, 1), said: &tail{}}
	cmd.Stderr = w.said
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	w.in = in
	go func() {
		defer close(w.out)
		lines := bufio.NewReader(out)
		for {
			line, err := lines.ReadBytes('\n')
			if err != nil {
				return
			}
			w.out <- line
		}
	}()
	return w, nil
}

// ask runs one seed, or what else a line says. Whatever isn't a result of it is a violation (C2), and the worker is not to be used again.
func (w *worker) ask(ctx context.Context, seed uint64, line string, limit time.Duration) (sim.Result, bool) {
	if _, err := fmt.Fprintln(w.in, line); err != nil {
		return died(seed, "its worker is gone: %v%s", err, w.end()), false
	}
	timeout := time.NewTimer(limit)
	defer timeout.Stop()
	select {
	case <-ctx.Done():
		return sim.Result{}, false
	case <-timeout.C:
		return died(seed, overLimit+"%v", limit), false
	case line, ok := <-w.out:
		if !ok {
			return died(seed, "its worker ended%s", w.end()), false
		}
		var r sim.Result
		if err := json.Unmarshal(line, &r); err != nil || r.Seed != seed {
			return died(seed, "its worker answers %q", bytes.TrimSpace(line)), false
		}
		return r, true
	}
}

// end waits for a process whose output has ended, and says how it went.
func (w *worker) end() string {
	err := w.cmd.Wait()
	return fmt.Sprintf(": %v\n%s", err, w.said)
}

func (w *worker) stop() {
	w.in.Close()
	if w.cmd.ProcessState == nil {
		w.cmd.Process.Kill() // it may be in the midst of a seed that nobody waits for
		for range w.out {
		}
		w.cmd.Wait()
	}
}

// tail keeps the first bytes that a process said on its way out: the panic stands first.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

const tailBytes = 8 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if room := tailBytes - len(t.buf); room > 0 {
		t.buf = append(t.buf, p[:min(room, len(p))]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.buf))
}
