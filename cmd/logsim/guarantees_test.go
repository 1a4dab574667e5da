package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// docs/guarantees.md names with each guarantee the mutants whose files say that they break it, and no others.
func TestGuaranteesNameTheirMutants(t *testing.T) {
	root := filepath.Join("..", "..")
	all, err := readMutants(filepath.Join(root, "testdata", "mutants"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "docs", "guarantees.md"))
	if err != nil {
		t.Fatal(err)
	}
	number := regexp.MustCompile(`\bG\d+\b`)
	breaks := map[string][]string{}
	for i := range all {
		for _, g := range number.FindAllString(all[i].guarantee, -1) {
			breaks[g] = append(breaks[g], all[i].name)
		}
	}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.TrimRight(line, " |\n"), " | ")
		g := strings.TrimPrefix(cells[0], "| ")
		want := breaks[g]
		if delete(breaks, g); len(want) == 0 {
			continue
		}
		slices.Sort(want)
		if got := cells[len(cells)-1]; got != strings.Join(want, ", ") {
			t.Errorf("docs/guarantees.md says that %s is broken by\n  %s\nand the mutants' files that it is by\n  %s", g, got, strings.Join(want, ", "))
		}
	}
	for g, names := range breaks {
		t.Errorf("docs/guarantees.md has no row for %s, which %v break", g, names)
	}
}
