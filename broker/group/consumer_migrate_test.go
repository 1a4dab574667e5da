package group

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// old is a consumer of the classic protocol.
type old struct {
	r        *rig
	group    string
	id       string
	instance *string
	topics   []string
	owned    []kmsg.ConsumerMemberMetadataOwnedPartition
	epoch    int32
	has      string
	partsOf  []kmsg.ConsumerMemberAssignmentTopic
}

func (o *old) joinRequest() *kmsg.JoinGroupRequest {
	req := kmsg.NewPtrJoinGroupRequest()
	req.Group, req.MemberID, req.InstanceID, req.ProtocolType = o.group, o.id, o.instance, consumerType
	req.SessionTimeoutMillis, req.RebalanceTimeoutMillis = 10_000, 20_000
	meta := kmsg.NewConsumerMemberMetadata()
	meta.Version, meta.Topics, meta.OwnedPartitions, meta.Generation = 1, o.topics, o.owned, o.epoch
	req.Protocols = []kmsg.JoinGroupRequestProtocol{{Name: "cooperative-sticky", Metadata: meta.AppendTo(nil)}, {Name: "range", Metadata: meta.AppendTo(nil)}}
	return req
}

// join sends a JoinGroup, after one that gets an id if it has none.
func (o *old) join() *kmsg.JoinGroupResponse {
	o.r.t.Helper()
	resp := o.r.call(o.group, 9, o.joinRequest()).(*kmsg.JoinGroupResponse)
	if resp.ErrorCode == MemberIDRequired {
		o.id = resp.MemberID
		resp = o.r.call(o.group, 9, o.joinRequest()).(*kmsg.JoinGroupResponse)
	}
	if resp.ErrorCode == None {
		o.id, o.epoch = resp.MemberID, resp.Generation
	}
	return resp
}

// sync sends a SyncGroup, with what the leader assigns if it is one.
func (o *old) sync(given map[string]map[string][]int32) int16 {
	o.r.t.Helper()
	req := kmsg.NewPtrSyncGroupRequest()
	req.Group, req.MemberID, req.Generation, req.InstanceID = o.group, o.id, o.epoch, o.instance
	req.ProtocolType, req.Protocol = ptr(consumerType), ptr("cooperative-sticky")
	for _, id := range sortedIDs(given) {
		a := kmsg.NewConsumerMemberAssignment()
		a.Version = 1
		for _, topic := range sortedIDs(given[id]) {
			a.Topics = append(a.Topics, kmsg.ConsumerMemberAssignmentTopic{Topic: topic, Partitions: given[id][topic]})
		}
		req.GroupAssignment = append(req.GroupAssignment, kmsg.SyncGroupRequestGroupAssignment{MemberID: id, MemberAssignment: a.AppendTo(nil)})
	}
	resp := o.r.call(o.group, 5, req).(*kmsg.SyncGroupResponse)
	if resp.ErrorCode == None {
		a := kmsg.NewConsumerMemberAssignment()
		if err := a.ReadFrom(resp.MemberAssignment); err != nil {
			o.r.t.Fatalf("assignment: %v", err)
		}
		o.partsOf, o.has = a.Topics, ""
		for _, t := range a.Topics {
			o.has += fmt.Sprintf("%s/%v", t.Topic, t.Partitions)
		}
	}
	return resp.ErrorCode
}

