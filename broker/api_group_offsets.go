package broker

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/broker/group"
)

// offsetCommit has the coordinator commit what exists; partitions that don't are refused here, as in
// KafkaApis.handleOffsetCommitRequest.
func (s *Shard) offsetCommit(r *request, req *kmsg.OffsetCommitRequest) {
	known := *req
	known.Topics = nil
	missing := map[string]map[int32]bool{}
	for _, t := range req.Topics {
		topic := s.meta.TopicByName(t.Topic)
		kt := t
		kt.Partitions = nil
		if topic != nil {
			kt.TopicID = topic.ID
		}
		for _, q := range t.Partitions {
			if topic != nil && topic.Partition(q.Partition) != nil {
				kt.Partitions = append(kt.Partitions, q)
				continue
			}
			if missing[t.Topic] == nil {
				missing[t.Topic] = map[int32]bool{}
			}
			missing[t.Topic][q.Partition] = true
		}
		if len(kt.Partitions) > 0 {
			known.Topics = append(known.Topics, kt)
		}
	}
	respond := func(codeOf func(topic string, partition int32) int16) {
		s.respond(r, commitResponse(req, func(topic string, partition int32) int16 {
			if missing[topic][partition] {
				return errUnknownTopic
			}
			return codeOf(topic, partition)
		}))
	}
	if len(known.Topics) == 0 {
		respond(func(string, int32) int16 { return errNone })
		return
	}
	r.expect(1, func() {
		switch a := r.parts[0].(type) {
		case *kmsg.OffsetCommitResponse:
			respond(codesOf(a))
		case group.Refused:
			respond(func(string, int32) int16 { return int16(a) })
		default: // it may be committed yet (GroupCoordinatorService, REQUEST_TIMED_OUT)
			respond(func(string, int32) int16 { return group.NotAvailable })
		}
	})
	s.callGroup(r, 0, group.Call{Group: req.Group, Body: &known, Seen: groupTopics{s.meta}.Version()}, false)
	s.groupDeadline(r)
}

func codesOf(a *kmsg.OffsetCommitResponse) func(topic string, partition int32) int16 {
	type place struct {
		topic     string
		partition int32
	}
	codes := map[place]int16{}
	for _, t := range a.Topics {
		for _, q := range t.Partitions {
			codes[place{t.Topic, q.Partition}] = q.ErrorCode
		}
	}
	return func(topic string, partition int32) int16 { return codes[place{topic, partition}] }
}

func commitResponse(req *kmsg.OffsetCommitRequest, codeOf func(topic string, partition int32) int16) *kmsg.OffsetCommitResponse {
	resp := kmsg.NewPtrOffsetCommitResponse()
	resp.Topics = []kmsg.OffsetCommitResponseTopic{}
	for _, t := range req.Topics {
		if len(t.Partitions) == 0 {
			continue // as OffsetCommitResponse.Builder does
		}
		rt := kmsg.NewOffsetCommitResponseTopic()
		rt.Topic, rt.Partitions = t.Topic, make([]kmsg.OffsetCommitResponseTopicPartition, len(t.Partitions))
		for j, q := range t.Partitions {
			rp := kmsg.NewOffsetCommitResponseTopicPartition()
			rp.Partition, rp.ErrorCode = q.Partition, codeOf(t.Topic, q.Partition)
			rt.Partitions[j] = rp
		}
		resp.Topics = append(resp.Topics, rt)
	}
	return resp
}

// offsetFetch is of one group up to version 7, and of many from 8 on, each once. Every answer is one that a quorum confirms and that
// has everything which was on its way: what require_stable asks for is always given (there are no transactions yet).
func (s *Shard) offsetFetch(r *request, req *kmsg.OffsetFetchRequest) {
	groups := req.Groups
	if req.Version < 8 {
		one := kmsg.NewOffsetFetchRequestGroup()
		one.Group = req.Group
		for _, t := range req.Topics {
			gt := kmsg.NewOffsetFetchRequestGroupTopic()
			gt.Topic, gt.Partitions = t.Topic, t.Partitions
			one.Topics = append(one.Topics, gt)
		}
		if req.Topics != nil && one.Topics == nil {
			one.Topics = []kmsg.OffsetFetchRequestGroupTopic{}
		}
		groups = []kmsg.OffsetFetchRequestGroup{one}
	}
	groups = namedOnce(groups, func(g kmsg.OffsetFetchRequestGroup) string { return g.Group })
	r.expect(len(groups)+1, func() { s.respondOffsetFetch(r, req, groups) })
	for i, g := range groups {
		f := group.FetchOffsets{MemberID: g.MemberID, Epoch: g.MemberEpoch, Topics: g.Topics, All: g.Topics == nil && (req.Version >= 8 || req.Version >= 2)}
		s.callGroup(r, i, group.Call{Group: g.Group, Body: f}, true)
	}
	s.answered(origin{id: r.id, part: len(groups)}, true)
	s.groupDeadline(r)
}

