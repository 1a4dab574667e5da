package broker

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/broker/group"
)

// startGroups starts a lone broker with a topic to consume, and has the topic made that groups are kept in.
func startGroups(t *testing.T) *lone {
	l := startLone(t)
	l.create("a")
	l.findCoordinator("g")
	return l
}

func (l *lone) findCoordinator(id string) {
	l.Helper()
	l.await("coordinator", func() bool {
		req := kmsg.NewPtrFindCoordinatorRequest()
		req.CoordinatorKeys = []string{id}
		return ask[*kmsg.FindCoordinatorResponse](l, req).Coordinators[0].ErrorCode == errNone
	})
	l.await("loaded coordinator", func() bool {
		req := kmsg.NewPtrListGroupsRequest()
		return ask[*kmsg.ListGroupsResponse](l, req).ErrorCode == errNone
	})
}

func joinRequest(id, member string) *kmsg.JoinGroupRequest {
	req := kmsg.NewPtrJoinGroupRequest()
	req.Group, req.MemberID, req.ProtocolType = id, member, "consumer"
	req.SessionTimeoutMillis, req.RebalanceTimeoutMillis = 10_000, 20_000
	meta := kmsg.NewConsumerMemberMetadata()
	meta.Topics = []string{"a"}
	req.Protocols = []kmsg.JoinGroupRequestProtocol{{Name: "range", Metadata: meta.AppendTo(nil)}}
	return req
}

// join makes a group of one: an id, a generation, an assignment.
func (l *lone) join(id string) (member string, generation int32) {
	l.Helper()
	first := ask[*kmsg.JoinGroupResponse](l, joinRequest(id, ""))
	if first.ErrorCode != group.MemberIDRequired || first.MemberID == "" {
		l.Fatalf("a member without an id: %+v", first)
	}
	joined := ask[*kmsg.JoinGroupResponse](l, joinRequest(id, first.MemberID))
	if joined.ErrorCode != errNone || joined.LeaderID != first.MemberID || len(joined.Members) != 1 || *joined.Protocol != "range" {
		l.Fatalf("joined: %+v", joined)
	}
	sync := kmsg.NewPtrSyncGroupRequest()
	sync.Group, sync.Generation, sync.MemberID, sync.ProtocolType, sync.Protocol = id, joined.Generation, joined.MemberID, joined.ProtocolType, joined.Protocol
	sync.GroupAssignment = []kmsg.SyncGroupRequestGroupAssignment{{MemberID: joined.MemberID, MemberAssignment: []byte("all of it")}}
	if r := ask[*kmsg.SyncGroupResponse](l, sync); r.ErrorCode != errNone || string(r.MemberAssignment) != "all of it" {
		l.Fatalf("synced: %+v", r)
	}
	return joined.MemberID, joined.Generation
}

func commitRequest(id, member string, generation int32, topic string, at int64) *kmsg.OffsetCommitRequest {
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Group, req.MemberID, req.Generation = id, member, generation
	p := kmsg.NewOffsetCommitRequestTopicPartition()
	p.Offset, p.LeaderEpoch, p.Metadata = at, 3, kmsg.StringPtr("m")
	req.Topics = []kmsg.OffsetCommitRequestTopic{{Topic: topic, Partitions: []kmsg.OffsetCommitRequestTopicPartition{p}}}
	req.Version = 9
	return req
}

func (l *lone) commit(id, member string, generation int32, topic string, at int64) int16 {
	l.Helper()
	return ask[*kmsg.OffsetCommitResponse](l, commitRequest(id, member, generation, topic, at)).Topics[0].Partitions[0].ErrorCode
}

func (l *lone) committed(id, topic string) kmsg.OffsetFetchResponseGroup {
	l.Helper()
	req := kmsg.NewPtrOffsetFetchRequest()
	g := kmsg.NewOffsetFetchRequestGroup()
	g.Group, g.Topics = id, []kmsg.OffsetFetchRequestGroupTopic{{Topic: topic, Partitions: []int32{0}}}
	req.Groups, req.Version = []kmsg.OffsetFetchRequestGroup{g}, 9
	var got kmsg.OffsetFetchResponseGroup
	l.await("answer of the group's coordinator", func() bool { // another partition's may be there before
		got = ask[*kmsg.OffsetFetchResponse](l, req).Groups[0]
		return got.ErrorCode != group.Loading && got.ErrorCode != group.NotCoordinator
	})
	return got
}

