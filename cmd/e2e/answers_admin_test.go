package e2e

import (
	"encoding/binary"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/transport"
)

// creates asks for topics to be created.
func creates(name string, topics ...kmsg.CreateTopicsRequestTopic) question {
	return question{"create topics: " + name, func(k *asker) { k.ask(7, createOf(false, topics...)) }}
}

func replicasOf(n int16, t kmsg.CreateTopicsRequestTopic) kmsg.CreateTopicsRequestTopic {
	t.ReplicationFactor = n
	return t
}

func assigned(t kmsg.CreateTopicsRequestTopic, partitions ...int32) kmsg.CreateTopicsRequestTopic {
	t.NumPartitions, t.ReplicationFactor = -1, -1
	for _, n := range partitions {
		t.ReplicaAssignment = append(t.ReplicaAssignment, kmsg.CreateTopicsRequestTopicReplicaAssignment{Partition: n, Replicas: []int32{1}})
	}
	return t
}

func deletesOf(names ...string) *kmsg.DeleteTopicsRequest {
	r := kmsg.NewPtrDeleteTopicsRequest()
	r.TimeoutMillis, r.TopicNames = 5000, names
	for _, n := range names {
		r.Topics = append(r.Topics, kmsg.DeleteTopicsRequestTopic{Topic: &n})
	}
	return r
}

var topicQuestions = []question{
	creates("one that is there", topicOf("t", 1)),
	creates("an empty name", topicOf("", 1)),
	creates(". and ..", topicOf(".", 1), topicOf("..", 1)),
	creates("a bad name", topicOf("a b", 1), topicOf("a/b", 1), topicOf("ä", 1)),
	creates("names of 249 and 250", topicOf(strings.Repeat("n", 249), 1), topicOf(strings.Repeat("n", 250), 1)),
	creates("a name that collides", topicOf("a_b", 1)),
	creates("0 partitions", topicOf("c1", 0)),
	creates("-1 and -2 partitions", topicOf("c2", -1), topicOf("c3", -2)),
	creates("0 replicas", replicasOf(0, topicOf("c4", 1))),
	creates("-1 and -2 replicas", replicasOf(-1, topicOf("c5", 1)), replicasOf(-2, topicOf("c6", 1))),
	creates("more replicas than brokers", replicasOf(3, topicOf("c7", 1))),
	creates("the same twice", topicOf("c8", 1), topicOf("c8", 1)),
	creates("assigned", assigned(topicOf("c9", 1), 0, 1)),
	creates("assigned with a hole", assigned(topicOf("c10", 1), 0, 2)),
	creates("assigned twice", assigned(topicOf("c11", 1), 0, 0)),
	creates("assigned to a broker that isn't there", func() kmsg.CreateTopicsRequestTopic {
		t := assigned(topicOf("c12", 1), 0)
		t.ReplicaAssignment[0].Replicas = []int32{99}
		return t
	}()),
	creates("assigned to a broker twice", func() kmsg.CreateTopicsRequestTopic {
		t := assigned(topicOf("c13", 1), 0)
		t.ReplicaAssignment[0].Replicas = []int32{1, 1}
		return t
	}()),
	creates("assigned and counted", func() kmsg.CreateTopicsRequestTopic {
		t := assigned(topicOf("c14", 1), 0)
		t.NumPartitions = 1
		return t
	}()),
	creates("assigned to nobody", func() kmsg.CreateTopicsRequestTopic {
		t := assigned(topicOf("c15", 1), 0)
		t.ReplicaAssignment[0].Replicas = []int32{}
		return t
	}()),
	creates("a setting that isn't there", topicOf("c16", 1, "no.such", "1")),
	creates("a value out of range", topicOf("c17", 1, "retention.ms", "-2")),
	creates("a value that is no number", topicOf("c18", 1, "retention.ms", "soon")),
	creates("a null value", func() kmsg.CreateTopicsRequestTopic {
		t := topicOf("c19", 1, "retention.ms", "")
		t.Configs[0].Value = nil
		return t
	}()),
	creates("nothing"),
	{"create topics: validated only", func(k *asker) {
		k.ask(7, createOf(true, topicOf("v1", 2), topicOf("t", 1), topicOf("v2", 0)))
		k.ask(7, createOf(true, topicOf("v1", 2)))
	}},
	{"create topics: the brokers' own, validated only", func(k *asker) {
		k.ask(7, createOf(true, topicOf("__consumer_offsets", 1), topicOf("__transaction_state", 1), topicOf("__share_group_state", 1), topicOf("__cluster_metadata", 1)))
	}},
	{"delete topics: the brokers' own that aren't there", func(k *asker) {
		k.ask(5, deletesOf("__share_group_state"))
		k.ask(5, deletesOf("__cluster_metadata"))
	}},
	{"delete topics", func(k *asker) {
		k.ask(5, deletesOf("nowhere", "", "a b", "doomed"))
		k.ask(5, deletesOf("doomed", "doomed-too", "doomed-too"))
		k.ask(5, deletesOf())
	}},
	{"delete topics: by id", func(k *asker) {
		r, name := kmsg.NewPtrDeleteTopicsRequest(), "t"
		r.TimeoutMillis = 5000
		r.Topics = []kmsg.DeleteTopicsRequestTopic{{TopicID: [16]byte{9: 9}}}
		k.ask(6, r)
		r.Topics = []kmsg.DeleteTopicsRequestTopic{{}}
		k.ask(6, r)
		r.Topics = []kmsg.DeleteTopicsRequestTopic{{Topic: &name, TopicID: [16]byte{9: 9}}}
		k.ask(6, r)
		r.Topics = []kmsg.DeleteTopicsRequestTopic{{TopicID: [16]byte{9: 9}}, {TopicID: [16]byte{9: 9}}}
		k.ask(6, r)
	}},
	{"metadata: names", func(k *asker) {
		for _, name := range []string{"t", "nowhere", "", "a b", "..", strings.Repeat("n", 250)} {
			r := kmsg.NewPtrMetadataRequest()
			r.Topics = []kmsg.MetadataRequestTopic{{Topic: &name}}
			k.ask(12, r)
			k.ask(0, r)
		}
	}},
	{"metadata: ids", func(k *asker) {
		r, name := kmsg.NewPtrMetadataRequest(), "t"
		r.Topics = []kmsg.MetadataRequestTopic{{TopicID: [16]byte{9: 9}}}
		k.ask(12, r)
		r.Topics = []kmsg.MetadataRequestTopic{{TopicID: k.id("t")}}
		k.ask(12, r)
		r.Topics = []kmsg.MetadataRequestTopic{{TopicID: k.id("t"), Topic: &name}}
		k.ask(12, r)
		r.Topics = []kmsg.MetadataRequestTopic{{}}
		k.ask(12, r)
		k.ask(11, r)
	}},
	{"metadata: none, twice", func(k *asker) {
		r, name := kmsg.NewPtrMetadataRequest(), "t"
		r.Topics = []kmsg.MetadataRequestTopic{}
		k.ask(12, r)
		r.Topics = []kmsg.MetadataRequestTopic{{Topic: &name}, {Topic: &name}}
		k.ask(12, r)
	}},
}

