package main

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
)

const useInts = "integers (a ratio as two of them), or say `// float: why no decision hangs on it`"

var comparisons = []token.Token{token.EQL, token.NEQ, token.LSS, token.LEQ, token.GTR, token.GEQ}

// checkFloats finds where a float becomes a decision: comparisons, min and max,
// switches, and conversions to integers. Rounding differs between processors.
func checkFloats(t *tree, p *goFiles) {
	for _, f := range p.code() {
		found := func(pos token.Pos, what string) {
			if !t.excused(f, pos, "float:") {
				t.breachAt(f, pos, "float", "%s; use %s", what, useInts)
			}
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BinaryExpr:
				if slices.Contains(comparisons, n.Op) && (p.isFloat(n.X) || p.isFloat(n.Y)) && !p.isConst(n) {
					found(n.OpPos, "comparison of floats")
				}
			case *ast.SwitchStmt:
				if n.Tag != nil && p.isFloat(n.Tag) {
					found(n.Pos(), "switch on a float")
				}
			case *ast.CallExpr:
				if len(n.Args) == 0 || p.isConst(n) {
					return true
				}
				into := p.info.Types[n.Fun]
				switch {
				case into.IsType() && isBasic(into.Type, types.IsInteger) && p.isFloat(n.Args[0]):
					found(n.Pos(), "conversion of a float to an integer")
				case into.IsBuiltin() && p.isFloat(n) && slices.Contains([]string{"min", "max"}, types.ExprString(n.Fun)):
					found(n.Pos(), types.ExprString(n.Fun)+" of floats")
				}
			}
			return true
		})
	}
}

func (p *goFiles) isFloat(e ast.Expr) bool {
	of := p.info.TypeOf(e)
	return of != nil && isBasic(of, types.IsFloat)
}

func (p *goFiles) isConst(e ast.Expr) bool { return p.info.Types[e].Value != nil }

// isBasic says whether a type is of a basic kind. A type parameter never is: what it stands for is judged where it is a float.
func isBasic(of types.Type, kind types.BasicInfo) bool {
	basic, ok := of.Underlying().(*types.Basic)
	return ok && basic.Info()&kind != 0
}
