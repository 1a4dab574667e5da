package group

// reconciling is what a member's next state hangs on.
type reconciling struct {
	target       Set
	epoch        int32               // of the target
	wanted       func([16]byte) bool // the member is subscribed to the topic, and it exists
	free         func(Part) bool     // nobody else has it, or has still to give it back
	owned        Set                 // what the member says that it has
	said         bool                // whether it said so
	resubscribed bool                // its subscription has just changed
}

// reconcile moves a member towards the target, as far as one step goes. What it must give back is taken from it first, and
// until it has said that it hasn't it any more it stays at its epoch and gets nothing new; then it goes to the target's
// epoch with all of the target that is free, and gets the rest as it becomes free (Kafka's CurrentAssignmentBuilder).
//
//	stable ──► unrevoked ──► unreleased ──► stable
//	   └────────────┴─────────────┴──────────►
func reconcile(m currentValue, r reconciling) currentValue {
	switch m.state {
	case memberStable:
		if m.epoch == r.epoch && r.resubscribed {
			return giveUp(m, r)
		}
		if m.epoch == r.epoch {
			return m
		}
	case memberUnrevoked:
		if r.holds(m.revoke) && r.resubscribed {
			return giveUp(m, r)
		}
		if r.holds(m.revoke) {
			return m
		}
	}
	target := r.target.filter(func(p Part) bool { return r.wanted(p.Topic) })
	kept, lost := m.assigned.both(target), m.assigned.without(target)
	if r.holds(lost) {
		return currentValue{m.epoch, m.before, memberUnrevoked, kept, lost}
	}
	// What it has just said to have given back itself is free for it too.
	next := currentValue{epoch: r.epoch, before: m.before, state: memberStable}
	if next.epoch != m.epoch {
		next.before = m.epoch
	}
	next.assigned = target.filter(func(p Part) bool { return kept.has(p) || m.revoke.has(p) || r.free(p) })
	if len(next.assigned) < len(target) {
		next.state = memberUnreleased
	}
	return next
}

// giveUp takes from a member what it isn't subscribed to any more, at once: a target for the new subscription may take
// longer than one heartbeat, and the client has given up these topics already.
func giveUp(m currentValue, r reconciling) currentValue {
	kept := m.assigned.filter(func(p Part) bool { return r.wanted(p.Topic) })
	if len(kept) == len(m.assigned) {
		return m
	}
	lost := m.assigned.without(kept)
	if revoke := m.revoke.and(lost); r.holds(revoke) {
		return currentValue{m.epoch, m.before, memberUnrevoked, kept, revoke}
	}
	m.assigned = kept
	return m
}

// holds says that the member may still have some of a set: it does, or didn't say what it has.
func (r reconciling) holds(s Set) bool {
	return len(s) > 0 && (!r.said || len(s.both(r.owned)) > 0)
}
