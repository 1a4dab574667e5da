package producer

import (
	"maps"
	"slices"

	"logd/log"
)

// Kept is how many batches of a producer are remembered: as many as a client may have in flight (KIP-98, as of KAFKA-5494).
const Kept = 5

// Batch is a batch that was appended.
type Batch struct {
	First     int32 // sequence of its first record
	Records   int32 // 1 <= Records
	Offset    int64 // of its first record
	Timestamp int64 // ms; its newest
}

// last is the sequence of its last record.
func (b Batch) last() int32 { return add(b.First, b.Records-1) }

// add counts up in the circle 0 … 2^31-1 (DefaultRecordBatch.incrementSequence).
func add(sequence, n int32) int32 { return int32(uint32(sequence+n) & (1<<31 - 1)) }

// Entry is one producer. It never changes (P3).
type Entry struct {
	ID      int64
	Epoch   int16
	Seen    uint64  // the table's clock when its last batch was appended
	Batches []Batch // 1 to [Kept], oldest first (P2)
	hash    uint64
}

// Last is its newest batch.
func (e *Entry) Last() Batch { return e.Batches[len(e.Batches)-1] }

// LastSequence is the sequence of the last record that it appended.
func (e *Entry) LastSequence() int32 { return e.Last().last() }

// find returns the batch of exactly these sequences (ProducerStateEntry.batchWithSequenceRange): part of one is none.
func (e *Entry) find(first, records int32) (Batch, bool) {
	i := slices.IndexFunc(e.Batches, func(b Batch) bool { return b.First == first && b.Records == records })
	if i < 0 {
		return Batch{}, false
	}
	return e.Batches[i], true
}

// Table is all producers of a partition as of some place in its log.
type Table struct {
	clock   uint64 // ms that have passed while there were producers: see [Table.Pass]
	entries map[int64]*Entry
	sum     uint64 // of the entries' hashes
}

// NewTable returns the table of an empty log.
func NewTable() *Table { return &Table{entries: map[int64]*Entry{}} }

// Clone returns a copy that goes its own way.
func (t *Table) Clone() *Table {
	return &Table{clock: t.clock, entries: maps.Clone(t.entries), sum: t.sum}
}

// Len is the number of producers.
func (t *Table) Len() int { return len(t.entries) }

// Clock is the table's time, in ms.
func (t *Table) Clock() uint64 { return t.clock }

// Get returns a producer, nil if it isn't known.
func (t *Table) Get(id int64) *Entry { return t.entries[id] }

// Entries returns all producers by rising id; not to be changed.
func (t *Table) Entries() []*Entry {
	return slices.SortedFunc(maps.Values(t.entries), func(a, b *Entry) int { return compare(a.ID, b.ID) })
}

func compare(a, b int64) int {
	if a < b {
		return -1
	}
	return 1 // ids differ
}

// Hash is equal for equal tables, on every replica (P1).
func (t *Table) Hash() uint64 { return mix(t.clock) + t.sum }

// Append takes a batch of the log, as it stands there: whether it should be there was decided by the leader that proposed it.
func (t *Table) Append(h log.Batch) {
	if h.ProducerID >= 0 {
		t.put(after(t.entries[h.ProducerID], h, t.clock))
	}
}

func (t *Table) put(e *Entry) {
	if old := t.entries[e.ID]; old != nil {
		t.sum -= old.hash
	}
	t.entries[e.ID] = e
	t.sum += e.hash
}

// after is a producer after one more batch; before is nil if it wasn't known.
func after(before *Entry, h log.Batch, clock uint64) *Entry {
	e := &Entry{ID: h.ProducerID, Epoch: h.ProducerEpoch, Seen: clock}
	b := Batch{First: h.BaseSequence, Records: h.LastOffsetDelta + 1, Offset: h.BaseOffset, Timestamp: h.MaxTimestamp}
	if before != nil && before.Epoch == e.Epoch && add(before.LastSequence(), 1) == b.First {
		from := max(0, len(before.Batches)-Kept+1)
		e.Batches = append(make([]Batch, 0, len(before.Batches)-from+1), before.Batches[from:]...)
	}
	e.Batches = append(e.Batches, b)
	e.seal()
	return e
}

// Silent tells whether there is a producer that was last seen before a time of the table's clock.
func (t *Table) Silent(before uint64) bool {
	for _, e := range t.entries { // order: any of them will do
		if e.Seen < before {
			return true
		}
	}
	return false
}

// Pass takes a command of the log which says that so many ms have passed while its leader led, and that who was last seen
// before a time of the table's clock is to be forgotten; nothing else takes a producer out (P4). The clock stands still while there is nobody to forget, and begins
// anew with the next producer.
func (t *Table) Pass(elapsed, before uint64) {
	if len(t.entries) == 0 {
		return
	}
	t.clock += elapsed
	maps.DeleteFunc(t.entries, func(_ int64, e *Entry) bool { // order: each by itself, and the sum is commutative
		if e.Seen < before {
			t.sum -= e.hash
		}
		return e.Seen < before
	})
	if len(t.entries) == 0 {
		t.clock = 0
	}
}
