package log

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"slices"
	"strings"
	"testing"
)

// testBatch returns a batch with a good CRC; its records are noise, which is all that this package sees in them.
func testBatch(base int64, epoch int32, offsets, payload int, maxTS int64) []byte {
	b := make([]byte, BatchHeader+payload)
	for i := range payload {
		b[BatchHeader+i] = byte(base*31 + int64(i)*7)
	}
	Stamp(b, base, epoch)
	binary.BigEndian.PutUint32(b[8:], uint32(len(b)-batchLengthEnd))
	b[16] = batchMagic
	binary.BigEndian.PutUint32(b[23:], uint32(offsets-1))
	binary.BigEndian.PutUint64(b[27:], uint64(maxTS))
	binary.BigEndian.PutUint64(b[35:], uint64(maxTS))
	binary.BigEndian.PutUint64(b[43:], 1<<64-1) // no producer id
	binary.BigEndian.PutUint16(b[51:], 1<<16-1)
	binary.BigEndian.PutUint32(b[53:], 1<<32-1)
	binary.BigEndian.PutUint32(b[57:], uint32(offsets))
	binary.BigEndian.PutUint32(b[17:], crc32.Checksum(b[batchCRCFrom:], castagnoli))
	return b
}

// kmsgBatch was encoded by franz-go's kmsg.RecordBatch: one record, key k, value "value".
const kmsgBatch = "000000000000002a" + "0000003e" + "00000003" + "02" + "3e17e2b8" + "0010" + "00000000" + "0000018bcfe56800" +
	"0000018bcfe56807" + "0000000000000005" + "0006" + "00000007" + "00000001" + "18000000026b0a76616c756500"

func TestBatchGolden(t *testing.T) {
	b, err := hex.DecodeString(kmsgBatch)
	if err != nil {
		t.Fatal(err)
	}
	h, size, err := ParseBatch(b)
	want := Batch{BaseOffset: 42, Length: 62, LeaderEpoch: 3, Magic: 2, CRC: 0x3e17e2b8, Attributes: 0x10, FirstTimestamp: 1700000000000,
		MaxTimestamp: 1700000000007, ProducerID: 5, ProducerEpoch: 6, BaseSequence: 7, NumRecords: 1}
	if err != nil || size != len(b) || h != want {
		t.Errorf("size %d, header %+v, %v", size, h, err)
	}
	if err := CheckCRC(b); err != nil {
		t.Error(err)
	}
}

func TestParseBatch(t *testing.T) {
	b := testBatch(1000, 7, 5, 10, 1700000000123)
	h, size, err := ParseBatch(append(slices.Clone(b), "next"...))
	if err != nil {
		t.Fatal(err)
	}
	want := Batch{BaseOffset: 1000, Length: 59, LeaderEpoch: 7, Magic: 2, CRC: h.CRC, LastOffsetDelta: 4, FirstTimestamp: 1700000000123,
		MaxTimestamp: 1700000000123, ProducerID: -1, ProducerEpoch: -1, BaseSequence: -1, NumRecords: 5}
	if size != 71 || h != want || h.NextOffset() != 1005 {
		t.Errorf("size %d, header %+v", size, h)
	}
}

func TestParseBatchRefuses(t *testing.T) {
	set := func(at int, v ...byte) func([]byte) []byte {
		return func(b []byte) []byte { copy(b[at:], v); return b }
	}
	for _, c := range []struct {
		name string
		edit func([]byte) []byte
		err  error
		text string
	}{
		{"nothing", func(b []byte) []byte { return nil }, ErrShortBatch, "0 bytes"},
		{"part of the header", func(b []byte) []byte { return b[:20] }, ErrShortBatch, "20 bytes of a 61 byte header"},
		{"header but its last byte", func(b []byte) []byte { return b[:60] }, ErrShortBatch, "60 of its 71 bytes"},
		{"all but the last byte", func(b []byte) []byte { return b[:70] }, ErrShortBatch, "70 of its 71 bytes"},
		{"magic 1", set(16, 1), ErrBadBatch, "magic is 1, expected 2"},
		{"length below a header's", set(8, 0, 0, 0, 48), ErrBadBatch, "length is 48"},
		{"length negative", set(8, 0xff, 0xff, 0xff, 0xff), ErrBadBatch, "length is -1"},
		{"length that overflows", set(8, 0x7f, 0xff, 0xff, 0xff), ErrBadBatch, "length is 2147483647"},
		{"length beyond the bytes", set(8, 0, 0, 1, 0), ErrShortBatch, "71 of its 268 bytes"},
		{"last offset delta negative", set(23, 0xff, 0xff, 0xff, 0xff), ErrBadBatch, "delta is -1"},
		{"base offset negative", set(0, 0xff), ErrBadBatch, "base offset is -"},
		{"base offset that overflows", set(0, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), ErrBadBatch, "base offset is 9223372036854775807"},
		{"more records than offsets", set(57, 0, 0, 0, 6), ErrBadBatch, "6 records with last offset delta 4"},
		{"records negative", set(57, 0xff), ErrBadBatch, "records with"},
	} {
		_, _, err := ParseBatch(c.edit(testBatch(1000, 7, 5, 10, 1)))
		if !errors.Is(err, c.err) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %v, expected %v with %q", c.name, err, c.err, c.text)
		}
	}
}

