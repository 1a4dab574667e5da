package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
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
	html           string // file of a page, "" for none
	timeout        time.Duration
	families       []checker.Family
	partitions     []string // only these; empty: all
}

// result is what is said of one file.
type result struct {
	File string `json:"file"`
	// Verdict is the worst of all checks: invalid, then unknown. It is invalid too if
	// a further opinion contradicts check A.
	Verdict checker.Verdict `json:"verdict"`
	// Report is that of check A, if it was asked for.
	*checker.Report
	// Checks are the other families.
	Checks   []checker.Findings `json:"checks,omitempty"`
	Opinions []second.Opinion   `json:"opinions,omitempty"`
	Disagree bool               `json:"disagree,omitempty"`
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

// collect sets how much garbage there may be.
func (c *check) collect() {
	if c.html != "" || c.second {
		debug.SetGCPercent(gcPercentPointers)
	}
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
	in, err := c.open(name)
	if err != nil {
		return nil, err
	}
	defer in.close()
	r := &result{File: in.label}
	kept, err := c.judge(r, in)
	var at *checker.LineError
	if errors.As(err, &at) {
		return nil, fmt.Errorf("%s:%d: %w", in.label, at.Line, at.Err)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", in.label, err)
	}
	if r.Report != nil && r.Report.First() != nil && name != "-" {
		if err := c.reduce(r, name); err != nil {
			return nil, fmt.Errorf("%s: read again, to make evidence minimal: %w", in.label, err)
		}
	}
	if c.second && r.Report != nil {
		r.ask(kept, c.timeout)
	}
	if c.html != "" {
		if err := c.page(r, kept); err != nil {
			return nil, fmt.Errorf("%s: %w", in.label, err)
		}
	}
	return r, nil
}

// judge runs the checks while it reads. It returns the history if further opinions or
// a page are wanted and it isn't too long.
func (c *check) judge(r *result, in *input) (*checker.History, error) {
	kept := &checker.History{}
	if c.keeps() == 0 {
		kept = nil
	}
	p := newPanel(c.families)
	if err := c.hear(p, in, kept); err != nil {
		return nil, err
	}
	p.finish(r)
	if kept != nil && len(kept.Ops) > c.keeps() {
		kept = nil
	}
	return kept, nil
}

// hear gives the operations of a file to a panel, and the first c.keeps() of them
// and one more to kept.
func (c *check) hear(p *panel, in *input, kept *checker.History) error {
	from, err := in.source()
	if err != nil {
		return err
	}
	header, err := from.Header()
	if err != nil {
		return err
	}
	p.begin(header)
	if kept != nil {
		kept.Header = header
	}
	look := newProgress(c.stderr, in)
	defer look.end()
	seen := named{}
	var op checker.Op
	for n := int64(1); ; n++ {
		if err := from.Read(&op); err == io.EOF {
			return seen.lacks(c.partitions)
		} else if err != nil {
			return err
		}
		look.at(n)
		if !only(&op, c.partitions) {
			continue
		}
		if len(c.partitions) > 0 {
			seen.see(&op)
		}
		p.complete(&op)
		if kept != nil && len(kept.Ops) <= c.keeps() {
			kept.Ops = append(kept.Ops, op.Clone())
		}
	}
}

// reduce reads a file again, to make what the report names of it minimal.
func (c *check) reduce(r *result, name string) error {
	in, err := c.open(name)
	if err != nil {
		return err
	}
	defer in.close()
	from, err := in.source()
	if err != nil {
		return err
	}
	header, err := from.Header()
	if err != nil {
		return err
	}
	m := checker.NewReducer(header, r.Report)
	for {
		var op checker.Op
		if err := from.Read(&op); err == io.EOF {
			m.Finish()
			return nil
		} else if err != nil {
			return err
		}
		if only(&op, c.partitions) {
			m.Complete(&op)
		}
	}
}

// ask adds further opinions. One that contradicts check A makes the file invalid:
// somebody is wrong, and it isn't known who (K3).
func (r *result) ask(h *checker.History, timeout time.Duration) {
	if h == nil || len(h.Ops) > maxSecond {
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
