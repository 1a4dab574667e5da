package group

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// table is what the records of one group say: for each key its last value.
type table struct {
	offsets map[offsetKey]offset
	others  map[string][]byte // by key, as encoded: all but offsets
	bytes   int               // of keys and values, as encoded
}

func newTable() table { return table{offsets: map[offsetKey]offset{}, others: map[string][]byte{}} }

func (t *table) empty() bool { return len(t.offsets) == 0 && len(t.others) == 0 }

// apply puts a committed record into its group's table.
func (m *Machine) apply(r Record) error {
	m.total += r.size()
	kind, id, err := keyOf(r.Key)
	if err != nil {
		return err
	}
	g := m.groupOf(id)
	before := g.table.bytes
	switch kind {
	case kindOffsetOld, kindOffset:
		err = g.table.setOffset(id, r)
	case kindGroup, kindConsumerGroup, kindConsumerPartitions, kindConsumerMember, kindConsumerTarget, kindConsumerTargetMember,
		kindConsumerCurrent, kindConsumerRegularExpression:
		g.table.setOther(r)
	default:
		err = fmt.Errorf("%w: kind %d", ErrUnknownRecord, kind)
	}
	m.live += g.table.bytes - before
	if !m.loaded && g.table.empty() {
		delete(m.groups, id) // a tombstone
	}
	return err
}

func (t *table) setOffset(group string, r Record) error {
	key := kmsg.NewOffsetCommitKey()
	if err := key.ReadFrom(r.Key); err != nil {
		return fmt.Errorf("%w: key of an offset of group %q: %w", ErrUnknownRecord, group, err)
	}
	k := offsetKey{key.Topic, key.Partition}
	var o offset
	if r.Value != nil {
		var err error
		if o, err = decodeOffset(r.Value); err != nil {
			return fmt.Errorf("%w: offset of group %q in %s/%d: %w", ErrUnknownRecord, group, k.topic, k.partition, err)
		}
	}
	if old, ok := t.offsets[k]; ok {
		t.bytes -= sizeOf(group, k, old)
		delete(t.offsets, k)
	}
	if r.Value != nil {
		t.offsets[k] = o
		t.bytes += sizeOf(group, k, o)
	}
	return nil
}

// sizeOf is the size of an offset's record as it is written today.
func sizeOf(group string, k offsetKey, o offset) int {
	return len(encodeOffsetKey(group, k)) + len(encodeOffset(o))
}

func (t *table) setOther(r Record) {
	if old, ok := t.others[string(r.Key)]; ok {
		t.bytes -= len(r.Key) + len(old)
		delete(t.others, string(r.Key))
	}
	if r.Value != nil {
		t.others[string(r.Key)] = bytes.Clone(r.Value) // or it would hold the whole batch
		t.bytes += len(r.Key) + len(r.Value)
	}
}

// partitions are the keys of the offsets, in order.
func (t *table) partitions() []offsetKey {
	keys := make([]offsetKey, 0, len(t.offsets))
	for k := range t.offsets {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b offsetKey) int {
		return cmp.Or(cmp.Compare(a.topic, b.topic), cmp.Compare(a.partition, b.partition))
	})
	return keys
}

// records is the whole table as records, in the order of keys.
func (t *table) records(group string) []Record {
	out := make([]Record, 0, len(t.others)+len(t.offsets))
	for _, k := range t.keys() {
		out = append(out, Record{[]byte(k), t.others[k]})
	}
	for _, k := range t.partitions() {
		out = append(out, Record{encodeOffsetKey(group, k), encodeOffset(t.offsets[k])})
	}
	return out
}

// keys are those of all but offsets, in order.
func (t *table) keys() []string {
	keys := make([]string, 0, len(t.others))
	for k := range t.others {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// sorted are the groups, by name.
func (m *Machine) sorted() []*group {
	ids := make([]string, 0, len(m.groups))
	for id := range m.groups {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	out := make([]*group, len(ids))
	for i, id := range ids {
		out[i] = m.groups[id]
	}
	return out
}
