package main

import (
	"bytes"
	"go/ast"
	"go/types"
	"slices"
)

// checkSkips finds tests that may pass by not running. A skip may only stand in a
// function that also reads LOGD_CI, so that in CI the missing tool fails the test.
func checkSkips(t *tree) {
	for _, p := range t.packages {
		for _, f := range p.files {
			if !importsTesting(f) {
				continue
			}
			for _, decl := range f.syntax.Decls {
				from, to := t.fset.Position(decl.Pos()).Offset, t.fset.Position(decl.End()).Offset
				if bytes.Contains(f.data[from:to], []byte("LOGD_CI")) {
					continue
				}
				findSkips(t, f, decl)
			}
		}
	}
}

// importsTesting says whether a file could skip a test at all.
func importsTesting(f *file) bool {
	return slices.ContainsFunc(f.syntax.Imports, func(spec *ast.ImportSpec) bool { return spec.Path.Value == `"testing"` })
}

// findSkips walks one declaration with the parameters that are in scope, so that rapid's
// Skip, which discards one draw, and a decoder's, which passes over bytes, aren't taken for testing's.
func findSkips(t *tree, f *file, decl ast.Decl) {
	var stack []ast.Node
	ast.Inspect(decl, func(n ast.Node) bool {
		if n == nil {
			stack = stack[:len(stack)-1]
			return true
		}
		stack = append(stack, n)
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		sel, ok := call.Fun.(*ast.SelectorExpr)
		if !ok || !slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, sel.Sel.Name) {
			return true
		}
		if isTester(stack, sel.X) {
			t.breachAt(f, call.Pos(), "skip", "%s outside a helper that fails when LOGD_CI is set; call such a helper", sel.Sel.Name)
		}
		return true
	})
}

// isTester says whether an expression is a test's handle: a parameter of testing's
// types, or what isn't a parameter and is named like one (s.t).
func isTester(stack []ast.Node, x ast.Expr) bool {
	of := parameterType(stack, types.ExprString(x))
	if sel, ok := x.(*ast.SelectorExpr); ok {
		x = sel.Sel
	}
	return slices.Contains([]string{"*testing.T", "*testing.B", "*testing.F", "testing.TB"}, of) ||
		of == "" && slices.Contains([]string{"t", "b", "f", "tb"}, types.ExprString(x))
}

// parameterType returns the declared type of the innermost parameter of that name, or "".
func parameterType(stack []ast.Node, name string) string {
	for _, n := range slices.Backward(stack) {
		var params *ast.FieldList
		switch n := n.(type) {
		case *ast.FuncLit:
			params = n.Type.Params
		case *ast.FuncDecl:
			params = n.Type.Params
		default:
			continue
		}
		for _, field := range params.List {
			for _, id := range field.Names {
				if id.Name == name {
					return types.ExprString(field.Type)
				}
			}
		}
	}
	return ""
}
