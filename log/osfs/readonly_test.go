package osfs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// O5: whatever is asked of a ReadOnly, nothing changes.
func TestReadOnly(t *testing.T) {
	dir := t.TempDir()
	check(t, os.Mkdir(filepath.Join(dir, "sub"), 0o700))
	check(t, os.WriteFile(filepath.Join(dir, "sub", "f"), []byte("bytes"), 0o400))
	r, err := NewReadOnly(dir)
	check(t, err)
	f, err := r.Open("sub/f")
	check(t, err)
	defer f.Close()
	b := make([]byte, 5)
	if n, err := f.ReadAt(b, 0); n != 5 || string(b) != "bytes" {
		t.Errorf("read %q: %v", b[:n], err)
	}
	_, created := r.Create("g")
	_, write := f.WriteAt([]byte("x"), 0)
	for what, err := range map[string]error{"create": created, "write": write, "rename": r.Rename("sub/f", "g"), "remove": r.Remove("sub/f"), "mkdir": r.Mkdir("g"),
		"truncate": f.Truncate(0), "write-sync": f.WriteSync(make([]byte, 4096), 0)} {
		if !errors.Is(err, fs.ErrPermission) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if names, err := r.List("."); err != nil || len(names) != 1 || r.SyncDir(".") != nil || f.Sync() != nil {
		t.Errorf("%v %v", names, err)
	}
	if _, err := NewReadOnly(filepath.Join(dir, "nowhere")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

// A directory that one has locked is told from one that nobody has; looking takes no lock that stays.
func TestUnlocked(t *testing.T) {
	f := tree(t, Options{UnsafeNoSync: true})
	r, err := NewReadOnly(f.dir)
	check(t, err)
	check(t, r.Unlocked()) // there is no lock file, and none is made
	if names, _ := r.List("."); len(names) != 0 {
		t.Error(names)
	}
	check(t, f.Lock())
	if err := r.Unlocked(); !errors.Is(err, ErrLocked) {
		t.Error(err)
	}
	check(t, f.Unlock())
	check(t, r.Unlocked())
	check(t, f.Lock())
	check(t, f.Unlock())
}
