package group

import (
	"bytes"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// A classic member of a consumer group is served by the same target and the same steps as others: its JoinGroup is a
// heartbeat with all that it wants and has, and its answer has no leader; SyncGroup gives it what it has; its Heartbeat
// tells it to join again whenever there is something to be done.

// joinConsumer takes a JoinGroup of a classic member (Kafka's classicGroupJoinToConsumerGroup).
func (m *Machine) joinConsumer(g *group, c Call, req *kmsg.JoinGroupRequest) {
	refuse := func(code int16) { m.answer(c.Ticket, refusedJoin("", code)) }
	s := &step{m: m, g: g, c: g.consumer}
	switch {
	case !m.hasRoom(g, req.MemberID, req.InstanceID):
		refuse(GroupFull)
		return
	case !s.supports(req):
		refuse(InconsistentProtocol)
		return
	case req.MemberID == "" && req.InstanceID == nil && c.Version >= 4:
		m.answer(c.Ticket, refusedJoin(memberID(m.rng, c.Client), MemberIDRequired))
		return
	}
	sub, err := readSubscription(req.Protocols[0].Metadata)
	if err != nil {
		refuse(InconsistentProtocol)
		return
	}
	old, id, code := s.findClassic(c, req)
	if code != None {
		refuse(code)
		return
	}
	protocol := s.joinClassic(old, id, c, req, sub)
	epoch := s.c.members[id].epoch
	s.finish(func(code int16) {
		if code != None {
			refuse(code)
			return
		}
		m.keepConsumer(g, id)
		k := m.clocksOf(g, id)
		m.timers.Cancel(k.join)
		k.join = nil
		m.fenceIn(g, id, g.consumer.members[id].rebalanceTime(), &k.sync)
		r := refusedJoin(id, None)
		r.Generation, r.ProtocolType, r.Protocol = epoch, orNull(consumerType), &protocol
		m.answer(c.Ticket, r)
		if g.consumer.classics() == len(g.consumer.ids) && m.cfg.Downgrade {
			m.admit(g, op{run: func(g *group) { m.downgradeIfClassic(g) }}) // it replaced the last that wasn't
		}
	})
}

func (m *Machine) downgradeIfClassic(g *group) {
	if c := g.consumer; c != nil && len(c.ids) > 0 && c.classics() == len(c.ids) && len(c.ids) <= m.cfg.MaxSize {
		m.downgrade(g, nil, func(int16) {})
	}
}

// supports tells whether a classic member can join: as a consumer, with a protocol that all other classic ones have.
func (s *step) supports(req *kmsg.JoinGroupRequest) bool {
	if req.ProtocolType != consumerType || len(req.Protocols) == 0 {
		return false
	}
	return slices.ContainsFunc(req.Protocols, func(p kmsg.JoinGroupRequestProtocol) bool {
		for _, id := range s.c.ids {
			if k := s.c.members[id].classic; k != nil && !slices.ContainsFunc(k.protocols, func(q classicProtocol) bool { return q.name == p.Name }) {
				return false
			}
		}
		return true
	})
}

// findClassic returns the member that joins, as it was, and its id.
func (s *step) findClassic(c Call, req *kmsg.JoinGroupRequest) (consumerMember, string, int16) {
	id := req.MemberID
	if id == "" {
		name := c.Client
		if req.InstanceID != nil {
			name = *req.InstanceID
		}
		id = memberID(s.m.rng, name)
	}
	if req.InstanceID == nil {
		return s.c.members[id], id, None
	}
	old, known := s.c.static(*req.InstanceID)
	switch {
	case !known && req.MemberID != "":
		return old, id, UnknownMember
	case known && req.MemberID != "" && old.id != id:
		return old, id, FencedInstance
	}
	return old, id, None
}

// joinClassic does what a JoinGroup that was let in asks for, and returns the protocol that the member is served with.
func (s *step) joinClassic(old consumerMember, id string, c Call, req *kmsg.JoinGroupRequest, sub kmsg.ConsumerMemberMetadata) string {
	if old.id != "" && old.id != id {
		old = s.replace(old, id)
	}
	b := member{}
	b.told(c, req)
	v := old.memberValue
	if req.InstanceID != nil { // versions before 5 don't say it: a static member stays one (KIP-345)
		v.instance = req.InstanceID
	}
	v.client, v.host, v.rebalanceMs = c.Client, c.Host, int32(b.rebalance.Milliseconds())
	v.subscribe(sub)
	v.classic = &classicValue{sessionMs: req.SessionTimeoutMillis}
	for _, p := range b.protocols {
		v.classic.protocols = append(v.classic.protocols, classicProtocol{p.Name, p.Metadata})
	}
	if old.id == "" || !bytes.Equal(v.encode(), old.encodeMember()) {
		s.put(kindConsumerMember, id, v.encode())
	}
	var owned []Part
	for _, t := range sub.OwnedPartitions {
		owned = appendNamed(owned, s.m.topics, t.Topic, t.Partitions)
	}
	resubscribed := old.id == "" || !slices.Equal(v.topics, old.topics) || v.regex != old.regex
	s.refresh(resubscribed)
	s.retarget()
	s.reconcile(id, resubscribed, makeSet(owned), true)
	return v.classic.protocols[0].name
}

// classicOfConsumer returns the classic member of a consumer group that a SyncGroup or Heartbeat is from.
func (c *consumer) classicMember(id string, instance *string, generation int32) (consumerMember, int16) {
	b, known := c.members[id]
	if instance != nil {
		if b, known = c.static(*instance); known && b.id != id {
			return b, FencedInstance
		}
	}
	switch {
	case !known || b.classic == nil:
		return b, UnknownMember
	case b.epoch != generation:
		return b, IllegalGeneration
	}
	return b, None
}

// syncConsumer takes a SyncGroup of a classic member.
func (m *Machine) syncConsumer(g *group, c Call, req *kmsg.SyncGroupRequest) {
	b, code := g.consumer.classicMember(req.MemberID, req.InstanceID, req.Generation)
	differs := func(said *string, is string) bool { return said != nil && *said != is }
	switch {
	case code != None:
	case differs(req.ProtocolType, consumerType) || differs(req.Protocol, b.classic.protocols[0].name):
		code = InconsistentProtocol
	case g.consumer.epoch > b.epoch && b.state != memberUnrevoked:
		m.rejoin(g, b)
		code = RebalanceInProgress
	}
	if code != None {
		m.answer(c.Ticket, refusedSync(code))
		return
	}
	m.keepConsumer(g, b.id)
	k := m.clocksOf(g, b.id)
	m.timers.Cancel(k.sync)
	k.sync = nil
	r := refusedSync(None)
	r.ProtocolType, r.Protocol = req.ProtocolType, req.Protocol
	r.MemberAssignment = encodeAssignment(b.assigned, b.classic.protocolVersion(), m.topics)
	m.answer(c.Ticket, r)
}

// rejoin gives a classic member its rebalance timeout to join again, from when it is told first.
func (m *Machine) rejoin(g *group, b consumerMember) {
	if k := m.clocksOf(g, b.id); k.join == nil {
		m.fenceIn(g, b.id, b.rebalanceTime(), &k.join)
	}
}

// beatConsumer takes a Heartbeat of a classic member. It must join again if there is a new epoch, if it has to give something
// back, or if what it waits for has become free.
func (m *Machine) beatConsumer(g *group, req *kmsg.HeartbeatRequest) int16 {
	b, code := g.consumer.classicMember(req.MemberID, req.InstanceID, req.Generation)
	if code != None {
		return code
	}
	m.keepConsumer(g, b.id)
	if b.epoch < g.consumer.epoch || b.state == memberUnrevoked || b.state == memberUnreleased && !g.consumer.waits(b) {
		m.rejoin(g, b)
		return RebalanceInProgress
	}
	return None
}

// waits says that others still have some of what a member is to get.
func (c *consumer) waits(b consumerMember) bool {
	return slices.ContainsFunc(c.target[b.id], func(p Part) bool {
		owner, taken := c.owners[p]
		return taken && owner != b.id
	})
}

// leaveConsumer takes a LeaveGroup: of classic members, and of any that an administrator removes (Admin.removeMembersFromConsumerGroup).
func (m *Machine) leaveConsumer(g *group, c Call, req *kmsg.LeaveGroupRequest) {
	r := kmsg.NewPtrLeaveGroupResponse()
	r.Members = make([]kmsg.LeaveGroupResponseMember, len(req.Members))
	var gone []string
	for i, who := range req.Members {
		row := kmsg.NewLeaveGroupResponseMember()
		row.MemberID, row.InstanceID = who.MemberID, who.InstanceID
		b, known := g.consumer.members[who.MemberID]
		if who.InstanceID != nil {
			b, known = g.consumer.static(*who.InstanceID)
		}
		switch {
		case !known:
			row.ErrorCode = UnknownMember
		case who.InstanceID != nil && who.MemberID != "" && b.id != who.MemberID:
			row.ErrorCode = FencedInstance
		default:
			gone = append(gone, b.id)
		}
		r.Members[i] = row
	}
	m.fence(g, gone, func(code int16) {
		r.ErrorCode = code
		m.answer(c.Ticket, r)
	})
}