func sortedIDs[V any](m map[string]V) (ids []string) {
	for id := range m {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

func (o *old) beat() int16 {
	o.r.t.Helper()
	req := kmsg.NewPtrHeartbeatRequest()
	req.Group, req.MemberID, req.Generation, req.InstanceID = o.group, o.id, o.epoch, o.instance
	return o.r.call(o.group, 4, req).(*kmsg.HeartbeatResponse).ErrorCode
}

// again joins and syncs, and owns from now on what it got.
func (o *old) again() {
	o.r.t.Helper()
	if code := o.join().ErrorCode; code != None {
		o.r.t.Fatalf("join: %d", code)
	}
	if code := o.sync(nil); code != None {
		o.r.t.Fatalf("sync: %d", code)
	}
	o.owned = nil
	for _, t := range o.partsOf {
		o.owned = append(o.owned, kmsg.ConsumerMemberMetadataOwnedPartition(t))
	}
}

func (o *old) leave() int16 {
	o.r.t.Helper()
	req := kmsg.NewPtrLeaveGroupRequest()
	req.Group, req.Members = o.group, []kmsg.LeaveGroupRequestMember{{MemberID: o.id, InstanceID: o.instance}}
	return o.r.call(o.group, 5, req).(*kmsg.LeaveGroupResponse).Members[0].ErrorCode
}

// classicGroup makes a stable classic group of one, which has t0's partitions.
func classicGroup(r *rig) *old {
	r.t.Helper()
	o := &old{r: r, group: "g", topics: []string{"t0"}}
	o.id = r.call("g", 9, o.joinRequest()).(*kmsg.JoinGroupResponse).MemberID
	ticket := r.ask("g", 9, o.joinRequest())
	r.pass(time.Second)
	resp := r.answers[ticket].(*kmsg.JoinGroupResponse)
	o.epoch = resp.Generation
	if code := o.sync(map[string]map[string][]int32{o.id: {"t0": {0, 1, 2, 3}}}); code != None || o.has != "t0/[0 1 2 3]" {
		r.t.Fatalf("sync %d: %s", code, o.has)
	}
	o.owned = []kmsg.ConsumerMemberMetadataOwnedPartition{{Topic: "t0", Partitions: []int32{0, 1, 2, 3}}}
	return o
}

// KIP-848's online migration: a classic group gets a member of the new protocol, the classic one is served in the consumer
// group, and when the new one leaves the group is classic again.
func TestOnlineMigration(t *testing.T) {
	r := newRig(t, 4)
	o := classicGroup(r)
	r.call("g", 8, commitAt(o.id, o.epoch))
	expect(t, "a new member joins", r.mustBeat(joining("n", nil, "t0")), "2:")
	g := r.m.groups["g"]
	if g.consumer == nil || g.classic != nil {
		t.Fatal("the group isn't a consumer group")
	}
	d := r.call("g", 1, DescribeConsumer{}).(kmsg.ConsumerGroupDescribeResponseGroup)
	expect(t, "types", fmt.Sprint(d.Members[0].MemberType, d.Members[1].MemberType), "0 1")
	expect(t, "the old one is to join again", o.beat(), RebalanceInProgress)
	expect(t, "sync at the old epoch", o.sync(nil), RebalanceInProgress)

	o.epoch = 0
	expect(t, "sync at another generation", o.sync(nil), IllegalGeneration)
	expect(t, "heartbeat at another generation", o.beat(), IllegalGeneration)
	o.epoch = 1
	o.again() // it says that it has all, and is to give up two
	expect(t, "it is given", o.has, "t0/[0 1]")
	expect(t, "its epoch", o.epoch, 1)
	expect(t, "the new one waits", r.mustBeat(beating("n", 2, nil)), "2: -")
	expect(t, "the old one is to confirm", o.beat(), RebalanceInProgress)
	o.again()
	expect(t, "its epoch", o.epoch, 2)
	expect(t, "it is given", o.has, "t0/[0 1]")
	expect(t, "it goes on", o.beat(), None)
	expect(t, "the new one gets the rest", r.mustBeat(beating("n", 2, nil)), "2: t0/2,3")
	expect(t, "state", g.consumer.state(), stateStable)
	expect(t, "a commit of a classic member", r.call("g", 8, commitAt(o.id, 2)).(*kmsg.OffsetCommitResponse).Topics[0].Partitions[0].ErrorCode, None)
	expect(t, "one of an old generation", r.call("g", 8, commitAt(o.id, 1)).(*kmsg.OffsetCommitResponse).Topics[0].Partitions[0].ErrorCode, IllegalGeneration)

	expect(t, "the new one leaves", r.mustBeat(beating("n", epochLeave, nil)), "-1: -")
	g = r.m.groups["g"]
	if g.consumer != nil || g.classic == nil || g.classic.state != preparing {
		t.Fatal("the group isn't a classic one whose members join again")
	}
	expect(t, "it is told to join", o.beat(), RebalanceInProgress)
	resp := o.join()
	expect(t, "it joins", resp.ErrorCode, None)
	expect(t, "it leads", resp.LeaderID, o.id)
	expect(t, "generation", resp.Generation, 3)
	expect(t, "sync", o.sync(map[string]map[string][]int32{o.id: {"t0": {0, 1, 2, 3}}}), None)
	expect(t, "offsets", len(g.table.offsets), 1)
	expect(t, "members", r.m.members, 1)
}

// A classic member that came along into a consumer group, and is never heard of again, is out when its session ends; what it had is
// the others'.
func TestUpgradedMembersHaveSessions(t *testing.T) {
	r := newRig(t, 4)
	o := classicGroup(r)
	expect(t, "a new member joins", r.mustBeat(joining("n", nil, "t0")), "2:")
	r.pass(9 * time.Second)
	expect(t, "it waits", r.mustBeat(beating("n", 2, nil)), "2: -")
	r.pass(2 * time.Second)
	expect(t, "who is silent is out", r.m.groups["g"].consumer.has(o.id), false)
	expect(t, "what it had", r.mustBeat(beating("n", 2, nil)), "3: t0/0,1,2,3")
}

// A coordinator that loads a group which was made classic has its members join again, even if none of them noticed.
func TestDowngradeAndFailover(t *testing.T) {
	r := newRig(t, 4)
	o := classicGroup(r)
	r.mustBeat(joining("n", nil, "t0"))
	o.again()
	o.again()
	r.mustBeat(beating("n", epochLeave, nil))
	r.load()
	expect(t, "state", r.m.groups["g"].classic.state, preparing)
	expect(t, "it is told", o.beat(), RebalanceInProgress)
}

// What a member of a group that becomes classic is written down with is what it has: one that was still to get what another
// hasn't given back doesn't get it that way.
func TestDowngradeGivesNobodyMore(t *testing.T) {
	r := newRig(t, 4)
	r.mustBeat(joining("n", nil, "t0"))
	a := &old{r: r, group: "g", topics: []string{"t0"}}
	a.again()
	r.mustBeat(beating("n", 1, parts(0, 0, 1)))
	a.again()
	expect(t, "a has", a.has, "t0/[2 3]")
	b := &old{r: r, group: "g", topics: []string{"t0"}}
	b.again()
	expect(t, "b waits", b.has, "")
	r.mustBeat(beating("n", epochLeave, nil))
	for _, m := range r.m.groups["g"].classic.members {
		had, err := readAssignment(m.assignment, r.topics)
		want := ""
		if m.id == a.id {
			want = fmt.Sprint(parts(0, 2, 3))
		}
		if err != nil || len(had) > 0 && fmt.Sprint(had) != want || len(had) == 0 && want != "" {
			t.Errorf("%s is written down with %v, had %q", m.id, had, want)
		}
	}
}

// A new coordinator of a mixed group serves both kinds.
func TestMixedGroupAndFailover(t *testing.T) {
	r := newRig(t, 4)
	o := classicGroup(r)
	r.mustBeat(joining("n", nil, "t0"))
	o.again()
	r.load()
	r.check()
	o.again()
	expect(t, "old", o.has, "t0/[0 1]")
	expect(t, "new", r.mustBeat(beating("n", 2, nil)), "2: t0/2,3")
	r.pass(10500 * time.Millisecond) // a classic member has the session that it asked for
	expect(t, "old is out", o.beat(), UnknownMember)
	expect(t, "new has all", r.mustBeat(beating("n", 2, nil)), "3: t0/0,1,2,3")
}

// A classic member of a consumer group that doesn't come back in time is out: to join, and to ask for its assignment.
func TestClassicMembersTimeouts(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(o *old)
	}{
		{"join", func(o *old) { o.beat() }},
		{"sync", func(o *old) { o.join() }},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, 4)
			o := classicGroup(r)
			r.mustBeat(joining("n", nil, "t0"))
			c.do(o)
			for range 3 {
				r.pass(6 * time.Second)
				o.beat()
			}
			if !r.m.groups["g"].consumer.has(o.id) {
				t.Fatal("it is out before its time")
			}
			r.pass(2100 * time.Millisecond)
			if r.m.groups["g"].consumer.has(o.id) {
				t.Fatal("it is still in")
			}
		})
	}
}

