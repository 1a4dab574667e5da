package broker

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// ErrBadMeta is wrapped when bytes are no encoded metadata that this version can have written.
var ErrBadMeta = errors.New("bad cluster metadata")

// metaDoc is the encoding of a Meta: JSON without spaces, fields in this order, lists in the order of M1 and M2. Its version
// is the metadata's Level, so that a broker which understands less doesn't read it. On disk, don't change without a way to
// read the older.
type metaDoc struct {
	Version      int          `json:"v"`
	Index        uint64       `json:"index"`
	ClusterID    UUID         `json:"cluster"`
	NextGroup    uint64       `json:"nextGroup"`
	NextReplica  uint32       `json:"nextReplica"`
	NextProducer int64        `json:"nextProducer,omitempty"`
	Brokers      []BrokerInfo `json:"brokers,omitempty"`
	Group1       *Placement   `json:"meta,omitempty"`
	Topics       []*Topic     `json:"topics,omitempty"`

	Groups []GroupConfig `json:"groups,omitempty"` // from version 4 on
}

// MarshalJSON writes a replica as [id, incarnation], or [id, incarnation, 1] if it joined; the broker is in the id.
func (r Replica) MarshalJSON() ([]byte, error) {
	if r.Joined {
		return json.Marshal([3]uint64{r.ID, r.Incarnation, 1})
	}
	return json.Marshal([2]uint64{r.ID, r.Incarnation})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (r *Replica) UnmarshalJSON(b []byte) error {
	var n []uint64
	if err := json.Unmarshal(b, &n); err != nil {
		return err
	}
	if len(n) != 2 && (len(n) != 3 || n[2] != 1) {
		return fmt.Errorf("replica is %v, expected its id, its broker's incarnation, and 1 if it joined", n)
	}
	*r = Replica{Broker: brokerOf(n[0]), ID: n[0], Incarnation: n[1], Joined: len(n) == 3}
	return nil
}

// brokerOf returns the broker that a raft id belongs to.
func brokerOf(replica uint64) int32 { return int32(replica >> 32) }

func replicaID(broker int32, number uint32) uint64 { return uint64(broker)<<32 | uint64(number) }

// Encode returns the metadata as bytes for a mark or a snapshot; equal metadata is equal bytes (M7).
func (m *Meta) Encode() []byte {
	doc := metaDoc{Version: m.Level, Index: m.Index, ClusterID: m.ClusterID, NextGroup: m.NextGroup, NextReplica: m.NextReplica, NextProducer: m.NextProducer,
		Brokers: m.Brokers, Topics: m.byName, Groups: m.groups}
	if m.Formed() {
		doc.Group1 = &m.Group1
	}
	return mustEncode(doc)
}

// mustEncode encodes a value of ours that has nothing that JSON lacks.
func mustEncode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("broker: %T doesn't encode: %v", v, err))
	}
	return b
}

// decodeStrict decodes one JSON value that has no field that v lacks, and nothing after it.
func decodeStrict(b []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("bytes after its end")
	}
	return nil
}

// DecodeMeta reads what [Meta.Encode] wrote and checks M1 to M5; its error wraps [ErrBadMeta].
func DecodeMeta(b []byte) (*Meta, error) {
	var doc metaDoc
	if err := decodeStrict(b, &doc); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadMeta, err)
	}
	if doc.Version < 1 || doc.Version > commandVersion {
		return nil, fmt.Errorf("%w: it is of version %d, this logd reads 1 to %d: use a newer one", ErrBadMeta, doc.Version, commandVersion)
	}
	m := &Meta{Index: doc.Index, Level: doc.Version, ClusterID: doc.ClusterID, NextGroup: doc.NextGroup, NextReplica: doc.NextReplica, NextProducer: doc.NextProducer, Brokers: doc.Brokers, groups: doc.Groups}
	if doc.Group1 != nil {
		m.Group1 = *doc.Group1
	}
	if err := m.index(doc.Topics); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadMeta, err)
	}
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadMeta, err)
	}
	if !bytes.Equal(m.Encode(), b) {
		return nil, fmt.Errorf("%w: it isn't written as it would be today", ErrBadMeta)
	}
	return m, nil
}

