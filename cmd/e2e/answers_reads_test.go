package e2e

import (
	"math"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// fetches asks one Fetch of topic t, version 12.
func fetches(name string, topic string, offset int64, changes ...func(*kmsg.FetchRequest)) question {
	return question{"fetch: " + name, func(k *asker) {
		r := fetchOf(topic, offset)
		for _, change := range changes {
			change(r)
		}
		k.ask(12, r)
	}}
}

func epochOf(epoch int32) func(*kmsg.FetchRequest) {
	return func(r *kmsg.FetchRequest) { r.Topics[0].Partitions[0].CurrentLeaderEpoch = epoch }
}

func sessionOf(id, epoch int32) func(*kmsg.FetchRequest) {
	return func(r *kmsg.FetchRequest) { r.SessionID, r.SessionEpoch = id, epoch }
}

// beginning has a fetch begin a session.
func beginning(r *kmsg.FetchRequest) *kmsg.FetchRequest {
	r.SessionID, r.SessionEpoch = 0, 0
	return r
}

var fetchQuestions = []question{
	fetches("from the start", "t", 0),
	fetches("from the midst of a batch", "t", 2),
	fetches("from the end", "t", 4),
	fetches("beyond the end", "t", 5),
	fetches("before the start", "t", -1),
	fetches("offset -2", "t", -2),
	fetches("below a log start", "trim", 0),
	fetches("at a log start in the midst of a batch", "trim", 2),
	fetches("a topic that isn't there", "nowhere", 0),
	fetches("a topic without a name", "", 0),
	fetches("a bad name", "a b", 0),
	fetches("a partition that isn't there", "t", 0, func(r *kmsg.FetchRequest) { r.Topics[0].Partitions[0].Partition = 7 }),
	fetches("a negative partition", "t", 0, func(r *kmsg.FetchRequest) { r.Topics[0].Partitions[0].Partition = -1 }),
	fetches("a later leader epoch", "t", 0, epochOf(1000)),
	fetches("an epoch of -2", "t", 0, epochOf(-2)),
	fetches("max bytes of 1", "t", 0, func(r *kmsg.FetchRequest) { r.MaxBytes = 1 }),
	fetches("max bytes of 0", "t", 0, func(r *kmsg.FetchRequest) { r.MaxBytes = 0 }),
	fetches("negative max bytes", "t", 0, func(r *kmsg.FetchRequest) { r.MaxBytes = -1 }),
	fetches("partition max bytes of 1", "t", 0, func(r *kmsg.FetchRequest) { r.Topics[0].Partitions[0].PartitionMaxBytes = 1 }),
	fetches("partition max bytes of 0", "t", 0, func(r *kmsg.FetchRequest) { r.Topics[0].Partitions[0].PartitionMaxBytes = 0 }),
	fetches("two partitions, max bytes of 1", "t", 0, func(r *kmsg.FetchRequest) {
		r.MaxBytes, r.Topics[0].Partitions = 1, append(r.Topics[0].Partitions, r.Topics[0].Partitions[0])
		r.Topics[0].Partitions[1].FetchOffset = 3
		r.Topics[0].Partitions[1].Partition = 1
	}),
	fetches("read committed", "t", 0, func(r *kmsg.FetchRequest) { r.IsolationLevel = 1 }),
	fetches("an isolation level that isn't there", "t", 0, func(r *kmsg.FetchRequest) { r.IsolationLevel = 7 }),
	fetches("nothing", "t", 0, func(r *kmsg.FetchRequest) { r.Topics = r.Topics[:0] }),
	fetches("as a replica", "t", 0, func(r *kmsg.FetchRequest) { r.ReplicaID = 77 }),
	fetches("a last fetched epoch that isn't known", "t", 2, func(r *kmsg.FetchRequest) { r.Topics[0].Partitions[0].LastFetchedEpoch = 0x7fffffff }),
	fetches("a session that isn't there", "t", 0, sessionOf(12345, 1)),
	fetches("the end of a session that isn't there", "t", 0, sessionOf(12345, -1)),
	fetches("a session's epoch without a session", "t", 0, sessionOf(0, 5)),
	{"fetch: a session's way", func(k *asker) {
		first, ok := k.ask(12, beginning(fetchOf("t", 0))).(*kmsg.FetchResponse)
		if !ok {
			return
		}
		next := fetchOf("t", 3)
		next.SessionID, next.SessionEpoch = first.SessionID, 1
		k.ask(12, next)
		next.SessionEpoch, next.Topics = 2, next.Topics[:0]
		k.ask(12, next) // from 3 again
		next.SessionEpoch = 9
		k.ask(12, next)
		next.SessionEpoch = 3
		next.ForgottenTopics = []kmsg.FetchRequestForgottenTopic{{Topic: "t", Partitions: []int32{0}}}
		k.ask(12, next)
		next.SessionEpoch, next.ForgottenTopics = 4, nil
		k.ask(12, next)
		next.SessionEpoch = -1
		k.ask(12, next)
		next.SessionEpoch = 5
		k.ask(12, next)
	}},
	{"fetch: a session of names asked by id", func(k *asker) {
		first, ok := k.ask(12, beginning(fetchOf("t", 0))).(*kmsg.FetchResponse)
		if !ok {
			return
		}
		next := fetchOf("t", 3)
		next.SessionID, next.SessionEpoch, next.Topics[0].TopicID = first.SessionID, 1, k.id("t")
		k.ask(13, next)
	}},
	{"fetch: beyond the end, with a last fetched epoch", func(k *asker) {
		r := fetchOf("t", 9)
		r.Topics[0].Partitions[0].LastFetchedEpoch = k.epoch("t")
		k.ask(12, r)
	}},
	fetches("no bytes wanted, from the end", "t", 4, func(r *kmsg.FetchRequest) { r.MinBytes, r.MaxWaitMillis = 0, 600_000 }),
	{"fetch: a session of names, its topic is deleted and made again", func(k *asker) { k.sessionOfOneThatGoes("again1", 12) }},
	{"fetch: a session of ids, its topic is deleted and made again", func(k *asker) { k.sessionOfOneThatGoes("again2", 13) }},
	{"fetch: a session with two, read in turns", func(k *asker) {
		r := beginning(fetchOf("t", 0))
		r.MaxBytes = 1
		two := fetchOf("trim", 2).Topics[0]
		r.Topics = append(r.Topics, two)
		first, ok := k.ask(12, r).(*kmsg.FetchResponse)
		if !ok {
			return
		}
		r.SessionID, r.Topics = first.SessionID, r.Topics[:0]
		for r.SessionEpoch = 1; r.SessionEpoch < 4; r.SessionEpoch++ {
			k.ask(12, r)
		}
	}},
	{"fetch: a session in which the logs part", func(k *asker) {
		r := beginning(fetchOf("t", 9))
		r.Topics[0].Partitions[0].LastFetchedEpoch = k.epoch("t")
		first, ok := k.ask(12, r).(*kmsg.FetchResponse)
		if !ok {
			return
		}
		r.SessionID, r.SessionEpoch, r.Topics = first.SessionID, 1, r.Topics[:0]
		k.ask(12, r)
		r.SessionEpoch, r.Topics = 2, fetchOf("t", 4).Topics
		k.ask(12, r)
		r.SessionEpoch, r.Topics = 3, r.Topics[:0]
		k.ask(12, r)
	}},
	{"fetch: a session without partitions", func(k *asker) {
		r := beginning(fetchOf("t", 0))
		r.Topics = r.Topics[:0]
		first, ok := k.ask(12, r).(*kmsg.FetchResponse)
		if !ok {
			return
		}
		r.SessionID, r.SessionEpoch = first.SessionID, 1
		k.ask(12, r)
		r.SessionEpoch = 2
		k.ask(12, r)
	}},
	{"fetch: a session begun anew in its own place", func(k *asker) {
		first, ok := k.ask(12, beginning(fetchOf("t", 4))).(*kmsg.FetchResponse)
		if !ok {
			return
		}
		r := fetchOf("t", 4)
		r.SessionID, r.SessionEpoch = first.SessionID, 0
		k.ask(12, r)
		r.SessionEpoch = 1
		k.ask(12, r)
	}},
	{"fetch: a session that reads what isn't there", func(k *asker) {
		first, ok := k.ask(12, beginning(fetchOf("nowhere", 0))).(*kmsg.FetchResponse)
		if !ok {
			return
		}
		next := fetchOf("t", 4)
		next.SessionID, next.SessionEpoch = first.SessionID, 1
		k.ask(12, next)
		next.SessionEpoch, next.Topics = 2, next.Topics[:0]
		k.ask(12, next)
		next.SessionEpoch, next.ForgottenTopics = 3, []kmsg.FetchRequestForgottenTopic{{Topic: "nowhere", Partitions: []int32{0, 5}}, {Topic: "x", Partitions: []int32{0}}}
		k.ask(12, next)
		next.SessionEpoch, next.ForgottenTopics = 4, nil
		k.ask(12, next)
	}},
	{"fetch: version 13, ids", func(k *asker) {
		r := fetchOf("", 0)
		k.ask(13, r)
		r.Topics[0].TopicID = [16]byte{9: 9}
		k.ask(13, r)
		r.Topics[0].TopicID = k.id("t")
		k.ask(13, r)
		k.ask(18, r)
	}},
	{"fetch: version 4", func(k *asker) { k.ask(4, fetchOf("t", 0)); k.ask(4, fetchOf("nowhere", 0)) }},
	{"fetch: version 3", func(k *asker) { k.ask(3, fetchOf("t", 0)) }},
	{"epochs: of t", func(k *asker) {
		for _, epoch := range []int32{-1, 0x7fffffff, -2} {
			k.ask(4, epochsOf("t", 0, -1, epoch))
		}
		k.ask(4, epochsOf("t", 0, 0x7fffffff, 0))
		k.ask(4, epochsOf("t", 5, -1, 0))
		k.ask(4, epochsOf("nowhere", 0, -1, 0))
		k.ask(2, epochsOf("t", 0, -1, 0x7fffffff))
	}},
}

// sessionOfOneThatGoes reads a topic in a session while it is deleted, and made again.
func (k *asker) sessionOfOneThatGoes(topic string, version int16) {
	was := k.quiet
	k.quiet = true
	quietly := func(version int16, req kmsg.Request) {
		k.ask(version, req)
		k.settle()
	}
	quietly(7, createOf(false, topicOf(topic, 1)))
	first, id := fetchOf(topic, 0), k.id(topic)
	if version >= 13 {
		first.Topics[0].TopicID = id
	}
	k.awaits(topic)
	k.quiet = was
	r, ok := k.ask(version, beginning(first)).(*kmsg.FetchResponse)
	if !ok {
		return
	}
	next := fetchOf(topic, 0)
	next.SessionID, next.Topics = r.SessionID, next.Topics[:0]
	on := func() {
		next.SessionEpoch++
		k.quiet = was
		k.ask(version, next)
		k.quiet = true
	}
	on()
	quietly(5, deletesOf(topic))
	on()
	on()
	quietly(7, createOf(false, topicOf(topic, 1)))
	k.awaits(topic)
	on()
	on()
	if version >= 13 {
		next.ForgottenTopics = []kmsg.FetchRequestForgottenTopic{{TopicID: id, Partitions: []int32{0}}}
		next.Topics = fetchOf("", 0).Topics
		next.Topics[0].TopicID = k.id(topic)
		on()
	}
	k.quiet = was
}

// epoch asks for the epoch of a topic's leader.
func (k *asker) epoch(topic string) int32 {
	was := k.quiet
	k.quiet = true
	defer func() { k.quiet = was }()
	if r, ok := k.ask(9, listOf(topic, -1)).(*kmsg.ListOffsetsResponse); ok {
		return r.Topics[0].Partitions[0].LeaderEpoch
	}
	return -1
}

// awaits waits for a topic's leader, quietly.
func (k *asker) awaits(topic string) {
	for range 100 {
		r, ok := k.ask(8, listOf(topic, -1)).(*kmsg.ListOffsetsResponse)
		if ok && r.Topics[0].Partitions[0].ErrorCode == 0 {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	k.t.Errorf("%s has no leader", topic)
}

func epochsOf(topic string, partition, current, epoch int32) *kmsg.OffsetForLeaderEpochRequest {
	r := kmsg.NewPtrOffsetForLeaderEpochRequest()
	r.ReplicaID = -1
	p := kmsg.NewOffsetForLeaderEpochRequestTopicPartition()
	p.Partition, p.CurrentLeaderEpoch, p.LeaderEpoch = partition, current, epoch
	r.Topics = []kmsg.OffsetForLeaderEpochRequestTopic{{Topic: topic, Partitions: []kmsg.OffsetForLeaderEpochRequestTopicPartition{p}}}
	return r
}

var listQuestions = []question{
	{"list: of t", func(k *asker) {
		for _, at := range []int64{-1, -2, -3, -4, -5, -6, -7, -100, 0, 1, math.MaxInt64} {
			k.ask(9, listOf("t", at))
		}
	}},
	{"list: version 10 of t", func(k *asker) {
		for _, at := range []int64{-4, -5, -6} {
			k.ask(10, listOf("t", at))
		}
	}},
	{"list: special times in versions that don't have them", func(k *asker) {
		k.ask(6, listOf("t", -3))
		k.ask(7, listOf("t", -4))
		k.ask(8, listOf("t", -5))
	}},
	{"list: of a trimmed log", func(k *asker) { k.ask(9, listOf("trim", -2)); k.ask(9, listOf("trim", 0)) }},
	{"list: an empty log", func(k *asker) {
		for _, at := range []int64{-1, -2, -3, 0} {
			k.ask(9, listOf("two", at))
		}
	}},
	{"list: what isn't there", func(k *asker) {
		k.ask(9, listOf("nowhere", -1))
		k.ask(9, listOf("t", -1, -1))
		k.ask(9, listOf("", -1))
		k.ask(9, listOf("a b", -1))
	}},
	{"list: a partition twice", func(k *asker) {
		r := listOf("t", -1, -2)
		r.Topics[0].Partitions[1].Partition = 0
		k.ask(9, r)
	}},
	{"list: a later leader epoch", func(k *asker) {
		r := listOf("t", -1)
		r.Topics[0].Partitions[0].CurrentLeaderEpoch = 1000
		k.ask(9, r)
	}},
	{"list: read committed", func(k *asker) {
		r := listOf("t", -1)
		r.IsolationLevel = 1
		k.ask(9, r)
	}},
	{"list: version 1", func(k *asker) { k.ask(1, listOf("t", -1)); k.ask(1, listOf("t", 0)); k.ask(1, listOf("nowhere", -1)) }},
	{"records: delete", func(k *asker) {
		for _, c := range []struct {
			topic     string
			partition int32
			offset    int64
		}{{"t", 0, 5}, {"t", 0, -2}, {"t", 3, 0}, {"nowhere", 0, 0}, {"t", 0, 0}, {"trim", 0, 1}, {"__consumer_offsets", 0, 0}, {"own39", 0, -1}} {
			r := kmsg.NewPtrDeleteRecordsRequest()
			r.TimeoutMillis = 3000
			r.Topics = []kmsg.DeleteRecordsRequestTopic{{Topic: c.topic, Partitions: []kmsg.DeleteRecordsRequestTopicPartition{{Partition: c.partition, Offset: c.offset}}}}
			k.ask(2, r)
		}
	}},
}
