// Command confluent-kafka-go is confluent-kafka-go, and with it librdkafka, as a program of the matrix (../README.md).
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

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "confluent-kafka-go:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch args[0] {
	case "create":
		return create(args[1], args[2], number(args[3]))
	case "produce":
		return produce(args[1], args[2], args[3], number(args[4]), int64(number(args[5])))
	case "consume":
		return consume(args[1], args[2], args[3], args[4])
	case "committed":
		return committed(args[1], args[2], args[3], number(args[4]))
	}
	return fmt.Errorf("no command %q", args[0])
}

func create(brokers, topic string, partitions int) error {
	a, err := kafka.NewAdminClient(&kafka.ConfigMap{"bootstrap.servers": brokers})
	if err != nil {
		return err
	}
	defer a.Close()
	results, err := a.CreateTopics(context.Background(), []kafka.TopicSpecification{{Topic: topic, NumPartitions: partitions, ReplicationFactor: 3}},
		kafka.SetAdminOperationTimeout(30*time.Second))
	if err != nil {
		return err
	}
	for _, r := range results {
		if r.Error.Code() != kafka.ErrNoError {
			return r.Error
		}
	}
	return nil
}

func produce(brokers, topic, mode string, count int, base int64) error {
	config := &kafka.ConfigMap{"bootstrap.servers": brokers}
	switch mode {
	case "default":
	case "idempotent":
		config.SetKey("enable.idempotence", true)
	default:
		config.SetKey("compression.type", mode)
	}
	p, err := kafka.NewProducer(config)
	if err != nil {
		return err
	}
	defer p.Close()
	delivered := make(chan kafka.Event, count)
	for i := range count {
		n := strconv.Itoa(i)
		m := &kafka.Message{TopicPartition: kafka.TopicPartition{Topic: &topic, Partition: kafka.PartitionAny}, Key: []byte("k" + n),
			Value: []byte(mode + "-" + n + "-" + strings.Repeat("x", 100)), Headers: []kafka.Header{{Key: "n", Value: []byte(n)}}, Timestamp: time.UnixMilli(base + int64(i))}
		if err := p.Produce(m, delivered); err != nil {
			return err
		}
	}
	out := json.NewEncoder(os.Stdout)
	for range count {
		m := (<-delivered).(*kafka.Message)
		if m.TopicPartition.Error != nil {
			return m.TopicPartition.Error
		}
		out.Encode(map[string]any{"v": string(m.Value), "p": m.TopicPartition.Partition, "o": int64(m.TopicPartition.Offset)})
	}
	return nil
}

func consume(brokers, topic, group, protocol string) error {
	config := &kafka.ConfigMap{"bootstrap.servers": brokers, "group.id": group, "auto.offset.reset": "earliest", "group.protocol": protocol,
		"enable.auto.commit": true, "auto.commit.interval.ms": 200}
	if protocol == "classic" {
		config.SetKey("session.timeout.ms", 10000)
	}
	c, err := kafka.NewConsumer(config)
	if err != nil {
		return err
	}
	if err := c.Subscribe(topic, nil); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		io.Copy(io.Discard, os.Stdin)
	}()
	out := json.NewEncoder(os.Stdout)
	for {
		select {
		case <-ended:
			return c.Close() // commits, and leaves
		default:
		}
		switch e := c.Poll(100).(type) {
		case *kafka.Message:
			if e.TopicPartition.Error != nil {
				fmt.Fprintln(os.Stderr, "confluent-kafka-go:", e.TopicPartition.Error)
				continue
			}
			var n string
			for _, h := range e.Headers {
				n = string(h.Value)
			}
			out.Encode(map[string]any{"p": e.TopicPartition.Partition, "o": int64(e.TopicPartition.Offset), "k": string(e.Key), "v": string(e.Value), "n": n, "t": e.Timestamp.UnixMilli()})
		case kafka.Error:
			fmt.Fprintln(os.Stderr, "confluent-kafka-go:", e)
			if e.IsFatal() {
				return e
			}
		}
	}
}

func committed(brokers, topic, group string, partitions int) error {
	c, err := kafka.NewConsumer(&kafka.ConfigMap{"bootstrap.servers": brokers, "group.id": group})
	if err != nil {
		return err
	}
	defer c.Close()
	var all []kafka.TopicPartition
	for p := range partitions {
		all = append(all, kafka.TopicPartition{Topic: &topic, Partition: int32(p)})
	}
	offsets, err := c.Committed(all, 30000)
	if err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	for _, o := range offsets {
		out.Encode(map[string]any{"p": o.Partition, "o": int64(o.Offset)})
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
