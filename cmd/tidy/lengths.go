package main

import (
	"bytes"
	"go/ast"
	"go/token"
	"maps"
	"slices"
	"strings"
)

// checkLengths holds functions and files to limits.go. An exception gives one of them exactly its length of today.
func checkLengths(t *tree, exceptions map[string]int) {
	used := map[string]bool{}
	judge := func(f *file, line int, name string, length, limit int) {
		allowed, excepted := exceptions[name]
		used[name] = excepted
		switch {
		case excepted && length <= limit:
			t.breach(f, line, "exception", "%s has %d lines, the limit is %d; remove its row from cmd/tidy/limits.go", name, length, limit)
		case excepted && length < allowed:
			t.breach(f, line, "exception", "%s has %d lines, its exception says %d; lower it in cmd/tidy/limits.go", name, length, allowed)
		case excepted && length > allowed:
			t.breach(f, line, "length", "%s has %d lines, its exception allows %d; split it", name, length, allowed)
		case !excepted && length > limit:
			t.breach(f, line, "length", "%s has %d lines, the limit is %d; split it", name, length, limit)
		}
	}
	for _, p := range t.packages {
		for _, f := range p.files {
			limit := maxFileLines
			if f.isTest() {
				limit = maxTestFileLines
			}
			judge(f, 1, f.path, countLines(f.data), limit)
			for _, fn := range functions(f.syntax) {
				from, to := t.fset.Position(fn.from).Line, t.fset.Position(fn.to).Line
				judge(f, from, f.path+":"+fn.name, to-from+1, maxFuncLines)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(exceptions)) {
		if !used[name] {
			at, _, _ := strings.Cut(name, ":")
			t.breach(&file{path: at}, 1, "exception", "%s isn't there any more; remove its row from cmd/tidy/limits.go", name)
		}
	}
}

func countLines(data []byte) int {
	lines := bytes.Count(data, []byte("\n"))
	if len(data) > 0 && data[len(data)-1] != '\n' {
		lines++
	}
	return lines
}

// function is a declared function, or a literal in a package variable's declaration.
type function struct {
	name     string // "scan", "Reader.next", or the variable's name
	from, to token.Pos
}

// functions lists the outermost functions of a file; a literal inside another counts as part of it.
func functions(syntax *ast.File) []function {
	var found []function
	for _, decl := range syntax.Decls {
		if decl, ok := decl.(*ast.FuncDecl); ok {
			name := decl.Name.Name
			if decl.Recv != nil {
				name = receiverName(decl.Recv.List[0].Type) + "." + name
			}
			found = append(found, function{name, decl.Pos(), decl.End()})
			continue
		}
		for _, spec := range decl.(*ast.GenDecl).Specs {
			if values, ok := spec.(*ast.ValueSpec); ok {
				found = append(found, literals(values)...)
			}
		}
	}
	return found
}

func literals(values *ast.ValueSpec) []function {
	var found []function
	ast.Inspect(values, func(n ast.Node) bool {
		lit, ok := n.(*ast.FuncLit)
		if ok {
			found = append(found, function{values.Names[0].Name, lit.Pos(), lit.End()})
		}
		return !ok
	})
	return found
}

// receiverName returns "Reader" for *Reader and Reader[T].
func receiverName(of ast.Expr) string {
	switch of := of.(type) {
	case *ast.ParenExpr:
		return receiverName(of.X)
	case *ast.StarExpr:
		return receiverName(of.X)
	case *ast.IndexExpr:
		return receiverName(of.X)
	case *ast.IndexListExpr:
		return receiverName(of.X)
	case *ast.Ident:
		return of.Name
	}
	return "?"
}
