package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

type benchProduceFlags struct {
	topic       string
	size        int
	partitions  int32
	replication int16
	inFlight    int
	one         bool
	clients     int
	duration    time.Duration
	warmup      time.Duration
	batchBytes  int32
	linger      time.Duration
	buffer      int
	acks        string
	codec       string
	pids        []int
	del         bool
}

func newBenchProduce(a *app) *cobra.Command {
	var f benchProduceFlags
	cmd := &cobra.Command{
		Use:   "produce",
		Short: "Measure producing: records/s, MB/s, latency, brokers' CPU",
		Long: `Produce random records and report what was acknowledged inside the measured window.

By default one client sends as much as --in-flight requests per broker and --buffer allow, which measures throughput; a
record's latency then includes its wait in that buffer. --clients N has N clients, each with its own connections and one record
in flight, which measures group commit; --one is --clients 1 and measures the latency of a single write.
Idempotence is off; kgo's retries are on, up to --timeout.`,
		Example: `  logctl bench produce --size 1024 --partitions 12 --pids 4711,4712,4713
  logctl bench produce --one --partitions 1
  logctl bench produce --clients 64 --json`,
		Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(); err != nil {
				return err
			}
			return a.benchProduce(cmd.Context(), f)
		},
	}
	f.register(cmd.Flags())
	return cmd
}

func (f *benchProduceFlags) register(fl *pflag.FlagSet) {
	fl.StringVar(&f.topic, "topic", "", "topic, created if missing (default: a fresh one)")
	fl.IntVar(&f.size, "size", 1024, "bytes of each record's value")
	fl.Int32Var(&f.partitions, "partitions", 12, "partitions, if the topic is created")
	fl.Int16Var(&f.replication, "replication", -1, "replicas, if the topic is created; -1 is the cluster's default")
	fl.IntVar(&f.inFlight, "in-flight", 8, "requests in flight per broker")
	fl.BoolVar(&f.one, "one", false, "one client, one record in flight")
	fl.IntVar(&f.clients, "clients", 0, "so many clients, each with one record in flight")
	fl.DurationVar(&f.duration, "duration", 10*time.Second, "length of the measured window")
	fl.DurationVar(&f.warmup, "warmup", 2*time.Second, "time before the window opens")
	fl.Int32Var(&f.batchBytes, "batch-bytes", 1_000_012, "largest batch")
	fl.DurationVar(&f.linger, "linger", 0, "how long a batch waits for more records")
	fl.IntVar(&f.buffer, "buffer", 32<<20, "bytes of records waiting in the client, at most")
	fl.StringVar(&f.acks, "acks", "all", "all or 1")
	fl.StringVarP(&f.codec, "compression", "z", "none", "none, gzip, snappy, lz4 or zstd")
	fl.IntSliceVar(&f.pids, "pids", nil, "brokers' process ids on this machine, for their CPU and memory")
	fl.BoolVar(&f.del, "delete", false, "delete the topic afterwards")
}

func (f *benchProduceFlags) check() error {
	if f.one {
		if f.clients > 1 {
			return usagef("--one and --clients %d exclude each other", f.clients)
		}
		f.clients = 1
	}
	if f.topic != "" {
		if err := checkTopicName(f.topic); err != nil {
			return err
		}
	}
	if f.acks != "all" && f.acks != "-1" && f.acks != "1" {
		return usagef("--acks %q can't be measured; there are all and 1", f.acks)
	}
	for _, c := range []struct {
		flag string
		v    int64
		min  int64
	}{
		{"size", int64(f.size), 1}, {"in-flight", int64(f.inFlight), 1}, {"clients", int64(f.clients), 0},
		{"duration", int64(f.duration), 1}, {"warmup", int64(f.warmup), 0}, {"batch-bytes", int64(f.batchBytes), 1024},
		{"linger", int64(f.linger), 0}, {"buffer", int64(f.buffer), 1},
	} {
		if c.v < c.min {
			return usagef("--%s is %d; give %d or more", c.flag, c.v, c.min)
		}
	}
	if int64(f.size)+512 > int64(f.batchBytes) {
		return usagef("--size %d does not fit into --batch-bytes %d", f.size, f.batchBytes)
	}
	return nil
}

func (a *app) benchProduce(ctx context.Context, f benchProduceFlags) error {
	if _, err := readProcs(f.pids); err != nil {
		return err
	}
	s, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	if f.topic == "" {
		f.topic = freshTopic(time.Now())
	}
	td, err := s.benchTopic(ctx, f.topic, f.partitions, f.replication)
	if err != nil {
		return err
	}
	ld := &load{app: a, f: f, data: newPayloads(f.size, uint64(time.Now().UnixNano()))}
	w, m, lat, err := ld.run(ctx)
	if err != nil {
		return err
	}
	r := &benchReport{Bench: "produce", Mode: ld.mode(), Topic: f.topic, Partitions: len(td.Partitions),
		Replication: td.Partitions.NumReplicas(), RecordBytes: f.size, BatchBytes: f.batchBytes,
		LingerMS: f.linger.Seconds() * 1e3, Clients: max(1, f.clients), InFlight: f.inFlight, Acks: f.acks,
		Compression: f.codec, WarmupS: f.warmup.Seconds(), LatencyOf: "a record, from Produce to its acknowledgement"}
	r.fill(w, m, lat)
	if err := r.print(a); err != nil {
		return err
	}
	if f.del {
		dctx, cancel := s.bounded(ctx)
		defer cancel()
		if _, err := s.adm.DeleteTopic(dctx, f.topic); err != nil {
			return fmt.Errorf("topic %s: %w", f.topic, s.unclearMutation("delete", err))
		}
	} else {
		a.note("topic %s is kept; read it with: logctl bench consume --topic %s; delete it with: logctl topic delete %s", f.topic, f.topic, f.topic)
	}
	return r.verdict()
}
