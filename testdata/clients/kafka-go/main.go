// Command kafka-go is segmentio/kafka-go as a program of the matrix (../README.md).
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "kafka-go:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	brokers := strings.Split(args[1], ",")
	cl := &kafka.Client{Addr: kafka.TCP(brokers...), Timeout: 30 * time.Second}
	switch args[0] {
	case "create":
		return create(cl, args[2], number(args[3]))
	case "produce":
		return produce(brokers, args[2], args[3], number(args[4]), int64(number(args[5])))
	case "consume":
		return consume(brokers, args[2], args[3])
	case "committed":
		return committed(cl, args[2], args[3], number(args[4]))
	}
	return fmt.Errorf("no command %q", args[0])
}

func create(cl *kafka.Client, topic string, partitions int) error {
	resp, err := cl.CreateTopics(context.Background(), &kafka.CreateTopicsRequest{
		Topics: []kafka.TopicConfig{{Topic: topic, NumPartitions: partitions, ReplicationFactor: 3}}})
	if err != nil {
		return err
	}
	return resp.Errors[topic]
}

func produce(brokers []string, topic, mode string, count int, base int64) error {
	out := json.NewEncoder(os.Stdout)
	w := &kafka.Writer{Addr: kafka.TCP(brokers...), Topic: topic, Balancer: &kafka.Hash{}, RequiredAcks: kafka.RequireAll, Async: true, BatchTimeout: 10 * time.Millisecond}
	codecs := map[string]kafka.Compression{"gzip": kafka.Gzip, "snappy": kafka.Snappy, "lz4": kafka.Lz4, "zstd": kafka.Zstd}
	if codec, ok := codecs[mode]; ok {
		w.Compression = codec
	}
	done := make(chan error, count)
	w.Completion = func(messages []kafka.Message, err error) {
		for range messages {
			done <- err
		}
	}
	var messages []kafka.Message
	for i := range count {
		n := strconv.Itoa(i)
		messages = append(messages, kafka.Message{Key: []byte("k" + n), Value: []byte(mode + "-" + n + "-" + strings.Repeat("x", 100)),
			Headers: []kafka.Header{{Key: "n", Value: []byte(n)}}, Time: time.UnixMilli(base + int64(i))})
	}
	if err := w.WriteMessages(context.Background(), messages...); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	for _, m := range messages {
		if err := <-done; err != nil {
			return err
		}
		out.Encode(map[string]any{"v": string(m.Value)}) // all of them are acknowledged, or none is printed behind the error; offsets it doesn't tell
	}
	return nil
}

func consume(brokers []string, topic, group string) error {
	r := kafka.NewReader(kafka.ReaderConfig{Brokers: brokers, GroupID: group, Topic: topic, StartOffset: kafka.FirstOffset, MaxWait: 200 * time.Millisecond, CommitInterval: 200 * time.Millisecond})
	ctx, end := context.WithCancel(context.Background())
	defer end()
	go func() {
		defer end()
		io.Copy(io.Discard, os.Stdin)
	}()
	out := json.NewEncoder(os.Stdout)
	for {
		m, err := r.FetchMessage(ctx)
		if ctx.Err() != nil {
			return r.Close()
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "kafka-go: fetch:", err)
			if errors.Is(err, io.EOF) {
				return err
			}
			continue
		}
		var n string
		for _, h := range m.Headers {
			n = string(h.Value)
		}
		out.Encode(map[string]any{"p": m.Partition, "o": m.Offset, "k": string(m.Key), "v": string(m.Value), "n": n, "t": m.Time.UnixMilli()})
		if err := r.CommitMessages(context.Background(), m); err != nil {
			fmt.Fprintln(os.Stderr, "kafka-go: commit:", err)
		}
	}
}

func committed(cl *kafka.Client, topic, group string, partitions int) error {
	var all []int
	for p := range partitions {
		all = append(all, p)
	}
	resp, err := cl.OffsetFetch(context.Background(), &kafka.OffsetFetchRequest{GroupID: group, Topics: map[string][]int{topic: all}})
	if err != nil {
		return err
	}
	if resp.Error != nil {
		return resp.Error
	}
	out := json.NewEncoder(os.Stdout)
	for _, p := range resp.Topics[topic] {
		if p.Error != nil {
			return p.Error
		}
		out.Encode(map[string]any{"p": p.Partition, "o": p.CommittedOffset})
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
