package main

import (
	"cmp"
	"fmt"
	"os"
	"slices"
)

// breach is one rule broken at one place.
type breach struct {
	file string // slash-separated, from the root
	line int
	rule string
	text string // what was found, what to use instead
}

func (b breach) String() string {
	return fmt.Sprintf("%s:%d: %s: %s", b.file, b.line, b.rule, b.text)
}

func main() {
	root := "."
	if len(os.Args) > 2 || len(os.Args) == 2 && os.Args[1][:1] == "-" {
		fmt.Fprintln(os.Stderr, "usage: tidy [root of the repository, default .]")
		os.Exit(2)
	}
	if len(os.Args) == 2 {
		root = os.Args[1]
	}
	breaches, err := check(root, exceptions)
	if err != nil {
		fmt.Fprintln(os.Stderr, "tidy:", err)
		os.Exit(2)
	}
	for _, b := range breaches {
		fmt.Println(b)
	}
	if len(breaches) > 0 {
		fmt.Fprintf(os.Stderr, "tidy: %d breaches\n", len(breaches))
		os.Exit(1)
	}
}

// check judges the repository at root and returns its breaches by file and line.
// The error is for a tree that can't be judged at all: unreadable, no go.mod, no go command.
func check(root string, exceptions map[string]int) ([]breach, error) {
	t, err := readTree(root)
	if err != nil {
		return nil, err
	}
	checkText(t)
	checkFolders(t)
	checkLengths(t, exceptions)
	checkSkips(t)
	checkInvariants(t)
	checkImports(t)
	if err := loadTypes(t); err != nil {
		return nil, err
	}
	for _, p := range t.packages {
		if p.info == nil {
			continue
		}
		checkBans(t, p)
		checkOrder(t, p)
		checkState(t, p)
		if !p.row.floats {
			checkFloats(t, p)
		}
	}
	slices.SortFunc(t.breaches, func(a, b breach) int {
		return cmp.Or(cmp.Compare(a.file, b.file), cmp.Compare(a.line, b.line),
			cmp.Compare(a.rule, b.rule), cmp.Compare(a.text, b.text))
	})
	return slices.Compact(t.breaches), nil
}
