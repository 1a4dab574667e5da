package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A new table takes the place of the old one, and the text around it stays.
func TestTableIsReplaced(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mutants.md")
	fates := []fate{
		{m: &mutant{name: "one"}, by: bySeeds, fired: "unseen", seeds: 3},
		{m: &mutant{name: "two"}, by: byTest},
		{m: &mutant{name: "three", mark: "roll"}, by: bySeeds, fired: "mark roll"},
	}
	if err := os.WriteFile(file, []byte("# Mutants\n\n| mutant | x |\n|---|---|\n| gone | y |\n\nBelow.\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	for range 2 { // its own text is replaced, too
		if err := writeFates(file, fates); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	want := made + version() + ": 2 of 3 are dead (marks 1, seeds 1). Alive: two."
	if len(lines) != 12 || lines[0] != "# Mutants" || lines[2] != want || !strings.HasPrefix(lines[4], "| mutant |") || !strings.HasPrefix(lines[8], "| three |") {
		t.Fatalf("the file is\n%s", text)
	}
	if !strings.HasSuffix(string(text), "\n\nBelow.\n") {
		t.Fatalf("the file is\n%s", text)
	}
}
