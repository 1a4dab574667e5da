package main

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
)

const useOwner = "a field of the value that owns it, or an argument"

// checkState finds package variables that change: tables and error sentinels are
// fine as long as only their declaration and init functions write them.
func checkState(t *tree, p *goFiles) {
	for _, f := range p.code() {
		for _, decl := range f.syntax.Decls {
			switch decl := decl.(type) {
			case *ast.GenDecl:
				checkPackageVars(t, p, f, decl)
				findWrites(t, p, f, decl) // function literals in declarations
			case *ast.FuncDecl:
				if decl.Recv != nil || decl.Name.Name != "init" {
					findWrites(t, p, f, decl)
				}
			}
		}
	}
}

// checkPackageVars refuses package variables that can't be tables: pointers, which exist to be changed through.
func checkPackageVars(t *tree, p *goFiles, f *file, decl *ast.GenDecl) {
	for _, spec := range decl.Specs {
		values, ok := spec.(*ast.ValueSpec)
		if !ok || decl.Tok != token.VAR {
			continue
		}
		for _, id := range values.Names {
			obj := p.info.Defs[id]
			if obj == nil || id.Name == "_" {
				continue
			}
			if _, ok := obj.Type().Underlying().(*types.Pointer); ok && obj.Type().String() != "*hash/crc32.Table" {
				t.breachAt(f, id.Pos(), "state", "package variable %s is a %s, shared by all shards of a process; use %s",
					id.Name, types.TypeString(obj.Type(), types.RelativeTo(p.pkg)), useOwner)
			}
		}
	}
}

// findWrites reports what may change a package variable: assignment to it or into it,
// its address, a method called on its address, and the built-ins that write.
func findWrites(t *tree, p *goFiles, f *file, root ast.Node) {
	write := func(target ast.Expr, how string) {
		v := p.packageVar(target)
		if v == nil || onlyIn[v.Pkg().Path()] == f.path {
			return // bans.go judges the pinned import
		}
		t.breachAt(f, target.Pos(), "state", "package variable %s: %s outside its declaration; use %s", v.Name(), how, useOwner)
	}
	ast.Inspect(root, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for _, left := range n.Lhs {
				if n.Tok != token.DEFINE {
					write(left, "assigned")
				}
			}
		case *ast.IncDecStmt:
			write(n.X, "assigned")
		case *ast.RangeStmt:
			if n.Tok == token.ASSIGN {
				write(n.Key, "assigned")
				write(n.Value, "assigned")
			}
		case *ast.UnaryExpr:
			if n.Op == token.AND {
				write(n.X, "address taken")
			}
		case *ast.CallExpr:
			if id, ok := ast.Unparen(n.Fun).(*ast.Ident); ok && len(n.Args) > 0 {
				_, isBuiltin := p.info.Uses[id].(*types.Builtin)
				if isBuiltin && slices.Contains([]string{"delete", "clear", "copy"}, id.Name) {
					write(n.Args[0], "changed by "+id.Name)
				}
			}
		case *ast.SelectorExpr:
			if p.takesAddress(n) {
				write(n.X, "changed by its method "+n.Sel.Name)
			}
		}
		return true
	})
}

// takesAddress says whether x.Method takes &x without saying so.
func (p *goFiles) takesAddress(sel *ast.SelectorExpr) bool {
	s := p.info.Selections[sel]
	if s == nil || s.Kind() != types.MethodVal {
		return false
	}
	recv := s.Obj().(*types.Func).Signature().Recv()
	_, pointer := recv.Type().(*types.Pointer)
	_, through := p.info.TypeOf(sel.X).Underlying().(*types.Pointer)
	return pointer && !through
}

// packageVar returns the package variable, ours or imported, that an expression reaches into, or nil.
func (p *goFiles) packageVar(expr ast.Expr) *types.Var {
	switch e := expr.(type) {
	case *ast.ParenExpr:
		return p.packageVar(e.X)
	case *ast.StarExpr:
		return p.packageVar(e.X)
	case *ast.IndexExpr:
		return p.packageVar(e.X)
	case *ast.SliceExpr:
		return p.packageVar(e.X)
	case *ast.SelectorExpr:
		if _, isField := p.info.Selections[e]; isField {
			return p.packageVar(e.X)
		}
		return p.packageVar(e.Sel)
	case *ast.Ident:
		if v, ok := p.info.Uses[e].(*types.Var); ok && v.Pkg() != nil && v.Parent() == v.Pkg().Scope() {
			return v
		}
	}
	return nil
}
