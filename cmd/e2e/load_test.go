package e2e

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/checker"
)

const (
	partitions = 12
	producers  = 2
	// pace is the pause between two sends of a producer to a partition, and most is how many of its records may be under way.
	pace = 4 * time.Millisecond
	most = 64
)

// load is clients at work, all of them recorded.
type load struct {
	t     *testing.T
	c     *cluster
	h     *history
	stop  context.CancelFunc
	ended sync.WaitGroup
	wires []*wire
}

// startLoad has producers, a consumer and askers for tails work until finish.
func startLoad(t *testing.T, c *cluster, h *history) *load {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	l := &load{t: t, c: c, h: h, stop: cancel}
	t.Cleanup(func() { // of a test that fails
		cancel()
		l.ended.Wait()
	})
	for range producers {
		l.produce(ctx)
	}
	l.ended.Go(func() { l.consume(ctx) })
	cl := l.client(kgo.RequestRetries(0), kgo.MetadataMinAge(50*time.Millisecond))
	var asking sync.WaitGroup
	for p := range int32(partitions) {
		asking.Go(func() { l.tails(ctx, cl, p) })
	}
	l.ended.Go(func() {
		asking.Wait()
		cl.Close()
	})
	return l
}

func (l *load) client(opts ...kgo.Opt) *kgo.Client {
	cl, err := kgo.NewClient(append(opts, kgo.SeedBrokers(l.c.addrs()...))...)
	if err != nil {
		l.t.Fatal(err)
	}
	return cl
}

// finish stops the clients and waits for what is under way.
func (l *load) finish() {
	l.t.Helper()
	l.stop()
	l.ended.Wait()
	var resent, deepest int64
	for _, w := range l.wires {
		resent, deepest = resent+w.resent.Load(), max(deepest, w.deepest.Load())
	}
	l.t.Logf("producers: up to %d requests under way on a connection, %d requests not sent because kgo would have sent a value twice", deepest, resent)
}

// produce starts one producer, which sends to all partitions.
func (l *load) produce(ctx context.Context) {
	w := &wire{t: l.t, h: l.h, client: l.h.client()}
	l.wires = append(l.wires, w)
	cl := l.client(append(w.options(l.c.addrs()), kgo.ProduceRequestTimeout(5*time.Second), kgo.RequestTimeoutOverhead(5*time.Second),
		kgo.DialTimeout(2*time.Second), kgo.UnknownTopicRetries(-1), kgo.MetadataMinAge(50*time.Millisecond),
		// With its retries off, kgo doesn't ask who leads now when it is refused by a broker that no longer does.
		kgo.MetadataMaxAge(100*time.Millisecond), kgo.RetryBackoffFn(func(int) time.Duration { return 50 * time.Millisecond }))...)
	var sending sync.WaitGroup
	for p := range int32(partitions) {
		sending.Go(func() { l.send(ctx, cl, w, p) })
	}
	l.ended.Go(func() {
		sending.Wait()
		flushing, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := cl.Flush(flushing); err != nil {
			l.t.Errorf("what is under way doesn't end: %v", err)
		}
		cl.Close()
	})
}

// send sends new values to one partition, one to five at a time.
func (l *load) send(ctx context.Context, cl *kgo.Client, w *wire, partition int32) {
	var under atomic.Int64
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for n := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for k := 1 + n%5; k > 0 && under.Load() < most; k-- {
			n++
			value := fmt.Sprintf("%d.%d.%d", w.client, partition, n)
			under.Add(1)
			// The context is not ctx: a record that was sent is waited for.
			cl.Produce(context.Background(), &kgo.Record{Topic: l.h.topic, Partition: partition, Value: payload(value)}, func(r *kgo.Record, err error) {
				under.Add(-1)
				l.compare(value, r, err)
			})
		}
	}
}

// compare holds what kgo reports against what was on the wire: a user hears from kgo alone.
func (l *load) compare(value string, r *kgo.Record, err error) {
	op, sent := l.h.appendOf(value)
	if err != nil {
		l.h.heard(r.Partition, err)
		return
	}
	if !sent || op.Outcome != checker.OK || op.Off != r.Offset {
		l.t.Errorf("kgo reports %s as appended at offset %d; on the wire: sent %t, %s, offset %d", value, r.Offset, sent, op.Outcome, op.Off)
	}
}

