package main

import (
	"bytes"
	"path"
	"regexp"
)

// invariantLine is one that numbers an invariant in a package's comment: a tab, a capital and digits, then words.
var invariantLine = regexp.MustCompile(`^//\t([A-Z][0-9]+)[ \t]+\S`)

// checkInvariants holds every numbered invariant of a doc.go to be named by another file of its folder: where it is asserted, where
// it is kept by construction, or by the test that attacks it. One that is named nowhere is a wish.
func checkInvariants(t *tree) {
	for _, p := range t.packages {
		for _, f := range p.files {
			if path.Base(f.path) != "doc.go" {
				continue
			}
			number := 0
			for line := range bytes.Lines(f.data) {
				number++
				if found := invariantLine.FindSubmatch(line); found != nil && !named(p, f, string(found[1])) {
					t.breach(f, number, "invariant", "%s is named by no other file of %s/; say where it is asserted, or what keeps it", found[1], p.dir)
				}
			}
		}
	}
}

func named(p *goFiles, doc *file, name string) bool {
	whole := regexp.MustCompile(`\b` + name + `\b`)
	for _, f := range p.files {
		if f != doc && whole.Match(f.data) {
			return true
		}
	}
	return false
}
