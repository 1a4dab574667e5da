package e2e

import (
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

func questions() []question {
	var all []question
	for _, part := range [][]question{produceQuestions, producerQuestions, fetchQuestions, listQuestions, topicQuestions, configQuestions, groupQuestions,
		offsetQuestions, talkQuestions, staticTalks, offsetTalks, consumerQuestions, consumerTalks, migrationTalks, clusterQuestions, protocolQuestions} {
		all = append(all, part...)
	}
	return all
}

// produces asks one Produce of a topic's partition 0, and of what comes behind.
func produces(name, topic string, batch func() []byte) question {
	return question{"produce: " + name, func(k *asker) { k.ask(9, produceOf(topic, -1, batch())) }}
}

func changed(records int, change func(*kmsg.RecordBatch)) func() []byte {
	return func() []byte { return batchOf(records, change) }
}

func patched(at int, to ...byte) func() []byte {
	return func() []byte {
		b := batchOf(1)
		copy(b[at:], to)
		return b
	}
}

var produceQuestions = []question{
	produces("one record", "own0", func() []byte { return batchOf(1) }),
	produces("a topic that isn't there", "nowhere", func() []byte { return batchOf(1) }),
	produces("a topic with a bad name", "a b", func() []byte { return batchOf(1) }),
	produces("an internal topic", "__consumer_offsets", func() []byte { return batchOf(1) }),
	{"produce: an internal topic, versions 3 and 13, acks 0", func(k *asker) {
		k.ask(3, produceOf("__consumer_offsets", 1, batchOf(1)))
		r := produceOf("", -1, batchOf(1))
		r.Topics[0].TopicID = k.id("__consumer_offsets")
		k.ask(13, r)
		k.ask(9, produceOf("__consumer_offsets", 0, batchOf(1)))
	}},
	{"produce: an internal topic, by the name of Kafka's admin client", func(k *asker) {
		k.client = "__admin_client"
		k.ask(9, produceOf("__consumer_offsets", -1, batchOf(1)))
	}},
	produces("an internal topic that isn't there", "__transaction_state", func() []byte { return batchOf(1) }),
	produces("the topic of the metadata", "__cluster_metadata", func() []byte { return batchOf(1) }),
	produces("no bytes", "own1", func() []byte { return []byte{} }),
	produces("null records", "own1", func() []byte { return nil }),
	produces("a batch cut short", "own2", func() []byte { return batchOf(1)[:40] }),
	produces("a length field alone", "own2", func() []byte { return batchOf(1)[:12] }),
	produces("two batches", "own3", func() []byte { return append(batchOf(1), batchOf(1)...) }),
	produces("a wrong CRC", "own4", patched(17, 1, 2, 3, 4)),
	produces("magic 0", "own5", patched(16, 0)),
	produces("magic 1", "own5", patched(16, 1)),
	produces("magic 3", "own5", patched(16, 3)),
	produces("magic -1", "own5", patched(16, 0xff)),
	produces("a length below the header's", "own5", patched(8, 0, 0, 0, 10)),
	produces("a negative length", "own5", patched(8, 0xff, 0xff, 0xff, 0xff)),
	produces("a base offset that isn't 0", "own6", changed(1, func(b *kmsg.RecordBatch) { b.FirstOffset = 7 })),
	produces("no records", "own7", changed(0, func(b *kmsg.RecordBatch) { b.LastOffsetDelta = 0 })),
	produces("more records said than there are", "own8", changed(1, func(b *kmsg.RecordBatch) { b.NumRecords, b.LastOffsetDelta = 2, 1 })),
	produces("fewer records said than there are", "own9", changed(2, func(b *kmsg.RecordBatch) { b.NumRecords, b.LastOffsetDelta = 1, 0 })),
	produces("a negative count of records", "own9", changed(2, func(b *kmsg.RecordBatch) { b.NumRecords = -1 })),
	produces("a last offset delta of another count", "own10", changed(2, func(b *kmsg.RecordBatch) { b.LastOffsetDelta = 4 })),
	produces("a codec that isn't there", "own11", changed(1, func(b *kmsg.RecordBatch) { b.Attributes = 5 })),
	produces("bytes that aren't gzip", "own12", changed(1, func(b *kmsg.RecordBatch) { b.Attributes = 1 })),
	produces("a control batch", "own13", changed(1, func(b *kmsg.RecordBatch) { b.Attributes = 0x20 })),
	produces("a transaction without a producer", "own13", changed(1, func(b *kmsg.RecordBatch) { b.Attributes = 0x10 })),
	produces("LogAppendTime said by the producer", "own14", changed(1, func(b *kmsg.RecordBatch) { b.Attributes = 8 })),
	produces("an attribute bit that means nothing", "own15", changed(1, func(b *kmsg.RecordBatch) { b.Attributes = 0x4000 })),
	produces("LogAppendTime of the topic", "append", changed(1, timedAt(1000))),
	produces("too old a timestamp", "old", changed(1, timedAt(1000))),
	produces("too new a timestamp", "new", func() []byte { return batchOf(1, timedAt(time.Now().UnixMilli()+60_000)) }),
	produces("a timestamp two hours ahead", "own16", func() []byte { return batchOf(1, timedAt(time.Now().UnixMilli()+7_200_000)) }),
	produces("a timestamp of -1", "own17", changed(1, timedAt(-1))),
	produces("a timestamp of -2", "own42", changed(1, timedAt(-2))),
	produces("a max timestamp that no record has", "own18", changed(1, func(b *kmsg.RecordBatch) { b.MaxTimestamp = b.FirstTimestamp + 5 })),
	produces("over max.message.bytes", "small", func() []byte { return batchOf(10) }),
	{"produce: a partition that isn't there", func(k *asker) { k.ask(9, produceOf("own19", -1, batchOf(1), batchOf(1))) }},
	{"produce: the same partition twice", func(k *asker) {
		r := produceOf("own20", -1, batchOf(1), batchOf(2))
		r.Topics[0].Partitions[1].Partition = 0
		k.ask(9, r)
	}},
	{"produce: acks 2", func(k *asker) { k.ask(9, produceOf("own21", 2, batchOf(1))) }},
	{"produce: acks -2, of a topic that isn't there", func(k *asker) { k.ask(9, produceOf("nowhere", -2, batchOf(1))) }},
	{"produce: acks 0 of a bad batch", func(k *asker) {
		k.ask(9, produceOf("own22", 0, batchOf(1)[:30]))
	}},
	{"produce: no topics", func(k *asker) { r := produceOf("x", -1); r.Topics = r.Topics[:0]; k.ask(9, r) }},
	{"produce: no partitions", func(k *asker) { k.ask(9, produceOf("own23", -1)) }},
	{"produce: version 13, an id that isn't there", func(k *asker) {
		r := produceOf("", -1, batchOf(1))
		r.Topics[0].TopicID = [16]byte{9: 9}
		k.ask(13, r)
		r.Topics[0].TopicID = [16]byte{}
		k.ask(13, r)
	}},
	{"produce: version 13, by id", func(k *asker) {
		r := produceOf("", -1, batchOf(1))
		r.Topics[0].TopicID = k.id("own24")
		k.ask(13, r)
	}},
	{"produce: version 3, zstd", func(k *asker) {
		k.ask(3, produceOf("own25", -1, batchOf(1, func(b *kmsg.RecordBatch) { b.Attributes = 4 })))
	}},
	{"produce: version 2", func(k *asker) { k.ask(2, produceOf("own25", -1, batchOf(1))) }},
	{"produce: a transactional id", func(k *asker) {
		r, id := produceOf("own26", -1, batchOf(1)), "tx"
		r.TransactionID = &id
		k.ask(9, r)
	}},
}

// sends asks Produces of one producer id.
func sends(name, topic string, rounds ...func(*kmsg.RecordBatch)) question {
	return question{"producer: " + name, func(k *asker) {
		id := k.producer()
		for _, r := range rounds {
			k.ask(9, produceOf(topic, -1, batchOf(2, r, func(b *kmsg.RecordBatch) {
				if b.ProducerID >= 0 {
					b.ProducerID = id
				}
			})))
		}
	}}
}

var producerQuestions = []question{
	sends("in order", "own27", sequenced(1, 0, 0), sequenced(1, 0, 2), sequenced(1, 0, 4)),
	sends("the same batch again", "own28", sequenced(1, 0, 0), sequenced(1, 0, 2), sequenced(1, 0, 0), sequenced(1, 0, 2)),
	sends("a gap", "own29", sequenced(1, 0, 0), sequenced(1, 0, 4)),
	sends("a first batch that isn't 0", "own30", sequenced(1, 0, 6), sequenced(1, 0, 8)),
	sends("an older epoch", "own31", sequenced(1, 3, 0), sequenced(1, 2, 2)),
	sends("a newer epoch that doesn't begin with 0", "own32", sequenced(1, 0, 0), sequenced(1, 1, 2)),
	sends("a newer epoch", "own33", sequenced(1, 0, 0), sequenced(1, 1, 0), sequenced(1, 1, 2)),
	sends("six batches, the first one again", "own34", sequenced(1, 0, 0), sequenced(1, 0, 2), sequenced(1, 0, 4), sequenced(1, 0, 6), sequenced(1, 0, 8), sequenced(1, 0, 10), sequenced(1, 0, 0)),
	sends("half of a batch again", "own35", sequenced(1, 0, 0), sequenced(1, 0, 2), sequenced(1, 0, 1)),
	sends("a sequence without a producer", "own36", sequenced(-1, -1, 5)),
	sends("a producer without an epoch", "own40", sequenced(1, -1, 0)),
	sends("a producer without a sequence", "own41", sequenced(1, 0, -1)),
	sends("a sequence that wraps", "own37", sequenced(1, 0, 0x7fffffff), sequenced(1, 0, 1)),
	sends("batches around the wrap, again", "own44", sequenced(1, 0, 0x7ffffffd), sequenced(1, 0, 0x7fffffff), sequenced(1, 0, 1), sequenced(1, 0, 0x7fffffff), sequenced(1, 0, 0x7ffffffd), sequenced(1, 0, 0x7ffffffe)),
	sends("the highest epoch", "own45", sequenced(1, 32767, 0), sequenced(1, 32767, 2), sequenced(1, 32766, 4), sequenced(1, 0, 0)),
	{"producer: a transaction that was never begun", func(k *asker) {
		id, tx := k.producer(), "never"
		r := produceOf("own38", -1, batchOf(1, sequenced(id, 0, 0), func(b *kmsg.RecordBatch) { b.Attributes = 0x10 }))
		r.TransactionID = &tx
		k.ask(9, r)
	}},
	{"producer: ids", func(k *asker) {
		for _, c := range []struct {
			id    int64
			epoch int16
		}{{-1, -1}, {5, -1}, {-1, 5}, {5, 5}, {-2, -2}} {
			r := kmsg.NewPtrInitProducerIDRequest()
			r.ProducerID, r.ProducerEpoch = c.id, c.epoch
			k.ask(5, r)
		}
	}},
	{"producer: an empty transactional id", func(k *asker) {
		r, id := kmsg.NewPtrInitProducerIDRequest(), ""
		r.TransactionalID, r.TransactionTimeoutMillis = &id, 1000
		k.ask(5, r)
	}},
	{"producer: a transaction's timeout of 0", func(k *asker) {
		r, id := kmsg.NewPtrInitProducerIDRequest(), "tx"
		r.TransactionalID, r.TransactionTimeoutMillis = &id, 0
		k.ask(5, r)
	}},
	{"producer: describe what isn't there", func(k *asker) {
		r := kmsg.NewPtrDescribeProducersRequest()
		r.Topics = []kmsg.DescribeProducersRequestTopic{{Topic: "t", Partitions: []int32{0, 1, -1}}, {Topic: "nowhere", Partitions: []int32{0}}, {Topic: strings.Repeat("n", 250), Partitions: []int32{0}}}
		k.ask(0, r)
	}},
}
