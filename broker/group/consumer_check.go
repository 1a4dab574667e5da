package group

import (
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// fault is why a request is refused; its zero value is none.
type fault struct {
	code    int16
	message string
}

func faulty(code int16, format string, args ...any) fault {
	return fault{code, fmt.Sprintf(format, args...)}
}

// checkHeartbeat refuses what no group has to look at (Kafka's GroupCoordinatorService.throwIfConsumerGroupHeartbeatRequestIsInvalid).
func checkHeartbeat(req *kmsg.ConsumerGroupHeartbeatRequest) fault {
	blank := func(s *string) bool { return s != nil && strings.TrimSpace(*s) == "" }
	switch {
	case blank(&req.Group):
		return faulty(InvalidRequest, "GroupId can't be empty.")
	case blank(req.InstanceID):
		return faulty(InvalidRequest, "InstanceId can't be empty.")
	case blank(req.RackID):
		return faulty(InvalidRequest, "RackId can't be empty.")
	case blank(&req.MemberID) && (req.MemberEpoch != epochJoin || req.Version >= 1):
		return faulty(InvalidRequest, "MemberId can't be empty.") // since version 1 clients make their ids
	case req.MemberEpoch < epochStaticLeave:
		return faulty(InvalidRequest, "MemberEpoch is invalid.")
	case req.MemberEpoch == epochStaticLeave && req.InstanceID == nil:
		return faulty(InvalidRequest, "InstanceId can't be null.")
	case req.MemberEpoch == epochJoin:
		if f := checkJoin(req); f.code != None {
			return f
		}
	}
	if a := req.ServerAssignor; a != nil {
		if _, ok := assignorNamed(*a); !ok {
			return faulty(UnsupportedAssignor, "ServerAssignor %s is not supported. Supported assignors: %s.", *a, assignorNames())
		}
	}
	return fault{}
}

func checkJoin(req *kmsg.ConsumerGroupHeartbeatRequest) fault {
	switch {
	case req.RebalanceTimeoutMillis == -1:
		return faulty(InvalidRequest, "RebalanceTimeoutMs must be provided in first request.")
	case req.Topics == nil || len(req.Topics) > 0:
		return faulty(InvalidRequest, "TopicPartitions must be empty when (re-)joining.")
	case req.SubscribedTopicNames == nil && req.SubscribedTopicRegex == nil:
		return faulty(InvalidRequest, "Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.")
	}
	return fault{}
}

func assignorNames() string {
	var names []string
	for _, a := range assignors {
		names = append(names, a.name)
	}
	return strings.Join(names, ", ")
}

// checkEpoch refuses a member that says another epoch than the coordinator's, unless it is the one before and the response
// with the new one may have been lost: then it can't have more than it was given.
func checkEpoch(m consumerMember, req *kmsg.ConsumerGroupHeartbeatRequest) fault {
	switch epoch := req.MemberEpoch; {
	case epoch == epochJoin || epoch == m.epoch:
		return fault{}
	case epoch > m.epoch:
		return faulty(FencedMemberEpoch, "The consumer group member has a greater member epoch (%d) than the one known by the group coordinator (%d). The member must abandon all its partitions and rejoin.", epoch, m.epoch)
	case epoch != m.before || req.Topics == nil || !ownedOf(req).within(m.assigned):
		return faulty(FencedMemberEpoch, "The consumer group member has a smaller member epoch (%d) than the one known by the group coordinator (%d). The member must abandon all its partitions and rejoin.", epoch, m.epoch)
	}
	return fault{}
}

func ownedOf(req *kmsg.ConsumerGroupHeartbeatRequest) Set {
	var parts []Part
	for _, t := range req.Topics {
		for _, p := range t.Partitions {
			parts = append(parts, Part{t.TopicID, p})
		}
	}
	return makeSet(parts)
}

// hasRoom tells whether a member can join: it is one already, or takes the place of one, or there is room for one more.
func (m *Machine) hasRoom(g *group, id string, instance *string) bool {
	n := 0
	if c := g.consumer; c != nil {
		n = len(c.ids)
		if c.has(id) {
			return true
		}
		if instance != nil && c.statics[*instance] != "" {
			return true
		}
	}
	return n < m.cfg.ConsumerMaxSize && m.members < m.cfg.Members && m.live < m.cfg.StateBytes
}
