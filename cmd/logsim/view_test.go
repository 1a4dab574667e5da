package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A seed, a story and a history each become a page, and the page says what makes it again.
func TestViewWritesAPage(t *testing.T) {
	t.Chdir("../..")
	dir := t.TempDir()
	seen := filepath.Join(dir, "seen.jsonl")
	if err := os.WriteFile(seen, []byte(`{"history":1}
{"id":1,"client":1,"op":"append","part":"a/0","call":10,"ret":20,"outcome":"ok","values":["x"],"off":0}
{"id":2,"client":2,"op":"tail","part":"a/0","call":40,"ret":50,"outcome":"ok","off":0}
`), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ args, verdict string }{
		{"--seed 3 --seconds 2", "valid\n"},
		{"testdata/sim/pause.txt", "valid\n"},
		{"--history " + seen, "INVALID: tail-behind\n"},
	} {
		file := filepath.Join(dir, "page.html")
		var out, errs bytes.Buffer
		a := &app{out: &out, err: &errs}
		if code := a.run(t.Context(), append([]string{"view", "-o", file}, strings.Fields(c.args)...)); code != exitOK {
			t.Errorf("view %s: status %d: %s", c.args, code, errs.String())
			continue
		}
		page, err := os.ReadFile(file)
		if err != nil || !bytes.HasPrefix(page, []byte("<!doctype html>")) || len(page) < 40_000 {
			t.Errorf("view %s: %d bytes, %v", c.args, len(page), err)
		}
		if !strings.HasPrefix(out.String(), c.verdict) || !strings.Contains(out.String(), "wrote "+file) {
			t.Errorf("view %s says %q", c.args, out.String())
		}
	}
}

// What can't be a page is a wrong command line, or an error.
func TestViewRefuses(t *testing.T) {
	for args, want := range map[string]int{
		"view":                                       exitUsage,
		"view --seed 1 story.txt":                    exitUsage,
		"view --seed 1 --history x":                  exitUsage,
		"view a.txt b.txt":                           exitUsage,
		"view --seed 1 --seconds 0":                  exitUsage,
		"view --history x --mutant ack-before-sync":  exitUsage,
		"view nowhere.txt":                           exitInvalid,
		"view --history nowhere.jsonl":               exitInvalid,
		"view --seed 1 --seconds 1 -o nowhere/x.htm": exitInvalid,
	} {
		var out, errs bytes.Buffer
		a := &app{out: &out, err: &errs}
		if code := a.run(t.Context(), strings.Fields(args)); code != want || errs.Len() == 0 {
			t.Errorf("logsim %s: status %d and %q, expected status %d", args, code, errs.String(), want)
		}
	}
}
