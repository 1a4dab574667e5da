package group

import (
	"bytes"
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
)

func refusedSync(code int16) *kmsg.SyncGroupResponse {
	r := kmsg.NewPtrSyncGroupResponse()
	r.ErrorCode, r.MemberAssignment = code, []byte{}
	return r
}

// answerSync ends a member's waiting SyncGroup, if there is one, and reports whether there was.
func (m *Machine) answerSync(b *member, r *kmsg.SyncGroupResponse) bool {
	if b.syncing == 0 {
		return false
	}
	m.answer(b.syncing, r)
	b.syncing = 0
	return true
}

// sync takes a SyncGroup: members wait for the leader's, whose assignment is written and then given to all (C4).
func (m *Machine) sync(g *group, c Call, req *kmsg.SyncGroupRequest) {
	k := g.classic
	if g.consumer != nil && (c.Version < 5 || req.ProtocolType != nil && req.Protocol != nil) {
		m.syncConsumer(g, c, req)
		return
	}
	if code := m.lintSync(g, c, req); code != None {
		m.answer(c.Ticket, refusedSync(code))
		return
	}
	b := k.byID[req.MemberID]
	switch k.state {
	case completing:
		m.answerSync(b, refusedSync(RebalanceInProgress)) // of a connection that its client gave up
		b.syncing, b.owesSync = c.Ticket, false
		if k.leader == b.id {
			m.assign(g, req)
		}
	case stable:
		b.owesSync, b.had = false, b.assignment
		m.answer(c.Ticket, k.assignedTo(b))
	default:
		m.answer(c.Ticket, refusedSync(RebalanceInProgress))
	}
}

func (m *Machine) lintSync(g *group, c Call, req *kmsg.SyncGroupRequest) int16 {
	k := g.classic
	differs := func(said *string, is string) bool { return said != nil && is != "" && *said != is }
	switch {
	case c.Group == "":
		return InvalidGroup
	case c.Version >= 5 && (req.ProtocolType == nil || req.Protocol == nil): // KafkaApis.handleSyncGroupRequest
		return InconsistentProtocol
	case k == nil || k.state == empty:
		return UnknownMember
	}
	if code := k.check(req.MemberID, req.InstanceID); code != None {
		return code
	}
	switch {
	case req.Generation != k.generation:
		return IllegalGeneration
	case differs(req.ProtocolType, k.kind) || differs(req.Protocol, k.protocol):
		return InconsistentProtocol
	}
	return None
}

func (c *classic) assignedTo(b *member) *kmsg.SyncGroupResponse {
	r := refusedSync(None)
	r.ProtocolType, r.Protocol = orNull(c.kind), orNull(c.protocol)
	if b.assignment != nil {
		r.MemberAssignment = b.assignment
	}
	return r
}

// assign writes down what the leader decided, and gives it out once that is committed. Who isn't mentioned gets nothing.
func (m *Machine) assign(g *group, req *kmsg.SyncGroupRequest) {
	k := g.classic
	given := map[string][]byte{}
	for _, a := range req.GroupAssignment {
		if k.byID[a.MemberID] != nil {
			given[a.MemberID] = bytes.Clone(a.MemberAssignment) // the request may have much else
		}
	}
	r, code := encodeGroup(g.id, k, m.now.Wall, given)
	if code == None && len(r.Value) > m.cfg.WriteBytes {
		code = UnknownServer
	}
	if code != None {
		m.assignFailed(g, code)
		return
	}
	m.write(g, []Record{r}, true, func(code int16) {
		switch {
		case k.state != completing || k.generation != req.Generation || k.assigned >= k.generation:
			panic(fmt.Sprintf("invariant C4: group %q: assignment of generation %d is committed in generation %d, %s, assigned %d",
				g.id, req.Generation, k.generation, k.state, k.assigned))
		case code != None:
			m.assignFailed(g, code)
			return
		}
		k.assigned = k.generation
		k.to(stable, m.now)
		for _, b := range k.members {
			b.assignment = given[b.id]
			if m.answerSync(b, k.assignedTo(b)) {
				b.had = b.assignment
				m.session(g, b, b.session) // it may have passed while the member waited
			}
		}
	})
}

// assignFailed has all join again: the assignment isn't there.
func (m *Machine) assignFailed(g *group, code int16) {
	m.refuseSyncs(g, code)
	m.prepare(g)
}

func (m *Machine) refuseSyncs(g *group, code int16) {
	for _, b := range g.classic.members {
		b.assignment = nil
		if m.answerSync(b, refusedSync(code)) {
			m.session(g, b, b.session)
		}
	}
}

// encodeGroup is a classic group's record (GroupMetadataValue) with the assignments given, or those that members have.
func encodeGroup(id string, c *classic, wall int64, given map[string][]byte) (Record, int16) {
	v := kmsg.NewGroupMetadataValue()
	v.Version, v.ProtocolType, v.Generation = groupVersion, c.kind, c.generation
	v.Protocol, v.Leader, v.CurrentStateTimestamp = orNull(c.protocol), orNull(c.leader), wall
	for _, b := range c.members {
		row := kmsg.NewGroupMetadataValueMember()
		row.MemberID, row.InstanceID, row.ClientID, row.ClientHost = b.id, b.instance, b.client, b.host
		row.RebalanceTimeoutMillis, row.SessionTimeoutMillis = int32(b.rebalance.Milliseconds()), int32(b.session.Milliseconds())
		row.Subscription, _ = b.metadata(c.protocol)
		row.Assignment = b.assignment
		if given != nil {
			row.Assignment = given[b.id]
		}
		v.Members = append(v.Members, row)
	}
	return Record{encodeGroupKey(id), v.AppendTo(nil)}, None
}
