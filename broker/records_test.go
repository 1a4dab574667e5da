package broker

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"

	"logd/log"
)

type testRecord struct {
	key, value string
	timestamp  int64
}

// testBatch makes a batch's bytes. change is done to the whole before the CRC, after to the whole after it.
type testBatch struct {
	base       int64
	codec      int
	xerial     bool
	attributes int16
	records    []testRecord
	plain      func([]byte) []byte // to the records before compression
	change     func(b []byte)
	after      func(b []byte)
}

func (tb testBatch) bytes(t testing.TB) []byte {
	rb := kmsg.RecordBatch{FirstOffset: tb.base, Magic: 2, PartitionLeaderEpoch: -1, Attributes: tb.attributes | int16(tb.codec),
		LastOffsetDelta: int32(len(tb.records) - 1), NumRecords: int32(len(tb.records)), ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1}
	for i, r := range tb.records {
		if i == 0 {
			rb.FirstTimestamp, rb.MaxTimestamp = r.timestamp, r.timestamp
		}
		rb.MaxTimestamp = max(rb.MaxTimestamp, r.timestamp)
		rec := kmsg.Record{TimestampDelta64: r.timestamp - rb.FirstTimestamp, OffsetDelta: int32(i), Value: []byte(r.value),
			Headers: []kmsg.Header{{Key: "h", Value: []byte("1")}, {Key: "", Value: nil}}}
		if r.key != "" {
			rec.Key = []byte(r.key)
		}
		length := len(rec.AppendTo(nil)) - 1 // without the length, which is 0 and takes one byte
		rec.Length = int32(length)
		rb.Records = rec.AppendTo(rb.Records)
	}
	if tb.plain != nil {
		rb.Records = tb.plain(rb.Records)
	}
	rb.Records = compress(t, tb.codec, tb.xerial, rb.Records)
	rb.Length = int32(log.BatchHeader - lengthEnd + len(rb.Records))
	b := rb.AppendTo(nil)
	if tb.change != nil {
		tb.change(b)
	}
	binary.BigEndian.PutUint32(b[batchCRC:], crc32.Checksum(b[batchAttributes:], castagnoli))
	if tb.after != nil {
		tb.after(b)
	}
	return b
}

