package group

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

type heartbeat = kmsg.ConsumerGroupHeartbeatRequest

// joining is a member's first heartbeat; change what it says.
func joining(id string, change func(*heartbeat), topics ...string) *heartbeat {
	req := kmsg.NewPtrConsumerGroupHeartbeatRequest()
	req.Group, req.MemberID, req.RebalanceTimeoutMillis = "g", id, 30_000
	req.SubscribedTopicNames = append([]string{}, topics...)
	req.Topics = []kmsg.ConsumerGroupHeartbeatRequestTopic{}
	if change != nil {
		change(req)
	}
	return req
}

// beating is a later one that says nothing but the epoch, and what the member owns if owned isn't nil.
func beating(id string, epoch int32, owned Set) *heartbeat {
	req := kmsg.NewPtrConsumerGroupHeartbeatRequest()
	req.Group, req.MemberID, req.MemberEpoch = "g", id, epoch
	if owned == nil {
		return req
	}
	req.Topics = []kmsg.ConsumerGroupHeartbeatRequestTopic{}
	for _, run := range owned.topics() {
		t := kmsg.NewConsumerGroupHeartbeatRequestTopic()
		t.TopicID, t.Partitions = run[0].Topic, run.numbers()
		req.Topics = append(req.Topics, t)
	}
	return req
}

// beat sends a heartbeat and returns the answer.
func (r *rig) beat(req *heartbeat) *kmsg.ConsumerGroupHeartbeatResponse {
	r.t.Helper()
	resp, ok := r.call(req.Group, 1, req).(*kmsg.ConsumerGroupHeartbeatResponse)
	if !ok {
		r.t.Fatalf("not an answer to a heartbeat")
	}
	return resp
}

// mustBeat is beat without an error; it returns epoch and assignment, as in "3: t0/0,1 t1/2"; "-" if it says none.
func (r *rig) mustBeat(req *heartbeat) string {
	r.t.Helper()
	resp := r.beat(req)
	if resp.ErrorCode != None {
		r.t.Fatalf("error %d: %v", resp.ErrorCode, *resp.ErrorMessage)
	}
	if resp.Assignment == nil {
		return fmt.Sprintf("%d: -", resp.MemberEpoch)
	}
	words := []string{fmt.Sprintf("%d:", resp.MemberEpoch)}
	for _, t := range resp.Assignment.Topics {
		words = append(words, fmt.Sprintf("t%d/%s", t.TopicID[15]-1, strings.Trim(strings.ReplaceAll(fmt.Sprint(t.Partitions), " ", ","), "[]")))
	}
	return strings.Join(words, " ")
}

func parts(topic int, numbers ...int32) Set {
	s := Set{}
	for _, n := range numbers {
		s = append(s, Part{topicN(topic), n})
	}
	return s
}

