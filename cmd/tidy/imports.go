package main

import (
	"go/ast"
	"slices"
	"strconv"
	"strings"
)

// checkImports holds every package to its row of the table (invariant T1).
func checkImports(t *tree) {
	for _, p := range t.packages {
		if p.row == nil {
			t.breach(p.files[0], 1, "layer", "package folder %s is not in the table; give it a row in cmd/tidy/layers.go", p.dir)
			continue
		}
		for _, f := range p.files {
			for _, spec := range f.syntax.Imports {
				name, err := strconv.Unquote(spec.Path.Value)
				if err != nil {
					continue // the parser has checked it
				}
				checkImport(t, p, f, spec, name)
			}
		}
	}
}

func checkImport(t *tree, p *goFiles, f *file, spec *ast.ImportSpec, name string) {
	dir, ours := strings.CutPrefix(name, t.module+"/")
	switch {
	case ours && f.isTest():
		if allowed := reach(p.row); !oneOf(dir, allowed) {
			t.breachAt(f, spec.Pos(), "layer", "tests of %s import %s, which doesn't lie below it; use %s, or move the test up",
				p.dir, dir, strings.Join(allowed, ", "))
		}
	case ours && testsOnly(dir):
		t.breachAt(f, spec.Pos(), "layer", "%s imports %s, which is there for tests alone; use it in a _test.go file", p.dir, dir)
	case ours:
		if !oneOf(dir, p.row.ours) {
			t.breachAt(f, spec.Pos(), "layer", "%s imports %s; use %s, or values that the caller hands in",
				p.dir, dir, strings.Join(append(slices.Clone(p.row.ours), "what it declares itself"), ", "))
		}
	case f.isTest():
	case !isLibrary(name) && !p.row.strict:
	case !isLibrary(name) && (slices.Contains(coreStd, name) || slices.Contains(p.row.std, name)):
		if only, ok := onlyIn[name]; ok && f.path != only {
			t.breachAt(f, spec.Pos(), "import", "%q in %s; use it in %s alone", name, f.path, only)
		}
	case isLibrary(name) && oneOf(name, p.row.libs):
	default:
		t.breachAt(f, spec.Pos(), "import", "%s imports %q; use %s", p.dir, name, replacement(name))
	}
}

// testsOnly says whether a folder is a package for tests alone.
func testsOnly(dir string) bool {
	row := findLayer(dir)
	return row != nil && row.tests
}

// isLibrary says whether an import path belongs to another module than the standard library.
func isLibrary(name string) bool {
	first, _, _ := strings.Cut(name, "/")
	return strings.Contains(first, ".")
}

// oneOf matches a path with names, "name/..." (it and all below) and "*".
func oneOf(name string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		base, tree := strings.CutSuffix(pattern, "/...")
		return pattern == anyOurs || name == base || tree && under(name, base)
	})
}

// replacement says what to use instead of an import.
func replacement(name string) string {
	if what, ok := instead[name]; ok {
		return what
	}
	if what, ok := instead[strings.SplitN(name, "/", 2)[0]]; ok && !isLibrary(name) {
		return what
	}
	return "what its row in cmd/tidy/layers.go allows, or add it there with the reason"
}
