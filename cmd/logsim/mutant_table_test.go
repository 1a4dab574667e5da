package main

import (
	"os"
	"path/filepath"
	"testing"
)

// A table's new rows take the place of old ones, the others stay but for mutants that are gone, and so does the text around it.
func TestTableIsReplaced(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mutants.md")
	all := []mutant{{name: "kept"}, {name: "lives"}, {name: "new"}, {name: "old"}, {name: "small"}, {name: "unknown"}}
	fates := []fate{{m: &all[1], by: byTest}, {m: &all[2], by: bySeeds, fired: "unseen", seeds: 3, shrunk: &shrunkTo{0}},
		{m: &all[4], by: bySeeds, fired: "unseen", seeds: 4}}
	was := "# Mutants\n\n" + tableHead + "| gone | x |\n| kept | y |\n| new | z |\n| old | " + firedNone + " |\n| small |  |  | unseen | seeds | 9 | 1.0 | 7 |  |\n\nBelow.\n"
	if err := os.WriteFile(file, []byte(was), 0o666); err != nil {
		t.Fatal(err)
	}
	for range 2 { // its own text is replaced, too
		if err := writeFates(file, fates, all, func(m *mutant) bool { return m.name == "small" }); err != nil {
			t.Fatal(err)
		}
	}
	want := "# Mutants\n\n" + made + version() + ": 3 of 6 are dead. 3 rows are of this run, 2 of runs before. Alive: lives, old. Not hunted yet: unknown.\n\n" +
		tableHead + "| kept | y |\n| lives |  |  | " + firedNone + " | test | 0 | 0.0 |  |  |\n| new |  |  | unseen | seeds | 3 | 0.0 | 0 |  |\n" +
		"| old | " + firedNone + " |\n| small |  |  | unseen | seeds | 4 | 0.0 | 7 |  |\n\nBelow.\n"
	if got, err := os.ReadFile(file); err != nil || string(got) != want {
		t.Fatalf("%v: the file is\n%s\nexpected\n%s", err, got, want)
	}
}