func expect[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// The walk that KIP-848 has as its example: a partition goes to the second member only when the first has given it back.
func TestSecondMemberGetsWhatTheFirstGaveBack(t *testing.T) {
	r := newRig(t, 4)
	expect(t, "a joins", r.mustBeat(joining("a", nil, "t0")), "1: t0/0,1,2,3")
	expect(t, "b joins", r.mustBeat(joining("b", nil, "t0")), "2:")
	expect(t, "b waits", r.mustBeat(beating("b", 2, nil)), "2: -")
	expect(t, "a is to give up", r.mustBeat(beating("a", 1, nil)), "1: t0/0,1")
	expect(t, "b still waits", r.mustBeat(beating("b", 2, nil)), "2: -")
	expect(t, "a has all still", r.mustBeat(beating("a", 1, parts(0, 0, 1, 2, 3))), "1: -")
	expect(t, "b still waits", r.mustBeat(beating("b", 2, nil)), "2: -")
	expect(t, "a gave up", r.mustBeat(beating("a", 1, parts(0, 0, 1))), "2: -")
	expect(t, "b gets", r.mustBeat(beating("b", 2, nil)), "2: t0/2,3")
	expect(t, "state", r.m.groups["g"].consumer.state(), stateStable)
	expect(t, "a leaves", r.mustBeat(beating("a", epochLeave, nil)), "-1: -")
	expect(t, "b gets all", r.mustBeat(beating("b", 2, nil)), "3: t0/0,1,2,3")
	if n := len(r.m.writes); n != 0 {
		t.Errorf("%d writes on their way", n)
	}
}

// Codes and conditions: Kafka's GroupCoordinatorService.throwIfConsumerGroupHeartbeatRequestIsInvalid and
// GroupMetadataManager.consumerGroupHeartbeat. A refused heartbeat writes nothing.
func TestHeartbeatsThatAreRefused(t *testing.T) {
	cases := []struct {
		name string
		req  *heartbeat
		want int16
	}{
		{"no group", joining("b", func(q *heartbeat) { q.Group = "" }, "t0"), InvalidRequest},
		{"no member id", joining("", nil, "t0"), InvalidRequest},
		{"blank instance", joining("b", func(q *heartbeat) { q.InstanceID = ptr(" ") }, "t0"), InvalidRequest},
		{"blank rack", joining("b", func(q *heartbeat) { q.RackID = ptr("") }, "t0"), InvalidRequest},
		{"no rebalance timeout", joining("b", func(q *heartbeat) { q.RebalanceTimeoutMillis = -1 }, "t0"), InvalidRequest},
		{"no subscription", joining("b", func(q *heartbeat) { q.SubscribedTopicNames = nil }), InvalidRequest},
		{"owns when it joins", joining("b", func(q *heartbeat) { q.Topics = beating("", 0, parts(0, 1)).Topics }, "t0"), InvalidRequest},
		{"says nothing of what it owns", joining("b", func(q *heartbeat) { q.Topics = nil }, "t0"), InvalidRequest},
		{"epoch -3", beating("a", -3, nil), InvalidRequest},
		{"static leave without instance", beating("a", epochStaticLeave, nil), InvalidRequest},
		{"unknown assignor", joining("b", func(q *heartbeat) { q.ServerAssignor = ptr("sticky") }, "t0"), UnsupportedAssignor},
		{"bad regex", joining("b", func(q *heartbeat) { q.SubscribedTopicRegex = ptr("a(") }), InvalidRegex},
		{"a regex only in parentheses", joining("b", func(q *heartbeat) { q.SubscribedTopicRegex = ptr("a)(b") }), InvalidRegex},
		{"RE2 has no look-ahead", joining("b", func(q *heartbeat) { q.SubscribedTopicRegex = ptr("a(?=b)") }), InvalidRegex},
		{"a regex too long", joining("b", func(q *heartbeat) { q.SubscribedTopicRegex = ptr(strings.Repeat("a", maxRegex+1)) }), InvalidRegex},
		{"a regex whose repeats take too much", joining("b", func(q *heartbeat) { q.SubscribedTopicRegex = ptr(strings.Repeat(".{0,99}", 101)) }), InvalidRegex},
		{"too much", joining("b", nil, strings.Repeat("x", 9<<10)), InvalidRequest},
		{"no such group", joining("b", func(q *heartbeat) { q.Group, q.MemberEpoch = "other", 1 }), NotFound},
		{"leaves no such group", joining("b", func(q *heartbeat) { q.Group, q.MemberEpoch = "other", -1 }), NotFound},
		{"no such member", beating("b", 1, nil), UnknownMember},
		{"leaves without being one", beating("b", -1, nil), UnknownMember},
		{"no such instance", joining("b", func(q *heartbeat) { q.InstanceID, q.MemberEpoch = ptr("x"), 1 }), UnknownMember},
		{"epoch ahead", beating("a", 4, nil), FencedMemberEpoch},
		{"epoch behind", beating("a", 1, parts(0, 0)), FencedMemberEpoch},
		{"epoch before, says nothing", beating("a", 2, nil), FencedMemberEpoch},
		{"epoch before, has more than it may", beating("a", 2, parts(0, 0, 1, 2, 3)), FencedMemberEpoch},
		{"full", joining("x", nil, "t0"), GroupFull},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, 4)
			r.mustBeat(joining("a", nil, "t0"))
			r.mustBeat(joining("c", nil, "t0"))
			r.mustBeat(beating("a", 1, parts(0, 0, 1)))
			r.mustBeat(joining("d", nil, "t1")) // an epoch of nothing new for a
			r.mustBeat(beating("a", 2, nil))
			if c.name == "full" {
				r.m.cfg.ConsumerMaxSize = 3
			}
			n := len(r.log)
			resp := r.beat(c.req)
			expect(t, "error", resp.ErrorCode, c.want)
			if resp.ErrorMessage == nil || *resp.ErrorMessage == "" {
				t.Error("it doesn't say why")
			}
			expect(t, "batches written", len(r.log), n)
			r.check()
		})
	}
}

