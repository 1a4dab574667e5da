package e2e

import (
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

func joinOf(group, member string, protocols ...string) *kmsg.JoinGroupRequest {
	r := kmsg.NewPtrJoinGroupRequest()
	r.Group, r.MemberID, r.SessionTimeoutMillis, r.RebalanceTimeoutMillis, r.ProtocolType = group, member, 10_000, 3000, "consumer"
	for _, p := range protocols {
		r.Protocols = append(r.Protocols, kmsg.JoinGroupRequestProtocol{Name: p, Metadata: []byte("m")})
	}
	return r
}

func syncOf(group, member string, generation int32, assigned ...string) *kmsg.SyncGroupRequest {
	r := kmsg.NewPtrSyncGroupRequest()
	kind, protocol := "consumer", "range"
	r.Group, r.MemberID, r.Generation, r.ProtocolType, r.Protocol = group, member, generation, &kind, &protocol
	for _, m := range assigned {
		r.GroupAssignment = append(r.GroupAssignment, kmsg.SyncGroupRequestGroupAssignment{MemberID: m, MemberAssignment: []byte("a")})
	}
	return r
}

func beatOf(group, member string, generation int32) *kmsg.HeartbeatRequest {
	r := kmsg.NewPtrHeartbeatRequest()
	r.Group, r.MemberID, r.Generation = group, member, generation
	return r
}

func leaveOf(group string, members ...string) *kmsg.LeaveGroupRequest {
	r := kmsg.NewPtrLeaveGroupRequest()
	r.Group = group
	for _, m := range members {
		row := kmsg.NewLeaveGroupRequestMember()
		row.MemberID = m
		r.Members = append(r.Members, row)
	}
	return r
}

func commitOf(group, member string, generation int32, topic string, partition int32, offset int64) *kmsg.OffsetCommitRequest {
	r := kmsg.NewPtrOffsetCommitRequest()
	r.Group, r.MemberID, r.Generation = group, member, generation
	p := kmsg.NewOffsetCommitRequestTopicPartition()
	meta := "m"
	p.Partition, p.Offset, p.Metadata = partition, offset, &meta
	r.Topics = []kmsg.OffsetCommitRequestTopic{{Topic: topic, Partitions: []kmsg.OffsetCommitRequestTopicPartition{p}}}
	return r
}

func committedOf(group string, topics ...string) *kmsg.OffsetFetchRequest {
	r := kmsg.NewPtrOffsetFetchRequest()
	g := kmsg.NewOffsetFetchRequestGroup()
	g.Group = group
	for _, t := range topics {
		rt := kmsg.NewOffsetFetchRequestGroupTopic()
		rt.Topic, rt.Partitions = t, []int32{0}
		g.Topics = append(g.Topics, rt)
	}
	r.Groups = []kmsg.OffsetFetchRequestGroup{g}
	return r
}

// joined makes a stable group of one member and returns its id.
func (k *asker) joined(group string) string {
	first, ok := k.ask(9, joinOf(group, "", "range")).(*kmsg.JoinGroupResponse)
	if !ok {
		return ""
	}
	k.ask(9, joinOf(group, first.MemberID, "range"))
	k.ask(5, syncOf(group, first.MemberID, 1, first.MemberID))
	return first.MemberID
}

func (k *asker) left(group, member string) { k.ask(5, leaveOf(group, member)) }

var groupQuestions = []question{
	{"group: a member's life", func(k *asker) {
		m := k.joined("life")
		k.ask(4, beatOf("life", m, 1))
		k.ask(4, beatOf("life", m, 0))
		k.ask(4, beatOf("life", m, 2))
		k.ask(4, beatOf("life", "x", 1))
		k.ask(5, syncOf("life", m, 0))
		k.ask(5, syncOf("life", "x", 1))
		k.ask(9, joinOf("life", "x", "range"))
		k.ask(9, joinOf("life", m, "sticky"))
		k.ask(5, syncOf("life", m, 1, m))
		k.ask(6, describesGroup("life"))
		k.ask(5, leaveOf("life", m, m, "x", ""))
		k.ask(6, describesGroup("life"))
		k.ask(4, beatOf("life", m, 1))
	}},
	{"group: another protocol of a stable group", func(k *asker) {
		m := k.joined("other")
		r := joinOf("other", "", "cooperative")
		k.ask(9, r)
		r = joinOf("other", "", "range")
		r.ProtocolType = "connect"
		k.ask(9, r)
		s := syncOf("other", m, 1, m)
		kind := "connect"
		s.ProtocolType = &kind
		k.ask(5, s)
		protocol := "sticky"
		s = syncOf("other", m, 1, m)
		s.Protocol = &protocol
		k.ask(5, s)
		s.ProtocolType, s.Protocol = nil, nil
		k.ask(5, s)
		k.ask(3, s)
		k.left("other", m)
	}},
	{"group: joins that are refused", func(k *asker) {
		k.ask(9, joinOf("", "", "range"))
		k.ask(9, joinOf("refused", ""))
		r := joinOf("refused", "", "range")
		r.ProtocolType = ""
		k.ask(9, r)
		r = joinOf("refused", "", "range")
		r.SessionTimeoutMillis = 5999
		k.ask(9, r)
		r.SessionTimeoutMillis = 1_800_001
		k.ask(9, r)
		r.SessionTimeoutMillis = -1
		k.ask(9, r)
		k.ask(9, joinOf("refused", "x", "range"))
		id := ""
		r = joinOf("refused", "", "range")
		r.InstanceID = &id
		k.ask(9, r)
		id2 := "a b"
		r.InstanceID = &id2
		k.ask(9, r)
		id3 := strings.Repeat("i", 250)
		r.InstanceID = &id3
		k.ask(9, r)
	}},
	{"group: what isn't there", func(k *asker) {
		k.ask(4, beatOf("nobody", "m", 1))
		k.ask(4, beatOf("", "m", 1))
		k.ask(5, syncOf("nobody", "m", 1))
		k.ask(5, syncOf("", "m", 1))
		k.ask(5, leaveOf("nobody", "m"))
		k.ask(5, leaveOf("nobody"))
		k.ask(5, leaveOf("", "m"))
		old := kmsg.NewPtrLeaveGroupRequest()
		old.Group, old.MemberID = "nobody", "m"
		k.ask(2, old)
		k.ask(6, describesGroup("nobody", "nobody"))
		k.ask(5, describesGroup("nobody"))
		k.ask(2, deletesGroup("nobody", "nobody"))
	}},
	{"group: without a name", func(k *asker) {
		k.ask(6, describesGroup(""))
		k.ask(2, deletesGroup(""))
		k.ask(0, forgets("", "t", 0))
		k.ask(9, committedOf("", "t"))
		k.ask(8, commitOf("", "", -1, "t", 0, 3))
		k.ask(9, committedOf("", "t"))
		k.ask(6, describesGroup(""))
		k.ask(0, forgets("", "t", 0))
		k.ask(2, deletesGroup(""))
		k.ask(2, deletesGroup(""))
	}},
	{"group: version 3 joins without an id", func(k *asker) {
		k.ask(3, joinOf("three", "", "range", "roundrobin"))
	}},
	{"group: a static member and its successor", func(k *asker) {
		instance := "i"
		r := joinOf("static", "", "range")
		r.InstanceID = &instance
		k.quiet = true
		first, ok := k.ask(9, r).(*kmsg.JoinGroupResponse)
		if !ok {
			return
		}
		k.ask(5, syncOf("static", first.MemberID, 1, first.MemberID))
		second := k.ask(9, r).(*kmsg.JoinGroupResponse)
		k.quiet = false
		k.say(codeName(first.ErrorCode) + " " + codeName(second.ErrorCode))
		h := beatOf("static", first.MemberID, 1)
		h.InstanceID = &instance
		k.ask(4, h)
		k.ask(4, beatOf("static", first.MemberID, 1))
		h.MemberID = second.MemberID
		k.ask(4, h)
		h.InstanceID = new(string)
		k.ask(4, h)
		s := syncOf("static", first.MemberID, 1)
		s.InstanceID = &instance
		k.ask(5, s)
		c := commitOf("static", first.MemberID, 1, "t", 0, 1)
		c.InstanceID = &instance
		k.ask(8, c)
		l := leaveOf("static", first.MemberID)
		l.Members[0].InstanceID = &instance
		k.ask(5, l)
		nobody := "nobody"
		l.Members[0].InstanceID = &nobody
		k.ask(5, l)
		l.Members[0].InstanceID, l.Members[0].MemberID = &instance, ""
		k.ask(5, l)
		k.ask(5, l)
	}},
	{"group: list and delete", func(k *asker) {
		m := k.joined("listed")
		for _, f := range [][2]string{{"", ""}, {"Stable", ""}, {"stable", ""}, {"Empty", ""}, {"No", ""}, {"", "classic"}, {"", "Classic"}, {"", "consumer"}, {"", "no"}, {"Stable", "classic"}} {
			r := kmsg.NewPtrListGroupsRequest()
			if f[0] != "" {
				r.StatesFilter = []string{f[0]}
			}
			if f[1] != "" {
				r.TypesFilter = []string{f[1]}
			}
			k.quiet = true
			resp, ok := k.ask(5, r).(*kmsg.ListGroupsResponse)
			k.quiet = false
			if !ok {
				return
			}
			line := f[0] + "/" + f[1] + ": " + codeName(resp.ErrorCode)
			for _, g := range resp.Groups {
				if g.Group == "listed" {
					line += " " + render2(g)
				}
			}
			k.say(line)
		}
		k.ask(2, deletesGroup("listed"))
		k.left("listed", m)
		k.ask(2, deletesGroup("listed"))
		k.ask(2, deletesGroup("listed"))
		k.ask(6, describesGroup("listed"))
	}},
}

func describesGroup(ids ...string) *kmsg.DescribeGroupsRequest {
	r := kmsg.NewPtrDescribeGroupsRequest()
	r.Groups = ids
	return r
}

func deletesGroup(ids ...string) *kmsg.DeleteGroupsRequest {
	r := kmsg.NewPtrDeleteGroupsRequest()
	r.Groups = ids
	return r
}

func forgets(group, topic string, partition int32) *kmsg.OffsetDeleteRequest {
	r := kmsg.NewPtrOffsetDeleteRequest()
	r.Group = group
	r.Topics = []kmsg.OffsetDeleteRequestTopic{{Topic: topic, Partitions: []kmsg.OffsetDeleteRequestTopicPartition{{Partition: partition}}}}
	return r
}

var offsetQuestions = []question{
	{"offsets: of nobody's group", func(k *asker) {
		k.ask(9, committedOf("simple", "t"))
		k.ask(9, committedOf("simple"))
		k.ask(8, commitOf("simple", "", -1, "t", 0, 3))
		k.ask(9, committedOf("simple", "t", "nowhere"))
		k.ask(9, committedOf("simple"))
		k.ask(6, describesGroup("simple"))
		k.ask(8, commitOf("simple", "", -1, "t", 0, -1))
		k.ask(8, commitOf("simple", "", -1, "t", 0, -5))
		k.ask(9, committedOf("simple", "t"))
		k.ask(8, commitOf("simple", "m", -1, "t", 0, 4))
		k.ask(8, commitOf("simple", "", 0, "t", 0, 4))
		k.ask(8, commitOf("simple", "m", 5, "t", 0, 4))
		k.ask(0, forgets("simple", "t", 0))
		k.ask(0, forgets("simple", "t", 0))
		k.ask(9, committedOf("simple", "t"))
	}},
	{"offsets: commits that are refused", func(k *asker) {
		k.ask(8, commitOf("refused2", "", -1, "nowhere", 0, 3))
		k.ask(8, commitOf("refused2", "", -1, "t", 7, 3))
		k.ask(8, commitOf("refused2", "", -1, "", 0, 3))
		k.ask(8, commitOf("refused2", "", -1, "a b", 0, 3))
		k.ask(8, commitOf("refused2", "m", 1, "t", 0, 3))
		k.ask(9, commitOf("refused2", "m", 1, "t", 0, 3))
		k.ask(9, commitOf("refused2", "m", 0, "t", 0, 3))
		r := commitOf("refused2", "", -1, "t", 0, 3)
		long := strings.Repeat("m", 4097)
		r.Topics[0].Partitions[0].Metadata = &long
		k.ask(8, r)
		r.Topics[0].Partitions[0].Metadata = nil
		k.ask(8, r)
		k.ask(9, committedOf("refused2", "t"))
		r.Topics = r.Topics[:0]
		k.ask(8, r)
		i := "nobody"
		r = commitOf("refused2", "", -1, "t", 0, 3)
		r.InstanceID = &i
		k.ask(8, r)
	}},
	{"offsets: a member's", func(k *asker) {
		m := k.joined("members")
		k.ask(8, commitOf("members", m, 1, "t", 0, 3))
		k.ask(8, commitOf("members", m, 0, "t", 0, 4))
		k.ask(8, commitOf("members", m, 2, "t", 0, 4))
		k.ask(8, commitOf("members", "x", 1, "t", 0, 4))
		k.ask(8, commitOf("members", "", -1, "t", 0, 4))
		k.ask(8, commitOf("members", m, -1, "t", 0, 4))
		k.ask(9, committedOf("members", "t"))
		k.ask(0, forgets("members", "t", 0))
		k.left("members", m)
		k.ask(8, commitOf("members", m, 1, "t", 0, 5))
		k.ask(8, commitOf("members", "", -1, "t", 0, 6))
		k.ask(9, committedOf("members", "t"))
	}},
	{"offsets: fetches of odd things", func(k *asker) {
		k.ask(9, committedOf("odd", "nowhere", "", "t"))
		r := committedOf("odd", "t")
		member := "m"
		r.Groups[0].MemberID, r.Groups[0].MemberEpoch = &member, 1
		k.ask(9, r)
		r.Groups[0].MemberID = nil
		k.ask(9, r)
		r = committedOf("odd", "t")
		r.Groups = append(r.Groups, r.Groups[0])
		k.ask(8, r)
		r.Groups = r.Groups[:0]
		k.ask(8, r)
		old := kmsg.NewPtrOffsetFetchRequest()
		old.Group = "odd"
		old.Topics = []kmsg.OffsetFetchRequestTopic{{Topic: "t", Partitions: []int32{0, 5, -1}}}
		k.ask(1, old)
		k.ask(7, old)
		old.RequireStable = true
		k.ask(7, old)
		old.Topics = nil
		k.ask(5, old)
		old.Topics = []kmsg.OffsetFetchRequestTopic{}
		k.ask(5, old)
	}},
	{"offsets: deletes of odd things", func(k *asker) {
		k.ask(0, forgets("nobody", "t", 0))
		k.ask(8, commitOf("deletes", "", -1, "t", 0, 3))
		k.ask(0, forgets("deletes", "nowhere", 0))
		k.ask(0, forgets("deletes", "t", 9))
		k.ask(0, forgets("deletes", "two", 0))
		r := forgets("deletes", "t", 0)
		r.Topics = r.Topics[:0]
		k.ask(0, r)
	}},
	{"offsets: of a topic that is deleted", func(k *asker) {
		k.ask(8, commitOf("gone", "", -1, "committed", 0, 3))
		k.ask(8, commitOf("gone", "", -1, "t", 0, 2))
		k.ask(5, deletesOf("committed"))
		k.quiet = true
		await(k.t, "offsets to go with their topic", func() (bool, string) {
			r, ok := k.ask(9, committedOf("gone", "committed")).(*kmsg.OffsetFetchResponse)
			return ok && r.Groups[0].Topics[0].Partitions[0].Offset == -1, "they are there"
		})
		k.quiet = false
		k.ask(9, committedOf("gone"))
	}},
}

func memberOf(group, member string, epoch int32, topics ...string) *kmsg.ConsumerGroupHeartbeatRequest {
	r := kmsg.NewPtrConsumerGroupHeartbeatRequest()
	r.Group, r.MemberID, r.MemberEpoch, r.RebalanceTimeoutMillis = group, member, epoch, 10_000
	if epoch <= 0 {
		r.Topics = []kmsg.ConsumerGroupHeartbeatRequestTopic{}
	}
	r.SubscribedTopicNames = topics
	return r
}

// beat asks a heartbeat with changes.
func (k *asker) beat(version int16, r *kmsg.ConsumerGroupHeartbeatRequest, changes ...func(*kmsg.ConsumerGroupHeartbeatRequest)) {
	for _, change := range changes {
		change(r)
	}
	k.ask(version, r)
}

var consumerQuestions = []question{
	{"consumer: a member's life", func(k *asker) {
		k.beat(1, memberOf("new", "m1", 0, "t", "two"))
		r := memberOf("new", "m1", 1)
		r.RebalanceTimeoutMillis = -1
		k.beat(1, r)
		k.ask(1, describesConsumer("new"))
		k.beat(1, memberOf("new", "m1", 7))
		k.beat(1, memberOf("new", "m1", 0, "t", "two"))
		k.beat(1, memberOf("new", "m2", 1))
		k.beat(1, memberOf("new", "m1", -3))
		k.ask(9, commitOf("new", "m1", 1, "t", 0, 1))
		k.ask(9, commitOf("new", "m1", 0, "t", 0, 1))
		k.ask(9, commitOf("new", "m1", 9, "t", 0, 1))
		k.ask(9, commitOf("new", "x", 1, "t", 0, 1))
		k.ask(9, commitOf("new", "", -1, "t", 0, 1))
		k.ask(8, commitOf("new", "m1", 9, "t", 0, 1))
		f := committedOf("new", "t")
		member := "m1"
		f.Groups[0].MemberID, f.Groups[0].MemberEpoch = &member, 1
		k.ask(9, f)
		f.Groups[0].MemberEpoch = 9
		k.ask(9, f)
		member = "x"
		k.ask(9, f)
		k.ask(0, forgets("new", "t", 0))
		k.ask(6, describesGroup("new"))
		k.ask(5, describesGroup("new"))
		k.ask(2, deletesGroup("new"))
		k.ask(4, beatOf("new", "m1", 1))
		k.ask(5, syncOf("new", "m1", 1))
		k.ask(5, leaveOf("new", "x"))
		k.beat(1, memberOf("new", "m1", -1))
		k.beat(1, memberOf("new", "m1", -1))
		k.ask(1, describesConsumer("new"))
		k.ask(2, deletesGroup("new"))
	}},
	{"consumer: heartbeats that are refused", func(k *asker) {
		k.beat(1, memberOf("", "m", 0, "t"))
		k.beat(1, memberOf("odd2", "", 0, "t"))
		k.beat(1, memberOf("odd2", "m", 0))
		k.beat(1, memberOf("odd2", "m", 0, []string{}...))
		k.beat(1, memberOf("odd2", "m", 1))
		k.beat(1, memberOf("odd2", "m", -1))
		k.beat(1, memberOf("odd2", "m", -2))
		k.beat(1, memberOf("odd2", "m", -5))
		k.beat(1, memberOf("odd2", "m", 0, "t"), func(r *kmsg.ConsumerGroupHeartbeatRequest) { r.RebalanceTimeoutMillis = -1 })
		k.beat(1, memberOf("odd2", "m", 0, "t"), func(r *kmsg.ConsumerGroupHeartbeatRequest) { r.Topics = nil })
		k.beat(1, memberOf("odd2", "m", 0, "t"), func(r *kmsg.ConsumerGroupHeartbeatRequest) {
			r.Topics = []kmsg.ConsumerGroupHeartbeatRequestTopic{{TopicID: [16]byte{9: 9}, Partitions: []int32{0}}}
		})
		k.beat(1, memberOf("odd2", "m", 0, "t"), func(r *kmsg.ConsumerGroupHeartbeatRequest) { s := "no such"; r.ServerAssignor = &s })
		k.beat(1, memberOf("odd2", "m", 0, "t"), func(r *kmsg.ConsumerGroupHeartbeatRequest) { s := ""; r.ServerAssignor = &s })
		k.beat(1, memberOf("odd2", "m", 0, "t"), func(r *kmsg.ConsumerGroupHeartbeatRequest) { s := ""; r.InstanceID = &s })
		k.beat(1, memberOf("odd2", "m", 0, "t"), func(r *kmsg.ConsumerGroupHeartbeatRequest) { s := ""; r.RackID = &s })
		k.beat(1, memberOf("odd2", "m", 0, ""))
		k.beat(1, memberOf("odd2", "m", 0), func(r *kmsg.ConsumerGroupHeartbeatRequest) { s := "("; r.SubscribedTopicRegex = &s })
		k.beat(1, memberOf("odd2", "m", 0), func(r *kmsg.ConsumerGroupHeartbeatRequest) { s := ""; r.SubscribedTopicRegex = &s })
		k.beat(1, memberOf("odd2", "m", 0), func(r *kmsg.ConsumerGroupHeartbeatRequest) { s := "(?=a)"; r.SubscribedTopicRegex = &s })
	}},
	{"consumer: a regular expression", func(k *asker) {
		k.beat(1, memberOf("regex", "m", 0), func(r *kmsg.ConsumerGroupHeartbeatRequest) { s := "tw.*"; r.SubscribedTopicRegex = &s })
		k.beat(1, memberOf("regex", "m", -1))
	}},
	{"consumer: a static member", func(k *asker) {
		i := "i"
		static := func(r *kmsg.ConsumerGroupHeartbeatRequest) { r.InstanceID = &i }
		k.beat(1, memberOf("static2", "m1", 0, "t"), static)
		k.beat(1, memberOf("static2", "m2", 0, "t"), static)
		k.beat(1, memberOf("static2", "m1", -2), static)
		k.beat(1, memberOf("static2", "m2", 0, "t"), static)
		k.beat(1, memberOf("static2", "m1", 1), static)
		k.beat(1, memberOf("static2", "m2", -2))
		k.beat(1, memberOf("static2", "m2", -1), static)
	}},
	{"consumer: a classic group's name", func(k *asker) {
		m := k.joined("classic2")
		k.ask(1, describesConsumer("classic2"))
		r := memberOf("classic2", "x", 1)
		r.RebalanceTimeoutMillis = -1
		k.beat(1, r)
		k.left("classic2", m)
		k.beat(1, memberOf("classic2", "x", 0, "t"))
		k.ask(9, joinOf("classic2", "", "range"))
		k.beat(1, memberOf("classic2", "x", -1))
	}},
	{"consumer: describe odd things", func(k *asker) { k.ask(1, describesConsumer("nobody", "", "nobody")) }},
}

func describesConsumer(ids ...string) *kmsg.ConsumerGroupDescribeRequest {
	r := kmsg.NewPtrConsumerGroupDescribeRequest()
	r.Groups = ids
	return r
}