func TestNoMigration(t *testing.T) {
	r := newRig(t, 4)
	r.m.cfg.Upgrade = false
	o := classicGroup(r)
	expect(t, "upgrade is off", r.beat(joining("n", nil, "t0")).ErrorCode, NotFound)
	expect(t, "the group goes on", o.beat(), None)
	r.m.cfg.Upgrade, r.m.cfg.Downgrade = true, false
	r.mustBeat(joining("n", nil, "t0"))
	r.mustBeat(beating("n", epochLeave, nil))
	if r.m.groups["g"].consumer == nil {
		t.Fatal("downgrade is off")
	}
	other := newRig(t, 4)
	req := (&old{r: other, group: "g", topics: []string{"t0"}}).joinRequest()
	req.ProtocolType = "connect"
	id := other.call("g", 9, req).(*kmsg.JoinGroupResponse).MemberID
	req.MemberID = id
	other.ask("g", 9, req)
	expect(t, "no consumers", other.beat(joining("n", nil, "t0")).ErrorCode, NotFound)
	other.pass(time.Second)
	broken := newRig(t, 4)
	req = (&old{r: broken, group: "g"}).joinRequest()
	req.Protocols[0].Metadata, req.Protocols[1].Metadata = []byte{1}, []byte{1}
	req.MemberID = broken.call("g", 9, req).(*kmsg.JoinGroupResponse).MemberID
	broken.ask("g", 9, req)
	broken.pass(time.Second)
	expect(t, "malformed metadata", broken.beat(joining("n", nil, "t0")).ErrorCode, NotFound)
	if broken.m.groups["g"].classic == nil {
		t.Fatal("a refused upgrade changed the group")
	}
}

