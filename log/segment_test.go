package log

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
)

const testDir = "seg/00000000000000000007"

// lines are operations as text.
func lines(ops []Op) []string {
	var out []string
	for _, op := range ops {
		out = append(out, op.String())
	}
	return out
}

func expectOps(t *testing.T, what string, ops []Op, want ...string) {
	t.Helper()
	got := lines(ops)
	for i := range got {
		got[i] = strings.ReplaceAll(got[i], testDir+"/", "")
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n%s\nexpected:\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func mustPanic(t *testing.T, text string, f func()) {
	t.Helper()
	defer func() {
		if got := fmt.Sprint(recover()); !strings.Contains(got, text) {
			t.Errorf("panic is %q, expected %q in it", got, text)
		}
	}()
	f()
}

// The order of operations is the promise: directory, then file, bytes, sync, index of what is closed, and the names last.
func TestAppendPlans(t *testing.T) {
	p := newSegments(testDir, Options{SegmentBytes: 250, IndexBytes: 100})
	_, b := row(0, 39, 10, 10, 10, 10, 10, 10, 10) // 100 bytes each
	expectOps(t, "first", p.append(nil, b[:2]),
		"mkdir "+testDir,
		"sync-dir seg",
		"create 00000000000000000000.log",
		"write 00000000000000000000.log 0+200",
		"sync 00000000000000000000.log",
		"sync-dir "+testDir)
	p.flushed()
	expectOps(t, "more", p.append(nil, b[2:3]),
		"write 00000000000000000000.log 200+100",
		"sync 00000000000000000000.log")
	p.flushed()
	expectOps(t, "roll twice", p.append(nil, b[3:7]),
		"create 00000000000000000000.index",
		"write 00000000000000000000.index 0+120",
		"sync 00000000000000000000.index",
		"create 00000000000000000030.start",
		"write 00000000000000000030.start 0+28",
		"sync 00000000000000000030.start",
		"create 00000000000000000030.log",
		"write 00000000000000000030.log 0+300",
		"sync 00000000000000000030.log",
		"create 00000000000000000030.index",
		"write 00000000000000000030.index 0+120",
		"sync 00000000000000000030.index",
		"create 00000000000000000060.start",
		"write 00000000000000000060.start 0+28",
		"sync 00000000000000000060.start",
		"create 00000000000000000060.log",
		"write 00000000000000000060.log 0+100",
		"sync 00000000000000000060.log",
		"sync-dir "+testDir)
	if p.end() != 30 || p.size() != 700 {
		t.Errorf("end %d, size %d", p.end(), p.size())
	}
	p.flushed()
	expectOps(t, "nothing", p.append(nil, nil))
	p.flushed()
	expectOps(t, "trim within the first", p.trim(nil, 29))
	expectOps(t, "trim", p.trim(nil, 70), // the open one stays
		"remove 00000000000000000000.log",
		"remove 00000000000000000000.index",
		"remove 00000000000000000030.log",
		"remove 00000000000000000030.index",
		"remove 00000000000000000030.start")
	if p.start() != 60 || p.end() != 70 {
		t.Errorf("start %d, end %d", p.start(), p.end())
	}
	p.reset(500, 77)
	if _, ok := p.find(60, 100, false); ok || p.start() != 500 || p.end() != 500 {
		t.Errorf("after a reset: start %d, end %d, found %t", p.start(), p.end(), ok)
	}
	expectOps(t, "trim by an old mark", p.trim(nil, 65))
	expectOps(t, "trim by the new mark", p.trim(nil, 500), "remove 00000000000000000060.log", "remove 00000000000000000060.start")
}

// Long appends go out as whole blocks at multiples of the block, whatever the batches' sizes.
func TestAppendWritesBlocks(t *testing.T) {
	p := newSegments(testDir, Options{SegmentBytes: 1 << 30, IndexBytes: 1 << 16})
	data, b := row(0, segmentBlock/3, 1, 1, 1, 1, 1, 1, 1)
	more, c := row(7, 2*segmentBlock, 1, 1)
	d := segFS()
	r := NewRunner(d)
	for _, batches := range [][][]byte{b, c} {
		ops := p.append(nil, batches)
		var writes []Op
		for _, op := range ops {
			if err := r.Do(op); err != nil {
				t.Fatal(err)
			}
			if op.Kind == OpWrite {
				writes = append(writes, op)
			}
		}
		p.flushed()
		for i, op := range writes {
			end := op.Off + int64(len(op.Data))
			if len(op.Data) > segmentBlock || i > 0 && op.Off%segmentBlock != 0 || i+1 < len(writes) && end%segmentBlock != 0 {
				t.Errorf("write %d of %d is %s", i, len(writes), op)
			}
			if cap(op.Data) > len(op.Data) {
				t.Errorf("write %d of %d bytes holds %d", i, len(op.Data), cap(op.Data))
			}
		}
	}
	if got := d.nodes[testDir+"/00000000000000000000.log"].now; !bytes.Equal(got, append(data, more...)) {
		t.Errorf("the file's %d bytes are not the %d appended", len(got), len(data)+len(more))
	}
	// Batches across and beyond what a scan reads at a time are found again.
	q, err := openSegments(d, testDir, p.opt, Mark{LogEnd: 9, BatchHash: p.synced})
	if err != nil || !slices.Equal(q.live[0].index, p.live[0].index) || q.size() != p.size() {
		t.Errorf("opened again: %v", err)
	}
}

// L10: what isn't the next committed batch is a bug of the caller.
func TestAppendPanics(t *testing.T) {
	opened := func() *segments {
		p := newSegments(testDir, Options{SegmentBytes: 250, IndexBytes: 100})
		p.append(nil, [][]byte{testBatch(0, 3, 10, 50, 1)})
		p.flushed()
		return p
	}
	mustPanic(t, "invariant L10: segments "+testDir+": append at offset 10: bad record batch: base offset is 11, expected 10", func() {
		opened().append(nil, [][]byte{testBatch(11, 3, 10, 50, 1)})
	})
	mustPanic(t, "base offset is 9, expected 10", func() { opened().append(nil, [][]byte{testBatch(9, 3, 10, 50, 1)}) })
	mustPanic(t, "leader epoch at offset 10 is 2, expected at least 3", func() {
		opened().append(nil, [][]byte{testBatch(10, 2, 10, 50, 1)})
	})
	mustPanic(t, "bytes follow a batch", func() { opened().append(nil, [][]byte{append(testBatch(10, 3, 10, 50, 1), 0)}) })
	mustPanic(t, "cut short", func() { opened().append(nil, [][]byte{testBatch(10, 3, 10, 50, 1)[:70]}) })
	mustPanic(t, "leader epoch at offset 80 is 0, expected at least 1", func() {
		d, opt := filled(t)
		p, err := openSegments(d, testDir, opt, filledMark(0, 80))
		if err != nil {
			t.Fatal(err)
		}
		p.append(nil, [][]byte{testBatch(80, 0, 10, 50, 1)})
	})
	mustPanic(t, "second append", func() {
		p := opened()
		p.append(nil, nil)
		p.append(nil, nil)
	})
	mustPanic(t, "invariant L1", func() { opened().flushed() })
	mustPanic(t, "invariant L10", func() { opened().reset(9, 0) })
	mustPanic(t, "invariant L10", func() { opened().trim(nil, 11) })
}

// Offsets that are too far apart for an index entry's 32 bits begin a new segment.
func TestRollByOffsets(t *testing.T) {
	p := newSegments(testDir, Options{SegmentBytes: 1 << 40, IndexBytes: 1})
	const most = 1<<31 - 1 // offsets that one batch can have
	for range 6 {
		p.append(nil, [][]byte{testBatch(p.end(), 0, most, 0, 0)})
		p.flushed()
	}
	for at := int64(0); at < 6*most; at += most / 2 {
		rd, ok := p.find(at, 0, false)
		if want := at / most % 2 * BatchHeader; !ok || rd.Off != want || rd.Len != BatchHeader {
			t.Errorf("offset %d: %+v %t, expected byte %d", at, rd, ok, want)
		}
	}
	if len(p.live) != 3 {
		t.Errorf("%d segments", len(p.live))
	}
}

func TestSegmentNames(t *testing.T) {
	for _, c := range []struct {
		name string
		base int64
		ok   bool
	}{
		{"00000000000000000000.log", 0, true},
		{"09223372036854775807.log", 1<<63 - 1, true},
		{"09223372036854775808.log", 0, false},
		{"0000000000000000000.log", 0, false},
		{"000000000000000000001.log", 0, false},
		{"-0000000000000000001.log", 0, false},
		{"+0000000000000000001.log", 0, false},
		{"0000000000000000000x.log", 0, false},
		{"00000000000000000000.index", 0, false},
		{".log", 0, false},
	} {
		if base, ok := parseSegmentName(c.name, logSuffix); ok != c.ok || ok && base != c.base {
			t.Errorf("%s: %d %t", c.name, base, ok)
		}
	}
}

// filled returns a disk with three segments of offsets 0-30, 30-60, 60-80, batches of ten offsets and 100 bytes.
func filled(t *testing.T) (*memFS, Options) {
	d, opt := segFS(), Options{SegmentBytes: 250, IndexBytes: 100}
	_, b := row(0, 39, 10, 10, 10, 10, 10, 10, 10, 10)
	if done := NewRunner(d).Run(Plan{Ops: newSegments(testDir, opt).append(nil, b)}); done.Err != nil {
		t.Fatal(done.Err)
	}
	return d, opt
}

// filledMark is a mark of that disk.
func filledMark(start, end int64) Mark {
	_, b := row(0, 39, 10, 10, 10, 10, 10, 10, 10, 10)
	m := Mark{LogStart: start, LogEnd: end}
	for _, b := range b[:end/10] {
		m.BatchHash = HashBatch(m.BatchHash, b)
	}
	return m
}

// Rot in a closed segment is found when it is read, and not served (G3).
func TestReadFindsRot(t *testing.T) {
	d, opt := filled(t)
	d.nodes[testDir+"/00000000000000000030.log"].now[170] ^= 1
	p, err := openSegments(d, testDir, opt, filledMark(0, 80))
	if err != nil {
		t.Fatal(err)
	}
	for offset := int64(0); offset < 80; offset += 10 {
		rd, _ := p.find(offset, 0, false)
		_, _, err := CutBatches(NewRunner(d).Read(rd).Data, offset, 0, true)
		if bad := offset == 40; bad != errors.Is(err, ErrDamaged) || !bad && err != nil {
			t.Errorf("offset %d: %v", offset, err)
		}
	}
}

// failing fails every call of one operation.
type failing struct {
	*memFS
	op  string
	err error
}

type failingFile struct {
	File
	f failing
}

func (f failing) fail(op string) error {
	if f.op == op {
		return f.err
	}
	return nil
}

func (f failing) Open(name string) (File, error) {
	file, err := f.memFS.Open(name)
	return failingFile{file, f}, errors.Join(err, f.fail("open "+name[len(name)-4:]))
}
func (f failing) List(dir string) ([]string, error) {
	names, err := f.memFS.List(dir)
	return names, errors.Join(err, f.fail("list"))
}
func (f failing) Remove(name string) error {
	return errors.Join(f.memFS.Remove(name), f.fail("remove"))
}
func (f failing) SyncDir(dir string) error {
	return errors.Join(f.memFS.SyncDir(dir), f.fail("syncdir"))
}
func (f failingFile) ReadAt(p []byte, off int64) (int, error) {
	if err := f.f.fail("read"); err != nil {
		return 0, err
	}
	return f.File.ReadAt(p, off)
}
func (f failingFile) WriteAt(p []byte, off int64) (int, error) {
	n, err := f.File.WriteAt(p, off)
	return n, errors.Join(err, f.f.fail("write"))
}
func (f failingFile) Truncate(n int64) error {
	return errors.Join(f.File.Truncate(n), f.f.fail("truncate"))
}
func (f failingFile) Sync() error { return errors.Join(f.File.Sync(), f.f.fail("sync")) }

// Any error of the disk ends the opening, with the file named; it is no damage, for the bytes were not seen.
func TestOpenReportsErrors(t *testing.T) {
	broken := errors.New("input/output error")
	for _, op := range []string{"list", "open .log", "open ndex", "write", "truncate", "sync", "remove", "syncdir"} {
		d, opt := filled(t)
		d.nodes[testDir+"/00000000000000000000.index"].now = nil // to be made anew
		_, err := openSegments(failing{d, op, broken}, testDir, opt, filledMark(0, 70))
		if op == "remove" {
			_, err = openSegments(failing{d, op, broken}, testDir, opt, filledMark(40, 50))
		}
		if !errors.Is(err, broken) || errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "seg") {
			t.Errorf("%s fails: %v", op, err)
		}
	}
}

// Names that are none of ours are left alone, and a directory that was never made is made when it is needed.
func TestOpenLeavesOtherNames(t *testing.T) {
	d, opt := filled(t)
	other := testDir + "/lost+found"
	d.nodes[other] = &memNode{}
	if _, err := openSegments(d, testDir, opt, filledMark(80, 80)); err != nil {
		t.Fatal(err)
	}
	names, _ := d.List(testDir)
	if !slices.Equal(names, []string{"lost+found"}) {
		t.Errorf("files are %q", names)
	}
	d = segFS()
	p, err := openSegments(d, testDir, opt, Mark{LogStart: 9, LogEnd: 9})
	if err != nil {
		t.Fatal(err)
	}
	if done := NewRunner(d).Run(Plan{Ops: p.append(nil, [][]byte{testBatch(9, 1, 2, 3, 4)})}); done.Err != nil {
		t.Error(done.Err)
	}
	if _, err := d.Open(testDir + "/00000000000000000009.log"); errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

// segFS returns a disk where groups' directories can be made.
func segFS() *memFS {
	d := newMemFS()
	for _, err := range []error{d.Mkdir("seg"), d.SyncDir(".")} {
		if err != nil {
			panic(err)
		}
	}
	return d
}

// damage changes a file behind everybody's back, or removes it.
func damage(d *memFS, name string, b []byte) {
	n := d.nodes[name]
	if b == nil {
		delete(d.nodes, name)
		delete(d.disk, name)
		return
	}
	n.now, n.disk = slices.Clone(b), slices.Clone(b)
	clear(n.dirty)
}
