package e2e

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// readTopic reads all that a topic has, by partition and offset.
func readTopic(ctx context.Context, t *testing.T, c *cluster, topic string) []*kgo.Record {
	t.Helper()
	ends := endsOf(ctx, t, c, topic)
	offsets := map[int32]kgo.Offset{}
	left := int64(0)
	for p, end := range ends {
		if end > 0 {
			offsets[p] = kgo.NewOffset().At(0)
			left += end
		}
	}
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.addrs()...), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: offsets}))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	var all []*kgo.Record
	for int64(len(all)) < left {
		fetches := cl.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("%s: %v after %d of %d records", topic, err, len(all), left)
		}
		all = append(all, fetches.Records()...)
	}
	slices.SortStableFunc(all, func(a, b *kgo.Record) int { return int(a.Offset - b.Offset) })
	return all
}

// endsOf are the ends of a topic's partitions, once all of them have leaders.
func endsOf(ctx context.Context, t *testing.T, c *cluster, topic string) map[int32]int64 {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.addrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	var listed kadm.ListedOffsets
	ask := func() error {
		if listed, err = kadm.NewClient(cl).ListEndOffsets(ctx, topic); err != nil {
			return err
		}
		return listed.Error()
	}
	for err = ask(); err != nil && ctx.Err() == nil; err = ask() {
		time.Sleep(look)
	}
	if err != nil {
		t.Fatal(err)
	}
	ends := map[int32]int64{}
	for _, o := range listed[topic] {
		ends[o.Partition] = o.Offset
	}
	return ends
}

// checkSent compares a record of the log with what the client was to send.
func (f *foreign) checkSent(t *testing.T, where, mode string, i int, base int64, r *kgo.Record) {
	t.Helper()
	if want := fmt.Sprintf("%s-%d-%s", mode, i, strings.Repeat("x", 100)); string(r.Value) != want {
		t.Fatalf("%s: the value is %q", where, r.Value)
	}
	if want := fmt.Sprintf("k%d", i); string(r.Key) != want {
		t.Fatalf("%s: the key is %q, expected %q", where, r.Key, want)
	}
	header, at := fmt.Sprint(i), base+int64(i)
	if f.bare {
		header, at = "0", r.Timestamp.UnixMilli()
	}
	if len(r.Headers) != 1 || r.Headers[0].Key != "n" || string(r.Headers[0].Value) != header {
		t.Fatalf("%s: the headers are %q, expected n=%s", where, r.Headers, header)
	}
	if r.Timestamp.UnixMilli() != at {
		t.Fatalf("%s: the timestamp is %d, expected %d", where, r.Timestamp.UnixMilli(), at)
	}
	if codec := slices.Index(codecs, mode); codec >= 0 && int(r.Attrs.CompressionType()) != codec {
		t.Fatalf("%s: it is stored with codec %s", where, codecs[r.Attrs.CompressionType()])
	}
	idempotent := mode == "idempotent" || f.idemp
	if has := r.ProducerID >= 0; has != idempotent {
		t.Fatalf("%s: the producer id is %d; idempotent: %t", where, r.ProducerID, idempotent)
	}
}
