package broker

import "math"

// Producer ids come from the metadata group in blocks (as Kafka's AllocateProducerIds), one block at a time for each shard, so
// that a client's InitProducerId costs no entry there. What is left of a block when the process ends is given to nobody.
const (
	producersVersion = 3     // of the metadata's commands: since then there are idempotent producers
	producerBlock    = 1_000 // ids asked for at once (Kafka's ProducerIdsBlock.PRODUCER_ID_BLOCK_SIZE)
	maxProducerBlock = 1_000_000
)

// producerIDs are those that a shard may give.
type producerIDs struct {
	next, end int64
	asked     bool     // for a block
	row       []origin // requests that wait for it, in order
}

// givenID answers a request for a producer id.
type givenID struct {
	code int16
	id   int64
}

func (g GiveIDs) apply(m *Meta) (*Meta, Result) {
	if g.Count < 1 || g.Count > maxProducerBlock || m.NextProducer > math.MaxInt64-g.Count {
		return m, refusedBy(refuse(errBadRequest, "%d producer ids from %d on: there are no such", g.Count, m.NextProducer))
	}
	next := *m
	next.NextProducer += g.Count
	return &next, Result{First: m.NextProducer}
}

// giveID answers a request with a producer id, once there is one.
func (s *Shard) giveID(o origin) {
	s.ids.row = append(s.ids.row, o)
	s.giveIDs()
}

// giveIDs gives the ids that there are to those that wait, and asks for more if that isn't enough. What is asked for and refused
// is told to all that wait: they ask again (COORDINATOR_LOAD_IN_PROGRESS, as Kafka's RPCProducerIdManager).
func (s *Shard) giveIDs() {
	ids := &s.ids
	for len(ids.row) > 0 && ids.next < ids.end {
		o := ids.row[0]
		ids.row = ids.row[1:]
		s.answer(o, givenID{id: ids.next})
		ids.next++
	}
	if len(ids.row) == 0 || ids.asked {
		return
	}
	ids.asked = true
	r := &request{id: s.next()}
	s.requests[r.id] = r
	r.expect(1, func() {
		delete(s.requests, r.id)
		s.timers.Cancel(r.timer)
		s.ids.asked = false
		if a, ok := r.parts[0].(appended); ok && a.code == errNone && a.result.Code == errNone {
			s.ids.next, s.ids.end = a.result.First, a.result.First+producerBlock
			s.giveIDs()
			return
		}
		row := s.ids.row
		s.ids.row = nil
		for _, o := range row {
			s.answer(o, givenID{code: errLoading, id: -1})
		}
	})
	s.deadline(r, s.cfg.Limits.ReadIndexWait)
	s.call(r, 0, metaGroup, metaCall{EncodeCommand(GiveIDs{Count: producerBlock})})
}
