package broker

import (
	"github.com/twmb/franz-go/pkg/kmsg"
)

// exampleOfGroups is a request of a consumer group, and a response, which is only encoded.
func exampleOfGroups(key, version int16) (kmsg.Request, kmsg.Response) {
	text := kmsg.StringPtr
	switch key {
	case keyOffsetCommit:
		req, resp := kmsg.NewPtrOffsetCommitRequest(), kmsg.NewPtrOffsetCommitResponse()
		in := kmsg.NewOffsetCommitRequestTopicPartition()
		in.Partition, in.Offset, in.LeaderEpoch, in.Metadata = 1, 41, 7, text("m")
		req.Group, req.Generation, req.MemberID, req.InstanceID = "g", 3, "c-1", text("i")
		req.Topics = []kmsg.OffsetCommitRequestTopic{{Topic: "a", Partitions: []kmsg.OffsetCommitRequestTopicPartition{in}}}
		resp.Topics = []kmsg.OffsetCommitResponseTopic{{Topic: "a", Partitions: []kmsg.OffsetCommitResponseTopicPartition{{Partition: 1, ErrorCode: 22}}}}
		return req, resp
	case keyOffsetFetch:
		req, resp := kmsg.NewPtrOffsetFetchRequest(), kmsg.NewPtrOffsetFetchResponse()
		req.Group, req.RequireStable = "g", true
		req.Topics = []kmsg.OffsetFetchRequestTopic{{Topic: "a", Partitions: []int32{1}}}
		req.Groups = []kmsg.OffsetFetchRequestGroup{{Group: "g", MemberEpoch: -1, Topics: []kmsg.OffsetFetchRequestGroupTopic{{Topic: "a", Partitions: []int32{1}}}},
			{Group: "h", MemberEpoch: -1}}
		resp.Groups = []kmsg.OffsetFetchResponseGroup{{Group: "g", Topics: []kmsg.OffsetFetchResponseGroupTopic{{Topic: "a",
			Partitions: []kmsg.OffsetFetchResponseGroupTopicPartition{{Partition: 1, Offset: 41, LeaderEpoch: 7, Metadata: text("m")}}}}}, {Group: "h", ErrorCode: 16}}
		if version < 8 {
			resp.Groups = resp.Groups[:1]
			oldOffsetFetch(resp, req)
		}
		return req, resp
	case keyJoinGroup:
		req, resp := kmsg.NewPtrJoinGroupRequest(), kmsg.NewPtrJoinGroupResponse()
		req.Group, req.SessionTimeoutMillis, req.RebalanceTimeoutMillis, req.InstanceID, req.ProtocolType = "g", 45000, 60000, text("i"), "consumer"
		req.Protocols = []kmsg.JoinGroupRequestProtocol{{Name: "range", Metadata: []byte{0, 1}}}
		resp.Generation, resp.ProtocolType, resp.Protocol, resp.LeaderID, resp.MemberID, resp.SkipAssignment = 3, text("consumer"), text("range"), "i-1", "i-1", true
		resp.Members = []kmsg.JoinGroupResponseMember{{MemberID: "i-1", InstanceID: text("i"), ProtocolMetadata: []byte{0, 1}}}
		return req, resp
	case keySyncGroup:
		req, resp := kmsg.NewPtrSyncGroupRequest(), kmsg.NewPtrSyncGroupResponse()
		req.Group, req.Generation, req.MemberID, req.InstanceID, req.ProtocolType, req.Protocol = "g", 3, "i-1", text("i"), text("consumer"), text("range")
		req.GroupAssignment = []kmsg.SyncGroupRequestGroupAssignment{{MemberID: "i-1", MemberAssignment: []byte{0, 2}}}
		resp.ProtocolType, resp.Protocol, resp.MemberAssignment = text("consumer"), text("range"), []byte{0, 2}
		return req, resp
	}
	return exampleOfMembers(key)
}