func altersOf(kind kmsg.ConfigResourceType, name string, op kmsg.IncrementalAlterConfigOp, pairs ...string) *kmsg.IncrementalAlterConfigsRequest {
	r := kmsg.NewPtrIncrementalAlterConfigsRequest()
	row := kmsg.NewIncrementalAlterConfigsRequestResource()
	row.ResourceType, row.ResourceName = kind, name
	for i := 0; i < len(pairs); i += 2 {
		c := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
		c.Name, c.Op, c.Value = pairs[i], op, &pairs[i+1]
		row.Configs = append(row.Configs, c)
	}
	r.Resources = []kmsg.IncrementalAlterConfigsRequestResource{row}
	return r
}

const (
	ofTopic  = kmsg.ConfigResourceTypeTopic
	ofBroker = kmsg.ConfigResourceTypeBroker
	ofGroup  = kmsg.ConfigResourceType(32)
	set      = kmsg.IncrementalAlterConfigOpSet
	del      = kmsg.IncrementalAlterConfigOpDelete
)

func alters(name string, of func() *kmsg.IncrementalAlterConfigsRequest) question {
	return question{"alter: " + name, func(k *asker) { k.ask(1, of()) }}
}

func altersOne(name string, kind kmsg.ConfigResourceType, resource string, op kmsg.IncrementalAlterConfigOp, pairs ...string) question {
	return alters(name, func() *kmsg.IncrementalAlterConfigsRequest { return altersOf(kind, resource, op, pairs...) })
}

func describesOf(kind kmsg.ConfigResourceType, name string, keys ...string) *kmsg.DescribeConfigsRequest {
	r := kmsg.NewPtrDescribeConfigsRequest()
	row := kmsg.NewDescribeConfigsRequestResource()
	row.ResourceType, row.ResourceName, row.ConfigNames = kind, name, keys
	r.Resources = []kmsg.DescribeConfigsRequestResource{row}
	return r
}

