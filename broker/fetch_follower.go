package broker

// Followers serve consumers too (KIP-392): what a follower has applied is committed, and so never changes.
//
//	consumer in rack r ──fetch──► leader in rack l: "broker 3, in rack r, has all up to your offset"
//	                   ──fetch──► follower in rack r: what it has applied, and its own high watermark, which is never above
//	                              the leader's; an offset beyond its log is not there yet, and never out of range (S13)

// follows checks that this replica follows a leader whom it hears: one that was cut off sends its clients away.
func (s *Shard) follows(p *partition) bool {
	if p == nil || p.group == metaGroup || s.disk.stalled || p.damaged {
		return false
	}
	lead, _ := p.g.Lead()
	_, leads := p.g.Leading()
	return lead != 0 && !leads
}

// runFollowing reads from a replica that follows.
func (c fetchCall) runFollowing(s *Shard, p *partition, o origin) {
	_, term := p.g.Lead()
	hw, start := p.g.HighWatermark(), p.g.LogStart()
	a := fetched{code: checkEpoch(c.epoch, term), hw: hw, start: start}
	switch {
	case a.code != errNone:
		a.hw, a.start = -1, -1
	case c.offset < start: // gone here, so it is gone everywhere (B9)
		a.code = errOffsetRange
	case c.offset > hw && c.offset > p.g.Status().LogEnd:
		a.code = errOffsetNotYet
	case c.offset > hw:
		c.serve(s, p, o) // it is on its way
		return
	default:
		c.runUndiverged(s, p, o)
		return
	}
	s.answer(o, a)
}

// nearer is 1 more than the broker in the client's rack that it should read from instead of this leader, 0 if there is
// none: the first replica there that has everything before the client's offset, and was heard of not long ago.
func (s *Shard) nearer(p *partition, c fetchCall) int32 {
	if c.rack == "" || !c.anywhere || c.rack == s.cfg.Rack {
		return 0
	}
	place := s.meta.PlacementOf(p.group)
	if place == nil {
		return 0
	}
	for _, r := range place.Replicas {
		b := s.meta.Broker(r.Broker)
		if b != nil && b.Host != "" && b.Rack == c.rack && b.Incarnation == r.Incarnation && p.g.Holds(r.ID, c.offset) {
			return r.Broker + 1
		}
	}
	return 0
}