func TestStampLeavesTheCRC(t *testing.T) {
	b := testBatch(0, -1, 3, 100, 5)
	Stamp(b, 1<<40, 12)
	h, _, err := ParseBatch(b)
	if err != nil || h.BaseOffset != 1<<40 || h.LeaderEpoch != 12 {
		t.Errorf("%+v, %v", h, err)
	}
	if err := CheckCRC(b); err != nil {
		t.Error(err)
	}
}

func TestCheckCRC(t *testing.T) {
	b := testBatch(0, 0, 3, 100, 5)
	for at := batchCRCFrom - 4; at < len(b); at++ {
		b[at] ^= 0x10
		if err := CheckCRC(b); !errors.Is(err, ErrBadBatch) {
			t.Errorf("byte %d changed: %v", at, err)
		}
		b[at] ^= 0x10
	}
	if err := CheckCRC(b[:30]); !errors.Is(err, ErrShortBatch) {
		t.Error(err)
	}
}

// row returns contiguous batches of the given numbers of offsets, from base on.
func row(base int64, payload int, offsets ...int) (data []byte, batches [][]byte) {
	for _, n := range offsets {
		b := testBatch(base, 1, n, payload, base)
		batches = append(batches, b)
		data = append(data, b...)
		base += int64(n)
	}
	return data, batches
}

func TestCutBatches(t *testing.T) {
	data, b := row(100, 39, 10, 1, 5, 20) // four batches of 100 bytes: 100, 110, 111, 116 to 136
	for _, c := range []struct {
		name   string
		data   []byte
		from   int64
		max    int
		least1 bool
		want   [][]byte
		next   int64
	}{
		{"all", data, 100, 1000, false, b, 136},
		{"from within the first", data, 109, 1000, false, b, 136},
		{"from the second", data, 110, 1000, false, b[1:], 136},
		{"from the last offset", data, 135, 1000, false, b[3:], 136},
		{"two and a half", data, 100, 250, false, b[:2], 111},
		{"exactly two", data, 100, 200, false, b[:2], 111},
		{"less than one", data, 100, 99, false, nil, 100},
		{"less than one, after others", data, 111, 99, false, nil, 111},
		{"less than one, but at least one", data, 111, 1, true, b[2:3], 116},
		{"no bytes, but at least one", data, 100, 0, true, b[:1], 110},
		{"at least one changes nothing else", data, 100, 250, true, b[:2], 111},
		{"the read ends in the third", data[:250], 105, 1000, false, b[:2], 111},
	} {
		got, next, err := CutBatches(c.data, c.from, c.max, c.least1)
		if err != nil || !bytes.Equal(got, bytes.Join(c.want, nil)) || next != c.next {
			t.Errorf("%s: %d bytes, next %d, %v; expected %d and %d", c.name, len(got), next, err, 100*len(c.want), c.next)
		}
		if cap(got) != len(got) {
			t.Errorf("%s: what is behind can be appended to", c.name)
		}
	}
}

