package main

import (
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"logd/golden"
)

// TestSimulated: histories of simulated brokers with a known bug (testdata/mutants),
// with all that is said of them.
func TestSimulated(t *testing.T) {
	files, err := filepath.Glob(histories + "simulated/*.jsonl")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		exit, got, stderr := logcheck("", file)
		if exit != exitInvalid || stderr != "" {
			t.Errorf("%s: exit %d, %s", file, exit, stderr)
		}
		got = strings.ReplaceAll(got, histories, "")
		golden.Same(t, strings.TrimSuffix(file, ".jsonl")+".report.txt", []byte(got))
	}
	files, err = filepath.Glob(histories + "simulated/*.edn")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files { // Jepsen's offsets may be sparse, so less is found there
		_, got, stderr := logcheck("", file)
		if stderr != "" {
			t.Errorf("%s: %s", file, stderr)
		}
		golden.Same(t, file+".report.txt", []byte(strings.ReplaceAll(got, histories, "")))
	}
}

// TestFormats: the same history says the same in each format, packed or in a store.
func TestFormats(t *testing.T) {
	const name = histories + "anomalies/lost-write"
	_, want, _ := logcheck("", name+".jsonl")
	_, want, _ = strings.Cut(want, ": ")
	if !strings.Contains(want, "lost-write") {
		t.Fatal(want)
	}
	text, err := os.ReadFile(name + ".edn")
	if err != nil {
		t.Fatal(err)
	}
	store, txt := t.TempDir(), t.TempDir()
	f, err := os.Create(filepath.Join(store, "history.edn.gz"))
	if err != nil {
		t.Fatal(err)
	}
	z := gzip.NewWriter(f)
	if _, err := z.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{name + ".edn", store} {
		exit, got, stderr := logcheck("", file)
		if _, got, _ = strings.Cut(got, ": "); exit != exitInvalid || got != want || stderr != "" {
			t.Errorf("%s: exit %d %s(-want +got):\n%s", file, exit, stderr, cmp.Diff(want, got))
		}
	}
	const lines = "0\t:invoke\t:send\t[[:send 1 2]]\n0\t:ok\t:send\t[[:send 1 [0 2]]]\n1\t:invoke\t:poll\t[[:poll]]\n1\t:ok\t:poll\t[[:poll {1 [[0 3]]}]]\n"
	if err := os.WriteFile(filepath.Join(txt, "history.txt"), []byte(lines), 0o644); err != nil {
		t.Fatal(err)
	}
	if exit, got, stderr := logcheck("", txt); exit != exitInvalid || !strings.Contains(got, "inconsistent-offsets in 1") {
		t.Errorf("history.txt: exit %d %s\n%s", exit, stderr, got)
	}
	if exit, _, stderr := logcheck(string(text)+"{:process", "-"); exit != exitUnreadable || !strings.Contains(stderr, "stdin:9: not EDN: the text ends") {
		t.Errorf("cut short: exit %d %s", exit, stderr)
	}
	if exit, _, stderr := logcheck("", t.TempDir()); exit != exitUnreadable || !strings.Contains(stderr, "no store of Jepsen's") {
		t.Errorf("no store: exit %d %s", exit, stderr)
	}
}

func TestPage(t *testing.T) {
	file := filepath.Join(t.TempDir(), "page.html")
	const bad = histories + "tail-behind.jsonl"
	if exit, _, stderr := logcheck("", "--html", file, bad); exit != exitInvalid || stderr != "" {
		t.Errorf("exit %d: %s", exit, stderr)
	}
	page, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(page), "tail-behind") || !strings.Contains(string(page), "2 operations on orders/0 around tail-behind") {
		t.Errorf("%v: a page of %d bytes lacks what it is for", err, len(page))
	}
	for _, args := range [][]string{{"--html", file, bad, bad}, {"--html", "/nosuch/dir/page.html", bad}} {
		if exit, _, stderr := logcheck("", args...); exit != exitUnreadable || stderr == "" {
			t.Errorf("%v: exit %d %s", args, exit, stderr)
		}
	}
}
