package e2e

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// bytesFrom counts what Fetch responses brought from each broker.
type bytesFrom struct{ from [brokers + 1]atomic.Int64 }

func (r *bytesFrom) OnBrokerRead(meta kgo.BrokerMetadata, key int16, bytes int, _, _ time.Duration, err error) {
	if key == 1 && err == nil && meta.NodeID >= 1 && meta.NodeID <= brokers {
		r.from[meta.NodeID].Add(int64(bytes))
	}
}

var _ kgo.HookBrokerRead = (*bytesFrom)(nil)

// A consumer that says its rack reads from the broker in it, leader or not, and reads everything in order (KIP-392); with fetch
// sessions, as franz-go has them (KIP-227). When that broker is killed it goes on reading elsewhere.
func TestFollowerFetch(t *testing.T) {
	c := startCluster(t, "--rack", "rack-{id}")
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cl := rackClient(t, c, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(kgo.NoCompression()))
	const topic, records, size = "near", 300, 1000
	if _, err := kadm.NewClient(cl).CreateTopic(ctx, 1, 3, nil, topic); err != nil {
		t.Fatal(err)
	}
	write := func(from int) {
		for i := range records {
			r := &kgo.Record{Topic: topic, Value: fmt.Appendf(nil, "%0*d", size, from+i)}
			if err := cl.ProduceSync(ctx, r).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
	}
	write(0)
	start, err := kadm.NewClient(cl).ListTopics(ctx, topic)
	if err != nil {
		t.Fatal(err)
	}
	leader := start[topic].Partitions[0].Leader
	near := leader%brokers + 1
	var count bytesFrom
	reader := rackClient(t, c, kgo.Rack(fmt.Sprintf("rack-%d", near)), kgo.ConsumeTopics(topic), kgo.WithHooks(&count), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.RecheckPreferredReplicaInterval(2*time.Second)) // else it asks a dead broker for 30 minutes
	read := 0
	readTo := func(end int) {
		t.Helper()
		for read < end {
			fetches := reader.PollFetches(ctx)
			if ctx.Err() != nil {
				t.Fatalf("read %d of %d", read, end)
			}
			fetches.EachRecord(func(r *kgo.Record) {
				if want := fmt.Sprintf("%0*d", size, read); string(r.Value) != want || r.Offset != int64(read) {
					t.Fatalf("offset %d holds %s, expected offset %d, %d", r.Offset, r.Value[size-10:], read, read)
				}
				read++
			})
		}
	}
	readTo(records)
	if n := count.from[near].Load(); n < records*size {
		t.Errorf("of %d bytes broker %d, in the reader's rack, served %d, and the leader %d %d", records*size, near, n, leader, count.from[leader].Load())
	}
	c.nodes[near-1].kill(t)
	write(records)
	readTo(2 * records)
}

func rackClient(t *testing.T, c *cluster, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	opts = append(opts, kgo.SeedBrokers(c.addrs()...), kgo.MetadataMinAge(50*time.Millisecond), kgo.DialTimeout(2*time.Second),
		kgo.RetryBackoffFn(func(int) time.Duration { return 50 * time.Millisecond }))
	cl, err := kgo.NewClient(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}