func (l *lone) heartbeat(id, member string, generation int32) int16 {
	l.Helper()
	req := kmsg.NewPtrHeartbeatRequest()
	req.Group, req.MemberID, req.Generation = id, member, generation
	return ask[*kmsg.HeartbeatResponse](l, req).ErrorCode
}

// A group of one, from FindCoordinator to LeaveGroup, with a restart in the midst of it: the new coordinator knows the
// member, its generation and its offset.
func TestGroupOfOne(t *testing.T) {
	l := startGroups(t)
	member, generation := l.join("g")
	if code := l.commit("g", member, generation, "a", 41); code != errNone {
		t.Fatal(code)
	}
	if code := l.commit("g", member, generation-1, "a", 42); code != group.IllegalGeneration {
		t.Fatalf("a commit of the generation before: %d", code)
	}
	if code := l.commit("g", member, generation, "nowhere", 42); code != errUnknownTopic {
		t.Fatalf("a commit of a topic that isn't there: %d", code)
	}
	l.boot()
	l.findCoordinator("g")
	l.findCoordinator("none") // of another partition, which has its own leader
	if code := l.heartbeat("g", member, generation); code != errNone {
		t.Fatalf("a heartbeat after a restart: %d", code)
	}
	got := l.committed("g", "a")
	if p := got.Topics[0].Partitions[0]; got.ErrorCode != errNone || p.Offset != 41 || p.LeaderEpoch != 3 || *p.Metadata != "m" {
		t.Fatalf("after a restart: %+v", got)
	}
	leave := kmsg.NewPtrLeaveGroupRequest()
	leave.Group, leave.Members = "g", []kmsg.LeaveGroupRequestMember{{MemberID: member}}
	if r := ask[*kmsg.LeaveGroupResponse](l, leave); r.ErrorCode != errNone || r.Members[0].ErrorCode != errNone {
		t.Fatalf("left: %+v", r)
	}
	if code := l.heartbeat("g", member, generation); code != group.UnknownMember {
		t.Fatalf("a heartbeat of who has left: %d", code)
	}
	describe := kmsg.NewPtrDescribeGroupsRequest()
	describe.Groups = []string{"g", "none"}
	if r := ask[*kmsg.DescribeGroupsResponse](l, describe); r.Groups[0].State != "Empty" || r.Groups[1].State != "Dead" || r.Groups[1].ErrorCode != group.NotFound {
		t.Fatalf("described: %+v", r)
	}
	remove := kmsg.NewPtrDeleteGroupsRequest()
	remove.Groups = []string{"g", "none", "g"}
	if r := ask[*kmsg.DeleteGroupsResponse](l, remove); len(r.Groups) != 2 || r.Groups[0].ErrorCode != errNone || r.Groups[1].ErrorCode != group.NotFound {
		t.Fatalf("deleted: %+v", r)
	}
	if got := l.committed("g", "a"); got.ErrorCode != errNone || got.Topics[0].Partitions[0].Offset != -1 {
		t.Fatalf("a group that was deleted: %+v", got)
	}
}