// An empty group changes its type with the first member of the other.
func TestEmptyGroupsChangeType(t *testing.T) {
	r := newRig(t, 4)
	o := classicGroup(r)
	r.call("g", 8, commitAt(o.id, o.epoch))
	expect(t, "leaves", o.leave(), None)
	expect(t, "a new member", r.mustBeat(joining("n", nil, "t0")), "1: t0/0,1,2,3")
	r.mustBeat(beating("n", epochLeave, nil))
	expect(t, "an id of nobody", r.call("g", 9, (&old{r: r, group: "g", id: "x", topics: []string{"t0"}}).joinRequest()).(*kmsg.JoinGroupResponse).ErrorCode, UnknownMember)
	classicGroup(r)
	if r.m.groups["g"].consumer != nil {
		t.Fatal("it is still a consumer group")
	}
	expect(t, "offsets", len(r.m.groups["g"].table.offsets), 1)
}

// A leader of a classic group may give a partition to two members; a consumer group has it with one.
func TestUpgradeOfAnOverlappingAssignment(t *testing.T) {
	r := newRig(t, 2)
	var olds []*old
	for range 2 {
		o := &old{r: r, group: "g", topics: []string{"t0"}}
		o.id = r.call("g", 9, o.joinRequest()).(*kmsg.JoinGroupResponse).MemberID
		olds = append(olds, o)
	}
	a, b := r.ask("g", 9, olds[0].joinRequest()), r.ask("g", 9, olds[1].joinRequest())
	r.pass(time.Second)
	for i, ticket := range []Ticket{a, b} {
		olds[i].epoch = r.answers[ticket].(*kmsg.JoinGroupResponse).Generation
	}
	lead := slices.IndexFunc(olds, func(o *old) bool { return r.m.groups["g"].classic.leader == o.id })
	both := map[string][]int32{"t0": {0, 1}}
	expect(t, "sync", olds[lead].sync(map[string]map[string][]int32{olds[0].id: both, olds[1].id: both}), None)
	r.mustBeat(joining("n", nil, "t0"))
	r.check()
}

// A static member changes its protocol: the classic process of an instance gives way to one of the consumer protocol, and
// back, with what it has.
func TestStaticMemberChangesProtocol(t *testing.T) {
	r := newRig(t, 4)
	static := func(q *heartbeat) { q.InstanceID = ptr("i") }
	r.mustBeat(joining("n", nil, "t0"))
	o := &old{r: r, group: "g", topics: []string{"t0"}, instance: ptr("i")}
	expect(t, "joins", o.join().ErrorCode, None)
	r.mustBeat(beating("n", 1, parts(0, 0, 1)))
	o.again()
	expect(t, "has", o.has, "t0/[2 3]")
	expect(t, "the consumer protocol's process", r.mustBeat(joining("s", static, "t0")), "2: t0/2,3")
	expect(t, "the classic one", o.beat(), FencedInstance)
	r.mustBeat(beating("n", epochLeave, nil))
	last := &old{r: r, group: "g", topics: []string{"t0"}, instance: ptr("i")}
	expect(t, "back", last.join().ErrorCode, None)
	for len(r.writes) > 0 {
		r.settle(None)
	}
	if r.m.groups["g"].classic == nil {
		t.Fatal("all members are classic, and the group isn't")
	}
}

