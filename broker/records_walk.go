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

// firstAtOrAfter returns the offset and timestamp (ms) of the first record of a stamped batch, from an offset on, that is at
// or after ts; ok is false if there is none. A compressed batch is inflated as far as needed, and at most to maxInflated
// bytes. The error says that the records can't be read: a producer may have compressed anything.
func firstAtOrAfter(batch []byte, from, ts int64) (offset, timestamp int64, ok bool, err error) {
	h, _, err := log.ParseBatch(batch)
	if err != nil || h.MaxTimestamp < ts { // checked at produce unless compressed, and then a producer's claim about its own records
		return 0, 0, false, err
	}
	err = eachRecord(batch, func(at, t int64) bool {
		if at < from || t < ts {
			return true
		}
		offset, timestamp, ok = at, t, true
		return false
	})
	return offset, timestamp, ok, err
}

// newest returns the offset and timestamp (ms) of the first of a stamped batch's records, from an offset on, that have the
// highest timestamp; ok is false if there are none. The error is as of firstAtOrAfter.
func newest(batch []byte, from int64) (offset, timestamp int64, ok bool, err error) {
	err = eachRecord(batch, func(at, t int64) bool {
		if at >= from && (!ok || t > timestamp) {
			offset, timestamp, ok = at, t, true
		}
		return true
	})
	return offset, timestamp, ok, err
}

// eachRecord visits the records of a stamped batch, in order, for as long as visit says true.
func eachRecord(batch []byte, visit func(offset, timestamp int64) bool) error {
	h, size, err := log.ParseBatch(batch)
	if err != nil {
		return err
	}
	if h.Attributes&attrLogAppendTime != 0 { // all its records have the one time, and none is missing in between
		for i := range h.NumRecords {
			if !visit(h.BaseOffset+int64(i), h.MaxTimestamp) {
				break
			}
		}
		return nil
	}
	records := batch[log.BatchHeader:size]
	r := recordReader{r: bufio.NewReader(bytes.NewReader(records))}
	if codec := int(h.Attributes & attrCodec); codec != codecNone {
		in, err := inflate(codec, records)
		if err != nil {
			return fmt.Errorf("records of the batch at offset %d: %w", h.BaseOffset, err)
		}
		r.r.Reset(&limitedReader{r: in, left: maxInflated})
	}
	for i := range h.NumRecords {
		rec, err := r.next()
		if err == nil && rec.offsetDelta > h.LastOffsetDelta {
			err = fmt.Errorf("%w: offset delta %d, the batch's last is %d", errBadRecordBytes, rec.offsetDelta, h.LastOffsetDelta)
		}
		if err != nil {
			return fmt.Errorf("record %d of %d in the batch at offset %d: %w", i, h.NumRecords, h.BaseOffset, err)
		}
		if !visit(h.BaseOffset+int64(rec.offsetDelta), h.FirstTimestamp+rec.timestampDelta) {
			break
		}
	}
	return nil
}

// recordReader reads records off a stream, without their keys' bytes, values and headers.
type recordReader struct{ r *bufio.Reader }

func (rr recordReader) next() (record, error) {
	length, err := binary.ReadVarint(rr.r)
	if err != nil {
		return record{}, unexpected(err)
	}
	if length < 3 || length > math.MaxInt32 {
		return record{}, fmt.Errorf("%w: length %d", errBadRecordBytes, length)
	}
	body := &limitedBytes{r: rr.r, left: length}
	_, err = body.ReadByte() // attributes
	if err != nil {
		return record{}, unexpected(err)
	}
	timestamp, err := binary.ReadVarint(body)
	if err != nil {
		return record{}, unexpected(err)
	}
	offset, err := binary.ReadVarint(body)
	if err != nil {
		return record{}, unexpected(err)
	}
	if offset < 0 || offset > math.MaxInt32 {
		return record{}, fmt.Errorf("%w: offset delta %d", errBadRecordBytes, offset)
	}
	key, err := binary.ReadVarint(body)
	if err != nil {
		return record{}, unexpected(err)
	}
	_, err = rr.r.Discard(int(body.left))
	return record{timestampDelta: timestamp, offsetDelta: int32(offset), keyed: key != -1}, unexpected(err)
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
