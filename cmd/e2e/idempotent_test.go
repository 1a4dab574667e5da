package e2e

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// idempotentLoad is a franz-go producer with its own defaults: idempotent, acks from all, retries without end.
type idempotentLoad struct {
	cl   *kgo.Client
	sent [partitions]int // by partition: values are 0, 1, 2, ... of each
	done atomic.Int64
	errs chan error
}

// produce sends values to all partitions, as fast as franz-go takes them, until it is told to stop.
func (l *idempotentLoad) produce(stop <-chan struct{}) {
	for {
		for p := range l.sent {
			select {
			case <-stop:
				return
			default:
			}
			l.cl.Produce(context.Background(), &kgo.Record{Topic: "orders", Partition: int32(p), Value: strconv.AppendInt(nil, int64(l.sent[p]), 10)}, func(_ *kgo.Record, err error) {
				if err != nil {
					select {
					case l.errs <- err:
					default:
					}
				}
				l.done.Add(1)
			})
			l.sent[p]++
		}
		time.Sleep(time.Millisecond)
	}
}

// Leaders are killed one after another while franz-go produces with its defaults, five batches in flight to each: what its retries
// sent again is in the log once, all of it, and in the order in which it was sent (G6).
func TestIdempotentProducer(t *testing.T) {
	t.Parallel()
	c := startCluster(t, "--shards", "2")
	c.createTopic(t, "orders", partitions)
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.addrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchMaxBytes(4096))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	l, stop, stopped := &idempotentLoad{cl: cl, errs: make(chan error, 1)}, make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		l.produce(stop)
	}()
	for range 3 {
		while()
		victim := c.chief(t, "orders")
		victim.kill(t)
		before := l.done.Load()
		await(t, "acknowledgements without the one that was killed", func() (bool, string) {
			return l.done.Load() > before+1000, fmt.Sprintf("%d of %d", l.done.Load(), before+1000)
		})
		c.startAndServe(t, victim)
	}
	close(stop)
	<-stopped
	if err := cl.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-l.errs:
		t.Fatalf("a record was not taken: %v", err)
	default:
	}
	l.verify(t, c)
}

// verify reads each partition from its start.
func (l *idempotentLoad) verify(t *testing.T, c *cluster) {
	from := map[int32]kgo.Offset{}
	for p := range int32(partitions) {
		from[p] = kgo.NewOffset().AtStart()
	}
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.addrs()...), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{"orders": from}))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var read [partitions]int
	left := 0
	for _, n := range l.sent {
		left += n
	}
	for total := left; left > 0 && !t.Failed(); {
		fetches := cl.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Fatalf("%d of %d records are not there", left, total)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if want := strconv.Itoa(read[r.Partition]); string(r.Value) != want || r.Offset != int64(read[r.Partition]) {
				t.Errorf("partition %d, offset %d: value %s, expected %s: doubled, lost or out of order", r.Partition, r.Offset, r.Value, want)
			}
			read[r.Partition]++
			left--
		})
	}
	t.Logf("%d records, each there once, in order", l.sent)
}
