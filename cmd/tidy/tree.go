package main

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

// errTree is a repository that can't be judged.
var errTree = errors.New("can't read the tree")

// fixtures holds breaches on purpose and is not judged.
const fixtures = "cmd/tidy/testdata"

// tree is the repository as read, and what was found in it.
type tree struct {
	root     string
	module   string
	fset     *token.FileSet
	files    []*file    // all text files, by path
	packages []*goFiles // by folder; testdata apart
	breaches []breach
}

// file is one text file.
type file struct {
	path   string
	data   []byte
	syntax *ast.File // nil if it isn't Go, lies in testdata or doesn't parse
}

func (f *file) isTest() bool { return strings.HasSuffix(f.path, "_test.go") }

// goFiles is one folder of Go files: a package and its tests.
type goFiles struct {
	dir   string
	row   *layer // nil if the table has none
	files []*file

	// Only of strict packages, non-test files (see loadTypes).
	pkg  *types.Package
	info *types.Info
}

// code returns the non-test files.
func (p *goFiles) code() []*file {
	return slices.DeleteFunc(slices.Clone(p.files), (*file).isTest)
}

// breach notes a broken rule at a line of a file.
func (t *tree) breach(f *file, line int, rule, format string, args ...any) {
	t.breaches = append(t.breaches, breach{f.path, line, rule, fmt.Sprintf(format, args...)})
}

// breachAt is breach at a position of the syntax.
func (t *tree) breachAt(f *file, pos token.Pos, rule, format string, args ...any) {
	t.breach(f, t.fset.Position(pos).Line, rule, format, args...)
}

// under says whether dir lies below base.
func under(dir, base string) bool { return strings.HasPrefix(dir, base+"/") }

// readTree reads and parses every text file that git tracks or would track.
func readTree(root string) (*tree, error) {
	t := &tree{root: root, fset: token.NewFileSet()}
	tracked := trackedFiles(root)
	// The walk is ours, not git's, so that the test process opens each folder (invariant T4).
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // gone since its folder was listed: another test's scratch file
		}
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if d.IsDir() {
			if rel == ".git" || rel == "logd-data" || rel == fixtures {
				return fs.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() || rel == ".git" || tracked != nil && !tracked[rel] {
			return nil
		}
		return t.read(name, rel)
	})
	if err != nil {
		return nil, fmt.Errorf("%w %s: %w", errTree, root, err)
	}
	if t.module == "" {
		return nil, fmt.Errorf("%w %s: no go.mod with a module line there; run from the root of the repository", errTree, root)
	}
	return t, nil
}

// trackedFiles asks git which files are tracked or new and not ignored; nil means all, where there is no git.
func trackedFiles(root string) map[string]bool {
	if _, err := os.Stat(filepath.Join(root, ".git")); err != nil {
		return nil
	}
	out, err := exec.Command("git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard").Output()
	if err != nil {
		return nil // no git command, or a checkout of another user: judge everything
	}
	tracked := map[string]bool{}
	for name := range strings.SplitSeq(string(out), "\x00") {
		tracked[name] = true
	}
	return tracked
}

// read adds one file, if it is text.
func (t *tree) read(name, rel string) error {
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if bytes.IndexByte(data, 0) >= 0 || !utf8.Valid(data) {
		return nil
	}
	f := &file{path: rel, data: data}
	t.files = append(t.files, f)
	if rel == "go.mod" {
		t.module = moduleName(data)
	}
	if strings.HasSuffix(rel, ".go") && isBuilt(rel) {
		t.parse(f)
	}
	return nil
}

// moduleName returns what stands on the module line of a go.mod, or "".
func moduleName(data []byte) string {
	for line := range strings.Lines(string(data)) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "module "); ok {
			return strings.TrimSpace(name)
		}
	}
	return ""
}

// isBuilt says whether the go command looks into the folders of a path.
func isBuilt(rel string) bool {
	return !slices.ContainsFunc(strings.Split(rel, "/"), func(part string) bool {
		return part == "testdata" || part == "vendor" || part[0] == '_' || part[0] == '.'
	})
}

// parse reads a Go file's syntax and puts it into its package.
func (t *tree) parse(f *file) {
	syntax, err := parser.ParseFile(t.fset, f.path, f.data, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.breach(f, 1, "syntax", "doesn't parse: %v; fix that first", err)
		return
	}
	f.syntax = syntax
	dir := path.Dir(f.path)
	i := slices.IndexFunc(t.packages, func(p *goFiles) bool { return p.dir == dir })
	if i < 0 {
		t.packages = append(t.packages, &goFiles{dir: dir, row: findLayer(dir)})
		i = len(t.packages) - 1
	}
	t.packages[i].files = append(t.packages[i].files, f)
}
