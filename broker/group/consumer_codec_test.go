package group

import (
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func ptr[T any](v T) *T { return &v }

var goldenTopic = [16]byte{0xaa, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 0xbb}

// The bytes are made by hand from Kafka 4.1's schemas (ConsumerGroup*Key.json, ConsumerGroup*Value.json) and the encoding
// rules of KIP-482: a compact length is one more than the length, 0 is null, each structure ends with its number of tags.
func TestConsumerRecordsGolden(t *testing.T) {
	const topic = "aa0102030405060708090a0b0c0d0ebb"
	key := func(kind int16, of string) []byte { return consumerKey{kind, "g", of}.encode() }
	cases := []struct {
		name, want string
		got        []byte
	}{
		{"epoch key", "0003 0001 67", key(3, "")},
		{"member key", "0005 0001 67 0002 6d31", key(5, "m1")},
		{"target key", "0006 0001 67", key(6, "")},
		{"target of a member key", "0007 0001 67 0002 6d31", key(7, "m1")},
		{"current key", "0008 0001 67 0002 6d31", key(8, "m1")},
		{"regular expression key", "0010 0001 67 0002 612a", key(16, "a*")},
		{"epoch", "0000 0000002a 00", epochValue{epoch: 42}.encode()},
		{"epoch with hash", "0000 0000002a 01 00 08 0102030405060708", epochValue{42, 0x0102030405060708}.encode()},
		{"member", "0000 00 00 02 63 02 68 02 02 74 01 000003e8 00 01 00 01 00",
			memberValue{client: "c", host: "h", topics: []string{"t"}, rebalanceMs: 1000}.encode()},
		{"classic member", "0000 02 69 02 72 02 63 02 68 01 03 612a ffffffff 06 72616e6765 01 00 0d 01 00001770 02 02 70 03 0102 00 00",
			memberValue{instance: ptr("i"), rack: ptr("r"), client: "c", host: "h", regex: "a*", rebalanceMs: -1, assignor: ptr("range"),
				classic: &classicValue{6000, []classicProtocol{{"p", []byte{1, 2}}}}}.encode()},
		{"target", "0000 02 " + topic + " 03 00000000 00000002 00 00", encodeTarget(Set{{goldenTopic, 0}, {goldenTopic, 2}})},
		{"nothing", "0000 01 00", encodeTarget(nil)},
		{"current", "0000 00000005 00000004 01 02 " + topic + " 02 00000001 00 02 " + topic + " 02 00000003 00 00",
			currentValue{5, 4, memberUnrevoked, Set{{goldenTopic, 1}}, Set{{goldenTopic, 3}}}.encode()},
		{"regular expression", "0000 03 02 61 02 62 0000000000000007 0000000000000009 00", regexValue{[]string{"a", "b"}, 7, 9}.encode()},
	}
	for _, c := range cases {
		if want := strings.ReplaceAll(c.want, " ", ""); hex.EncodeToString(c.got) != want {
			t.Errorf("%s:\ngot  %x\nwant %s", c.name, c.got, want)
		}
	}
}

func drawSet(t *rapid.T) Set {
	n := rapid.IntRange(0, 5).Draw(t, "partitions")
	var parts []Part
	for range n {
		parts = append(parts, Part{topicN(rapid.IntRange(0, 3).Draw(t, "topic")), rapid.Int32Range(0, 9).Draw(t, "partition")})
	}
	if n == 0 {
		return nil
	}
	return makeSet(parts)
}

func TestConsumerRecordsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		str := rapid.StringN(0, 20, 40)
		strs := rapid.SliceOfN(str, 1, 4)
		opt := rapid.Ptr(str, true)
		v := memberValue{instance: opt.Draw(t, "instance"), rack: opt.Draw(t, "rack"), client: str.Draw(t, "client"), host: str.Draw(t, "host"),
			topics: strs.Draw(t, "topics"), regex: str.Draw(t, "regex"), rebalanceMs: rapid.Int32().Draw(t, "ms"), assignor: opt.Draw(t, "assignor")}
		if rapid.Bool().Draw(t, "classic") {
			v.classic = &classicValue{rapid.Int32().Draw(t, "session"), []classicProtocol{{str.Draw(t, "protocol"), rapid.SliceOfN(rapid.Byte(), 1, 9).Draw(t, "metadata")}}}
		}
		if got, err := decodeMember(v.encode()); err != nil || !reflect.DeepEqual(got, v) {
			t.Fatalf("%v\ngot  %+v\nwant %+v", err, got, v)
		}
		w := currentValue{rapid.Int32().Draw(t, "epoch"), rapid.Int32().Draw(t, "before"), rapid.Int8Range(0, 2).Draw(t, "state"), drawSet(t), drawSet(t)}
		if got, err := decodeCurrent(w.encode()); err != nil || !got.equal(w) {
			t.Fatalf("%v\ngot  %+v\nwant %+v", err, got, w)
		}
		x := regexValue{strs.Draw(t, "names"), rapid.Int64().Draw(t, "version"), rapid.Int64().Draw(t, "time")}
		if got, err := decodeRegex(x.encode()); err != nil || !reflect.DeepEqual(got, x) {
			t.Fatalf("%v\ngot  %+v\nwant %+v", err, got, x)
		}
		y := epochValue{rapid.Int32().Draw(t, "group epoch"), rapid.Int64().Draw(t, "hash")}
		if got, err := decodeEpoch(y.encode()); err != nil || got != y {
			t.Fatalf("%v\ngot  %+v\nwant %+v", err, got, y)
		}
		k := consumerKey{rapid.SampledFrom([]int16{3, 4, 5, 6, 7, 8, 16}).Draw(t, "kind"), str.Draw(t, "group"), ""}
		if named(k.kind) {
			k.of = str.Draw(t, "of")
		}
		if got, err := decodeConsumerKey(k.encode()); err != nil || got != k {
			t.Fatalf("%v\ngot  %+v\nwant %+v", err, got, k)
		}
	})
}

// A value of a newer Kafka, with tags that we don't know, is read without them: KIP-1251's epochs of single partitions.
func TestConsumerRecordsWithUnknownTags(t *testing.T) {
	raw := "0000 00000005 00000004 00 02 aa0102030405060708090a0b0c0d0ebb 02 00000001 01 00 05 02 00000005 01 00"
	value, err := hex.DecodeString(strings.ReplaceAll(raw, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	got, err := decodeCurrent(value)
	if want := (currentValue{5, 4, memberStable, Set{{goldenTopic, 1}}, nil}); err != nil || !got.equal(want) {
		t.Fatalf("%v, got %+v, want %+v", err, got, want)
	}
}

func FuzzConsumerRecords(f *testing.F) {
	f.Add(consumerKey{kindConsumerMember, "g", "m"}.encode(), memberValue{classic: &classicValue{1, []classicProtocol{{"p", []byte{1}}}}}.encode())
	f.Add(consumerKey{kindConsumerCurrent, "g", "m"}.encode(), currentValue{assigned: Set{{goldenTopic, 1}}}.encode())
	f.Add(consumerKey{kindConsumerRegularExpression, "g", "r"}.encode(), regexValue{topics: []string{"a"}}.encode())
	f.Add(consumerKey{kindConsumerGroup, "g", ""}.encode(), epochValue{1, 1}.encode())
	f.Fuzz(func(t *testing.T, key, value []byte) {
		k, err := decodeConsumerKey(key)
		if err == nil {
			err = newConsumer(k.group).apply(k, value)
		}
		if err != nil && !errors.Is(err, ErrUnknownRecord) {
			t.Fatalf("%v isn't %v", err, ErrUnknownRecord)
		}
	})
}
