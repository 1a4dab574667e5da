package broker

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// drawCommand draws a command that fits m more often than not.
func drawCommand(t *rapid.T, m *Meta) Command {
	broker := rapid.Int32Range(0, 6).Draw(t, "broker")
	b := BrokerInfo{Incarnation: 1}
	if known := m.Broker(broker); known != nil {
		b = *known
	}
	name := rapid.SampledFrom([]string{"a", "b", "c", "a.x", "a_x", "d"}).Draw(t, "name")
	incarnation := rapid.Uint64Range(0, 40)
	switch rapid.IntRange(0, 13).Draw(t, "kind") {
	case 0:
		var brokers []FormBroker
		for range rapid.IntRange(1, 6).Draw(t, "brokers") {
			brokers = append(brokers, FormBroker{rapid.Int32Range(0, 6).Draw(t, "id"), incarnation.Draw(t, "inc")})
		}
		return Form{ClusterID: id(byte(rapid.IntRange(0, 2).Draw(t, "cluster"))), Brokers: brokers}
	case 1:
		return Register{Broker: broker, Incarnation: b.Incarnation, Host: rapid.SampledFrom([]string{"h", "", "é\xff"}).Draw(t, "host"), Port: 9092}
	case 2, 3:
		old := b.Incarnation
		if m.Broker(broker) == nil {
			old = 0
		}
		if rapid.IntRange(0, 4).Draw(t, "stale") == 0 {
			old = incarnation.Draw(t, "old")
		}
		return Replace{Broker: broker, Old: old, New: incarnation.Draw(t, "new")}
	case 4:
		group := rapid.Uint64Range(0, m.NextGroup).Draw(t, "group")
		if p := m.PlacementOf(group); p != nil && len(p.Removing) > 0 {
			return Removed{Group: group, Replica: rapid.SampledFrom(p.Removing).Draw(t, "replica").ID}
		}
		return Removed{Group: group, Replica: rapid.Uint64().Draw(t, "replica")}
	case 5:
		return DeleteTopic{Name: name}
	case 6:
		return DeleteTopic{ID: id(byte(rapid.IntRange(0, 9).Draw(t, "id")))}
	case 10:
		return Raise{Level: rapid.IntRange(0, commandVersion).Draw(t, "level")}
	case 13:
		change := rapid.Custom(func(t *rapid.T) ConfigChange {
			return ConfigChange{Name: rapid.SampledFrom([]string{configGroupSession, configGroupHeartbeat, "x"}).Draw(t, "config"),
				Op: rapid.SampledFrom([]ConfigOp{configSet, configSet, configDelete, configAppend}).Draw(t, "op"), Value: rapid.SampledFrom([]string{"1", " 2", "-1"}).Draw(t, "value")}
		})
		return AlterGroup{Name: name, Changes: rapid.SliceOfN(change, 0, 3).Draw(t, "changes")}
	case 11, 12:
		return AlterTopic{Name: name, Changes: rapid.SliceOfN(rapid.Custom(drawChange), 0, 3).Draw(t, "changes")}
	case 7:
		assignment := rapid.SliceOfN(rapid.SliceOfN(rapid.Int32Range(0, 6), 0, 3), 1, 3).Draw(t, "assignment")
		return CreateTopic{Name: name, ID: id(byte(rapid.IntRange(0, 9).Draw(t, "id"))), Partitions: -1, Replication: -1, Assignment: assignment}
	}
	return CreateTopic{Name: name, ID: id(byte(rapid.IntRange(0, 9).Draw(t, "id"))), Partitions: rapid.Int32Range(-1, 9).Draw(t, "partitions"),
		Replication: int16(rapid.IntRange(0, 4).Draw(t, "replication"))}
}

func drawChange(t *rapid.T) ConfigChange {
	return ConfigChange{Name: rapid.SampledFrom([]string{configRetentionTime, configSegmentTime, configCleanup, "x"}).Draw(t, "config"),
		Op: rapid.SampledFrom([]ConfigOp{configSet, configDelete, configAppend, configSubtract, "?"}).Draw(t, "op"), Value: rapid.SampledFrom([]string{"1", " 2", "delete", ""}).Draw(t, "value")}
}

// Whatever is applied, M1 to M8 hold, and what went out of use never comes back.
func TestMetaKeepsItsInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, twin := NewMeta(), NewMeta()
		if rapid.IntRange(0, 9).Draw(t, "formed") > 0 {
			c := EncodeCommand(Form{ClusterID: id(3), Brokers: []FormBroker{{1, 101}, {2, 102}, {3, 103}, {5, 105}}})
			m, _ = m.Apply(1, c)
			twin, _ = twin.Apply(1, c)
		}
		seen := seenIDs{groups: map[uint64]string{}, replicas: map[uint32]string{}, alive: map[uint64]bool{}}
		for range rapid.IntRange(1, 30).Draw(t, "commands") {
			index := m.Index + rapid.Uint64Range(1, 3).Draw(t, "entries")
			cmd := EncodeCommand(drawCommand(t, m))
			before := string(m.Encode())
			next, r := m.Apply(index, cmd)
			if string(m.Encode()) != before {
				t.Fatalf("invariant M6: %s changed published metadata", cmd)
			}
			if r.Code != errNone && !same(next, m.At(index)) {
				t.Fatalf("%s was refused (%v) and changed something", cmd, r)
			}
			if next.Level < m.Level {
				t.Fatalf("invariant M8: the level was %d, is %d after %s", m.Level, next.Level, cmd)
			}
			after := string(next.Encode())
			m.Apply(index, EncodeCommand(drawCommand(t, m))) // what could have been shares nothing with what is
			if string(next.Encode()) != after {
				t.Fatalf("invariant M6: another command on what was there before %s changed what came of it", cmd)
			}
			if err := next.check(); err != nil {
				t.Fatalf("after %s: %v", cmd, err)
			}
			back, err := DecodeMeta(next.Encode())
			if err != nil || !same(back, next) {
				t.Fatalf("after %s: %s reads back as %v, %v", cmd, next.Encode(), back, err)
			}
			if twin, _ = twin.Apply(index, cmd); string(twin.Encode()) != string(next.Encode()) {
				t.Fatalf("invariant M7: after %s one is %s, the other %s", cmd, next.Encode(), twin.Encode())
			}
			seen.check(t, next)
			if rapid.Bool().Draw(t, "restart") {
				next = back
			}
			m = next
		}
	})
}

