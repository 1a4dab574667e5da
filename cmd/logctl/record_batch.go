package main

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// encodeBatch makes one record batch v2 of lines, offsets 0..n-1, as a non-idempotent producer sends it.
//
//	0 base offset · 8 length · 12 epoch · 16 magic · 17 crc · 21 attributes … 61 records
func encodeBatch(lines []*line, comp kgo.Compressor) []byte {
	b := kmsg.NewRecordBatch()
	b.PartitionLeaderEpoch = -1
	b.Magic = 2
	b.FirstTimestamp = lines[0].rec.Timestamp.UnixMilli()
	b.MaxTimestamp = b.FirstTimestamp
	b.ProducerID, b.ProducerEpoch, b.FirstSequence = -1, -1, -1
	b.NumRecords = int32(len(lines))
	b.LastOffsetDelta = b.NumRecords - 1
	var records []byte
	for i, l := range lines {
		ms := l.rec.Timestamp.UnixMilli()
		b.MaxTimestamp = max(b.MaxTimestamp, ms)
		records = appendRecord(records, l.rec, i, ms-b.FirstTimestamp)
	}
	b.Records = records
	if comp != nil {
		packed, codec := comp.Compress(new(bytes.Buffer), records)
		b.Records = packed
		b.Attributes = int16(codec)
	}
	raw := b.AppendTo(nil)
	binary.BigEndian.PutUint32(raw[8:], uint32(len(raw)-12))
	binary.BigEndian.PutUint32(raw[17:], crc32.Checksum(raw[21:], crc32.MakeTable(crc32.Castagnoli)))
	return raw
}

func appendRecord(dst []byte, r *kgo.Record, delta int, msDelta int64) []byte {
	k := kmsg.NewRecord()
	k.TimestampDelta64 = msDelta
	k.OffsetDelta = int32(delta)
	k.Key, k.Value = r.Key, r.Value
	for _, h := range r.Headers {
		k.Headers = append(k.Headers, kmsg.Header{Key: h.Key, Value: h.Value})
	}
	// With length 0 the length field takes one byte, so the rest is what the length must say.
	k.Length = int32(len(k.AppendTo(nil)) - 1)
	return k.AppendTo(dst)
}

// sizeBound is at least what a record adds to a batch.
func sizeBound(r *kgo.Record) int {
	n := len(r.Key) + len(r.Value) + 64
	for _, h := range r.Headers {
		n += len(h.Key) + len(h.Value) + 16
	}
	return n
}

// codecNamed is the compressor of a --compression flag; nil for none.
func codecNamed(name string) (kgo.Compressor, error) {
	var codec kgo.CompressionCodec
	switch name {
	case "", "none":
		return nil, nil
	case "gzip":
		codec = kgo.GzipCompression()
	case "snappy":
		codec = kgo.SnappyCompression()
	case "lz4":
		codec = kgo.Lz4Compression()
	case "zstd":
		codec = kgo.ZstdCompression()
	default:
		return nil, usagef("--compression %q is unknown; there are none, gzip, snappy, lz4, zstd", name)
	}
	return kgo.DefaultCompressor(codec)
}
