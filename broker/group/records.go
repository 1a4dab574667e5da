package group

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Record is one record of __consumer_offsets; a nil value is a tombstone.
type Record struct{ Key, Value []byte }

func (r Record) size() int { return len(r.Key) + len(r.Value) }

// Kinds of records: what a key begins with, as two bytes (Kafka's group-coordinator messages, whose names these are). In
// the log, don't change.
const (
	kindOffsetOld                 = int16(0)  // OffsetCommitKey, before 0.8.3
	kindOffset                    = int16(1)  // OffsetCommitKey
	kindGroup                     = int16(2)  // GroupMetadataKey: a classic group
	kindConsumerGroup             = int16(3)  // ConsumerGroupMetadataKey, from here on KIP-848
	kindConsumerPartitions        = int16(4)  // ConsumerGroupPartitionMetadataKey
	kindConsumerMember            = int16(5)  // ConsumerGroupMemberMetadataKey
	kindConsumerTarget            = int16(6)  // ConsumerGroupTargetAssignmentMetadataKey
	kindConsumerTargetMember      = int16(7)  // ConsumerGroupTargetAssignmentMemberKey
	kindConsumerCurrent           = int16(8)  // ConsumerGroupCurrentMemberAssignmentKey
	kindConsumerRegularExpression = int16(16) // ConsumerGroupRegularExpressionKey
)

// ErrUnknownRecord is wrapped by what says that a record of __consumer_offsets can't be read.
var ErrUnknownRecord = errors.New("unknown record in __consumer_offsets")

// offsetKey names a partition in a group's table.
type offsetKey struct {
	topic     string
	partition int32
}

// offset is a committed offset with what was said with it.
type offset struct {
	at       int64
	epoch    int32 // leader epoch of the last record consumed, -1 if the client didn't say
	metadata string
	commit   int64 // ms
	expire   int64 // ms; -1: as the broker's retention has it

	topic [16]byte // the topic's id; zero if whoever wrote it didn't say
	seen  int64    // a version of [Topics] in which the topic was there; 0 if topic is zero
}

// Versions of values that are written: what Kafka 4.1 writes for these (GroupCoordinatorRecordHelpers), so that all of its
// tools read them.
//
// OffsetCommitValue has the topic's id from version 4 on. Kafka 4.1 leaves it zero, as its clients' requests don't say it (they do from
// OffsetCommit 10 on, in 4.2); here it is always said, with a tagged field of our own, which readers skip that don't know it. Together
// they tell whether the topic was deleted, whatever has its name now.
const (
	offsetVersion    = 4
	offsetSeenTag    = 1000 // int64: offset.seen
	offsetExpires    = 1    // the only one with a time to expire at
	groupVersion     = 3
	offsetKeyVersion = kindOffset
)

func encodeOffsetKey(group string, k offsetKey) []byte {
	key := kmsg.OffsetCommitKey{Version: offsetKeyVersion, Group: group, Topic: k.topic, Partition: k.partition}
	return key.AppendTo(nil)
}

func encodeOffset(o offset) []byte {
	v := kmsg.OffsetCommitValue{Version: offsetVersion, Offset: o.at, LeaderEpoch: o.epoch, Metadata: o.metadata, CommitTimestamp: o.commit, TopicID: o.topic}
	if o.topic != [16]byte{} {
		v.UnknownTags.Set(offsetSeenTag, binary.BigEndian.AppendUint64(nil, uint64(o.seen)))
	}
	if o.expire >= 0 {
		v.Version, v.ExpireTimestamp = offsetExpires, o.expire
	}
	return v.AppendTo(nil)
}

func decodeOffset(value []byte) (offset, error) {
	v := kmsg.NewOffsetCommitValue()
	if err := v.ReadFrom(value); err != nil {
		return offset{}, err
	}
	if v.Version < 0 || v.Version > 4 {
		return offset{}, fmt.Errorf("an offset of version %d, expected 0 to 4", v.Version)
	}
	o := offset{at: v.Offset, epoch: -1, metadata: v.Metadata, commit: v.CommitTimestamp, expire: -1}
	if v.Version >= 3 {
		o.epoch = v.LeaderEpoch
	}
	if v.Version == offsetExpires {
		o.expire = v.ExpireTimestamp
	}
	if v.Version >= 4 && v.TopicID != [16]byte{} {
		v.UnknownTags.Each(func(key uint32, value []byte) {
			if key == offsetSeenTag && len(value) == 8 {
				o.topic, o.seen = v.TopicID, int64(binary.BigEndian.Uint64(value))
			}
		})
	}
	return o, nil
}

func encodeGroupKey(group string) []byte {
	key := kmsg.GroupMetadataKey{Version: kindGroup, Group: group}
	return key.AppendTo(nil)
}

// keyOf reads what a key begins with: the kind and the group. Every kind has the group first; up to 2 as a string with two
// bytes of length, from 3 on too (their schemas aren't flexible).
func keyOf(key []byte) (kind int16, group string, err error) {
	if len(key) < 4 {
		return 0, "", fmt.Errorf("%w: a key of %d bytes", ErrUnknownRecord, len(key))
	}
	kind = int16(binary.BigEndian.Uint16(key))
	n := int(int16(binary.BigEndian.Uint16(key[2:])))
	if n < 0 || n > len(key)-4 {
		return 0, "", fmt.Errorf("%w: a key of kind %d and %d bytes with a group of %d", ErrUnknownRecord, kind, len(key), n)
	}
	return kind, string(key[4 : 4+n]), nil
}
