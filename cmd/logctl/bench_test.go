package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"
)

func TestBenchProduceThenConsume(t *testing.T) {
	t.Parallel()
	c := fake(t, 3)
	for _, mode := range [][]string{{}, {"--one"}, {"--clients", "3"}, {"-z", "zstd", "--acks", "1", "--linger", "2ms"}} {
		args := append([]string{"bench", "produce", "--json", "--size", "200", "--warmup", "50ms",
			"--partitions", "5", "--replication", "3", "--pids", fmt.Sprint(os.Getpid())}, mode...)
		began := time.Now()
		r := decode[benchReport](t, patiently(t, c.ListenAddrs(), "", args...).ok(t))
		if r.Records == 0 || r.Bytes != r.Records*200 || r.Errors != 0 || r.Partitions != 5 || r.Replication != 3 {
			t.Fatalf("%v: %+v", mode, r)
		}
		if r.Latency.Count != r.Records || r.Latency.P50 > r.Latency.P99 || r.Latency.P99 > r.Latency.P999 || r.Latency.P999 > r.Latency.Max {
			t.Errorf("%v: latencies %+v of %d records", mode, r.Latency, r.Records)
		}
		if took := time.Since(began).Microseconds(); r.Latency.P50 < 1 || r.Latency.Max > took+took/100 {
			t.Errorf("%v: latencies %+v in a run of %d us", mode, r.Latency, took)
		}
		if got, want := r.RecordsPerS*r.Seconds, float64(r.Records); math.Abs(got-want) > 0.001*want {
			t.Errorf("%v: %f records/s for %fs are %f records, not %f", mode, r.RecordsPerS, r.Seconds, got, want)
		}
		if len(r.Brokers) != 1 || r.Brokers[0].PeakRSS < 1<<20 || r.Brokers[0].CPUS < 0 {
			t.Errorf("%v: brokers %+v", mode, r.Brokers)
		}
		held := int64(0)
		for _, p := range c.PartitionInfos(r.Topic) {
			held += p.HighWatermark
		}
		if held < r.Records {
			t.Errorf("%v: %d records reported, the topic holds %d", mode, r.Records, held)
		}
		read := decode[benchReport](t, logctl(t, c.ListenAddrs(), "", "bench", "consume", "--topic", r.Topic, "--json").ok(t))
		if read.Records != held || read.Bytes != held*200 || read.Latency.Count == 0 {
			t.Errorf("%v: read %d records of %d, %+v", mode, read.Records, held, read.Latency)
		}
	}
}

func TestBenchTables(t *testing.T) {
	t.Parallel()
	c := fake(t, 1)
	r := patiently(t, c.ListenAddrs(), "", "bench", "produce", "--one", "--warmup", "0s", "--partitions", "1", "--topic", "mine").ok(t)
	for _, has := range []string{"MODE        one record in flight\n", "TOPIC       mine: 1 partition, replication 1\n",
		"RECORDS  RECORDS/S  MB/S", "P50", "P99.9", "PROCESS  PID  CPU-S  CPU-S/GB  PEAK-RSS\n"} {
		if !strings.Contains(r.out, has) {
			t.Errorf("stdout lacks %q:\n%s", has, r.out)
		}
	}
	if !strings.Contains(r.err, "logctl bench consume --topic mine") {
		t.Errorf("no hint what to do with the topic: %s", r.err)
	}
	r = patiently(t, c.ListenAddrs(), "", "bench", "produce", "--one", "--warmup", "0s", "--topic", "mine", "--delete").ok(t)
	if c.TopicInfo("mine") != nil {
		t.Error("--delete kept the topic")
	}
	logctl(t, c.ListenAddrs(), "", "bench", "consume", "--topic", "mine").want(t, exitFailed, "does not exist")
	logctl(t, c.ListenAddrs(), "", "topic", "create", "empty").ok(t)
	logctl(t, c.ListenAddrs(), "", "bench", "consume", "--topic", "empty").want(t, exitFailed, "topic empty is empty")
}

// Numbers with failures in them must not look like a success.
func TestBenchFailsLoudly(t *testing.T) {
	t.Parallel()
	c := fake(t, 1)
	c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "mine", Err: kerr.InvalidRecord, Count: -1})
	patiently(t, c.ListenAddrs(), "", "bench", "produce", "--one", "--warmup", "0s", "--topic", "mine").want(t, exitFailed,
		"failed record", "; the first: INVALID_RECORD")
	logctl(t, c.ListenAddrs(), "", "bench", "produce", "--duration", "10ms", "--pids", "999999999").want(t, exitFailed, "--pids 999999999")
}

func TestBenchInterrupted(t *testing.T) {
	t.Parallel()
	c := fake(t, 1)
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	logctlCtx(ctx, c.ListenAddrs(), "", "bench", "produce", "--warmup", "1m").want(t, exitFailed, "interrupted while warming up")
}

// C7: only what is acknowledged inside counts.
func TestWindow(t *testing.T) {
	t.Parallel()
	w := newWindow()
	if w.acked(10) || w.records.Load() != 0 {
		t.Error("counts while warming up")
	}
	w.phase.Store(measuring)
	if !w.acked(10) {
		t.Error("doesn't count inside")
	}
	w.phase.Store(over)
	if w.acked(10) || w.records.Load() != 1 || w.bytes.Load() != 10 {
		t.Errorf("%d records, %d bytes, want 1 and 10", w.records.Load(), w.bytes.Load())
	}
	w.erred(errors.New("first"))
	w.erred(errors.New("second"))
	if w.errors.Load() != 2 || *w.failure.Load() != "first" {
		t.Errorf("%d errors, %s", w.errors.Load(), *w.failure.Load())
	}
}

