package group

import (
	"fmt"
	"time"

	"logd/broker/deadline"
)

// rebalance begins one, or looks whether the one that goes on is complete.
func (m *Machine) rebalance(g *group) {
	if g.classic.state == preparing {
		m.completeIfAll(g)
		return
	}
	m.prepare(g)
}

// prepare has all members join again. The first time, it waits a little for more of them.
func (m *Machine) prepare(g *group) {
	k := g.classic
	if k.state == completing {
		m.refuseSyncs(g, RebalanceInProgress)
	}
	m.timers.Cancel(k.syncBy)
	for _, b := range k.members {
		b.owesSync = false
	}
	first := k.state == empty
	k.to(preparing, m.now)
	if first {
		delay := m.cfg.InitialDelay
		m.gather(g, delay, max(k.rebalanceTime()-delay, 0))
		return
	}
	m.completeOrWait(g)
}

// gather waits for more members of a new group, and again for as long as they come.
func (m *Machine) gather(g *group, delay, left time.Duration) {
	m.endJoin(g, delay, func(k *classic) {
		if k.newcomer && left > 0 {
			k.newcomer = false
			m.gather(g, min(m.cfg.InitialDelay, left), max(left-delay, 0))
			return
		}
		m.complete(g)
	})
}

// endJoin has something done at the end of a wait for members, unless there is another end by then.
func (m *Machine) endJoin(g *group, after time.Duration, end func(k *classic)) {
	k := g.classic
	m.timers.Cancel(k.joinBy)
	var t *deadline.Timer
	t = m.in(after, func() {
		m.admit(g, op{run: func(g *group) {
			if g.classic == k && k.state == preparing && k.joinBy == t {
				end(k)
			}
		}})
	})
	k.joinBy = t
}

func (m *Machine) completeOrWait(g *group) {
	if g.classic.allJoined() {
		m.complete(g)
		return
	}
	m.joinBy(g, g.classic.rebalanceTime())
}

// joinBy ends the wait for members after some time.
func (m *Machine) joinBy(g *group, after time.Duration) {
	m.endJoin(g, after, func(*classic) { m.complete(g) })
}

// completeIfAll ends the wait for members if none is missing; a new group's first one lasts as long as it does.
func (m *Machine) completeIfAll(g *group) {
	if k := g.classic; k.state == preparing && k.previous != empty && k.allJoined() {
		m.complete(g)
	}
}

// complete begins the next generation with those who have joined. Who hasn't is out, but for static members: they may come
// back within their session.
func (m *Machine) complete(g *group) {
	k := g.classic
	m.timers.Cancel(k.joinBy)
	k.joinBy = nil
	var gone []string
	for _, b := range k.members {
		if b.joining == 0 && b.instance == nil {
			gone = append(gone, b.id)
		}
	}
	for _, id := range gone {
		m.remove(k, id)
	}
	if !k.elect() && len(k.members) > 0 {
		// Only static members are left, none of whom is here. A rebalance timeout of 0 would have this end again at once, without end.
		m.joinBy(g, max(k.rebalanceTime(), m.cfg.MinSession))
		return
	}
	before := k.generation
	k.generation++
	k.newcomer = false
	if k.generation <= before {
		panic(fmt.Sprintf("invariant C3: group %q: generation %d follows %d", g.id, k.generation, before))
	}
	if len(k.members) == 0 {
		k.protocol = ""
		k.subscribe()
		k.to(empty, m.now)
		m.writeEmpty(g)
		return
	}
	k.protocol = k.choose()
	k.subscribe()
	k.to(completing, m.now)
	for _, b := range k.members {
		m.answerJoin(k, b, k.joinedAs(b))
		m.session(g, b, b.session)
		b.fresh, b.owesSync = false, true
	}
	m.syncBy(g)
}

// elect sees to it that a member leads who has joined, and reports whether one has.
func (c *classic) elect() bool {
	if c.leader == "" {
		return false
	}
	if c.byID[c.leader].joining != 0 {
		return true
	}
	for _, b := range c.members {
		if b.joining != 0 {
			c.leader = b.id
			return true
		}
	}
	return false
}

// writeEmpty notes that nobody is left. If that is lost, the generation before comes back, and runs into its timeouts.
func (m *Machine) writeEmpty(g *group) {
	r, code := encodeGroup(g.id, g.classic, g.classic.since, nil)
	if code != None {
		return
	}
	m.write(g, []Record{r}, true, func(int16) {})
}

// syncBy throws those out who don't ask for their assignment in time.
func (m *Machine) syncBy(g *group) {
	k := g.classic
	generation := k.generation
	m.timers.Cancel(k.syncBy)
	k.syncBy = m.in(k.rebalanceTime(), func() {
		m.admit(g, op{run: func(g *group) {
			k := g.classic
			if k == nil || k.generation != generation || k.state == empty || k.state == preparing {
				return
			}
			var owe []string
			for _, b := range k.members {
				if b.owesSync {
					owe = append(owe, b.id)
				}
			}
			if len(owe) == 0 {
				return
			}
			for _, id := range owe {
				m.remove(k, id)
			}
			m.prepare(g)
		}})
	})
}

// session has a member thrown out that isn't heard of for so long, unless it waits for an answer then.
func (m *Machine) session(g *group, b *member, d time.Duration) {
	m.timers.Cancel(b.timer)
	var t *deadline.Timer
	t = m.in(d, func() {
		m.admit(g, op{run: func(g *group) {
			waits := !b.fresh && (b.joining != 0 || b.syncing != 0)
			if b.timer == t && g.classic != nil && g.classic.byID[b.id] == b && !waits {
				m.remove(g.classic, b.id)
				m.afterLeave(g)
			}
		}})
	})
	b.timer = t
}

// expirePending takes an id back that nobody joined with.
func (m *Machine) expirePending(g *group, id string) {
	k := g.classic
	if k == nil || k.pending[id] == nil {
		return
	}
	m.remove(k, id)
	if k.state == preparing && k.allJoined() {
		m.complete(g)
	}
}

// afterLeave has those who are left share anew.
func (m *Machine) afterLeave(g *group) {
	switch k := g.classic; {
	case k.state == stable || k.state == completing:
		m.prepare(g)
	case k.state == preparing && k.allJoined():
		m.complete(g)
	}
}
