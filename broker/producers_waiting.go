package broker

import (
	"fmt"

	"logd/log"
	"logd/replica/producer"
)

// A new producer may begin with any sequence, and has up to five batches on their way. If the first of them finds no room and the
// second one does, since some was made meanwhile, the second one would be its beginning, and the first one never be appended. So the
// leader that refused the first one takes none before it. (Kafka has no bound of producers; for transactions it does the same:
// VerificationStateEntry.lowestSequence.) It is known to that leader only, and for its term.

// firstBatch is what a new producer that found no room is to begin with.
type firstBatch struct {
	term     uint64
	epoch    int16
	sequence int32
}

// half of the circle of sequences: who is less before another one than this is before it.
const half = 1 << 30

// before tells whether a batch is this one or goes before it.
func (f firstBatch) before(h log.Batch) bool {
	return uint32(f.sequence-h.BaseSequence)&(1<<31-1) < half
}

// overtakes returns an error if a batch of a producer of which nothing is known must wait for one that found no room.
func (s *Shard) overtakes(p *partition, h log.Batch) error {
	term, _ := p.g.Leading()
	f, ok := p.passing.waiting[h.ProducerID]
	if !ok || f.term != term || f.epoch != h.ProducerEpoch || f.before(h) {
		return nil
	}
	return fmt.Errorf("%w: producer %d, epoch %d: there was none for sequence %d, which goes before %d", producer.ErrFull, h.ProducerID, h.ProducerEpoch, f.sequence, h.BaseSequence)
}

// turnAway notes that there is no room for a batch.
func (s *Shard) turnAway(p *partition, batch []byte) {
	h, _, err := log.ParseBatch(batch)
	if err != nil || h.ProducerID < 0 || p.g.Producers().Get(h.ProducerID) != nil || s.overtakes(p, h) != nil {
		return
	}
	_, again := p.passing.waiting[h.ProducerID]
	if p.passing.waiting == nil || !again && len(p.passing.waiting) >= s.cfg.Limits.Producers {
		p.passing.waiting = map[int64]firstBatch{} // whoever is in it may be overtaken: there are as many as producers
	}
	term, _ := p.g.Leading()
	p.passing.waiting[h.ProducerID] = firstBatch{term, h.ProducerEpoch, h.BaseSequence}
}

// takes notes that a batch is proposed: its producer has begun.
func (p *partition) takes(batch []byte) {
	if len(p.passing.waiting) == 0 {
		return
	}
	h, _, _ := log.ParseBatch(batch)
	delete(p.passing.waiting, h.ProducerID)
}
