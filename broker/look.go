package broker

import "logd/log"

// unusual notes an event or a deadline after which any replica may look other than before. What the others change goes through
// [Shard.collect], which notes it.
func (s *Shard) unusual(e Event) {
	switch e := e.(type) {
	case ConnOpened, ConnClosed, ConnData, PeerFrame: // see raftMessage and controlFrom
	case Space:
	case ReadDone: // see verify; what goes on with a deadline is noted by that
	case PlanDone:
		s.restless = s.restless || e.Lane != log.LaneWAL || e.Err != nil
	default:
		s.restless = true
	}
}

// InspectChanged is [Shard.Inspect] for those replicas alone that may look other than when it was called last. Before them come those
// that the last turn dropped, as they were then: it may have acknowledged what they had.
func (s *Shard) InspectChanged(visit func(*GroupView)) {
	for i := range s.gone {
		visit(&s.gone[i])
	}
	s.gone = nil
	for _, p := range s.sorted {
		if s.restless || p.changed {
			p.changed = false
			s.inspect(p, visit)
		}
	}
	s.restless = false
}

// Dropped tells whether this shard has no replica of a group, and never will again, since its topic was deleted (B5).
func (s *Shard) Dropped(group uint64) bool {
	return s.tombs.has(group) || s.parts[group] == nil && s.meta.gone(group)
}

// TopicID returns the id of the topic that a group is a partition of, as far as this shard has heard; zero if of none.
func (s *Shard) TopicID(group uint64) UUID {
	if t, _ := s.meta.PartitionOf(group); t != nil {
		return t.ID
	}
	return UUID{}
}

// GivesProducerIDs tells whether this shard has heard that every broker is known to understand idempotent producers (M8): before, no
// producer id is given.
func (s *Shard) GivesProducerIDs() bool { return s.meta.Level >= producersVersion }
