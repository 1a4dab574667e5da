// Command franz-go is the franz-go client as a program of the matrix (../README.md).
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "franz-go:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	seeds := kgo.SeedBrokers(strings.Split(args[1], ",")...)
	switch args[0] {
	case "create":
		return create(seeds, args[2], number(args[3]))
	case "produce":
		return produce(seeds, args[2], args[3], number(args[4]), int64(number(args[5])))
	case "consume":
		return consume(seeds, args[2], args[3], args[4])
	case "committed":
		return committed(seeds, args[2], args[3])
	}
	return fmt.Errorf("no command %q", args[0])
}

func create(seeds kgo.Opt, topic string, partitions int) error {
	cl, err := kgo.NewClient(seeds)
	if err != nil {
		return err
	}
	defer cl.Close()
	_, err = kadm.NewClient(cl).CreateTopic(context.Background(), int32(partitions), 3, nil, topic)
	return err
}

func produce(seeds kgo.Opt, topic, mode string, count int, base int64) error {
	opts := []kgo.Opt{seeds, kgo.DefaultProduceTopic(topic)}
	codecs := map[string]kgo.CompressionCodec{"gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(),
		"zstd": kgo.ZstdCompression(), "none": kgo.NoCompression()}
	if codec, ok := codecs[mode]; ok {
		opts = append(opts, kgo.ProducerBatchCompression(codec))
	} // idempotent is what it is by default
	cl, err := kgo.NewClient(opts...)
	if err != nil {
		return err
	}
	defer cl.Close()
	out := json.NewEncoder(os.Stdout)
	var failed error
	for i := range count {
		n := strconv.Itoa(i)
		r := &kgo.Record{Key: []byte("k" + n), Value: []byte(mode + "-" + n + "-" + strings.Repeat("x", 100)),
			Headers: []kgo.RecordHeader{{Key: "n", Value: []byte(n)}}, Timestamp: time.UnixMilli(base + int64(i))}
		cl.Produce(context.Background(), r, func(r *kgo.Record, err error) { // promises are called one after the other
			if err != nil {
				failed = err
				return
			}
			out.Encode(map[string]any{"v": string(r.Value), "p": r.Partition, "o": r.Offset})
		})
	}
	if err := cl.Flush(context.Background()); err != nil {
		return err
	}
	return failed
}

func consume(seeds kgo.Opt, topic, group, protocol string) error {
	opts := []kgo.Opt{seeds, kgo.ConsumeTopics(topic), kgo.ConsumerGroup(group), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit()}
	ctx, end := context.WithCancel(context.Background())
	defer end()
	if protocol == "consumer" {
		opts = append(opts, kgo.ServerSideBalancer())
	}
	cl, err := kgo.NewClient(opts...)
	if err != nil {
		return err
	}
	defer cl.Close()
	go func() {
		defer end()
		io.Copy(io.Discard, os.Stdin)
	}()
	out := json.NewEncoder(os.Stdout)
	for {
		fetches := cl.PollFetches(ctx)
		if ctx.Err() != nil {
			cl.LeaveGroup()
			return nil
		}
		fetches.EachRecord(func(r *kgo.Record) {
			var n string
			for _, h := range r.Headers {
				n = string(h.Value)
			}
			out.Encode(map[string]any{"p": r.Partition, "o": r.Offset, "k": string(r.Key), "v": string(r.Value), "n": n, "t": r.Timestamp.UnixMilli()})
		})
		if err := cl.CommitUncommittedOffsets(context.Background()); err != nil {
			fmt.Fprintln(os.Stderr, "franz-go: commit:", err) // a rebalance or a coordinator that is gone: what isn't committed is read again
		}
	}
}

func committed(seeds kgo.Opt, topic, group string) error {
	cl, err := kgo.NewClient(seeds)
	if err != nil {
		return err
	}
	defer cl.Close()
	offsets, err := kadm.NewClient(cl).FetchOffsets(context.Background(), group)
	if err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	for _, o := range offsets.Sorted() {
		if o.Topic == topic {
			out.Encode(map[string]any{"p": o.Partition, "o": o.At})
		}
	}
	return nil
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		panic(err)
	}
	return n
}
