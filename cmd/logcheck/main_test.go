package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"logd/checker"
	"logd/golden"
)

const histories = "../../testdata/histories/"

func logcheck(stdin string, args ...string) (exit int, stdout, stderr string) {
	var out, errs bytes.Buffer
	exit = run(args, strings.NewReader(stdin), &out, &errs)
	return exit, out.String(), errs.String()
}

func TestExitCodes(t *testing.T) {
	const valid, invalid, unknown = histories + "valid-everything.jsonl", histories + "tail-behind.jsonl", histories + "unknown-transaction.jsonl"
	const head = `{"history":1}` + "\n"
	for _, c := range []struct {
		name, stdin string
		args        []string
		exit        int
		stdout      string
		stderr      string
	}{
		{"valid", "", []string{valid}, 0, ": valid", ""},
		{"invalid", "", []string{invalid}, 1, "tail-behind in orders/0", ""},
		{"unknown", "", []string{unknown}, 3, "is a transaction", ""},
		{"no such file", "", []string{"nosuch"}, 2, "", "nosuch: no such file"},
		{"no file", "", nil, 2, "", "name a history"},
		{"no such flag", "", []string{"--frobnicate"}, 2, "", "frobnicate"},
		{"no such check", "", []string{"--explain", "nope"}, 2, "", `"nope"; the checks are linearizable, anomalies`},
		{"a bench of nothing", "", []string{"bench", "--ops", "0"}, 2, "", "--ops is [0]"},
		{"a bench of nobody", "", []string{"bench", "--clients", "0"}, 2, "", "--clients is 0"},
		{"no history", "garbage\n", []string{"-"}, 2, "", `stdin:1: no header, which is {"history":1}: invalid character`},
		{"a folder for a page", "", []string{"--html", ".", valid}, 2, "", "--html: open .: is a directory"},
		{"help", "", []string{"--help"}, 0, "Exit status", ""},
		{"malformed", head + "{}\n", []string{"-"}, 2, "", "stdin:2: malformed operation 0"},
		{"cut short", head + `{"id":`, []string{"-"}, 2, "", "stdin:2: unexpected end"},
		{"nothing", "", []string{"-"}, 2, "", "stdin:1: empty"},
		{"header only", head, []string{"-"}, 0, "stdin: valid (0 operations", ""},
		{"invalid decides", "", []string{unknown, "nosuch", invalid, valid}, 1, ": valid", "nosuch"},
		{"then unreadable", "", []string{unknown, "nosuch", valid}, 2, ": valid", "nosuch"},
		{"then unknown", "", []string{unknown, valid}, 3, ": valid", ""},
		{"sparse has one opinion", "", []string{"--second", histories + "valid-sparse.jsonl"}, 0, "porcupine has no opinion: offsets of a sparse", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			exit, stdout, stderr := logcheck(c.stdin, c.args...)
			if exit != c.exit || !strings.Contains(stdout, c.stdout) || !strings.Contains(stderr, c.stderr) {
				t.Errorf("exit %d, want %d\nstdout, wants %q:\n%s\nstderr, wants %q:\n%s", exit, c.exit, c.stdout, stdout, c.stderr, stderr)
			}
			if c.stderr == "" && stderr != "" {
				t.Errorf("stderr: %s", stderr)
			}
		})
	}
}

// TestTable holds the tables of all stored histories, with further opinions.
func TestTable(t *testing.T) {
	files, err := filepath.Glob(histories + "*.jsonl")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	_, got, stderr := logcheck("", append([]string{"--second"}, files...)...)
	if stderr != "" {
		t.Error(stderr)
	}
	got = strings.ReplaceAll(got, histories, "")
	golden.Same(t, "testdata/tables.txt", []byte(got))
}

// TestPartition: one partition by itself, and a misspelt one doesn't pass.
func TestPartition(t *testing.T) {
	exit, out, _ := logcheck("", "--partition", "orders/1", histories+"valid-everything.jsonl")
	if exit != exitValid || strings.Contains(out, "orders/0") || !strings.Contains(out, "orders/1") {
		t.Errorf("exit %d:\n%s", exit, out)
	}
	exit, out, stderr := logcheck("", "--partition", "orders/1", "--partition", "nosuch", histories+"valid-everything.jsonl")
	if exit != exitUnreadable || out != "" || !strings.HasSuffix(stderr, "no operation names the partition \"nosuch\"\n") {
		t.Errorf("exit %d, %s:\n%s", exit, stderr, out)
	}
}

func TestJSON(t *testing.T) {
	exit, out, _ := logcheck("", "--json", "--second", histories+"tail-behind.jsonl")
	var r result
	if err := json.Unmarshal([]byte(out), &r); err != nil || exit != exitInvalid {
		t.Fatalf("exit %d, %v:\n%s", exit, err, out)
	}
	if r.Verdict != checker.Invalid || r.Partitions[0].Violations[0].Name != checker.TailWentBack || len(r.Opinions) != 2 {
		t.Errorf("got %+v", r)
	}
}

// TestDisagreement: opinions that differ are a failure, whoever is right.
func TestDisagreement(t *testing.T) {
	f, err := os.Open(histories + "tail-behind.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h, err := checker.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	r := result{File: "f", Verdict: checker.Valid, Report: &checker.Report{Verdict: checker.Valid}}
	r.ask(&h, time.Minute)
	if !r.Disagree || r.Verdict != checker.Invalid || !strings.Contains(r.table(), "the opinions disagree") {
		t.Errorf("got %+v", r)
	}
}

// TestTooLarge: a history too large for a further opinion is said to be.
func TestTooLarge(t *testing.T) {
	var b bytes.Buffer
	w := checker.NewWriter(&b)
	for i := range int64(maxSecond + 1) {
		op := checker.Op{ID: i, Kind: checker.Tail, Partition: "p", Outcome: checker.OK, Call: i, Ret: i}
		if err := w.Write(&op); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	exit, out, _ := logcheck(b.String(), "--second", "-")
	if exit != exitValid || !strings.Contains(out, "porcupine has no opinion: the history has more than") {
		t.Errorf("exit %d:\n%s", exit, out)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestOutputFails(t *testing.T) {
	var errs bytes.Buffer
	exit := run([]string{histories + "valid-everything.jsonl"}, nil, full{}, &errs)
	if exit != exitUnreadable || !strings.Contains(errs.String(), "disk full") {
		t.Errorf("exit %d: %s", exit, errs.String())
	}
}
