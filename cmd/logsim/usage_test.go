package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What is wrong is said on one line, with the value that was given; and before a run, not after it.
func TestWrongUsage(t *testing.T) {
	folder := t.TempDir()
	bare := filepath.Join(folder, "bare.txt")
	if err := os.WriteFile(bare, []byte("crash 1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args string
		code int
		has  string
	}{
		{"", exitUsage, "say what to do: run, soak"},
		{"frob", exitUsage, `unknown command "frob"; there are run, soak`},
		{"run", exitUsage, "give either --seed or --seeds"},
		{"run --seeds 0", exitUsage, "--seeds 0"},
		{"run --seed 1 --shards 9", exitUsage, "--shards is 9, of 0 to "},
		{"soak --brokers 99", exitUsage, "--brokers is 99, of 0 to "},
		{"view --seed 1 --seconds 0", exitUsage, "--seconds is 0"},
		{"shrink --seed 1 --jobs 0", exitUsage, "--jobs is 0"},
		{"shrink --seed 1 --brokers 99", exitUsage, "--brokers is 99, of 0 to "},
		{"run --seed 1 --seconds 10000000000", exitUsage, "--seconds is 10000000000, of 1 to 1000000"},
		{"run --seeds 1 --limit 0s", exitUsage, "--limit 0s"},
		{"run --seed 1 --jobs 3", exitUsage, "--jobs, --limit and --from go with --seeds"},
		{"mutants --only ", exitUsage, "--only"},
		{"bench --seeds 0", exitUsage, "--seeds is 0"},
		{"crash-states --only nope", exitUsage, `--only is "nope"; the workloads are format, append`},
		{"crash-states --states 0", exitUsage, "--states is 0"},
		{"run --seed 1 --record " + folder, exitInvalid, "--record: open " + folder + ": is a directory"},
		{"run --seed 1 --history " + folder, exitInvalid, "--history: open " + folder + ": is a directory"},
		{"story " + bare, exitInvalid, `line 1: "crash" comes before the reason`},
	} {
		var out, errs bytes.Buffer
		a := &app{out: &out, err: &errs}
		code := a.run(t.Context(), strings.Fields(c.args))
		said := errs.String()
		if c.code != exitUsage {
			said += out.String()
		}
		if code != c.code || !strings.Contains(said, c.has) {
			t.Errorf("logsim %s: exit status %d, want %d with %q:\n%s", c.args, code, c.code, c.has, said)
		}
		if strings.Contains(out.String(), "simulated seconds") {
			t.Errorf("logsim %s: the run was made", c.args)
		}
	}
}

// A mutant is built from source: outside of a checkout one line says so.
func TestMutantsOutsideOfTheSource(t *testing.T) {
	t.Chdir(t.TempDir())
	var out, errs bytes.Buffer
	a := &app{out: &out, err: &errs}
	if code := a.run(t.Context(), []string{"mutants", "--only", "ack-before-sync"}); code != exitInvalid || !strings.Contains(errs.String(), "no go.mod in . or above it") || strings.Count(errs.String(), "\n") != 1 {
		t.Errorf("exit status %d, said %q", code, errs.String())
	}
}