func compress(t testing.TB, codec int, xerial bool, b []byte) []byte {
	var out bytes.Buffer
	var err error
	switch codec {
	case codecGzip:
		w := gzip.NewWriter(&out)
		_, err = w.Write(b)
		err = errors.Join(err, w.Close())
	case codecSnappy:
		if !xerial {
			return s2.EncodeSnappy(nil, b)
		}
		out.Write(xerialMagic)
		out.Write([]byte{0, 0, 0, 1, 0, 0, 0, 1})
		for len(b) > 0 {
			block := b[:min(len(b), 50)]
			b = b[len(block):]
			enc := s2.EncodeSnappy(nil, block)
			out.Write(binary.BigEndian.AppendUint32(nil, uint32(len(enc))))
			out.Write(enc)
		}
	case codecLZ4:
		w := lz4.NewWriter(&out)
		_, err = w.Write(b)
		err = errors.Join(err, w.Close())
	case codecZstd:
		var w *zstd.Encoder
		w, err = zstd.NewWriter(&out)
		if err == nil {
			_, err = w.Write(b)
			err = errors.Join(err, w.Close())
		}
	default:
		return b
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

var someRecords = []testRecord{{"k", "one", 1000}, {"", "two", 3000}, {"k", strings.Repeat("three", 30), 2000}}

func someRules() batchRules {
	return batchRules{version: 9, maxBytes: 1048588, segmentBytes: 1 << 30, wall: 77, beforeMax: math.MaxInt64, afterMax: math.MaxInt64}
}

func set(at int, v ...byte) func([]byte) { return func(b []byte) { copy(b[at:], v) } }

// recordCase is a field of records, what is changed in the rules, and the code for it. The sources of the codes are named
// beside checkRecords; where one isn't obvious, here.
type recordCase struct {
	what  string
	field []byte
	rules func(*batchRules)
	code  int16
}

// with returns a batch of someRecords made differently; changed one with other bytes under a good CRC; plain one with other
// bytes of records.
func with(t testing.TB, f func(*testBatch)) []byte {
	b := testBatch{records: someRecords}
	f(&b)
	return b.bytes(t)
}

func changed(t testing.TB, at int, v ...byte) []byte {
	return with(t, func(b *testBatch) { b.change = set(at, v...) })
}

func plain(t testing.TB, f func([]byte) []byte) []byte {
	return with(t, func(b *testBatch) { b.plain = f })
}

func framingCases(t testing.TB) []recordCase {
	whole := testBatch{records: someRecords}.bytes(t)
	return []recordCase{
		{"good", whole, nil, 0},
		{"gzip", with(t, func(b *testBatch) { b.codec = codecGzip }), nil, 0},
		{"zstd", with(t, func(b *testBatch) { b.codec = codecZstd }), func(r *batchRules) { r.version = 7 }, 0},
		{"zstd before 7", with(t, func(b *testBatch) { b.codec = codecZstd }), func(r *batchRules) { r.version = 6 }, errBadCompression},
		{"no such codec", changed(t, batchAttributes, 0, 5), nil, errBadCompression},
		{"null", nil, nil, errBadRecord},                                            // validateRecords: at least one batch
		{"empty", []byte{}, nil, errBadRecord},                                      // the same
		{"less than a length", whole[:11], nil, errBadRecord},                       // nextBatchSize: no batch
		{"less than a magic", whole[:16], nil, errBadRecord},                        // the same
		{"cut", whole[:len(whole)-1], nil, errBadRecord},                            // nextBatch: no batch
		{"length of 13", changed(t, batchLength, 0, 0, 0, 13), nil, errCorrupt},     // nextBatchSize
		{"negative length", changed(t, batchLength, 0xff), nil, errCorrupt},         // the same
		{"length of 14", changed(t, batchLength, 0, 0, 0, 14), nil, errCorrupt},     // isValid
		{"shorter length", changed(t, batchLength, 0, 0, 0, 60), nil, errBadRecord}, // the rest is no batch, which Kafka drops
		{"magic 1", changed(t, batchMagic, 1), nil, errBadRecord},                   // validateRecords: only magic 2
		{"magic 3", changed(t, batchMagic, 3), nil, errCorrupt},                     // nextBatchSize
		{"magic -1", changed(t, batchMagic, 0xff), nil, errCorrupt},                 // the same
		{"two batches", append(bytes.Clone(whole), whole...), nil, errBadRecord},
		{"a byte more", append(bytes.Clone(whole), 0), nil, errBadRecord},
	}
}

func headerCases(t testing.TB) []recordCase {
	whole := testBatch{records: someRecords}.bytes(t)
	return []recordCase{
		{"base offset 1", with(t, func(b *testBatch) { b.base = 1 }), nil, errBadRecord},
		{"base offset -1", with(t, func(b *testBatch) { b.base = -1 }), nil, errBadRecord},
		{"too large", whole, func(r *batchRules) { r.maxBytes = int32(len(whole) - 1) }, errTooLarge},
		{"just not too large", whole, func(r *batchRules) { r.maxBytes = int32(len(whole)) }, 0},
		{"larger than a segment", whole, func(r *batchRules) { r.segmentBytes = int64(len(whole) - 1) }, errListTooLarge},
		{"a flipped bit", with(t, func(b *testBatch) { b.after = set(70, 0xff) }), nil, errCorrupt},
		{"another crc", with(t, func(b *testBatch) { b.after = set(batchCRC, 1, 2, 3, 4) }), nil, errCorrupt},
		{"too large and corrupt", with(t, func(b *testBatch) { b.after = set(70, 0xff) }), func(r *batchRules) { r.maxBytes = 9 }, errTooLarge},
		{"last offset delta -1", changed(t, 23, 0xff, 0xff, 0xff, 0xff), nil, errBadRecord},
		{"last offset delta 3 of 3", changed(t, 23, 0, 0, 0, 3), nil, errBadRecord},
		{"last offset delta 1 of 3", changed(t, 23, 0, 0, 0, 1), nil, errBadRecord},
		{"no records", testBatch{change: set(23, 0, 0, 0, 0)}.bytes(t), nil, errBadRecord},
		{"-1 records", changed(t, 57, 0xff, 0xff, 0xff, 0xff), nil, errBadRecord},
		{"2 records of 3", changed(t, 57, 0, 0, 0, 2), nil, errBadRecord},
		{"2 records declared, 3 there", with(t, func(b *testBatch) { b.change = func(b []byte) { set(57, 0, 0, 0, 2)(b); set(23, 0, 0, 0, 1)(b) } }), nil, errBadRecord},
		{"4 records declared, 3 there", with(t, func(b *testBatch) { b.change = func(b []byte) { set(57, 0, 0, 0, 4)(b); set(23, 0, 0, 0, 3)(b) } }), nil, errBadRecord},
		{"compressed, 4 declared, 3 there", with(t, func(b *testBatch) {
			b.codec, b.change = codecLZ4, func(b []byte) { set(57, 0, 0, 0, 4)(b); set(23, 0, 0, 0, 3)(b) }
		}), nil, 0}, // not looked into
		{"control", with(t, func(b *testBatch) { b.attributes = attrControl }), nil, errBadRecord},
		{"control and transactional", with(t, func(b *testBatch) { b.attributes = attrControl | attrTransactional }), nil, errBadRecord},
		{"transactional", with(t, func(b *testBatch) { b.attributes = attrTransactional }), nil, errBadTxnState},
		{"idempotent, id 0, no sequence", changed(t, 43, 0, 0, 0, 0, 0, 0, 0, 0), nil, errBadRecord}, // LogValidator.validateBatch
		{"idempotent, no sequence", changed(t, 43, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0), nil, errBadRecord},
		{"idempotent, no epoch", changed(t, 43, 0, 0, 0, 0, 0, 0, 0, 9, 0xff, 0xff, 0, 0, 0, 0), nil, errBadRecord},
		{"a producer's LogAppendTime", with(t, func(b *testBatch) { b.attributes = attrLogAppendTime }), nil, errBadTimestamp}, // validateTimestamp
		{"delete horizon", with(t, func(b *testBatch) { b.attributes = 0x40 }), nil, errBadRecord},
		{"a meaningless attribute", with(t, func(b *testBatch) { b.attributes = -0x8000 }), nil, errBadRecord},
	}
}

func contentCases(t testing.TB) []recordCase {
	return []recordCase{
		{"record length -1", plain(t, func(b []byte) []byte { b[0] = 1; return b }), nil, errBadRecord},
		{"record longer than the batch", plain(t, func(b []byte) []byte { b[0] = 0x7e; return b[:30] }), nil, errBadRecord},
		{"offset delta 1 first", plain(t, func(b []byte) []byte { b[3] = 2; return b }), nil, errBadRecord},
		{"key longer than the record", plain(t, func(b []byte) []byte { b[4] = 0x7e; return b }), nil, errBadRecord},
		{"key length -2", plain(t, func(b []byte) []byte { b[4] = 3; return b }), nil, errBadRecord},
		{"too many headers", plain(t, func(b []byte) []byte { b[10] = 0x7e; return b }), nil, errBadRecord},
		{"-1 headers", plain(t, func(b []byte) []byte { b[10] = 1; return b }), nil, errBadRecord},
		{"one header less", plain(t, func(b []byte) []byte { b[10] = 2; return b }), nil, errBadRecord},
		{"header key length -1", plain(t, func(b []byte) []byte { b[15] = 1; return b }), nil, errBadRecord},
	}
}

func TestCheckRecords(t *testing.T) {
	for _, c := range slices.Concat(framingCases(t), headerCases(t), contentCases(t)) {
		rules := someRules()
		if c.rules != nil {
			c.rules(&rules)
		}
		before := bytes.Clone(c.field)
		got, no := checkRecords(c.field, rules)
		if no.code != c.code || no.is() != (no.message != "") {
			t.Errorf("%s: code %d, %q, expected %d", c.what, no.code, no.message, c.code)
		}
		if !bytes.Equal(before, c.field) {
			t.Errorf("%s: the bytes of the request were changed", c.what)
		}
		if c.code == 0 && (&got.bytes[0] != &c.field[0] || len(got.bytes) != len(c.field) || got.appendTime != -1) {
			t.Errorf("%s: a good batch didn't pass through untouched", c.what)
		}
	}
}

// The record at byte 0 of someRecords is: length, attributes, timestamp, offset, key length, k, value length, one, headers.
func TestSomeRecordsAreLaidOutAsTheCasesSay(t *testing.T) {
	b := testBatch{records: someRecords}.bytes(t)[log.BatchHeader:]
	if want := []byte{32, 0, 0, 0, 2, 'k', 6, 'o', 'n', 'e', 4, 2, 'h', 2, '1', 0, 1}; !bytes.Equal(b[:len(want)], want) {
		t.Errorf("the first record is % x, expected % x", b[:len(want)], want)
	}
}

// LogAppendTime: attributes, newest timestamp and CRC change, in a copy, and nothing else.
func TestLogAppendTime(t *testing.T) {
	for codec := codecNone; codec < codecs; codec++ {
		field := testBatch{codec: codec, records: someRecords}.bytes(t)
		rules := someRules()
		rules.logAppendTime, rules.wall = true, 1234567
		got, no := checkRecords(field, rules)
		if no.is() {
			t.Fatal(no)
		}
		h, _, err := log.ParseBatch(got.bytes)
		if err != nil || log.CheckCRC(got.bytes) != nil || h != got.header || h.Attributes != int16(codec)|attrLogAppendTime || h.MaxTimestamp != 1234567 ||
			h.FirstTimestamp != 1000 || got.appendTime != 1234567 || !bytes.Equal(got.bytes[43:], field[43:]) {
			t.Errorf("codec %d: %+v, %v", codec, h, err)
		}
		if offset, ts, ok, err := firstAtOrAfter(got.bytes, 0, 1000); offset != 0 || ts != 1234567 || !ok || err != nil {
			t.Errorf("codec %d: first at or after 1000 is %d, %d, %t, %v", codec, offset, ts, ok, err)
		}
		if _, _, ok, err := firstAtOrAfter(got.bytes, 0, 1234568); ok || err != nil {
			t.Errorf("codec %d: found one after the last, %v", codec, err)
		}
	}
}

// A header's newest timestamp is corrected if it can be seen to be wrong (LogValidator.assignOffsetsNonCompressed).
func TestMaxTimestampIsCorrected(t *testing.T) {
	field := testBatch{records: someRecords, change: set(batchMaxTimestamp, 0, 0, 0, 0, 0, 0, 0, 5)}.bytes(t)
	got, no := checkRecords(field, someRules())
	if no.is() || got.header.MaxTimestamp != 3000 || log.CheckCRC(got.bytes) != nil || got.appendTime != -1 {
		t.Errorf("%+v, %v", got.header, no)
	}
}

// firstAtOrAfter runs a search to its end.
func firstAtOrAfter(batch []byte, from, ts int64) (offset, timestamp int64, ok bool, err error) {
	return runSearch(searchFirst(batch, from, ts))
}

func runSearch(f *recordSearch, err error) (offset, timestamp int64, ok bool, _ error) {
	for over := false; err == nil && !over; {
		over, err = f.step()
	}
	if err != nil {
		return 0, 0, false, err
	}
	return f.best.offset, f.best.timestamp, f.found, nil
}

func TestFirstAtOrAfter(t *testing.T) {
	for codec := codecNone; codec < codecs; codec++ {
		for _, xerial := range []bool{false, true} {
			batch := testBatch{base: 100, codec: codec, xerial: xerial, records: someRecords}.bytes(t)
			for _, c := range []struct {
				ts     int64
				offset int64
				at     int64
				ok     bool
			}{{0, 100, 1000, true}, {1000, 100, 1000, true}, {1001, 101, 3000, true}, {3000, 101, 3000, true}, {3001, 0, 0, false}} {
				offset, at, ok, err := firstAtOrAfter(batch, 0, c.ts)
				if offset != c.offset || at != c.at || ok != c.ok || err != nil {
					t.Errorf("codec %d (xerial %t): first at or after %d is %d, %d, %t, %v, expected %+v", codec, xerial, c.ts, offset, at, ok, err, c)
				}
			}
		}
	}
}

// Offsets are the records' own: in a compressed batch nobody checked that they count up from 0.
func TestOffsetsAreTheRecordsOwn(t *testing.T) {
	for _, c := range []struct {
		delta byte
		want  string
	}{{4, "102 1000 true <nil>"}, {6, "0 0 false record 0 of 3 in the batch at offset 100: bad record: offset delta 3, the batch's last is 2"}} {
		batch := testBatch{base: 100, codec: codecGzip, records: someRecords, plain: func(b []byte) []byte { b[3] = c.delta; return b }}.bytes(t)
		if offset, ts, ok, err := firstAtOrAfter(batch, 0, 0); fmt.Sprint(offset, ts, ok, err) != c.want {
			t.Errorf("got %d, %d, %t, %v, expected %s", offset, ts, ok, err, c.want)
		}
	}
}

func TestFirstAtOrAfterMatchesAScan(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		records := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) testRecord {
			return testRecord{value: strings.Repeat("v", rapid.IntRange(0, 300).Draw(t, "length")), timestamp: rapid.Int64Range(-1, 9).Draw(t, "timestamp")}
		}), 1, 30).Draw(rt, "records")
		batch := testBatch{base: 7, codec: rapid.IntRange(0, codecs-1).Draw(rt, "codec"), xerial: rapid.Bool().Draw(rt, "xerial"), records: records}.bytes(t)
		ts := rapid.Int64Range(-2, 11).Draw(rt, "ts")
		want := fmt.Sprint(0, 0, false)
		for i, r := range records {
			if r.timestamp >= ts {
				want = fmt.Sprint(7+i, r.timestamp, true)
				break
			}
		}
		offset, at, ok, err := firstAtOrAfter(batch, 0, ts)
		if got := fmt.Sprint(offset, at, ok); got != want || err != nil {
			rt.Fatalf("first at or after %d is %s, %v, expected %s", ts, got, err, want)
		}
	})
}

