package main

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"

	"logd/log/crash"
)

func TestCrashStates(t *testing.T) {
	var out, errs bytes.Buffer
	a := &app{out: &out, err: &errs}
	args := []string{"crash-states", "--states", "500", "--only", "votes", "--per-boundary", "20"}
	if code := a.run(t.Context(), args); code != exitOK || errs.Len() > 0 {
		t.Fatalf("exit status %d, said %q\n%s", code, errs.String(), out.String())
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if last := lines[len(lines)-1]; !strings.HasPrefix(last, "valid ") || !strings.Contains(out.String(), "completion of write-sync") {
		t.Fatalf("printed\n%s", out.String())
	}
	out.Reset()
	var r crash.Report
	if code := a.run(t.Context(), append(args, "--json")); code != exitOK || json.Unmarshal(out.Bytes(), &r) != nil || r.Distinct < 500 || r.Violation != nil {
		t.Fatalf("exit status %d, printed %s", code, out.String())
	}
}

// What was done until an interrupt is printed, and is no pass.
func TestCrashStatesInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, errs bytes.Buffer
	a := &app{out: &out, err: &errs}
	if code := a.run(ctx, []string{"crash-states"}); code != exitInvalid || !strings.Contains(out.String(), "distinct states") || !strings.Contains(errs.String(), "not finished") {
		t.Fatalf("exit status %d, said %q\n%s", code, errs.String(), out.String())
	}
}
