package group

import (
	"time"

	"logd/broker/deadline"
)

// clocks are the deadlines of one member of a consumer group, nil if they don't run.
type clocks struct {
	session *deadline.Timer // by when it must be heard of
	revoke  *deadline.Timer // by when it must have given back what it was asked to
	asked   currentValue    // how it stood when it was asked
	join    *deadline.Timer // by when a classic member must have joined again
	sync    *deadline.Timer // by when it must have asked for its assignment
}

func (m *Machine) clocksOf(g *group, id string) *clocks {
	k := g.clocks[id]
	if k == nil {
		if g.clocks == nil {
			g.clocks = map[string]*clocks{}
		}
		k = &clocks{}
		g.clocks[id] = k
	}
	return k
}

func (m *Machine) stopClocks(g *group, id string) {
	if k := g.clocks[id]; k != nil {
		for _, t := range []*deadline.Timer{k.session, k.revoke, k.join, k.sync} {
			m.timers.Cancel(t)
		}
		*k = clocks{} // what has fired and waits for its turn finds nothing
		delete(g.clocks, id)
	}
}

// keepConsumer begins a member's session anew, and has its time to give partitions back run while it must.
func (m *Machine) keepConsumer(g *group, id string) {
	b := g.consumer.members[id]
	k := m.clocksOf(g, id)
	session := m.sessionOf(g)
	if b.classic != nil {
		session = time.Duration(b.classic.sessionMs) * time.Millisecond
	}
	m.fenceIn(g, id, session, &k.session)
	switch {
	case b.classic != nil || b.state != memberUnrevoked:
		m.timers.Cancel(k.revoke)
		k.revoke = nil
	case k.revoke == nil || !k.asked.equal(b.currentValue):
		k.asked = b.currentValue
		m.fenceIn(g, id, b.rebalanceTime(), &k.revoke)
	}
}

func (m consumerMember) rebalanceTime() time.Duration {
	return time.Duration(max(m.rebalanceMs, 0)) * time.Millisecond
}

// fenceIn throws a member out after a time, unless the clock is set again or stopped before.
func (m *Machine) fenceIn(g *group, id string, d time.Duration, clock **deadline.Timer) {
	m.timers.Cancel(*clock)
	var t *deadline.Timer
	t = m.in(d, func() {
		m.admit(g, op{run: func(g *group) {
			if *clock == t && g.consumer != nil {
				m.fence(g, []string{id}, func(int16) {})
			}
		}})
	})
	*clock = t
}