// All expressions of a group are matched within a turn: there are only so many, and who has one of them may join.
func TestRegexesOfAGroup(t *testing.T) {
	r := newRig(t, 4)
	r.m.cfg.ConsumerMaxSize, r.m.cfg.Members = 2*maxRegexes, 2*maxRegexes
	join := func(id, regex string) int16 {
		return r.beat(joining(id, func(q *heartbeat) { q.SubscribedTopicRegex = &regex })).ErrorCode
	}
	for n := range maxRegexes {
		expect(t, "error", join(fmt.Sprint("m", n), fmt.Sprint("t", n)), None)
	}
	expect(t, "one more", join("x", "other"), InvalidRegex)
	expect(t, "one of them", join("x", "t0"), None)
}

// Version 0 of the request lets the coordinator make the id (KIP-1082 came with version 1).
func TestVersion0GetsAnID(t *testing.T) {
	r := newRig(t, 1)
	resp := r.call("g", 0, joining("", nil, "t0")).(*kmsg.ConsumerGroupHeartbeatResponse)
	if resp.ErrorCode != None || resp.MemberID == nil || len(*resp.MemberID) != 22 {
		t.Fatalf("error %d, member id %v", resp.ErrorCode, resp.MemberID)
	}
	expect(t, "next", r.mustBeat(beating(*resp.MemberID, 1, nil)), "1: -")
}

// An answer with a new epoch is lost: the member comes with the one before and is told again.
func TestLostAnswer(t *testing.T) {
	r := newRig(t, 2)
	r.mustBeat(joining("a", nil, "t0"))
	r.mustBeat(joining("b", nil, "t0"))
	r.mustBeat(beating("a", 1, parts(0, 0)))
	full := joining("a", func(q *heartbeat) { q.MemberEpoch, q.Topics = 1, beating("", 0, parts(0, 0)).Topics }, "t0")
	expect(t, "again", r.mustBeat(full), "2: t0/0")
}

func TestStaticMember(t *testing.T) {
	r := newRig(t, 2)
	static := func(q *heartbeat) { q.InstanceID = ptr("i") }
	expect(t, "joins", r.mustBeat(joining("a", static, "t0")), "1: t0/0,1")
	expect(t, "another before it left", r.beat(joining("b", static, "t0")).ErrorCode, UnreleasedInstance)
	leave := beating("a", epochStaticLeave, nil)
	static(leave)
	expect(t, "leaves for a while", r.mustBeat(leave), "-2: -")
	expect(t, "another process, same assignment, same epoch", r.mustBeat(joining("b", static, "t0")), "1: t0/0,1")
	late := beating("a", 1, nil)
	static(late)
	expect(t, "the first is fenced", r.beat(late).ErrorCode, FencedInstance)
	expect(t, "the first by its id alone", r.beat(beating("a", 1, nil)).ErrorCode, UnknownMember)
	late.MemberEpoch = epochLeave
	expect(t, "the first leaves", r.beat(late).ErrorCode, FencedInstance)
	leave.MemberID = "b"
	r.mustBeat(leave)
	r.pass(46 * time.Second)
	expect(t, "its session ends", r.m.groups["g"].consumer.state(), stateEmpty)
}

// A static member that leaves for a while while it has partitions to give back is away for a session, as any other: what it had to give
// back is free, or its own again.
func TestStaticMemberLeavesWhileItGivesBack(t *testing.T) {
	r := newRig(t, 4)
	static := func(epoch int32) *heartbeat {
		q := beating("a", epoch, nil)
		q.InstanceID = ptr("i")
		return q
	}
	r.mustBeat(joining("a", func(q *heartbeat) { q.InstanceID = ptr("i") }, "t0"))
	r.mustBeat(joining("b", nil, "t0"))
	expect(t, "is to give back", r.mustBeat(static(1)), "1: t0/0,1")
	r.pass(20 * time.Second)
	r.mustBeat(beating("b", 2, nil))
	r.mustBeat(static(1))
	expect(t, "leaves for a while", r.mustBeat(static(epochStaticLeave)), "-2: -")
	r.pass(20 * time.Second) // 40 s of the 30 that it had to give back in
	expect(t, "is a member", r.m.groups["g"].consumer.has("a"), true)
	r.mustBeat(beating("b", 2, nil))
	r.pass(26 * time.Second)
	expect(t, "is a member after a session", r.m.groups["g"].consumer.has("a"), false)
}

