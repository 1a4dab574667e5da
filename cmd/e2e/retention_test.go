package e2e

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	keepBytes   = 2 << 20
	smallestSeg = 1 << 20
)

// keeper is a topic of one partition, and a client of it.
type keeper struct {
	*testing.T
	c    *cluster
	cl   *kgo.Client
	adm  *kadm.Client
	name string
}

func (k *keeper) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	k.Cleanup(cancel)
	return ctx
}

// Retention by bytes and by time, changed at run time, and DeleteRecords: the log start rises everywhere, the files go, and
// what is left is read from the start by others' clients.
func TestRetention(t *testing.T) {
	t.Parallel()
	c := startCluster(t)
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.addrs()...), kgo.DisableIdempotentWrite(), kgo.DefaultProduceTopic("kept"), kgo.ProducerBatchMaxBytes(500_000),
		kgo.ProducerBatchCompression(kgo.NoCompression()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	k := &keeper{t, c, cl, kadm.NewClient(cl), "kept"}
	seg, keep := fmt.Sprint(smallestSeg), fmt.Sprint(keepBytes)
	if _, err := k.adm.CreateTopic(k.ctx(), 1, brokers, map[string]*string{"segment.bytes": &seg}, k.name); err != nil {
		t.Fatal(err)
	}
	k.produce(400)
	if start := k.start(); start != 0 {
		t.Fatalf("the log starts at %d without a limit", start)
	}
	asleep := c.others(c.chief(t, k.name))[0]
	k.alter(kadm.AlterConfig{Op: kadm.SetConfig, Name: "retention.bytes", Value: &keep})
	asleep.stop(t)
	k.produce(99)
	k.trimmed(keepBytes+2*smallestSeg, c.others(asleep)...)
	c.startAndServe(t, asleep)
	k.trimmed(4*keepBytes, asleep) // it catches up from the new start, and may do so before it knows how large segments are to be
	other := c.others(asleep, c.chief(t, k.name))[0]
	other.stop(t)
	k.produce(1) // so the one that slept has all of it
	c.startAndServe(t, other)
	start := k.start()
	if start < 200 || start > 500-keepBytes/recordBytes {
		t.Errorf("the log starts at %d, of 500 records of %d bytes at least %d bytes are to be kept", start, recordBytes, keepBytes)
	}
	k.readAll(start, 500)
	k.refusesBelow(start)

	ms := "200"
	k.alter(kadm.AlterConfig{Op: kadm.DeleteConfig, Name: "retention.bytes"}, kadm.AlterConfig{Op: kadm.SetConfig, Name: "retention.ms", Value: &ms})
	await(t, "log without records", func() (bool, string) { at := k.start(); return at == 500, fmt.Sprint(at) })
	k.alter(kadm.AlterConfig{Op: kadm.DeleteConfig, Name: "retention.ms"})
	k.produce(20)
	k.deleteRecords()
	k.kcat()
	c.restart(t, c.chief(t, k.name))
	if at := k.start(); at != 515 {
		t.Errorf("after its leader's restart the log starts at %d, expected 515", at)
	}
	k.readAll(515, 520)
}

const recordBytes = 40_000

// produce sends records and waits for all of them.
func (k *keeper) produce(n int) {
	k.Helper()
	var records []*kgo.Record
	for i := range n {
		records = append(records, kgo.StringRecord(fmt.Sprintf("%d %s", i, strings.Repeat("=", recordBytes))))
	}
	if err := k.cl.ProduceSync(k.ctx(), records...).FirstErr(); err != nil {
		k.Fatal(err)
	}
}

// alter changes settings. A cluster that has just formed refuses for a moment, until every broker has said what it understands.
func (k *keeper) alter(changes ...kadm.AlterConfig) {
	k.Helper()
	await(k.T, "change of settings", func() (bool, string) {
		resps, err := k.adm.AlterTopicConfigs(k.ctx(), changes, k.name)
		if err != nil || len(resps) != 1 {
			return false, fmt.Sprint(resps, err)
		}
		if err := resps[0].Err; err != nil && !errors.Is(err, kerr.NotController) {
			k.Fatalf("%v: %s", err, resps[0].ErrMessage)
		}
		return resps[0].Err == nil, resps[0].ErrMessage
	})
}

// trimmed waits until brokers have files of fewer bytes than that, and some.
func (k *keeper) trimmed(limit int64, nodes ...*node) {
	k.Helper()
	for _, n := range nodes {
		await(k.T, fmt.Sprintf("end of old files on broker %d", n.id), func() (bool, string) {
			bytes, files := n.segments()
			return 0 < bytes && bytes < limit, fmt.Sprint(bytes, " bytes in ", files)
		})
	}
}

