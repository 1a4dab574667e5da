package broker

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Bounds that the metadata group's members must agree on: they decide what a command does. Don't change without a new
// command version.
const (
	maxTopicPartitions = 2_000
	maxPartitions      = 20_000 // of all topics together
)

// Group numbers.
const (
	metaGroup  uint64 = 1 // the metadata group
	firstGroup uint64 = 2 // the first partition's
)

// Meta is the cluster's metadata: the state of group 1, a function of its log. A published Meta never changes (M6):
// [Meta.Apply] returns another, so that siblings may keep pointers.
//
//	M1  Brokers are sorted by id, each once; an incarnation that was replaced never comes back (S7).
//	M2  Topics are sorted by name, each name, id and config once and valid.
//	M3  Group numbers are given once: each below NextGroup, a topic's dense from its first, rising in order of creation.
//	M4  Replica numbers are given once, each below NextReplica; a replica's id is its broker and its number.
//	M5  A placement's Replicas are on different brokers, each under the incarnation on record; Removing ids are none of them.
//	M6  A published Meta never changes.
//	M7  Equal commands in equal order give equal encodings.
//	M9  Producer ids are given once: those given are below NextProducer, which never falls.
//	M10 Groups with settings are sorted by name, each name and setting once and valid; none below level 4.
//	M8  Level never falls. A command of a higher version is proposed only by a leader that has applied the Raise to it.
type Meta struct {
	Index       uint64 // of the last entry of group 1 that is in here
	Level       int    // the highest command version that every broker is known to understand
	ClusterID   UUID   // zero before the cluster formed
	Brokers     []BrokerInfo
	Group1      Placement // the metadata group's own
	NextGroup   uint64
	NextReplica uint32

	NextProducer int64 // the next producer id; 0 before the first were given

	groups  []GroupConfig // sorted by Name: groups with settings of their own
	byName  []*Topic      // sorted by Name
	byID    []*Topic      // sorted by ID
	byGroup []*Topic      // sorted by first group
}

// BrokerInfo is a broker of the cluster. Host is empty until it registered.
type BrokerInfo struct {
	ID          int32    `json:"id"`
	Incarnation uint64   `json:"inc"`
	Retired     []uint64 `json:"retired,omitempty"` // incarnations that were replaced, oldest first
	Generation  uint64   `json:"gen,omitempty"`     // the highest that registered: an older copy of its directory has a lower one (S7)
	Boot        uint64   `json:"boot,omitempty"`    // the process that did
	Host        string   `json:"host,omitempty"`
	Port        int32    `json:"port,omitempty"`
	Rack        string   `json:"rack,omitempty"`
}

// Topic is a topic, its partitions by number.
type Topic struct {
	Name       string        `json:"name"`
	ID         UUID          `json:"id"`
	Partitions []Placement   `json:"parts"`
	Configs    []TopicConfig `json:"configs,omitempty"` // sorted by name
}

// Placement is where a group's replicas are to be: its leader adds those of Replicas that its configuration lacks, and
// takes out those of Removing, which are reported by [Removed].
type Placement struct {
	Group    uint64    `json:"g"`
	Replicas []Replica `json:"r"` // the first is preferred as leader
	Removing []Replica `json:"gone,omitempty"`
}

// Replica is one replica of a group. Its id is its raft id: the broker in the upper half, a number never used before in
// the lower one.
type Replica struct {
	Broker      int32
	ID          uint64
	Incarnation uint64 // of the broker's directory (S7)
	Joined      bool   // it came after the group's creation: it begins with nothing, as a learner
}

// NewMeta returns the metadata before the cluster formed.
func NewMeta() *Meta { return &Meta{Level: 1, NextGroup: firstGroup, NextReplica: 1} }

// Formed tells whether there is a cluster.
func (m *Meta) Formed() bool { return !m.ClusterID.IsZero() }

// At returns m as of a later entry that holds no command (a leader's first, a configuration change).
func (m *Meta) At(index uint64) *Meta {
	if index <= m.Index {
		panic(fmt.Sprintf("broker: metadata entry %d applied at index %d, expected a later one", index, m.Index))
	}
	c := *m
	c.Index = index
	return &c
}

// Topics returns all topics, sorted by name; not to be changed.
func (m *Meta) Topics() []*Topic { return m.byName }

// TopicByName returns a topic, or nil.
func (m *Meta) TopicByName(name string) *Topic {
	if i, ok := findName(m.byName, name); ok {
		return m.byName[i]
	}
	return nil
}

// TopicByID returns a topic, or nil.
func (m *Meta) TopicByID(id UUID) *Topic {
	if i, ok := findID(m.byID, id); ok {
		return m.byID[i]
	}
	return nil
}

// PartitionOf returns the topic and number of the partition that a group keeps; nil if none does (any more).
func (m *Meta) PartitionOf(group uint64) (*Topic, int32) {
	i, ok := findGroup(m.byGroup, group)
	if !ok && i == 0 {
		return nil, 0
	}
	if !ok {
		i--
	}
	t := m.byGroup[i]
	if n := group - t.firstGroup(); n < uint64(len(t.Partitions)) {
		return t, int32(n)
	}
	return nil, 0
}

