package e2e

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// own are topics that one question each writes to.
const own = 47

// prepare makes the topics that the questions are about.
func prepare(t *testing.T, addr string) {
	t.Helper()
	k := &asker{t: t, addr: addr, client: "prepare", quiet: true}
	defer k.close()
	topics := []kmsg.CreateTopicsRequestTopic{topicOf("t", 1), topicOf("two", 2), topicOf("trim", 1), topicOf("doomed", 1), topicOf("doomed-too", 1), topicOf("a.b", 1), topicOf("committed", 1),
		topicOf("append", 1, "message.timestamp.type", "LogAppendTime"), topicOf("old", 1, "message.timestamp.before.max.ms", "1000"),
		topicOf("new", 1, "message.timestamp.after.max.ms", "1000"), topicOf("small", 1, "max.message.bytes", "150"), topicOf("alter", 1), topicOf("described", 1, "retention.ms", "1234567")}
	for n := range own {
		topics = append(topics, topicOf(fmt.Sprintf("own%d", n), 1))
	}
	ready := func(what string, done func() bool) {
		t.Helper()
		await(t, what, func() (bool, string) { return done(), addr })
	}
	for _, topic := range topics {
		ready(topic.Topic, func() bool {
			code := k.ask(7, createOf(false, topic)).(*kmsg.CreateTopicsResponse).Topics[0].ErrorCode
			return code == 0 || code == kerr.TopicAlreadyExists.Code
		})
	}
	for _, topic := range topics {
		ready("leader of "+topic.Topic, func() bool {
			return k.ask(8, listOf(topic.Topic, -1)).(*kmsg.ListOffsetsResponse).Topics[0].Partitions[0].ErrorCode == 0
		})
	}
	for i, records := range []int{1, 2, 1} {
		at := timedAt(time.Now().UnixMilli() - 5000 + int64(i)*1000)
		k.produced("t", batchOf(records, at))
		k.produced("trim", batchOf(records, at))
	}
	del := kmsg.NewPtrDeleteRecordsRequest()
	del.TimeoutMillis = 5000
	del.Topics = []kmsg.DeleteRecordsRequestTopic{{Topic: "trim", Partitions: []kmsg.DeleteRecordsRequestTopicPartition{{Partition: 0, Offset: 2}}}}
	if r := k.ask(2, del).(*kmsg.DeleteRecordsResponse).Topics[0].Partitions[0]; r.ErrorCode != 0 {
		t.Fatal(codeName(r.ErrorCode))
	}
	find := kmsg.NewPtrFindCoordinatorRequest()
	for n := range 300 {
		find.CoordinatorKeys = append(find.CoordinatorKeys, fmt.Sprint("group", n))
	}
	ready("coordinators", func() bool {
		return !slices.ContainsFunc(k.ask(4, find).(*kmsg.FindCoordinatorResponse).Coordinators, func(c kmsg.FindCoordinatorResponseCoordinator) bool { return c.ErrorCode != 0 })
	})
	ready("groups", func() bool {
		f := kmsg.NewPtrOffsetFetchRequest()
		for _, key := range find.CoordinatorKeys {
			g := kmsg.NewOffsetFetchRequestGroup()
			g.Group = key
			f.Groups = append(f.Groups, g)
		}
		return !slices.ContainsFunc(k.ask(8, f).(*kmsg.OffsetFetchResponse).Groups, func(g kmsg.OffsetFetchResponseGroup) bool { return g.ErrorCode != 0 })
	})
}

func (k *asker) produced(topic string, batch []byte) {
	k.t.Helper()
	if p := k.ask(9, produceOf(topic, -1, batch)).(*kmsg.ProduceResponse).Topics[0].Partitions[0]; p.ErrorCode != 0 {
		k.t.Fatalf("%s: %s", topic, codeName(p.ErrorCode))
	}
}

func topicOf(name string, partitions int32, configs ...string) kmsg.CreateTopicsRequestTopic {
	r := kmsg.NewCreateTopicsRequestTopic()
	r.Topic, r.NumPartitions, r.ReplicationFactor = name, partitions, 1
	for i := 0; i < len(configs); i += 2 {
		c := kmsg.NewCreateTopicsRequestTopicConfig()
		c.Name, c.Value = configs[i], &configs[i+1]
		r.Configs = append(r.Configs, c)
	}
	return r
}