// A static member that joins again by a version of JoinGroup that doesn't say its instance (before 5) stays one, as in Kafka
// (ConsumerGroupMember.Builder.maybeUpdateInstanceId): who takes its place fences it (KIP-345).
func TestStaticMemberJoinsByAnOlderVersion(t *testing.T) {
	r := newRig(t, 4)
	r.mustBeat(joining("n", nil, "t0"))
	o := &old{r: r, group: "g", topics: []string{"t0"}, instance: ptr("i")}
	expect(t, "joins", o.join().ErrorCode, None)
	r.mustBeat(beating("n", 1, parts(0, 0, 1)))
	req := o.joinRequest()
	req.InstanceID = nil
	again := r.call("g", 4, req).(*kmsg.JoinGroupResponse)
	expect(t, "joins again", again.ErrorCode, None)
	expect(t, "as", again.MemberID, o.id)
	expect(t, "a successor", r.mustBeat(joining("s", func(q *heartbeat) { q.InstanceID = ptr("i") }, "t0")), "2: t0/2,3")
	commit := commitAt(o.id, again.Generation)
	expect(t, "a commit of who was replaced", r.call("g", 6, commit).(*kmsg.OffsetCommitResponse).Topics[0].Partitions[0].ErrorCode, UnknownMember)
	expect(t, "its heartbeat", o.beat(), FencedInstance)
	expect(t, "members", len(r.m.groups["g"].consumer.ids), 2)
	r.check()
}

// Between two rebalances, before anybody has synced, a member that keeps its partitions till then has them still: who comes by the new protocol
// is given none of them yet.
func TestUpgradeBetweenRebalances(t *testing.T) {
	r := newRig(t, 4)
	o := classicGroup(r) // has t0/0 to 3
	second := &old{r: r, group: "g", topics: []string{"t0"}}
	second.id = r.call("g", 9, second.joinRequest()).(*kmsg.JoinGroupResponse).MemberID
	waits := r.ask("g", 9, second.joinRequest())
	if code := o.join().ErrorCode; code != None {
		t.Fatal(code)
	}
	if got := r.answers[waits].(*kmsg.JoinGroupResponse); got.Generation != o.epoch {
		t.Fatal(got)
	}
	third := &old{r: r, group: "g", topics: []string{"t0"}}
	third.id = r.call("g", 9, third.joinRequest()).(*kmsg.JoinGroupResponse).MemberID
	r.ask("g", 9, third.joinRequest())
	if got := r.mustBeat(joining("n", nil, "t0")); got != "3:" {
		t.Errorf("the new member is given %s, and the old one has all", got)
	}
}

// An assignment is committed, and the SyncGroup of a member that it takes partitions from hasn't come: it works on them still, and who
// comes by the new protocol isn't given them.
func TestUpgradeBeforeASync(t *testing.T) {
	r := newRig(t, 4)
	a := classicGroup(r) // has t0/0 to 3, and leads
	b := &old{r: r, group: "g", topics: []string{"t0"}}
	b.id = r.call("g", 9, b.joinRequest()).(*kmsg.JoinGroupResponse).MemberID
	share := func(given map[string]map[string][]int32, others ...*old) {
		waits := make([]Ticket, len(others))
		for i, o := range others {
			waits[i] = r.ask("g", 9, o.joinRequest())
		}
		a.join()
		for i, o := range others {
			o.epoch = r.answers[waits[i]].(*kmsg.JoinGroupResponse).Generation
		}
		expect(t, "sync", a.sync(given), None)
	}
	share(map[string]map[string][]int32{a.id: {"t0": {0, 1}}, b.id: {"t0": {2, 3}}}, b)
	expect(t, "sync", b.sync(nil), None)
	c := &old{r: r, group: "g", topics: []string{"t0"}}
	c.id = r.call("g", 9, c.joinRequest()).(*kmsg.JoinGroupResponse).MemberID
	share(map[string]map[string][]int32{a.id: {"t0": {0, 1}}, b.id: {"t0": {2}}}, c, b)
	r.mustBeat(joining("n", nil, "t0"))
	part := Part{topicN(0), 3}
	if got := r.m.groups["g"].consumer.owners[part]; got != b.id {
		t.Errorf("partition 3 is %q's, and %q works on it", got, b.id)
	}
}
