package main

import (
	"bytes"
	"go/format"
	"path"
	"regexp"
	"slices"
	"strings"
)

// textBan is a pattern no text file may hold.
// The brackets in the patterns keep this file from matching itself.
type textBan struct {
	rule    string
	pattern *regexp.Regexp
	instead string
	spared  []string // files that are spared, by name
}

var textBans = []textBan{
	{rule: "word", pattern: regexp.MustCompile(`\b(TO[D]O|FIX[M]E|X[X]X)\b`),
		instead: "an issue, or do it now", spared: []string{"go.sum"}},
	{rule: "machine-path", pattern: regexp.MustCompile(`(^|[^\w.-])/(wor[k]|roo[t]|hom[e])/`),
		instead: "a path relative to the repository, or a temporary directory"},
	{rule: "registry", pattern: regexp.MustCompile(`\b((proxy|sum)\.golang\.org|goproxy\.\w+|registry\.npmjs\.org|pypi\.org` +
		`|files\.pythonhosted\.org|(index|static)\.crates\.io|(registry-1|index|hub)\.docker\.\w+` +
		`|deb\.debian\.org|(archive|security)\.ubuntu\.com|(?i:artifactor[y])|GOPROX[Y]|GOSUMD[B])\b`),
		instead: "nothing: which registry is used is the machine's affair"},
}

// checkText judges every text file line by line, and the formatting of Go and Markdown.
func checkText(t *tree) {
	for _, f := range t.files {
		number := 0
		for line := range bytes.Lines(f.data) {
			number++
			for _, ban := range textBans {
				if found := ban.pattern.Find(line); found != nil && !slices.Contains(ban.spared, path.Base(f.path)) {
					t.breach(f, number, ban.rule, "%q; use %s", strings.TrimSpace(string(found)), ban.instead)
				}
			}
			text := bytes.TrimRight(line, "\r\n")
			if strings.HasSuffix(f.path, ".md") && len(bytes.TrimRight(text, " \t")) < len(text) {
				t.breach(f, number, "whitespace", "blanks at the end of the line; remove them (an empty line makes a paragraph)")
			}
		}
		if f.syntax == nil {
			continue
		}
		if formatted, err := format.Source(f.data); err == nil && !bytes.Equal(formatted, f.data) {
			t.breach(f, firstDifference(f.data, formatted), "gofmt", "not formatted; run gofmt -w %s", f.path)
		}
	}
}

// firstDifference returns the number of the first line that differs.
func firstDifference(a, b []byte) int {
	linesA, linesB := bytes.Split(a, []byte("\n")), bytes.Split(b, []byte("\n"))
	for i := range min(len(linesA), len(linesB)) {
		if !bytes.Equal(linesA[i], linesB[i]) {
			return i + 1
		}
	}
	return min(len(linesA), len(linesB))
}

// badFolders say nothing about what is in them.
var badFolders = []string{"internal", "pkg", "util", "utils", "types", "common"}

// checkFolders refuses folder names without meaning, and packages that don't say in doc.go what they are for.
func checkFolders(t *tree) {
	seen := map[string]bool{}
	for _, f := range t.files {
		for dir := path.Dir(f.path); dir != "."; dir = path.Dir(dir) {
			if !seen[dir] && slices.Contains(badFolders, path.Base(dir)) {
				t.breach(f, 1, "folder", "folder %s/; name it after what it holds (design, section 7)", dir)
			}
			seen[dir] = true
		}
	}
	for _, p := range t.packages {
		code := p.code()
		if len(code) == 0 {
			continue
		}
		i := slices.IndexFunc(code, func(f *file) bool { return path.Base(f.path) == "doc.go" })
		switch {
		case i < 0:
			t.breach(code[0], 1, "doc", "package %s has no doc.go; write one: purpose, numbered invariants, one drawing", p.dir)
		case code[i].syntax.Doc == nil || strings.TrimSpace(code[i].syntax.Doc.Text()) == "":
			t.breach(code[i], 1, "doc", "no package comment here; write it: purpose, numbered invariants, one drawing")
		}
	}
}
