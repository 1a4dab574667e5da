package group

import (
	"encoding/binary"
	"fmt"

	"github.com/twmb/franz-go/pkg/kbin"
)

// Values of consumer groups in __consumer_offsets (Kafka 4.1's ConsumerGroup*.json); in the log, don't change. A key isn't
// flexible, a value is, and begins with its version, 0:
//
//	kind  key after the kind     value after the version; * is an array, [t] a tag, ? may be null
//	3     group                  epoch int32, [0] hash of the topics int64
//	4     group                  the topics, up to Kafka 4.0; since 4.1 there are only tombstones
//	5     group, member          instance?, rack?, client, host, topic*, regex?, rebalance ms int32, assignor?, [0] classic?
//	6     group                  epoch int32
//	7     group, member          (topic id, partition*)*
//	8     group, member          epoch int32, epoch before int32, state int8, (topic id, partition*)*, to give back likewise
//	16    group, regex           topic*, metadata version int64, time ms int64
const consumerValueVersion = int16(0)

// consumerKey is the key of a record of a consumer group; of is the member's id or the regular expression, "" if the kind
// has none.
type consumerKey struct {
	kind  int16
	group string
	of    string
}

// named says that the kind's key has a second string.
func named(kind int16) bool {
	return kind == kindConsumerMember || kind == kindConsumerTargetMember || kind == kindConsumerCurrent ||
		kind == kindConsumerRegularExpression
}

func (k consumerKey) encode() []byte {
	b := kbin.AppendString(kbin.AppendInt16(nil, k.kind), k.group)
	if named(k.kind) {
		b = kbin.AppendString(b, k.of)
	}
	return b
}

func decodeConsumerKey(key []byte) (consumerKey, error) {
	r := kbin.Reader{Src: key}
	k := consumerKey{kind: r.Int16(), group: r.String()}
	if named(k.kind) {
		k.of = r.String()
	}
	if err := r.Complete(); err != nil || len(r.Src) > 0 {
		return k, fmt.Errorf("key of kind %d, %d bytes: %w", k.kind, len(key), ErrUnknownRecord)
	}
	return k, nil
}

// epochValue is kinds 3 and 6; hash only of 3.
type epochValue struct {
	epoch int32
	hash  int64
}

func (v epochValue) encode() []byte {
	b := kbin.AppendInt32(kbin.AppendInt16(nil, consumerValueVersion), v.epoch)
	if v.hash == 0 {
		return append(b, 0)
	}
	b = append(b, 1, 0, 8) // one tag, 0, of 8 bytes
	return kbin.AppendInt64(b, v.hash)
}

func decodeEpoch(value []byte) (v epochValue, err error) {
	err = decodeValue(value, func(r *kbin.Reader) {
		v.epoch = r.Int32()
		readTags(r, func(tag uint32, body []byte) {
			if tag == 0 && len(body) == 8 {
				v.hash = int64(binary.BigEndian.Uint64(body))
			}
		})
	})
	return v, err
}

// memberValue is kind 5: who a member is and what it wants.
type memberValue struct {
	instance, rack *string
	client, host   string
	topics         []string // sorted, each once
	regex          string   // none if empty
	rebalanceMs    int32
	assignor       *string
	classic        *classicValue // of a member that speaks the classic protocol
}

// classicValue is what a classic member said when it joined; the first protocol is the one that it is served with.
type classicValue struct {
	sessionMs int32
	protocols []classicProtocol
}

type classicProtocol struct {
	name     string
	metadata []byte
}

func (v memberValue) encode() []byte {
	b := kbin.AppendInt16(nil, consumerValueVersion)
	b = kbin.AppendCompactNullableString(b, v.instance)
	b = kbin.AppendCompactNullableString(b, v.rack)
	b = kbin.AppendCompactString(kbin.AppendCompactString(b, v.client), v.host)
	b = appendStrings(b, v.topics)
	b = kbin.AppendCompactNullableString(b, &v.regex)
	b = kbin.AppendInt32(b, v.rebalanceMs)
	b = kbin.AppendCompactNullableString(b, v.assignor)
	if v.classic == nil {
		return append(b, 1, 0, 1, 0) // null: a reader of Kafka's takes it for a classic member without protocols if it is left out
	}
	tag := kbin.AppendInt32([]byte{1}, v.classic.sessionMs) // 1: not null
	tag = kbin.AppendCompactArrayLen(tag, len(v.classic.protocols))
	for _, p := range v.classic.protocols {
		tag = append(kbin.AppendCompactBytes(kbin.AppendCompactString(tag, p.name), p.metadata), 0)
	}
	tag = append(tag, 0)
	b = append(b, 1, 0)
	return append(kbin.AppendUvarint(b, uint32(len(tag))), tag...)
}

func decodeMember(value []byte) (v memberValue, err error) {
	bad := false
	err = decodeValue(value, func(r *kbin.Reader) {
		v.instance, v.rack = r.CompactNullableString(), r.CompactNullableString()
		v.client, v.host = r.CompactString(), r.CompactString()
		v.topics = readStrings(r)
		if regex := r.CompactNullableString(); regex != nil {
			v.regex = *regex
		}
		v.rebalanceMs = r.Int32()
		v.assignor = r.CompactNullableString()
		readTags(r, func(tag uint32, body []byte) {
			if tag == 0 && len(body) > 0 && body[0] == 1 {
				var ok bool
				v.classic, ok = decodeClassic(body[1:])
				bad = bad || !ok
			}
		})
	})
	if err == nil && bad {
		err = fmt.Errorf("classic member's protocols: %w", ErrUnknownRecord)
	}
	return v, err
}

