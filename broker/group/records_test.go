package group

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"
)

// The records' bytes, written out by hand from Kafka 4.1's schemas (group-coordinator/src/main/resources/common/message), in the
// versions that its GroupCoordinatorRecordHelpers writes: OffsetCommitValue 4, or 1 if it has a time to expire at
// (offsetCommitValueVersion); GroupMetadataValue 3 (newGroupMetadataRecord); all of KIP-848's 0. What its tools read is these. Don't
// change.
func TestRecordGoldens(t *testing.T) {
	instance := "i"
	c := newClassic()
	c.kind, c.generation, c.protocol, c.leader = "consumer", 3, "range", "m"
	c.add(&member{id: "m", instance: &instance, client: "c", host: "/h", rebalance: 60 * time.Second, session: 45 * time.Second, assignment: []byte{2},
		protocols: []kmsg.JoinGroupRequestProtocol{{Name: "range", Metadata: []byte{1}}}}, "consumer")
	full, _ := encodeGroup("g", c, 9, nil)
	none, _ := encodeGroup("g", newClassic(), 9, nil)
	for _, c := range []struct {
		name string
		got  []byte
		want string
	}{
		{"OffsetCommitKey 1: group, topic, partition", encodeOffsetKey("g", offsetKey{"top", 5}), "0001 0001 67 0003 746f70 00000005"},
		{"OffsetCommitValue 4: offset, leader epoch, metadata, commit timestamp, tags (none)", encodeOffset(offset{at: 41, epoch: 7, metadata: "m", commit: 9, expire: -1}),
			"0004 0000000000000029 00000007 02 6d 0000000000000009 00"},
		{"OffsetCommitValue 4: offset, leader epoch, metadata, commit timestamp, tags (0: topic id; 1000: ours, a version of the topics)",
			encodeOffset(offset{at: 41, epoch: 7, metadata: "m", commit: 9, expire: -1, topic: [16]byte{15: 5}, seen: 6}),
			"0004 0000000000000029 00000007 02 6d 0000000000000009 02 00 10 00000000000000000000000000000005 e807 08 0000000000000006"},
		{"OffsetCommitValue 1: offset, metadata, commit timestamp, expire timestamp", encodeOffset(offset{at: 41, epoch: -1, commit: 9, expire: 10}),
			"0001 0000000000000029 0000 0000000000000009 000000000000000a"},
		{"GroupMetadataKey 2: group", full.Key, "0002 0001 67"},
		{"GroupMetadataValue 3: type, generation, protocol, leader, time, members (id, instance, client, host, rebalance, session, subscription, assignment)", full.Value,
			"0003 0008 636f6e73756d6572 00000003 0005 72616e6765 0001 6d 0000000000000009 00000001" +
				" 0001 6d 0001 69 0001 63 0002 2f68 0000ea60 0000afc8 00000001 01 00000001 02"},
		{"GroupMetadataValue 3 of nobody", none.Value, "0003 0000 00000000 ffff ffff 0000000000000009 00000000"},
	} {
		if want := strings.ReplaceAll(c.want, " ", ""); hex.EncodeToString(c.got) != want {
			t.Errorf("%s:\n got %x\nwant %s", c.name, c.got, want)
		}
	}
}

