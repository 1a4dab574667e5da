package main

import (
	"bufio"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

// diskBlock is the alignment direct writes need.
const diskBlock = 4096

// diskResult is what a writing process reports.
type diskResult struct {
	Method    string  `json:"method"`
	Writes    int64   `json:"writes"`
	Seconds   float64 `json:"seconds"`
	Histogram []byte  `json:"histogram"`
}

func newDiskWorker(a *app) *cobra.Command {
	var dir string
	var size int
	var duration time.Duration
	var fileBytes int64
	cmd := &cobra.Command{
		Use:    "disk-worker",
		Short:  "One writing process of bench disk",
		Hidden: true,
		Args:   none,
		RunE: func(*cobra.Command, []string) error {
			return a.diskWork(dir, size, fileBytes, duration)
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&dir, "dir", ".", "")
	fl.IntVar(&size, "size", diskBlock, "")
	fl.DurationVar(&duration, "duration", time.Second, "")
	fl.Int64Var(&fileBytes, "file-bytes", 64<<20, "")
	return cmd
}

// diskWork prewrites a file, waits for "go", and writes block after block, each synced, round and round.
func (a *app) diskWork(dir string, size int, fileBytes int64, duration time.Duration) error {
	f, err := os.CreateTemp(dir, "logctl-bench-disk-*")
	if err != nil {
		return fmt.Errorf("can't write in %s: %w", dir, err)
	}
	name := f.Name()
	defer os.Remove(name)
	defer f.Close()
	buf, err := alignedBuffer(max(size, 1<<20))
	if err != nil {
		return fmt.Errorf("no memory for a block of %d bytes: %w", size, err)
	}
	rand.Read(buf)
	if err := prewrite(f, buf, fileBytes); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	d, err := openSynced(name, buf)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	defer d.f.Close()
	if err := os.Remove(name); err != nil { // nothing is left behind, however this process ends
		return err
	}
	fmt.Fprintln(a.out, "ready")
	if s, err := bufio.NewReader(a.in).ReadString('\n'); err != nil || s != "go\n" {
		return errors.New("the bench ended before it began")
	}
	lat := newLatencies()
	began := time.Now()
	var writes, at int64
	for time.Since(began) < duration {
		t := time.Now()
		if err := d.write(buf[:size], at); err != nil {
			return fmt.Errorf("%s at %d: %w", name, at, err)
		}
		lat.add(time.Since(t))
		writes++
		at = (at + int64(size)) % fileBytes
	}
	r := diskResult{Method: d.method, Writes: writes, Seconds: time.Since(began).Seconds()}
	if r.Histogram, err = lat.encode(); err != nil {
		return err
	}
	return json.NewEncoder(a.out).Encode(r)
}

// prewrite fills the whole file and syncs it, so that the measured writes allocate nothing.
func prewrite(f *os.File, buf []byte, n int64) error {
	for done := int64(0); done < n; {
		w, err := f.WriteAt(buf[:min(int64(len(buf)), n-done)], done)
		if err != nil {
			return err
		}
		done += int64(w)
	}
	return f.Sync()
}

// syncedFile is a file whose writes are on stable storage when they return.
type syncedFile struct {
	f      *os.File
	method string
	sync   func() error // nil if the write itself is synced
}

func (d *syncedFile) write(b []byte, at int64) error {
	if _, err := d.f.WriteAt(b, at); err != nil {
		return err
	}
	if d.sync != nil {
		return d.sync()
	}
	return nil
}

// alignedBuffer is memory of whole pages.
func alignedBuffer(n int) ([]byte, error) {
	return syscall.Mmap(-1, 0, n, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
}