func describes(name string, kind kmsg.ConfigResourceType, resource string, keys ...string) question {
	return question{"describe: " + name, func(k *asker) { k.ask(4, describesOf(kind, resource, keys...)) }}
}

var configQuestions = []question{
	altersOne("a topic's setting", ofTopic, "alter", set, "retention.ms", "60000"),
	altersOne("a setting that isn't there", ofTopic, "alter", set, "no.such", "1"),
	altersOne("a value that is no number", ofTopic, "alter", set, "retention.bytes", "much"),
	altersOne("append to what is no list", ofTopic, "alter", kmsg.IncrementalAlterConfigOpAppend, "retention.ms", "1"),
	altersOne("an operation that isn't there", ofTopic, "alter", kmsg.IncrementalAlterConfigOp(9), "retention.ms", "1"),
	altersOne("delete what isn't set", ofTopic, "alter", del, "segment.ms", ""),
	altersOne("a topic that isn't there", ofTopic, "nowhere", set, "retention.ms", "1"),
	altersOne("a bad topic name", ofTopic, "a b", set, "retention.ms", "1"),
	altersOne("a topic without a name", ofTopic, "", set, "retention.ms", "1"),
	altersOne("a kind of resource that isn't there", kmsg.ConfigResourceType(77), "x", set, "a", "b"),
	altersOne("a broker that isn't there", ofBroker, "99", set, "log.retention.ms", "1"),
	altersOne("a broker that is no number", ofBroker, "one", set, "log.retention.ms", "1"),
	altersOne("a broker's read-only setting", ofBroker, "1", set, "node.id", "5"),
	alters("an internal topic's, validated only", func() *kmsg.IncrementalAlterConfigsRequest {
		r := altersOf(ofTopic, "__consumer_offsets", set, "retention.ms", "60000")
		r.ValidateOnly = true
		return r
	}),
	alters("an internal topic's cleanup, validated only", func() *kmsg.IncrementalAlterConfigsRequest {
		r := altersOf(ofTopic, "__consumer_offsets", set, "cleanup.policy", "delete")
		r.ValidateOnly = true
		return r
	}),
	alters("the topic of the metadata", func() *kmsg.IncrementalAlterConfigsRequest {
		return altersOf(ofTopic, "__cluster_metadata", set, "retention.ms", "60000")
	}),
	alters("a key twice", func() *kmsg.IncrementalAlterConfigsRequest {
		return altersOf(ofTopic, "alter", set, "retention.ms", "1", "retention.ms", "2")
	}),
	alters("a resource twice", func() *kmsg.IncrementalAlterConfigsRequest {
		r := altersOf(ofTopic, "alter", set, "retention.ms", "1")
		r.Resources = append(r.Resources, r.Resources[0])
		return r
	}),
	alters("a null value", func() *kmsg.IncrementalAlterConfigsRequest {
		r := altersOf(ofTopic, "alter", set, "retention.ms", "1")
		r.Resources[0].Configs[0].Value = nil
		return r
	}),
	alters("no changes", func() *kmsg.IncrementalAlterConfigsRequest { return altersOf(ofTopic, "alter", set) }),
	alters("no resources", func() *kmsg.IncrementalAlterConfigsRequest { return kmsg.NewPtrIncrementalAlterConfigsRequest() }),
	{"group settings: there and back", func(k *asker) {
		k.ask(4, describesOf(ofGroup, "set", "consumer.heartbeat.interval.ms", "consumer.session.timeout.ms"))
		k.ask(1, altersOf(ofGroup, "set", set, "consumer.session.timeout.ms", "50000"))
		k.settle()
		k.ask(4, describesOf(ofGroup, "set", "consumer.session.timeout.ms"))
		k.ask(1, altersOf(ofGroup, "set", set, "consumer.heartbeat.interval.ms", "6000"))
		k.settle()
		k.ask(4, describesOf(ofGroup, "set", "consumer.heartbeat.interval.ms", "consumer.session.timeout.ms"))
		k.ask(1, altersOf(ofGroup, "set", del, "consumer.session.timeout.ms", ""))
		k.settle()
		k.ask(4, describesOf(ofGroup, "set", "consumer.heartbeat.interval.ms", "consumer.session.timeout.ms"))
	}},
	altersOne("a group's session below the broker's least", ofGroup, "bounds", set, "consumer.session.timeout.ms", "44999"),
	altersOne("a group's session above the broker's most", ofGroup, "bounds", set, "consumer.session.timeout.ms", "60001"),
	altersOne("a group's interval below the broker's least", ofGroup, "bounds", set, "consumer.heartbeat.interval.ms", "4999"),
	altersOne("a group's interval above the broker's most", ofGroup, "bounds", set, "consumer.heartbeat.interval.ms", "15001"),
	altersOne("a group's session of nothing", ofGroup, "bounds", set, "consumer.session.timeout.ms", "0"),
	altersOne("a group's session that is no number", ofGroup, "bounds", set, "consumer.session.timeout.ms", "long"),
	altersOne("a group's setting that isn't there", ofGroup, "bounds", set, "no.such", "1"),
	altersOne("a group without a name", ofGroup, "", set, "consumer.session.timeout.ms", "50000"),
	altersOne("delete a group's setting that isn't set", ofGroup, "bounds", del, "consumer.session.timeout.ms", ""),
	altersOne("append to a group's setting", ofGroup, "bounds", kmsg.IncrementalAlterConfigOpAppend, "consumer.session.timeout.ms", "1"),
	describes("a topic's settings", ofTopic, "described", "retention.ms", "segment.ms", "no.such"),
	describes("a topic that isn't there", ofTopic, "nowhere"),
	describes("a bad topic name", ofTopic, "a b"),
	describes("a topic without a name", ofTopic, ""),
	describes("a broker that isn't there", ofBroker, "99"),
	describes("a broker that is no number", ofBroker, "one"),
	describes("a kind of resource that isn't there", kmsg.ConfigResourceType(77), "x"),
	describes("a group without a name", ofGroup, "", "consumer.session.timeout.ms"),
	describes("no keys", ofTopic, "described", []string{}...),
	{"config resources", func(k *asker) {
		for _, kinds := range [][]int8{{16}, {77}, {2, 77}, {-1}} {
			r := kmsg.NewPtrListConfigResourcesRequest()
			r.ResourceTypes = kinds
			k.ask(1, r)
		}
		k.ask(0, kmsg.NewPtrListConfigResourcesRequest())
	}},
	{"alter whole", func(k *asker) {
		for _, c := range []struct {
			kind kmsg.ConfigResourceType
			name string
		}{{ofTopic, "own39"}, {ofTopic, "nowhere"}, {ofTopic, ""}, {ofBroker, "99"}, {77, "x"}} {
			r, value := kmsg.NewPtrAlterConfigsRequest(), "70000"
			row := kmsg.NewAlterConfigsRequestResource()
			row.ResourceType, row.ResourceName = c.kind, c.name
			row.Configs = []kmsg.AlterConfigsRequestResourceConfig{{Name: "retention.ms", Value: &value}}
			r.Resources = []kmsg.AlterConfigsRequestResource{row}
			k.ask(2, r)
		}
	}},
}