// A batch that inflates without end is given up after a bound, and one that says it does before any memory is taken.
func TestInflatingIsBounded(t *testing.T) {
	huge := make([]byte, maxInflated+1000)
	binary.PutVarint(huge, int64(maxInflated+500)) // one record that goes on past the bound
	for codec := codecGzip; codec < codecs; codec++ {
		b := testBatch{codec: codec, records: someRecords, plain: func([]byte) []byte { return huge }}.bytes(t)
		_, _, ok, err := firstAtOrAfter(b, 0, 2999)
		if ok || !errors.Is(err, errInflatesTooFar) {
			t.Errorf("codec %d, %d bytes: %t, %v", codec, len(b), ok, err)
		}
	}
	bomb := binary.AppendUvarint(nil, 1<<31)
	if _, err := newSnappyReader(bomb).Read(make([]byte, 1)); !errors.Is(err, errInflatesTooFar) {
		t.Errorf("a block of snappy that says 2 GiB: %v", err)
	}
}

func TestDamagedCompression(t *testing.T) {
	for codec := codecGzip; codec < codecs; codec++ {
		for _, xerial := range []bool{false, true} {
			b := testBatch{codec: codec, xerial: xerial, records: someRecords}.bytes(t)
			cut := testBatch{codec: codec, xerial: xerial, records: someRecords, plain: func(b []byte) []byte { return b[:20] }}.bytes(t)
			if _, _, ok, err := firstAtOrAfter(cut, 0, 2500); ok || err == nil {
				t.Errorf("codec %d (xerial %t): the second record isn't there: %t, %v", codec, xerial, ok, err)
			}
			for i := log.BatchHeader; i < len(b); i++ { // anything but a panic
				bad := bytes.Clone(b)
				bad[i] ^= 0x55
				firstAtOrAfter(bad, 0, 2500)
			}
		}
	}
}

