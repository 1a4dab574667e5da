package log

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
)

// written notes which bytes of a file are written.
type written struct {
	File
	bytes []bool
}

func (f written) WriteAt(b []byte, off int64) (int, error) {
	for i := range b {
		f.bytes[off+int64(i)] = true
	}
	return f.File.WriteAt(b, off)
}

// TestRewriteMended: all that can be read is written anew, as it was, and of the rest only what a whole block takes along, as zeros.
func TestRewriteMended(t *testing.T) {
	data := make([]byte, scanChunk+5*BlockSize+100)
	for i := range data {
		data[i] = byte(i % 251)
	}
	for _, at := range []int64{-sectorSize, 0, 7 * sectorSize, scanChunk - sectorSize, scanChunk, scanChunk + 5*BlockSize} {
		n := &memNode{now: slices.Clone(data), dirty: map[int]bool{}}
		f := written{&memFile{n: n, m: newMemFS()}, make([]bool, len(data))}
		size := int64(len(data)) - 30
		if err := rewriteMended(badSectors{f, at}, size); err != nil {
			t.Fatal(err)
		}
		want, alone := slices.Clone(data), at+sectorSize > size // no other sector of its block is there
		if at >= 0 && !alone {
			clear(want[at:][:sectorSize])
		}
		if !bytes.Equal(n.now, want) {
			t.Fatalf("sector at %d: what is written differs", at)
		}
		for i, is := range f.bytes[:size] {
			if bad := alone && at <= int64(i) && int64(i) < at+sectorSize; is == bad {
				t.Fatalf("sector at %d can't be read: byte %d is written: %t", at, i, is)
			}
		}
	}
}

// TestMendMarks: a segment with a mark, and one whose files are lost, begin without one.
func TestMendMarks(t *testing.T) {
	d, opt := filled(t)
	for _, name := range []string{firstLog, secondLog, thirdLog} {
		mark := name[:len(name)-len(logSuffix)] + mendSuffix
		if _, err := d.Create(mark); err != nil {
			t.Fatal(err)
		}
	}
	damage(d, secondLog, nil)
	d.count[OpWrite] = 0
	p, err := openSegments(d, testDir, opt, filledMark(0, 80))
	if err != nil {
		t.Fatal(err)
	}
	if names, _ := d.List(testDir); slices.ContainsFunc(names, func(name string) bool { return name[len(name)-len(mendSuffix):] == mendSuffix }) {
		t.Errorf("marks are left: %q", names)
	}
	if d.count[OpWrite] != 2 || len(p.holes()) != 1 {
		t.Errorf("%d writes, expected one of each of the two files that are there; holes %v", d.count[OpWrite], p.holes())
	}
}

// looseWithin returns segments whose first two files were rotten all over, with a larger limit from now on: a repair makes one file of what
// is lost, and the name of the second is of no use.
func looseWithin(t *testing.T) (*memFS, *segments, [][]byte) {
	t.Helper()
	d, opt := filled(t)
	_, all := row(0, 39, 10, 10, 10, 10, 10, 10, 10, 10)
	for _, name := range []string{firstLog, secondLog, indexOf(firstLog), indexOf(secondLog), startOf(secondLog)} {
		damage(d, name, make([]byte, len(d.nodes[name].now)))
	}
	opt.SegmentBytes = 1 << 20
	p, err := openSegments(d, testDir, opt, filledMark(0, 80))
	if err != nil {
		t.Fatal(err)
	}
	return d, p, all
}

// A file of no use within the offsets of one that a repair makes: a start would cut that one there, or remove it if the log start is behind.
func TestLooseWithinRepair(t *testing.T) {
	for _, start := range []int64{0, 40} {
		d, p, all := looseWithin(t)
		healWith(t, d, p, all)
		expectFound(t, d, p, all, nil)
		if done := NewRunner(d).Run(Plan{Ops: p.trim(nil, start)}); done.Err != nil {
			t.Fatal(done.Err)
		}
		d = d.losePower(func() bool { return false })
		p, err := openSegments(d, testDir, p.opt, filledMark(start, 80))
		if err != nil || len(p.damage)+len(p.spans) > 0 || len(d.nodes[firstLog].now) != 600 {
			t.Errorf("log start %d: opened again: %v, %q, holes %v", start, err, p.damage, p.holes())
		}
		scrubAll(t, d, p)
		expectFound(t, d, p, all, nil)
	}
}

// Such repairs end at any operation, with the process, the power, or the room on the disk: what was repaired before stays, and all becomes
// whole, also for the start after.
func TestLooseWithinRepairAtEachOperation(t *testing.T) {
	ways := waysToEnd()
	ways["no room"] = nil
	for stop := 0; ; stop++ {
		for name, crash := range ways {
			if !repairEndsAfter(t, fmt.Sprintf("%s, after operation %d", name, stop), stop, crash) {
				return
			}
		}
	}
}

// repairEndsAfter says whether there were more operations than that.
func repairEndsAfter(t *testing.T, name string, left int, crash func(*memFS) *memFS) (more bool) {
	d, p, all := looseWithin(t)
	for _, part := range []Range{{0, 30}, {30, 40}, {40, 60}} {
		r, err := p.fit(part.From, all[part.From/10:part.To/10])
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		ops, _ := p.planRepair(nil, r)
		run := func(ops []Op) {
			if done := NewRunner(d).Run(Plan{Ops: ops}); done.Err != nil {
				t.Fatalf("%s: %v", name, done.Err)
			}
		}
		n := min(left, len(ops))
		run(ops[:n])
		if left -= n; n == len(ops) {
			p.repaired(r)
			continue
		}
		if more = true; crash == nil {
			d.failSync()
			run(p.undoRepair(r, ops, n))
			ops, _ = p.planRepair(nil, r)
			run(ops)
			p.repaired(r)
		} else {
			d = crash(d)
			again := func(h Range) bool { return h.From < part.From }
			if p, err = openSegments(d, testDir, p.opt, filledMark(0, 80)); err != nil || slices.ContainsFunc(p.holes(), again) {
				t.Fatalf("%s: holes %v, %q, %v, though up to %d all was repaired", name, p.holes(), p.damage, err, part.From)
			}
		}
		break
	}
	healWith(t, d, p, all)
	d = d.losePower(func() bool { return false })
	p, err := openSegments(d, testDir, p.opt, filledMark(0, 80))
	if err != nil || len(p.damage)+len(p.spans) > 0 {
		t.Fatalf("%s: opened again: holes %v, %q, %v", name, p.holes(), p.damage, err)
	}
	scrubAll(t, d, p)
	expectFound(t, d, p, all, nil)
	return more
}
