package log

import "fmt"

// Seq is a position in the order of write groups. What was staged under Seq s is stable once Durable() >= s.
type Seq uint64

// Identity is whose log this is; it stands in every file's header and is folded into every sector's CRC, so that another
// broker's, shard's or cluster's bytes are never taken for ours (S3, S7).
type Identity struct {
	Broker      int32
	Incarnation uint64 // drawn when the directory was formatted (S7)
	Shard       uint16
	Shards      uint16
}

// Entry is one record of a group's log. Data is opaque here, but for entries of Type [EntryBatch], which hold one stamped
// record batch.
type Entry struct {
	Index uint64
	Term  uint64
	Type  EntryType
	Data  []byte
}

// EntryType tells what an entry's Data is. On disk, don't change.
type EntryType uint8

const (
	EntryBatch  EntryType = 0 // a record batch, or nothing (a leader's first entry of its term)
	EntryConf   EntryType = 1 // a configuration change
	EntryConfV2 EntryType = 2 // a configuration change, joint
)

// State is a group's hard state: term and vote must be stable before the replica speaks of them (S1, S6); commit need not be.
type State struct {
	Term   uint64
	Vote   uint64
	Commit uint64
}

// Mark says what of a group's log lives outside the WAL: everything up to Index is in synced segments (and in App).
type Mark struct {
	Index     uint64
	Term      uint64 // of the entry at Index
	Conf      []byte // the configuration as of Index, opaque here
	LogStart  int64  // first offset still kept
	LogEnd    int64  // next offset after Index
	EntryHash uint64 // running hash over the entries up to Index (G11)
	BatchHash uint64 // running hash over the batches up to LogEnd (G11)
	App       []byte // state as of Index that is not in segments (metadata, producers), opaque here
}

// Store is one shard's disk: its WAL and the segments of its groups. What is staged takes effect in memory at once and on
// disk with a later write group; the [Seq] returned says when that is. A store panics on calls that break its invariants,
// and on a group that it doesn't have; it never fails otherwise but by [Store.Done].
//
//	staged ──► normal queue ─┐
//	                         ├─► write group ──► Plan(wal) ──► Done: durable, WAL files free
//	marks, copies ─► urgent ─┘
//	flushes, transfers, trims ─► jobs ─────────► Plan(fill) ─► Done: marks are staged
type Store struct {
	id    Identity
	ident uint64
	opt   Options

	groups map[uint64]*group // dropped ones too, until they are forgotten (S7)
	recent *group            // the one that was asked for last: calls come in runs
	ids    []uint64          // of groups, sorted

	seq     Seq // of the last thing staged
	durable Seq // durable <= seq (L1)
	normal  queue
	urgent  queue  // marks, copies, installs, drops: before all that is normal
	holds   []hold // what was taken back before it was planned

	ring  ring
	state sum // records that a file's head would take

	out      [Lanes]bool
	planID   [Lanes]uint64
	wal      walPlan // the one that is out, or the last
	steps    []step  // of the fill plan that is out
	fillOps  []Op    // of it
	undo     []Op    // what takes back the beginnings of an append that found the disk full; goes first
	undoOf   *group  // whose
	undoFull bool    // taking back found no room either
	undone   []*job  // removals that are complete with it
	jobs     []*job
	failed   bool
	starved  bool // appends to segments wait for space
	blocked  bool
	seal     bool // wanted

	picked []item // of the write group being made
	dir    []byte // scratch
	buf    []byte // of the WAL plan
}

// hold keeps Durable below from until it reaches until: what stood there was never written, because what was staged as until
// cut it.
type hold struct{ from, until Seq }

// Holder is a group with entries in the WAL file that is to become free.
type Holder struct {
	Group uint64
	Last  uint64 // no entry above this index lives there
	Copy  bool   // what isn't committed must be copied now; if false, flushing what is committed will do
}