func FuzzRecords(f *testing.F) {
	for codec := codecNone; codec < codecs; codec++ {
		f.Add(testBatch{codec: codec, records: someRecords}.bytes(f))
		f.Add(testBatch{codec: codec, xerial: true, records: someRecords[:1]}.bytes(f))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > log.BatchHeader {
			binary.BigEndian.PutUint32(b[batchCRC:], crc32.Checksum(b[batchAttributes:], castagnoli)) // so that what follows is met
		}
		before := bytes.Clone(b)
		for _, rules := range []batchRules{someRules(), {version: 3, maxBytes: 1 << 20, segmentBytes: 1 << 20, logAppendTime: true, wall: 5}} {
			got, no := checkRecords(b, rules)
			if !bytes.Equal(b, before) {
				t.Fatal("the bytes of the request were changed")
			}
			if no.is() {
				continue
			}
			h, n, err := log.ParseBatch(got.bytes)
			if err != nil || n != len(b) || h != got.header || log.CheckCRC(got.bytes) != nil {
				t.Fatalf("accepted, but: %+v, %d, %v, %v", h, n, err, log.CheckCRC(got.bytes))
			}
			offset, _, ok, err := firstAtOrAfter(got.bytes, 0, h.MaxTimestamp)
			if h.Attributes&attrCodec == codecNone && h.MaxTimestamp >= 0 && (!ok || err != nil) {
				t.Fatalf("accepted, but no record has its newest timestamp %d: %t, %v", h.MaxTimestamp, ok, err)
			}
			if ok && (offset < 0 || offset > int64(h.LastOffsetDelta)) {
				t.Fatalf("found offset %d in a batch of %d", offset, h.NumRecords)
			}
		}
		firstAtOrAfter(b, 0, 0)
	})
}
