package log

// Range is a stretch of offsets: From <= offset < To.
type Range struct{ From, To int64 }

// SegmentInfo describes one segment.
type SegmentInfo struct {
	Base, End    int64 // offsets: Base <= offset < End
	Size         int64 // bytes
	MaxTimestamp int64 // ms; math.MaxInt64 while a batch of it is lost whose timestamp isn't known
	Closed       bool  // it never grows again
}

// SegmentHoles returns what of a group's segments is lost or damaged, in order; nothing if they are whole. The holes stay
// until [Store.Repair] fills them, or the log start passes them.
func (s *Store) SegmentHoles(group uint64) []Range { return s.group(group).segs.holes() }

// Repair takes batches of a peer for the first part of the hole that begins at from, one of [Store.SegmentHoles]: whole ones,
// contiguous from there; the first may begin below from if from is the log start. They must be unchanged until
// [Store.Repairing] says false; the hole is smaller then, by what is on stable storage. What was filled is found again as
// soon as its running hash meets one that is known here.
//
// The error wraps [ErrBadBatch] if a batch isn't sound, [ErrMisfit] if it isn't the one that is missing; nothing is written
// then. A misfit may be the fault of what came before: all that was filled since the last known hash is a hole again.
func (s *Store) Repair(group uint64, from int64, batches [][]byte) error {
	g := s.alive(group)
	j, err := g.segs.fit(from, batches)
	if err != nil {
		return err
	}
	if j != nil {
		s.queueJob(&job{kind: jobRepair, g: g, repair: j})
	}
	return nil
}

// Repairing says that a repair is queued or out; there is no other of the group till then.
func (s *Store) Repairing(group uint64) bool { return s.group(group).segs.repairing() }

// Suspect notes that a read of a group's segments failed, or that its bytes don't verify: what is not a hole already of the
// intervals that it touches becomes one.
func (s *Store) Suspect(group uint64, rd Read) { s.group(group).segs.suspect(rd) }

// Scrub returns the next stretch at or behind an offset that can be verified, about 1 MiB of synced bytes, and the offset
// behind it; false if there is none. Its ID is for the caller to choose. What was read goes to [Store.CheckScrub].
func (s *Store) Scrub(group uint64, from int64) (rd Read, next int64, ok bool) {
	return s.group(group).segs.scrub(from)
}

// CheckScrub verifies what a [Read] that Scrub or [Store.Find] returned has brought: each batch, and the running hash. The
// error wraps [ErrDamaged]; [Store.Suspect] is told then, of the whole read or, interval by interval, of [Store.Rotten].
func (s *Store) CheckScrub(group uint64, rd Read, data []byte) error {
	_, err := s.group(group).segs.verify(rd, data)
	return err
}

// Rotten returns the parts of a read, each one interval of the index, that don't verify; all if data is shorter than the
// read. So the sound intervals beside a rotten one stay in use.
func (s *Store) Rotten(group uint64, rd Read, data []byte) []Read {
	bad, _ := s.group(group).segs.verify(rd, data)
	return bad
}

// HashAt returns the running batch hash before an offset, if it is known: at boundaries of intervals and segments, at the
// end, and where the last mark ends; not within a hole, nor where one keeps it from being proved.
func (s *Store) HashAt(group uint64, offset int64) (hash uint64, ok bool) {
	g := s.group(group)
	if h, ok := g.segs.hashAt(offset); ok {
		return h, true
	}
	if offset == g.mark.LogEnd {
		return g.mark.BatchHash, true
	}
	return 0, false
}

// SegmentInfo describes a group's segments, in order; planned bytes count.
func (s *Store) SegmentInfo(group uint64) []SegmentInfo { return s.group(group).segs.info() }

// SetSegment changes the bytes from which on a segment of the group is closed; it holds until the next start.
func (s *Store) SetSegment(group uint64, segmentBytes int64) {
	s.group(group).segs.opt.SegmentBytes = max(segmentBytes, 1)
}

// RollSegment has the group's next append begin a new segment.
func (s *Store) RollSegment(group uint64) { s.group(group).segs.rollNext = true }

// Starved says that the disk is full: appends to segments wait for [Store.Retry]. What was begun of them was, or is being,
// taken back; trims go on.
func (s *Store) Starved() bool { return s.starved }

// Retry has appends that wait for space tried again.
func (s *Store) Retry() { s.starved = false }