func TestSessionAndRebalanceTimeouts(t *testing.T) {
	r := newRig(t, 2)
	r.mustBeat(joining("a", nil, "t0"))
	r.mustBeat(joining("b", nil, "t0"))
	for range 5 { // a is heard of, and doesn't give up what it should in its 30 s
		expect(t, "a is at its epoch", r.beat(beating("a", 1, nil)).MemberEpoch, 1)
		r.pass(5900 * time.Millisecond)
	}
	r.beat(beating("b", 2, nil))
	r.pass(600 * time.Millisecond)
	expect(t, "a is out", r.beat(beating("a", 1, nil)).ErrorCode, UnknownMember)
	expect(t, "b has all", r.mustBeat(beating("b", 2, nil)), "3: t0/0,1")
	r.pass(44900 * time.Millisecond)
	expect(t, "b lives", r.mustBeat(beating("b", 3, nil)), "3: -")
	r.pass(45100 * time.Millisecond)
	expect(t, "b is out", r.beat(beating("b", 3, nil)).ErrorCode, UnknownMember)
}

// A new coordinator gives members a whole session, and those that were to give back a whole rebalance timeout.
func TestTimeoutsAfterFailover(t *testing.T) {
	r := newRig(t, 2)
	r.mustBeat(joining("a", nil, "t0"))
	r.mustBeat(joining("b", nil, "t0"))
	r.mustBeat(beating("a", 1, nil))
	r.pass(29 * time.Second)
	r.load()
	r.pass(29 * time.Second)
	expect(t, "a is at its epoch", r.mustBeat(beating("a", 1, nil)), "1: -")
	r.pass(2 * time.Second)
	expect(t, "a is out", r.beat(beating("a", 1, nil)).ErrorCode, UnknownMember)
}

func TestTopicsComeAndGo(t *testing.T) {
	r := newRig(t, 1)
	all := func(q *heartbeat) { q.SubscribedTopicNames, q.SubscribedTopicRegex = nil, ptr("t[0-9]+") }
	expect(t, "joins", r.mustBeat(joining("a", all)), "1: t0/0")
	r.see(2)
	expect(t, "a partition more", r.mustBeat(beating("a", 1, nil)), "2: t0/0,1")
	r.see(2, 1)
	expect(t, "a topic more", r.mustBeat(beating("a", 2, nil)), "3: t0/0,1 t1/0")
	r.see(-1, 1)
	expect(t, "a topic less", r.mustBeat(beating("a", 3, nil)), "3: t1/0")
	expect(t, "given up", r.mustBeat(beating("a", 3, parts(1, 0))), "4: -")
	other := joining("a", func(q *heartbeat) {
		q.MemberEpoch, q.Topics, q.SubscribedTopicRegex = 4, beating("", 0, parts(1, 0)).Topics, ptr("none")
	})
	expect(t, "another regex", r.mustBeat(other), "4:")
	expect(t, "one regex is left", len(r.m.groups["g"].consumer.regexes), 1)
	r.see(-1, 1, 1)
	expect(t, "what no regex matches changes nothing", r.mustBeat(beating("a", 4, Set{})), "5: -")
}

func TestRangeIsAskedFor(t *testing.T) {
	r := newRig(t, 3, 3)
	ranged := func(q *heartbeat) { q.ServerAssignor = ptr(assignorRange) }
	r.mustBeat(joining("a", ranged, "t0", "t1"))
	r.mustBeat(joining("b", ranged, "t0", "t1"))
	expect(t, "a", r.mustBeat(beating("a", 1, nil)), "1: t0/0,1 t1/0,1")
	d := r.call("g", 1, DescribeConsumer{}).(kmsg.ConsumerGroupDescribeResponseGroup)
	expect(t, "assignor", d.AssignorName, assignorRange)
	expect(t, "state", d.State, stateReconciling)
	expect(t, "epoch", d.Epoch, 2)
	expect(t, "members", len(d.Members), 2)
	expect(t, "type", d.Members[0].MemberType, memberConsumer)
	expect(t, "target", d.Members[1].TargetAssignment.TopicPartitions[0].Topic, "t0")
}

func commitAt(id string, epoch int32) *kmsg.OffsetCommitRequest {
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Group, req.MemberID, req.Generation = "g", id, epoch
	rt := kmsg.NewOffsetCommitRequestTopic()
	rt.Topic = "t0"
	rp := kmsg.NewOffsetCommitRequestTopicPartition()
	rp.Offset = 7
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	return req
}