// tails asks for the end of one partition again and again. A question may be asked of several brokers in turn; the answer
// is of some instant between call and return all the same.
func (l *load) tails(ctx context.Context, cl *kgo.Client, partition int32) {
	client := l.h.client()
	for ctx.Err() == nil {
		call := l.h.now()
		if off, err := askOffset(ctx, cl, l.h.topic, partition); err == nil {
			l.h.did(checker.Op{Client: client, Kind: checker.Tail, Partition: l.h.part(partition), Call: call, Ret: l.h.now(), Outcome: checker.OK, Off: off})
		}
		select {
		case <-ctx.Done():
		case <-time.After(25 * time.Millisecond):
		}
	}
}

// askOffset is ListOffsets for the latest offset.
func askOffset(ctx context.Context, cl *kgo.Client, topic string, partition int32) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req := kmsg.NewPtrListOffsetsRequest()
	req.ReplicaID = -1
	rt := kmsg.NewListOffsetsRequestTopic()
	rt.Topic = topic
	rp := kmsg.NewListOffsetsRequestTopicPartition()
	rp.Partition, rp.Timestamp = partition, -1
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	resp, err := req.RequestWith(ctx, cl)
	if err != nil {
		return 0, err
	}
	if len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != 1 {
		return 0, errors.New("an answer for another number of partitions")
	}
	answer := resp.Topics[0].Partitions[0]
	return answer.Offset, kerr.ErrorForCode(answer.ErrorCode)
}

// sessionLength is how long a consumer reads before it begins anew from offset 0.
const sessionLength = 6 * time.Second

// consume reads all partitions from the beginning, again and again.
func (l *load) consume(ctx context.Context) {
	for ctx.Err() == nil {
		r := newReader(l.t, l.c, l.h)
		session, cancel := context.WithTimeout(ctx, sessionLength)
		for session.Err() == nil {
			r.poll(session)
		}
		cancel()
		r.cl.Close()
	}
}

// reader is a consumer of all partitions that records what it is given.
type reader struct {
	t      *testing.T
	h      *history
	cl     *kgo.Client
	client int64
	call   int64   // its first question is not older
	next   []int64 // offset by partition
	values [][]string
}

// newReader reads from offset 0. An offset out of range is an error to it, not a reason to begin elsewhere.
func newReader(t *testing.T, c *cluster, h *history, opts ...kgo.Opt) *reader {
	r := &reader{t: t, h: h, client: h.client(), call: h.now(), next: make([]int64, partitions), values: make([][]string, partitions)}
	from := map[int32]kgo.Offset{}
	for p := range int32(partitions) {
		from[p] = kgo.NewOffset().At(0)
	}
	var err error
	r.cl, err = kgo.NewClient(append(opts, kgo.SeedBrokers(c.addrs()...), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{h.topic: from}),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()), kgo.FetchMaxWait(250*time.Millisecond), kgo.MetadataMinAge(50*time.Millisecond))...)
	if err != nil {
		panic(fmt.Sprintf("e2e: a consumer's options: %v", err))
	}
	return r
}

// poll takes what there is. Kafka's Fetch shows a prefix of what is acknowledged, so the time of the call is not important;
// kgo asks ahead.
func (r *reader) poll(ctx context.Context) {
	fetches := r.cl.PollFetches(ctx)
	now := r.h.now()
	fetches.EachError(func(_ string, p int32, err error) {
		var lost *kgo.ErrDataLoss
		if errors.Is(err, kerr.OffsetOutOfRange) || errors.As(err, &lost) {
			r.t.Errorf("a consumer of partition %d, at offset %d, is sent astray: %v", p, r.next[p], err)
		}
	})
	fetches.EachPartition(func(f kgo.FetchTopicPartition) {
		if len(f.Records) == 0 {
			return
		}
		op := checker.Op{Client: r.client, Kind: checker.Read, Partition: r.h.part(f.Partition), Call: r.call, Ret: now, Outcome: checker.OK, From: r.next[f.Partition]}
		for _, rec := range f.Records {
			value, err := valueOf(rec.Value)
			if err != nil {
				r.t.Errorf("partition %d offset %d: %v", f.Partition, rec.Offset, err)
			}
			op.Values, op.Offs = append(op.Values, value), append(op.Offs, rec.Offset)
		}
		r.next[f.Partition] = op.Offs[len(op.Offs)-1] + 1
		r.values[f.Partition] = append(r.values[f.Partition], op.Values...)
		r.h.did(op)
	})
}
