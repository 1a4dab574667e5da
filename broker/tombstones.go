package broker

import (
	"math"

	"logd/log"
)

// tombstones are the groups that this shard had a replica of and must never have again (S7). Each is in the store too, and so at the
// head of each WAL file, until no metadata that this broker may ever start from names the group:
//
//	deletion applied ──► replica dropped, seen at this index of the metadata
//	                                 │
//	     the metadata's mark, durable, is at that index or past it ──► forgotten: group numbers are given once (M3)
//
// The mark is of the shard that has the metadata; the others hear of it by mail.
type tombstones struct {
	seen   map[uint64]uint64 // by group: an index of the metadata that has it no more; unseen if none is known yet
	marked uint64            // index of the metadata's mark, as far as is known
	flush  bool              // another mark is wanted
}

// unseen is for a replica that an earlier process dropped.
const unseen = math.MaxUint64

// tombstoneShare of what a shard may have of state may be tombstones, before the metadata is flushed for their sake.
const tombstoneShare = 16

type (
	// markedMail tells the index of the metadata's durable mark.
	markedMail struct{ index uint64 }
	// flushMail asks for another one.
	flushMail struct{}
)

func newTombstones() tombstones { return tombstones{seen: map[uint64]uint64{}} }

func (t *tombstones) has(group uint64) bool {
	_, has := t.seen[group]
	return has
}

// tombstonesTick tells the others how far the metadata's mark is, and asks for a later one if there are too many tombstones for this one.
func (s *Shard) tombstonesTick() {
	if s.ownsMeta() && s.parts[metaGroup] != nil {
		if index, _ := s.store.FlushedTo(metaGroup); index > s.tombs.marked {
			s.metaMarked(index)
			s.postAll(markedMail{index})
		}
	}
	switch {
	case int64(len(s.tombs.seen))*log.TombstoneBytes < s.store.Sizes().StateLimit/tombstoneShare:
	case s.ownsMeta():
		s.tombs.flush = true
	default:
		s.post(s.shardOf(metaGroup), flushMail{})
	}
}

// markMeta has a mark of the metadata written, if one is wanted.
func (s *Shard) markMeta() {
	if p := s.parts[metaGroup]; p != nil && s.tombs.flush {
		p.g.Flush(s.cfg.Limits.FlushChunk)
	}
	s.tombs.flush = false
}

// metaMarked forgets the tombstones that the metadata's mark at an index covers.
func (s *Shard) metaMarked(index uint64) {
	t := &s.tombs
	t.marked = index
	for group, at := range t.seen { // order: each by itself
		if at == unseen && s.meta.gone(group) {
			at = s.meta.Index
			t.seen[group] = at
		}
		if at <= index {
			delete(t.seen, group)
			s.store.Forget(group)
		}
	}
}

// gone reports whether there was a group that never will be again. One above NextGroup is one that this state of the metadata has not
// seen created yet.
func (m *Meta) gone(group uint64) bool {
	return m.Formed() && group < m.NextGroup && m.PlacementOf(group) == nil
}
