package main

import (
	"bytes"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

const useSorted = "slices.Sorted(maps.Keys(m)), or say `// order: why it can't matter`"

// inOrder are the functions that make nothing of the order in which an iterator yields.
var inOrder = []string{
	"slices.Sorted", "slices.SortedFunc", "slices.SortedStableFunc", "maps.Collect", "maps.Insert",
}

// sorters are the functions that sort their first argument.
var sorters = []string{
	"slices.Sort", "slices.SortFunc", "slices.SortStableFunc",
	"sort.Slice", "sort.SliceStable", "sort.Strings", "sort.Ints", "sort.Sort", "sort.Stable",
}

// checkOrder finds what depends on the order in which Go walks a map.
func checkOrder(t *tree, p *goFiles) {
	for _, f := range p.code() {
		next := nextStatements(f.syntax)
		sorted := sortedArguments(p, f.syntax)
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.RangeStmt:
				_, isMap := shapeOf[*types.Map](p.info.TypeOf(n.X))
				if isMap && !collectsAndSorts(p, n, next[n]) && !t.excused(f, n.Pos(), "order:") {
					t.breachAt(f, n.Pos(), "order", "range over a map; use %s", useSorted)
				}
			case *ast.CallExpr:
				name := calledName(p, n)
				walks := slices.Contains([]string{"maps.Keys", "maps.Values", "maps.All", "maps.DeleteFunc", "maps.EqualFunc"}, name)
				if walks && !sorted[n] && !t.excused(f, n.Pos(), "order:") {
					t.breachAt(f, n.Pos(), "order", "%s walks a map; use %s", name, useSorted)
				}
			}
			return true
		})
	}
}

// collectsAndSorts accepts the idiom
//
//	for k := range m { keys = append(keys, k) }
//	slices.Sort(keys)
func collectsAndSorts(p *goFiles, loop *ast.RangeStmt, next ast.Stmt) bool {
	key, ok := loop.Key.(*ast.Ident)
	if !ok || len(loop.Body.List) != 1 {
		return false
	}
	assign, ok := loop.Body.List[0].(*ast.AssignStmt)
	if !ok || len(assign.Lhs) != 1 || len(assign.Rhs) != 1 {
		return false
	}
	call, ok := assign.Rhs[0].(*ast.CallExpr)
	if !ok || len(call.Args) != 2 || types.ExprString(call.Fun) != "append" {
		return false
	}
	into, from := types.ExprString(assign.Lhs[0]), types.ExprString(call.Args[0])
	if into != from || types.ExprString(call.Args[1]) != key.Name {
		return false
	}
	after, ok := next.(*ast.ExprStmt)
	if !ok {
		return false
	}
	sort, ok := after.X.(*ast.CallExpr)
	return ok && len(sort.Args) > 0 && slices.Contains(sorters, calledName(p, sort)) && mentions(sort.Args[0], into)
}

// mentions says whether an argument is the expression, or a conversion of it (sort.Sort(byName(keys))).
func mentions(arg ast.Expr, expr string) bool {
	if call, ok := arg.(*ast.CallExpr); ok && len(call.Args) == 1 {
		arg = call.Args[0]
	}
	return types.ExprString(arg) == expr
}

// calledName returns "slices.Sorted" for a call of that function, however it was imported, else "".
func calledName(p *goFiles, call *ast.CallExpr) string {
	fun := ast.Unparen(call.Fun)
	switch index := fun.(type) {
	case *ast.IndexExpr:
		fun = index.X
	case *ast.IndexListExpr:
		fun = index.X
	}
	var id *ast.Ident
	switch fun := fun.(type) {
	case *ast.Ident:
		id = fun
	case *ast.SelectorExpr:
		id = fun.Sel
	default:
		return ""
	}
	obj, ok := p.info.Uses[id].(*types.Func)
	if !ok || obj.Pkg() == nil || obj.Signature().Recv() != nil {
		return ""
	}
	return obj.Pkg().Path() + "." + obj.Name()
}

// sortedArguments returns the calls that stand as an argument of one of inOrder.
func sortedArguments(p *goFiles, root ast.Node) map[*ast.CallExpr]bool {
	calls := map[*ast.CallExpr]bool{}
	ast.Inspect(root, func(n ast.Node) bool {
		if outer, ok := n.(*ast.CallExpr); ok && slices.Contains(inOrder, calledName(p, outer)) {
			for _, arg := range outer.Args {
				if inner, ok := ast.Unparen(arg).(*ast.CallExpr); ok {
					calls[inner] = true
				}
			}
		}
		return true
	})
	return calls
}

// nextStatements maps each statement to the one that follows it in its block.
func nextStatements(root ast.Node) map[ast.Stmt]ast.Stmt {
	next := map[ast.Stmt]ast.Stmt{}
	ast.Inspect(root, func(n ast.Node) bool {
		var list []ast.Stmt
		switch n := n.(type) {
		case *ast.BlockStmt:
			list = n.List
		case *ast.CaseClause:
			list = n.Body
		}
		for i := 1; i < len(list); i++ {
			next[list[i-1]] = list[i]
		}
		return true
	})
	return next
}

// excused says whether the line of a position, or a comment that ends on the line above,
// has a comment that starts with the word and goes on with a reason.
func (t *tree) excused(f *file, pos token.Pos, word string) bool {
	line := t.fset.Position(pos).Line
	for _, group := range f.syntax.Comments {
		from, to := t.fset.Position(group.Pos()), t.fset.Position(group.End())
		above := to.Line == line-1 && t.aloneOnLine(f, from.Offset)
		if from.Line != line && !above {
			continue
		}
		for _, c := range group.List {
			reason, ok := strings.CutPrefix(strings.TrimLeft(c.Text, "/* \t"), word)
			if ok && strings.TrimSpace(strings.TrimSuffix(reason, "*/")) != "" {
				return true
			}
		}
	}
	return false
}

// aloneOnLine says whether only blanks stand before an offset on its line.
func (t *tree) aloneOnLine(f *file, offset int) bool {
	start := bytes.LastIndexByte(f.data[:offset], '\n') + 1
	return len(bytes.TrimSpace(f.data[start:offset])) == 0
}
