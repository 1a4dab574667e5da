package broker

import (
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/broker/group"
)

// consumerGroupHeartbeat is all that a member of a consumer group (KIP-848) says to its coordinator.
//
//	v1: regular expressions; the client makes the member's id (KIP-1082)
func (s *Shard) consumerGroupHeartbeat(r *request, req *kmsg.ConsumerGroupHeartbeatRequest) {
	s.askGroup(r, req.Group, req, func(code int16) kmsg.Response {
		resp := kmsg.NewPtrConsumerGroupHeartbeatResponse()
		resp.ErrorCode = code
		return resp
	}, nil)
	s.groupDeadline(r)
}

// groupTopics is the metadata as the groups' machine wants it. Its version changes more often than topics do, which costs
// looking at them again.
type groupTopics struct{ m *Meta }

var _ group.Topics = groupTopics{}

func (t groupTopics) Version() int64 { return int64(t.m.Index) }

func (t groupTopics) Topic(name string) ([16]byte, int32, bool) {
	topic := t.m.TopicByName(name)
	if topic == nil {
		return [16]byte{}, 0, false
	}
	return topic.ID, int32(len(topic.Partitions)), true
}

func (t groupTopics) Name(id [16]byte) (string, bool) {
	topic := t.m.TopicByID(id)
	if topic == nil {
		return "", false
	}
	return topic.Name, true
}

func (t groupTopics) Session(group string) time.Duration {
	return t.m.groupTime(group, configGroupSession)
}

func (t groupTopics) Heartbeat(group string) time.Duration {
	return t.m.groupTime(group, configGroupHeartbeat)
}

func (t groupTopics) Names() []string {
	names := make([]string, len(t.m.Topics()))
	for i, topic := range t.m.Topics() {
		names[i] = topic.Name
	}
	return names
}
