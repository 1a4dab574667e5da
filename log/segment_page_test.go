package log

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
)

// pagedFS is a disk below a page cache, as Linux has it: what can't be read is a whole page, and a write of a part of such a page fails,
// since the rest of it must be read first (__block_write_begin_int, __iomap_write_begin: EIO), also at the file's end. A write of all of it
// succeeds; after that it can be read.
type pagedFS struct {
	*memFS
	bad map[string]map[int64]bool // pages, by file

	sector int64 // all that can't be read of a bad page, if it isn't 0: a file's pages may have been written since
}

type pagedFile struct {
	File
	fs  *pagedFS
	bad map[int64]bool
}

func (p *pagedFS) Open(name string) (File, error) {
	f, err := p.memFS.Open(name)
	return &pagedFile{f, p, p.bad[name]}, err
}

func (f *pagedFile) ReadAt(p []byte, off int64) (int, error) {
	for page := range f.bad { // order: any will do
		from, to := page*BlockSize, (page+1)*BlockSize
		if f.fs.sector > 0 {
			from, to = f.fs.sector*sectorSize, (f.fs.sector+1)*sectorSize
		}
		if from < off+int64(len(p)) && off < to {
			return 0, errSick
		}
	}
	return f.File.ReadAt(p, off)
}

func (f *pagedFile) WriteAt(p []byte, off int64) (int, error) {
	for page := range f.bad { // order: any will do
		if page*BlockSize >= off+int64(len(p)) || off >= (page+1)*BlockSize {
			continue
		}
		if off > page*BlockSize || (page+1)*BlockSize > off+int64(len(p)) {
			return 0, errSick
		}
	}
	for page := off / BlockSize; page*BlockSize < off+int64(len(p)); page++ {
		delete(f.bad, page)
	}
	return f.File.WriteAt(p, off)
}

// Truncate frees the pages behind the end, and clears the rest of the last one, which must be read for that.
func (f *pagedFile) Truncate(size int64) error {
	if size%BlockSize > 0 && f.bad[size/BlockSize] {
		return errSick
	}
	maps.DeleteFunc(f.bad, func(page int64, _ bool) bool { return page*BlockSize >= size })
	return f.File.Truncate(size)
}

// pagedSegment has a closed segment of two batches of 3,000 bytes each, an interval each, in two pages, and one more segment.
//
//	page 0          │ page 1
//	batch 0 ─── batch 10 ────── end of the file
func pagedSegment(t *testing.T) (r *rig, name string, b [][]byte) {
	opt := testOpt
	opt.SegmentBytes, opt.IndexBytes = 5000, 100
	r = newRig(t, opt)
	r.s.Create(1, nil, Mark{})
	_, b = row(0, 3000-BatchHeader, 10, 10, 10, 10)
	r.s.Transfer(1, b)
	r.idle(t)
	h, _ := r.s.HashAt(1, 40)
	r.s.Install(1, Mark{Index: 5, Term: 1, LogEnd: 40, BatchHash: h})
	r.idle(t)
	r.open(t) // which makes the index files
	return r, "seg/00000000000000000001/00000000000000000000.log", b
}

// mendPaged reads both batches as consumers do and has peers give what is lost, until all is whole; it returns what ended the process.
func mendPaged(t *testing.T, disk *pagedFS, s *Store, b [][]byte) error {
	t.Helper()
	run := NewRunner(disk)
	for n := 0; n < 4; {
		n = 0
		for i := range 4 {
			rd, ok := s.Find(1, int64(i)*10, 0)
			if !ok {
				continue
			}
			d := run.Read(rd)
			bad := s.Rotten(1, rd, d.Data)
			for _, is := range bad {
				s.Suspect(1, is)
			}
			if len(bad) == 0 {
				n++
			}
		}
		if holes := s.SegmentHoles(1); len(holes) > 0 {
			if err := s.Repair(1, holes[0].From, b[holes[0].From/10:holes[0].To/10]); err != nil {
				t.Fatal(err)
			}
		}
		for {
			p, ok := s.Plan(LaneFill)
			if !ok {
				break
			}
			if err := s.Done(run.Run(p)); err != nil {
				return err
			}
		}
	}
	return nil
}

