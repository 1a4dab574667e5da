package log

import (
	"fmt"
	"testing"
)

// countedFS counts the files that are open.
type countedFS struct {
	FS
	open int
}

type countedFile struct {
	File
	fs *countedFS
}

func (c *countedFS) Create(name string) (File, error) { return c.count(c.FS.Create(name)) }
func (c *countedFS) Open(name string) (File, error)   { return c.count(c.FS.Open(name)) }

func (c *countedFS) count(f File, err error) (File, error) {
	if err != nil {
		return nil, err
	}
	c.open++
	return &countedFile{f, c}, nil
}

func (f *countedFile) Close() error {
	f.fs.open--
	return f.File.Close()
}

// A shard makes segments for as long as it runs: its fill lane must not keep a descriptor for each.
func TestRunnerKeepsFewFilesOpen(t *testing.T) {
	disk := &countedFS{FS: newMemFS()}
	r := NewRunner(disk)
	for i := range 5 * maxOpen {
		segment, index := fmt.Sprintf("%d.log", i), fmt.Sprintf("%d.idx", i)
		done := r.Run(Plan{Lane: LaneFill, ID: uint64(i), Ops: []Op{
			{Kind: OpCreate, File: segment}, {Kind: OpWrite, File: segment, Data: []byte("batch")}, {Kind: OpSync, File: segment},
			{Kind: OpCreate, File: index}, {Kind: OpWrite, File: index, Data: []byte("index")}, {Kind: OpSync, File: index},
			{Kind: OpSyncDir, File: "."},
		}})
		if done.Err != nil {
			t.Fatal(done.Err)
		}
		if disk.open > maxOpen+2 {
			t.Fatalf("%d files are open after %d plans of two files each, at most %d may be kept", disk.open, i+1, maxOpen)
		}
	}
	if err := r.Do(Op{Kind: OpWrite, File: "0.log", Data: []byte("again")}); err != nil {
		t.Errorf("a file that was closed is opened again: %v", err)
	}
	if r.Close(); disk.open != 0 {
		t.Errorf("%d files are open after Close", disk.open)
	}
}
