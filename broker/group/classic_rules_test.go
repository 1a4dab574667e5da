package group

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// request is a JoinGroup, subscribed to topic a by each protocol.
func (d *desk) request(id, instance string, protocols ...string) *kmsg.JoinGroupRequest {
	req := kmsg.NewPtrJoinGroupRequest()
	req.Group, req.MemberID, req.ProtocolType, req.SessionTimeoutMillis, req.RebalanceTimeoutMillis = "g", id, consumerType, 60_000, 20_000
	meta := kmsg.NewConsumerMemberMetadata()
	meta.Topics = []string{"a"}
	for _, p := range protocols {
		req.Protocols = append(req.Protocols, kmsg.JoinGroupRequestProtocol{Name: p, Metadata: meta.AppendTo(nil)})
	}
	if instance != "" {
		req.InstanceID = &instance
	}
	return req
}

// asks sends a JoinGroup of version 5 with an instance, and of version 3 without one, which needs no id.
func (d *desk) asks(id, instance string, protocols ...string) Ticket {
	version := int16(3)
	if instance != "" {
		version = 5
	}
	t := d.send("g", version, d.request(id, instance, protocols...))
	d.pass(time.Millisecond)
	return t
}

// pair makes a stable group of two; the first leads it.
func (d *desk) pair(ia, ib string) (a, b *kmsg.JoinGroupResponse) {
	d.Helper()
	a = d.joined(d.asks("", ia, "range"))
	d.sync(a.MemberID, a.Generation, a.MemberID)
	second := d.asks("", ib, "range")
	a = d.joined(d.asks(a.MemberID, ia, "range"))
	b = d.joined(second)
	d.sync(b.MemberID, b.Generation)
	d.sync(a.MemberID, a.Generation, a.MemberID, b.MemberID)
	d.at("Stable", 2)
	return a, b
}

// at asserts the group's state and number of members.
func (d *desk) at(state string, members int) {
	d.Helper()
	if r := d.got[d.send("g", 5, Describe{})].(kmsg.DescribeGroupsResponseGroup); r.State != state || len(r.Members) != members {
		d.Fatalf("the group is %s with %d members, expected %s with %d", r.State, len(r.Members), state, members)
	}
}

func (d *desk) waits(what string, t Ticket) {
	d.Helper()
	if d.got[t] != nil {
		d.Fatalf("%s is answered: %+v", what, d.got[t])
	}
}

func (d *desk) leave(id string) int16 {
	leave := kmsg.NewPtrLeaveGroupRequest()
	leave.Group, leave.Members = "g", []kmsg.LeaveGroupRequestMember{{MemberID: id}}
	return d.got[d.send("g", 5, leave)].(*kmsg.LeaveGroupResponse).Members[0].ErrorCode
}

// Who is replaced while it waits is told so, and a replacement that another assignment hangs on makes a rebalance (KIP-345).
func TestStaticReplacements(t *testing.T) {
	d := newDesk(t, nil)
	a, b := d.pair("i", "j")
	d.asks("", "", "range") // a third: all are to join again
	waits := d.asks(b.MemberID, "j", "range")
	next := d.asks("", "j", "range")
	d.is("JoinGroup of who was replaced", d.joined(waits).ErrorCode, FencedInstance)
	d.joined(d.asks(a.MemberID, "i", "range"))
	n := d.joined(next)
	sync := d.sync(n.MemberID, n.Generation)
	d.waits("SyncGroup of a follower", sync)
	d.waits("JoinGroup of a successor in the midst of a rebalance", d.asks("", "j", "range"))
	d.is("SyncGroup of who was replaced", d.got[sync].(*kmsg.SyncGroupResponse).ErrorCode, FencedInstance)
	d.at("PreparingRebalance", 3) // its old id may be with the leader already

	d = newDesk(t, nil)
	one := d.joined(d.asks("", "i", "range", "sticky"))
	d.sync(one.MemberID, one.Generation, one.MemberID)
	other := d.joined(d.asks("", "i", "sticky", "range"))
	if other.Generation != one.Generation+1 || *other.Protocol != "sticky" || other.LeaderID != other.MemberID {
		t.Errorf("a successor for whom another protocol is chosen is told %+v", other)
	}
}