// Values of all versions that a Kafka broker may have written are read.
func TestOldOffsets(t *testing.T) {
	for _, c := range []struct {
		value string
		want  offset
	}{
		{"0000 0000000000000029 0001 6d 0000000000000009", offset{at: 41, epoch: -1, metadata: "m", commit: 9, expire: -1}},
		{"0001 0000000000000029 0001 6d 0000000000000009 000000000000000a", offset{at: 41, epoch: -1, metadata: "m", commit: 9, expire: 10}},
		{"0002 0000000000000029 0001 6d 0000000000000009", offset{at: 41, epoch: -1, metadata: "m", commit: 9, expire: -1}},
		{"0003 0000000000000029 00000007 0001 6d 0000000000000009", offset{at: 41, epoch: 7, metadata: "m", commit: 9, expire: -1}},
		{"0004 0000000000000029 00000007 02 6d 0000000000000009 01 00 10 00000000000000000000000000000005", offset{at: 41, epoch: 7, metadata: "m", commit: 9, expire: -1}}, // Kafka's own
		{"0004 0000000000000029 00000007 02 6d 0000000000000009 00", offset{at: 41, epoch: 7, metadata: "m", commit: 9, expire: -1}},
	} {
		raw, err := hex.DecodeString(strings.ReplaceAll(c.value, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := decodeOffset(raw); err != nil || got != c.want {
			t.Errorf("%s: %+v, %v", c.value, got, err)
		}
	}
	if _, err := decodeOffset([]byte{0, 9, 0}); err == nil {
		t.Error("a value of version 9 is read")
	}
}

// A batch's bytes: header as in its drawing, then each record. Don't change.
func TestBatchGolden(t *testing.T) {
	got := hex.EncodeToString(AppendBatch(nil, 9, []Record{{[]byte("k"), []byte("v")}, {[]byte("k"), nil}}))
	want := strings.ReplaceAll("0000000000000000 00000042 00000000 02 CRC 0000 00000001 0000000000000009 0000000000000009 ffffffffffffffff ffff ffffffff 00000002"+
		" 10 00 00 00 02 6b 02 76 00  0e 00 00 02 02 6b 01 00", " ", "")
	if want = strings.Replace(want, "CRC", got[34:42], 1); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func TestBatchesThereAndBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.OneOf(rapid.Just([]byte(nil)), rapid.SliceOfN(rapid.Byte(), 0, 300))
		records := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Record {
			return Record{append([]byte{0}, rapid.SliceOf(rapid.Byte()).Draw(t, "key")...), value.Draw(t, "value")}
		}), 1, 200).Draw(t, "records")
		b := AppendBatch([]byte("before"), 9, records)[6:]
		back, err := ReadBatch(b)
		if err != nil || len(back) != len(records) {
			t.Fatalf("%d records became %d: %v", len(records), len(back), err)
		}
		for i, r := range records {
			if !bytes.Equal(r.Key, back[i].Key) || !bytes.Equal(r.Value, back[i].Value) || (r.Value == nil) != (back[i].Value == nil) {
				t.Fatalf("record %d: %x became %x", i, r, back[i])
			}
		}
		cut := b[:rapid.IntRange(0, len(b)-1).Draw(t, "cut")]
		if _, err := ReadBatch(cut); !errors.Is(err, ErrBadBatch) {
			t.Fatalf("cut to %d of %d: %v", len(cut), len(b), err)
		}
	})
}

// What is in the log, whoever wrote it, never stops a coordinator.
func FuzzReplay(f *testing.F) {
	full, _ := encodeGroup("g", newClassic(), 9, nil)
	f.Add(full.Key, full.Value)
	f.Add(encodeOffsetKey("g", offsetKey{"a", 1}), encodeOffset(offset{at: 1, expire: -1}))
	f.Add([]byte{0, 3, 0, 1, 'g'}, []byte{0, 0})
	f.Add([]byte{0, 2, 0x7f, 0xff}, []byte{0, 4, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, key, value []byte) {
		m := New(DefaultConfig(), nil)
		err := m.Replay(1, []Record{{key, value}})
		if err != nil && !errors.Is(err, ErrUnknownRecord) {
			t.Error(err)
		}
		var o Out
		m.Loaded(Now{}, &o)
		for _, g := range m.sorted() {
			if g.table.bytes < 0 || m.live != g.table.bytes {
				t.Errorf("%d bytes live, %d in the table", m.live, g.table.bytes)
			}
		}
	})
}

// Partitions as Java's String.hashCode has them: "g" is 103, "é" 233, "😀" the surrogates 0xd83d 0xde00; the last one hashes to
// the smallest int, whose absolute value Kafka takes for 0.
func TestPartitionFor(t *testing.T) {
	for group, want := range map[string]int32{"": 0, "g": 103 % 50, "group": 98629247 % 50, "é": 233 % 50, "😀": (0xd83d*31 + 0xde00) % 50, "polygenelubricants": 0} {
		if got := PartitionFor(group, 50); got != want {
			t.Errorf("%q: partition %d, expected %d", group, got, want)
		}
	}
}