// What no coordinator here answers, or none yet: the codes that clients look for the coordinator by.
func TestGroupRefusals(t *testing.T) {
	l := startLone(t)
	l.create("a")
	if code := l.heartbeat("g", "m", 1); code != group.NotCoordinator {
		t.Fatalf("before there is a topic for groups: %d", code)
	}
	l.findCoordinator("g")
	if code := l.heartbeat("g", "m", 1); code != group.UnknownMember {
		t.Fatalf("of a group that isn't there: %d", code)
	}
	produce := kmsg.NewPtrProduceRequest()
	produce.Version, produce.Acks, produce.TimeoutMillis = 11, -1, 5000
	produce.Topics = []kmsg.ProduceRequestTopic{{Topic: topicOffsets, Partitions: []kmsg.ProduceRequestTopicPartition{{Records: testBatch{records: []testRecord{{key: "k"}}}.bytes(t)}}}}
	if p := ask[*kmsg.ProduceResponse](l, produce).Topics[0].Partitions[0]; p.ErrorCode != errBadTopic {
		t.Fatalf("a client's records in %s: %d", topicOffsets, p.ErrorCode)
	}
	remove := kmsg.NewPtrDeleteTopicsRequest()
	remove.Version, remove.TimeoutMillis, remove.TopicNames = 5, 1000, []string{topicOffsets}
	if r := ask[*kmsg.DeleteTopicsResponse](l, remove).Topics[0]; r.ErrorCode != errBadTopic {
		t.Fatalf("%s is deleted: %d", topicOffsets, r.ErrorCode)
	}
	if _, code := l.delete(topicOffsets, 1); code != errBadTopic {
		t.Fatalf("records of %s are deleted: %d", topicOffsets, code)
	}
	create := kmsg.NewPtrCreateTopicsRequest()
	create.Version, create.TimeoutMillis, create.Topics = 7, 1000, []kmsg.CreateTopicsRequestTopic{wantTopic(topicOffsets, 1, 1), wantTopic(topicTxns, 1, 1)}
	for i, want := range []int16{errExists, errBadTopic} {
		if r := ask[*kmsg.CreateTopicsResponse](l, create).Topics[i]; r.ErrorCode != want {
			t.Fatalf("%s is created: %d, expected %d", r.Topic, r.ErrorCode, want)
		}
	}
	for _, c := range []struct {
		setting, value string
		code           int16
	}{{configCleanup, "delete", errBadConfig}, {configSegmentBytes, "1048576", errNone}} {
		alter := kmsg.NewPtrIncrementalAlterConfigsRequest()
		alter.Resources = []kmsg.IncrementalAlterConfigsRequestResource{{ResourceType: kmsg.ConfigResourceTypeTopic, ResourceName: topicOffsets,
			Configs: []kmsg.IncrementalAlterConfigsRequestResourceConfig{{Name: c.setting, Value: &c.value}}}}
		if r := ask[*kmsg.IncrementalAlterConfigsResponse](l, alter).Resources[0]; r.ErrorCode != c.code {
			t.Fatalf("%s of %s is altered: %d, expected %d", c.setting, topicOffsets, r.ErrorCode, c.code)
		}
	}
	describe := kmsg.NewPtrDescribeConfigsRequest()
	describe.Version = 4
	describe.Resources = []kmsg.DescribeConfigsRequestResource{{ResourceType: kmsg.ConfigResourceTypeTopic, ResourceName: topicOffsets, ConfigNames: []string{configCleanup}}}
	if c := ask[*kmsg.DescribeConfigsResponse](l, describe).Resources[0].Configs; len(c) != 1 || *c[0].Value != "compact" {
		t.Fatalf("%+v", c)
	}
}

// A JoinGroup that waits is answered when the process is to end: its client finds another coordinator.
func TestStopAnswersWhoWaits(t *testing.T) {
	l := startGroups(t)
	first := ask[*kmsg.JoinGroupResponse](l, joinRequest("g", ""))
	join := joinRequest("g", first.MemberID)
	join.Version = 9
	l.send(join)
	if _, ok := l.received(join); ok {
		t.Fatal("a JoinGroup of a new group is answered at once")
	}
	l.turn(Stop{})
	if resp, ok := l.received(join); !ok || resp.(*kmsg.JoinGroupResponse).ErrorCode != group.NotCoordinator {
		t.Fatalf("after a stop: %+v", resp)
	}
}

