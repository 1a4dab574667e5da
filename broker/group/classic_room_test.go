package group

import (
	"bytes"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// large is a JoinGroup of a member that says so many bytes of itself.
func large(d *desk, group, id, instance string, size int) *kmsg.JoinGroupResponse {
	d.Helper()
	req := kmsg.NewPtrJoinGroupRequest()
	req.Group, req.MemberID, req.ProtocolType, req.SessionTimeoutMillis, req.RebalanceTimeoutMillis = group, id, consumerType, 10_000, 20_000
	said := bytes.Repeat([]byte{1}, size)
	req.Protocols = []kmsg.JoinGroupRequestProtocol{{Name: "p", Metadata: said}}
	if instance != "" {
		req.InstanceID = &instance
	}
	t := d.send(group, 3, req)
	clear(said) // as the request's memory is used again
	d.pass(time.Millisecond)
	return d.joined(t)
}

// What members of all groups say of themselves is bounded: one more, or one that says more, is refused until others have left, and
// who is a member stays one. Nothing else of their requests is kept.
func TestMembersBytesAreBounded(t *testing.T) {
	d := newDesk(t, func(c *Config) { c.HeldBytes = 3 * (memberRow + protocolRow + 1000 + 100) })
	ids := map[string]string{}
	for _, g := range []string{"a", "b"} {
		r := large(d, g, "", "", 1000)
		expect(t, "join of "+g, r.ErrorCode, None)
		ids[g] = r.MemberID
	}
	s := large(d, "s", "", "i", 1000)
	expect(t, "a static join", s.ErrorCode, None)
	expect(t, "one more", large(d, "c", "", "", 1000).ErrorCode, GroupFull)
	expect(t, "one that says more", large(d, "a", ids["a"], "", 1500).ErrorCode, GroupFull)
	expect(t, "one that says the same", large(d, "a", ids["a"], "", 1000).ErrorCode, None)
	s = large(d, "s", "", "i", 1000)
	expect(t, "one in its own place", s.ErrorCode, None)
	b := d.m.groups["a"].classic.byID[ids["a"]]
	if said, _ := b.metadata("p"); !bytes.Equal(said, bytes.Repeat([]byte{1}, 1000)) {
		t.Errorf("member a is said to have said %x", said[:4])
	}
	expect(t, "bytes of all", d.m.held, b.size()+d.m.groups["b"].classic.members[0].size()+d.m.groups["s"].classic.members[0].size())
	leave := kmsg.NewPtrLeaveGroupRequest()
	leave.Group, leave.Members = "b", []kmsg.LeaveGroupRequestMember{{MemberID: ids["b"]}}
	d.send("b", 3, leave)
	expect(t, "one more, when another has left", large(d, "c", "", "", 1000).ErrorCode, None)
	d.pass(time.Hour)
	expect(t, "bytes of none", d.m.held, 0)
}