// PlacementOf returns the placement of a group, the metadata group included; nil if there is no such group (any more).
func (m *Meta) PlacementOf(group uint64) *Placement {
	if group == metaGroup {
		if !m.Formed() {
			return nil
		}
		return &m.Group1
	}
	if t, n := m.PartitionOf(group); t != nil {
		return &t.Partitions[n]
	}
	return nil
}

// Partition returns the placement of a partition, or nil.
func (t *Topic) Partition(n int32) *Placement {
	if n < 0 || int(n) >= len(t.Partitions) {
		return nil
	}
	return &t.Partitions[n]
}

// Broker returns a broker, or nil.
func (m *Meta) Broker(id int32) *BrokerInfo {
	if i, ok := m.findBroker(id); ok {
		return &m.Brokers[i]
	}
	return nil
}

// retired reports whether an incarnation was replaced.
func (b *BrokerInfo) retired(incarnation uint64) bool { return slices.Contains(b.Retired, incarnation) }

// registered reports whether a broker's directory was ever of the cluster, by its own word.
func (m *Meta) registered(broker int32, incarnation uint64) bool {
	b := m.Broker(broker)
	return b != nil && b.Incarnation == incarnation && b.Generation > 0
}

func (m *Meta) findBroker(id int32) (int, bool) {
	return slices.BinarySearchFunc(m.Brokers, id, func(b BrokerInfo, id int32) int { return cmp.Compare(b.ID, id) })
}

// On returns the replica that a broker is to have, if any.
func (p *Placement) On(broker int32) (Replica, bool) {
	for _, r := range p.Replicas {
		if r.Broker == broker {
			return r, true
		}
	}
	return Replica{}, false
}

// on tells whether a broker has a replica of any partition.
func (t *Topic) on(broker int32) bool {
	return slices.ContainsFunc(t.Partitions, func(p Placement) bool {
		_, on := p.On(broker)
		return on
	})
}

func (t *Topic) firstGroup() uint64 { return t.Partitions[0].Group }

func (m *Meta) partitions() int {
	n := 0
	for _, t := range m.byName {
		n += len(t.Partitions)
	}
	return n
}

// with returns m with a topic more; without returns it with one less. Both leave m as it is (M6).
func (m *Meta) with(t *Topic) *Meta {
	c := *m
	i, haveName := findName(m.byName, t.Name)
	j, haveID := findID(m.byID, t.ID)
	k, haveGroup := findGroup(m.byGroup, t.firstGroup())
	if haveName || haveID || haveGroup {
		panic(fmt.Sprintf("invariant M2: topic %s, id %s, group %d added twice", t.Name, t.ID, t.firstGroup()))
	}
	c.byName, c.byID, c.byGroup = inserted(m.byName, i, t), inserted(m.byID, j, t), inserted(m.byGroup, k, t)
	return &c
}

func (m *Meta) without(t *Topic) *Meta {
	c := *m
	i, haveName := findName(m.byName, t.Name)
	j, haveID := findID(m.byID, t.ID)
	k, haveGroup := findGroup(m.byGroup, t.firstGroup())
	if !haveName || !haveID || !haveGroup {
		panic(fmt.Sprintf("invariant M2: topic %s, id %s, group %d isn't in every index", t.Name, t.ID, t.firstGroup()))
	}
	c.byName, c.byID, c.byGroup = removed(m.byName, i), removed(m.byID, j), removed(m.byGroup, k)
	return &c
}

// swap puts changed topics in the place of the ones with their names, ids and groups; m is not published yet.
func (m *Meta) swap(changed []*Topic) {
	m.byName, m.byID, m.byGroup = slices.Clone(m.byName), slices.Clone(m.byID), slices.Clone(m.byGroup)
	for _, t := range changed {
		i, haveName := findName(m.byName, t.Name)
		j, haveID := findID(m.byID, t.ID)
		k, haveGroup := findGroup(m.byGroup, t.firstGroup())
		if !haveName || !haveID || !haveGroup {
			panic(fmt.Sprintf("invariant M2: topic %s, id %s, group %d isn't in every index", t.Name, t.ID, t.firstGroup()))
		}
		m.byName[i], m.byID[j], m.byGroup[k] = t, t, t
	}
}

func findName(s []*Topic, name string) (int, bool) {
	return slices.BinarySearchFunc(s, name, func(t *Topic, name string) int { return strings.Compare(t.Name, name) })
}

func findID(s []*Topic, id UUID) (int, bool) {
	return slices.BinarySearchFunc(s, id, func(t *Topic, id UUID) int { return bytes.Compare(t.ID[:], id[:]) })
}

func findGroup(s []*Topic, group uint64) (int, bool) {
	return slices.BinarySearchFunc(s, group, func(t *Topic, g uint64) int { return cmp.Compare(t.firstGroup(), g) })
}

func inserted(s []*Topic, i int, t *Topic) []*Topic {
	out := make([]*Topic, 0, len(s)+1)
	return append(append(append(out, s[:i]...), t), s[i:]...)
}

func removed(s []*Topic, i int) []*Topic {
	out := make([]*Topic, 0, len(s)-1)
	return append(append(out, s[:i]...), s[i+1:]...)
}