// The log of groups doesn't grow for ever: what is still of use is copied to its end, and it starts there. A coordinator
// that comes later knows the same.
func TestGroupsAreCopiedForward(t *testing.T) {
	l := startGroups(t)
	for i := range 10 {
		if code := l.commit(fmt.Sprintf("old-%d", i), "", -1, "a", int64(i)); code != errNone {
			t.Fatal(code)
		}
	}
	p := l.groupsOf("g")
	for at := int64(1); p.g.LogStart() == 0; at++ {
		if code := l.commit("g", "", -1, "a", at); code != errNone {
			t.Fatal(code)
		}
		if at > 1000 {
			t.Fatal("after 1000 commits of one offset the log still starts at 0")
		}
	}
	last := l.committed("g", "a").Topics[0].Partitions[0].Offset
	l.logs = nil
	l.boot()
	l.findCoordinator("g")
	for range 2 * l.s.cfg.Limits.ElectionTicks {
		l.tick()
	}
	if lines := l.said("coordinating"); len(lines) != 1 || !strings.Contains(lines[0], "partitions=2 groups=11 ") {
		t.Fatalf("the log says %q, expected one line for all partitions", lines)
	}
	if p = l.groupsOf("g"); p.g.LogStart() == 0 {
		t.Fatal("the log starts at 0 again")
	}
	if got := l.committed("g", "a").Topics[0].Partitions[0].Offset; got != last || last == 0 {
		t.Fatalf("after a restart %d is committed, before it %d was", got, last)
	}
	for i := range 10 {
		if got := l.committed(fmt.Sprintf("old-%d", i), "a").Topics[0].Partitions[0].Offset; got != int64(i) {
			t.Fatalf("group old-%d: %d", i, got)
		}
	}
}

func (l *lone) groupsOf(id string) *partition {
	t := l.s.meta.TopicByName(topicOffsets)
	return l.s.parts[t.Partitions[group.PartitionFor(id, int32(len(t.Partitions)))].Group]
}

// Offsets that nobody has used for as long as the retention says go, for good.
func TestOffsetsExpire(t *testing.T) {
	l := startGroups(t)
	if code := l.commit("g", "", -1, "a", 5); code != errNone {
		t.Fatal(code)
	}
	l.pass(l.s.cfg.Limits.Groups.Retention / 2)
	if got := l.committed("g", "a").Topics[0].Partitions[0].Offset; got != 5 {
		t.Fatalf("after half of the retention: %d", got)
	}
	l.pass(l.s.cfg.Limits.Groups.Retention/2 + time.Second)
	l.pass(l.s.cfg.Limits.Groups.CheckEvery)
	if got := l.committed("g", "a").Topics[0].Partitions[0].Offset; got != -1 {
		t.Fatalf("after all of the retention: %d", got)
	}
	if r := ask[*kmsg.ListGroupsResponse](l, kmsg.NewPtrListGroupsRequest()); len(r.Groups) != 0 {
		t.Fatalf("there are still groups: %+v", r.Groups)
	}
}

// An OffsetDelete names each topic once, whatever became of its partitions: clients go by the name. A commit names none of which it
// says no partition.
func TestTopicsAreAnsweredOnce(t *testing.T) {
	l := startGroups(t)
	if code := l.commit("g", "", -1, "a", 5); code != errNone {
		t.Fatal(code)
	}
	del := kmsg.NewPtrOffsetDeleteRequest()
	del.Group = "g"
	del.Topics = []kmsg.OffsetDeleteRequestTopic{{Topic: "a", Partitions: []kmsg.OffsetDeleteRequestTopicPartition{{Partition: 0}, {Partition: 7}}},
		{Topic: "nowhere", Partitions: []kmsg.OffsetDeleteRequestTopicPartition{{Partition: 1}}}}
	got := fmt.Sprint(ask[*kmsg.OffsetDeleteResponse](l, del).Topics)
	if want := fmt.Sprint([]kmsg.OffsetDeleteResponseTopic{{Topic: "a", Partitions: []kmsg.OffsetDeleteResponseTopicPartition{{Partition: 0}, {Partition: 7, ErrorCode: errUnknownTopic}}},
		{Topic: "nowhere", Partitions: []kmsg.OffsetDeleteResponseTopicPartition{{Partition: 1, ErrorCode: errUnknownTopic}}}}); got != want {
		t.Errorf("answered %s, expected %s", got, want)
	}
	commit := commitRequest("g", "", -1, "a", 6)
	commit.Topics = append(commit.Topics, kmsg.OffsetCommitRequestTopic{Topic: "nothing"})
	if r := ask[*kmsg.OffsetCommitResponse](l, commit); len(r.Topics) != 1 {
		t.Errorf("answered %+v", r.Topics)
	}
}
