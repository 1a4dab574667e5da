package broker

import (
	"errors"

	"logd/replica/producer"
)

// producerLimit is how many producers a partition takes: Limits.Producers, or less where its replicas' brokers have so many
// partitions that the tables could fill half of what marks may take of their WALs (L11). A broker with as many shards and as
// large files as this one is assumed.
func (s *Shard) producerLimit(p *partition) int {
	if s.crowd.of != s.meta {
		s.crowd.of, s.crowd.groups = s.meta, s.meta.crowds()
	}
	most := 1
	if place := s.meta.PlacementOf(p.group); place != nil {
		for _, r := range place.Replicas {
			most = max(most, s.crowd.groups[r.Broker])
		}
	}
	share := int(s.store.Sizes().StateLimit) / 2 * s.cfg.Shards / most / producer.EntryBytes
	limit := max(1, min(s.cfg.Limits.Producers, share))
	if s.crowd.full {
		limit = min(limit, p.g.Producers().Len())
	}
	return limit
}

// countProducers finds out whether the tables of this shard take what they may. The share of a partition doesn't tell: tables were filled
// when there were fewer partitions. The WAL has a table twice, as it is and in the mark, and what is known goes on, so an entry may grow to
// [producer.MostEntryBytes], 2.3 times what is reckoned: with that the WAL is still not blocked (TestProducersDontBlockTheWAL).
func (s *Shard) countProducers() {
	n := 0
	for _, p := range s.sorted {
		if p.group != metaGroup {
			n += p.g.Producers().Len()
		}
	}
	z := s.store.Sizes()
	s.crowd.full = n > 0 && max(z.State, 2*producer.EntryBytes*int64(n)) >= z.StateLimit
}

// refuseProducer says why a batch is refused: where all tables together are full, its own partition's has nothing to do with it.
func (s *Shard) refuseProducer(id int64, err error) refusal {
	if s.crowd.full && errors.Is(err, producer.ErrFull) {
		return refuse(errNotEnough, "%v: producer %d is new, and the partitions of shard %d know as many as its WAL holds (%d bytes of state); it is taken once others were silent for %s",
			producer.ErrFull, id, s.cfg.Shard, s.store.Sizes().StateLimit, s.cfg.Limits.ProducerKeep/pressShare)
	}
	return refuse(producerCode(err), "%v", err)
}

// crowd counts the partitions on each broker, as of some metadata, and the producers here.
type crowd struct {
	of     *Meta
	groups map[int32]int
	full   bool // no new producer is taken, as of the last tick
}

func (m *Meta) crowds() map[int32]int {
	n := map[int32]int{}
	for _, t := range m.byName {
		for i := range t.Partitions {
			for _, r := range t.Partitions[i].Replicas {
				n[r.Broker]++
			}
		}
	}
	return n
}