// ConsumerGroup.validateOffsetCommit and validateOffsetFetch of Kafka 4.1.
func TestOffsetsOfAConsumerGroup(t *testing.T) {
	r := newRig(t, 2)
	r.mustBeat(joining("a", nil, "t0"))
	r.mustBeat(joining("b", nil, "t0"))
	r.mustBeat(beating("a", 1, parts(0, 0)))
	commit := func(version int16, id string, epoch int32) int16 {
		return r.call("g", version, commitAt(id, epoch)).(*kmsg.OffsetCommitResponse).Topics[0].Partitions[0].ErrorCode
	}
	expect(t, "stale epoch", commit(9, "a", 1), StaleMemberEpoch)
	expect(t, "epoch ahead", commit(9, "a", 3), StaleMemberEpoch)
	expect(t, "nobody", commit(9, "x", 2), UnknownMember)
	expect(t, "administrator while there are members", commit(9, "", -1), UnknownMember)
	expect(t, "old version", commit(8, "a", 2), UnsupportedVersion)
	fetch := func(id *string, epoch int32) (int16, int64) {
		g := r.call("g", 9, FetchOffsets{MemberID: id, Epoch: epoch, All: true}).(kmsg.OffsetFetchResponseGroup)
		if len(g.Topics) == 0 {
			return g.ErrorCode, -1
		}
		return g.ErrorCode, g.Topics[0].Partitions[0].Offset
	}
	_, at := fetch(nil, -1)
	expect(t, "nothing is committed by those", at, -1)
	expect(t, "its epoch", commit(9, "a", 2), None)
	code, at := fetch(ptr("a"), 2)
	expect(t, "fetch", code, None)
	expect(t, "offset", at, 7)
	code, _ = fetch(ptr("a"), 1)
	expect(t, "fetch at a stale epoch", code, StaleMemberEpoch)
	code, _ = fetch(ptr("x"), 1)
	expect(t, "fetch by nobody", code, UnknownMember)
	r.mustBeat(beating("a", epochLeave, nil))
	r.mustBeat(beating("b", epochLeave, nil))
	expect(t, "administrator", commit(9, "", -1), None)
}

// A commit that comes while the epoch is being changed waits for that, and is refused then: what is answered goes by what
// is committed.
func TestCommitWaitsForTheEpoch(t *testing.T) {
	r := newRig(t, 2)
	r.mustBeat(joining("a", nil, "t0"))
	r.mustBeat(joining("b", nil, "t0"))
	r.ask("g", 1, beating("a", 1, parts(0, 0)))
	ticket := r.ask("g", 9, commitAt("a", 1))
	if r.answers[ticket] != nil {
		t.Fatal("the commit didn't wait")
	}
	r.settle(None)
	expect(t, "error", r.answers[ticket].(*kmsg.OffsetCommitResponse).Topics[0].Partitions[0].ErrorCode, StaleMemberEpoch)
}

// A member hears of an epoch only when that is committed: so the next coordinator knows it too, and no epoch goes back.
func TestNoEpochIsToldBeforeItIsCommitted(t *testing.T) {
	r := newRig(t, 2)
	ticket := r.ask("g", 1, joining("a", nil, "t0"))
	if r.answers[ticket] != nil || len(r.writes) != 1 {
		t.Fatalf("%d writes on their way, and the answer %v", len(r.writes), r.answers[ticket])
	}
	r.load() // the write is lost
	expect(t, "nobody is a member", r.beat(beating("a", 1, nil)).ErrorCode, NotFound)
}

// A write that comes to nothing leaves no trace: the member is where it was.
func TestFailedWrite(t *testing.T) {
	r := newRig(t, 2)
	r.mustBeat(joining("a", nil, "t0"))
	ticket := r.ask("g", 1, joining("b", nil, "t0"))
	r.settle(NotCoordinator)
	expect(t, "error", r.answers[ticket].(*kmsg.ConsumerGroupHeartbeatResponse).ErrorCode, NotCoordinator)
	r.check()
	expect(t, "a is alone", r.mustBeat(beating("a", 1, nil)), "1: -")
	expect(t, "members", r.m.members, 1)
}

