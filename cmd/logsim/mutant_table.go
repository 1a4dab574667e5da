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

// writeFates writes the table to a file. Of one that is there the text before and behind its table stays.
func writeFates(path string, fates []fate) error {
	was, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	above, below := aroundTable(string(was))
	var b strings.Builder
	b.WriteString(above)
	fmt.Fprintf(&b, "%s\n\n", summary(fates))
	printFates(&b, fates)
	b.WriteString(below)
	return writeAtomically(path, []byte(b.String()))
}

// made begins the line above a table.
const made = "Made by `logsim mutants`"

// aroundTable is the text before the line above the table, and that behind the table's last row; all of a text without one is before it.
func aroundTable(text string) (above, below string) {
	from, to := -1, 0
	at := 0
	for line := range strings.Lines(text) {
		if from < 0 && (strings.HasPrefix(line, made) || strings.HasPrefix(line, "| mutant |")) {
			from = at
		}
		if at += len(line); from >= 0 && strings.HasPrefix(line, "|") {
			to = at
		}
	}
	if from < 0 {
		return text, ""
	}
	return text[:from], text[max(from, to):]
}

// summary says how many mutants died, of what, and which live.
func summary(fates []fate) string {
	by := map[string]int{}
	var alive []string
	for i := range fates {
		t := &fates[i]
		switch {
		case t.failed != nil || t.fired == "":
			alive = append(alive, t.m.name)
		case t.m.mark != "":
			by["marks"]++
		default:
			by[t.by]++
		}
	}
	var dead []string
	for _, what := range slices.Sorted(maps.Keys(by)) {
		dead = append(dead, fmt.Sprintf("%s %d", what, by[what]))
	}
	s := fmt.Sprintf("%s%s: %d of %d are dead (%s).", made, version(), len(fates)-len(alive), len(fates), strings.Join(dead, ", "))
	if len(alive) > 0 {
		s += " Alive: " + strings.Join(alive, ", ") + "."
	}
	return s
}

// printFates prints the table, as Markdown.
func printFates(w io.Writer, fates []fate) {
	fmt.Fprintln(w, "| mutant | history | guarantee | check that fired | found by | after | seconds | shrunk decisions | other violations met |")
	fmt.Fprintln(w, "|---|---|---|---|---|---:|---:|---:|---|")
	for i := range fates {
		t := &fates[i]
		fired := t.fired
		switch {
		case t.failed != nil:
			fired = "**not built**"
		case fired == "":
			fired = "**none: alive**"
		}
		shrunk := ""
		if t.shrunk != nil {
			shrunk = strconv.Itoa(t.shrunk.decisions)
		}
		var others []string
		for _, name := range slices.Sorted(maps.Keys(t.others)) {
			others = append(others, fmt.Sprintf("%s × %d", name, t.others[name]))
		}
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %d | %.1f | %s | %s |\n", t.m.name, t.m.history, t.m.guarantee, fired, t.by, t.seeds, t.took.Seconds(), shrunk, strings.Join(others, ", "))
	}
}
