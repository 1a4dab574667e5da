package broker

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"logd/log"
)

// record is what is looked at of a record in a batch:
//
//	varint length │ int8 attributes │ varint timestamp delta │ varint offset delta │ varint key length │ key │
//	varint value length │ value │ varint headers │ ...
type record struct {
	timestampDelta int64
	offsetDelta    int32
	keyed          bool // its key isn't null
}

var errBadRecordBytes = errors.New("bad record")

// readRecord reads the record at the head of b, down to its last header, and returns it and its size.
func readRecord(b []byte) (record, int, error) {
	length, n := binary.Varint(b)
	if n <= 0 || length < 0 || length > int64(len(b)-n) {
		return record{}, 0, fmt.Errorf("%w: length %d, have %d bytes", errBadRecordBytes, length, len(b))
	}
	body := fields{b: b[n : n+int(length)]}
	body.skip(1)
	r := record{timestampDelta: body.varint()}
	delta := body.varint()
	r.offsetDelta = int32(delta)
	key := body.varint() // -1 is null
	r.keyed = key != -1
	body.skip(key)
	body.skip(body.varint()) // value
	headers := body.varint()
	if headers < 0 || headers > int64(len(body.b)) {
		body.bad = true
	}
	for i := int64(0); i < headers && !body.bad; i++ {
		key := body.varint()
		body.bad = body.bad || key < 0
		body.skip(key)
		body.skip(body.varint())
	}
	if body.bad || len(body.b) > 0 || delta < 0 || delta > math.MaxInt32 {
		return record{}, 0, fmt.Errorf("%w: its %d bytes don't hold what they say", errBadRecordBytes, length)
	}
	return r, n + int(length), nil
}

// fields reads fields off b; bad stays true once one wasn't there.
type fields struct {
	b   []byte
	bad bool
}

func (f *fields) varint() int64 {
	if len(f.b) > 0 && f.b[0] < 0x80 { // nearly always
		u := int64(f.b[0])
		f.b = f.b[1:]
		return u>>1 ^ -(u & 1)
	}
	v, n := binary.Varint(f.b)
	if n <= 0 {
		f.b, f.bad = nil, true
		return 0
	}
	f.b = f.b[n:]
	return v
}

// skip leaves out n bytes; none if n is -1, for null.
func (f *fields) skip(n int64) {
	switch {
	case n == -1:
	case n < 0 || n > int64(len(f.b)):
		f.b, f.bad = nil, true
	default:
		f.b = f.b[n:]
	}
}

// maxInflated bounds the bytes that a compressed batch is inflated to in search of a timestamp.
const maxInflated = 64 << 20

// recordWalk goes through the records of a stamped batch in order, a step at a time, so that whoever walks can pause: a few bytes may
// inflate to maxInflated, and nobody has looked yet whether compressed records are what the batch's header says.
type recordWalk struct {
	h    log.Batch
	r    recordReader
	read int32  // records, the last of them up to its rest
	rest int64  // bytes of that one still to be passed over
	last walked // it
	cost int    // bytes of work so far, about
}

// walked is one record that a walk has come by.
type walked struct{ offset, timestamp int64 }

const (
	walkPiece   = 256 << 10 // bytes that a step passes over, at most
	recordCost  = 32        // what a record costs beside its bytes
	inflateCost = 32 << 10  // what beginning to inflate costs
)

// newRecordWalk begins a walk. The error says that the records can't be read: a producer may have compressed anything.
func newRecordWalk(batch []byte) (*recordWalk, error) {
	h, size, err := log.ParseBatch(batch)
	if err != nil {
		return nil, err
	}
	w := &recordWalk{h: h}
	records := batch[log.BatchHeader:size]
	codec := int(h.Attributes & attrCodec)
	if codec == codecNone {
		w.r.r = bufio.NewReader(bytes.NewReader(records))
		return w, nil
	}
	in, err := inflate(codec, records)
	if err != nil {
		return nil, fmt.Errorf("records of the batch at offset %d: %w", h.BaseOffset, err)
	}
	w.r.r, w.cost = bufio.NewReader(&limitedReader{r: in, left: maxInflated}), inflateCost
	return w, nil
}

// done tells whether all records were walked.
func (w *recordWalk) done() bool { return w.read == w.h.NumRecords && w.rest == 0 }

// step goes on, within one record, and reports whether it came to its end: then last is that one.
func (w *recordWalk) step() (bool, error) {
	if w.rest == 0 {
		if err := w.head(); err != nil {
			return false, fmt.Errorf("record %d of %d in the batch at offset %d: %w", w.read, w.h.NumRecords, w.h.BaseOffset, err)
		}
		w.read++
	}
	n, err := w.r.r.Discard(int(min(w.rest, walkPiece)))
	w.rest, w.cost = w.rest-int64(n), w.cost+n
	if err != nil {
		return false, fmt.Errorf("record %d of %d in the batch at offset %d: %w", w.read-1, w.h.NumRecords, w.h.BaseOffset, unexpected(err))
	}
	return w.rest == 0, nil
}

