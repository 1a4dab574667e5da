package broker

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"logd/log"
)

// What a record batch's attributes say. On the wire and on disk, don't change.
const (
	attrCodec         = 0x07
	attrLogAppendTime = 0x08
	attrTransactional = 0x10
	attrControl       = 0x20
	attrKnown         = attrCodec | attrLogAppendTime | attrTransactional | attrControl
)

// Codecs.
const (
	codecNone = iota
	codecGzip
	codecSnappy
	codecLZ4
	codecZstd
	codecs
)

// Where in a batch the fields are that are looked at before, or changed after, log.ParseBatch.
const (
	batchLength       = 8
	batchMagic        = 16
	batchCRC          = 17
	batchAttributes   = 21
	batchMaxTimestamp = 35

	lengthEnd  = 12 // a batch is its length and so many bytes
	minOldSize = 14 // of a record in the oldest format: what Kafka's reader takes for a sensible length
)

// noTimestamp is Kafka's for a record without one, and for an append time that isn't the log's.
const noTimestamp = int64(-1)

// batchRules are what a produced batch is held to.
type batchRules struct {
	version       int16 // of the Produce request
	maxBytes      int32 // max.message.bytes, or less if this broker can't keep as much
	segmentBytes  int64 // segment.bytes
	logAppendTime bool  // message.timestamp.type
	compacted     bool  // cleanup.policy: every record has a key
	beforeMax     int64 // message.timestamp.before.max.ms
	afterMax      int64 // message.timestamp.after.max.ms
	wall          int64 // ms; the leader's time of append
}

// checkedBatch is a batch that may be proposed.
type checkedBatch struct {
	bytes      []byte // the bytes sent, or a copy if a timestamp had to be changed; base offset and epoch not stamped
	header     log.Batch
	rejected   []recordError // if it is refused: for which of its records
	appendTime int64         // for the Produce response: ms, or noTimestamp if the topic keeps the producer's
}

// checkRecords validates the records of one partition in a Produce request as Kafka 4 does, in its order: the request's
// format (ProduceRequest.validateRecords over ByteBufferLogInputStream), the batch (UnifiedLog.analyzeAndValidateRecords),
// its offsets, flags and records (LogValidator), and at last its size against the segment's.
//
// It is stricter than Kafka in that bytes after the batch are refused (Kafka drops them without a word), and so are
// attributes that mean nothing yet and offset deltas that don't count up from 0 (Kafka rewrites or keeps them). Records in
// a compressed batch are looked at only if the topic's settings ask for it: readers of such a batch must cope with anything
// in it.
//
// field isn't changed; the batch aliases it unless a timestamp had to be changed.
func checkRecords(field []byte, rules batchRules) (checkedBatch, refusal) {
	size, no := cutBatch(field, rules.version)
	if no.is() {
		return checkedBatch{}, no
	}
	if len(field) > size {
		return checkedBatch{}, refuse(errBadRecord, "%d bytes after the record batch: Produce requests are only allowed to contain exactly one record batch per partition", len(field)-size)
	}
	if base := int64(binary.BigEndian.Uint64(field)); base != 0 {
		return checkedBatch{}, refuse(errBadRecord, "The baseOffset of the record batch should be 0, but it is %d", base)
	}
	if size > int(rules.maxBytes) {
		return checkedBatch{}, refuse(errTooLarge, "The record batch size is %d bytes which exceeds the maximum configured value of %d.", size, rules.maxBytes)
	}
	if err := log.CheckCRC(field); err != nil {
		return checkedBatch{}, refuse(errCorrupt, "Record is corrupt: %v", err)
	}
	h, _, err := log.ParseBatch(field)
	if err != nil { // what is left to be wrong are its offsets
		return checkedBatch{}, refuse(errBadRecord, "Batch has an invalid offset range: %v", err)
	}
	if no := checkHeader(h); no.is() {
		return checkedBatch{}, no
	}
	b := checkedBatch{bytes: field, header: h, appendTime: noTimestamp}
	newest := h.MaxTimestamp
	var r rejection
	if h.Attributes&attrCodec == codecNone {
		newest, r, no = checkPlain(field[log.BatchHeader:], h, rules)
	} else {
		r, no = rules.lookCompressed(field, h)
	}
	if no.is() {
		return checkedBatch{}, no
	}
	if no := r.refusal(); no.is() {
		return checkedBatch{rejected: r.rows}, no
	}
	if int64(size) > rules.segmentBytes {
		return checkedBatch{}, refuse(errListTooLarge, "Message batch size is %d bytes in append, which exceeds the maximum configured segment size of %d.", size, rules.segmentBytes)
	}
	attributes := h.Attributes
	if rules.logAppendTime {
		attributes, newest, b.appendTime = attributes|attrLogAppendTime, rules.wall, rules.wall
	}
	if attributes != h.Attributes || newest != h.MaxTimestamp {
		b.bytes = restamped(field, attributes, newest)
		b.header.Attributes, b.header.MaxTimestamp = attributes, newest
		b.header.CRC = binary.BigEndian.Uint32(b.bytes[batchCRC:])
	}
	return b, refusal{}
}

