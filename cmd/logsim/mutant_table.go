package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
)

func writeFates(path string, fates []fate) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	printFates(file, fates)
	return file.Close()
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
		if t.shrunk > 0 {
			shrunk = strconv.Itoa(t.shrunk)
		}
		var others []string
		for _, name := range slices.Sorted(maps.Keys(t.others)) {
			others = append(others, fmt.Sprintf("%s × %d", name, t.others[name]))
		}
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %d | %.1f | %s | %s |\n", t.m.name, t.m.history, t.m.guarantee, fired, t.by, t.seeds, t.took.Seconds(), shrunk, strings.Join(others, ", "))
	}
}
