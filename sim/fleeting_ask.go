package sim

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/checker"
)

// askFleeting sends a request about a fleeting topic.
func (c *client) askFleeting(a request) {
	t, know := c.w.topics, c.knows(a.topic)
	k := &call{part: -1, topic: a.topic + 1, index: a.index}
	switch a.kind {
	case askCreate:
		k.change = t.call(a.topic, topicChange{create: true, copies: a.copies, parts: a.records, keeps: a.at > 0})
		c.sendFleeting(a, k, createFleeting(a))
	case askDelete:
		change := topicChange{byID: a.byID && know.life != nil}
		if a.byID {
			change.life = know.life
		}
		k.change = t.call(a.topic, change)
		c.sendFleeting(a, k, c.deleteFleeting(a, k.change))
	case askTopic:
		req := kmsg.NewPtrMetadataRequest()
		req.AllowAutoTopicCreation = false
		req.Topics = []kmsg.MetadataRequestTopic{{Topic: kmsg.StringPtr(fleetingNames[a.topic])}}
		c.asking = true
		c.sendFleeting(a, k, req)
	case askPut:
		c.put(a, k)
	case askGet:
		c.get(a, k)
	case askEnd:
		k.op.Kind = checker.Tail
		if k.earliest = a.at > 0; k.earliest {
			k.op.Kind = checker.Start
		}
		req := kmsg.NewPtrListOffsetsRequest()
		req.ReplicaID = -1
		p := kmsg.NewListOffsetsRequestTopicPartition()
		p.Partition, p.Timestamp = int32(a.index), -1-a.at
		req.Topics = []kmsg.ListOffsetsRequestTopic{{Topic: fleetingNames[a.topic], Partitions: []kmsg.ListOffsetsRequestTopicPartition{p}}}
		c.sendFleeting(a, k, req)
	}
}

func (c *client) sendFleeting(a request, k *call, req kmsg.Request) {
	req.SetVersion(a.version)
	c.send(a.node, k, req, false)
}

func createFleeting(a request) *kmsg.CreateTopicsRequest {
	req := kmsg.NewPtrCreateTopicsRequest()
	req.TimeoutMillis = 1000
	t := kmsg.NewCreateTopicsRequestTopic()
	t.Topic, t.NumPartitions, t.ReplicationFactor = fleetingNames[a.topic], int32(a.records), int16(a.copies)
	set := func(name, value string) {
		row := kmsg.NewCreateTopicsRequestTopicConfig()
		row.Name, row.Value = name, kmsg.StringPtr(value)
		t.Configs = append(t.Configs, row)
	}
	if a.at > 0 {
		set("retention.bytes", fmt.Sprint(a.at))
	}
	if a.size&1 > 0 {
		set("segment.bytes", fmt.Sprint(1<<20))
	}
	if a.size&2 > 0 {
		set("message.timestamp.type", "LogAppendTime")
	}
	req.Topics = []kmsg.CreateTopicsRequestTopic{t}
	return req
}

func (c *client) deleteFleeting(a request, h *topicChange) *kmsg.DeleteTopicsRequest {
	req := kmsg.NewPtrDeleteTopicsRequest()
	req.TimeoutMillis, req.TopicNames = 1000, []string{fleetingNames[a.topic]}
	row := kmsg.DeleteTopicsRequestTopic{Topic: &req.TopicNames[0]}
	if h.life != nil {
		row = kmsg.DeleteTopicsRequestTopic{TopicID: h.life.id}
	}
	req.Topics = []kmsg.DeleteTopicsRequestTopic{row}
	return req
}

// byTopicID has a request name its topic by the id that the client knows, where its version can; else it goes by name.
func (c *client) byTopicID(a *request, k *call, since int16) (id [16]byte) {
	if a.version < since {
		return id
	}
	if k.life = c.knows(a.topic).life; k.life == nil {
		a.version = since - 1
		return id
	}
	return k.life.id
}

func (c *client) put(a request, k *call) {
	k.op.Kind = checker.Append
	for range a.records {
		c.values++
		k.op.Values = append(k.op.Values, fmt.Sprintf("%d.%d", c.number, c.values))
	}
	req := kmsg.NewPtrProduceRequest()
	req.Acks, req.TimeoutMillis = a.acks, int32(c.w.opt.Load.Timeout.Milliseconds())
	p := kmsg.NewProduceRequestTopicPartition()
	p.Partition, p.Records = int32(a.index), encodeBatch(k.op.Values, a.size, epoch+c.w.now.Milliseconds())
	t := kmsg.NewProduceRequestTopic()
	t.Topic, t.TopicID = fleetingNames[a.topic], c.byTopicID(&a, k, 13)
	t.Partitions = []kmsg.ProduceRequestTopicPartition{p}
	req.Topics = []kmsg.ProduceRequestTopic{t}
	c.sendFleeting(a, k, req)
}

func (c *client) get(a request, k *call) {
	k.op.Kind, k.op.From = checker.Read, a.at
	req := kmsg.NewPtrFetchRequest()
	req.MinBytes, req.MaxWaitMillis, req.MaxBytes = 1, int32(a.wait.Milliseconds()), a.most
	p := kmsg.NewFetchRequestTopicPartition()
	p.Partition, p.FetchOffset, p.PartitionMaxBytes = int32(a.index), a.at, a.mostOf
	t := kmsg.NewFetchRequestTopic()
	t.Topic, t.TopicID = fleetingNames[a.topic], c.byTopicID(&a, k, 13)
	t.Partitions = []kmsg.FetchRequestTopicPartition{p}
	req.Topics = []kmsg.FetchRequestTopic{t}
	c.sendFleeting(a, k, req)
}