// partitionsOf asks for topics' partitions, at most so many.
func partitionsOf(most int32, topics ...string) *kmsg.DescribeTopicPartitionsRequest {
	r := kmsg.NewPtrDescribeTopicPartitionsRequest()
	r.ResponsePartitionLimit, r.Topics = most, []kmsg.DescribeTopicPartitionsRequestTopic{}
	for _, name := range topics {
		r.Topics = append(r.Topics, kmsg.DescribeTopicPartitionsRequestTopic{Topic: name})
	}
	return r
}

// asksOn asks for topics' partitions from a cursor on.
func asksOn(name string, most int32, topic string, partition int32, topics ...string) question {
	return question{"partitions: " + name, func(k *asker) {
		r := partitionsOf(most, topics...)
		r.Cursor = &kmsg.DescribeTopicPartitionsRequestCursor{Topic: topic, Partition: partition}
		k.ask(0, r)
	}}
}

var clusterQuestions = []question{
	{"partitions: of topics", func(k *asker) {
		k.ask(0, partitionsOf(2000, "two", "t", "nowhere", "a b", "t"))
		for _, most := range []int32{3, 2, 1, 0, -1} {
			k.ask(0, partitionsOf(most, "t", "two"))
		}
		k.ask(0, partitionsOf(1, "t", "u", "two"))
	}},
	{"partitions: of a topic without a name", func(k *asker) { k.ask(0, partitionsOf(2000, "", "t")) }},
	asksOn("from a cursor on", 2000, "two", 1, "t", "two", "zzz"),
	asksOn("a cursor that isn't among the topics", 2000, "trim", 0, "t", "two"),
	asksOn("a cursor at a negative partition", 2000, "two", -1, "t", "two"),
	asksOn("a cursor at a negative partition, all topics", 2000, "two", -1),
	asksOn("a cursor beyond a topic's partitions", 2000, "two", 7, "two", "zzz"),
	asksOn("a cursor at a topic that isn't there", 1, "nowhere", 0, "nowhere", "two"),
	asksOn("a cursor behind all topics", 2000, "zzz", 0),
	{"log dirs", func(k *asker) {
		for version := int16(1); version <= 4; version++ {
			r := kmsg.NewPtrDescribeLogDirsRequest()
			r.Topics = []kmsg.DescribeLogDirsRequestTopic{{Topic: "two", Partitions: []int32{1, 0, 1, 7, -1}}, {Topic: "nowhere", Partitions: []int32{0}}, {Topic: "", Partitions: []int32{0}}}
			k.ask(version, r)
		}
		r := kmsg.NewPtrDescribeLogDirsRequest()
		r.Topics = []kmsg.DescribeLogDirsRequestTopic{}
		k.ask(4, r)
		r.Topics = []kmsg.DescribeLogDirsRequestTopic{{Topic: "two", Partitions: []int32{}}}
		k.ask(4, r)
	}},
	{"cluster: endpoints", func(k *asker) {
		for _, kind := range []int8{1, 2, 0, 9} {
			r := kmsg.NewPtrDescribeClusterRequest()
			r.EndpointType = kind
			k.ask(1, r)
		}
	}},
	{"coordinators", func(k *asker) {
		for _, kind := range []int8{0, 9, -1} {
			r := kmsg.NewPtrFindCoordinatorRequest()
			r.CoordinatorType, r.CoordinatorKeys, r.CoordinatorKey = kind, []string{"g", "g", ""}, "g"
			k.ask(4, r)
			k.ask(3, r)
		}
		r := kmsg.NewPtrFindCoordinatorRequest()
		r.CoordinatorKeys = []string{}
		k.ask(4, r)
	}},
}