func createOf(validate bool, topics ...kmsg.CreateTopicsRequestTopic) *kmsg.CreateTopicsRequest {
	r := kmsg.NewPtrCreateTopicsRequest()
	r.TimeoutMillis, r.ValidateOnly, r.Topics = 10_000, validate, topics
	return r
}

func listOf(topic string, timestamps ...int64) *kmsg.ListOffsetsRequest {
	r := kmsg.NewPtrListOffsetsRequest()
	rt := kmsg.NewListOffsetsRequestTopic()
	rt.Topic = topic
	for i, at := range timestamps {
		p := kmsg.NewListOffsetsRequestTopicPartition()
		p.Partition, p.Timestamp = int32(i), at
		rt.Partitions = append(rt.Partitions, p)
	}
	r.Topics = []kmsg.ListOffsetsRequestTopic{rt}
	return r
}

func produceOf(topic string, acks int16, batches ...[]byte) *kmsg.ProduceRequest {
	r := kmsg.NewPtrProduceRequest()
	r.Acks, r.TimeoutMillis = acks, 5000
	rt := kmsg.NewProduceRequestTopic()
	rt.Topic = topic
	for i, b := range batches {
		p := kmsg.NewProduceRequestTopicPartition()
		p.Partition, p.Records = int32(i), b
		rt.Partitions = append(rt.Partitions, p)
	}
	r.Topics = []kmsg.ProduceRequestTopic{rt}
	return r
}

func fetchOf(topic string, offset int64) *kmsg.FetchRequest {
	r := kmsg.NewPtrFetchRequest()
	r.MinBytes, r.MaxBytes, r.MaxWaitMillis = 1, 1<<20, 0
	rt := kmsg.NewFetchRequestTopic()
	rt.Topic = topic
	p := kmsg.NewFetchRequestTopicPartition()
	p.FetchOffset, p.PartitionMaxBytes, p.CurrentLeaderEpoch = offset, 1<<20, -1
	rt.Partitions = []kmsg.FetchRequestTopicPartition{p}
	r.Topics = []kmsg.FetchRequestTopic{rt}
	return r
}

// batchOf is a batch of records without keys; changes are made before its CRC.
func batchOf(records int, changes ...func(*kmsg.RecordBatch)) []byte {
	now := time.Now().UnixMilli()
	b := kmsg.RecordBatch{PartitionLeaderEpoch: -1, Magic: 2, LastOffsetDelta: int32(records - 1), FirstTimestamp: now, MaxTimestamp: now,
		ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1, NumRecords: int32(records)}
	for n := range records {
		r := kmsg.Record{OffsetDelta: int32(n), Value: fmt.Appendf(nil, "value %d", n)}
		r.Length = int32(len(r.AppendTo(nil)) - 1)
		b.Records = r.AppendTo(b.Records)
	}
	b.Length = int32(49 + len(b.Records))
	for _, change := range changes {
		change(&b)
	}
	raw := b.AppendTo(nil)
	binary.BigEndian.PutUint32(raw[17:], crc32.Checksum(raw[21:], crc32.MakeTable(crc32.Castagnoli)))
	return raw
}

func sequenced(id int64, epoch int16, first int32) func(*kmsg.RecordBatch) {
	return func(b *kmsg.RecordBatch) { b.ProducerID, b.ProducerEpoch, b.FirstSequence = id, epoch, first }
}

func timedAt(ms int64) func(*kmsg.RecordBatch) {
	return func(b *kmsg.RecordBatch) { b.FirstTimestamp, b.MaxTimestamp = ms, ms }
}

// id asks for a topic's id.
func (k *asker) id(topic string) [16]byte {
	was := k.quiet
	k.quiet = true
	defer func() { k.quiet = was }()
	r := kmsg.NewPtrMetadataRequest()
	rt := kmsg.NewMetadataRequestTopic()
	rt.Topic = &topic
	r.Topics = []kmsg.MetadataRequestTopic{rt}
	return k.ask(12, r).(*kmsg.MetadataResponse).Topics[0].TopicID
}

// producer asks for a producer id.
func (k *asker) producer() int64 {
	was := k.quiet
	k.quiet = true
	defer func() { k.quiet = was }()
	r := kmsg.NewPtrInitProducerIDRequest()
	for range 100 {
		if a := k.ask(4, r).(*kmsg.InitProducerIDResponse); a.ErrorCode == 0 {
			return a.ProducerID
		}
		time.Sleep(50 * time.Millisecond)
	}
	k.t.Error("no producer id")
	return -1
}
