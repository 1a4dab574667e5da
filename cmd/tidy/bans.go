package main

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// Replacements that several bans share.
const (
	useTurns = "a value in Event or Output; the driver carries it"
	useNow   = "the Now that Step is given, and Output's wake time"
	useRand  = "a *rand.Rand handed in"
	useLog   = "a log event value in Output, or an io.Writer handed in"
)

// banned are functions and variables of importable packages that the strict ones may not use.
var banned = map[string]string{
	"time.Now":          useNow,
	"time.Since":        useNow,
	"time.Until":        useNow,
	"time.After":        useNow,
	"time.Tick":         useNow,
	"time.NewTimer":     useNow,
	"time.NewTicker":    useNow,
	"time.AfterFunc":    useNow,
	"time.Sleep":        useNow,
	"time.Local":        "time.UTC; brokers must not differ by their time zone",
	"time.LoadLocation": "time.UTC; brokers must not differ by their time zone",

	"fmt.Print":   useLog,
	"fmt.Printf":  useLog,
	"fmt.Println": useLog,
	"fmt.Scan":    "an io.Reader handed in",
	"fmt.Scanf":   "an io.Reader handed in",
	"fmt.Scanln":  "an io.Reader handed in",

	"iter.Pull":  "a for-range loop; Pull runs a coroutine",
	"iter.Pull2": "a for-range loop; Pull runs a coroutine",
}

// checkBans finds goroutines, channels, clocks, global entropy and output.
func checkBans(t *tree, p *goFiles) {
	for _, f := range p.code() {
		assigned := assignedIdents(f.syntax)
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt:
				t.breachAt(f, n.Pos(), "goroutine", "go statement; use %s", useTurns)
			case *ast.SelectStmt:
				t.breachAt(f, n.Pos(), "channel", "select; use %s", useTurns)
			case *ast.ChanType:
				t.breachAt(f, n.Pos(), "channel", "channel type; use a slice, or %s", useTurns)
			case *ast.SendStmt:
				t.breachAt(f, n.Arrow, "channel", "send on a channel; use %s", useTurns)
			case *ast.UnaryExpr:
				if n.Op == token.ARROW {
					t.breachAt(f, n.Pos(), "channel", "receive from a channel; use %s", useTurns)
				}
			case *ast.RangeStmt:
				if _, ok := shapeOf[*types.Chan](p.info.TypeOf(n.X)); ok {
					t.breachAt(f, n.Pos(), "channel", "range over a channel; use %s", useTurns)
				}
			case *ast.Ident:
				checkUse(t, f, n, p.info.Uses[n], assigned[n])
			}
			return true
		})
	}
}

// checkUse judges one use of a name. The object decides, not the spelling: a renamed or dotted import changes nothing.
func checkUse(t *tree, f *file, id *ast.Ident, obj types.Object, assigned bool) {
	if builtin, ok := obj.(*types.Builtin); ok {
		switch builtin.Name() {
		case "close":
			t.breachAt(f, id.Pos(), "channel", "close of a channel; use %s", useTurns)
		case "print", "println":
			t.breachAt(f, id.Pos(), "ban", "%s writes to the process; use %s", builtin.Name(), useLog)
		}
		return
	}
	if obj == nil || obj.Pkg() == nil || obj.Parent() != obj.Pkg().Scope() {
		return // a method, a field or a local
	}
	_, isFunc := obj.(*types.Func)
	path, name := obj.Pkg().Path(), obj.Name()
	what := path + "." + name
	switch {
	case banned[what] != "":
		t.breachAt(f, id.Pos(), "ban", "%s; use %s", what, banned[what])
	case strings.HasPrefix(path, "math/rand") && isFunc && !strings.HasPrefix(name, "New"):
		t.breachAt(f, id.Pos(), "ban", "%s draws from the process's source; use %s", what, useRand)
	case path == "io/fs" && !strings.HasPrefix(name, "Err") && name != "PathError":
		t.breachAt(f, id.Pos(), "ban", "%s; of io/fs use the errors only, and log.FS for files", what)
	case path == "crypto/rand" && !(name == "Reader" && assigned):
		t.breachAt(f, id.Pos(), "ban", "%s; here crypto/rand.Reader may only be set and saved, use %s", what, useRand)
	}
}

// assignedIdents returns the last names of both sides of all assignments, where a side is
// nothing but a name: Reader in `before := rand.Reader` and `rand.Reader = r`.
func assignedIdents(root ast.Node) map[*ast.Ident]bool {
	ids := map[*ast.Ident]bool{}
	ast.Inspect(root, func(n ast.Node) bool {
		assign, ok := n.(*ast.AssignStmt)
		if !ok {
			return true
		}
		for _, side := range slices.Concat(assign.Lhs, assign.Rhs) {
			switch side := ast.Unparen(side).(type) {
			case *ast.Ident:
				ids[side] = true
			case *ast.SelectorExpr:
				ids[side.Sel] = true
			}
		}
		return true
	})
	return ids
}

// shapeOf returns a type's underlying form, if it is, or for a type parameter can be, of kind T.
func shapeOf[T types.Type](of types.Type) (T, bool) {
	var none T
	if of == nil {
		return none, false
	}
	if param, ok := types.Unalias(of).(*types.TypeParam); ok {
		return shapeIn[T](param.Constraint().Underlying())
	}
	form, ok := of.Underlying().(T)
	return form, ok
}

// shapeIn looks for kind T in the type set of a constraint.
func shapeIn[T types.Type](constraint types.Type) (T, bool) {
	var none T
	set, ok := constraint.(*types.Interface)
	if !ok {
		form, ok := constraint.(T)
		return form, ok
	}
	for i := range set.NumEmbeddeds() {
		switch e := set.EmbeddedType(i).(type) {
		case *types.Union:
			for j := range e.Len() {
				if form, ok := shapeIn[T](e.Term(j).Type().Underlying()); ok {
					return form, true
				}
			}
		default:
			if form, ok := shapeIn[T](e.Underlying()); ok {
				return form, true
			}
		}
	}
	return none, false
}
