package group

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// desk is a machine whose writes are committed at once.
type desk struct {
	*testing.T
	m     *Machine
	now   Now
	end   int64
	got   map[Ticket]any
	last  Ticket
	hold  bool
	held  []Write
	notes []string
}

func newDesk(t *testing.T, change func(c *Config)) *desk {
	c := DefaultConfig()
	c.InitialDelay = 0
	if change != nil {
		change(&c)
	}
	d := &desk{T: t, m: New(c, rand.New(rand.NewPCG(1, 2))), now: Now{Mono: time.Hour, Wall: 1_800_000_000_000}, got: map[Ticket]any{}}
	var o Out
	d.m.Loaded(d.now, &o)
	return d
}

func (d *desk) carry(o Out) {
	d.notes = append(d.notes, o.Notes...)
	for _, a := range o.Answers {
		d.got[a.Ticket] = a.Body
	}
	d.held = append(d.held, o.Writes...)
	for !d.hold && len(d.held) > 0 {
		d.commit()
	}
}

// commit has one write committed.
func (d *desk) commit() {
	w := d.held[0]
	d.held = d.held[1:]
	d.end += int64(len(w.Records))
	var o Out
	d.m.Committed(d.now, w.ID, d.end, &o)
	d.carry(o)
}

func (d *desk) pass(t time.Duration) {
	for end := d.now.Mono + t; d.now.Mono < end; {
		next, ok := d.m.Next()
		if !ok || next > end {
			next = end
		}
		d.now.Wall += max(next-d.now.Mono, 0).Milliseconds()
		d.now.Mono = max(next, d.now.Mono)
		var o Out
		d.m.Expire(d.now, &o)
		d.carry(o)
	}
}

// send asks; the answer is got by the ticket, once there is one.
func (d *desk) send(group string, version int16, body any) Ticket {
	d.last++
	var o Out
	d.m.Do(d.now, Call{Ticket: d.last, Group: group, Version: version, Client: "c", Host: "/h", Body: body}, &o)
	d.carry(o)
	return d.last
}

func (d *desk) join(version int16, id, instance, protocol string, metadata ...byte) Ticket {
	req := kmsg.NewPtrJoinGroupRequest()
	req.Group, req.MemberID, req.ProtocolType, req.SessionTimeoutMillis, req.RebalanceTimeoutMillis = "g", id, "consumer", 10_000, 20_000
	req.Protocols = []kmsg.JoinGroupRequestProtocol{{Name: protocol, Metadata: metadata}}
	if instance != "" {
		req.InstanceID = &instance
	}
	t := d.send("g", version, req)
	d.pass(time.Millisecond)
	return t
}

func (d *desk) joined(t Ticket) *kmsg.JoinGroupResponse {
	d.Helper()
	r, ok := d.got[t].(*kmsg.JoinGroupResponse)
	if !ok {
		d.Fatalf("a JoinGroup got %T", d.got[t])
	}
	return r
}

func (d *desk) sync(id string, generation int32, all ...string) Ticket {
	req := kmsg.NewPtrSyncGroupRequest()
	req.Group, req.MemberID, req.Generation = "g", id, generation
	for _, b := range all {
		req.GroupAssignment = append(req.GroupAssignment, kmsg.SyncGroupRequestGroupAssignment{MemberID: b, MemberAssignment: []byte("for " + b)})
	}
	return d.send("g", 3, req)
}

func (d *desk) commitAs(version int16, id, instance string, generation int32) int16 {
	d.Helper()
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Group, req.MemberID, req.Generation = "g", id, generation
	if instance != "" {
		req.InstanceID = &instance
	}
	p := kmsg.NewOffsetCommitRequestTopicPartition()
	p.Offset = 7
	req.Topics = []kmsg.OffsetCommitRequestTopic{{Topic: "a", Partitions: []kmsg.OffsetCommitRequestTopicPartition{p}}}
	return d.got[d.send("g", version, req)].(*kmsg.OffsetCommitResponse).Topics[0].Partitions[0].ErrorCode
}

func (d *desk) beat(id string, generation int32) int16 {
	req := kmsg.NewPtrHeartbeatRequest()
	req.Group, req.MemberID, req.Generation = "g", id, generation
	return d.got[d.send("g", 4, req)].(*kmsg.HeartbeatResponse).ErrorCode
}

func (d *desk) is(what string, got, want int16) {
	d.Helper()
	if got != want {
		d.Errorf("%s: code %d, expected %d", what, got, want)
	}
}

