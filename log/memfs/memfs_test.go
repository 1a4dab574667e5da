package memfs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"logd/log"
)

func must(t rapid.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// put makes a file with content, synced but for its name.
func put(t rapid.TB, m *FS, name string, b []byte) log.File {
	t.Helper()
	f, err := m.Create(name)
	must(t, err)
	_, err = f.WriteAt(b, 0)
	must(t, err)
	must(t, f.Sync())
	return f
}

// show lists a disk: names, sizes and bytes by runs.
func show(t rapid.TB, m *FS) string {
	var text strings.Builder
	for _, name := range m.Names() {
		f, err := m.Open(name)
		if err != nil {
			fmt.Fprintf(&text, "%s/ ", name)
			continue
		}
		size, _ := f.Size()
		b := make([]byte, size)
		if n, err := f.ReadAt(b, 0); int64(n) != size || err != nil && !errors.Is(err, io.EOF) {
			t.Fatalf("%s: read %d of %d: %v", name, n, size, err)
		}
		fmt.Fprintf(&text, "%s=", name)
		for len(b) > 0 {
			n := len(b) - len(bytes.TrimLeft(b, string(b[:1])))
			fmt.Fprintf(&text, "%c*%d", max(b[0], '-'), n)
			b = b[n:]
		}
		text.WriteString(" ")
	}
	return text.String()
}

// images returns all that a loss of power may leave.
func images(t rapid.TB, m *FS, unit int) []string {
	c := m.Crash(unit)
	options := c.Options()
	pick := make([]int, len(options))
	var all []string
	for {
		left := c.Image(pick)
		if !left.Stable() {
			t.Fatal("an image is not stable")
		}
		if s := show(t, left); !slices.Contains(all, s) {
			all = append(all, s)
		}
		i := 0
		for ; i < len(pick); i++ {
			if pick[i]++; pick[i] < options[i] {
				break
			}
			pick[i] = 0
		}
		if i == len(pick) {
			slices.Sort(all)
			return all
		}
	}
}

func expect(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%s leaves\n%q\nexpected\n%q", what, got, want)
	}
}

func letters(c byte, n int) []byte { return bytes.Repeat([]byte{c}, n) }

func TestWhatALossOfPowerLeaves(t *testing.T) {
	m := New()
	f := put(t, m, "a", letters('x', 1024))
	expect(t, "a name that is not synced", images(t, m, 512), "./ ", "./ a=x*1024 ")
	must(t, m.SyncDir("."))
	_, err := f.WriteAt(letters('y', 1024), 0)
	must(t, err)
	expect(t, "a write of two sectors", images(t, m, 512), "./ a=x*1024 ", "./ a=y*1024 ", "./ a=x*512y*512 ", "./ a=y*512x*512 ")
	expect(t, "a write of part of a page", images(t, m, 4096), "./ a=x*1024 ", "./ a=y*1024 ")
	_, err = f.WriteAt(letters('z', 10), 0)
	must(t, err)
	expect(t, "two writes of a sector", images(t, m, 4096), "./ a=x*1024 ", "./ a=y*1024 ", "./ a=z*10y*1014 ")
	must(t, f.Sync())
	expect(t, "a sync", images(t, m, 512), "./ a=z*10y*1014 ")
	_, err = f.WriteAt(letters('w', 100), 1024)
	must(t, err)
	expect(t, "a file that grows", images(t, m, 512), "./ a=z*10y*1014 ", "./ a=z*10y*1014w*100 ", "./ a=z*10y*1014-*100 ")
	must(t, f.Truncate(10))
	must(t, f.Sync())
	must(t, f.Truncate(5))
	expect(t, "a file that is cut", images(t, m, 512), "./ a=z*10 ", "./ a=z*5 ", "./ a=z*5-*5 ")
}

