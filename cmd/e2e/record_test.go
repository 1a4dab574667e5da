package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"logd/checker"
)

// TestRecordExample: the example records a history that logcheck reads, and finds valid.
func TestRecordExample(t *testing.T) {
	t.Parallel()
	c := startCluster(t)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	file := filepath.Join(c.dir, "history.jsonl")
	out, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	var said bytes.Buffer
	record := exec.CommandContext(ctx, command(t, "record"), "--brokers", c.nodes[0].addr, "--topic", "recorded", "--seconds", "2")
	record.Stdout, record.Stderr = out, &said
	if err := record.Run(); err != nil {
		t.Fatalf("%v: %s", err, said.String())
	}
	text, err := exec.CommandContext(ctx, command(t, "logcheck"), "--json", file).Output()
	var r checker.Report
	if err := errors.Join(err, json.Unmarshal(text, &r)); err != nil {
		t.Fatalf("%v:\n%s", err, text)
	}
	if len(r.Partitions) != 2 {
		t.Errorf("%d partitions of 2", len(r.Partitions))
	}
	for _, p := range r.Partitions {
		if p.AppendsOK == 0 || p.Reads == 0 || p.UpperBounds == 0 || p.Unread > 0 {
			t.Errorf("it proves little: %+v", p)
		}
	}
}