// G3: whatever byte of a batch that would be served is changed, it isn't.
func TestCutBatchesFindsDamage(t *testing.T) {
	data, b := row(100, 39, 10, 1, 5, 20)
	for at := range data {
		bad := slices.Clone(data)
		bad[at] ^= 0x21
		got, _, err := CutBatches(bad, 111, 200, false) // the third and fourth
		if err != nil && (!errors.Is(err, ErrDamaged) || got != nil) {
			t.Errorf("byte %d changed: %d bytes and %v", at, len(got), err)
		}
		// Said not to be seen: another epoch that is possible, and the end of a read that a wrong length looks like.
		unseen := at >= 312 && at < 316 && len(got) == 200 || at >= 308 && at < 312 && len(got) == 100
		if at >= 200 && err == nil && !unseen {
			t.Errorf("byte %d changed: %d bytes served", at, len(got))
		}
	}
	swapped := slices.Concat(b[0], b[2], b[1])
	for name, c := range map[string]struct {
		data []byte
		from int64
	}{
		"nothing":               {nil, 100},
		"ends before":           {data[:200], 111},
		"ends within":           {data[:299], 111},
		"begins behind":         {data[100:], 105},
		"batch missing":         {slices.Concat(b[0], b[2]), 100},
		"batches change places": {swapped, 100},
		"batch twice":           {slices.Concat(b[0], b[0]), 100},
		"noise":                 {bytes.Repeat([]byte{7}, 500), 100},
	} {
		if got, _, err := CutBatches(c.data, c.from, 1000, true); !errors.Is(err, ErrDamaged) || got != nil {
			t.Errorf("%s: %d bytes and %v", name, len(got), err)
		}
	}
	older := slices.Clone(data)
	Stamp(older[100:], 110, 0)
	if _, _, err := CutBatches(older, 100, 1000, true); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "leader epoch at offset 110 is 0, expected at least 1") {
		t.Errorf("the leader epoch fell: %v", err)
	}
}

func TestHashGolden(t *testing.T) {
	var h uint64
	for i, e := range []struct {
		entry Entry
		want  uint64
	}{
		{Entry{Index: 1, Term: 1}, 0x74726bb229d75b62},
		{Entry{Index: 2, Term: 1, Type: EntryConfV2, Data: []byte("configuration")}, 0x8e688b6812834378},
		{Entry{Index: 3, Term: 4, Data: testBatch(0, 4, 3, 50, 9)}, 0xdfe406093e9c31b4},
	} {
		h = HashEntry(h, e.entry)
		if h != e.want {
			t.Errorf("hash after entry %d is %#x, expected %#x", i, h, e.want)
		}
	}
	h = 0
	for i, want := range []uint64{0x812c56d11b98f35b, 0xf32baa1fedfe37fb} {
		h = HashBatch(h, testBatch(int64(i)*3, 4, 3, 50, 9))
		if h != want {
			t.Errorf("hash after batch %d is %#x, expected %#x", i, h, want)
		}
	}
}

// Each thing that the hash stands for changes it.
func TestHashSeesAll(t *testing.T) {
	e := Entry{Index: 5, Term: 3, Data: []byte("data")}
	seen := map[uint64]string{}
	note := func(name string, h uint64) {
		if was, ok := seen[h]; ok {
			t.Errorf("%s has the hash of %s", name, was)
		}
		seen[h] = name
	}
	note("entry", HashEntry(1, e))
	note("other hash before", HashEntry(2, e))
	note("index and term swapped", HashEntry(1, Entry{Index: 3, Term: 5, Data: e.Data}))
	note("type", HashEntry(1, Entry{Index: 5, Term: 3, Type: EntryConf, Data: e.Data}))
	note("data", HashEntry(1, Entry{Index: 5, Term: 3, Data: []byte("dbta")}))
	note("length", HashEntry(1, Entry{Index: 5, Term: 3, Data: []byte("data\x00")}))
	note("no data", HashEntry(1, Entry{Index: 5, Term: 3}))
	b := testBatch(3, 4, 3, 50, 9)
	note("batch", HashBatch(1, b))
	for at := range batchCRCFrom {
		b[at] ^= 1
		note("batch with header byte "+hex.EncodeToString([]byte{byte(at)})+" changed", HashBatch(1, b))
		b[at] ^= 1
	}
}

// A base offset lies outside of its batch's CRC; the index vouches for the first one of a read (G3).
func TestCutChecksTheFirstOffset(t *testing.T) {
	b := testBatch(100, 0, 5, 20, 0)
	r := Read{File: "x.log", First: 100}
	if got, next, err := r.Cut(b, 102, 1000, true); err != nil || next != 105 || len(got) != len(b) {
		t.Fatalf("a sound read: %d bytes, next %d, %v", len(got), next, err)
	}
	Stamp(b, 101, 0)
	if _, _, err := r.Cut(b, 102, 1000, true); !errors.Is(err, ErrDamaged) {
		t.Fatalf("a changed base offset is served: %v", err)
	}
}
