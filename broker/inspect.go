package broker

import "fmt"

// GroupView is one replica as it stands after a turn.
type GroupView struct {
	GroupFacts
	Voters   []uint64
	Learners []uint64
	Quorums  [][]uint64 // sets of voters of which each needs a majority: two in a joint configuration
	Offered  []uint64   // replicas that this one has offered a snapshot, and hasn't heard the end of
}

// GroupFacts are what of a view can be compared as it is.
type GroupFacts struct {
	Group         uint64
	Topic         string // "" for the metadata group
	Partition     int32
	Replica       uint64 // this broker's raft id in the group
	Term          uint64
	Lead          uint64 // whom the replica takes for leader; 0 if nobody
	Leading       bool
	Commit        uint64
	Applied       uint64
	AppliedHash   uint64 // running hash over the entries up to Applied (G11)
	Producers     uint64 // hash of the producers as of Applied
	Last          uint64 // index that the log ends with, and its term
	LastTerm      uint64
	LastHash      uint64 // running hash up to it; 0 if it isn't known
	Durable       uint64 // highest index that is stable on this broker's own disk
	DurableEnd    int64  // log end of that
	LogStart      int64
	LogEnd        int64 // uncommitted tail included
	HighWatermark int64
	ConfIndex     uint64 // index of the entry or snapshot that the configuration came with
	Holes         int    // entries of the WAL whose bytes are lost
	SegmentHoles  int    // ranges of offsets whose bytes are lost
	Damaged       bool   // for that reason it neither leads nor serves (G10)
	Transferring  bool   // a snapshot waits for its batches
	Installed     uint64 // snapshots installed since the start
	Healed        uint64 // entries that came from others, since the start
	Mended        uint64 // and ranges of segments
	Coordinator   uint64 // the coordinator of consumer groups that has loaded the partition, by number since the start; 0: none has
	Gone          bool   // the turn dropped it: this is what it had then
}

// Inspect visits this shard's replicas by rising group. For the simulator, tests and metrics; the view is valid during
// visit only.
func (s *Shard) Inspect(visit func(*GroupView)) {
	for _, p := range s.sorted {
		s.inspect(p, visit)
	}
}

func (s *Shard) inspect(p *partition, visit func(*GroupView)) {
	id := p.group
	st := p.g.Status()
	s.seen = GroupView{Voters: st.Conf.Voters, Learners: st.Conf.Learners, Quorums: st.Conf.Quorums, Offered: st.Offered, GroupFacts: GroupFacts{Group: id, Replica: st.ID, Term: st.Term, Lead: st.Lead, Leading: st.Leader, Commit: st.Commit, Applied: st.Applied,
		AppliedHash: st.EntryHash, Producers: st.Producers, Last: st.Last, LastTerm: st.LastTerm, LastHash: st.LastHash, Durable: st.Stable, DurableEnd: st.StableEnd, LogStart: st.LogStart, LogEnd: st.LogEnd, HighWatermark: st.HighWatermark,
		ConfIndex: st.ConfIndex, Damaged: p.damaged, Transferring: st.Transferring, Installed: st.Installed, Healed: st.Healed, Mended: p.repair.mended}}
	s.seen.Holes, s.seen.SegmentHoles = s.store.Lost(id)
	if p.coord != nil {
		s.seen.Coordinator = p.coord.number
	}
	if t, n := s.meta.PartitionOf(id); t != nil {
		s.seen.Topic, s.seen.Partition = t.Name, n
	}
	visit(&s.seen)
}

// Kept is how many bytes this shard has of a group's log: segments that aren't deleted as a whole, and, about, what is in none yet. A mark
// that is under way says nothing of the latter: a full disk takes back what was begun of a segment.
func (s *Shard) Kept(group uint64) int64 {
	p := s.parts[group]
	if p == nil {
		return 0
	}
	start := p.g.LogStart()
	bytes, end := int64(0), start
	for _, g := range s.store.SegmentInfo(group) {
		if end = max(end, g.End); g.End > start {
			bytes += g.Size
		}
	}
	return bytes + int64(p.g.BytesFrom(end))
}

// Scrubs returns how many passes of the scrub were completed since the start.
func (s *Shard) Scrubs() uint64 { return uint64(s.scrub.pass) }

// Blocked tells whether the write-ahead log has no room: writes wait until a file of it is free again.
func (s *Shard) Blocked() bool { return s.store.Blocked() }

// Waiting says what this shard's disk work waits for, in one line: for people who look for what is stuck.
func (s *Shard) Waiting() string {
	z := s.store.Sizes()
	return fmt.Sprintf("wal plan out %t (since %s), fill plan out %t, blocked %t, staged %d bytes, live %d of %d, state %d of %d, reclaim %v, durable %d, scrub %d at group %d offset %d (%d bytes, reading %t)",
		s.disk.walOut, s.disk.walSince, s.disk.fillOut, s.store.Blocked(), z.Staged, z.Live, z.WAL, z.State, z.StateLimit, s.store.Reclaim(), s.store.Durable(),
		s.scrub.pass, s.scrub.cursor, s.scrub.at, s.scrub.done, s.scrub.reading)
}
