package broker

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/broker/group"
)

// consumerGroupDescribe asks each group's coordinator, once. A group of another type isn't there.
//
//	v1: members' types
func (s *Shard) consumerGroupDescribe(r *request, req *kmsg.ConsumerGroupDescribeRequest) {
	ids := namedOnce(req.Groups, itself)
	r.expect(len(ids)+1, func() {
		resp := kmsg.NewPtrConsumerGroupDescribeResponse()
		resp.Groups = make([]kmsg.ConsumerGroupDescribeResponseGroup, len(ids))
		room := answerRoom(s.cfg.Limits.GroupsAnswer)
		for i, id := range ids {
			row, ok := r.parts[i].(kmsg.ConsumerGroupDescribeResponseGroup)
			if !ok || !room.take(sizeOfConsumers(&row)) {
				row = kmsg.NewConsumerGroupDescribeResponseGroup()
				row.ErrorCode, row.Members = refusedWith(r.parts[i]), []kmsg.ConsumerGroupDescribeResponseGroupMember{}
			}
			row.Group = id
			resp.Groups[i] = row
		}
		s.respond(r, resp)
	})
	for i, id := range ids {
		if id == "" { // KafkaApis and GroupCoordinatorService.consumerGroupDescribe
			s.answered(origin{id: r.id, part: i}, group.Refused(group.InvalidGroup))
			continue
		}
		s.callGroup(r, i, group.Call{Group: id, Body: group.DescribeConsumer{}}, false)
	}
	s.answered(origin{id: r.id, part: len(ids)}, true)
	s.groupDeadline(r)
}
