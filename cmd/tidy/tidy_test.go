package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"logd/golden"
)

// TestRepository is the check of this repository itself.
func TestRepository(t *testing.T) {
	breaches, err := check("../..", exceptions)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range breaches {
		t.Error(b)
	}
}

// TestFixtures runs each testdata/*.txt as a repository of its own: a comment, files
// under "-- name --", and last under "-- want --" every breach that must be found, and
// no other. Each holds the clean form beside the breach.
func TestFixtures(t *testing.T) {
	names, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(names) == 0 {
		t.Fatalf("no fixtures in testdata: %v", err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txt"), func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			head, want, ok := bytes.Cut(data, []byte("-- want --\n"))
			if !ok {
				t.Fatalf("%s has no section -- want --", name)
			}
			breaches, err := check(unpack(t, head), nil)
			if err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			for _, b := range breaches {
				fmt.Fprintln(&got, b)
			}
			if golden.Rewriting() {
				data = slices.Concat(head, []byte("-- want --\n"), got.Bytes())
				if err := os.WriteFile(name, data, 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got.String() != string(want) {
				t.Errorf("%s: got\n%s\nwant\n%s", name, got.String(), want)
			}
		})
	}
}

// unpack writes the files of an archive into a new folder; go.mod and a doc.go per folder
// of Go files are added where the archive has none, unless its comment says "no doc.go".
func unpack(t *testing.T, archive []byte) string {
	root := t.TempDir()
	files := map[string]string{"go.mod": "module logd\n\ngo 1.26\n"}
	name, comment := "", ""
	for line := range strings.Lines(string(archive)) {
		if n, ok := strings.CutPrefix(line, "-- "); ok && strings.HasSuffix(n, " --\n") {
			name = strings.TrimSuffix(n, " --\n")
			files[name] = ""
		} else if name == "" {
			comment += line
		} else {
			files[name] += strings.ReplaceAll(line, "<blank>", " ")
		}
	}
	for name := range files {
		dir := filepath.Dir(name)
		doc := dir + "/doc.go"
		if filepath.Ext(name) != ".go" || strings.Contains(comment, "no doc.go") || files[doc] != "" {
			continue
		}
		files[doc] = fmt.Sprintf("// Package %[1]s is a fixture.\npackage %[1]s\n", filepath.Base(dir))
	}
	for name, text := range files {
		full := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// TestLayersGoUp: the table has no cycle and names only packages that it has.
func TestLayersGoUp(t *testing.T) {
	var above []string
	for _, row := range layers {
		for _, dir := range row.ours {
			if dir != anyOurs && !slices.Contains(above, dir) {
				t.Errorf("%s may import %s, which has no row above it", row.dir, dir)
			}
		}
		if slices.Contains(above, row.dir) {
			t.Errorf("two rows for %s", row.dir)
		}
		above = append(above, row.dir)
	}
	for name, file := range onlyIn {
		row := findLayer(filepath.Dir(file))
		if row == nil || !slices.Contains(row.std, name) {
			t.Errorf("%s is pinned to %s, whose row doesn't allow it", name, file)
		}
	}
}

// TestReach: tests may use what lies below them, never what lies above.
func TestReach(t *testing.T) {
	for _, c := range []struct {
		dir, may, mayNot string
	}{
		{"log", "log log/osfs golden", "transport replica broker sim checker"},
		{"log/osfs", "log log/osfs", "replica broker"},
		{"replica", "log log/osfs transport transport/tcp replica", "broker sim checker"},
		{"broker", "log log/osfs transport/tcp replica broker", "sim checker"},
		{"checker", "checker checker/second checker/record", "log broker sim"},
		{"checker/jepsen", "checker checker/second golden", "log broker sim"},
		{"sim", "log/osfs broker checker checker/second sim", "cmd/logd"},
		{"cmd/logctl", "sim broker cmd/logd log/osfs", ""},
	} {
		allowed := reach(findLayer(c.dir))
		for _, dir := range strings.Fields(c.may) {
			if !oneOf(dir, allowed) {
				t.Errorf("tests of %s may not import %s", c.dir, dir)
			}
		}
		for _, dir := range strings.Fields(c.mayNot) {
			if oneOf(dir, allowed) {
				t.Errorf("tests of %s may import %s", c.dir, dir)
			}
		}
	}
}

// TestExceptionsShrink: an exception fits exactly or is itself a breach (invariant T3).
func TestExceptionsShrink(t *testing.T) {
	long := "package log\n\nfunc long() {\n" + strings.Repeat("\t_ = 1\n", 70) + "}\n\nfunc short() {\n}\n"
	archive := []byte("-- log/a.go --\n" + long)
	const name = "log/a.go:long"
	for _, c := range []struct {
		exceptions map[string]int
		want       string
	}{
		{nil, "log/a.go:3: length: log/a.go:long has 72 lines, the limit is 70; split it"},
		{map[string]int{name: 72}, ""},
		{map[string]int{name: 71}, "log/a.go:3: length: log/a.go:long has 72 lines, its exception allows 71; split it"},
		{map[string]int{name: 73}, "log/a.go:3: exception: log/a.go:long has 72 lines, its exception says 73; lower it in cmd/tidy/limits.go"},
		{map[string]int{name: 72, "log/a.go:short": 80},
			"log/a.go:76: exception: log/a.go:short has 2 lines, the limit is 70; remove its row from cmd/tidy/limits.go"},
		{map[string]int{name: 72, "log/a.go:gone": 80},
			"log/a.go:1: exception: log/a.go:gone isn't there any more; remove its row from cmd/tidy/limits.go"},
		{map[string]int{name: 72, "log/a.go": 700},
			"log/a.go:1: exception: log/a.go has 77 lines, the limit is 600; remove its row from cmd/tidy/limits.go"},
	} {
		breaches, err := check(unpack(t, archive), c.exceptions)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, b := range breaches {
			got = append(got, b.String())
		}
		if strings.Join(got, "\n") != c.want {
			t.Errorf("exceptions %v: got %q, want %q", c.exceptions, got, c.want)
		}
	}
}

// TestFileLengths: 600 lines are enough for code, 900 for tests.
func TestFileLengths(t *testing.T) {
	lines := func(n int) string { return "package log\n\n" + strings.Repeat("//\n", n-2) }
	archive := "-- log/a.go --\n" + lines(600) + "-- log/b.go --\n" + lines(601) +
		"-- log/a_test.go --\n" + lines(900) + "-- log/b_test.go --\n" + lines(901)
	breaches, err := check(unpack(t, []byte(archive)), nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, b := range breaches {
		got = append(got, b.file+" "+b.rule)
	}
	if want := []string{"log/b.go length", "log/b_test.go length"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q: %v", got, want, breaches)
	}
}

// TestIgnoredFiles: what git ignores isn't judged, what is new is.
func TestIgnoredFiles(t *testing.T) {
	requireGit(t)
	bad := "blanks \n"
	root := unpack(t, []byte("-- .gitignore --\n/out/\n-- out/a.md --\n"+bad+"-- new.md --\n"+bad))
	if out, err := exec.Command("git", "-C", root, "init", "-q").CombinedOutput(); err != nil {
		t.Fatalf("git init: %v: %s", err, out)
	}
	breaches, err := check(root, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(breaches) != 1 || breaches[0].file != "new.md" {
		t.Errorf("got %v, want one breach in new.md", breaches)
	}
}

// requireGit skips where there is no git, so that Go alone is enough to run the tests; in CI that is a failure.
func requireGit(t *testing.T) {
	if _, err := exec.LookPath("git"); err == nil {
		return
	}
	if os.Getenv("LOGD_CI") != "" {
		t.Fatal("no git command, and LOGD_CI is set: install git")
	}
	t.Skip("no git command: ignored files are not tested")
}

// TestNoTree: what can't be judged is an error, not a clean bill.
func TestNoTree(t *testing.T) {
	if breaches, err := check(t.TempDir(), nil); err == nil {
		t.Errorf("an empty folder was judged clean: %v", breaches)
	}
}