func (s *Shard) respondOffsetFetch(r *request, req *kmsg.OffsetFetchRequest, groups []kmsg.OffsetFetchRequestGroup) {
	resp := kmsg.NewPtrOffsetFetchResponse()
	resp.Groups = make([]kmsg.OffsetFetchResponseGroup, len(groups))
	room := answerRoom(s.cfg.Limits.GroupsAnswer)
	for i, g := range groups {
		row := kmsg.NewOffsetFetchResponseGroup()
		switch a := r.parts[i].(type) {
		case kmsg.OffsetFetchResponseGroup:
			if row = a; !room.take(sizeOfOffsets(&a)) {
				row = kmsg.NewOffsetFetchResponseGroup()
				row.ErrorCode = group.NotAvailable
			}
		case group.Refused:
			row.ErrorCode = int16(a)
		default: // NOT_COORDINATOR has old consumers look for it again (GroupCoordinatorService.handleOffsetFetchException)
			row.ErrorCode = group.NotCoordinator
		}
		row.Group = g.Group
		resp.Groups[i] = row
	}
	if req.Version < 8 {
		oldOffsetFetch(resp, req)
	}
	s.respond(r, resp)
}

// oldOffsetFetch is a response as it was before many groups: before version 2 the error is each partition's.
func oldOffsetFetch(resp *kmsg.OffsetFetchResponse, req *kmsg.OffsetFetchRequest) {
	g := resp.Groups[0]
	resp.Groups = nil
	resp.Topics = []kmsg.OffsetFetchResponseTopic{}
	if g.ErrorCode != errNone && req.Version >= 2 {
		resp.ErrorCode = g.ErrorCode
		return
	}
	if g.ErrorCode != errNone {
		for _, t := range req.Topics {
			rt := kmsg.NewOffsetFetchResponseTopic()
			rt.Topic = t.Topic
			for _, n := range t.Partitions {
				rp := kmsg.NewOffsetFetchResponseTopicPartition()
				rp.Partition, rp.Offset, rp.LeaderEpoch, rp.ErrorCode, rp.Metadata = n, -1, -1, g.ErrorCode, new(string)
				rt.Partitions = append(rt.Partitions, rp)
			}
			resp.Topics = append(resp.Topics, rt)
		}
		return
	}
	for _, t := range g.Topics {
		rt := kmsg.NewOffsetFetchResponseTopic()
		rt.Topic = t.Topic
		for _, q := range t.Partitions {
			rp := kmsg.NewOffsetFetchResponseTopicPartition()
			rp.Partition, rp.Offset, rp.LeaderEpoch, rp.Metadata, rp.ErrorCode = q.Partition, q.Offset, q.LeaderEpoch, q.Metadata, q.ErrorCode
			rt.Partitions = append(rt.Partitions, rp)
		}
		resp.Topics = append(resp.Topics, rt)
	}
}

// offsetDelete has the coordinator forget offsets of partitions that exist (KafkaApis.handleOffsetDeleteRequest).
func (s *Shard) offsetDelete(r *request, req *kmsg.OffsetDeleteRequest) {
	known := *req
	known.Topics = nil
	unknown := []kmsg.OffsetDeleteResponseTopic{}
	for _, t := range req.Topics {
		topic := s.meta.TopicByName(t.Topic)
		kt, ut := t, kmsg.NewOffsetDeleteResponseTopic()
		kt.Partitions, ut.Topic = nil, t.Topic
		for _, q := range t.Partitions {
			if topic != nil && topic.Partition(q.Partition) != nil {
				kt.Partitions = append(kt.Partitions, q)
				continue
			}
			rp := kmsg.NewOffsetDeleteResponseTopicPartition()
			rp.Partition, rp.ErrorCode = q.Partition, errUnknownTopic
			ut.Partitions = append(ut.Partitions, rp)
		}
		if len(kt.Partitions) > 0 {
			known.Topics = append(known.Topics, kt)
		}
		if len(ut.Partitions) > 0 {
			unknown = append(unknown, ut)
		}
	}
	refused := func(code int16) kmsg.Response {
		resp := kmsg.NewPtrOffsetDeleteResponse()
		resp.ErrorCode = code
		return resp
	}
	s.askGroup(r, req.Group, &known, refused, func(resp kmsg.Response) {
		if a := resp.(*kmsg.OffsetDeleteResponse); a.ErrorCode == errNone {
			a.Topics = mergeDeleted(a.Topics, unknown)
		}
	})
	s.groupDeadline(r)
}

// mergeDeleted has each topic once: clients go by its name.
func mergeDeleted(known, unknown []kmsg.OffsetDeleteResponseTopic) []kmsg.OffsetDeleteResponseTopic {
	for _, t := range unknown {
		if i := slices.IndexFunc(known, func(k kmsg.OffsetDeleteResponseTopic) bool { return k.Topic == t.Topic }); i >= 0 {
			known[i].Partitions = append(known[i].Partitions, t.Partitions...)
			continue
		}
		known = append(known, t)
	}
	return known
}
