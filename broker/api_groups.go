package broker

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/broker/group"
)

// describeGroups asks each group's coordinator, once. From version 6 on a group that isn't there is an error.
func (s *Shard) describeGroups(r *request, req *kmsg.DescribeGroupsRequest) {
	ids := namedOnce(req.Groups, itself)
	r.expect(len(ids)+1, func() {
		resp := kmsg.NewPtrDescribeGroupsResponse()
		resp.Groups = make([]kmsg.DescribeGroupsResponseGroup, len(ids))
		room := answerRoom(s.cfg.Limits.GroupsAnswer)
		for i, id := range ids {
			row, ok := r.parts[i].(kmsg.DescribeGroupsResponseGroup)
			if !ok || !room.take(sizeOfDescribed(&row)) {
				row = kmsg.NewDescribeGroupsResponseGroup()
				row.ErrorCode = refusedWith(r.parts[i])
			}
			row.Group = id
			resp.Groups[i] = row
		}
		s.respond(r, resp)
	})
	for i, id := range ids {
		s.callGroup(r, i, group.Call{Group: id, Body: group.Describe{}}, false)
	}
	s.answered(origin{id: r.id, part: len(ids)}, true)
	s.groupDeadline(r)
}

// refusedWith is the code of an answer that isn't what was asked for, that didn't come in time, or that has no room.
func refusedWith(a any) int16 {
	if code, ok := a.(group.Refused); ok {
		return int16(code)
	}
	return group.NotAvailable
}

// deleteGroups asks each group's coordinator, once.
func (s *Shard) deleteGroups(r *request, req *kmsg.DeleteGroupsRequest) {
	ids := namedOnce(req.Groups, itself)
	r.expect(len(ids)+1, func() {
		resp := kmsg.NewPtrDeleteGroupsResponse()
		resp.Groups = make([]kmsg.DeleteGroupsResponseGroup, len(ids))
		for i, id := range ids {
			row, ok := r.parts[i].(kmsg.DeleteGroupsResponseGroup)
			if !ok {
				row = kmsg.NewDeleteGroupsResponseGroup()
				row.ErrorCode = refusedWith(r.parts[i])
			}
			row.Group = id
			resp.Groups[i] = row
		}
		s.respond(r, resp)
	})
	for i, id := range ids {
		s.callGroup(r, i, group.Call{Group: id, Body: group.Delete{}}, false)
	}
	s.answered(origin{id: r.id, part: len(ids)}, true)
	s.groupDeadline(r)
}

// listGroups is of the groups that this broker coordinates: clients ask all brokers.
func (s *Shard) listGroups(r *request, req *kmsg.ListGroupsRequest) {
	var partitions []Placement
	if t := s.meta.TopicByName(topicOffsets); t != nil {
		partitions = t.Partitions
	}
	r.expect(len(partitions)+1, func() {
		resp := kmsg.NewPtrListGroupsResponse()
		resp.Groups = []kmsg.ListGroupsResponseGroup{}
		for _, a := range r.parts[:len(partitions)] {
			switch a := a.(type) {
			case []kmsg.ListGroupsResponseGroup:
				resp.Groups = append(resp.Groups, a...)
			case group.Refused:
				if int16(a) != group.NotCoordinator {
					resp.ErrorCode = int16(a)
				}
			default:
				resp.ErrorCode = group.NotAvailable
			}
		}
		if resp.ErrorCode != errNone {
			resp.Groups = resp.Groups[:0]
		}
		s.respond(r, resp)
	})
	list := group.List{States: slices.Clone(req.StatesFilter), Types: slices.Clone(req.TypesFilter)}
	for i := range partitions {
		s.call(r, i, partitions[i].Group, groupCall{c: group.Call{Body: list}})
	}
	s.answered(origin{id: r.id, part: len(partitions)}, true)
	s.groupDeadline(r)
}
