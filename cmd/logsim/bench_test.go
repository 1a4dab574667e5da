package main

import (
	"bytes"
	"strings"
	"testing"
)

// A world of full load is the same in the table as without it, and another one of less.
func TestBenchLoads(t *testing.T) {
	run := func(args ...string) []string {
		var out, errs bytes.Buffer
		a := &app{out: &out, err: &errs}
		if code := a.run(t.Context(), append([]string{"bench", "--seeds", "1", "--seconds", "4"}, args...)); code != exitOK {
			t.Fatalf("logsim bench %q: exit status %d, said %q", args, code, errs.String())
		}
		return strings.Split(strings.TrimSpace(out.String()), "\n")
	}
	whole, rows := run(), run("--load", "1,1/8")
	_, traces, _ := strings.Cut(whole[len(whole)-1], "traces=")
	if len(rows) != 4 || !strings.HasSuffix(rows[2], traces) || strings.HasSuffix(rows[3], traces) || !strings.HasPrefix(rows[3], "  1/8") {
		t.Fatalf("traces %s, but\n%s", traces, strings.Join(rows, "\n"))
	}
}