// Codes before there is a group, as GroupMetadataManager and OffsetMetadataManager give them.
func TestCodesOfNoGroup(t *testing.T) {
	d := newDesk(t, nil)
	d.is("Heartbeat", d.beat("m", 1), UnknownMember)
	d.is("SyncGroup", d.got[d.sync("m", 1)].(*kmsg.SyncGroupResponse).ErrorCode, UnknownMember)
	d.is("JoinGroup with an id", d.joined(d.join(9, "m", "", "range")).ErrorCode, UnknownMember)
	leave := kmsg.NewPtrLeaveGroupRequest()
	leave.Group, leave.Members = "g", []kmsg.LeaveGroupRequestMember{{MemberID: "m"}}
	d.is("LeaveGroup", d.got[d.send("g", 5, leave)].(*kmsg.LeaveGroupResponse).Members[0].ErrorCode, UnknownMember)
	d.is("OffsetCommit 8 with a generation", d.commitAs(8, "m", "", 1), IllegalGeneration)
	d.is("OffsetCommit 9 with a generation", d.commitAs(9, "m", "", 1), NotFound)
	d.is("OffsetDelete", d.got[d.send("g", 0, kmsg.NewPtrOffsetDeleteRequest())].(*kmsg.OffsetDeleteResponse).ErrorCode, NotFound)
	d.is("DeleteGroups", d.got[d.send("g", 2, Delete{})].(kmsg.DeleteGroupsResponseGroup).ErrorCode, NotFound)
	short := kmsg.NewPtrJoinGroupRequest()
	short.SessionTimeoutMillis = 5999
	d.is("JoinGroup with a short session", d.joined(d.send("g", 9, short)).ErrorCode, InvalidSessionTimeout)
	short.SessionTimeoutMillis = 6000
	d.is("JoinGroup without protocols", d.joined(d.send("g", 9, short)).ErrorCode, InconsistentProtocol)
	d.is("JoinGroup without a group", d.joined(d.send("", 9, short)).ErrorCode, InvalidGroup)
	if n := len(d.m.groups); n != 0 {
		t.Errorf("requests that were refused have made %d groups", n)
	}
	d.is("a simple consumer's commit", d.commitAs(9, "", "", -1), None)
	if r := d.m.list(List{States: []string{"empty"}, Types: []string{"Classic"}}); len(r) != 1 || r[0].ProtocolType != "" {
		t.Errorf("listed: %+v", r)
	}
}

// Two members: the second one's JoinGroup begins a rebalance, the first one's ends it; each step refuses what doesn't belong
// to it.
func TestCodesOfARebalance(t *testing.T) {
	d := newDesk(t, nil)
	a := d.joined(d.join(3, "", "", "range", 1))
	d.is("first", a.ErrorCode, None)
	d.is("a commit before the assignment", d.commitAs(8, a.MemberID, "", a.Generation), RebalanceInProgress)
	d.is("sync of another generation", d.got[d.sync(a.MemberID, a.Generation+1)].(*kmsg.SyncGroupResponse).ErrorCode, IllegalGeneration)
	d.is("sync", d.got[d.sync(a.MemberID, a.Generation, a.MemberID)].(*kmsg.SyncGroupResponse).ErrorCode, None)
	d.is("a commit", d.commitAs(8, a.MemberID, "", a.Generation), None)
	d.is("a commit of nobody", d.commitAs(8, "", "", -1), UnknownMember)
	d.is("a commit of a stranger", d.commitAs(8, "x", "", a.Generation), UnknownMember)
	d.is("another protocol", d.joined(d.join(3, "", "", "other")).ErrorCode, InconsistentProtocol)
	second := d.join(3, "", "", "range", 2)
	d.is("a heartbeat meanwhile", d.beat(a.MemberID, a.Generation), RebalanceInProgress)
	d.is("a commit meanwhile", d.commitAs(8, a.MemberID, "", a.Generation), None) // so that a member can commit before it joins again
	again := d.joined(d.join(3, a.MemberID, "", "range", 1))
	b := d.joined(second)
	if again.Generation != a.Generation+1 || b.Generation != again.Generation || len(again.Members) != 2 || len(b.Members) != 0 || b.LeaderID != a.MemberID {
		t.Fatalf("C3: %+v and %+v after %+v", again, b, a)
	}
	waits := d.sync(b.MemberID, b.Generation)
	if d.got[waits] != nil {
		t.Fatal("a SyncGroup is answered before the leader's")
	}
	d.hold = true
	lead := d.sync(a.MemberID, b.Generation, a.MemberID, b.MemberID)
	if d.got[waits] != nil || d.got[lead] != nil || len(d.held) != 1 {
		t.Fatalf("C4: an assignment is given out before it is committed")
	}
	d.hold = false
	d.commit()
	if r := d.got[waits].(*kmsg.SyncGroupResponse); string(r.MemberAssignment) != "for "+b.MemberID {
		t.Fatalf("assigned: %+v", r)
	}
	d.is("a commit of the generation before", d.commitAs(8, a.MemberID, "", a.Generation), IllegalGeneration)
	d.is("delete", d.got[d.send("g", 2, Delete{})].(kmsg.DeleteGroupsResponseGroup).ErrorCode, NonEmpty)
	d.pass(9 * time.Second)
	d.is("a heartbeat", d.beat(a.MemberID, b.Generation), None)
	d.pass(9 * time.Second)
	d.is("a heartbeat after the other's session", d.beat(a.MemberID, b.Generation), RebalanceInProgress)
	d.is("the other's", d.beat(b.MemberID, b.Generation), UnknownMember)
}