// raw asks with a header and a body of bytes.
func raw(name string, key, version int16, body ...byte) question {
	return question{"protocol: " + name, func(k *asker) {
		head := binary.BigEndian.AppendUint16(nil, uint16(key))
		head = binary.BigEndian.AppendUint16(head, uint16(version))
		head = append(binary.BigEndian.AppendUint32(head, 1), 0, 1, 'c')
		frame := binary.BigEndian.AppendUint32(nil, uint32(len(head)+len(body)))
		k.send("bytes", key, 0, slices.Concat(frame, head, body))
	}}
}

var protocolQuestions = []question{
	{"protocol: ApiVersions of a version that isn't there", func(k *asker) {
		for _, version := range []int16{5, 99, -1} {
			req := kmsg.NewPtrApiVersionsRequest()
			req.Version, req.ClientSoftwareName, req.ClientSoftwareVersion = 4, "asker", "1"
			frame := transport.AppendRequest("c", 1, req)
			binary.BigEndian.PutUint16(frame[6:], uint16(version))
			k.close()
			if r, ok := k.askQuietly(frame); !ok {
				k.say("closed")
			} else {
				k.say(codeName(r.ErrorCode))
				for _, a := range r.ApiKeys {
					if a.ApiKey == 18 || len(r.ApiKeys) == 1 {
						k.say(render2(a))
					}
				}
			}
		}
	}},
	{"protocol: ApiVersions without a name", func(k *asker) {
		r := kmsg.NewPtrApiVersionsRequest()
		r.ClientSoftwareName, r.ClientSoftwareVersion = "", "1"
		k.quiet = true
		resp, _ := k.ask(3, r).(*kmsg.ApiVersionsResponse)
		if k.quiet = false; resp != nil {
			k.say(codeName(resp.ErrorCode))
		}
	}},
	raw("an API that isn't there", 200, 0),
	raw("an API of brokers", 6, 0),
	raw("a negative API", -1, 0),
	raw("a version that isn't there", 3, 99, 0),
	raw("a negative version", 3, -1, 0),
	raw("a body cut short", 3, 1, 0, 0),
	raw("an array too long", 3, 1, 0x7f, 0xff, 0xff, 0xff),
	raw("an array of -2", 3, 1, 0xff, 0xff, 0xff, 0xfe),
	raw("bytes behind the body", 3, 1, 0, 0, 0, 0, 1, 2, 3),
	{"protocol: a frame of 0 bytes", func(k *asker) { k.send("bytes", 3, 0, []byte{0, 0, 0, 0}) }},
	{"protocol: a negative frame", func(k *asker) { k.send("bytes", 3, 0, []byte{0xff, 0xff, 0xff, 0xff}) }},
	{"protocol: a frame too large", func(k *asker) { k.send("bytes", 3, 0, []byte{0x7f, 0xff, 0xff, 0xff}) }},
	{"protocol: a null client id", func(k *asker) {
		k.client = ""
		k.send("bytes", 18, 0, []byte{0, 0, 0, 10, 0, 200, 0, 0, 0, 0, 0, 1, 0xff, 0xff})
	}},
}
