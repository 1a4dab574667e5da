package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
)

// writeFates writes the table to a file. Of one that is there the text before and behind its table stays, and so do the rows of mutants
// that were not hunted now, if they are still among all. How far a mutant was shrunk stays, too, until that is known anew, if it has a story.
func writeFates(path string, fates []fate, all []mutant, hasStory func(*mutant) bool) error {
	was, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	above, table, below := aroundTable(string(was))
	rows := map[string]string{}
	for line := range strings.Lines(table) {
		rows[nameOfRow(line)] = line
	}
	for i := range fates {
		row := fates[i].row()
		if fates[i].shrunk == nil && hasStory(fates[i].m) {
			row = withShrunk(row, rows[fates[i].m.name])
		}
		rows[fates[i].m.name] = row
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s%s\n\n%s", above, summary(rows, fates, all), tableHead)
	for i := range all {
		b.WriteString(rows[all[i].name])
	}
	b.WriteString(below)
	return writeAtomically(path, []byte(b.String()))
}

// made begins the line above a table.
const made = "Made by `logsim mutants`"

// aroundTable is the text before the line above the table, the table with it, and the text behind; all of a text without a table is
// before it.
func aroundTable(text string) (above, table, below string) {
	from, to, at := -1, 0, 0
	for line := range strings.Lines(text) {
		if from < 0 && (strings.HasPrefix(line, made) || strings.HasPrefix(line, "| mutant |")) {
			from = at
		}
		if at += len(line); from >= 0 && strings.HasPrefix(line, "|") {
			to = at
		}
	}
	if from < 0 {
		return text, "", ""
	}
	to = max(from, to)
	return text[:from], text[from:to], text[to:]
}

// shrunkCell is where a row, cut at its bars, says how many decisions were left.
const shrunkCell = 8

// withShrunk is a row with the shrunk decisions of another.
func withShrunk(row, was string) string {
	cells, old := strings.Split(row, "|"), strings.Split(was, "|")
	if len(old) != len(cells) {
		return row
	}
	cells[shrunkCell] = old[shrunkCell]
	return strings.Join(cells, "|")
}

// nameOfRow is the mutant that a row of the table is about.
func nameOfRow(line string) string {
	_, line, _ = strings.Cut(line, "| ")
	name, _, _ := strings.Cut(line, " |")
	return name
}

// The check that fired, of mutants that none killed.
const (
	firedNone = "**none: alive**"
	hasFailed = "**failed**" // to build, or to be shown by its story
)

// summary says how many of all mutants died, which live, and how many of the rows are of this run.
func summary(rows map[string]string, fates []fate, all []mutant) string {
	var alive, missing []string
	for i := range all {
		switch row := rows[all[i].name]; {
		case row == "":
			missing = append(missing, all[i].name)
		case strings.Contains(row, firedNone) || strings.Contains(row, hasFailed):
			alive = append(alive, all[i].name)
		}
	}
	s := fmt.Sprintf("%s%s: %d of %d are dead.", made, version(), len(all)-len(alive)-len(missing), len(all))
	if n := len(all) - len(missing) - len(fates); n > 0 {
		s += fmt.Sprintf(" %d rows are of this run, %d of runs before.", len(fates), n)
	}
	if len(alive) > 0 {
		s += " Alive: " + strings.Join(alive, ", ") + "."
	}
	if len(missing) > 0 {
		s += " Not hunted yet: " + strings.Join(missing, ", ") + "."
	}
	return s
}

const tableHead = "| mutant | history | guarantee | check that fired | found by | after | seconds | shrunk decisions | other violations met |\n" +
	"|---|---|---|---|---|---:|---:|---:|---|\n"

// printFates prints the table, as Markdown.
func printFates(w io.Writer, fates []fate) {
	fmt.Fprint(w, tableHead)
	for i := range fates {
		fmt.Fprint(w, fates[i].row())
	}
}

func (t *fate) row() string {
	fired := t.fired
	switch {
	case t.failed != nil:
		fired = hasFailed
	case fired == "":
		fired = firedNone
	}
	shrunk := ""
	if t.shrunk != nil {
		shrunk = strconv.Itoa(t.shrunk.decisions)
	}
	var others []string
	for _, name := range slices.Sorted(maps.Keys(t.others)) {
		others = append(others, fmt.Sprintf("%s × %d", name, t.others[name]))
	}
	return fmt.Sprintf("| %s | %s | %s | %s | %s | %d | %.1f | %s | %s |\n", t.m.name, t.m.history, t.m.guarantee, fired, t.by, t.seeds, t.took.Seconds(), shrunk, strings.Join(others, ", "))
}
