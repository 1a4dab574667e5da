package log

import (
	"errors"
	"fmt"
	"testing"
)

// L6, L10: at every operation of appends that roll, the process ends, alone or with the power; it opens again, goes on, and
// then the power takes all that isn't stable. What the mark speaks of is there. So nothing that opening finds in a cache, a
// directory's own name for one, is relied upon before it is stable.
func TestCrashAtEachOperation(t *testing.T) {
	for stop := 0; ; stop++ {
		for name, crash := range waysToEnd() {
			if !crashAfter(t, fmt.Sprintf("%s, after operation %d", name, stop), stop, crash) {
				return
			}
		}
	}
}

// waysToEnd are the ways in which a process ends, and what each leaves of its disk.
func waysToEnd() map[string]func(*memFS) *memFS {
	all, none := func() bool { return true }, func() bool { return false } // of what may be kept
	return map[string]func(*memFS) *memFS{
		"process":                 func(d *memFS) *memFS { return d },
		"power, unsynced is lost": func(d *memFS) *memFS { return d.losePower(none) },
		"power, unsynced is kept": func(d *memFS) *memFS { return d.losePower(all) },
	}
}

// crashAfter says whether there were more operations than that.
func crashAfter(t *testing.T, name string, stop int, crash func(*memFS) *memFS) bool {
	d, opt := segFS(), Options{SegmentBytes: 250, IndexBytes: 100}
	_, b := row(0, 39, 10, 10, 10, 10, 10, 10, 10, 10)
	p := newSegments(testDir, opt)
	var mark Mark
	var ops []Op
	for left, i := stop, 0; left >= 0; i += 4 { // four batches each time, so the second begins in the middle of a segment
		if i == len(b) {
			return false
		}
		ops = p.append(nil, b[i:i+4])
		n := min(left, len(ops))
		if done := NewRunner(d).Run(Plan{Ops: ops[:n]}); done.Err != nil {
			t.Fatalf("%s: %v", name, done.Err)
		}
		if left -= len(ops); left >= 0 {
			p.flushed()
			mark.LogEnd, mark.BatchHash = p.end(), p.synced
		}
	}
	d = crash(d)
	reopen := func() {
		var err error
		if p, err = openSegments(d, testDir, opt, mark); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if p.end() < mark.LogEnd || len(p.spans) > 0 { // whole batches behind the mark stay
			t.Fatalf("%s: the end is %d, expected %d at least; holes %v: %q", name, p.end(), mark.LogEnd, p.holes(), p.damage)
		}
	}
	reopen()
	if done := NewRunner(d).Run(Plan{Ops: p.append(nil, b[p.end()/10:])}); done.Err != nil {
		t.Fatalf("%s: %v", name, done.Err)
	}
	p.flushed()
	mark.LogEnd, mark.BatchHash = 80, p.synced
	d = d.losePower(func() bool { return false })
	reopen()
	for offset := range mark.LogEnd {
		rd, ok := p.find(offset, 0, false)
		got, _, err := CutBatches(NewRunner(d).Read(rd).Data, offset, 0, true)
		if want := b[offset/10]; !ok || err != nil || string(got) != string(want) {
			t.Fatalf("%s: offset %d: found %t, %d bytes, %v", name, offset, ok, len(got), err)
		}
	}
	return true
}

// killedFS is a disk on which the process is killed after so many calls that change something.
type killedFS struct {
	*memFS
	left int
}

type killedFile struct {
	File
	fs *killedFS
}

var errKilled = errors.New("the process was killed")

func (k *killedFS) call(do func() error) error {
	if k.left--; k.left < 0 {
		return errKilled
	}
	return do()
}

func (k *killedFS) Open(name string) (File, error) {
	f, err := k.memFS.Open(name)
	return &killedFile{f, k}, err
}

func (k *killedFS) Create(name string) (f File, err error) {
	err = k.call(func() error { f, err = k.memFS.Create(name); return err })
	return &killedFile{f, k}, err
}

func (k *killedFS) Remove(name string) error {
	return k.call(func() error { return k.memFS.Remove(name) })
}

func (k *killedFS) SyncDir(dir string) error {
	return k.call(func() error { return k.memFS.SyncDir(dir) })
}

func (f *killedFile) WriteAt(p []byte, off int64) (n int, err error) {
	err = f.fs.call(func() error { n, err = f.File.WriteAt(p, off); return err })
	return n, err
}

func (f *killedFile) Truncate(size int64) error {
	return f.fs.call(func() error { return f.File.Truncate(size) })
}

func (f *killedFile) Sync() error { return f.fs.call(f.File.Sync) }
