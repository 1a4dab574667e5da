package group

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// consumerLeave takes a heartbeat of a member that leaves: for good, or a static one for a while, which keeps what it has
// until its session ends.
func (m *Machine) consumerLeave(g *group, c Call, req *kmsg.ConsumerGroupHeartbeatRequest) {
	refuse := func(f fault) { m.answer(c.Ticket, refusedHeartbeat(req, f)) }
	s, f := m.openConsumer(g, false)
	if f.code != None {
		refuse(f)
		return
	}
	b, f := s.findLeaving(req)
	if f.code != None {
		refuse(f)
		return
	}
	id := b.id
	done := func(code int16) {
		if code != None {
			refuse(fault{code: code})
			return
		}
		resp := kmsg.NewPtrConsumerGroupHeartbeatResponse()
		resp.Version, resp.MemberID, resp.MemberEpoch = req.Version, &id, req.MemberEpoch
		m.answer(c.Ticket, resp)
	}
	if req.MemberEpoch == epochLeave {
		m.fence(g, []string{id}, done)
		return
	}
	s.put(kindConsumerCurrent, id, currentValue{epochStaticLeave, b.before, memberStable, b.assigned, nil}.encode())
	s.finish(func(code int16) {
		if k := g.clocks[id]; code == None && k != nil { // it has nothing to give back now: its session alone runs on (KIP-848)
			m.timers.Cancel(k.revoke)
			k.revoke = nil
		}
		done(code)
	})
}

// findLeaving returns the member that leaves, at whatever epoch.
func (s *step) findLeaving(req *kmsg.ConsumerGroupHeartbeatRequest) (consumerMember, fault) {
	b, known := s.c.members[req.MemberID]
	if req.InstanceID != nil {
		b, known = s.c.static(*req.InstanceID)
	}
	switch {
	case !known:
		return b, faulty(UnknownMember, "Member %s is not a member of group %s.", req.MemberID, s.g.id)
	case b.id != req.MemberID:
		return b, faulty(FencedInstance, "Static member %s with instance id %s was fenced by member %s.", req.MemberID, *req.InstanceID, b.id)
	}
	return b, fault{}
}

// fence takes members out of the group, whatever they have. If all who are left speak the classic protocol, the group
// becomes a classic one (KIP-848, online downgrade).
func (m *Machine) fence(g *group, ids []string, done func(code int16)) {
	ids = slices.DeleteFunc(ids, func(id string) bool { return !g.consumer.has(id) })
	if len(ids) == 0 {
		done(None)
		return
	}
	if m.mayDowngrade(g, ids) {
		m.downgrade(g, ids, done)
		return
	}
	s := &step{m: m, g: g, c: g.consumer}
	for _, id := range ids {
		s.remove(id)
	}
	s.refresh(true)
	s.finish(func(code int16) {
		if code == None {
			for _, id := range ids {
				m.stopClocks(g, id)
			}
		}
		done(code)
	})
}

func (c *consumer) has(id string) bool { _, ok := c.members[id]; return ok }

func (s *step) remove(id string) {
	s.put(kindConsumerCurrent, id, nil)
	s.put(kindConsumerTargetMember, id, nil)
	s.put(kindConsumerMember, id, nil)
}
