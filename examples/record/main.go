package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"logd/checker/record"
)

const (
	producers = 3
	timeout   = 5 * time.Second // of one operation; then its outcome is unknown
)

func main() {
	brokers := flag.String("brokers", "127.0.0.1:9092", "addresses to begin with, with commas between")
	topic := flag.String("topic", "", "topic to create; it must not exist")
	partitions := flag.Int("partitions", 2, "its partitions")
	seconds := flag.Int("seconds", 10, "how long to go on")
	flag.Parse()
	rec := record.New()
	err := run(rec, strings.Split(*brokers, ","), *topic, int32(*partitions), time.Duration(*seconds)*time.Second)
	if err == nil {
		_, err = rec.WriteTo(os.Stdout)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "record: %v\n", err)
		os.Exit(1)
	}
}

func run(rec *record.Recorder, brokers []string, topic string, partitions int32, long time.Duration) error {
	options := []kgo.Opt{kgo.SeedBrokers(brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.MetadataMinAge(100 * time.Millisecond)} // a new topic soon has leaders
	admin, err := kadm.NewOptClient(options...)
	if err != nil {
		return err
	}
	defer admin.Close()
	if _, err := admin.CreateTopic(context.Background(), partitions, -1, nil, topic); err != nil {
		return fmt.Errorf("creating topic %q: %w", topic, err)
	}
	consumer, err := kgo.NewClient(append(options, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))...)
	if err != nil {
		return err
	}
	defer consumer.Close()
	ctx, stop := context.WithTimeout(context.Background(), long)
	defer stop()
	var producing, reading sync.WaitGroup
	for i := range producers {
		client, err := kgo.NewClient(append(options, kgo.RecordDeliveryTimeout(timeout))...)
		if err != nil {
			return err
		}
		defer client.Close()
		producing.Go(func() { produce(ctx, rec.Client(), client, topic, partitions, i) })
	}
	for p := range partitions {
		reading.Go(func() { tails(ctx, rec.Client(), admin, topic, p) })
	}
	last, end := context.WithCancel(context.Background())
	reading.Go(func() { consume(last, rec.Client(), consumer, topic, partitions) })
	producing.Wait()
	time.Sleep(time.Second) // for the consumer to come to the end
	end()
	reading.Wait()
	return nil
}

// produce sends one value after another. The client retries, but idempotently: each
// value is written once at most (R1). A failure says nothing, so it is unknown (R2).
func produce(ctx context.Context, c *record.Client, client *kgo.Client, topic string, partitions int32, number int) {
	for i := int32(0); ctx.Err() == nil; i++ {
		value := fmt.Sprintf("%d.%d", number, i)
		call := c.Append(name(topic, i%partitions), value)
		sent, err := client.ProduceSync(context.Background(), &kgo.Record{Topic: topic, Partition: i % partitions, Value: []byte(value)}).First()
		if err != nil {
			call.Unknown()
			continue
		}
		call.OK(sent.Offset)
	}
}

// consume polls all partitions from their beginnings.
func consume(ctx context.Context, c *record.Client, client *kgo.Client, topic string, partitions int32) {
	var all []string
	for p := range partitions {
		all = append(all, name(topic, p))
	}
	c.Assign(true, all...)
	for ctx.Err() == nil {
		call := c.Poll()
		wait, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
		fetches := client.PollFetches(wait)
		cancel()
		got := map[string][]record.Record{}
		fetches.EachRecord(func(r *kgo.Record) {
			p := name(topic, r.Partition)
			got[p] = append(got[p], record.Record{Offset: r.Offset, Value: string(r.Value)})
		})
		call.OK(got)
	}
}

// tails asks for a partition's end again and again (R3).
func tails(ctx context.Context, c *record.Client, admin *kadm.Client, topic string, p int32) {
	for ; ctx.Err() == nil; time.Sleep(50 * time.Millisecond) {
		call := c.Tail(name(topic, p))
		ends, err := admin.ListEndOffsets(ctx, topic)
		end, ok := ends.Lookup(topic, p)
		if err = errors.Join(err, end.Err); err != nil || !ok {
			call.Fail()
			continue
		}
		call.OK(end.Offset)
	}
}

func name(topic string, p int32) string { return fmt.Sprintf("%s/%d", topic, p) }