// A static member that doesn't join again in time keeps its place; others lose theirs.
func TestWhoIsAwayInARebalance(t *testing.T) {
	d := newDesk(t, nil)
	d.pair("i", "")
	third := d.asks("", "", "range")
	d.pass(20 * time.Second)
	if r := d.joined(third); r.LeaderID != r.MemberID || len(r.Members) != 2 {
		t.Errorf("after the rebalance timeout: %+v", r)
	}
}

// Static members that are away, and give a rebalance no time, are waited for until their session ends: by deadlines that lie ahead.
func TestStaticMembersThatGiveNoTime(t *testing.T) {
	d := newDesk(t, nil)
	static := d.request("", "i", "range")
	static.SessionTimeoutMillis, static.RebalanceTimeoutMillis = 10_000, 0
	first := d.send("g", 5, static)
	second := d.send("g", 3, d.request("", "", "range"))
	d.pass(time.Millisecond)
	a, b := d.joined(first), d.joined(second)
	d.sync(b.MemberID, b.Generation)
	d.sync(a.MemberID, a.Generation, a.MemberID)
	d.is("it leaves", d.leave(b.MemberID), None)
	d.at("PreparingRebalance", 1)
	var o Out
	d.m.enter(d.now, &o)
	d.m.complete(d.m.groups["g"]) // as the end of the wait does
	d.m.out = nil
	if at, _ := d.m.Next(); at <= d.now.Mono {
		t.Errorf("the next wait ends at %v, it is %v: the deadlines of one moment have no end", at, d.now.Mono)
		return
	}
	d.pass(11 * time.Second)
	d.at("Empty", 0)
}

// A member that joins again with what it said before is told what there is, but for the leader, who has something else in mind.
func TestJoinsAgain(t *testing.T) {
	d := newDesk(t, nil)
	a, b := d.pair("", "")
	if r := d.joined(d.asks(b.MemberID, "", "range")); r.Generation != b.Generation || len(r.Members) != 0 {
		t.Errorf("a follower: %+v", r)
	}
	lead := d.asks(a.MemberID, "", "range")
	d.waits("JoinGroup of the leader", lead)
	d.at("PreparingRebalance", 2)
	d.asks(b.MemberID, "", "range")
	if r := d.joined(d.asks(a.MemberID, "", "range")); r.Generation != a.Generation+1 || len(r.Members) != 2 {
		t.Errorf("the leader, that hadn't its answer: %+v", r)
	}
	d.at("CompletingRebalance", 2)
}

// The first rebalance of a group waits for more members for as long as they come; later ones until all have joined, or one has left.
func TestRebalancesWait(t *testing.T) {
	d := newDesk(t, func(c *Config) { c.InitialDelay = 3 * time.Second })
	first := d.asks("", "", "range")
	d.pass(2 * time.Second)
	second := d.asks("", "", "range")
	d.pass(2 * time.Second)
	d.waits("the first JoinGroup, when another came", first)
	d.pass(2 * time.Second)
	a, b := d.joined(first), d.joined(second)
	if a.Generation != 1 || b.Generation != 1 || len(a.Members) != 2 {
		t.Fatalf("%+v and %+v", a, b)
	}
	d.sync(b.MemberID, 1)
	d.sync(a.MemberID, 1, a.MemberID, b.MemberID)
	third := d.asks("", "", "range")
	again := d.asks(a.MemberID, "", "range")
	d.waits("a later one, of which a member is missing", again)
	d.is("it leaves", d.leave(b.MemberID), None)
	if len(d.joined(again).Members) != 2 || d.joined(third).Generation != 2 {
		t.Errorf("%+v", d.got[again])
	}
}

