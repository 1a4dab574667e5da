package main

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"
)

func drawRecord(t *rapid.T) *kgo.Record {
	field := rapid.OneOf(rapid.Just([]byte(nil)), rapid.SliceOfN(rapid.Byte(), 0, 300))
	r := &kgo.Record{Key: field.Draw(t, "key"), Value: field.Draw(t, "value"),
		Timestamp: time.UnixMilli(rapid.Int64Range(1, 1<<42).Draw(t, "ms"))}
	for range rapid.IntRange(0, 3).Draw(t, "headers") {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: rapid.StringN(1, 5, 9).Draw(t, "hk"), Value: field.Draw(t, "hv")})
	}
	return r
}

// Whatever goes into a batch comes out of kgo's own reader, with the lengths and the CRC right.
func TestBatchIsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		comp, err := codecNamed(rapid.SampledFrom([]string{"none", "gzip", "snappy", "lz4", "zstd"}).Draw(t, "codec"))
		if err != nil {
			t.Fatal(err)
		}
		var lines []*line
		bound := 0
		for range rapid.IntRange(1, 20).Draw(t, "n") {
			r := drawRecord(t)
			bound += sizeBound(r)
			lines = append(lines, &line{rec: r})
		}
		raw := encodeBatch(lines, comp)
		if comp == nil && len(raw) > bound+61 {
			t.Fatalf("a batch of %d bytes, bounded by %d", len(raw), bound+61)
		}
		if n := binary.BigEndian.Uint32(raw[8:]); int(n) != len(raw)-12 {
			t.Fatalf("length %d of %d bytes", n, len(raw))
		}
		if crc := crc32.Checksum(raw[21:], crc32.MakeTable(crc32.Castagnoli)); crc != binary.BigEndian.Uint32(raw[17:]) {
			t.Fatalf("crc %x, want %x", binary.BigEndian.Uint32(raw[17:]), crc)
		}
		readBack(t, raw, lines)
	})
}

func readBack(t *rapid.T, raw []byte, lines []*line) {
	rp := kmsg.NewFetchResponseTopicPartition()
	rp.RecordBatches = raw
	rp.HighWatermark = int64(len(lines))
	fp, next := kgo.ProcessFetchPartition(kgo.ProcessFetchPartitionOpts{Topic: "t"}, &rp, kgo.DefaultDecompressor(), nil)
	if fp.Err != nil || len(fp.Records) != len(lines) || next != int64(len(lines)) {
		t.Fatalf("%d records of %d, next %d: %v", len(fp.Records), len(lines), next, fp.Err)
	}
	for i, got := range fp.Records {
		want := lines[i].rec
		if !same(got.Key, want.Key) || !same(got.Value, want.Value) || !got.Timestamp.Equal(want.Timestamp) ||
			got.Offset != int64(i) || len(got.Headers) != len(want.Headers) {
			t.Fatalf("record %d: got %+v, want %+v", i, got, want)
		}
		for j, h := range got.Headers {
			if h.Key != want.Headers[j].Key || !same(h.Value, want.Headers[j].Value) {
				t.Fatalf("record %d header %d: got %+v, want %+v", i, j, h, want.Headers[j])
			}
		}
	}
}

// same tells null from empty.
func same(a, b []byte) bool { return bytes.Equal(a, b) && (a == nil) == (b == nil) }
