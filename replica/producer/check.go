package producer

import (
	"errors"
	"fmt"

	"logd/log"
)

var (
	// ErrSequence means that batches before this one are missing, or that it came too late to be known: nothing was appended.
	ErrSequence = errors.New("out of order sequence number")
	// ErrEpoch means that the producer has a newer epoch by now: this is a zombie's.
	ErrEpoch = errors.New("invalid producer epoch")
	// ErrFull means that the producer is new and that no more are taken at this time.
	ErrFull = errors.New("too many producers")
)

// Overlay is a table with batches on top that are to be proposed: what a leader decides by. It leaves the table as it is.
type Overlay struct {
	t     *Table
	limit int // of producers
	added int
	news  map[int64]*Entry
}

// Over returns an overlay on a table that doesn't change meanwhile. Up to limit producers are taken.
func Over(t *Table, limit int) *Overlay { return &Overlay{t: t, limit: limit} }

func (o *Overlay) get(id int64) *Entry {
	if e := o.news[id]; e != nil {
		return e
	}
	return o.t.entries[id]
}

// Knows tells whether anything is known of a producer.
func (o *Overlay) Knows(id int64) bool { return o.get(id) != nil }

// Check says what is to become of a client's batch: it is appended if ok is true; it was appended before, at the offset
// returned, if ok is false and there is no error; it is refused otherwise, with an error that wraps [ErrSequence], [ErrEpoch] or
// [ErrFull]. The rules are those of Kafka 4.1, in its order: UnifiedLog.analyzeAndValidateProducerState looks for a duplicate
// (ProducerStateEntry.findDuplicateBatch: of the same epoch, of exactly the same sequences) before ProducerAppendInfo's
// checkProducerEpoch and checkSequence. As there, a producer of which nothing is known may begin with any sequence, and a known
// one's new epoch begins with 0.
func (o *Overlay) Check(h log.Batch) (original int64, ok bool, err error) {
	e := o.get(h.ProducerID)
	switch {
	case e == nil && o.t.Len()+o.added >= o.limit:
		return 0, false, fmt.Errorf("%w: producer %d is new, and of %d others each was seen too short a time ago to be forgotten", ErrFull, h.ProducerID, o.t.Len()+o.added)
	case e == nil:
		return 0, true, nil
	case h.ProducerEpoch < e.Epoch:
		return 0, false, fmt.Errorf("%w: epoch of producer %d is %d, which is smaller than the last seen epoch %d", ErrEpoch, h.ProducerID, h.ProducerEpoch, e.Epoch)
	case h.ProducerEpoch > e.Epoch && h.BaseSequence != 0:
		return 0, false, fmt.Errorf("%w: producer %d begins epoch %d with sequence %d, expected 0 (its epoch was %d)", ErrSequence, h.ProducerID, h.ProducerEpoch, h.BaseSequence, e.Epoch)
	case h.ProducerEpoch > e.Epoch:
		return 0, true, nil
	}
	if b, found := e.find(h.BaseSequence, h.LastOffsetDelta+1); found {
		return b.Offset, false, nil
	}
	if next := add(e.LastSequence(), 1); h.BaseSequence != next {
		return 0, false, fmt.Errorf("%w: producer %d, epoch %d: %d records from sequence %d, expected %d", ErrSequence, h.ProducerID, h.ProducerEpoch, h.LastOffsetDelta+1, h.BaseSequence, next)
	}
	return 0, true, nil
}

// Put has a batch that passed [Overlay.Check] come next, at the base offset that its header says.
func (o *Overlay) Put(h log.Batch) {
	if o.get(h.ProducerID) == nil {
		o.added++
	}
	if o.news == nil {
		o.news = map[int64]*Entry{}
	}
	o.news[h.ProducerID] = after(o.get(h.ProducerID), h, o.t.clock)
}
