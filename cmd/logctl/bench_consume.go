package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

type benchConsumeFlags struct {
	topic      string
	duration   time.Duration
	fetchBytes int32
	pids       []int
}

func newBenchConsume(a *app) *cobra.Command {
	var f benchConsumeFlags
	cmd := &cobra.Command{
		Use:     "consume",
		Short:   "Measure reading a topic from its beginning to its present end",
		Example: "  logctl bench consume --topic bench-20261122-101500-a1b2c3 --pids 4711,4712,4713",
		Args:    none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case f.topic == "":
				return usagef("missing --topic; fill one with: logctl bench produce")
			case f.duration < 0:
				return usagef("--duration is %v; give 0 (until the end) or more", f.duration)
			case f.fetchBytes < 1:
				return usagef("--fetch-bytes is %d; give 1 or more", f.fetchBytes)
			}
			return a.benchConsume(cmd.Context(), f)
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&f.topic, "topic", "", "topic to read")
	fl.DurationVar(&f.duration, "duration", 0, "stop after this long; 0 reads to the end")
	fl.Int32Var(&f.fetchBytes, "fetch-bytes", 1<<20, "bytes to ask for per partition and fetch")
	fl.IntSliceVar(&f.pids, "pids", nil, "brokers' process ids on this machine, for their CPU and memory")
	return cmd
}

// fetchTimer measures fetch requests, from written to answered.
type fetchTimer struct {
	mu  sync.Mutex
	lat *latencies
}

// OnBrokerE2E implements kgo.HookBrokerE2E.
func (t *fetchTimer) OnBrokerE2E(_ kgo.BrokerMetadata, key int16, e2e kgo.BrokerE2E) {
	if key != (*kmsg.FetchRequest)(nil).Key() || e2e.Err() != nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lat.add(e2e.DurationE2E())
}

func (a *app) benchConsume(ctx context.Context, f benchConsumeFlags) error {
	s, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	if _, err := s.topic(ctx, f.topic); err != nil {
		return err
	}
	td, err := s.waitLeaders(ctx, f.topic)
	if err != nil {
		return err
	}
	reads, err := s.planReads(ctx, td, td.Partitions.Numbers(), span{}, false)
	if err != nil {
		return err
	}
	before, err := readProcs(f.pids)
	if err != nil {
		return err
	}
	timer := &fetchTimer{lat: newLatencies()}
	c := &consumer{app: a, topic: f.topic, reads: reads}
	w := newWindow()
	own, began := ownCPU(), time.Now()
	if err := a.readAll(ctx, c, f, timer, w); err != nil {
		return err
	}
	m := measured{elapsed: time.Since(began), client: ownCPU() - own}
	after, err := readProcs(f.pids)
	if err != nil {
		return err
	}
	m.brokers = usedBetween(before, after)
	timer.mu.Lock()
	defer timer.mu.Unlock()
	r := &benchReport{Bench: "consume", Mode: "1 client, from the beginning", Topic: f.topic, Partitions: len(td.Partitions),
		Replication: td.Partitions.NumReplicas(), Clients: 1, LatencyOf: "a fetch request, from written to answered"}
	r.fill(w, m, timer.lat)
	if err := r.print(a); err != nil {
		return err
	}
	return r.verdict()
}

// readAll reads until every partition's planned end or the duration is reached.
func (a *app) readAll(ctx context.Context, c *consumer, f benchConsumeFlags, timer *fetchTimer, w *window) error {
	open := c.open()
	if len(open) == 0 {
		return fmt.Errorf("topic %s is empty; fill one with: logctl bench produce", f.topic)
	}
	tr := newTrouble()
	cl, err := kgo.NewClient(append(a.clientOptions(tr),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{f.topic: open}),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.KeepControlRecords(),
		kgo.FetchMaxPartitionBytes(f.fetchBytes),
		kgo.WithHooks(timer))...)
	if err != nil {
		return err
	}
	defer cl.Close()
	c.emit = func(r *kgo.Record) error {
		w.records.Add(1)
		w.bytes.Add(int64(len(r.Value)))
		return nil
	}
	for {
		fs, err := c.poll(ctx, cl)
		if ctx.Err() != nil {
			return fmt.Errorf("interrupted after %s", plural(c.printed, "record"))
		}
		if err != nil {
			return c.stuck(err, tr)
		}
		finished, err := c.take(fs, cl)
		if err != nil || finished || f.duration > 0 && time.Since(w.start) >= f.duration {
			return err
		}
	}
}
