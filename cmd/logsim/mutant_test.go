package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const sound = `name: demo
history: nowhere
guarantee: G1
check: unseen|acknowledged-missing
# a comment
file: main.go
--- old
	answer := 1
+++ new
	answer := 2
file: example.org/dep/dep.go
--- old
func Word() string { return "sound" }
+++ new
func Word() string { return "mutant" }
`

func TestParseMutant(t *testing.T) {
	m, err := parseMutant([]byte(sound))
	if err != nil {
		t.Fatal(err)
	}
	if m.name != "demo" || m.guarantee != "G1" || len(m.edits) != 2 || m.edits[1].file != "example.org/dep/dep.go" || m.by != bySeeds {
		t.Fatalf("parsed %+v", m)
	}
	if m, err := parseMutant([]byte("by: crash-states\n" + sound)); err != nil || m.by != byCrashStates {
		t.Fatalf("parsed %+v, %v", m, err)
	}
	if m, err := parseMutant([]byte(strings.Replace(sound, "unseen|acknowledged-missing", "mark tail-cut", 1))); err != nil || m.mark != "tail-cut" {
		t.Fatalf("parsed %+v, %v", m, err)
	}
	if want := (edit{"main.go", "\tanswer := 1\n", "\tanswer := 2\n"}); m.edits[0] != want {
		t.Fatalf("first edit is %q", m.edits[0])
	}
	for name, kills := range map[string]bool{"unseen": true, "acknowledged-missing": true, "panic": false, "unseen-too": false} {
		if m.check.MatchString(name) != kills {
			t.Errorf("violation %s kills: %v", name, !kills)
		}
	}
}

func TestParseMutantRefuses(t *testing.T) {
	for what, text := range map[string]string{
		"by nothing":     "by: luck\n" + sound,
		"no check":       strings.Replace(sound, "check:", "#check:", 1),
		"unknown mark":   strings.Replace(sound, "unseen|acknowledged-missing", "mark nowhere", 1),
		"bad check":      strings.Replace(sound, "unseen|", "(", 1),
		"no file":        strings.Replace(sound, "file: main.go\n", "", 1),
		"no blocks":      sound[:strings.Index(sound, "file:")],
		"no change":      strings.Replace(sound, "answer := 2", "answer := 1", 1),
		"unknown header": "nme: x\n" + sound,
		"new alone":      "name: x\n+++ new\n",
		"stray text":     "what\n" + sound,
	} {
		if _, err := parseMutant([]byte(text)); !errors.Is(err, errMutant) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestApplyWantsExactlyOneOccurrence(t *testing.T) {
	e := edit{"f.go", "a\n", "b\n"}
	if got, err := e.apply([]byte("x\na\ny\n")); err != nil || string(got) != "x\nb\ny\n" {
		t.Fatalf("%q, %v", got, err)
	}
	for _, source := range []string{"x\n", "a\na\n"} {
		if _, err := e.apply([]byte(source)); !errors.Is(err, errMutant) || !strings.Contains(err.Error(), "f.go") {
			t.Errorf("%q: %v", source, err)
		}
	}
}

// demoModule is a module with one dependency, both on disk.
func demoModule(t *testing.T) string {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":     "module demo\n\ngo 1.26\n\nrequire example.org/dep v1.0.0\n\nreplace example.org/dep v1.0.0 => ./dep\n",
		"go.sum":     "",
		"main.go":    "package main\n\nimport \"example.org/dep\"\n\nfunc main() {\n\tanswer := 1\n\tprintln(dep.Word(), answer)\n}\n",
		"dep/go.mod": "module example.org/dep\n\ngo 1.26\n",
		"dep/dep.go": "package dep\n\nfunc Word() string { return \"sound\" }\n",
	} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o777), os.WriteFile(path, []byte(text), 0o666)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// A mutant of this module and of a dependency is built, and no file of either is touched.
func TestBuildMutant(t *testing.T) {
	dir := demoModule(t)
	b, err := newBuilder(t.Context(), dir, ".")
	if err != nil {
		t.Fatal(err)
	}
	m, err := parseMutant([]byte(sound))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []struct {
		edits []edit
		says  string
	}{{m.edits[:1], "sound 2"}, {m.edits[1:], "mutant 1"}, {m.edits, "mutant 2"}} {
		binary, err := b.build(t.Context(), &mutant{edits: want.edits}, t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(t.Context(), binary).CombinedOutput()
		if got := strings.TrimSpace(string(out)); err != nil || got != want.says {
			t.Errorf("the mutant says %q, expected %q: %v", got, want.says, err)
		}
	}
	if text, err := os.ReadFile(filepath.Join(dir, "main.go")); err != nil || !strings.Contains(string(text), "answer := 1") {
		t.Errorf("main.go was changed: %v", err)
	}
}

func TestBuildMutantThatNoLongerApplies(t *testing.T) {
	b, err := newBuilder(t.Context(), demoModule(t), ".")
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.build(t.Context(), &mutant{edits: []edit{{"main.go", "answer := 3\n", "answer := 4\n"}}}, t.TempDir())
	if !errors.Is(err, errMutant) || !strings.Contains(err.Error(), "occurs 0 times in main.go") {
		t.Fatalf("error is %v", err)
	}
}

func TestReadMutants(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "demo.txt"), []byte(sound), 0o666); err != nil {
		t.Fatal(err)
	}
	if all, err := readMutants(dir, "demo"); err != nil || len(all) != 1 {
		t.Fatalf("%d mutants, %v", len(all), err)
	}
	if _, err := readMutants(dir, "other"); !errors.Is(err, errMutant) {
		t.Fatalf("a name that no mutant has: %v", err)
	}
}

