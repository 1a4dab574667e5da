package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"logd/checker"
	"logd/checker/jepsen"
	"logd/checker/second"
)

// bench measures check A on generated histories. Time is that of the processor,
// garbage collection included, so that it says the same on a busy machine.
type bench struct {
	out        io.Writer
	ops        []int64
	clients    int
	partitions int
	seed       uint64
	dir        string  // also through files here
	fileOps    []int64 // of these lengths
	check      string
	families   []checker.Family
	porcupine  []int
	timeout    time.Duration
}

func newBench(out io.Writer) *cobra.Command {
	b := &bench{out: out}
	cmd := &cobra.Command{Use: "bench", Short: "Measure a check on generated histories", Hidden: true, Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return b.run() }}
	f := cmd.Flags()
	f.Int64SliceVar(&b.ops, "ops", []int64{1_000_000}, "operations of a history")
	f.IntVar(&b.clients, "clients", 100, "concurrent clients")
	f.IntVar(&b.partitions, "partitions", 4, "partitions")
	f.Uint64Var(&b.seed, "seed", 1, "seed of the generator")
	f.StringVar(&b.dir, "dir", "", "also measure reading files, plain and packed, which are written to this folder")
	f.Int64SliceVar(&b.fileOps, "file-ops", []int64{1_000_000}, "operations of a file")
	f.StringVar(&b.check, "check", checker.Linearizable.Name, "the check to measure")
	f.IntSliceVar(&b.porcupine, "porcupine", nil, "instead: porcupine and check A on one partition with this many operations")
	f.DurationVar(&b.timeout, "timeout", time.Minute, "time that porcupine may take")
	return cmd
}

// valid refuses what no history can be made of.
func (b *bench) valid() error {
	if len(b.ops) > 0 && slices.Min(b.ops) < 1 || len(b.fileOps) > 0 && slices.Min(b.fileOps) < 1 || len(b.porcupine) > 0 && slices.Min(b.porcupine) < 1 {
		return fmt.Errorf("--ops is %d, --file-ops %d and --porcupine %d; a history has at least 1 operation", b.ops, b.fileOps, b.porcupine)
	}
	if b.clients < 1 || b.partitions < 1 {
		return fmt.Errorf("--clients is %d and --partitions %d; each is at least 1", b.clients, b.partitions)
	}
	return nil
}

func (b *bench) run() error {
	if err := b.valid(); err != nil {
		return err
	}
	if len(b.porcupine) > 0 {
		return b.besides()
	}
	var err error
	if b.families, err = choose([]string{b.check}); err != nil {
		return err
	}
	(&check{families: b.families}).collect()
	fmt.Fprintln(b.out, "| operations | planted | from | verdict | CPU s | operations/s | kept | peak memory MiB | bytes/kept | bytes/operation |")
	fmt.Fprintln(b.out, "|---:|---|---|---|---:|---:|---:|---:|---:|---:|")
	for _, n := range b.ops {
		for _, planted := range []bool{false, true} {
			b.memory(n, planted)
		}
	}
	if b.dir == "" {
		return nil
	}
	for _, n := range b.fileOps {
		for _, ending := range []string{".jsonl", ".jsonl.gz", ".jsonl.zst", ".edn"} {
			if err := b.file(n, ending); err != nil {
				return err
			}
		}
	}
	return nil
}

// generator makes a valid history, or one of which a tail, nine tenths into it, is too
// short by one record.
func (b *bench) generator(n int64, planted bool) *generator {
	plant := int64(0)
	if planted {
		plant = n / 10 * 9
	}
	return newGenerator(b.seed, n, b.clients, b.partitions, plant)
}

// memory feeds a checker from memory, some operations at a time, and measures only
// the feeding.
func (b *bench) memory(n int64, planted bool) {
	g, a, r := b.generator(n, planted), newPanel(b.families), &result{}
	a.begin(checker.Header{})
	chunk := make([]checker.Op, 1<<10)
	for i := range chunk {
		chunk[i].ID = 1 // now it is resident, before memory is measured
	}
	m := startMeter()
	for left := n; left > 0; {
		now := chunk[:min(left, int64(len(chunk)))]
		for i := range now {
			g.next(&now[i])
		}
		left -= int64(len(now))
		m.begin()
		for i := range now {
			a.complete(&now[i])
		}
		m.end()
	}
	m.begin()
	a.finish(r)
	m.end()
	b.row(n, planted, "memory", r, a, m)
}

