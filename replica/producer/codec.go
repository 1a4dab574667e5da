package producer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// ErrCodec is wrapped when bytes are no encoded table.
var ErrCodec = errors.New("bad producer table")

// A table as it stands in marks and snapshots. All numbers are varints, signed ones zigzag; the empty table is no bytes. What
// holds it has a checksum. On disk and on the wire, don't change.
//
//	┌────────────┬───────┬───────────┬──────────────────────────────────────────────────────────┐
//	│ format = 1 │ clock │ producers │ each, by rising id:                                      │
//	│         u8 │       │     count │ id less the last one's │ epoch │ clock less seen │ batches │
//	└────────────┴───────┴───────────┴──────────────────────────────────────────────────────────┘
//	batches: count │ the newest: first sequence, records, offset, timestamp (signed) │
//	the others, newer ones first: records, offset of the one after it less its own, timestamp of that less its own (signed)
const tableFormat = 1

const (
	// EntryBytes is what a producer takes in an encoded table, about, rounded up.
	EntryBytes = 64
	// MostEntryBytes is the most that one can take, with ids, times and sequences that no client has.
	MostEntryBytes = 148
)

// Encode returns the table as bytes: equal tables are equal bytes (P1).
func (t *Table) Encode() []byte {
	if len(t.entries) == 0 {
		return nil
	}
	b := make([]byte, 0, 16+EntryBytes*len(t.entries))
	b = binary.AppendUvarint(append(b, tableFormat), t.clock)
	b = binary.AppendUvarint(b, uint64(len(t.entries)))
	id := int64(0)
	for _, e := range t.Entries() {
		b = binary.AppendUvarint(b, uint64(e.ID-id))
		b, id = e.encode(b, t.clock), e.ID
	}
	return b
}

// encode appends a producer but for its id.
func (e *Entry) encode(b []byte, clock uint64) []byte {
	b = binary.AppendUvarint(b, uint64(e.Epoch))
	b = binary.AppendUvarint(b, clock-e.Seen)
	b = append(b, byte(len(e.Batches)))
	next := e.Last()
	b = binary.AppendUvarint(b, uint64(next.First))
	b = binary.AppendUvarint(b, uint64(next.Records))
	b = binary.AppendUvarint(b, uint64(next.Offset))
	b = binary.AppendVarint(b, next.Timestamp)
	for i := len(e.Batches) - 2; i >= 0; i-- {
		of := e.Batches[i]
		b = binary.AppendUvarint(b, uint64(of.Records))
		b = binary.AppendUvarint(b, uint64(next.Offset-of.Offset))
		b = binary.AppendVarint(b, next.Timestamp-of.Timestamp)
		next = of
	}
	return b
}

// seal computes the hash of an entry that is complete.
func (e *Entry) seal() {
	h := mix(uint64(e.ID)) ^ mix(e.Seen+1)<<1 ^ uint64(e.Epoch)
	for _, b := range e.Batches {
		h = mix(h ^ uint64(b.First)<<32 ^ uint64(b.Records))
		h = mix(h ^ uint64(b.Offset))
		h = mix(h ^ uint64(b.Timestamp))
	}
	e.hash = h
}

// mix is the finalizer of splitmix64.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// Decode reads what [Table.Encode] wrote. Its error wraps [ErrCodec].
func Decode(b []byte) (*Table, error) {
	t := NewTable()
	if len(b) == 0 {
		return t, nil
	}
	if b[0] != tableFormat {
		return nil, fmt.Errorf("%w: it is of format %d, this logd reads %d", ErrCodec, b[0], tableFormat)
	}
	r := reader{b: b[1:]}
	t.clock = r.uint(math.MaxUint64)
	n, id := r.uint(uint64(len(b))), int64(0)
	for i := range n {
		e, step := &Entry{}, r.uint(uint64(math.MaxInt64-id))
		e.ID = id + int64(step)
		if step == 0 && i > 0 {
			r.bad = true
		}
		r.entry(e, t.clock)
		if r.bad {
			return nil, fmt.Errorf("%w: producer %d of %d, id %d, is no producer, or cut short", ErrCodec, i+1, n, e.ID)
		}
		e.seal()
		t.put(e)
		id = e.ID
	}
	if n == 0 || r.bad || len(r.b) > 0 {
		return nil, fmt.Errorf("%w: %d producers, %d bytes behind them", ErrCodec, n, len(r.b))
	}
	return t, nil
}

// reader takes numbers off b; bad says that one wasn't there, or out of its range.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) uint(most uint64) uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 || v > most {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) int() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

// entry reads a producer but for its id.
func (r *reader) entry(e *Entry, clock uint64) {
	e.Epoch = int16(r.uint(math.MaxInt16))
	e.Seen = clock - r.uint(clock)
	n := int(r.uint(Kept))
	if n == 0 {
		r.bad = true
		return
	}
	e.Batches = make([]Batch, n)
	next := Batch{First: int32(r.uint(math.MaxInt32)), Records: r.records(), Offset: int64(r.uint(math.MaxInt64))}
	next.Timestamp = r.int()
	e.Batches[n-1] = next
	for i := n - 2; i >= 0; i-- {
		of := Batch{Records: r.records()}
		of.Offset = next.Offset - int64(r.uint(uint64(next.Offset)))
		of.Timestamp = next.Timestamp - r.int()
		of.First = add(next.First, -of.Records)
		e.Batches[i], next = of, of
	}
}

func (r *reader) records() int32 {
	n := int32(r.uint(math.MaxInt32))
	if n == 0 {
		r.bad = true
	}
	return n
}