// One unreadable sector of a closed segment is repaired, with what of its neighbours is in the same page; no start ends by it.
func TestUnreadablePage(t *testing.T) {
	for _, pages := range [][]int64{{0}, {1}, {0, 1}} {
		r, name, b := pagedSegment(t)
		want := slices.Concat(b[0], b[1])
		disk := &pagedFS{memFS: r.fs, bad: map[string]map[int64]bool{name: {}}}
		for _, page := range pages {
			disk.bad[name][page] = true
			clear(r.fs.nodes[name].now[page*BlockSize : min((page+1)*BlockSize, 6000)]) // only what can be read may be found again
		}
		s, _, err := Open(disk, testID, r.opt)
		if err != nil {
			t.Fatal(err)
		}
		if err := mendPaged(t, disk, s, b); err != nil {
			t.Errorf("pages %d: %v", pages, err)
			continue
		}
		if got := r.fs.nodes[name].now; !bytes.Equal(got, want) || len(disk.bad[name]) > 0 {
			t.Errorf("pages %d: the file isn't what it was; unreadable: %v", pages, disk.bad[name])
		}
	}
}

// A repair of an unreadable page that ends at any operation, and in the midst of one, is done again at the next start.
func TestUnreadablePageCutShort(t *testing.T) {
	for cut := range 16 {
		t.Run(fmt.Sprint(cut), func(t *testing.T) {
			r, name, b := pagedSegment(t)
			disk := &pagedFS{memFS: r.fs, bad: map[string]map[int64]bool{name: {1: true}}}
			s, _, err := Open(disk, testID, r.opt)
			if err != nil {
				t.Fatal(err)
			}
			s.Suspect(1, Read{File: name, Off: 3000, Len: 3000})
			if err := s.Repair(1, 10, b[1:2]); err != nil {
				t.Fatal(err)
			}
			p, _ := s.Plan(LaneFill)
			run := NewRunner(disk)
			for _, op := range p.Ops[:min(cut/2, len(p.Ops))] {
				if err := run.Do(op); err != nil {
					t.Fatal(err)
				}
			}
			if cut/2 < len(p.Ops) && p.Ops[cut/2].Kind == OpWrite && cut%2 == 1 { // whole blocks are written, the end isn't cut yet
				f, _ := disk.Open(name)
				data, off := WholeBlocks(f, b[1], 3000)
				if _, err := f.WriteAt(data, off); err != nil || len(r.fs.nodes[name].now) != 2*BlockSize {
					t.Fatalf("the file has %d bytes: %v", len(r.fs.nodes[name].now), err)
				}
			}
			if s, _, err = Open(disk, testID, r.opt); err != nil {
				t.Fatal(err)
			}
			if err := mendPaged(t, disk, s, b); err != nil {
				t.Fatal(err)
			}
			if got := r.fs.nodes[name].now; !bytes.Equal(got, slices.Concat(b[0], b[1])) {
				t.Errorf("the file isn't what it was: %d bytes", len(got))
			}
		})
	}
}

// An index, start or temporary file that can't be read is made anew: no start ends by it.
func TestUnreadableSmallFile(t *testing.T) {
	r, name, b := pagedSegment(t)
	dir := "seg/00000000000000000001/00000000000000000020"
	disk := &pagedFS{memFS: r.fs, bad: map[string]map[int64]bool{indexOf(name): {0: true}, dir + startSuffix: {0: true}, dir + indexSuffix: {0: true}}}
	s, _, err := Open(disk, testID, r.opt)
	if err != nil {
		t.Fatal(err)
	}
	if err := mendPaged(t, disk, s, b); err != nil {
		t.Fatal(err)
	}
}

// What lies behind the mark is cut, or written anew, at a start: also within a block of which the device can't give a part.
//
//	page 0       │ page 1                    │ page 2
//	batches 0 to 40 ─┼─ 50 ─ 60 ─┤ mark ├─ 70 ─┼─ 80 ─ 90
func TestUnreadableAroundTheMark(t *testing.T) {
	for _, test := range []struct {
		sector     int64
		indexBytes int
		start      int64 // the log's
		want       int64 // the segments' end
	}{{9, 100, 0, 100}, {9, 20000, 0, 100}, {9, 100, 60, 100}, {9, 20000, 60, 100}, {15, 100, 0, 70}, {15, 20000, 0, 70}} {
		opt := testOpt
		opt.SegmentBytes, opt.IndexBytes = 50000, test.indexBytes
		r := newRig(t, opt)
		r.s.Create(1, nil, Mark{})
		_, b := row(0, 1000-BatchHeader, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10)
		r.s.Transfer(1, b[:7])
		r.idle(t)
		h, _ := r.s.HashAt(1, 70)
		r.s.Install(1, Mark{Index: 5, Term: 1, LogStart: test.start, LogEnd: 70, BatchHash: h})
		r.idle(t)
		r.s.Transfer(1, b[7:])
		r.idle(t)
		name := "seg/00000000000000000001/00000000000000000000.log"
		disk := &pagedFS{memFS: r.fs, bad: map[string]map[int64]bool{name: {1: true}}, sector: test.sector}
		for range 2 {
			s, _, err := Open(disk, testID, r.opt)
			if err != nil {
				t.Errorf("%+v: %v", test, err)
				break
			}
			if got := s.SegmentEnd(1); got != test.want {
				t.Errorf("%+v: the segments end at offset %d", test, got)
			}
		}
	}
}