// Sizes are for metrics and people, in bytes.
type Sizes struct {
	WAL        int64 // all WAL files
	Live       int64 // entries in them that are not in a segment yet
	Staged     int64 // waiting for a write group
	State      int64 // what metas, states, marks and tombstones take at a file's head
	StateLimit int64 // what State should stay below: create no group beyond
	Segments   int64
}

// Durable returns the position up to which everything staged is stable. It rises in [Store.Done] only (L1).
func (s *Store) Durable() Seq { return s.durable }

// Staged returns the position of the last thing that the caller staged for a group, flushes excepted: whatever the group's
// replica says waits for it (S2). 0 if nothing was staged since the start.
func (s *Store) Staged(group uint64) Seq { return s.group(group).lastSeq }

// Blocked says that something is staged which waits for room in the WAL: see [Store.Reclaim].
func (s *Store) Blocked() bool { return s.blocked }

// MaxEntry returns the most bytes of one entry's Data.
func (s *Store) MaxEntry() int { return MaxEntry(s.opt) }

// EntryHash returns the running hash after an entry that is in the WAL or waits for it, or is the mark's.
func (s *Store) EntryHash(group, index uint64) (uint64, bool) {
	g := s.group(group)
	if index == g.mark.Index {
		return g.mark.EntryHash, true
	}
	if r := g.rec(index); r != nil {
		return r.hash, true
	}
	return 0, false
}

// Flushed returns a group's latest mark that is durable, its segments too.
func (s *Store) Flushed(group uint64) Mark { return s.group(group).durMark }

// FlushedTo returns index and log start of that mark.
func (s *Store) FlushedTo(group uint64) (index uint64, logStart int64) {
	m := &s.group(group).durMark
	return m.Index, m.LogStart
}

// Flushing says whether a flush of the group is under way; its mark may become durable somewhat later.
func (s *Store) Flushing(group uint64) bool { return s.group(group).flushing }

// SegmentEnd returns the next offset after the synced bytes of a group's segments.
func (s *Store) SegmentEnd(group uint64) int64 { return s.group(group).segs.end() }

// Find returns where to read the batch that contains offset, with up to maxBytes behind it, if it is in synced segments; see
// [CutBatches]. What isn't in a segment is in the replica's memory: the WAL is never read while running.
func (s *Store) Find(group uint64, offset int64, maxBytes int) (Read, bool) {
	return s.group(group).segs.find(offset, maxBytes, false)
}

// FindForPeer is [Store.Find] for a peer that repairs a hole, and so verifies what it gets by its own running hash: batches
// behind a hole that can't be proved before it is filled are found too. A consumer must never see them.
func (s *Store) FindForPeer(group uint64, offset int64, maxBytes int) (Read, bool) {
	return s.group(group).segs.find(offset, maxBytes, true)
}

// FindLost is [Store.FindForPeer] where the interval with the offset is a hole here as well: its other batches may be sound, and
// lost on the peer alone. What the read brings goes to [Salvage].
func (s *Store) FindLost(group uint64, offset int64, maxBytes int) (Read, bool) {
	return s.group(group).segs.findLost(offset, maxBytes)
}

// StagedBytes is what waits for a write group, in bytes of data.
func (s *Store) StagedBytes() int64 { return s.normal.bytes() + s.urgent.bytes() }

// Sizes counts what the store has.
func (s *Store) Sizes() Sizes {
	z := Sizes{
		WAL:        int64(s.opt.WALFiles) * s.opt.WALFileBytes,
		Staged:     s.StagedBytes(),
		State:      int64(s.state.blocks()) * BlockSize,
		StateLimit: StateLimit(s.opt),
	}
	for i := range s.ring.files {
		z.Live += s.ring.files[i].keptBytes
	}
	for _, id := range s.ids {
		z.Segments += s.groups[id].segs.size()
	}
	return z
}

func (s *Store) group(id uint64) *group {
	if s.recent != nil && s.recent.id == id {
		return s.recent
	}
	g := s.groups[id]
	if g == nil {
		panic(fmt.Sprintf("log: group %d is unknown", id))
	}
	s.recent = g
	return g
}