// index takes the topics, sorted by name, and sorts them by the other keys.
func (m *Meta) index(topics []*Topic) error {
	for _, t := range topics {
		if t == nil || len(t.Partitions) == 0 {
			return errors.New("a topic has no partitions")
		}
	}
	m.byName = topics
	m.byID = slices.SortedFunc(slices.Values(topics), func(a, b *Topic) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	m.byGroup = slices.SortedFunc(slices.Values(topics), func(a, b *Topic) int { return cmp.Compare(a.firstGroup(), b.firstGroup()) })
	return nil
}

// check tells which of M1 to M5 doesn't hold.
func (m *Meta) check() error {
	if !m.Formed() {
		if m.Brokers != nil || m.byName != nil || m.Group1.Group != 0 || m.NextGroup != firstGroup || m.NextReplica != 1 || m.NextProducer != 0 || m.Level != 1 || m.groups != nil {
			return errors.New("invariant M1: brokers or topics without a cluster id")
		}
		return nil
	}
	for i, b := range m.Brokers {
		if b.ID < 0 || b.Incarnation == 0 || i > 0 && m.Brokers[i-1].ID >= b.ID || slices.Contains(b.Retired, b.Incarnation) {
			return fmt.Errorf("invariant M1: broker %d, incarnation %d", b.ID, b.Incarnation)
		}
	}
	if m.NextProducer < 0 || m.NextProducer > 0 && m.Level < producersVersion {
		return fmt.Errorf("invariant M9: the next producer id is %d at level %d", m.NextProducer, m.Level)
	}
	if !m.checkGroupSettings() {
		return fmt.Errorf("invariant M10: %d groups with settings at level %d", len(m.groups), m.Level)
	}
	used := map[uint32]bool{}
	if m.Group1.Group != metaGroup {
		return fmt.Errorf("invariant M3: the metadata group is %d, expected %d", m.Group1.Group, metaGroup)
	}
	if err := m.checkPlacement(&m.Group1, used); err != nil {
		return err
	}
	for i, t := range m.byName {
		if i > 0 && m.byName[i-1].Name >= t.Name || checkTopicName(t.Name).is() {
			return fmt.Errorf("invariant M2: topic %.300q after %.300q", t.Name, m.byName[max(0, i-1)].Name)
		}
		normal, no := normalConfigs(t.Configs)
		if no.is() || !slices.Equal(normal, t.Configs) || configsSince(t.Configs) > m.Level {
			return fmt.Errorf("invariant M2: topic %s: %s", t.Name, no.message)
		}
		for n := range t.Partitions {
			if p := &t.Partitions[n]; p.Group != t.firstGroup()+uint64(n) || p.Group >= m.NextGroup || p.Group < firstGroup {
				return fmt.Errorf("invariant M3: %s/%d is group %d, its first is %d, the next %d", t.Name, n, p.Group, t.firstGroup(), m.NextGroup)
			}
			if err := m.checkPlacement(&t.Partitions[n], used); err != nil {
				return err
			}
		}
	}
	return m.checkIndexes()
}

func (m *Meta) checkIndexes() error {
	for i, t := range m.byID {
		if t.ID.IsZero() || i > 0 && m.byID[i-1].ID == t.ID {
			return fmt.Errorf("invariant M2: topic %s has id %s", t.Name, t.ID)
		}
	}
	next := firstGroup
	for _, t := range m.byGroup {
		if t.firstGroup() < next {
			return fmt.Errorf("invariant M3: topic %s begins at group %d, which another has", t.Name, t.firstGroup())
		}
		next = t.firstGroup() + uint64(len(t.Partitions))
	}
	return nil
}

func (m *Meta) checkPlacement(p *Placement, used map[uint32]bool) error {
	if len(p.Replicas) == 0 {
		return fmt.Errorf("invariant M5: group %d has no replicas", p.Group)
	}
	for i, r := range slices.Concat(p.Replicas, p.Removing) {
		number := uint32(r.ID)
		if b := m.Broker(r.Broker); b == nil || used[number] || number == 0 || number >= m.NextReplica {
			return fmt.Errorf("invariant M4: group %d has replica %d of broker %d, the next number is %d", p.Group, r.ID, r.Broker, m.NextReplica)
		} else if other, _ := p.On(r.Broker); i < len(p.Replicas) && (r.Incarnation != b.Incarnation || other != r) {
			return fmt.Errorf("invariant M5: group %d has replica %d of incarnation %d, broker %d is %d", p.Group, r.ID, r.Incarnation, r.Broker, b.Incarnation)
		}
		used[number] = true
	}
	return nil
}

// String is for log events.
func (m *Meta) String() string {
	return fmt.Sprintf("cluster %s, entry %d, %d brokers, %d topics, %d partitions", m.ClusterID, m.Index, len(m.Brokers), len(m.byName), m.partitions())
}

// String names a replica as broker:number.
func (r Replica) String() string { return fmt.Sprintf("%d:%d", r.Broker, uint32(r.ID)) }

// String lists a placement.
func (p Placement) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "group %d on %v", p.Group, p.Replicas)
	if len(p.Removing) > 0 {
		fmt.Fprintf(&s, " without %v", p.Removing)
	}
	return s.String()
}
