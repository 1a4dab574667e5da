package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// builder builds a command of the module at root with a mutant in it, touching no file of root.
type builder struct {
	root    string            // the module's folder
	name    string            // its path
	modules map[string]string // path → folder of every module in the build, the main one without a folder
	target  string            // the package to build
}

// newBuilder finds the module around dir.
func newBuilder(ctx context.Context, dir, target string) (*builder, error) {
	mod, err := goTool(ctx, dir, "env", "GOMOD")
	if err != nil {
		return nil, err
	}
	if mod = strings.TrimSpace(mod); mod == "" || mod == os.DevNull {
		return nil, fmt.Errorf("no go.mod in %s or above it: mutants are built from logd's source, so run this inside a checkout of it", dir)
	}
	root := filepath.Dir(mod)
	list, err := goTool(ctx, root, "list", "-m", "-f", "{{.Path}} {{if not .Main}}{{.Dir}}{{end}}", "all")
	if err != nil {
		return nil, err
	}
	b := &builder{root: root, target: target, modules: map[string]string{}}
	for line := range strings.Lines(list) {
		if path, folder, _ := strings.Cut(strings.TrimSpace(line), " "); folder == "" && b.name == "" {
			b.name = path // go list names it first
		} else if folder != "" {
			b.modules[path] = folder
		}
	}
	return b, nil
}

func goTool(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, bytes.TrimSpace(errs.Bytes()))
	}
	return out.String(), nil
}

// path is a file's, below the module's folder unless it says where it is.
func (b *builder) path(file string) string {
	if filepath.IsAbs(file) {
		return file
	}
	return filepath.Join(b.root, file)
}

// module returns the dependency that a file belongs to; ok is false for a file of this module.
func (b *builder) module(file string) (path string, ok bool) {
	for _, p := range slices.Sorted(maps.Keys(b.modules)) {
		if strings.HasPrefix(file, p+"/") && len(p) > len(path) {
			path, ok = p, true
		}
	}
	return path, ok
}

// build writes the binary into work, an empty folder. Files of this module are overlaid; Go refuses that for the module
// cache, so a dependency is copied, patched there, and put in its place by a go.mod of its own.
func (b *builder) build(ctx context.Context, m *mutant, work string) (binary string, err error) {
	overlay := map[string]string{}
	replace := map[string]string{}
	for i := range m.edits {
		e := &m.edits[i]
		at := filepath.Join(b.root, e.file)
		to := filepath.Join(work, fmt.Sprintf("overlay-%d.go", i))
		if path, ok := b.module(e.file); ok {
			if replace[path] == "" {
				replace[path] = filepath.Join(work, fmt.Sprintf("module-%d", i))
				if err := copyTree(b.modules[path], replace[path]); err != nil {
					return "", err
				}
			}
			at = filepath.Join(replace[path], strings.TrimPrefix(e.file, path+"/"))
			to = at
		} else if done := overlay[at]; done != "" {
			to = done
		}
		if err := e.patch(at, overlay[at], to); err != nil {
			return "", err
		}
		if to != at {
			overlay[at] = to
		}
	}
	args, target := []string{"build"}, b.target
	if m.by == byTest {
		args, target = []string{"test", "-c"}, "./"+m.pkg()
	}
	args = append(args, "-buildvcs=false", "-gcflags="+b.name+"/...=-dwarf=false", "-ldflags=-s -w") // nobody debugs it: a quarter of the time
	if len(overlay) > 0 {
		text, _ := json.Marshal(map[string]any{"Replace": overlay}) // strings always marshal
		file := filepath.Join(work, "overlay.json")
		if err := os.WriteFile(file, text, 0o666); err != nil {
			return "", err
		}
		args = append(args, "-overlay="+file)
	}
	if len(replace) > 0 {
		file, err := b.modfile(ctx, work, replace)
		if err != nil {
			return "", err
		}
		args = append(args, "-mod=mod", "-modfile="+file)
	}
	binary = filepath.Join(work, "mutant")
	_, err = goTool(ctx, b.root, append(args, "-o", binary, target)...)
	return binary, err
}

// patch reads a file, or what an earlier edit made of it, and writes the next stage.
func (e *edit) patch(at, earlier, to string) error {
	from := at
	if earlier != "" {
		from = earlier
	}
	source, err := os.ReadFile(from)
	if err != nil {
		return fmt.Errorf("%w: %w", errMutant, err)
	}
	if source, err = e.apply(source); err != nil {
		return err
	}
	return os.WriteFile(to, source, 0o666)
}

// modfile writes copies of go.mod and go.sum that take modules from folders.
func (b *builder) modfile(ctx context.Context, work string, replace map[string]string) (string, error) {
	for _, name := range []string{"mod", "sum"} {
		text, err := os.ReadFile(filepath.Join(b.root, "go."+name))
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(work, "go."+name), text, 0o666); err != nil {
			return "", err
		}
	}
	file := filepath.Join(work, "go.mod")
	for _, path := range slices.Sorted(maps.Keys(replace)) {
		if _, err := goTool(ctx, b.root, "mod", "edit", "-replace="+path+"="+replace[path], file); err != nil {
			return "", err
		}
	}
	return file, nil
}

// copyTree copies a module's files, so that they can be changed.
func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := filepath.Join(to, strings.TrimPrefix(path, from))
		if entry.IsDir() {
			return os.MkdirAll(target, 0o777)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, text, 0o666)
	})
}