// file writes a history, and checks it as logcheck does.
func (b *bench) file(n int64, ending string) error {
	path := filepath.Join(b.dir, fmt.Sprintf("bench-%d%s", n, ending))
	if err := b.write(path, n); err != nil {
		return err
	}
	defer os.Remove(path)
	c := &check{stderr: io.Discard}
	in, err := c.open(path)
	if err != nil {
		return err
	}
	defer in.close()
	m := startMeter()
	m.begin()
	a, r := newPanel(b.families), &result{}
	if err := c.hear(a, in, nil); err != nil {
		return err
	}
	a.finish(r)
	m.end()
	b.row(n, false, ending, r, a, m)
	return nil
}

func (b *bench) write(path string, n int64) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	var out io.WriteCloser = f
	switch filepath.Ext(path) {
	case ".gz":
		out = gzip.NewWriter(f)
	case ".zst":
		if out, err = zstd.NewWriter(f); err != nil {
			return err
		}
	}
	if filepath.Ext(path) == ".edn" {
		return errors.Join(b.writeJepsen(out, n), out.Close())
	}
	g, w := b.generator(n, false), checker.NewWriter(out)
	var op checker.Op
	for range n {
		g.next(&op)
		if err := w.Write(&op); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if out != f {
		if err := out.Close(); err != nil {
			return err
		}
	}
	return f.Close()
}

// writeJepsen writes a history as Jepsen stores it, some operations at a time.
func (b *bench) writeJepsen(out io.Writer, n int64) error {
	g := b.generator(n, false)
	for left := n; left > 0; {
		h := checker.History{Ops: make([]checker.Op, min(left, 1<<12))}
		for i := range h.Ops {
			g.next(&h.Ops[i])
		}
		left -= int64(len(h.Ops))
		if err := jepsen.Write(out, jepsen.FromHistory(h)); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) row(n int64, planted bool, from string, r *result, a *panel, m *meter) {
	bytes, kept := m.peak-m.before, n
	if a.line != nil {
		kept = a.line.Kept()
	}
	fmt.Fprintf(b.out, "| %d | %v | %s | %v | %.2f | %.0f | %d | %d | %d | %d |\n", n, planted, from, r.Verdict, m.cpu.Seconds(),
		float64(n)/m.cpu.Seconds(), kept, bytes>>20, bytes/max(1, kept), bytes/n)
}

// besides asks porcupine and check A about the same histories.
func (b *bench) besides() error {
	fmt.Fprintln(b.out, "| operations | planted | check A | CPU ms | porcupine | CPU s |")
	fmt.Fprintln(b.out, "|---:|---|---|---:|---|---:|")
	b.partitions = 1
	for _, n := range b.porcupine {
		b.beside(n, false)
		b.beside(n, true)
	}
	return nil
}

func (b *bench) beside(n int, planted bool) {
	g := b.generator(int64(n), planted)
	var h checker.History
	for range n {
		var op checker.Op
		g.next(&op)
		h.Ops = append(h.Ops, op)
	}
	a, p := startMeter(), startMeter()
	a.begin()
	r := checker.Check(h)
	a.end()
	p.begin()
	o := second.PorcupineUpTo(h, b.timeout, math.MaxInt)
	p.end()
	fmt.Fprintf(b.out, "| %d | %v | %v | %.2f | %v | %.2f |\n", n, planted, r.Verdict, a.cpu.Seconds()*1000, o.Verdict, p.cpu.Seconds())
}

// meter measures processor time and memory of this process.
type meter struct {
	cpu          time.Duration
	since        time.Duration
	before, peak int64 // bytes resident
}

func startMeter() *meter {
	runtime.GC()
	debug.FreeOSMemory()
	m := &meter{}
	m.before = resident()
	return m
}

func (m *meter) begin() { m.since = used() }

func (m *meter) end() {
	m.cpu += used() - m.since
	m.peak = max(m.peak, resident())
}

func used() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		panic(fmt.Sprintf("getrusage of this process: %v", err))
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// resident is what the process holds of memory, in bytes.
func resident() int64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	var size, pages int64
	if _, err := fmt.Sscan(string(text), &size, &pages); err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}