// Each of our mutants still applies: what it replaces stands there once.
func TestMutantsApply(t *testing.T) {
	b, err := newBuilder(t.Context(), ".", "./cmd/logsim")
	if err != nil {
		t.Fatal(err)
	}
	all, err := readMutants(b.path(filepath.Join("testdata", "mutants")))
	if err != nil {
		t.Fatal(err)
	}
	for i := range all {
		if err := all[i].applies(b); err != nil {
			t.Errorf("%s: %v", all[i].name, err)
		}
	}
}

func (m *mutant) applies(b *builder) error {
	files := map[string][]byte{}
	for i := range m.edits {
		e := &m.edits[i]
		at := b.path(e.file)
		if path, ok := b.module(e.file); ok {
			at = filepath.Join(b.modules[path], strings.TrimPrefix(e.file, path+"/"))
		}
		if files[at] == nil {
			source, err := os.ReadFile(at)
			if err != nil {
				return err
			}
			files[at] = source
		}
		var err error
		if files[at], err = e.apply(files[at]); err != nil {
			return err
		}
	}
	return nil
}

// Each invariant that the core numbers has a row in docs/invariants.md, which says by what it is held and who breaks it; the mutants that
// are named there exist.
func TestInvariantsHaveRows(t *testing.T) {
	root := filepath.Join("..", "..")
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	rows := map[string]bool{}
	mutants := regexp.MustCompile(`[a-z0-9]+(?:-[a-z0-9]+)+`)
	quoted := regexp.MustCompile("`[^`]*`")
	for line := range strings.Lines(read("docs/invariants.md")) {
		cells := strings.Split(line, "|")
		if len(cells) != 5 || strings.HasPrefix(line, "|---") || strings.Contains(line, "| invariant |") {
			continue
		}
		for number := range strings.SplitSeq(cells[1], ",") {
			rows[strings.TrimSpace(number)] = true
		}
		for _, name := range mutants.FindAllString(quoted.ReplaceAllString(cells[3], ""), -1) {
			if _, err := os.Stat(filepath.Join(root, "testdata", "mutants", name+".txt")); err != nil {
				t.Errorf("%s: there is no mutant %s", strings.TrimSpace(cells[1]), name)
			}
		}
	}
	number := regexp.MustCompile(`(?m)^//\t([A-Z][0-9]+)  ?\S`)
	for _, file := range []string{"log/doc.go", "replica/doc.go", "transport/doc.go", "broker/doc.go", "broker/meta.go", "broker/group/doc.go", "checker/doc.go"} {
		found := number.FindAllStringSubmatch(read(file), -1)
		if len(found) == 0 {
			t.Errorf("%s numbers no invariant", file)
		}
		for _, m := range found {
			if !rows[m[1]] {
				t.Errorf("%s: invariant %s has no row in docs/invariants.md", file, m[1])
			}
		}
	}
}
