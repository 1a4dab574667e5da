package group

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// readKafkas reads records that Apache Kafka 4.1.0 wrote to __consumer_offsets while it was asked TestAnswers' questions: key and value in
// hexadecimal, a tombstone's value is "-"; of records that look alike, one.
func readKafkas(t *testing.T) (records []Record) {
	t.Helper()
	text, err := os.ReadFile("testdata/kafka-records.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		key, value, _ := strings.Cut(line, " ")
		r := Record{}
		if r.Key, err = hex.DecodeString(key); err != nil {
			t.Fatal(err)
		}
		if value != "-" {
			if r.Value, err = hex.DecodeString(value); err != nil {
				t.Fatal(err)
			}
		}
		records = append(records, r)
	}
	return records
}

// Kafka's own records are read, and what is read is written byte for byte as Kafka wrote it, so its tools read ours; only the topics of an
// assignment are in no order there.
func TestKafkasOwnRecords(t *testing.T) {
	kinds := map[string]int{}
	for _, r := range readKafkas(t) {
		kind, id, err := keyOf(r.Key)
		if err != nil {
			t.Fatal(err)
		}
		key, value, err := rewritten(kind, id, r)
		same := bytes.Equal(value, r.Value)
		if kind == kindConsumerTargetMember || kind == kindConsumerCurrent {
			same = slices.Equal(slices.Sorted(slices.Values(value)), slices.Sorted(slices.Values(r.Value)))
		}
		if err != nil || !bytes.Equal(key, r.Key) || !same || (value == nil) != (r.Value == nil) {
			t.Errorf("kind %d: %v\nKafka wrote %x %x\nwritten as  %x %x", kind, err, r.Key, r.Value, key, value)
		}
		kinds[fmt.Sprintf("kind %d, tombstone %t", kind, r.Value == nil)]++
	}
	for _, kind := range []int16{kindOffset, kindGroup, kindConsumerGroup, kindConsumerMember, kindConsumerTarget, kindConsumerTargetMember, kindConsumerCurrent,
		kindConsumerRegularExpression} {
		for _, gone := range []bool{false, true} {
			if name := fmt.Sprintf("kind %d, tombstone %t", kind, gone); kinds[name] == 0 {
				t.Errorf("no record of %s is there", name)
			}
		}
	}
}

// rewritten reads a record and writes it.
func rewritten(kind int16, id string, r Record) (key, value []byte, err error) {
	switch kind {
	case kindOffset:
		k := kmsg.NewOffsetCommitKey()
		if err := k.ReadFrom(r.Key); err != nil {
			return nil, nil, err
		}
		key = encodeOffsetKey(id, offsetKey{k.Topic, k.Partition})
	case kindGroup:
		key = encodeGroupKey(id)
	default:
		k, err := decodeConsumerKey(r.Key)
		if err != nil {
			return nil, nil, err
		}
		key = k.encode()
	}
	if r.Value == nil {
		return key, nil, nil
	}
	switch kind {
	case kindOffset:
		v, e := decodeOffset(r.Value)
		value, err = encodeOffset(v), e
	case kindGroup:
		v := kmsg.NewGroupMetadataValue()
		err = v.ReadFrom(r.Value)
		if v.Version != groupVersion {
			err = fmt.Errorf("version %d, %d is written here", v.Version, groupVersion)
		}
		value = v.AppendTo(nil)
	case kindConsumerGroup, kindConsumerTarget:
		v, e := decodeEpoch(r.Value)
		value, err = v.encode(), e
	case kindConsumerTargetMember:
		v, e := decodeTarget(r.Value)
		value, err = encodeTarget(v), e
	case kindConsumerMember:
		v, e := decodeMember(r.Value)
		value, err = v.encode(), e
	case kindConsumerCurrent:
		v, e := decodeCurrent(r.Value)
		value, err = v.encode(), e
	case kindConsumerRegularExpression:
		v, e := decodeRegex(r.Value)
		value, err = v.encode(), e
	default:
		err = ErrUnknownRecord
	}
	return key, value, err
}

// A coordinator that loads a log of Kafka's serves its groups.
func TestKafkasOwnLog(t *testing.T) {
	m := New(DefaultConfig(), rand.New(rand.NewPCG(1, 2)))
	for i, r := range readKafkas(t) {
		if err := m.Replay(int64(i+1), []Record{r}); err != nil {
			t.Error(err)
		}
	}
	var out Out
	m.Loaded(Now{Mono: 1, Wall: 1}, &out)
	if len(out.Notes) > 0 || len(m.list(List{Types: []string{typeClassic}})) == 0 {
		t.Errorf("%d groups are there, and it is said: %v", len(m.list(List{})), out.Notes)
	}
}
