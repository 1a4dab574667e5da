package broker

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/broker/group"
)

// Key types of FindCoordinator.
const (
	coordinatorGroup = int8(0)
	coordinatorTxn   = int8(1)
	coordinatorShare = int8(2)
)

// findCoordinator names the leader of the partition that a group belongs to; up to version 3 of one group, from 4 on of many.
// The topic is made when the first client asks. There are no coordinators of other kinds: for them INVALID_REQUEST ends a
// client's attempt; COORDINATOR_NOT_AVAILABLE would make it wait for ever.
func (s *Shard) findCoordinator(r *request, req *kmsg.FindCoordinatorRequest) {
	if req.CoordinatorType == coordinatorGroup && s.meta.TopicByName(topicOffsets) == nil {
		s.makeOffsets()
	}
	s.respond(r, findCoordinator(req, s.meta, s.view.leaderOf))
}

func findCoordinator(req *kmsg.FindCoordinatorRequest, m *Meta, lead leaders) *kmsg.FindCoordinatorResponse {
	resp := kmsg.NewPtrFindCoordinatorResponse()
	resp.Version = req.Version
	if req.Version < 4 {
		row := coordinatorOf(req.CoordinatorType, req.CoordinatorKey, m, lead)
		resp.ErrorCode, resp.ErrorMessage = row.ErrorCode, row.ErrorMessage
		resp.NodeID, resp.Host, resp.Port = row.NodeID, row.Host, row.Port
		return resp
	}
	resp.Coordinators = make([]kmsg.FindCoordinatorResponseCoordinator, len(req.CoordinatorKeys))
	for i, key := range req.CoordinatorKeys {
		resp.Coordinators[i] = coordinatorOf(req.CoordinatorType, key, m, lead)
	}
	return resp
}

func coordinatorOf(kind int8, key string, m *Meta, lead leaders) kmsg.FindCoordinatorResponseCoordinator {
	row := kmsg.NewFindCoordinatorResponseCoordinator()
	row.Key, row.NodeID, row.Port = key, noBroker, -1
	refuse := func(code int16, why string) kmsg.FindCoordinatorResponseCoordinator {
		row.ErrorCode, row.ErrorMessage = code, &why
		return row
	}
	if kind != coordinatorGroup {
		return refuse(errBadRequest, coordinatorRefusal(kind))
	}
	t := m.TopicByName(topicOffsets)
	if t == nil {
		return refuse(group.NotAvailable, "the topic that groups are kept in is being made; try again")
	}
	n := group.PartitionFor(key, int32(len(t.Partitions)))
	id, _, ok := reachable(m, lead, t.Partitions[n].Group)
	if !ok {
		return refuse(group.NotAvailable, "the partition that the group is kept in has no leader that is known here; try again")
	}
	b := m.Broker(id)
	row.NodeID, row.Host, row.Port = id, b.Host, b.Port
	return row
}

func coordinatorRefusal(kind int8) string {
	switch kind {
	case coordinatorTxn:
		return "transactions are not served yet"
	case coordinatorShare:
		return "share groups are not served yet"
	}
	return "unknown kind of coordinator"
}
