package e2e

import (
	"context"
	"fmt"
	"hash/fnv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// bulk is records of some kilobytes, and what of them was acknowledged where.
type bulk struct {
	t     *testing.T
	cl    *kgo.Client
	topic string
	pace  atomic.Int64 // pause between two records of a partition, as a time.Duration
	stop  context.CancelFunc
	ended sync.WaitGroup

	mu    sync.Mutex
	acked [][]string // values by partition and offset; "" where nothing was acknowledged
	n     int        // of them
	last  string     // error
}

// startBulk has a producer send to all partitions until finish; it sends again what isn't acknowledged.
func startBulk(t *testing.T, c *cluster, topic string, partitions int32) *bulk {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	b := &bulk{t: t, topic: topic, stop: cancel, acked: make([][]string, partitions)}
	var err error
	b.cl, err = kgo.NewClient(kgo.SeedBrokers(c.addrs()...), kgo.DisableIdempotentWrite(), kgo.ProducerBatchCompression(kgo.NoCompression()),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0), kgo.MetadataMinAge(50*time.Millisecond), kgo.DialTimeout(2*time.Second),
		kgo.ProduceRequestTimeout(5*time.Second), kgo.RequestTimeoutOverhead(5*time.Second), kgo.UnknownTopicRetries(-1), kgo.ProducerBatchMaxBytes(60_000),
		kgo.RetryBackoffFn(func(int) time.Duration { return 50 * time.Millisecond }))
	if err != nil {
		t.Fatal(err)
	}
	for p := range partitions {
		b.ended.Go(func() { b.send(ctx, p) })
	}
	t.Cleanup(b.finish)
	return b
}

// send sends values to a partition, with a few under way.
func (b *bulk) send(ctx context.Context, partition int32) {
	room := make(chan struct{}, 20)
	for n := 0; ctx.Err() == nil; n++ {
		select {
		case room <- struct{}{}:
		case <-ctx.Done():
			return
		}
		value := fmt.Sprintf("%d.%d", partition, n)
		b.cl.Produce(context.Background(), &kgo.Record{Topic: b.topic, Partition: partition, Value: bulky(value)}, func(r *kgo.Record, err error) {
			<-room
			b.took(value, r, err)
		})
		if pause := time.Duration(b.pace.Load()); pause > 0 {
			time.Sleep(pause)
		}
	}
}

func (b *bulk) took(value string, r *kgo.Record, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil {
		b.last = err.Error()
		return
	}
	at := b.acked[r.Partition]
	for int64(len(at)) <= r.Offset {
		at = append(at, "")
	}
	if at[r.Offset] != "" {
		b.t.Errorf("%s/%d: offset %d is acknowledged for %s and for %s", b.topic, r.Partition, r.Offset, at[r.Offset], value)
	}
	at[r.Offset], b.acked[r.Partition] = value, at
	b.n++
}

// count is how many records were acknowledged.
func (b *bulk) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.n
}

// progress waits until so many more are.
func (b *bulk) progress(more int) {
	b.t.Helper()
	from := b.count()
	await(b.t, "acknowledgement", func() (bool, string) {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.n >= from+more, fmt.Sprintf("%d of %d; the last error: %s", b.n-from, more, b.last)
	})
}

// finish stops the producer and waits for what is under way.
func (b *bulk) finish() {
	b.stop()
	b.ended.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	b.cl.Flush(ctx) // what isn't acknowledged by then doesn't count
	b.cl.Close()
}

// bulky is what is sent for a value: its name, and up to some kilobytes that follow from it.
func bulky(value string) []byte {
	sum := fnv.New64a()
	sum.Write([]byte(value)) // never fails
	seed := sum.Sum64() | 1
	b := append(make([]byte, 0, 8<<10), value...)
	b = append(b, '|')
	for n := seed >> 7 % 6000; n > 0; n-- {
		seed = seed*6364136223846793005 + 1442695040888963407
		b = append(b, byte(seed>>56))
	}
	return b
}
