package main

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/build"
	"go/importer"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
)

// loadTypes type-checks the non-test files of the strict packages. All of them are checked at once,
// whatever the platform: a file that some platforms leave out would escape, so it is a breach.
func loadTypes(t *tree) error {
	var strict []*goFiles
	var patterns []string
	for _, p := range t.packages {
		if p.row != nil && p.row.strict && len(p.code()) > 0 {
			strict = append(strict, p)
			patterns = append(patterns, "./"+p.dir)
			checkConstraints(t, p)
		}
	}
	if len(strict) == 0 {
		return nil
	}
	exports, err := exportFiles(t.root, patterns)
	if err != nil {
		return err
	}
	open := func(name string) (io.ReadCloser, error) {
		file, ok := exports[name]
		if !ok {
			return nil, fmt.Errorf("no compiled form of %q", name)
		}
		return os.Open(file)
	}
	// One importer for all, so that a type is the same type in each of them.
	from := importer.ForCompiler(t.fset, "gc", open)
	for _, p := range strict {
		typecheck(t, p, from)
	}
	return nil
}

// exportFiles asks the go command for the compiled form of all that the packages
// import, directly or not: import path → file. What doesn't compile is missing in it.
func exportFiles(root string, patterns []string) (map[string]string, error) {
	args := append([]string{"list", "-e", "-export", "-deps", "-f", "{{.ImportPath}}\t{{.Export}}"}, patterns...)
	cmd := exec.Command("go", args...)
	cmd.Dir = root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%w: go list -export in %s: %w: %s", errTree, root, err, bytes.TrimSpace(stderr.Bytes()))
	}
	exports := map[string]string{}
	for line := range strings.Lines(string(out)) {
		if name, file, _ := strings.Cut(strings.TrimSpace(line), "\t"); file != "" {
			exports[name] = file
		}
	}
	return exports, nil
}

// typecheck fills in p.info. What can't be typed is a breach (invariant T2).
func typecheck(t *tree, p *goFiles, from types.Importer) {
	code := p.code()
	var first error
	config := types.Config{Importer: from, Error: func(err error) {
		if first == nil {
			first = err
		}
	}}
	p.info = &types.Info{
		Types:      map[ast.Expr]types.TypeAndValue{},
		Defs:       map[*ast.Ident]types.Object{},
		Uses:       map[*ast.Ident]types.Object{},
		Selections: map[*ast.SelectorExpr]*types.Selection{},
	}
	syntax := make([]*ast.File, len(code))
	for i, f := range code {
		syntax[i] = f.syntax
	}
	p.pkg, _ = config.Check(t.module+"/"+p.dir, t.fset, syntax, p.info) // its error is first
	if first == nil {
		return
	}
	f, line := code[0], 1
	var at types.Error
	if errors.As(first, &at) {
		position := t.fset.Position(at.Pos)
		line = position.Line
		for _, g := range code {
			if g.path == position.Filename {
				f = g
			}
		}
		first = errors.New(at.Msg)
	}
	t.breach(f, line, "types", "%s can't be type-checked: %v; make it build first", p.dir, first)
}

// checkConstraints refuses files of the core that only some builds contain.
func checkConstraints(t *tree, p *goFiles) {
	elsewhere := build.Default
	elsewhere.GOOS, elsewhere.GOARCH = "plan9", "wasm"
	for _, f := range p.code() {
		bad := false
		for _, group := range f.syntax.Comments {
			for _, c := range group.List {
				bad = bad || c.Pos() < f.syntax.Package && strings.HasPrefix(c.Text, "//go:build")
			}
		}
		dir, name := path.Split(f.path)
		if match, err := elsewhere.MatchFile(filepath.Join(t.root, dir), name); !bad && err == nil {
			bad = !match
		}
		if bad {
			t.breach(f, 1, "build", "only some builds contain this file; the core is the same everywhere, use log/osfs, transport/tcp or cmd")
		}
	}
}
