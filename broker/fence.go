package broker

import (
	"maps"
	"slices"
)

// A start has the metadata of its last mark, and a log behind that, of which it knows only in part what is committed. By that image topics
// would be missing that clients were told of before, and come back. So a broker begins no request before it has applied all that its
// log of the metadata held when it started, as Kafka's are fenced until they have caught up (KIP-631). Nothing that this directory
// ever answered by lies beyond that (B15).
//
//	start ─► applies what it knows to be committed ─► a leader tells the rest, or cuts it off ─► requests begin
//	                                                                          or nobody told it for fenceElections ─┘
//
// Who is cut off from a majority must not keep silent for ever, though: clients may know no other broker.
type fence struct {
	open bool   // requests are begun
	last uint64 // of the metadata's log at the start
}

// fenceElections is how many election timeouts a broker waits at most until it begins requests.
const fenceElections = 4

type unfencedMail struct{}

// firstImage applies what is known to be committed of the metadata, without a word to others: nobody vouches for this start yet.
func (s *Shard) firstImage() {
	if s.ownsMeta() {
		s.touch(metaGroup)
		s.fenceTick()
	}
}

// fenceTick ends the waiting of the whole broker, if it is due. It is done in the shard of the metadata.
func (s *Shard) fenceTick() {
	if s.fence.open || !s.ownsMeta() {
		return
	}
	if stale := s.stale(); stale && s.ticks < fenceElections*s.cfg.Limits.ElectionTicks {
		return
	} else if stale && s.meta.Formed() {
		s.log(LevelWarn, "nobody tells what is committed of the metadata: clients are answered by an older state", "index", s.meta.Index, "log", s.fence.last)
	}
	s.unfence()
	s.postAll(unfencedMail{})
}

// stale reports whether the metadata may lack what this directory has answered by, or there is none yet.
func (s *Shard) stale() bool {
	if !s.meta.Formed() {
		return true
	}
	g := s.parts[metaGroup].g
	return g.Applied() < min(s.fence.last, g.Status().Last)
}

// unfence has the connections go on that came meanwhile.
func (s *Shard) unfence() {
	s.fence.open = true
	for _, id := range slices.Sorted(maps.Keys(s.conns)) {
		s.throttle(s.conns[id])
	}
}
