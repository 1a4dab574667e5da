package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"logd/checker"
)

func packed(t *testing.T, text []byte) map[string][]byte {
	t.Helper()
	var gz, zst bytes.Buffer
	g := gzip.NewWriter(&gz)
	z, err := zstd.NewWriter(&zst)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range []interface {
		Write([]byte) (int, error)
		Close() error
	}{g, z} {
		if _, err := w.Write(text); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return map[string][]byte{"plain": text, "gzip": gz.Bytes(), "zstd": zst.Bytes()}
}

// TestPacked: what is packed is told by its first bytes, from a file and from
// stdin; one that ends too early, or isn't what it seems, gets no verdict (K1).
func TestPacked(t *testing.T) {
	text, err := os.ReadFile(histories + "tail-behind.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range packed(t, text) {
		file := filepath.Join(t.TempDir(), "history")
		if err := os.WriteFile(file, b, 0o644); err != nil {
			t.Fatal(err)
		}
		for _, arg := range []string{file, "-"} {
			if exit, out, errs := logcheck(string(b), arg); exit != exitInvalid || !strings.Contains(out, "tail-behind in orders/0") {
				t.Errorf("%s from %s: exit %d: %s%s", name, arg, exit, out, errs)
			}
		}
		if exit, out, errs := logcheck(string(b[:len(b)-9]), "-"); exit != exitUnreadable || out != "" || !strings.Contains(errs, "stdin:") {
			t.Errorf("%s cut short: exit %d: %s%s", name, exit, out, errs)
		}
	}
	for _, b := range []string{"\x1f\x8bnot gzip", "\x28\xb5\x2f\xfdnot zstd"} {
		if exit, out, errs := logcheck(b, "-"); exit != exitUnreadable || out != "" || !strings.HasPrefix(errs, "stdin:") {
			t.Errorf("%q: exit %d: %s%s", b, exit, out, errs)
		}
	}
}

// TestProgressLine says how far a file is, as far as that is known.
func TestProgressLine(t *testing.T) {
	in := &input{label: "f", size: 200, read: &counter{n: 50}}
	p := newProgress(&bytes.Buffer{}, in)
	if got := p.line(1000, 2*time.Second); got != "f: 1000 operations, 500/s, 25% of the file" {
		t.Error(got)
	}
	in.size = 0
	if got := p.line(1000, 2*time.Second); got != "f: 1000 operations, 500/s" {
		t.Error(got)
	}
	if p.out != nil {
		t.Error("progress is written to what isn't a terminal")
	}
}

// TestChoose: a check by its own name or by that of an anomaly, a partition, and
// what isn't there.
func TestChoose(t *testing.T) {
	const invalid = histories + "tail-behind.jsonl"
	for _, c := range []struct {
		args []string
		exit int
		says string
	}{
		{[]string{"--check", "linearizable", invalid}, exitInvalid, "tail-behind in orders/0"},
		{[]string{"--check", "tail-behind,never-sent", invalid}, exitInvalid, "tail-behind in orders/0"},
		{[]string{"--check", "nosuch", invalid}, exitUnreadable, `no check or anomaly is called "nosuch"`},
		{[]string{"--partition", "orders/0", invalid}, exitInvalid, "tail-behind in orders/0"},
		{[]string{"--partition", "orders/1", invalid}, exitUnreadable, "no operation names the partition"},
		{[]string{"--explain", "tail-behind"}, exitValid, `"op":"tail"`},
		{[]string{"--explain", "linearizable"}, exitValid, "acknowledged-missing\n"},
		{[]string{"--explain", "nosuch"}, exitUnreadable, "the checks are linearizable, anomalies"},
		{[]string{"--explain", "tail-behind", invalid}, exitUnreadable, "unknown command"},
	} {
		if exit, out, errs := logcheck("", c.args...); exit != c.exit || !strings.Contains(out+errs, c.says) {
			t.Errorf("%v: exit %d, want %d with %q:\n%s%s", c.args, exit, c.exit, c.says, out, errs)
		}
	}
}

// TestOnlyOfTransaction: of a transaction --partition keeps what concerns it.
func TestOnlyOfTransaction(t *testing.T) {
	op := checker.Op{Kind: checker.Txn, Ops: []checker.Op{{Kind: checker.Tail, Partition: "p"}, {Kind: checker.Tail, Partition: "q"}}}
	if !only(&op, []string{"q"}) || len(op.Ops) != 1 || op.Ops[0].Partition != "q" {
		t.Errorf("kept %+v", op.Ops)
	}
	if only(&op, []string{"r"}) {
		t.Error("kept a transaction that doesn't concern the partition")
	}
}

// TestBench: the benchmark's histories are valid, and invalid with an anomaly in
// them, from memory and from files of every kind.
func TestBench(t *testing.T) {
	exit, out, errs := logcheck("", "bench", "--ops", "3000", "--dir", t.TempDir(), "--file-ops", "3000")
	if exit != exitValid || strings.Count(out, "| valid |") != 5 || strings.Count(out, "| invalid |") != 1 {
		t.Errorf("exit %d:\n%s%s", exit, out, errs)
	}
	exit, out, errs = logcheck("", "bench", "--porcupine", "50", "--clients", "3")
	if exit != exitValid || strings.Count(out, "| valid |") != 2 || strings.Count(out, "| invalid |") != 2 {
		t.Errorf("exit %d:\n%s%s", exit, out, errs)
	}
}
