package log

import (
	"bytes"
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

// TestRewriteMended: all that can be read is written anew, as it was, and nothing else is.
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
		if !bytes.Equal(n.now, data) {
			t.Fatalf("sector at %d: what is written differs", at)
		}
		for i, is := range f.bytes[:size] {
			if bad := at <= int64(i) && int64(i) < at+sectorSize; is == bad {
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
