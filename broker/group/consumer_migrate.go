package group

import (
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// upgrade makes the step's group of a classic group of consumers, in one write: its members keep what they have, at its
// generation as group, target and member epoch, and are asked to join again (Kafka's ConsumerGroup.fromClassicGroup).
func (s *step) upgrade() fault {
	k := s.leaving
	switch {
	case !s.m.cfg.Upgrade || k.kind != consumerType || len(k.members) > s.m.cfg.ConsumerMaxSize:
		return faulty(NotFound, "Group %s is not a consumer group.", s.g.id)
	case k.generation < 0:
		return faulty(UnknownServer, "Group %s is at generation %d.", s.g.id, k.generation)
	}
	s.forgetClassic()
	protocol := k.protocol
	if protocol == "" {
		protocol = k.choose()
	}
	for _, b := range k.members {
		v, err := classicMember(b, protocol)
		if err != nil {
			return faulty(NotFound, "Cannot upgrade the classic group %s to consumer group because the embedded consumer protocol is malformed.", s.g.id)
		}
		s.put(kindConsumerMember, b.id, v.encode())
	}
	s.put(kindConsumerGroup, "", epochValue{epoch: k.generation}.encode())
	held, err := s.held()
	if err != nil {
		return faulty(NotFound, "Cannot upgrade the classic group %s to consumer group because the embedded consumer protocol is malformed.", s.g.id)
	}
	for _, b := range k.members {
		s.put(kindConsumerTargetMember, b.id, encodeTarget(held[b.id]))
		s.put(kindConsumerCurrent, b.id, currentValue{k.generation, k.generation, memberStable, held[b.id], nil}.encode())
	}
	s.put(kindConsumerTarget, "", epochValue{epoch: k.generation}.encode())
	return fault{}
}

// held is what each member of the classic group may be working on: what its generation gives it, and until it has asked for that what
// it had before, if nobody else has been given it. Nothing keeps a classic leader from giving a partition to two: the first has it (K2).
func (s *step) held() (map[string]Set, error) {
	parts, taken := map[string][]Part{}, map[Part]bool{}
	given := func(b *member) []byte { return b.assignment }
	had := func(b *member) []byte { return b.had }
	for _, of := range []func(*member) []byte{given, had} {
		for _, b := range s.leaving.members {
			has, err := readAssignment(of(b), s.m.topics)
			if err != nil {
				return nil, err
			}
			has = has.filter(func(p Part) bool { return !taken[p] })
			for _, p := range has {
				taken[p] = true
			}
			parts[b.id] = append(parts[b.id], has...)
		}
	}
	held := map[string]Set{}
	for _, b := range s.leaving.members {
		held[b.id] = makeSet(parts[b.id])
	}
	return held, nil
}

// classicMember is what is kept of a classic member in a consumer group.
func classicMember(b *member, protocol string) (memberValue, error) {
	raw, _ := b.metadata(protocol)
	sub, err := readSubscription(raw)
	if err != nil {
		return memberValue{}, err
	}
	v := memberValue{instance: b.instance, client: b.client, host: b.host, rebalanceMs: int32(b.rebalance.Milliseconds()),
		classic: &classicValue{sessionMs: int32(b.session.Milliseconds())}}
	v.subscribe(sub)
	for _, p := range b.protocols {
		v.classic.protocols = append(v.classic.protocols, classicProtocol{p.Name, p.Metadata})
	}
	return v, nil
}

// subscribe takes what a classic member's own protocol says.
func (v *memberValue) subscribe(sub kmsg.ConsumerMemberMetadata) {
	v.topics = slices.Clone(sub.Topics)
	slices.Sort(v.topics)
	v.topics = slices.Compact(v.topics)
	v.regex = ""
	if sub.Rack != nil && *sub.Rack != "" {
		v.rack = sub.Rack
	}
}

func readSubscription(raw []byte) (kmsg.ConsumerMemberMetadata, error) {
	sub := kmsg.NewConsumerMemberMetadata()
	err := sub.ReadFrom(raw)
	return sub, err
}

// readAssignment reads what a classic member was assigned, nothing if it is empty; topics that are gone are left out.
func readAssignment(raw []byte, topics Topics) (Set, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	a := kmsg.NewConsumerMemberAssignment()
	if err := a.ReadFrom(raw); err != nil {
		return nil, err
	}
	var parts []Part
	for _, t := range a.Topics {
		parts = appendNamed(parts, topics, t.Topic, t.Partitions)
	}
	return makeSet(parts), nil
}

// appendNamed appends those partitions of a topic that there are.
func appendNamed(parts []Part, topics Topics, name string, partitions []int32) []Part {
	id, n, ok := topics.Topic(name)
	for _, p := range partitions {
		if ok && p >= 0 && p < n {
			parts = append(parts, Part{id, p})
		}
	}
	return parts
}

// encodeAssignment is what a classic member is given, in the version that it joined with.
func encodeAssignment(s Set, version int16, topics Topics) []byte {
	a := kmsg.NewConsumerMemberAssignment()
	a.Version = version
	for _, run := range s.topics() {
		if name, ok := topics.Name(run[0].Topic); ok {
			a.Topics = append(a.Topics, kmsg.ConsumerMemberAssignmentTopic{Topic: name, Partitions: run.numbers()})
		}
	}
	return a.AppendTo(nil)
}

// protocolVersion is what the first of a classic member's protocols begins with.
func (v *classicValue) protocolVersion() int16 {
	if len(v.protocols) == 0 || len(v.protocols[0].metadata) < 2 {
		return 0
	}
	raw := v.protocols[0].metadata
	return int16(raw[0])<<8 | int16(raw[1])
}

// leaveClassic ends a classic group that goes on as a consumer group: who waits in it joins again.
func (m *Machine) leaveClassic(g *group, k *classic) {
	for _, b := range k.members {
		m.answerJoin(k, b, refusedJoin(b.id, RebalanceInProgress))
		m.answerSync(b, refusedSync(RebalanceInProgress))
		m.timers.Cancel(b.timer)
	}
	m.timers.Cancel(k.joinBy)
	m.timers.Cancel(k.syncBy)
	m.members -= len(k.members)
	m.forget(g)
}

// joinOther takes a JoinGroup to a consumer group. One without members becomes a classic group again.
func (m *Machine) joinOther(g *group, c Call, req *kmsg.JoinGroupRequest) {
	switch {
	case len(g.consumer.ids) > 0:
		m.joinConsumer(g, c, req)
		return
	case req.MemberID != "":
		m.answer(c.Ticket, refusedJoin(req.MemberID, UnknownMember))
		return
	}
	var records []Record
	for _, key := range g.table.keys() {
		records = append(records, Record{Key: []byte(key)})
	}
	m.writeOr(g, records, func(code int16) {
		if code != None {
			m.answer(c.Ticket, refusedJoin(req.MemberID, code))
			return
		}
		m.reloadConsumer(g)
		m.join(g, c, req)
	})
}

// mayDowngrade tells whether the group becomes a classic one when members go: the last that speak the consumer protocol.
func (m *Machine) mayDowngrade(g *group, leaving []string) bool {
	left, modern := 0, false
	for _, id := range g.consumer.ids {
		b := g.consumer.members[id]
		switch {
		case slices.Contains(leaving, id):
			modern = modern || b.classic == nil
		case b.classic == nil:
			return false
		default:
			left++
		}
	}
	return m.cfg.Downgrade && modern && left > 0 && left <= m.cfg.MaxSize
}

// downgrade makes a classic group of those who are left, in one write, and has them join again. Each keeps what it has, not
// what it was to have, as in Kafka: somebody else may not have given that back yet, and one who has it still would have it
// with another in one generation. The record names no leader, by which a coordinator that loads it knows that the members
// must join again (see [Machine.restore]).
func (m *Machine) downgrade(g *group, leaving []string, done func(code int16)) {
	k := newClassic()
	given := map[string][]byte{}
	for _, id := range g.consumer.ids {
		v := g.consumer.members[id]
		if slices.Contains(leaving, id) {
			continue
		}
		b := &member{id: id, instance: v.instance, client: v.client, host: v.host, rebalance: v.rebalanceTime(),
			session: time.Duration(v.classic.sessionMs) * time.Millisecond}
		for _, p := range v.classic.protocols {
			b.protocols = append(b.protocols, kmsg.JoinGroupRequestProtocol{Name: p.name, Metadata: p.metadata})
		}
		given[id] = encodeAssignment(v.assigned, v.classic.protocolVersion(), m.topics)
		k.add(b, consumerType)
	}
	k.kind, k.generation, k.protocol, k.leader = consumerType, g.consumer.epoch, k.choose(), ""
	r, code := encodeGroup(g.id, k, m.now.Wall, given)
	if code != None {
		done(code)
		return
	}
	var records []Record
	for _, key := range g.table.keys() {
		records = append(records, Record{Key: []byte(key)})
	}
	m.writeOr(g, append(records, r), func(code int16) {
		m.reloadConsumer(g)
		if code == None && g.classic == nil {
			panic(fmt.Sprintf("group %q: it was made a classic group, and isn't one", g.id))
		}
		done(code)
	})
}
