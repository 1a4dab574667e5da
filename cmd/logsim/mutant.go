package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"logd/sim"
)

// mutant is a known bug as a small replacement of source text.
type mutant struct {
	path      string // of its file
	name      string
	history   string // where the bug was met
	guarantee string // which it breaks
	by        string // what finds it: bySeeds, byTwice, byCrashStates, byStory or byTest
	only      string // the workload of crash-states that finds it, the story, or the test's folder; "": all
	check     *regexp.Regexp
	mark      string // that no seed hits any more, instead of a check that fires
	edits     []edit
}

// What finds a mutant.
const (
	bySeeds       = "seeds"
	byTwice       = "twice" // seeds, each run two times
	byCrashStates = "crash-states"
	byStory       = "story"
	byTest        = "test"
)

// edit replaces text in a file of this module, or of a dependency if the file's name begins with that module's path.
type edit struct{ file, old, new string }

var errMutant = errors.New("bad mutant")

// pkg is the folder of the test that finds it.
func (m *mutant) pkg() string { return m.only }

// readMutants reads the files of a directory, by name; only, if given, selects some, each of which must be there.
func readMutants(dir string, only ...string) ([]mutant, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil {
		return nil, err
	}
	slices.Sort(paths)
	var all []mutant
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		m, err := parseMutant(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		m.path = path
		if len(only) == 0 || slices.Contains(only, m.name) {
			all = append(all, m)
		}
	}
	for _, name := range only {
		if !slices.ContainsFunc(all, func(m mutant) bool { return m.name == name }) {
			return nil, fmt.Errorf("%w: none in %s with name %q", errMutant, dir, name)
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%w: none in %s", errMutant, dir)
	}
	return all, nil
}

// parseMutant reads header lines (name, history, guarantee, check, by, only, file) and blocks of exact text; by may be missing, and
// is then seeds; only names the story, the package of the test that check names, or one workload of crash-states; check: mark NAME says
// that no seed comes by that mark any more, which is how a workload or a nemesis with a blind spot shows:
//
//	name: ack-before-sync
//	by: seeds
//	check: acknowledged-missing|unseen
//	file: log/queue.go
//	--- old
//	text that occurs once
//	+++ new
//	what stands there instead, up to the next block, file: line or the end
//
// A further file: line between blocks names the file of those that follow.
func parseMutant(text []byte) (mutant, error) {
	m := mutant{by: bySeeds}
	file, in := "", ""
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		line := lines.Text()
		key, value, header := strings.Cut(line, ": ")
		switch {
		case line == "--- old":
			m.edits = append(m.edits, edit{file: file})
			in = "old"
		case line == "+++ new":
			if in != "old" {
				return m, fmt.Errorf("%w: +++ new without --- old", errMutant)
			}
			in = "new"
		case in == "old":
			m.edits[len(m.edits)-1].old += line + "\n"
		case header && key == "file" && in != "old":
			file, in = value, ""
		case in == "new":
			m.edits[len(m.edits)-1].new += line + "\n"
		case line == "" || strings.HasPrefix(line, "#"):
		case header:
			if err := m.header(key, value); err != nil {
				return m, err
			}
		default:
			return m, fmt.Errorf("%w: line %q is neither header nor block", errMutant, line)
		}
	}
	return m, m.complete()
}

func (m *mutant) header(key, value string) (err error) {
	switch key {
	case "name":
		m.name = value
	case "history":
		m.history = value
	case "guarantee":
		m.guarantee = value
	case "by":
		if m.by = value; value != bySeeds && value != byTwice && value != byCrashStates && value != byStory && value != byTest {
			return fmt.Errorf("%w: by %q, expected %s, %s, %s, %s or %s", errMutant, value, bySeeds, byTwice, byCrashStates, byStory, byTest)
		}
	case "only":
		m.only = value
	case "check":
		if name, ok := strings.CutPrefix(value, "mark "); ok {
			if _, known := sim.MarkNamed(name); !known {
				return fmt.Errorf("%w: no mark %q", errMutant, name)
			}
			m.mark = name
		}
		if m.check, err = regexp.Compile("^(?:" + value + ")$"); err != nil {
			return fmt.Errorf("%w: check: %w", errMutant, err)
		}
	default:
		return fmt.Errorf("%w: unknown header %q", errMutant, key)
	}
	return nil
}

// complete wants a whole mutant.
func (m *mutant) complete() error {
	switch {
	case m.name == "" || m.history == "" || m.guarantee == "" || m.check == nil:
		return fmt.Errorf("%w: name, history, guarantee and check must all be given", errMutant)
	case (m.by == byStory || m.by == byTest) && m.only == "" || (m.by == bySeeds || m.by == byTwice) && m.only != "":
		return fmt.Errorf("%w: only names a story, the package of a test, or a workload of crash-states", errMutant)
	case len(m.edits) == 0:
		return fmt.Errorf("%w: no --- old block", errMutant)
	}
	for _, e := range m.edits {
		if e.file == "" || e.old == "" || e.old == e.new {
			return fmt.Errorf("%w: a block without file, without old text or without a change", errMutant)
		}
	}
	return nil
}

// apply replaces the one occurrence of the old text; any other number of them fails loudly.
func (e *edit) apply(source []byte) ([]byte, error) {
	if n := bytes.Count(source, []byte(e.old)); n != 1 {
		return nil, fmt.Errorf("%w: its old text occurs %d times in %s, expected once:\n%s", errMutant, n, e.file, e.old)
	}
	return bytes.Replace(source, []byte(e.old), []byte(e.new), 1), nil
}
