package group

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// The bodies of calls that have no Kafka request of their own for one group; see [Call].
type (
	FetchOffsets struct {
		MemberID *string // from OffsetFetch 9 on
		Epoch    int32   // of a member of a KIP-848 group
		Topics   []kmsg.OffsetFetchRequestGroupTopic
		All      bool // all that there are, instead of Topics
	}
	Describe         struct{}
	DescribeConsumer struct{}
	Delete           struct{}
	List             struct{ States, Types []string } // nothing in a filter is no filter
)

// dispatch has a call wait for its turn.
func (m *Machine) dispatch(c Call) {
	if l, ok := c.Body.(List); ok {
		m.answer(c.Ticket, m.list(l))
		return
	}
	o := op{ticket: c.Ticket}
	switch body := c.Body.(type) {
	case *kmsg.JoinGroupRequest:
		o.run = func(g *group) { m.join(g, c, body) }
	case *kmsg.SyncGroupRequest:
		o.run = func(g *group) { m.sync(g, c, body) }
	case *kmsg.HeartbeatRequest:
		o.run = func(g *group) { m.heartbeat(g, c, body) }
	case *kmsg.LeaveGroupRequest:
		o.run = func(g *group) { m.leave(g, c, body) }
	case *kmsg.OffsetCommitRequest:
		o.run = func(g *group) { m.commit(g, c, body) }
	case FetchOffsets:
		o.need, o.run = needWhole, func(g *group) { m.fetch(g, c, body) }
	case *kmsg.OffsetDeleteRequest:
		o.need, o.run = needWhole, func(g *group) { m.deleteOffsets(g, c, body) }
	case *kmsg.ConsumerGroupHeartbeatRequest:
		o.run = func(g *group) { m.consumerHeartbeat(g, c, body) }
	case DescribeConsumer:
		o.run = func(g *group) { m.describeConsumer(g, c) }
	case Describe:
		o.run = func(g *group) { m.describe(g, c) }
	case Delete:
		o.need, o.run = needWhole, func(g *group) { m.delete(g, c) }
	default:
		panic(fmt.Sprintf("group: call of unknown type %T", body))
	}
	m.admit(m.groupOf(c.Group), o)
}

// wants tells whether members are subscribed to a topic.
func (g *group) wants(topic string) bool {
	return g.consumer != nil && g.consumer.wants(topic) || g.classic.wants(topic)
}

// vacant reports whether nobody is a member, nor is about to be.
func (g *group) vacant() bool {
	return (g.consumer == nil || len(g.consumer.ids) == 0) && (g.classic == nil || g.classic.state == empty)
}

// exists reports whether Kafka would know the group: something was written of it, or someone has joined.
func (g *group) exists() bool { return !g.table.empty() || g.classic.used() }