func TestNames(t *testing.T) {
	m := New()
	must(t, m.Mkdir("d"))
	put(t, m, "d/a", letters('x', 1))
	must(t, m.SyncDir("d"))
	expect(t, "a directory that is not synced", images(t, m, 512), "./ ", "./ d/ d/a=x*1 ")
	must(t, m.SyncDir("."))
	must(t, m.Rename("d/a", "d/b"))
	expect(t, "a rename", images(t, m, 512), "./ d/ d/a=x*1 ", "./ d/ d/b=x*1 ")
	must(t, m.Remove("d/b"))
	expect(t, "a rename and a remove", images(t, m, 512), "./ d/ ", "./ d/ d/a=x*1 ", "./ d/ d/b=x*1 ")
	if err := m.Remove("d/b"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("remove of nothing: %v", err)
	}
	put(t, m, "d/c", nil)
	if _, err := m.Create("d/c"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("create of what is there: %v", err)
	}
	if err := m.Remove("d"); err == nil {
		t.Error("a directory that is not empty was removed")
	}
}

// After a failed sync a page is seen, and no later sync makes it stable unless it is written again.
func TestFailSync(t *testing.T) {
	m := New()
	f := put(t, m, "a", letters('x', 4096))
	must(t, m.SyncDir("."))
	_, err := f.WriteAt(letters('y', 4096), 0)
	must(t, err)
	m.FailSync()
	must(t, f.Sync())
	expect(t, "a sync after a failed one", images(t, m, 4096), "./ a=x*4096 ", "./ a=y*4096 ")
	must(t, f.WriteSync(letters('y', 4096), 0))
	expect(t, "a write after that", images(t, m, 4096), "./ a=y*4096 ")
}

// D1 to D3 against plain byte slices: reads, copies and sums after drawn operations.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := New()
		f := put(t, m, "a", nil)
		must(t, m.SyncDir("."))
		var now, disk []byte
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			before, sum := m.Clone(), m.Sum()
			was := show(t, before)
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0:
				off, b := rapid.IntRange(0, 9000).Draw(t, "off"), letters(rapid.SampledFrom([]byte{0, 'a', 'b'}).Draw(t, "byte"), rapid.IntRange(1, 9000).Draw(t, "len"))
				if end := off + len(b); end > len(now) {
					now = append(now, make([]byte, end-len(now))...)
				}
				copy(now[off:], b)
				_, err := f.WriteAt(b, int64(off))
				must(t, err)
			case 1:
				n := rapid.IntRange(0, 9000).Draw(t, "size")
				now = append(now[:min(n, len(now)):min(n, len(now))], make([]byte, max(n-len(now), 0))...)
				must(t, f.Truncate(int64(n)))
			case 2:
				disk = slices.Clone(now)
				must(t, f.Sync())
			case 3:
				b := letters('w', 4096)
				if len(now) < 8192 || len(disk) < 8192 {
					continue
				}
				copy(now[4096:], b)
				copy(disk[4096:], b)
				must(t, f.WriteSync(b, 4096))
			}
			if show(t, before) != was || before.Sum() != sum {
				t.Fatal("a copy changed with its origin")
			}
			compare(t, m, now, disk)
		}
	})
}

// compare wants that a disk reads as now, and that its images are between disk and now.
func compare(t rapid.TB, m *FS, now, disk []byte) {
	t.Helper()
	same := func(what string, is *FS, want []byte) {
		t.Helper()
		other := New()
		put(t, other, "a", want)
		must(t, other.SyncDir("."))
		if a, b := show(t, is), show(t, other); a != b {
			t.Fatalf("%s is %q, expected %q", what, a, b)
		}
		if is.Stable() && is.Sum() != other.Sum() {
			t.Fatalf("%s has another sum than equal bytes", what)
		}
	}
	same("what is seen", m, now)
	c := m.Crash(512)
	options := c.Options()
	pick := make([]int, len(options))
	same("what is stable", c.Image(pick), disk)
	rng := rand.New(rand.NewPCG(1, uint64(len(options))))
	for i, n := range options {
		pick[i] = rng.IntN(n)
	}
	c.Image(pick)
	same("what is seen", m, now)
	for i, n := range options {
		pick[i] = n - 1
	}
	same("all that is new", c.Image(pick), now)
}
