package e2e

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

var (
	chainRecords = flag.Int("chain-records", 20_000, "records that TestChain sends; 500000 takes minutes")
	chainRate    = flag.Int("chain-rate", 5000, "records that TestChain sends in a second, about")
	chainKill    = flag.Duration("chain-kill", 3*time.Second, "TestChain kills a broker so long after the one before serves again")
)

// chain is produce → a group that consumes and produces onward → a group that consumes.
type chain struct {
	c       *cluster
	ctx     context.Context
	records int

	mu      sync.Mutex
	onward  map[string]bool // what the first group's producers were told is appended
	errs    []error
	arrived map[string]int // what the second group has read, by the record of the first topic
}

// Records go through two topics and two groups while brokers are killed one after the other: none is lost, and no producer doubles one.
// The first group may read a record twice, after a rebalance; then it sends it onward twice, under two names.
func TestChain(t *testing.T) {
	t.Parallel()
	c := startCluster(t)
	c.createTopic(t, "chain-1", clientPartitions)
	c.createTopic(t, "chain-2", clientPartitions)
	ctx, end := context.WithCancel(context.Background())
	ch := &chain{c: c, ctx: ctx, records: *chainRecords, onward: map[string]bool{}, arrived: map[string]int{}}
	var stages sync.WaitGroup
	for member := range 3 {
		stages.Go(func() { ch.pass(t, member) })
		stages.Go(func() { ch.arrive(t) })
	}
	stop := make(chan struct{})
	var killer sync.WaitGroup
	kills := 0
	killer.Go(func() { kills = ch.killOneByOne(t, stop) })
	start := time.Now()
	ch.send(t)
	sent := time.Since(start)
	last, seen := time.Now(), 0
	for { // patience is with a chain that stands still, not with its length
		n := ch.count()
		if n == ch.records || t.Failed() {
			break
		}
		if n > seen {
			seen, last = n, time.Now()
		}
		if time.Since(last) > patience {
			t.Errorf("%d of %d records have arrived, and none since %s", n, ch.records, patience)
			break
		}
		time.Sleep(look)
	}
	close(stop)
	killer.Wait()
	end()
	stages.Wait()
	for _, err := range ch.errs {
		t.Error(err)
	}
	t.Logf("%d records were sent in %s and have arrived after %s; %d brokers were killed", ch.records, sent.Round(time.Millisecond), time.Since(start).Round(time.Millisecond), kills)
	ch.check(t)
}

// killOneByOne kills a broker at a time, and lets it come back before the next.
func (ch *chain) killOneByOne(t *testing.T, stop chan struct{}) int {
	rng := rand.New(rand.NewPCG(1, 2))
	for kills := 0; ; kills++ {
		select {
		case <-stop:
			return kills
		case <-time.After(*chainKill):
		}
		n := ch.c.nodes[rng.IntN(brokers)]
		n.kill(t)
		ch.c.startAndServe(t, n)
	}
}

func (ch *chain) client(t *testing.T, opts ...kgo.Opt) *kgo.Client {
	cl, err := kgo.NewClient(append(opts, kgo.SeedBrokers(ch.c.addrs()...), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.SessionTimeout(10*time.Second))...)
	if err != nil {
		t.Error(err)
	}
	return cl
}

func (ch *chain) count() int {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	return len(ch.arrived)
}

func (ch *chain) failed(err error) {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	if len(ch.errs) < 10 {
		ch.errs = append(ch.errs, err)
	}
}

// send sends all records, idempotent as kgo does.
func (ch *chain) send(t *testing.T) {
	cl := ch.client(t, kgo.DefaultProduceTopic("chain-1"))
	defer cl.Close()
	for i := range ch.records {
		if i%100 == 99 {
			time.Sleep(100 * time.Second / time.Duration(*chainRate))
		}
		cl.Produce(ch.ctx, kgo.StringRecord(fmt.Sprintf("r%d", i)), func(r *kgo.Record, err error) {
			if err != nil {
				ch.failed(fmt.Errorf("send %s: %w", r.Value, err))
			}
		})
	}
	if err := cl.Flush(ch.ctx); err != nil {
		ch.failed(err)
	}
}

// pass is a member of the first group: it sends what it reads onward, and commits it once it is acknowledged.
func (ch *chain) pass(t *testing.T, member int) {
	cl := ch.client(t, kgo.ConsumeTopics("chain-1"), kgo.ConsumerGroup("chain-a"), kgo.DisableAutoCommit(), kgo.DefaultProduceTopic("chain-2"))
	defer cl.Close()
	n := 0
	for ch.ctx.Err() == nil {
		fetches := cl.PollRecords(ch.ctx, 2000)
		fetches.EachRecord(func(r *kgo.Record) {
			n++
			cl.Produce(context.Background(), kgo.StringRecord(fmt.Sprintf("%s by %d.%d", r.Value, member, n)), func(r *kgo.Record, err error) {
				if err != nil {
					ch.failed(fmt.Errorf("onward %s: %w", r.Value, err))
					return
				}
				ch.mu.Lock()
				ch.onward[string(r.Value)] = true
				ch.mu.Unlock()
			})
		})
		if err := cl.Flush(ch.ctx); err != nil {
			return
		}
		cl.CommitUncommittedOffsets(ch.ctx) // one that fails is committed with the next, or read again by the next owner
	}
}

// arrive is a member of the second group.
func (ch *chain) arrive(t *testing.T) {
	cl := ch.client(t, kgo.ConsumeTopics("chain-2"), kgo.ConsumerGroup("chain-b"), kgo.DisableAutoCommit())
	defer cl.Close()
	for ch.ctx.Err() == nil {
		fetches := cl.PollRecords(ch.ctx, 2000)
		ch.mu.Lock()
		fetches.EachRecord(func(r *kgo.Record) {
			var i int
			if _, err := fmt.Sscanf(string(r.Value), "r%d by", &i); err != nil {
				ch.errs = append(ch.errs, fmt.Errorf("read %q: %w", r.Value, err))
			}
			ch.arrived[fmt.Sprintf("r%d", i)]++
		})
		ch.mu.Unlock()
		cl.CommitUncommittedOffsets(ch.ctx)
	}
}

// check reads both topics as they are: each record was sent once, and is there once.
func (ch *chain) check(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*patience)
	defer cancel()
	first := map[string]int{}
	for _, r := range readTopic(ctx, t, ch.c, "chain-1") {
		first[string(r.Value)]++
	}
	second := map[string]int{}
	for _, r := range readTopic(ctx, t, ch.c, "chain-2") {
		second[string(r.Value)]++
	}
	var wrong []error
	for i := range ch.records {
		if n := first[fmt.Sprintf("r%d", i)]; n != 1 {
			wrong = append(wrong, fmt.Errorf("chain-1 has record %d %d times", i, n))
		}
	}
	for v, n := range second {
		if n != 1 {
			wrong = append(wrong, fmt.Errorf("chain-2 has %q %d times", v, n))
		}
	}
	for v := range ch.onward {
		if second[v] == 0 {
			wrong = append(wrong, fmt.Errorf("chain-2 lacks %q, which was acknowledged", v))
		}
	}
	if err := errors.Join(wrong[:min(len(wrong), 10)]...); err != nil {
		t.Errorf("%d wrong: %v", len(wrong), err)
	}
	t.Logf("chain-1 has %d records, chain-2 %d: %d were read again after a rebalance and sent onward once more", len(first), len(second), len(second)-ch.records)
}
