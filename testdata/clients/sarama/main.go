// Command sarama is IBM/sarama as a program of the matrix (../README.md).
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
	"sync"
	"time"

	"github.com/IBM/sarama"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "sarama:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	brokers := strings.Split(args[1], ",")
	config := sarama.NewConfig()
	config.Version = sarama.MaxVersion
	switch args[0] {
	case "create":
		return create(brokers, config, args[2], number(args[3]))
	case "produce":
		return produce(brokers, config, args[2], args[3], number(args[4]), int64(number(args[5])))
	case "consume":
		return consume(brokers, config, args[2], args[3])
	case "committed":
		return committed(brokers, config, args[2], args[3], number(args[4]))
	}
	return fmt.Errorf("no command %q", args[0])
}

func create(brokers []string, config *sarama.Config, topic string, partitions int) error {
	admin, err := sarama.NewClusterAdmin(brokers, config)
	if err != nil {
		return err
	}
	defer admin.Close()
	return admin.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: int32(partitions), ReplicationFactor: 3}, false)
}

func produce(brokers []string, config *sarama.Config, topic, mode string, count int, base int64) error {
	config.Producer.Return.Successes = true
	codecs := map[string]sarama.CompressionCodec{"gzip": sarama.CompressionGZIP, "snappy": sarama.CompressionSnappy, "lz4": sarama.CompressionLZ4,
		"zstd": sarama.CompressionZSTD, "none": sarama.CompressionNone}
	if codec, ok := codecs[mode]; ok {
		config.Producer.Compression = codec
	}
	if mode == "idempotent" {
		config.Producer.Idempotent, config.Net.MaxOpenRequests, config.Producer.RequiredAcks = true, 1, sarama.WaitForAll
	}
	p, err := sarama.NewAsyncProducer(brokers, config)
	if err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		for i := range count {
			n := strconv.Itoa(i)
			p.Input() <- &sarama.ProducerMessage{Topic: topic, Key: sarama.StringEncoder("k" + n), Value: sarama.StringEncoder(mode + "-" + n + "-" + strings.Repeat("x", 100)),
				Headers: []sarama.RecordHeader{{Key: []byte("n"), Value: []byte(n)}}, Timestamp: time.UnixMilli(base + int64(i))}
		}
	}()
	for range count { // a producer that is closed gives up what it would send again
		select {
		case m := <-p.Successes():
			v, _ := m.Value.Encode() // a string's
			out.Encode(map[string]any{"v": string(v), "p": m.Partition, "o": m.Offset})
		case err := <-p.Errors():
			return err
		}
	}
	<-sent
	return p.Close()
}

// member prints what its claims give; out is shared by them.
type member struct {
	mu  sync.Mutex
	out *json.Encoder
}

func (m *member) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (m *member) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (m *member) ConsumeClaim(s sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for {
		select {
		case r, ok := <-claim.Messages():
			if !ok {
				return nil
			}
			var n string
			for _, h := range r.Headers {
				n = string(h.Value)
			}
			m.mu.Lock()
			m.out.Encode(map[string]any{"p": r.Partition, "o": r.Offset, "k": string(r.Key), "v": string(r.Value), "n": n, "t": r.Timestamp.UnixMilli()})
			m.mu.Unlock()
			s.MarkMessage(r, "")
		case <-s.Context().Done():
			return nil
		}
	}
}

func consume(brokers []string, config *sarama.Config, topic, group string) error {
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Consumer.Offsets.AutoCommit.Interval = 200 * time.Millisecond
	g, err := sarama.NewConsumerGroup(brokers, group, config)
	if err != nil {
		return err
	}
	ctx, end := context.WithCancel(context.Background())
	defer end()
	go func() {
		defer end()
		io.Copy(io.Discard, os.Stdin)
	}()
	m := &member{out: json.NewEncoder(os.Stdout)}
	for ctx.Err() == nil {
		if err := g.Consume(ctx, []string{topic}, m); err != nil && !errors.Is(err, context.Canceled) {
			fmt.Fprintln(os.Stderr, "sarama: consume:", err) // it joins again
			time.Sleep(100 * time.Millisecond)
		}
	}
	return g.Close()
}

func committed(brokers []string, config *sarama.Config, topic, group string, partitions int) error {
	admin, err := sarama.NewClusterAdmin(brokers, config)
	if err != nil {
		return err
	}
	defer admin.Close()
	var all []int32
	for p := range partitions {
		all = append(all, int32(p))
	}
	resp, err := admin.ListConsumerGroupOffsets(group, map[string][]int32{topic: all})
	if err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	for _, p := range all {
		out.Encode(map[string]any{"p": p, "o": resp.GetBlock(topic, p).Offset})
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
