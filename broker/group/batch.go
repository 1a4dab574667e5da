package group

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// A batch of records of __consumer_offsets is a record batch v2 without codec, producer or headers:
//
//	 0 int64 base offset    │  8 int32 length │ 12 int32 leader epoch │ 16 int8 magic = 2
//	17 uint32 CRC-32C of 21.. │ 21 int16 attributes = 0 │ 23 int32 last offset delta
//	27 int64 first, 35 int64 last timestamp (ms) │ 43 int64 producer id = -1 │ 51 int16 epoch = -1 │ 53 int32 sequence = -1
//	57 int32 records │ 61 records: varint length │ int8 0 │ varint 0 │ varint offset delta │ key │ value │ varint 0
//
// Base offset and leader epoch are stamped when it is proposed. In the log, don't change.
const (
	batchCRC     = 17
	batchCounted = 21
	batchRecords = 61
	batchMagic   = 2
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// AppendBatch appends records, at least one, as a batch with a timestamp in ms.
func AppendBatch(dst []byte, wall int64, records []Record) []byte {
	at := len(dst)
	dst = append(dst, make([]byte, batchRecords)...)
	var body []byte
	for i, r := range records {
		body = append(body[:0], 0, 0) // attributes, timestamp delta
		body = binary.AppendVarint(body, int64(i))
		body = appendNullable(body, r.Key)
		body = appendNullable(body, r.Value)
		body = append(body, 0) // headers
		dst = binary.AppendVarint(dst, int64(len(body)))
		dst = append(dst, body...)
	}
	b := dst[at:]
	be := binary.BigEndian
	be.PutUint32(b[8:], uint32(len(b)-12))
	b[16] = batchMagic
	be.PutUint32(b[23:], uint32(len(records)-1))
	be.PutUint64(b[27:], uint64(wall))
	be.PutUint64(b[35:], uint64(wall))
	for i := 43; i < 57; i++ {
		b[i] = 0xff
	}
	be.PutUint32(b[57:], uint32(len(records)))
	be.PutUint32(b[batchCRC:], crc32.Checksum(b[batchCounted:], castagnoli))
	return dst
}

func appendNullable(dst, v []byte) []byte {
	if v == nil {
		return binary.AppendVarint(dst, -1)
	}
	dst = binary.AppendVarint(dst, int64(len(v)))
	return append(dst, v...)
}

// ErrBadBatch is wrapped by what says that a batch of __consumer_offsets can't be read.
var ErrBadBatch = errors.New("bad batch in __consumer_offsets")

// ReadBatch returns the records of one whole batch, whose CRC was checked; they alias it. A record without a key, and a
// batch that isn't as above (Kafka's own tools write no others), is an error.
func ReadBatch(b []byte) ([]Record, error) {
	if len(b) < batchRecords || b[16] != batchMagic || binary.BigEndian.Uint16(b[21:])&0x27 != 0 {
		return nil, fmt.Errorf("%w: %d bytes, expected a batch v2 without codec", ErrBadBatch, len(b))
	}
	n := int(int32(binary.BigEndian.Uint32(b[57:])))
	f := fields{b: b[batchRecords:]}
	if n < 0 || n > len(f.b) {
		return nil, fmt.Errorf("%w: %d records in %d bytes", ErrBadBatch, n, len(f.b))
	}
	records := make([]Record, 0, n)
	for range n {
		body := fields{b: f.take(f.varint())}
		body.take(1)
		body.varint()
		body.varint()
		r := Record{Key: body.take(body.varint()), Value: body.take(body.varint())}
		if f.bad || body.bad || r.Key == nil {
			return nil, fmt.Errorf("%w: record %d of %d", ErrBadBatch, len(records), n)
		}
		records = append(records, r)
	}
	return records, nil
}

// fields reads fields off b; bad stays true once one wasn't there.
type fields struct {
	b   []byte
	bad bool
}

func (f *fields) varint() int64 {
	v, n := binary.Varint(f.b)
	if n <= 0 {
		f.b, f.bad = nil, true
		return 0
	}
	f.b = f.b[n:]
	return v
}

// take returns n bytes; nil if n is -1, for null.
func (f *fields) take(n int64) []byte {
	switch {
	case n == -1:
		return nil
	case n < 0 || n > int64(len(f.b)):
		f.b, f.bad = nil, true
		return nil
	}
	v := f.b[:n:n]
	f.b = f.b[n:]
	return v
}