func exampleOfMembers(key int16) (kmsg.Request, kmsg.Response) {
	text := kmsg.StringPtr
	switch key {
	case keyHeartbeat:
		req, resp := kmsg.NewPtrHeartbeatRequest(), kmsg.NewPtrHeartbeatResponse()
		req.Group, req.Generation, req.MemberID, req.InstanceID = "g", 3, "i-1", text("i")
		resp.ErrorCode = 27
		return req, resp
	case keyLeaveGroup:
		req, resp := kmsg.NewPtrLeaveGroupRequest(), kmsg.NewPtrLeaveGroupResponse()
		req.Group, req.MemberID = "g", "i-1"
		req.Members = []kmsg.LeaveGroupRequestMember{{MemberID: "i-1", InstanceID: text("i"), Reason: text("enough")}}
		resp.Members = []kmsg.LeaveGroupResponseMember{{MemberID: "i-1", InstanceID: text("i"), ErrorCode: 25}}
		return req, resp
	case keyDescribeGroups:
		req, resp := kmsg.NewPtrDescribeGroupsRequest(), kmsg.NewPtrDescribeGroupsResponse()
		req.Groups, req.IncludeAuthorizedOperations = []string{"g"}, true
		out := kmsg.NewDescribeGroupsResponseGroup()
		out.Group, out.State, out.ProtocolType, out.Protocol = "g", "Stable", "consumer", "range"
		out.Members = []kmsg.DescribeGroupsResponseGroupMember{{MemberID: "i-1", InstanceID: text("i"), ClientID: "c", ClientHost: "/127.0.0.1", ProtocolMetadata: []byte{0, 1}, MemberAssignment: []byte{0, 2}}}
		resp.Groups = []kmsg.DescribeGroupsResponseGroup{out}
		return req, resp
	case keyListGroups:
		req, resp := kmsg.NewPtrListGroupsRequest(), kmsg.NewPtrListGroupsResponse()
		req.StatesFilter, req.TypesFilter = []string{"Stable"}, []string{"classic"}
		resp.Groups = []kmsg.ListGroupsResponseGroup{{Group: "g", ProtocolType: "consumer", GroupState: "Stable", GroupType: "classic"}}
		return req, resp
	case keyDeleteGroups:
		req, resp := kmsg.NewPtrDeleteGroupsRequest(), kmsg.NewPtrDeleteGroupsResponse()
		req.Groups = []string{"g"}
		resp.Groups = []kmsg.DeleteGroupsResponseGroup{{Group: "g", ErrorCode: 68}}
		return req, resp
	case keyConsumerGroupHeartbeat:
		req, resp := kmsg.NewPtrConsumerGroupHeartbeatRequest(), kmsg.NewPtrConsumerGroupHeartbeatResponse()
		req.Group, req.MemberID, req.MemberEpoch, req.InstanceID, req.RackID, req.RebalanceTimeoutMillis = "g", "m", 3, text("i"), text("r"), 60000
		req.SubscribedTopicNames, req.SubscribedTopicRegex, req.ServerAssignor = []string{"a"}, text("a.*"), text("uniform")
		req.Topics = []kmsg.ConsumerGroupHeartbeatRequestTopic{{TopicID: [16]byte{1}, Partitions: []int32{0, 2}}}
		resp.MemberID, resp.MemberEpoch, resp.HeartbeatIntervalMillis = text("m"), 4, 5000
		resp.Assignment = &kmsg.ConsumerGroupHeartbeatResponseAssignment{Topics: []kmsg.ConsumerGroupHeartbeatResponseAssignmentTopic{{TopicID: [16]byte{1}, Partitions: []int32{0}}}}
		return req, resp
	case keyConsumerGroupDescribe:
		req, resp := kmsg.NewPtrConsumerGroupDescribeRequest(), kmsg.NewPtrConsumerGroupDescribeResponse()
		req.Groups = []string{"g"}
		out := kmsg.NewConsumerGroupDescribeResponseGroup()
		out.Group, out.State, out.Epoch, out.AssignmentEpoch, out.AssignorName = "g", "Stable", 4, 4, "uniform"
		m := kmsg.NewConsumerGroupDescribeResponseGroupMember()
		m.MemberID, m.InstanceID, m.RackID, m.MemberEpoch, m.ClientID, m.ClientHost = "m", text("i"), text("r"), 4, "c", "/127.0.0.1"
		m.SubscribedTopics, m.SubscribedTopicRegex, m.MemberType = []string{"a"}, text("a.*"), 1
		m.Assignment.TopicPartitions = []kmsg.AssignmentTopicPartition{{TopicID: [16]byte{1}, Topic: "a", Partitions: []int32{0}}}
		out.Members = append(out.Members, m)
		resp.Groups = []kmsg.ConsumerGroupDescribeResponseGroup{out}
		return req, resp
	case keyOffsetDelete:
		req, resp := kmsg.NewPtrOffsetDeleteRequest(), kmsg.NewPtrOffsetDeleteResponse()
		req.Group, req.Topics = "g", []kmsg.OffsetDeleteRequestTopic{{Topic: "a", Partitions: []kmsg.OffsetDeleteRequestTopicPartition{{Partition: 1}}}}
		resp.Topics = []kmsg.OffsetDeleteResponseTopic{{Topic: "a", Partitions: []kmsg.OffsetDeleteResponseTopicPartition{{Partition: 1, ErrorCode: 86}}}}
		return req, resp
	}
	return nil, nil
}
