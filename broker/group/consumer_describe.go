package group

import (
	"github.com/twmb/franz-go/pkg/kmsg"
)

// typeConsumer is a consumer group's type in ListGroups.
const typeConsumer = "consumer"

// Types of a member in ConsumerGroupDescribe 1.
const (
	memberClassic  = int8(0)
	memberConsumer = int8(1)
)

// describeConsumer is ConsumerGroupDescribe, of one group.
func (m *Machine) describeConsumer(g *group, c Call) {
	r := kmsg.NewConsumerGroupDescribeResponseGroup()
	r.Group, r.Members = c.Group, []kmsg.ConsumerGroupDescribeResponseGroupMember{}
	if g.consumer == nil {
		why := "Group " + c.Group + " is not a consumer group."
		if !g.exists() {
			why = "Group " + c.Group + " not found."
		}
		r.ErrorCode, r.ErrorMessage = NotFound, &why
		m.answer(c.Ticket, r)
		return
	}
	k := g.consumer
	r.State, r.Epoch, r.AssignmentEpoch, r.AssignorName = k.state(), k.epoch, k.targetEpoch, k.assignor()
	for _, id := range k.ids {
		b := k.members[id]
		row := kmsg.NewConsumerGroupDescribeResponseGroupMember()
		row.MemberID, row.InstanceID, row.RackID, row.MemberEpoch = id, b.instance, b.rack, b.epoch
		row.ClientID, row.ClientHost = b.client, b.host
		row.SubscribedTopics = append([]string{}, b.topics...)
		row.SubscribedTopicRegex = &b.regex
		row.Assignment.TopicPartitions = m.describeSet(b.assigned)
		row.TargetAssignment.TopicPartitions = m.describeSet(k.target[id])
		row.MemberType = memberConsumer
		if b.classic != nil {
			row.MemberType = memberClassic
		}
		r.Members = append(r.Members, row)
	}
	m.answer(c.Ticket, r)
}

// describeSet names the topics that there still are.
func (m *Machine) describeSet(s Set) []kmsg.AssignmentTopicPartition {
	out := []kmsg.AssignmentTopicPartition{}
	for _, run := range s.topics() {
		if name, ok := m.topics.Name(run[0].Topic); ok {
			t := kmsg.NewAssignmentTopicPartition()
			t.TopicID, t.Topic, t.Partitions = run[0].Topic, name, run.numbers()
			out = append(out, t)
		}
	}
	return out
}

// mayCommit is [Machine.mayCommit] of a consumer group (C5): who isn't at the epoch that the coordinator has it at commits
// nothing. In Kafka 4.1 that holds for its own last epoch too (KIP-1251 came later).
func (k *consumer) mayCommit(c Call, req *kmsg.OffsetCommitRequest) int16 {
	if req.Generation < 0 && len(k.ids) == 0 {
		return None
	}
	b, known := k.members[req.MemberID]
	switch {
	case !known:
		return UnknownMember
	case b.classic == nil && c.Version < 9:
		return UnsupportedVersion
	}
	return b.stale(req.Generation)
}

// mayFetch refuses a member that says another epoch; who says no epoch may read.
func (k *consumer) mayFetch(f FetchOffsets) int16 {
	if f.MemberID == nil && f.Epoch < 0 {
		return None
	}
	if f.MemberID == nil || !k.has(*f.MemberID) {
		return UnknownMember
	}
	return k.members[*f.MemberID].stale(f.Epoch)
}

func (m consumerMember) stale(epoch int32) int16 {
	switch {
	case epoch == m.epoch:
		return None
	case m.classic != nil:
		return IllegalGeneration
	}
	return StaleMemberEpoch
}

// wants tells whether a member is subscribed to a topic.
func (k *consumer) wants(topic string) bool {
	for _, id := range k.ids {
		m := k.members[id]
		for _, names := range [][]string{m.topics, k.regexes[m.regex].topics} {
			for _, name := range names {
				if name == topic {
					return true
				}
			}
		}
	}
	return false
}