// seenIDs remembers what every group and replica number was first given to.
type seenIDs struct {
	groups   map[uint64]string // topic id and partition
	replicas map[uint32]string // group and broker
	alive    map[uint64]bool   // groups of the metadata before
}

func (s *seenIDs) check(t *rapid.T, m *Meta) {
	alive := map[uint64]bool{}
	s.placement(t, &m.Group1)
	for _, topic := range m.Topics() {
		for n := range topic.Partitions {
			p := &topic.Partitions[n]
			owner := fmt.Sprint(topic.ID, n)
			if was, ok := s.groups[p.Group]; ok && (was != owner || !s.alive[p.Group]) {
				t.Fatalf("invariant M3: group %d was %s, is %s", p.Group, was, owner)
			}
			s.groups[p.Group], alive[p.Group] = owner, true
			s.placement(t, p)
			if found, k := m.PartitionOf(p.Group); found != topic || int(k) != n || m.PlacementOf(p.Group) != p {
				t.Fatalf("group %d of %s/%d isn't found", p.Group, topic.Name, n)
			}
		}
		if m.TopicByName(topic.Name) != topic || m.TopicByID(topic.ID) != topic {
			t.Fatalf("topic %s, %s isn't found", topic.Name, topic.ID)
		}
	}
	for group := range s.groups {
		if p := m.PlacementOf(group); !alive[group] && p != nil {
			t.Fatalf("group %d of a deleted topic is found: %v", group, p)
		}
	}
	s.alive = alive
}

func (s *seenIDs) placement(t *rapid.T, p *Placement) {
	for _, r := range append(append([]Replica(nil), p.Replicas...), p.Removing...) {
		owner := fmt.Sprint(p.Group, r.Broker, r.Incarnation)
		if was, ok := s.replicas[uint32(r.ID)]; ok && was != owner {
			t.Fatalf("invariant M4: replica number %d was %s, is %s", uint32(r.ID), was, owner)
		}
		s.replicas[uint32(r.ID)] = owner
	}
}

func spread(loads []load, of func(load) int) int {
	low, high := of(loads[0]), of(loads[0])
	for _, l := range loads {
		low, high = min(low, of(l)), max(high, of(l))
	}
	return high - low
}

// Replicas are within one of each other wherever only creation placed them, preferred leaders of topics of one replication
// factor are too; and no creation makes an uneven cluster more uneven.
func TestPlacementIsEven(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 9).Draw(t, "brokers")
		f := Form{ClusterID: id(1)}
		for i := range n {
			f.Brokers = append(f.Brokers, FormBroker{int32(i * 3), 1})
		}
		m, _ := NewMeta().Apply(1, EncodeCommand(f))
		replication, mixed := rapid.IntRange(1, n).Draw(t, "replication"), false
		deleted := false
		for i := range rapid.IntRange(1, 12).Draw(t, "topics") {
			before := m.loads()
			if rapid.IntRange(0, 3).Draw(t, "mix") == 0 {
				mixed, replication = true, rapid.IntRange(1, n).Draw(t, "replication")
			}
			partitions := rapid.Int32Range(1, 20).Draw(t, "partitions")
			var r Result
			m, r = m.Apply(m.Index+1, EncodeCommand(CreateTopic{Name: fmt.Sprint("t", i), ID: id(byte(i + 1)), Partitions: partitions, Replication: int16(replication)}))
			if r.Err() != nil || len(r.Topic.Partitions) != int(partitions) {
				t.Fatal(r)
			}
			replicas := func(l load) int { return l.replicas }
			firsts := func(l load) int { return l.firsts }
			if was, is := spread(before, replicas), spread(m.loads(), replicas); is > max(1, was) {
				t.Fatalf("replicas are %d apart, before the topic %d: %v", is, was, m.loads())
			}
			if is := spread(m.loads(), replicas); !deleted && is > 1 {
				t.Fatalf("replicas are %d apart: %v", is, m.loads())
			}
			if is := spread(m.loads(), firsts); !deleted && !mixed && is > 1 {
				t.Fatalf("leaders are %d apart: %v", is, m.loads())
			} else if !deleted && is > 2 {
				t.Fatalf("leaders of mixed topics are %d apart: %v", is, m.loads())
			}
			if rapid.IntRange(0, 5).Draw(t, "delete") == 0 {
				deleted = true
				m, _ = m.Apply(m.Index+1, EncodeCommand(DeleteTopic{Name: fmt.Sprint("t", rapid.IntRange(0, i).Draw(t, "which"))}))
			}
		}
	})
}