// cutBatch returns the size of the first batch in field. What doesn't hold even a header's start is "no batch"; a size or
// magic that makes no sense is corruption.
func cutBatch(field []byte, version int16) (int, refusal) {
	none := refuse(errBadRecord, "Produce requests with version %d must have at least one record batch per partition", version)
	if len(field) < lengthEnd {
		return 0, none
	}
	length := int64(int32(binary.BigEndian.Uint32(field[batchLength:])))
	if length < minOldSize {
		return 0, refuse(errCorrupt, "Record size %d is less than the minimum record overhead (%d)", length, minOldSize)
	}
	if len(field) <= batchMagic {
		return 0, none
	}
	magic := int8(field[batchMagic])
	if magic < 0 || magic > 2 {
		return 0, refuse(errCorrupt, "Invalid magic found in record: %d", magic)
	}
	if length+lengthEnd > int64(len(field)) {
		return 0, none
	}
	if magic != 2 {
		return 0, refuse(errBadRecord, "Produce requests with version %d are only allowed to contain record batches with magic version 2, this one is %d", version, magic)
	}
	if length+lengthEnd < log.BatchHeader {
		return 0, refuse(errCorrupt, "Record batch is corrupt (the size %d is smaller than the minimum allowed overhead %d)", length+lengthEnd, log.BatchHeader)
	}
	if codec := field[batchAttributes+1] & attrCodec; codec >= codecs || codec == codecZstd && version < 7 {
		return 0, refuse(errBadCompression, "Produce requests with version %d are not allowed to use compression type %d", version, codec)
	}
	return int(length) + lengthEnd, refusal{}
}

// checkHeader is LogValidator.validateBatch for a client's batch, and what can't be served yet.
func checkHeader(h log.Batch) refusal {
	switch {
	case h.NumRecords <= 0:
		return refuse(errBadRecord, "Invalid reported count for record batch: %d", h.NumRecords)
	case h.NumRecords != h.LastOffsetDelta+1:
		return refuse(errBadRecord, "Inconsistent batch offset range [0, %d] and count of records %d", h.LastOffsetDelta, h.NumRecords)
	case h.Attributes&attrControl != 0:
		return refuse(errBadRecord, "Clients are not allowed to write control records")
	case h.Attributes&attrTransactional != 0:
		return refuse(errBadTxnState, "Record was not part of an ongoing transaction: transactions are not served yet")
	case h.ProducerID >= 0 && h.BaseSequence < 0:
		return refuse(errBadRecord, "Invalid sequence number %d in record batch with producerId %d", h.BaseSequence, h.ProducerID)
	case h.ProducerID >= 0 && h.ProducerEpoch < 0: // stricter than Kafka, which takes any
		return refuse(errBadRecord, "Invalid epoch %d in record batch with producerId %d", h.ProducerEpoch, h.ProducerID)
	case h.Attributes&attrLogAppendTime != 0:
		return refuse(errBadTimestamp, "Invalid timestamp type in message. Producer should not set timestamp type to LogAppendTime.")
	case h.Attributes&^attrKnown != 0:
		return refuse(errBadRecord, "Batch has attributes %#04x, of which %#04x mean nothing", uint16(h.Attributes), uint16(h.Attributes&^attrKnown))
	}
	return refusal{}
}

// checkPlain looks at the records of a batch that isn't compressed: as many as declared, each whole and counted up from 0,
// and nothing after them. It returns the newest timestamp, which Kafka puts in the place of what the header says.
func checkPlain(records []byte, h log.Batch, rules batchRules) (newest int64, rejected rejection, no refusal) {
	newest = noTimestamp
	for i := range h.NumRecords {
		r, size, err := readRecord(records)
		if err != nil {
			return 0, rejected, refuse(errBadRecord, "Record %d of %d: %v", i, h.NumRecords, err)
		}
		if r.offsetDelta != i {
			return 0, rejected, refuse(errBadRecord, "Record %d of %d has offset delta %d", i, h.NumRecords, r.offsetDelta)
		}
		rules.look(&rejected, i, h.FirstTimestamp+r.timestampDelta, r.keyed)
		newest = max(newest, h.FirstTimestamp+r.timestampDelta)
		records = records[size:]
	}
	if len(records) > 0 {
		return 0, rejected, refuse(errBadRecord, "Incorrect declared batch size, %d bytes after its last record", len(records))
	}
	return newest, rejected, refusal{}
}

// restamped returns a copy of a batch with other attributes and newest timestamp, and the CRC that goes with them.
func restamped(batch []byte, attributes int16, newest int64) []byte {
	b := append([]byte(nil), batch...)
	binary.BigEndian.PutUint16(b[batchAttributes:], uint16(attributes))
	binary.BigEndian.PutUint64(b[batchMaxTimestamp:], uint64(newest))
	binary.BigEndian.PutUint32(b[batchCRC:], crc32.Checksum(b[batchAttributes:], castagnoli))
	if err := log.CheckCRC(b); err != nil {
		panic(fmt.Sprintf("broker: a restamped batch: %v", err))
	}
	return b
}

// castagnoli is the polynomial of CRC-32C; the table is constant.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)
