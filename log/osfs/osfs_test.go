package osfs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"logd/log"
)

// disk returns a fresh directory on a file system that osfs accepts: the temporary one, else the package's own.
func disk(t *testing.T) string {
	dir := t.TempDir()
	if name, err := memoryFS(dir); err != nil {
		t.Fatal(err)
	} else if name == "" {
		return dir
	}
	dir, err := os.MkdirTemp(".", "testdisk-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func tree(t *testing.T, opt Options) *FS {
	f, err := New(filepath.Join(disk(t), "data"), opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(f.Mode())
	return f
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// modes runs a test with each way of making writes stable that this machine has.
func modes(t *testing.T, f func(*testing.T, *FS)) {
	t.Run("probed", func(t *testing.T) { f(t, tree(t, Options{})) })
	t.Run("buffered", func(t *testing.T) {
		fs := tree(t, Options{})
		fs.direct = false
		f(t, fs)
	})
	t.Run("unsafe", func(t *testing.T) { f(t, tree(t, Options{UnsafeNoSync: true})) })
}

func TestNames(t *testing.T) {
	modes(t, func(t *testing.T, f *FS) {
		check(t, f.Mkdir("seg"))
		check(t, f.Mkdir("seg"))
		check(t, f.SyncDir("."))
		x, err := f.Create("seg/b")
		check(t, err)
		check(t, x.Close())
		if _, err := f.Create("seg/b"); !errors.Is(err, fs.ErrExist) {
			t.Errorf("create of a file that is there: %v", err)
		}
		if _, err := f.Open("seg/c"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("open of a file that isn't there: %v", err)
		}
		if _, err := f.List("nowhere"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("list of a directory that isn't there: %v", err)
		}
		if err := f.Mkdir("seg/b"); err == nil {
			t.Error("a file was taken for a directory")
		}
		for _, name := range []string{"a", "c"} {
			x, err := f.Create("seg/" + name)
			check(t, err)
			check(t, x.Close())
		}
		check(t, f.Rename("seg/a", "seg/c"))
		check(t, f.SyncDir("seg"))
		names, err := f.List("seg")
		check(t, err)
		if !slices.Equal(names, []string{"b", "c"}) {
			t.Errorf("names are %q", names)
		}
		check(t, f.Remove("seg/b"))
		check(t, f.Remove("seg/c"))
		check(t, f.Remove("seg"))
		names, err = f.List(".")
		check(t, err)
		if len(names) != 0 {
			t.Errorf("something stayed: %q", names)
		}
		for _, name := range []string{"../x", "/x", "a/../../x"} {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("name %q was taken", name)
					}
				}()
				f.Create(name)
			}()
		}
	})
}

func TestBytes(t *testing.T) {
	modes(t, func(t *testing.T, f *FS) {
		x, err := f.Create("x")
		check(t, err)
		check(t, x.Truncate(4*log.BlockSize))
		block := log.AlignedBytes(2 * log.BlockSize)
		for i := range block {
			block[i] = byte(i % 251)
		}
		check(t, x.WriteSync(block, log.BlockSize))
		odd := make([]byte, log.BlockSize+1)[1:] // at most one of the two is aligned
		copy(odd, block)
		check(t, x.WriteSync(odd, 3*log.BlockSize))
		check(t, x.WriteSync(odd, 6*log.BlockSize)) // beyond the end
		if _, err := x.WriteAt([]byte("tail"), 7*log.BlockSize); err != nil {
			t.Fatal(err)
		}
		check(t, x.Sync())
		if err := x.WriteSync(block[:100], 0); err == nil {
			t.Error("a write of part of a block was taken")
		}
		want := slices.Concat(make([]byte, log.BlockSize), block, odd, make([]byte, 2*log.BlockSize), odd, []byte("tail"))
		size, err := x.Size()
		check(t, err)
		if size != int64(len(want)) {
			t.Errorf("size is %d, expected %d", size, len(want))
		}
		check(t, x.Close())
		x, err = f.Open("x")
		check(t, err)
		got := make([]byte, size+1)
		if n, err := x.ReadAt(got, 0); n != int(size) || err != io.EOF {
			t.Errorf("read %d, %v", n, err)
		}
		if !bytes.Equal(got[:size], want) {
			t.Error("other bytes came back")
		}
		check(t, x.Truncate(5))
		check(t, x.Sync())
		check(t, x.Close())
		if err := x.Sync(); err == nil && !f.opt.UnsafeNoSync {
			t.Error("a sync of a closed file succeeded")
		}
	})
}

// A file that is renamed while it is open isn't confused with the next one of its name.
func TestRenamedWhileOpen(t *testing.T) {
	modes(t, func(t *testing.T, f *FS) {
		x, err := f.Create("x")
		check(t, err)
		defer x.Close()
		check(t, f.Rename("x", "y"))
		other, err := f.Create("x")
		check(t, err)
		defer other.Close()
		werr := x.WriteSync(log.AlignedBytes(log.BlockSize), 0)
		if size, err := other.Size(); err != nil || size != 0 {
			t.Errorf("the other file has %d bytes, %v", size, err)
		}
		if size, err := x.Size(); err != nil || (size == log.BlockSize) != (werr == nil) {
			t.Errorf("the write said %v, the file has %d bytes, %v", werr, size, err)
		}
	})
}

// O1: the mode names what is done, and the unsafe one can't be missed.
func TestMode(t *testing.T) {
	for _, c := range []struct {
		fs   FS
		want string
	}{
		{FS{direct: true}, "O_DIRECT|O_DSYNC"},
		{FS{}, "buffered"},
		{FS{opt: Options{UnsafeNoSync: true}}, "UNSAFE"},
	} {
		if got := c.fs.Mode(); !strings.Contains(got, c.want) {
			t.Errorf("mode is %q, expected %q in it", got, c.want)
		}
	}
}

