package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

type benchDiskFlags struct {
	dirs      []string
	processes int
	sizes     []int
	duration  time.Duration
	fileBytes int64
}

func newBenchDisk(a *app) *cobra.Command {
	var f benchDiskFlags
	cmd := &cobra.Command{
		Use:   "disk --dir DIR...",
		Short: "Measure what the bare disks give a cluster, to compare its numbers with",
		Long: `Several processes at once, each writing and syncing one block after another to a prewritten file of its own, which is
what brokers do to their write-ahead logs at best. Large writes bound a cluster's throughput, small ones its latency.
Directories are given out to the processes in turn.`,
		Example: "  logctl bench disk --dir ./logd-data",
		Args:    none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(); err != nil {
				return err
			}
			return a.benchDisk(cmd.Context(), f)
		},
	}
	fl := cmd.Flags()
	fl.StringArrayVar(&f.dirs, "dir", nil, "directory to write in; repeatable")
	fl.IntVar(&f.processes, "processes", 3, "processes that write at the same time")
	fl.IntSliceVar(&f.sizes, "size", []int{1 << 20, 4 << 10}, "bytes of each synced write, multiples of 4096")
	fl.DurationVar(&f.duration, "duration", 5*time.Second, "time for each size")
	fl.Int64Var(&f.fileBytes, "file-bytes", 64<<20, "size of each process's file")
	return cmd
}

func (f *benchDiskFlags) check() error {
	switch {
	case len(f.dirs) == 0:
		return usagef("missing --dir; name the directory the brokers write to")
	case f.processes < 1:
		return usagef("--processes is %d; give 1 or more", f.processes)
	case f.duration <= 0:
		return usagef("--duration is %v; give a positive duration", f.duration)
	}
	for _, s := range f.sizes {
		if s <= 0 || s%diskBlock != 0 {
			return usagef("--size is %d; give a multiple of %d", s, diskBlock)
		}
		if int64(s) > f.fileBytes || f.fileBytes%int64(s) != 0 {
			return usagef("--file-bytes is %d; give a multiple of --size %d", f.fileBytes, s)
		}
	}
	return nil
}

// diskRow is the result for one size of write.
type diskRow struct {
	WriteBytes int         `json:"write_bytes"`
	Processes  int         `json:"processes"`
	Method     string      `json:"method"`
	MBPerS     float64     `json:"mb_per_s"`
	WritesPerS float64     `json:"writes_per_s"`
	Latency    latencyJSON `json:"latency"`
}

func (a *app) benchDisk(ctx context.Context, f benchDiskFlags) error {
	var rows []diskRow
	for _, size := range f.sizes {
		a.note("%d processes, synced writes of %d bytes, %v", f.processes, size, f.duration)
		row, err := a.diskRow(ctx, f, size)
		if err != nil {
			return err
		}
		rows = append(rows, row)
	}
	if a.json {
		return a.printJSON(rows)
	}
	t := newTable("WRITE", "PROCESSES", "MB/S", "WRITES/S", "P50", "P99", "P99.9", "MAX", "METHOD")
	for _, r := range rows {
		l := r.Latency
		t.add(strconv.Itoa(r.WriteBytes)+" B", r.Processes, fmt.Sprintf("%.1f", r.MBPerS), fmt.Sprintf("%.0f", r.WritesPerS),
			micros(l.P50), micros(l.P99), micros(l.P999), micros(l.Max), r.Method)
	}
	t.print(a.out)
	return nil
}

// diskRow runs one size: all processes prepare their files, then start together.
func (a *app) diskRow(ctx context.Context, f benchDiskFlags, size int) (diskRow, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends processes that are left after an error
	var procs []*diskProcess
	defer func() {
		cancel()
		for _, p := range procs {
			p.cmd.Wait()
		}
	}()
	for i := range f.processes {
		p, err := a.startDisk(ctx, f, f.dirs[i%len(f.dirs)], size)
		if err != nil {
			return diskRow{}, err
		}
		procs = append(procs, p)
	}
	for _, p := range procs {
		if err := p.awaitReady(); err != nil {
			return diskRow{}, err
		}
	}
	for _, p := range procs {
		io.WriteString(p.in, "go\n")
	}
	row := diskRow{WriteBytes: size, Processes: f.processes}
	all := newLatencies()
	for _, p := range procs {
		r, lat, err := p.result()
		if err != nil {
			return diskRow{}, err
		}
		all.merge(lat)
		row.WritesPerS += float64(r.Writes) / r.Seconds
		if row.Method != "" && row.Method != r.Method {
			r.Method = row.Method + " and " + r.Method
		}
		row.Method = r.Method
	}
	row.MBPerS = row.WritesPerS * float64(size) / 1e6
	row.Latency = all.summary()
	return row, nil
}

// diskProcess is one writing process: "ready" comes from it, "go" goes to it, then its result comes as JSON.
type diskProcess struct {
	dir  string
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
	said bytes.Buffer // its stderr, complete after Wait
}

func (a *app) startDisk(ctx context.Context, f benchDiskFlags, dir string, size int) (*diskProcess, error) {
	self := a.self
	if len(self) == 0 {
		exe, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("can't find this program to start it again: %w", err)
		}
		self = []string{exe}
	}
	args := append(append([]string{}, self[1:]...), "bench", "disk-worker", "--dir", dir, "--size", strconv.Itoa(size),
		"--duration", f.duration.String(), "--file-bytes", strconv.FormatInt(f.fileBytes, 10))
	p := &diskProcess{dir: dir, cmd: exec.CommandContext(ctx, self[0], args...)}
	p.cmd.Stderr = &p.said
	in, err1 := p.cmd.StdinPipe()
	out, err2 := p.cmd.StdoutPipe()
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	p.in, p.out = in, bufio.NewReader(out)
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("can't start %s: %w", self[0], err)
	}
	return p, nil
}

func (p *diskProcess) awaitReady() error {
	if s, err := p.out.ReadString('\n'); err != nil || s != "ready\n" {
		return p.ended()
	}
	return nil
}

func (p *diskProcess) result() (diskResult, *latencies, error) {
	var r diskResult
	if err := json.NewDecoder(p.out).Decode(&r); err != nil {
		return r, nil, p.ended()
	}
	lat, err := decodeLatencies(r.Histogram)
	return r, lat, err
}

// ended says in the process's own words why it is no more.
func (p *diskProcess) ended() error {
	err := p.cmd.Wait()
	said := strings.TrimSpace(p.said.String())
	if said == "" {
		said = fmt.Sprint(err)
	}
	return fmt.Errorf("the process that writes in %s ended early: %s", p.dir, said)
}