func TestPayloads(t *testing.T) {
	t.Parallel()
	made := make(map[int]*payloads)
	for _, size := range []int{1, 7, 100, 1024, 16384, 1_000_000} {
		made[size] = newPayloads(size, 1)
	}
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.SampledFrom([]int{1, 7, 100, 1024, 16384, 1_000_000}).Draw(t, "size")
		p := made[size].fork(rapid.IntRange(0, 100).Draw(t, "i"))
		for range rapid.IntRange(1, 50).Draw(t, "n") {
			p.at = rapid.IntRange(0, payloadPool).Draw(t, "at")
			a := p.next()
			b := p.next()
			if len(a) != size || len(b) != size || cap(a) != size {
				t.Fatalf("lengths %d and %d, want %d", len(a), len(b), size)
			}
			if size >= 100 && bytes.Equal(a, b) {
				t.Fatal("the same payload twice")
			}
		}
	})
}

func TestLatencies(t *testing.T) {
	t.Parallel()
	l, other := newLatencies(), newLatencies()
	for i := 1; i <= 1000; i++ {
		l.add(time.Duration(i) * time.Millisecond)
	}
	other.add(0)
	other.add(time.Hour)
	b, err := other.encode()
	if err != nil {
		t.Fatal(err)
	}
	back, err := decodeLatencies(b)
	if err != nil {
		t.Fatal(err)
	}
	l.merge(back)
	s := l.summary()
	near := func(got, want int64) bool { return math.Abs(float64(got-want)) <= float64(want)/500 }
	if s.Count != 1002 || !near(s.P50, 500_000) || !near(s.P99, 991_000) || !near(s.Max, longest.Microseconds()) {
		t.Errorf("%+v", s)
	}
	for us, want := range map[int64]string{950: "950us", 1270: "1.27ms", 12_345: "12.3ms", 123_456: "123ms", 1_500_000: "1.50s"} {
		if got := micros(us); got != want {
			t.Errorf("%d: %s, want %s", us, got, want)
		}
	}
}

func TestProcParsing(t *testing.T) {
	t.Parallel()
	stat := "4711 (a) b (c)) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20 0 9 0 12345"
	if d, err := statCPU([]byte(stat)); err != nil || d != 2*time.Second {
		t.Errorf("%v %v, want 2s", d, err)
	}
	for _, bad := range []string{"", "1 (x", "1 (x) S 1", "1 (x) S 1 2 3 4 5 6 7 8 9 10 a b"} {
		if d, err := statCPU([]byte(bad)); err == nil {
			t.Errorf("%q gives %v", bad, d)
		}
	}
	if n := statusPeak([]byte("Name:\tx\nVmPeak:\t9 kB\nVmHWM:\t  1024 kB\nVmRSS:\t 5 kB\n")); n != 1<<20 {
		t.Errorf("peak %d, want %d", n, 1<<20)
	}
	if n := statusPeak([]byte("Name: kthread\n")); n != 0 {
		t.Errorf("peak %d of nothing", n)
	}
}

func TestBenchDisk(t *testing.T) {
	t.Setenv("LOGCTL_TEST_SELF", "1")
	dir, other := t.TempDir(), t.TempDir()
	addrs := []string{closedPort(t)} // disks need no broker
	r := logctl(t, addrs, "", "bench", "disk", "--json", "--dir", dir, "--dir", other, "--duration", "50ms", "--file-bytes", "1048576",
		"--size", "65536", "--size", "4096").ok(t)
	rows := decode[[]diskRow](t, r)
	if len(rows) != 2 || rows[0].WriteBytes != 65536 || rows[1].WriteBytes != 4096 {
		t.Fatalf("%+v", rows)
	}
	for _, row := range rows {
		if row.Processes != 3 || row.Latency.Count < 3 || row.MBPerS <= 0 || row.Method == "" {
			t.Errorf("%+v", row)
		}
	}
	for _, d := range []string{dir, other} {
		if left, err := os.ReadDir(d); err != nil || len(left) != 0 {
			t.Errorf("%s keeps %v, %v", d, left, err)
		}
	}
	logctl(t, addrs, "", "bench", "disk", "--dir", dir+"/nope").want(t, exitFailed, "the process that writes in "+dir+"/nope ended early: ", "can't write in "+dir+"/nope")
}

func TestSyncedFallsBack(t *testing.T) {
	t.Parallel()
	f, err := os.CreateTemp(t.TempDir(), "x")
	if err != nil {
		t.Fatal(err)
	}
	buf, err := alignedBuffer(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	for i := range buf {
		buf[i] = byte(i * 7)
	}
	if err := prewrite(f, buf, 3<<20); err != nil {
		t.Fatal(err)
	}
	d, err := openSynced(f.Name(), buf)
	if err != nil {
		t.Fatal(err)
	}
	synced := false
	for _, d := range []*syncedFile{d, {f: d.f, sync: func() error { synced = true; return d.f.Sync() }}} {
		if err := d.write(buf[:8192], 1<<20+4096); err != nil {
			t.Fatal(err)
		}
	}
	got := make([]byte, 8192)
	if _, err := f.ReadAt(got, 1<<20+4096); err != nil {
		t.Fatal(err)
	}
	if st, _ := f.Stat(); st.Size() != 3<<20 || !synced {
		t.Errorf("%d bytes, synced %v", st.Size(), synced)
	}
	if d := cmp.Diff(buf[:8192], got); d != "" {
		t.Error("what was written isn't what is read")
	}
}