func decodeClassic(body []byte) (*classicValue, bool) {
	r := &kbin.Reader{Src: body}
	v := &classicValue{sessionMs: r.Int32()}
	for n := r.CompactArrayLen(); n > 0 && r.Ok(); n-- {
		v.protocols = append(v.protocols, classicProtocol{r.CompactString(), r.CompactBytes()})
		readTags(r, nil)
	}
	readTags(r, nil)
	return v, r.Complete() == nil && len(r.Src) == 0
}

// encodeTarget is kind 7: what a member is to have at the target's epoch.
func encodeTarget(s Set) []byte {
	return append(appendSet(kbin.AppendInt16(nil, consumerValueVersion), s), 0)
}

func decodeTarget(value []byte) (s Set, err error) {
	err = decodeValue(value, func(r *kbin.Reader) {
		s = readSet(r)
		readTags(r, nil)
	})
	return s, err
}

// currentValue is kind 8: what a member has, and at which epoch.
type currentValue struct {
	epoch, before    int32 // before: a member whose last response was lost may still come with it
	state            int8
	assigned, revoke Set // revoke: taken from assigned, but not yet given back
}

func (v currentValue) encode() []byte {
	b := kbin.AppendInt16(nil, consumerValueVersion)
	b = kbin.AppendInt8(kbin.AppendInt32(kbin.AppendInt32(b, v.epoch), v.before), v.state)
	return append(appendSet(appendSet(b, v.assigned), v.revoke), 0)
}

func (v currentValue) equal(w currentValue) bool {
	return v.epoch == w.epoch && v.before == w.before && v.state == w.state && v.assigned.equal(w.assigned) && v.revoke.equal(w.revoke)
}

func decodeCurrent(value []byte) (v currentValue, err error) {
	err = decodeValue(value, func(r *kbin.Reader) {
		v.epoch, v.before, v.state = r.Int32(), r.Int32(), r.Int8()
		v.assigned, v.revoke = readSet(r), readSet(r)
		readTags(r, nil)
	})
	return v, err
}

// regexValue is kind 16: the topics that a regular expression stood for at a version of the metadata.
type regexValue struct {
	topics  []string // sorted
	version int64
	ms      int64
}

func (v regexValue) encode() []byte {
	b := appendStrings(kbin.AppendInt16(nil, consumerValueVersion), v.topics)
	return append(kbin.AppendInt64(kbin.AppendInt64(b, v.version), v.ms), 0)
}

func decodeRegex(value []byte) (v regexValue, err error) {
	err = decodeValue(value, func(r *kbin.Reader) {
		v.topics, v.version, v.ms = readStrings(r), r.Int64(), r.Int64()
		readTags(r, nil)
	})
	return v, err
}

// decodeValue reads a value of version 0 whole.
func decodeValue(value []byte, read func(*kbin.Reader)) error {
	r := &kbin.Reader{Src: value}
	format := r.Int16()
	if format != consumerValueVersion {
		return fmt.Errorf("value of version %d, want %d: %w", format, consumerValueVersion, ErrUnknownRecord)
	}
	read(r)
	if err := r.Complete(); err != nil || len(r.Src) > 0 {
		return fmt.Errorf("value of %d bytes, %d over: %w", len(value), len(r.Src), ErrUnknownRecord)
	}
	return nil
}

func readTags(r *kbin.Reader, known func(tag uint32, body []byte)) {
	for n := r.Uvarint(); n > 0 && r.Ok(); n-- {
		tag := r.Uvarint()
		body := r.Span(int(r.Uvarint()))
		if known != nil && r.Ok() {
			known(tag, body)
		}
	}
}

func appendStrings(b []byte, s []string) []byte {
	b = kbin.AppendCompactArrayLen(b, len(s))
	for _, v := range s {
		b = kbin.AppendCompactString(b, v)
	}
	return b
}

func readStrings(r *kbin.Reader) (s []string) {
	for n := r.CompactArrayLen(); n > 0 && r.Ok(); n-- {
		s = append(s, r.CompactString())
	}
	return s
}

func appendSet(b []byte, s Set) []byte {
	topics := s.topics()
	b = kbin.AppendCompactArrayLen(b, len(topics))
	for _, run := range topics {
		b = kbin.AppendUuid(b, run[0].Topic)
		b = kbin.AppendCompactArrayLen(b, len(run))
		for _, p := range run {
			b = kbin.AppendInt32(b, p.Part)
		}
		b = append(b, 0)
	}
	return b
}

func readSet(r *kbin.Reader) Set {
	var parts []Part
	for n := r.CompactArrayLen(); n > 0 && r.Ok(); n-- {
		topic := r.Uuid()
		for m := r.CompactArrayLen(); m > 0 && r.Ok(); m-- {
			parts = append(parts, Part{topic, r.Int32()})
		}
		readTags(r, nil)
	}
	return makeSet(parts)
}
