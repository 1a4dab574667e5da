package log

import (
	"fmt"
	"testing"
)

// countedFS counts the files that are open.
type countedFS struct {
	FS
	open, most int
	unsynced   int // closed before they were synced
}

type countedFile struct {
	File
	fs    *countedFS
	dirty bool // written, and not synced since
}

func (f *countedFile) WriteAt(p []byte, off int64) (int, error) {
	f.dirty = true
	return f.File.WriteAt(p, off)
}

func (f *countedFile) Sync() error {
	f.dirty = false
	return f.File.Sync()
}

func (c *countedFS) Create(name string) (File, error) { return c.count(c.FS.Create(name)) }
func (c *countedFS) Open(name string) (File, error)   { return c.count(c.FS.Open(name)) }

func (c *countedFS) count(f File, err error) (File, error) {
	if err != nil {
		return nil, err
	}
	c.open++
	c.most = max(c.most, c.open)
	return &countedFile{File: f, fs: c}, nil
}

func (f *countedFile) Close() error {
	f.fs.open--
	if f.dirty {
		f.fs.unsynced++
	}
	return f.File.Close()
}

// A shard makes segments for as long as it runs: its fill lane must not keep a descriptor for each.
func TestRunnerKeepsFewFilesOpen(t *testing.T) {
	disk := &countedFS{FS: newMemFS()}
	r := NewRunner(disk)
	for i := range 5 * MaxOpen {
		segment, index := fmt.Sprintf("%d.log", i), fmt.Sprintf("%d.idx", i)
		done := r.Run(Plan{Lane: LaneFill, ID: uint64(i), Ops: []Op{
			{Kind: OpCreate, File: segment}, {Kind: OpWrite, File: segment, Data: []byte("batch")}, {Kind: OpSync, File: segment},
			{Kind: OpCreate, File: index}, {Kind: OpWrite, File: index, Data: []byte("index")}, {Kind: OpSync, File: index},
			{Kind: OpSyncDir, File: "."},
		}})
		if done.Err != nil {
			t.Fatal(done.Err)
		}
		if disk.open > MaxOpen {
			t.Fatalf("%d files are open after %d plans of two files each, at most %d may be kept", disk.open, i+1, MaxOpen)
		}
	}
	if err := r.Do(Op{Kind: OpWrite, File: "0.log", Data: []byte("again")}); err != nil {
		t.Errorf("a file that was closed is opened again: %v", err)
	}
	if r.Close(); disk.open != 0 {
		t.Errorf("%d files are open after Close", disk.open)
	}
}

// A plan may have the batches of thousands of partitions: it must not have the files of all of them open, nor close one that it wrote to and
// didn't sync yet.
func TestPlanOpensFewFiles(t *testing.T) {
	disk := &countedFS{FS: newMemFS()}
	opt := Options{WALFiles: 2, WALFileBytes: 8 << 20, GroupBytes: 2 << 20, SegmentBytes: 1 << 30, IndexBytes: 4096}
	if err := Format(disk, testID, opt); err != nil {
		t.Fatal(err)
	}
	s, _, err := Open(disk, testID, opt)
	if err != nil {
		t.Fatal(err)
	}
	run := func(lane Lane) (ops int) {
		r := NewRunner(disk)
		defer r.Close()
		for p, ok := s.Plan(lane); ok; p, ok = s.Plan(lane) {
			ops = max(ops, len(p.Ops))
			if err := s.Done(r.Run(p)); err != nil {
				t.Fatal(err)
			}
		}
		return ops
	}
	const groups = 3 * MaxOpen
	batch := testBatch(0, 1, 1, 300, 1000)
	for g := uint64(1); g <= groups; g++ {
		s.Create(g, nil, Mark{})
		s.Append(g, []Entry{{Index: 1, Term: 1, Data: append([]byte(nil), batch...)}})
	}
	run(LaneWAL)
	for g := uint64(1); g <= groups; g++ {
		h, _ := s.EntryHash(g, 1)
		s.Flush(g, [][]byte{batch}, Mark{Index: 1, Term: 1, LogEnd: 1, EntryHash: h, BatchHash: HashBatch(0, batch)})
	}
	disk.most = 0
	if ops := run(LaneFill); ops < 3*groups {
		t.Fatalf("no plan had the batches of %d partitions; the longest had %d operations", groups, ops)
	}
	if disk.most > MaxOpen || disk.unsynced > 0 {
		t.Errorf("%d files were open at the same time, %d may be; %d were closed before they were synced", disk.most, MaxOpen, disk.unsynced)
	}
}

// Files that are not synced yet stay open, however many: the sync of another descriptor needn't say what was lost.
func TestUnsyncedFilesStayOpen(t *testing.T) {
	disk := &countedFS{FS: newMemFS()}
	var ops []Op
	for _, kind := range []OpKind{OpCreate, OpWrite, OpSync} {
		for i := range 2 * MaxOpen {
			ops = append(ops, Op{Kind: kind, File: fmt.Sprintf("%d.log", i), Data: []byte("batch")})
		}
	}
	r := NewRunner(disk)
	if d := r.Run(Plan{Ops: ops}); d.Err != nil || disk.unsynced > 0 {
		t.Errorf("%d files were closed before they were synced: %v", disk.unsynced, d.Err)
	}
	if r.Close(); disk.open != 0 {
		t.Errorf("%d files are open after Close", disk.open)
	}
}