// start is the earliest offset.
func (k *keeper) start() int64 {
	k.Helper()
	var at kadm.ListedOffset
	await(k.T, "earliest offset", func() (bool, string) {
		offsets, err := k.adm.ListStartOffsets(k.ctx(), k.name)
		if err != nil {
			return false, err.Error()
		}
		at, _ = offsets.Lookup(k.name, 0)
		return at.Err == nil, fmt.Sprint(at.Err)
	})
	return at.Offset
}

// consumer reads from an offset on, and is told when there is no such offset.
func (k *keeper) consumer(at kgo.Offset) *kgo.Client {
	k.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(k.c.addrs()...), kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{k.name: {0: at}}))
	if err != nil {
		k.Fatal(err)
	}
	k.Cleanup(cl.Close)
	return cl
}

// readAll reads from the start: every record from one offset to before another, none left out.
func (k *keeper) readAll(from, to int64) {
	k.Helper()
	cl := k.consumer(kgo.NewOffset().AtStart())
	for next := from; next < to; {
		fetches := cl.PollFetches(k.ctx())
		if err := fetches.Err(); err != nil {
			k.Fatalf("%v at offset %d", err, next)
		}
		fetches.EachPartition(func(p kgo.FetchTopicPartition) {
			if p.LogStartOffset != from {
				k.Errorf("fetched at %d: the log starts at %d, expected %d", next, p.LogStartOffset, from)
			}
			for _, r := range p.Records {
				if r.Offset != next {
					k.Fatalf("read offset %d, expected %d", r.Offset, next)
				}
				next++
			}
		})
	}
}

// refusesBelow checks that a consumer below the log start is told so.
func (k *keeper) refusesBelow(start int64) {
	k.Helper()
	fetches := k.consumer(kgo.NewOffset().At(start - 1)).PollFetches(k.ctx())
	if err := fetches.Err(); !errors.Is(err, kerr.OffsetOutOfRange) {
		k.Errorf("reading from %d, with the log start at %d: %v", start-1, start, err)
	}
	offsets, err := k.adm.ListOffsetsAfterMilli(k.ctx(), 1, k.name)
	if at, _ := offsets.Lookup(k.name, 0); err != nil || at.Offset != start {
		k.Errorf("the first record after 1970 is at %d, the log start at %d, %v", at.Offset, start, err)
	}
}

// deleteRecords deletes the first 15 of the 20 records from 500 on.
func (k *keeper) deleteRecords() {
	k.Helper()
	for _, c := range []struct {
		at, low int64
		err     error
	}{{521, -1, kerr.OffsetOutOfRange}, {-2, -1, kerr.OffsetOutOfRange}, {515, 515, nil}, {510, 515, nil}} {
		offsets := make(kadm.Offsets)
		offsets.AddOffset(k.name, 0, c.at, -1)
		resps, err := k.adm.DeleteRecords(k.ctx(), offsets)
		if r, _ := resps.Lookup(k.name, 0); err != nil || !errors.Is(r.Err, c.err) || r.LowWatermark != c.low {
			k.Errorf("deleting before %d: low watermark %d, %v, %v, expected %d, %v", c.at, r.LowWatermark, r.Err, err, c.low, c.err)
		}
	}
	k.readAll(515, 520)
	k.refusesBelow(515)
}

// kcat reads from the beginning.
func (k *keeper) kcat() {
	k.Helper()
	kcat, err := exec.LookPath("kcat")
	if err != nil {
		fmt.Fprintf(os.Stderr, "\n*** %s: kcat is not installed (Debian: apt-get install kcat), it DID NOT RUN\n\n", k.Name())
		return
	}
	got := run(k.T, kcat, "", "-C", "-b", k.c.addrs()[0], "-t", k.name, "-p", "0", "-o", "beginning", "-e", "-q", "-f", "%o ")
	if got.err != "" || string(got.out) != "515 516 517 518 519 " {
		k.Errorf("kcat read %q, and says %q", got.out, got.err)
	}
}

// segments are the bytes of the partition's segments in this broker's directory, and the files' names.
func (n *node) segments() (bytes int64, names []string) {
	filepath.WalkDir(n.data, func(path string, e fs.DirEntry, err error) error { // what went meanwhile doesn't count
		if err == nil && strings.HasSuffix(path, ".log") && strings.Contains(path, "seg") {
			if info, err := e.Info(); err == nil {
				bytes, names = bytes+info.Size(), append(names, filepath.Base(path))
			}
		}
		return nil
	})
	return bytes, names
}
