package group

import (
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// heartbeat takes a Heartbeat. Of a group that isn't there nobody is a member.
func (m *Machine) heartbeat(g *group, c Call, req *kmsg.HeartbeatRequest) {
	r := kmsg.NewPtrHeartbeatResponse()
	r.ErrorCode = m.beat(g, c, req)
	m.answer(c.Ticket, r)
}

func (m *Machine) beat(g *group, c Call, req *kmsg.HeartbeatRequest) int16 {
	k := g.classic
	switch {
	case c.Group == "":
		return InvalidGroup
	case g.consumer != nil:
		return m.beatConsumer(g, req)
	case k == nil:
		return UnknownMember
	}
	if code := k.check(req.MemberID, req.InstanceID); code != None {
		return code
	}
	if req.Generation != k.generation {
		return IllegalGeneration
	}
	if k.state == empty {
		return UnknownMember
	}
	b := k.byID[req.MemberID]
	m.session(g, b, b.session)
	if k.state == preparing {
		return RebalanceInProgress
	}
	return None
}

// leave takes a LeaveGroup: members by id, or static ones by their instance alone, as an administrator does.
func (m *Machine) leave(g *group, c Call, req *kmsg.LeaveGroupRequest) {
	if g.consumer != nil {
		m.leaveConsumer(g, c, req)
		return
	}
	r := kmsg.NewPtrLeaveGroupResponse()
	r.Members = make([]kmsg.LeaveGroupResponseMember, len(req.Members))
	left := false
	for i, who := range req.Members {
		row := kmsg.NewLeaveGroupResponseMember()
		row.MemberID, row.InstanceID = who.MemberID, who.InstanceID
		row.ErrorCode = m.leaveOne(g, who)
		left = left || row.ErrorCode == None
		r.Members[i] = row
	}
	if c.Group == "" {
		r.ErrorCode, r.Members = InvalidGroup, []kmsg.LeaveGroupResponseMember{}
	}
	if left {
		switch g.classic.state {
		case stable, completing:
			m.prepare(g)
		case preparing:
			m.completeIfAll(g)
		}
	}
	m.answer(c.Ticket, r)
}

func (m *Machine) leaveOne(g *group, who kmsg.LeaveGroupRequestMember) int16 {
	k := g.classic
	if k == nil {
		return UnknownMember
	}
	id := who.MemberID
	if id == "" {
		if who.InstanceID == nil || k.static[*who.InstanceID] == "" {
			return UnknownMember
		}
		id = k.static[*who.InstanceID]
	} else if k.pending[id] == nil {
		if code := k.check(id, who.InstanceID); code != None {
			return code
		}
	}
	m.remove(k, id)
	return None
}

// restore makes a classic group of its record: it was stable, or empty, when that was written. Members that are still
// there send heartbeats within their session. One that was a consumer group until then names no leader: all join again.
func (m *Machine) restore(g *group) {
	if g.table.others[string(consumerKey{kindConsumerGroup, g.id, ""}.encode())] != nil {
		m.restoreConsumer(g)
		return
	}
	raw := g.table.others[string(encodeGroupKey(g.id))]
	if raw == nil {
		return
	}
	v := kmsg.NewGroupMetadataValue()
	if err := v.ReadFrom(raw); err != nil || v.Version < 0 || v.Version > 4 {
		m.out.Notes = append(m.out.Notes, fmt.Sprintf("group %q: its record of version %d can't be read (%v): its members must join again", g.id, v.Version, err))
		return
	}
	if v.Generation < 0 || v.Generation > maxEpoch {
		m.out.Notes = append(m.out.Notes, fmt.Sprintf("group %q: its record can't be read (generation %d, of 0 to %d): its members must join again", g.id, v.Generation, maxEpoch))
		return
	}
	k := g.classicOf()
	k.since, k.generation, k.assigned = v.CurrentStateTimestamp, v.Generation, v.Generation
	k.kind = v.ProtocolType
	if v.Protocol != nil {
		k.protocol = *v.Protocol
	}
	if v.Leader != nil {
		k.leader = *v.Leader
	}
	for i := range v.Members {
		m.restoreMember(g, &v.Members[i])
	}
	if k.byID[k.leader] == nil {
		k.leader = ""
		if len(k.members) > 0 {
			k.leader = k.members[0].id
		}
	}
	k.subscribe()
	if len(k.members) > 0 {
		k.state = stable
	}
	if len(k.members) > m.cfg.MaxSize || len(k.members) > 0 && v.Leader == nil {
		m.prepare(g)
	}
}

func (m *Machine) restoreMember(g *group, row *kmsg.GroupMetadataValueMember) {
	k := g.classic
	if k.byID[row.MemberID] != nil || row.InstanceID != nil && k.static[*row.InstanceID] != "" {
		return
	}
	ms := func(n int32) time.Duration { return time.Duration(max(n, 0)) * time.Millisecond }
	b := &member{id: row.MemberID, instance: row.InstanceID, client: row.ClientID, host: row.ClientHost, session: ms(row.SessionTimeoutMillis),
		rebalance: ms(row.RebalanceTimeoutMillis), assignment: row.Assignment, had: row.Assignment,
		protocols: []kmsg.JoinGroupRequestProtocol{{Name: k.protocol, Metadata: row.Subscription}}}
	if row.RebalanceTimeoutMillis == -1 {
		b.rebalance = b.session
	}
	k.add(b, k.kind)
	m.members++
	m.session(g, b, b.session)
}