// Deadlines: of who doesn't ask for its assignment, of a new member whose JoinGroup nobody ends, and of members before version 1.
func TestMembersDeadlines(t *testing.T) {
	d := newDesk(t, nil)
	a, _ := d.pair("", "")
	third := d.asks("", "", "range")
	d.asks(a.MemberID, "", "range")
	d.pass(20 * time.Second)
	d.joined(third)
	d.sync(a.MemberID, 3, a.MemberID)
	d.at("Stable", 2)
	d.pass(20 * time.Second)
	d.at("PreparingRebalance", 1) // the third didn't ask

	d = newDesk(t, nil)
	long := d.request("", "", "range")
	long.SessionTimeoutMillis, long.RebalanceTimeoutMillis = 1_800_000, 1_800_000
	began := d.send("g", 3, long)
	d.pass(time.Millisecond)
	a = d.joined(began)
	d.sync(a.MemberID, 1, a.MemberID)
	waits := d.asks("", "", "range")
	d.pass(4 * time.Minute)
	d.waits("JoinGroup of a new member", waits)
	d.pass(2 * time.Minute)
	d.is("JoinGroup that nobody ends", d.joined(waits).ErrorCode, UnknownMember)

	d = newDesk(t, nil)
	old := d.request("", "", "range")
	old.RebalanceTimeoutMillis = -1
	began = d.send("g", 0, old)
	d.pass(time.Millisecond)
	a = d.joined(began)
	d.sync(a.MemberID, 1, a.MemberID)
	second := d.send("g", 0, old)
	d.pass(50 * time.Second)
	d.waits("JoinGroup before the other's session, which is its rebalance timeout", second)
}

// An id that was given out can leave, and is nobody's instance; of equal votes the first counts.
func TestIdsAndVotes(t *testing.T) {
	d := newDesk(t, nil)
	id := func() string { return d.joined(d.send("g", 9, d.request("", "", "range"))).MemberID }
	first, second := id(), id()
	d.is("it leaves", d.leave(first), None)
	d.is("it left", d.leave(first), UnknownMember)
	d.is("with an instance", d.joined(d.asks(second, "i", "range")).ErrorCode, UnknownMember)
	d = newDesk(t, nil)
	a := d.joined(d.asks("", "", "x", "y"))
	second2 := d.asks("", "", "y", "x")
	if r := d.joined(d.asks(a.MemberID, "", "x", "y")); *r.Protocol != "x" || *d.joined(second2).Protocol != "x" {
		t.Errorf("chosen: %s", *r.Protocol)
	}
}

// What consumers are subscribed to is known from their own metadata, from when a generation begins; a commit says what its version has.
func TestSubscribedTopicsAndVersions(t *testing.T) {
	d := newDesk(t, nil)
	for _, topic := range []string{"a", "b"} {
		req := kmsg.NewPtrOffsetCommitRequest()
		req.Group, req.Generation = "g", -1
		p := kmsg.NewOffsetCommitRequestTopicPartition()
		p.LeaderEpoch = 5
		req.RetentionTimeMillis = 1
		req.Topics = []kmsg.OffsetCommitRequestTopic{{Topic: topic, Partitions: []kmsg.OffsetCommitRequestTopicPartition{p}}}
		version := map[string]int16{"a": 5, "b": 6}[topic]
		d.is(topic, d.got[d.send("g", version, req)].(*kmsg.OffsetCommitResponse).Topics[0].Partitions[0].ErrorCode, None)
	}
	d.pass(time.Hour) // the retention of a commit counts up to version 4 only
	all := d.got[d.send("g", 8, FetchOffsets{Epoch: -1, All: true})].(kmsg.OffsetFetchResponseGroup)
	if len(all.Topics) != 2 || all.Topics[0].Partitions[0].LeaderEpoch != -1 || all.Topics[1].Partitions[0].LeaderEpoch != 5 {
		t.Errorf("committed: %+v", all.Topics)
	}
	d.joined(d.asks("", "", "range"))
	del := kmsg.NewPtrOffsetDeleteRequest()
	for _, topic := range []string{"a", "b"} {
		del.Topics = append(del.Topics, kmsg.OffsetDeleteRequestTopic{Topic: topic, Partitions: []kmsg.OffsetDeleteRequestTopicPartition{{}}})
	}
	r := d.got[d.send("g", 0, del)].(*kmsg.OffsetDeleteResponse)
	d.is("of a topic that members are subscribed to", r.Topics[0].Partitions[0].ErrorCode, Subscribed)
	d.is("of another", r.Topics[1].Partitions[0].ErrorCode, None)
	re, _ := compileRegex("wn|x")
	if re.MatchString("own") || re.MatchString("ax") || !re.MatchString("x") {
		t.Error("a regular expression is of whole names")
	}
}
