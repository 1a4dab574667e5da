package group

import "github.com/twmb/franz-go/pkg/kmsg"

// replace gives a static member's place to a new process with its group.instance.id (KIP-345): the old one is fenced. In a
// stable group, if nothing changes for the others, there is no rebalance: the new id is written down, and the new process
// goes on with the assignment.
func (m *Machine) replace(g *group, c Call, req *kmsg.JoinGroupRequest, old *member, id string) {
	k := g.classic
	leader := k.leader
	next := *old
	next.id, next.joining, next.syncing, next.timer, next.owesSync = id, 0, 0, nil, false
	next.told(c, req)
	if k.state == stable && k.chooseWith(old, &next) == k.protocol {
		r, err := encodeGroup(g.id, k.with(old, &next), m.now.Wall, nil)
		if err != None {
			m.answer(c.Ticket, refusedJoin("", err))
			return
		}
		m.write(g, []Record{r}, true, func(code int16) {
			if code != None {
				m.answer(c.Ticket, refusedJoin("", code))
				return
			}
			m.swap(g, old, &next)
			m.session(g, &next, next.session)
			m.answer(c.Ticket, k.replacedAs(&next, c.Version, leader))
		})
		return
	}
	m.swap(g, old, &next)
	m.session(g, &next, next.session)
	next.joining = c.Ticket
	k.joined++
	switch k.state {
	case completing: // the old id may be with the leader already, which would give the new one nothing
		m.prepare(g)
	case stable:
		m.rebalance(g)
	default:
		m.completeIfAll(g)
	}
}

// replacedAs is what the new process is told: from version 9 on that it leads, if it does, and that the assignment is there
// already; before that it is told of the leader that was, so as not to make one.
func (c *classic) replacedAs(b *member, version int16, leader string) *kmsg.JoinGroupResponse {
	r := c.joinedAs(b)
	r.LeaderID = leader
	if version >= 9 {
		r.LeaderID = c.leader
		if c.leader == b.id {
			r.Members, r.SkipAssignment = c.roll(), true
		}
	}
	return r
}

// swap puts one member in another's place; whatever the old one waits for ends with it (C5).
func (m *Machine) swap(g *group, old, next *member) {
	k := g.classic
	m.answerJoin(k, old, refusedJoin(old.id, FencedInstance))
	m.answerSync(old, refusedSync(FencedInstance))
	m.timers.Cancel(old.timer)
	k.count(old, -1)
	k.count(next, 1)
	for i, b := range k.members {
		if b == old {
			k.members[i] = next
		}
	}
	delete(k.byID, old.id)
	k.byID[next.id] = next
	k.static[*next.instance] = next.id
	if k.leader == old.id {
		k.leader = next.id
	}
}

// with is the group with one member in another's place, to be looked at only.
func (c *classic) with(old, next *member) *classic {
	x := *c
	x.members = make([]*member, len(c.members))
	for i, b := range c.members {
		if b == old {
			b = next
		}
		x.members[i] = b
	}
	if x.leader == old.id {
		x.leader = next.id
	}
	return &x
}

// chooseWith is the protocol that would be chosen if one member were in another's place.
func (c *classic) chooseWith(old, next *member) string {
	c.count(old, -1)
	c.count(next, 1)
	name := c.with(old, next).choose()
	c.count(next, -1)
	c.count(old, 1)
	return name
}
