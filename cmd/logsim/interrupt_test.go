package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// interrupted starts this binary as logsim, in a process group of its own, and interrupts the group as a terminal does once ready says
// so. It returns how it ended, and what it said.
func interrupted(t *testing.T, env []string, ready func() bool, args ...string) (code int, out, errs string) {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var o, e bytes.Buffer
	cmd := exec.CommandContext(t.Context(), binary, args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = &o, &e
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for !ready() {
		select {
		case err := <-ended:
			t.Fatalf("it ended by itself: %v, said %q and %q", err, o.String(), e.String())
		case <-time.After(time.Millisecond):
		}
	}
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	err = <-ended
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return exit.ExitCode(), o.String(), e.String()
	} else if err != nil {
		t.Fatal(err)
	}
	return 0, o.String(), e.String()
}

// holds tells whether a file is there and has at least so many bytes.
func holds(path string, bytes int64) func() bool {
	return func() bool {
		st, err := os.Stat(path)
		return err == nil && st.Size() >= bytes
	}
}

// A soak that is interrupted has taken no worker's end for a failing seed, and goes on where it was.
func TestInterruptedSoak(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "kept")
	args := []string{"soak", "--dir", dir, "--from", "20", "--seconds", "20", "--jobs", "2"}
	real := []string{asLogsim + "=real"}
	someDone := func() bool {
		state, err := os.ReadFile(filepath.Join(dir, soakFile))
		return err == nil && regexp.MustCompile(`"seeds": [1-9]`).Match(state)
	}
	code, out, errs := interrupted(t, real, someDone, args...)
	if code != exitInvalid || !strings.Contains(errs, "interrupted after ") || !strings.Contains(out, "\nvalid ") {
		t.Fatalf("exit status %d, said %q and %q", code, out, errs)
	}
	f := &soakFlags{dir: dir, from: 20, seconds: 20}
	build, err := fileHash(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	s, err := loadSoak(f, build)
	if err != nil || s.Seeds == 0 || len(s.Failures) > 0 {
		t.Fatalf("%v: %+v", err, s)
	}
}

// A shrinking that is interrupted leaves the story that it had reached, of the same verdict.
func TestInterruptedShrink(t *testing.T) {
	dir := t.TempDir()
	from, to, told := filepath.Join(dir, "record"), filepath.Join(dir, "story.txt"), filepath.Join(dir, "told")
	if err := os.WriteFile(from, []byte(longRecord()), 0o666); err != nil {
		t.Fatal(err)
	}
	code, _, errs := interrupted(t, []string{asLogsim + "=faked", toldFile + "=" + told}, holds(told, 5), "shrink", "--from", from, "--out", to, "--jobs", "2")
	text, err := os.ReadFile(to)
	if code != exitOK || err != nil {
		t.Fatalf("exit status %d, said %q, %v", code, errs, err)
	}
	c, err := caseOf(string(text))
	if err != nil || fakeTelling(string(text)).Violation == nil || fakeTelling(string(text)).Violation.Name != "unseen" || !strings.HasSuffix(string(text), "expect violation unseen\n  gone\n") {
		t.Fatalf("%v: %s", err, text)
	}
	if len(c.Decisions) == 2 && c.Decisions[1].At == 0 {
		t.Errorf("it was through: %s", text)
	}
}

// A soak that is interrupted while it shrinks goes on with what that had reached.
func TestInterruptedSoakShrinksOn(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "kept")
	told := filepath.Join(t.TempDir(), "told")
	args := []string{"soak", "--dir", dir, "--from", "7", "--seeds", "1", "--jobs", "1"}
	code, out, errs := interrupted(t, []string{asLogsim + "=faked", toldFile + "=" + told}, holds(told, 6), args...)
	if code != exitInvalid || strings.Contains(out, "shrunk") || strings.Contains(out, "decisions") {
		t.Fatalf("exit status %d, said %q and %q", code, out, errs)
	}
	var o, e bytes.Buffer
	a := &app{out: &o, err: &e, binary: os.Args[0]}
	if code := a.run(t.Context(), args); code != exitInvalid || !strings.Contains(o.String(), "unseen: gone (seed-7.txt; 2 decisions in story-7.txt)") {
		t.Fatalf("exit status %d, said %q and %q", code, o.String(), e.String())
	}
}

// A terminal interrupts the group of the process that it started: workers are in none that it knows, so that none ends before we hear of it.
func TestWorkersAreNotInterrupted(t *testing.T) {
	w, err := fakePool(t).start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer w.stop()
	if group, err := syscall.Getpgid(w.cmd.Process.Pid); err != nil || group != w.cmd.Process.Pid {
		t.Fatalf("the worker is in group %d, %v; expected its own, %d", group, err, w.cmd.Process.Pid)
	}
}
