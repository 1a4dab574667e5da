package broker

import "github.com/twmb/franz-go/pkg/kmsg"

// answerRoom is how many bytes a response still has room for. What a group has that finds none is answered COORDINATOR_NOT_AVAILABLE,
// upon which clients ask for it again, and by itself at last.
type answerRoom int

func (a *answerRoom) take(size int) bool {
	if size > int(*a) {
		return false
	}
	*a -= answerRoom(size)
	return true
}

// rowBytes is what a row takes beside its strings, about.
const rowBytes = 32

func sizeOf(s *string) int {
	if s == nil {
		return 0
	}
	return len(*s)
}

func sizeOfDescribed(g *kmsg.DescribeGroupsResponseGroup) int {
	n := rowBytes + len(g.Group) + len(g.ProtocolType) + len(g.Protocol)
	for i := range g.Members {
		m := &g.Members[i]
		n += rowBytes + len(m.MemberID) + sizeOf(m.InstanceID) + len(m.ClientID) + len(m.ClientHost) + len(m.ProtocolMetadata) + len(m.MemberAssignment)
	}
	return n
}

func sizeOfConsumers(g *kmsg.ConsumerGroupDescribeResponseGroup) int {
	n := rowBytes + len(g.Group) + len(g.AssignorName)
	for i := range g.Members {
		m := &g.Members[i]
		n += rowBytes + len(m.MemberID) + sizeOf(m.InstanceID) + sizeOf(m.RackID) + len(m.ClientID) + len(m.ClientHost) + sizeOf(m.SubscribedTopicRegex)
		for _, name := range m.SubscribedTopics {
			n += 2 + len(name)
		}
		for _, a := range [...]kmsg.Assignment{m.Assignment, m.TargetAssignment} {
			for k := range a.TopicPartitions {
				n += rowBytes + len(a.TopicPartitions[k].Topic) + 4*len(a.TopicPartitions[k].Partitions)
			}
		}
	}
	return n
}

func sizeOfOffsets(g *kmsg.OffsetFetchResponseGroup) int {
	n := rowBytes + len(g.Group)
	for i := range g.Topics {
		n += rowBytes + len(g.Topics[i].Topic)
		for k := range g.Topics[i].Partitions {
			n += rowBytes + sizeOf(g.Topics[i].Partitions[k].Metadata)
		}
	}
	return n
}
