package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"logd/checker"
	"logd/checker/second"
)

const defaultTimeout = 10 * time.Second

// maxSecond is how many operations of a history are kept for further opinions,
// each of which has its own limit for a partition.
const maxSecond = 20 * second.PorcupineLimit

// check is one run of logcheck.
type check struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	json, second   bool
	timeout        time.Duration
}

// result is what is said of one file.
type result struct {
	File string `json:"file"`
	// Verdict is that of check A, or invalid if a further opinion contradicts it.
	Verdict checker.Verdict `json:"verdict"`
	checker.Report
	Opinions []second.Opinion `json:"opinions,omitempty"`
	Disagree bool             `json:"disagree,omitempty"`
}

// files checks each file. It returns the exit code, and an error if the result
// cannot be written.
func (c *check) files(files []string) (int, error) {
	var seen [exitUnknown + 1]bool
	for _, file := range files {
		r, err := c.file(file)
		if err != nil {
			seen[exitUnreadable] = true
			c.complain("%v", err)
			continue
		}
		seen[exitOf(r.Verdict)] = true
		if err := c.print(r); err != nil {
			return exitUnreadable, err
		}
	}
	for _, exit := range []int{exitInvalid, exitUnreadable, exitUnknown} {
		if seen[exit] {
			return exit, nil
		}
	}
	return exitValid, nil
}

func exitOf(v checker.Verdict) int {
	switch v {
	case checker.Valid:
		return exitValid
	case checker.Invalid:
		return exitInvalid
	}
	return exitUnknown
}

// file checks one file. Its errors name the file, and the line if one is to blame.
func (c *check) file(name string) (*result, error) {
	in, label := c.stdin, "stdin"
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in, label = f, name
	}
	r := &result{File: label}
	kept, err := r.judge(in, c.second)
	var at *checker.LineError
	if errors.As(err, &at) {
		return nil, fmt.Errorf("%s:%d: %w", label, at.Line, at.Err)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", label, err)
	}
	r.Verdict = r.Report.Verdict
	if c.second {
		r.ask(kept, c.timeout)
	}
	return r, nil
}

// judge runs check A while it reads. It returns the history if keep is set and it
// isn't too long.
func (r *result) judge(in io.Reader, keep bool) (*checker.History, error) {
	reader := checker.NewReader(in)
	header, err := reader.Header()
	if err != nil {
		return nil, err
	}
	a := checker.New(checker.Options{Sparse: header.Sparse})
	kept := &checker.History{Header: header}
	for {
		op, err := reader.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		a.Complete(&op)
		if keep {
			kept.Ops = append(kept.Ops, op)
		}
		if len(kept.Ops) > maxSecond {
			keep, kept = false, &checker.History{}
		}
	}
	r.Report = a.Finish()
	if !keep {
		return nil, nil
	}
	return kept, nil
}

// ask adds further opinions. One that contradicts check A makes the file invalid:
// somebody is wrong, and it isn't known who.
func (r *result) ask(h *checker.History, timeout time.Duration) {
	if h == nil {
		why := fmt.Sprintf("the history has more than %d operations", maxSecond)
		r.Opinions = []second.Opinion{{Method: "porcupine", Verdict: checker.Undecided, Why: why},
			{Method: "exhaustive", Verdict: checker.Undecided, Why: why}}
		return
	}
	r.Opinions = []second.Opinion{second.Porcupine(*h, timeout), second.Exhaustive(*h)}
	for _, o := range r.Opinions {
		if o.Verdict != checker.Undecided && r.Report.Verdict != checker.Undecided && o.Verdict != r.Report.Verdict {
			r.Disagree, r.Verdict = true, checker.Invalid
		}
	}
}

func (c *check) print(r *result) error {
	if c.json {
		e := json.NewEncoder(c.stdout)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	_, err := io.WriteString(c.stdout, r.table())
	return err
}

func (c *check) complain(format string, args ...any) { fmt.Fprintf(c.stderr, format+"\n", args...) }