// head reads a record up to its rest.
func (w *recordWalk) head() error {
	rec, rest, err := w.r.head()
	w.cost += recordCost
	if err == nil && rec.offsetDelta > w.h.LastOffsetDelta {
		err = fmt.Errorf("%w: offset delta %d, the batch's last is %d", errBadRecordBytes, rec.offsetDelta, w.h.LastOffsetDelta)
	}
	w.rest, w.last = rest, walked{w.h.BaseOffset + int64(rec.offsetDelta), w.h.FirstTimestamp + rec.timestampDelta}
	return err
}

// recordSearch looks in a stamped batch, from an offset on, for the first record whose timestamp (ms) is at least ts; or for the newest:
// the first of those with the highest timestamp, but for timestamps beyond the one that the header calls the highest, since indexes
// go by headers.
type recordSearch struct {
	walk   *recordWalk // nil: there is nothing to walk through
	from   int64
	ts     int64
	newest bool
	best   walked
	found  bool
}

// searchFirst begins a search for the first record at or after ts.
func searchFirst(batch []byte, from, ts int64) (*recordSearch, error) {
	return newRecordSearch(batch, &recordSearch{from: from, ts: ts})
}

// searchNewest begins a search for the newest record.
func searchNewest(batch []byte, from int64) (*recordSearch, error) {
	return newRecordSearch(batch, &recordSearch{from: from, ts: math.MinInt64, newest: true})
}

func newRecordSearch(batch []byte, f *recordSearch) (*recordSearch, error) {
	h, _, err := log.ParseBatch(batch)
	if err != nil || h.MaxTimestamp < f.ts { // checked at produce unless compressed, and then a producer's claim about its own records
		return f, err
	}
	if h.Attributes&attrLogAppendTime != 0 { // all its records have the one time, and none is missing in between
		f.best, f.found = walked{max(h.BaseOffset, f.from), h.MaxTimestamp}, f.from < h.NextOffset()
		return f, nil
	}
	f.walk, err = newRecordWalk(batch)
	return f, err
}

// step looks on, and reports whether the search is over. The error says that the records can't be read.
func (f *recordSearch) step() (over bool, err error) {
	if f.walk == nil || f.walk.done() {
		return true, nil
	}
	whole, err := f.walk.step()
	if err != nil || !whole || f.walk.last.offset < f.from {
		return err != nil, err
	}
	is := f.walk.last
	switch most := f.walk.h.MaxTimestamp; {
	case f.newest && is.timestamp <= most && (!f.found || is.timestamp > f.best.timestamp):
		f.best, f.found = is, true
		return is.timestamp == most, nil
	case !f.newest && is.timestamp >= f.ts:
		f.best, f.found = is, true
		return true, nil
	}
	return false, nil
}

// cost is what the search has cost so far, in bytes of work.
func (f *recordSearch) cost() int {
	if f.walk == nil {
		return 0
	}
	return f.walk.cost
}

// recordReader reads records off a stream, without their keys' bytes, values and headers.
type recordReader struct{ r *bufio.Reader }

func (rr recordReader) next() (record, error) {
	rec, rest, err := rr.head()
	if err != nil {
		return rec, err
	}
	_, err = rr.r.Discard(int(rest))
	return rec, unexpected(err)
}

// head reads a record up to its key's bytes, and returns how many bytes are left of it.
func (rr recordReader) head() (rec record, rest int64, err error) {
	length, err := binary.ReadVarint(rr.r)
	if err != nil {
		return record{}, 0, unexpected(err)
	}
	if length < 3 || length > math.MaxInt32 {
		return record{}, 0, fmt.Errorf("%w: length %d", errBadRecordBytes, length)
	}
	body := &limitedBytes{r: rr.r, left: length}
	_, err = body.ReadByte() // attributes
	if err != nil {
		return record{}, 0, unexpected(err)
	}
	timestamp, err := binary.ReadVarint(body)
	if err != nil {
		return record{}, 0, unexpected(err)
	}
	offset, err := binary.ReadVarint(body)
	if err != nil {
		return record{}, 0, unexpected(err)
	}
	if offset < 0 || offset > math.MaxInt32 {
		return record{}, 0, fmt.Errorf("%w: offset delta %d", errBadRecordBytes, offset)
	}
	key, err := binary.ReadVarint(body)
	if err != nil {
		return record{}, 0, unexpected(err)
	}
	return record{timestampDelta: timestamp, offsetDelta: int32(offset), keyed: key != -1}, body.left, nil
}

// unexpected makes an end of the stream an error that says so: more records were announced.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// limitedBytes reads the next left bytes of r one by one.
type limitedBytes struct {
	r    *bufio.Reader
	left int64
}

func (l *limitedBytes) ReadByte() (byte, error) {
	if l.left <= 0 {
		return 0, fmt.Errorf("%w: it ends within its fields", errBadRecordBytes)
	}
	l.left--
	return l.r.ReadByte()
}