// A static member that comes again takes the place of the one before without a rebalance; that one is fenced (KIP-345).
func TestStaticMembers(t *testing.T) {
	d := newDesk(t, nil)
	first := d.joined(d.join(9, "", "i", "range", 1))
	d.sync(first.MemberID, first.Generation, first.MemberID)
	again := d.joined(d.join(9, "", "i", "range", 1))
	if again.ErrorCode != None || again.MemberID == first.MemberID || again.Generation != first.Generation || !again.SkipAssignment || again.LeaderID != again.MemberID || len(again.Members) != 1 {
		t.Fatalf("%+v after %+v", again, first)
	}
	d.is("a commit of the one before", d.commitAs(8, first.MemberID, "i", first.Generation), FencedInstance)
	d.is("without its instance", d.commitAs(8, first.MemberID, "", first.Generation), UnknownMember)
	d.is("of the new one", d.commitAs(8, again.MemberID, "i", first.Generation), None)
	if r := d.got[d.sync(again.MemberID, again.Generation)].(*kmsg.SyncGroupResponse); string(r.MemberAssignment) != "for "+first.MemberID {
		t.Fatalf("the new one has the assignment %q", r.MemberAssignment)
	}
	old := d.joined(d.join(8, "", "i", "range", 1))
	if old.SkipAssignment || old.LeaderID == old.MemberID || len(old.Members) != 0 {
		t.Fatalf("before version 9 the new one doesn't think that it leads: %+v", old)
	}
	leave := kmsg.NewPtrLeaveGroupRequest()
	i := "i"
	leave.Group, leave.Members = "g", []kmsg.LeaveGroupRequestMember{{InstanceID: &i}}
	d.is("an administrator's LeaveGroup", d.got[d.send("g", 5, leave)].(*kmsg.LeaveGroupResponse).Members[0].ErrorCode, None)
	if r := d.got[d.send("g", 6, Describe{})].(kmsg.DescribeGroupsResponseGroup); r.State != "Empty" {
		t.Fatalf("%+v", r)
	}
}

// One member more than there may be is turned away, and bounds that Kafka doesn't have hold too.
func TestGroupBounds(t *testing.T) {
	d := newDesk(t, func(c *Config) { c.MaxSize, c.Members, c.MetadataBytes, c.MemberBytes = 1, 2, 3, 200 })
	a := d.joined(d.join(3, "", "", "range", 1))
	d.sync(a.MemberID, a.Generation, a.MemberID)
	d.is("a second member", d.joined(d.join(3, "", "", "range", 1)).ErrorCode, GroupFull)
	d.is("metadata of 201 bytes", d.joined(d.join(3, "", "", "range", make([]byte, 201)...)).ErrorCode, UnknownServer)
	req := kmsg.NewPtrOffsetCommitRequest()
	req.MemberID, req.Generation = a.MemberID, a.Generation
	p := kmsg.NewOffsetCommitRequestTopicPartition()
	p.Metadata = kmsg.StringPtr("four")
	req.Topics = []kmsg.OffsetCommitRequestTopic{{Topic: "a", Partitions: []kmsg.OffsetCommitRequestTopicPartition{p}}}
	d.is("an offset's metadata", d.got[d.send("g", 8, req)].(*kmsg.OffsetCommitResponse).Topics[0].Partitions[0].ErrorCode, MetadataTooLarge)
}