func TestOtherRequestsAndConsumerGroups(t *testing.T) {
	r := newRig(t, 2)
	r.mustBeat(joining("a", nil, "t0"))
	r.call("g", 9, commitAt("a", 1))
	list := r.call("", 5, List{Types: []string{"Consumer"}}).([]kmsg.ListGroupsResponseGroup)
	if len(list) != 1 || list[0].GroupType != typeConsumer || list[0].GroupState != stateStable || list[0].ProtocolType != consumerType {
		t.Errorf("listed as %+v", list)
	}
	expect(t, "not among the classic", len(r.call("", 5, List{Types: []string{"classic"}}).([]kmsg.ListGroupsResponseGroup)), 0)
	expect(t, "describe 5", r.call("g", 5, Describe{}).(kmsg.DescribeGroupsResponseGroup).ErrorCode, None)
	d := r.call("g", 6, Describe{}).(kmsg.DescribeGroupsResponseGroup)
	expect(t, "describe 6", d.ErrorCode, NotFound)
	expect(t, "state", d.State, stateDead)
	expect(t, "describe one that isn't", r.call("x", 1, DescribeConsumer{}).(kmsg.ConsumerGroupDescribeResponseGroup).ErrorCode, NotFound)
	expect(t, "delete", r.call("g", 2, Delete{}).(kmsg.DeleteGroupsResponseGroup).ErrorCode, NonEmpty)
	del := kmsg.NewPtrOffsetDeleteRequest()
	rt := kmsg.NewOffsetDeleteRequestTopic()
	rt.Topic, rt.Partitions = "t0", []kmsg.OffsetDeleteRequestTopicPartition{{Partition: 0}}
	del.Topics = append(del.Topics, rt)
	expect(t, "delete an offset", r.call("g", 0, del).(*kmsg.OffsetDeleteResponse).Topics[0].Partitions[0].ErrorCode, Subscribed)
	r.mustBeat(beating("a", epochLeave, nil))
	expect(t, "delete an offset of nobody's", r.call("g", 0, del).(*kmsg.OffsetDeleteResponse).Topics[0].Partitions[0].ErrorCode, None)
	expect(t, "delete when empty", r.call("g", 2, Delete{}).(kmsg.DeleteGroupsResponseGroup).ErrorCode, None)
	expect(t, "groups", len(r.m.groups), 0)
	expect(t, "members", r.m.members, 0)
	if live := slices.Collect(r.m.liveKeys()); len(live) != 0 {
		t.Errorf("records are left: %q", live)
	}
}

// An administrator's LeaveGroup takes out members of both protocols, by id or by instance, and says of each what was asked.
func TestAdministratorRemovesConsumers(t *testing.T) {
	r := newRig(t, 2)
	r.mustBeat(joining("a", nil, "t0"))
	r.mustBeat(joining("s", func(h *heartbeat) { h.InstanceID = ptr("i") }, "t0"))
	leave := kmsg.NewPtrLeaveGroupRequest()
	leave.Group = "g"
	leave.Members = []kmsg.LeaveGroupRequestMember{{MemberID: "a"}, {InstanceID: ptr("i")}, {MemberID: "nobody"}, {MemberID: "a", InstanceID: ptr("i")}}
	got := ""
	for _, m := range r.call("g", 5, leave).(*kmsg.LeaveGroupResponse).Members {
		got += fmt.Sprintf("%q %d; ", m.MemberID, m.ErrorCode)
	}
	expect(t, "answered", got, `"a" 0; "" 0; "nobody" 25; "a" 82; `)
	expect(t, "heartbeat of who was removed", r.beat(beating("a", 2, nil)).ErrorCode, UnknownMember)
	expect(t, "members", r.m.members, 0)
}

// liveKeys are those of all tables.
func (m *Machine) liveKeys() func(func(string) bool) {
	return func(yield func(string) bool) {
		for _, g := range m.sorted() {
			for _, k := range g.table.keys() {
				if !yield(k) {
					return
				}
			}
		}
	}
}

// An empty consumer group goes when its last offset expires, by the time of the commit.
func TestConsumerGroupExpires(t *testing.T) {
	r := newRig(t, 2)
	r.mustBeat(joining("a", nil, "t0"))
	r.call("g", 9, commitAt("a", 1))
	for range 3000 { // its session's members keep what they are subscribed to
		r.pass(40 * time.Second)
		r.mustBeat(beating("a", 1, nil))
	}
	expect(t, "offsets of a subscribed topic", len(r.m.groups["g"].table.offsets), 1)
	r.mustBeat(beating("a", epochLeave, nil))
	r.pass(time.Hour)
	expect(t, "groups", len(r.m.groups), 0)
}