// inMemory returns a fresh directory on a file system in memory.
func inMemory(t *testing.T) string {
	const shm = "/dev/shm"
	if name, err := memoryFS(shm); err != nil || name == "" {
		const why = "no file system in memory at %s: it is %q, %v"
		if os.Getenv("LOGD_CI") != "" {
			t.Fatalf(why, shm, name, err)
		}
		t.Skipf(why, shm, name, err)
	}
	dir, err := os.MkdirTemp(shm, "osfs-")
	check(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// O3.
func TestMemoryIsRefused(t *testing.T) {
	dir := inMemory(t)
	if _, err := New(dir, Options{}); err == nil || !strings.Contains(err.Error(), "tmpfs") {
		t.Errorf("a directory in memory was accepted: %v", err)
	}
	_, err := New(dir, Options{UnsafeNoSync: true})
	check(t, err)
}

// The probe leaves nothing, also where an earlier one was cut off.
func TestProbeLeavesNothing(t *testing.T) {
	dir := disk(t)
	check(t, os.WriteFile(filepath.Join(dir, "probe.tmp"), []byte("cut off"), 0o600))
	f, err := New(dir, Options{})
	check(t, err)
	names, err := f.List(".")
	check(t, err)
	if len(names) != 0 {
		t.Errorf("the probe left %q", names)
	}
}

// O6: the name of the data directory is made stable at every start, however it is written and whoever made it.
func TestParentIsSynced(t *testing.T) {
	base := disk(t)
	t.Chdir(base)
	for _, name := range []string{"there", "here", "nested", "nested/there", "nested/here"} {
		check(t, os.Mkdir(name, 0o700))
	}
	check(t, os.Symlink("nested/there", "link"))
	for _, c := range []struct{ at, dir, want string }{
		{".", "x", "."},
		{".", "y/", "."},
		{".", "there", "."},
		{".", "there/", "."},
		{".", filepath.Join(base, "there"), "."},
		{".", "nested/x/", "nested"},
		{".", "nested/there/", "nested"},
		{".", "link", "nested"},
		{"here", ".", "."},
		{"nested/here", "..", "."},
	} {
		t.Run(c.dir, func(t *testing.T) {
			t.Chdir(filepath.Join(base, c.at))
			want, err := os.Stat(filepath.Join(base, c.want))
			check(t, err)
			synced := 0
			_, err = newFS(c.dir, Options{}, func(path string) error {
				got, err := os.Stat(path)
				check(t, err)
				if synced++; !os.SameFile(got, want) {
					t.Errorf("%s was synced, which isn't %s", path, c.want)
				}
				return nil
			})
			check(t, err)
			if synced != 1 {
				t.Errorf("%d directories synced, expected 1", synced)
			}
		})
	}
}

// A parent that can't be synced is an error, but where the directory was there, and its maker had other rights.
func TestParentCantBeSynced(t *testing.T) {
	for _, c := range []struct {
		err         error
		there, want bool
	}{
		{unix.EACCES, false, true},
		{unix.EACCES, true, false},
		{unix.EPERM, false, true},
		{unix.EPERM, true, false},
		{unix.EROFS, true, false},
		{unix.EINVAL, false, true},
		{unix.EINVAL, true, false},
		{unix.EIO, true, true},
		{unix.ENOENT, true, true},
	} {
		dir := filepath.Join(disk(t), "x")
		if c.there {
			check(t, os.Mkdir(dir, 0o700))
		}
		_, err := newFS(dir, Options{}, func(path string) error { return &fs.PathError{Op: "sync", Path: path, Err: c.err} })
		if (err != nil) != c.want {
			t.Errorf("%v, there already %t: the start says %v", c.err, c.there, err)
		}
	}
}

// All directories that are made on the way are kept, and one that is there is no error.
func TestMkdirAll(t *testing.T) {
	dir := filepath.Join(disk(t), "a", "b", "c")
	for range 2 {
		check(t, MkdirAll(dir+"/"))
	}
	check(t, os.WriteFile(filepath.Join(dir, "f"), nil, 0o600))
	if err := MkdirAll(filepath.Join(dir, "f", "d")); err == nil {
		t.Error("a directory was made in a file")
	}
}

// O4: a second process is told who has the directory, and gets it when that one is gone.
func TestLock(t *testing.T) {
	if dir := os.Getenv("OSFS_TEST_LOCK"); dir != "" {
		f, err := New(dir, Options{})
		check(t, err)
		fmt.Printf("lock: %v\n", f.Lock())
		return
	}
	f := tree(t, Options{})
	check(t, f.Lock())
	if err := f.Lock(); !errors.Is(err, ErrLocked) {
		t.Errorf("locked twice: %v", err)
	}
	other := func() string {
		cmd := exec.Command(os.Args[0], "-test.run=^TestLock$")
		cmd.Env = append(os.Environ(), "OSFS_TEST_LOCK="+f.dir)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return string(out)
	}
	if got := other(); !strings.Contains(got, "pid "+strconv.Itoa(os.Getpid())+" ") {
		t.Errorf("the other process was told: %s", got)
	}
	check(t, f.Unlock())
	if got := other(); !strings.Contains(got, "lock: <nil>") {
		t.Errorf("the other process was told: %s", got)
	}
	check(t, f.Lock()) // the other one ended without unlocking
}
