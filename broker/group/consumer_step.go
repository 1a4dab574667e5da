package group

import (
	"fmt"
	"maps"
	"slices"
)

// step is one request's or deadline's work on a consumer group: what it writes takes effect in c at once, so that what
// comes after builds on it, and is answered when it is committed.
type step struct {
	m        *Machine
	g        *group
	c        *consumer
	records  []Record
	leaving  *classic // the classic group that this one is made of
	replaced string   // the id of a static member whose place another id has been given; "" if there is none
}

// openConsumer begins a step on a consumer group. If join is true, it makes one where there is none: of nothing, of a
// classic group without members, or of a classic group of consumers (KIP-848, online upgrade).
func (m *Machine) openConsumer(g *group, join bool) (*step, fault) {
	s := &step{m: m, g: g, c: g.consumer}
	switch {
	case g.consumer != nil:
		return s, fault{}
	case !join && !g.exists():
		return nil, faulty(NotFound, "Consumer group %s not found.", g.id)
	case !join:
		return nil, faulty(NotFound, "Group %s is not a consumer group.", g.id)
	}
	s.c = newConsumer(g.id)
	s.leaving = g.classic
	s.forgetUnread()
	if g.classic == nil || g.classic.state == empty {
		s.forgetClassic()
		return s, fault{}
	}
	return s, s.upgrade()
}

// forgetClassic deletes a classic group's record, if there is one.
func (s *step) forgetClassic() {
	if key := encodeGroupKey(s.g.id); s.g.table.others[string(key)] != nil {
		s.records = append(s.records, Record{Key: key})
	}
}

// forgetUnread deletes the records of a consumer group that couldn't be read: those of the one that is made now would be read with them.
func (s *step) forgetUnread() {
	for _, key := range s.g.table.keys() {
		if k, err := decodeConsumerKey([]byte(key)); err != nil || k.kind != kindGroup {
			s.records = append(s.records, Record{Key: []byte(key)})
		}
	}
}

// put writes a record; a nil value is a tombstone.
func (s *step) put(kind int16, of string, value []byte) {
	k := consumerKey{kind, s.g.id, of}
	s.records = append(s.records, Record{k.encode(), value})
	if err := s.c.apply(k, value); err != nil {
		panic(fmt.Sprintf("invariant C2: group %q: a record that was just made can't be read: %v", s.g.id, err))
	}
}

// finish writes what the step has put; done runs when it is committed, or isn't and never will be. Then the group is again
// what the table says.
func (s *step) finish(done func(code int16)) {
	g, m := s.g, s.m
	if len(s.records) == 0 {
		done(None)
		return
	}
	s.check()
	size := 0
	for _, r := range s.records {
		size += r.size()
	}
	if size > m.cfg.WriteBytes {
		if g.consumer != nil {
			m.reloadConsumer(g)
		}
		done(UnknownServer) // what Kafka makes of records that are too large
		return
	}
	if s.leaving != nil {
		m.leaveClassic(g, s.leaving)
	}
	g.consumer = s.c
	m.recount(g)
	m.write(g, s.records, true, func(code int16) {
		if code != None {
			m.reloadConsumer(g)
			done(code)
			return
		}
		m.stopClocks(g, s.replaced) // nobody else knows of that id any more
		if s.leaving != nil {
			for _, id := range g.consumer.ids { // who came along with the classic group may never say anything again
				m.keepConsumer(g, id)
			}
		}
		done(code)
	})
}

// check asserts what holds between the parts of a group, before it is written.
func (s *step) check() {
	if err := s.c.sound(); err != nil {
		panic(err.Error())
	}
}

// reloadConsumer has a group be what its table says, after a write that came to nothing.
func (m *Machine) reloadConsumer(g *group) {
	for _, id := range slices.Sorted(maps.Keys(g.clocks)) {
		m.stopClocks(g, id)
	}
	m.forget(g)
	g.seen = 0
	m.restore(g)
}

// recount keeps the number of members that the machine has.
func (m *Machine) recount(g *group) {
	n := 0
	if g.consumer != nil {
		n = len(g.consumer.ids)
	}
	m.members += n - g.counted
	g.counted = n
}

// restoreConsumer makes a consumer group of its records. Members that are still there send heartbeats within their session.
func (m *Machine) restoreConsumer(g *group) {
	c, err := loadConsumer(g.id, &g.table)
	if err != nil {
		m.out.Notes = append(m.out.Notes, fmt.Sprintf("group %q: its records can't be read (%v): its members must join again", g.id, err))
		return
	}
	if c == nil {
		return
	}
	g.consumer = c
	m.recount(g)
	for _, id := range c.ids {
		m.keepConsumer(g, id)
	}
}
