package e2e

import (
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// commits is a request with many partitions: topic, and how it is committed.
func commits(group string, rows ...kmsg.OffsetCommitRequestTopic) *kmsg.OffsetCommitRequest {
	r := kmsg.NewPtrOffsetCommitRequest()
	r.Group, r.Generation, r.Topics = group, -1, rows
	return r
}

func rowOf(topic string, parts ...kmsg.OffsetCommitRequestTopicPartition) kmsg.OffsetCommitRequestTopic {
	return kmsg.OffsetCommitRequestTopic{Topic: topic, Partitions: parts}
}

func partOf(n int32, offset int64, epoch int32, metadata string) kmsg.OffsetCommitRequestTopicPartition {
	p := kmsg.NewOffsetCommitRequestTopicPartition()
	p.Partition, p.Offset, p.LeaderEpoch, p.Metadata = n, offset, epoch, &metadata
	return p
}

func asksOffsets(groups ...kmsg.OffsetFetchRequestGroup) *kmsg.OffsetFetchRequest {
	r := kmsg.NewPtrOffsetFetchRequest()
	r.Groups = groups
	return r
}

func allOf(group string) kmsg.OffsetFetchRequestGroup {
	g := kmsg.NewOffsetFetchRequestGroup()
	g.Group = group
	return g
}

var offsetTalks = []question{
	{"offsets: one commit, many outcomes", func(k *asker) {
		long := strings.Repeat("m", 4097)
		k.ask(8, commits("mixed", rowOf("t", partOf(0, 1, 4, "a"), partOf(7, 2, 4, "a")), rowOf("nowhere", partOf(0, 3, 4, "a")),
			rowOf("two", partOf(0, 4, 4, long), partOf(1, 5, 6, strings.Repeat("m", 4096)))))
		k.ask(9, asksOffsets(allOf("mixed")))
		k.ask(8, commits("mixed", rowOf("two", partOf(0, 6, 4, "a"), partOf(0, 7, 5, "b"))))
		k.ask(8, commits("mixed", rowOf("two", partOf(1, 8, 4, "a")), rowOf("two", partOf(1, 9, 5, "b"))))
		k.ask(9, asksOffsets(allOf("mixed")))
		k.ask(8, commits("mixed", rowOf("two")))
		k.ask(8, commits("mixed", rowOf("two", partOf(-1, 8, 4, "a"))))
		k.ask(8, commits("mixed", rowOf("__consumer_offsets", partOf(0, 8, 4, "a"))))
	}},
	{"offsets: each version of a commit and a fetch", func(k *asker) {
		for v := int16(2); v <= 9; v++ {
			c := commits("each", rowOf("t", partOf(0, int64(v), int32(v), "of the version")))
			c.RetentionTimeMillis = -1
			k.ask(v, c)
			k.ask(9, asksOffsets(allOf("each")))
		}
		old := kmsg.NewPtrOffsetFetchRequest()
		old.Group = "each"
		for v := int16(1); v <= 7; v++ {
			old.Topics = []kmsg.OffsetFetchRequestTopic{{Topic: "t", Partitions: []int32{0, 1}}, {Topic: "nowhere", Partitions: []int32{0}}}
			old.RequireStable = v == 7
			k.ask(v, old)
			if old.Topics = nil; v >= 2 {
				k.ask(v, old)
			}
		}
		k.ask(8, asksOffsets(allOf("each"), allOf("nobody-at-all"), allOf("each")))
	}},
	{"offsets: fetches by members of a classic group", func(k *asker) {
		m := k.joined("reads")
		k.ask(8, commitOf("reads", m, 1, "t", 0, 3))
		g := allOf("reads")
		for _, epoch := range []int32{-1, 0, 1, 9} {
			g.MemberID, g.MemberEpoch = &m, epoch
			k.ask(9, asksOffsets(g))
		}
		x := "x"
		g.MemberID, g.MemberEpoch = &x, 1
		k.ask(9, asksOffsets(g))
	}},
	{"offsets: deletes while members are subscribed", func(k *asker) {
		a, b := k.guest("a", "del1", "t"), k.guest("b", "del1", "t")
		k.ask(8, commits("del1", rowOf("t", partOf(0, 1, 4, "a")), rowOf("two", partOf(0, 4, 4, "b"), partOf(1, 4, 4, "b"))))
		a.join(9)
		r := forgets("del1", "t", 0)
		r.Topics = append(r.Topics, kmsg.OffsetDeleteRequestTopic{Topic: "two", Partitions: []kmsg.OffsetDeleteRequestTopicPartition{{Partition: 0}, {Partition: 5}}},
			kmsg.OffsetDeleteRequestTopic{Topic: "nowhere", Partitions: []kmsg.OffsetDeleteRequestTopicPartition{{Partition: 0}}})
		k.ask(0, r) // CompletingRebalance
		k.ask(9, asksOffsets(allOf("del1")))
		a.sync(a)
		k.ask(0, forgets("del1", "t", 0))
		b.joins(9)
		k.until("del1", "PreparingRebalance", 2)
		k.ask(0, forgets("del1", "two", 1))
		k.ask(0, forgets("del1", "t", 0))
		k.ask(2, deletesGroup("del1", "nobody", "del1"))
		a.leave()
		b.joined()
		b.leave()
		k.ask(0, forgets("del1", "t", 0))
		k.ask(9, asksOffsets(allOf("del1")))
		k.ask(2, deletesGroup("del1"))
	}},
	{"offsets: deletes in a group that isn't of consumers", func(k *asker) {
		k.ask(8, commitOf("del2", "", -1, "t", 0, 3))
		r := joinOf("del2", "", "p")
		r.ProtocolType = "connect"
		k.ask(3, r)
		k.ask(0, forgets("del2", "t", 0))
		k.ask(0, forgets("del2", "nowhere", 0))
	}},
	{"offsets: of a group while it is empty, and of one that somebody joins", func(k *asker) {
		k.ask(8, commitOf("simple2", "", -1, "t", 0, 3))
		k.ask(8, commitOf("simple2", "someone", -1, "t", 0, 4))
		i := "i"
		r := commitOf("simple2", "someone", -1, "t", 0, 5)
		r.InstanceID = &i
		k.ask(8, r)
		m := k.joined("simple2")
		k.ask(8, commitOf("simple2", "", -1, "t", 0, 6))
		k.ask(8, commitOf("simple2", "someone", -1, "t", 0, 7))
		r = commitOf("simple2", "", -1, "t", 0, 8)
		r.InstanceID = &i
		k.ask(8, r)
		k.ask(9, commitOf("simple2", m, 1, "t", 0, 9))
		k.ask(9, commitOf("simple2", m, 0, "t", 0, 9))
		k.ask(9, commitOf("simple2", "x", 1, "t", 0, 9))
		k.ask(9, asksOffsets(allOf("simple2")))
		k.left("simple2", m)
		k.ask(9, commitOf("simple2", m, 1, "t", 0, 10))
		k.ask(9, commitOf("simple2", "", 1, "t", 0, 10))
		k.ask(9, asksOffsets(allOf("simple2")))
	}},
}