// sectored can't read some sectors, and only these, and says why.
type sectored struct {
	File
	bad []int64
	why error
}

func (s sectored) ReadAt(p []byte, off int64) (int, error) {
	if slices.ContainsFunc(s.bad, func(i int64) bool { return i*sectorSize < off+int64(len(p)) && off < (i+1)*sectorSize }) {
		return 0, s.why
	}
	return s.File.ReadAt(p, off)
}

// What else is in an unreadable block is written as it was, as far as it can be read; a block that can be read is left alone.
func TestWholeBlocks(t *testing.T) {
	was := make([]byte, 5*BlockSize+700)
	for i := range was {
		was[i] = byte(i%250) + 1
	}
	for _, test := range []struct {
		off, n   int64
		bad      []int64 // sectors
		from, to int64   // what is written
	}{
		{5000, 3000, nil, 5000, 8000},
		{5000, 3000, []int64{0, 7, 16}, 5000, 8000},       // of other blocks
		{5000, 3000, []int64{8}, 4096, 8192},              // before
		{5000, 3000, []int64{15}, 4096, 8192},             // behind
		{5000, 3000, []int64{10}, 4096, 8192},             // within
		{5000, 8000, []int64{8}, 4096, 13000},             // the first of several blocks
		{5000, 8000, []int64{18}, 5000, 13000},            // one in the midst is overwritten
		{5000, 8000, []int64{31}, 5000, 16384},            // the last
		{5000, 8000, []int64{9, 25, 26}, 4096, 16384},     // both
		{4096, 4096, []int64{8, 9}, 4096, 8192},           // all of one
		{20000, 1180, []int64{40}, 20000, 6 * 4096},       // up to the file's end
		{21180, 100, []int64{41}, 20480, 6 * 4096},        // behind it
		{6 * 4096, 100, []int64{41}, 6 * 4096, 24676},     // far behind it
		{100, 200, []int64{0, 1, 2, 3, 4, 5, 7}, 0, 4096}, // one sector can be read
	} {
		p := bytes.Repeat([]byte{255}, int(test.n))
		n := &memNode{now: slices.Clone(was), dirty: map[int]bool{}}
		f := sectored{&memFile{n: n, m: newMemFS()}, test.bad, errSick}
		b, at := WholeBlocks(f, p, test.off)
		if at != test.from || at+int64(len(b)) != test.to {
			t.Errorf("%+v: %d to %d is written", test, at, at+int64(len(b)))
			continue
		}
		for i, is := range b {
			k := at + int64(i)
			want := byte(0)
			switch {
			case test.off <= k && k < test.off+test.n:
				want = 255
			case k < int64(len(was)) && !slices.Contains(test.bad, k/sectorSize):
				want = was[k]
			}
			if is != want {
				t.Fatalf("%+v: byte %d is %d, expected %d", test, k, is, want)
			}
		}
		if err := writeAt(f, p, test.off); err != nil || int64(len(n.now)) != max(int64(len(was)), test.off+test.n) {
			t.Errorf("%+v: the file has %d bytes, %v", test, len(n.now), err)
		}
	}
}

// Where a read fails for something else than the device nothing is written but what was to be (G10).
func TestWholeBlocksOtherError(t *testing.T) {
	n := &memNode{now: bytes.Repeat([]byte{7}, BlockSize), dirty: map[int]bool{}}
	f := sectored{&memFile{n: n, m: newMemFS()}, []int64{0}, errors.New("no memory")}
	if err := writeAt(f, []byte{1, 1}, 1000); err != nil || !bytes.Equal(n.now, slices.Concat(bytes.Repeat([]byte{7}, 1000), []byte{1, 1}, bytes.Repeat([]byte{7}, BlockSize-1002))) {
		t.Errorf("%v: %v", err, n.now)
	}
}
