package group

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// consumerHeartbeat is ConsumerGroupHeartbeat: a member joins, says that it lives, what it wants and what it has, is told
// what to have, or leaves.
func (m *Machine) consumerHeartbeat(g *group, c Call, req *kmsg.ConsumerGroupHeartbeatRequest) {
	refuse := func(f fault) { m.answer(c.Ticket, refusedHeartbeat(req, f)) }
	if f := checkHeartbeat(req); f.code != None {
		refuse(f)
		return
	}
	if req.MemberEpoch < 0 {
		m.consumerLeave(g, c, req)
		return
	}
	if !m.hasRoom(g, req.MemberID, req.InstanceID) {
		refuse(faulty(GroupFull, "The consumer group has reached its maximum capacity of %d members.", m.cfg.ConsumerMaxSize))
		return
	}
	s, f := m.openConsumer(g, req.MemberEpoch == epochJoin)
	if f.code != None {
		refuse(f)
		return
	}
	old, id, f := s.find(req)
	if f.code == None {
		f = s.checkWishes(old, c, req)
	}
	if f.code != None {
		refuse(f)
		return
	}
	resp := s.heartbeat(old, id, c, req)
	s.finish(func(code int16) {
		if code != None {
			refuse(fault{code: code})
			return
		}
		m.keepConsumer(g, resp.id)
		m.answer(c.Ticket, resp.body)
	})
}

func refusedHeartbeat(req *kmsg.ConsumerGroupHeartbeatRequest, f fault) *kmsg.ConsumerGroupHeartbeatResponse {
	resp := kmsg.NewPtrConsumerGroupHeartbeatResponse()
	resp.Version, resp.ErrorCode = req.Version, f.code
	if f.message != "" {
		resp.ErrorMessage = &f.message
	}
	return resp
}

// find returns the member that a heartbeat is from, as it was, and its id: a new one, the one of this id, or the one that a
// static member replaces under its instance id. The last is renamed here, so that what it had goes on to the new one.
func (s *step) find(req *kmsg.ConsumerGroupHeartbeatRequest) (consumerMember, string, fault) {
	id, join := req.MemberID, req.MemberEpoch == epochJoin
	if id == "" {
		id = newMemberID(s.m.rng)
	}
	if req.InstanceID == nil {
		old, known := s.c.members[id]
		if !known && !join {
			return old, id, faulty(UnknownMember, "Member %s is not a member of group %s.", id, s.g.id)
		}
		return old, id, checkEpoch(old, req)
	}
	old, known := s.c.static(*req.InstanceID)
	switch {
	case !known && join:
		return s.c.members[id], id, fault{}
	case !known:
		return old, id, faulty(UnknownMember, "Instance id %s is unknown.", *req.InstanceID)
	case !join && old.id != id:
		return old, id, faulty(FencedInstance, "Static member %s with instance id %s was fenced by member %s.", id, *req.InstanceID, old.id)
	case join && old.classic == nil && old.id != id && old.epoch != epochStaticLeave:
		return old, id, faulty(UnreleasedInstance, "Static member %s with instance id %s cannot join the group because the instance id is owned by %s member.", id, *req.InstanceID, old.id)
	}
	return old, id, checkEpoch(old, req)
}

// newMemberID makes an id of 128 random bits, in base64 as Kafka's Uuid.
func newMemberID(rng *rand.Rand) string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], rng.Uint64())
	binary.BigEndian.PutUint64(b[8:], rng.Uint64())
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// wishes is a member with what a heartbeat says of it: what it leaves out stays.
func wishes(v memberValue, c Call, req *kmsg.ConsumerGroupHeartbeatRequest) memberValue {
	if req.InstanceID != nil {
		v.instance = req.InstanceID
	}
	if req.RackID != nil {
		v.rack = req.RackID
	}
	if req.RebalanceTimeoutMillis != -1 {
		v.rebalanceMs = req.RebalanceTimeoutMillis
	}
	if req.ServerAssignor != nil {
		v.assignor = req.ServerAssignor
	}
	if req.SubscribedTopicNames != nil {
		v.topics = slices.Clone(req.SubscribedTopicNames)
		slices.Sort(v.topics)
		v.topics = slices.Compact(v.topics)
	}
	if req.SubscribedTopicRegex != nil {
		v.regex = *req.SubscribedTopicRegex
	}
	v.client, v.host, v.classic = c.Client, c.Host, nil
	return v
}

// checkWishes refuses what can't be kept of a member: a bad regular expression, or too much.
func (s *step) checkWishes(old consumerMember, c Call, req *kmsg.ConsumerGroupHeartbeatRequest) fault {
	v := wishes(old.memberValue, c, req)
	if v.regex != "" && v.regex != old.regex {
		if _, known := s.c.regexes[v.regex]; !known && len(s.c.regexes) >= maxRegexes {
			return faulty(InvalidRegex, "The members of group %s have %d regular expressions, the most is %d.", s.g.id, len(s.c.regexes), maxRegexes)
		}
		if _, f := compileRegex(v.regex); f.code != None {
			return f
		}
	}
	if n := len(v.encode()); n > s.m.cfg.MemberBytes {
		return faulty(InvalidRequest, "What the member says of itself takes %d bytes, the most is %d.", n, s.m.cfg.MemberBytes)
	}
	return fault{}
}

// told is the answer to a heartbeat.
type told struct {
	id   string
	body *kmsg.ConsumerGroupHeartbeatResponse
}

// heartbeat does what a heartbeat that was let in asks for.
func (s *step) heartbeat(old consumerMember, id string, c Call, req *kmsg.ConsumerGroupHeartbeatRequest) told {
	was := old // as the client knows it
	if old.id != "" && old.id != id {
		old = s.replace(old, id)
	}
	v := wishes(old.memberValue, c, req)
	if old.id == "" || !bytes.Equal(v.encode(), old.encodeMember()) {
		s.put(kindConsumerMember, id, v.encode())
	}
	resubscribed := !slices.Equal(v.topics, old.topics) || v.regex != old.regex
	s.refresh(resubscribed || s.c.epoch == 0)
	s.retarget()
	s.reconcile(id, resubscribed, ownedOf(req), req.Topics != nil)

	now := s.c.members[id]
	resp := kmsg.NewPtrConsumerGroupHeartbeatResponse()
	resp.Version, resp.MemberID, resp.MemberEpoch = req.Version, &id, now.epoch
	resp.HeartbeatIntervalMillis = int32(s.m.heartbeatOf(s.g).Milliseconds())
	whole := req.RebalanceTimeoutMillis != -1 && (req.SubscribedTopicNames != nil || req.SubscribedTopicRegex != nil) && req.Topics != nil
	if whole || req.MemberEpoch == epochJoin || req.MemberEpoch != was.epoch || !now.assigned.equal(was.assigned) {
		resp.Assignment = &kmsg.ConsumerGroupHeartbeatResponseAssignment{Topics: heartbeatTopics(now.assigned)}
	}
	return told{id, resp}
}

func (m consumerMember) encodeMember() []byte { return m.memberValue.encode() }

func heartbeatTopics(s Set) []kmsg.ConsumerGroupHeartbeatResponseAssignmentTopic {
	topics := []kmsg.ConsumerGroupHeartbeatResponseAssignmentTopic{}
	for _, run := range s.topics() {
		t := kmsg.NewConsumerGroupHeartbeatResponseAssignmentTopic()
		t.TopicID, t.Partitions = run[0].Topic, run.numbers()
		topics = append(topics, t)
	}
	return topics
}

// replace gives what a static member has to who comes with its instance id, under another member id and at epoch 0.
func (s *step) replace(old consumerMember, id string) consumerMember {
	target := s.c.target[old.id]
	s.replaced = old.id
	s.put(kindConsumerCurrent, old.id, nil)
	s.put(kindConsumerTargetMember, old.id, nil)
	s.put(kindConsumerMember, old.id, nil)
	now := old
	now.id, now.epoch, now.before = id, 0, 0
	s.put(kindConsumerMember, id, now.encodeMember())
	s.put(kindConsumerTargetMember, id, encodeTarget(target))
	s.put(kindConsumerCurrent, id, now.currentValue.encode())
	return now
}

// refresh begins a new group epoch if the subscriptions have changed, or what topics there are for them.
func (s *step) refresh(changed bool) {
	t := s.m.topics
	if !changed && s.g.seen == t.Version() {
		return
	}
	s.g.seen = t.Version()
	if s.resolve() {
		changed = true
	}
	if hash := s.c.topicsHash(t); changed || hash != s.c.hash {
		s.put(kindConsumerGroup, "", epochValue{s.c.epoch + 1, hash}.encode())
	}
}

// resolve matches the group's regular expressions against the topics, and forgets those that no member has any more.
func (s *step) resolve() (changed bool) {
	wanted := map[string]bool{}
	for _, id := range s.c.ids {
		regex := s.c.members[id].regex
		if regex == "" || wanted[regex] {
			continue
		}
		wanted[regex] = true
		re, f := compileRegex(regex)
		if f.code != None {
			continue // by a newer broker's rules it is one
		}
		old, known := s.c.regexes[regex]
		if now := matching(re, s.m.topics.Names()); !known || !slices.Equal(now, old.topics) {
			s.put(kindConsumerRegularExpression, regex, regexValue{now, s.m.topics.Version(), s.m.now.Wall}.encode())
			changed = true
		}
	}
	for _, regex := range slices.Sorted(maps.Keys(s.c.regexes)) {
		if !wanted[regex] {
			s.put(kindConsumerRegularExpression, regex, nil)
		}
	}
	return changed
}

// retarget makes a new target, if the group has come to a new epoch.
func (s *step) retarget() {
	c := s.c
	if c.epoch <= c.targetEpoch {
		return
	}
	candidates := make([]candidate, len(c.ids))
	same := map[string][][16]byte{} // most members want the same
	for i, id := range c.ids {
		m := c.members[id]
		key := m.subscription()
		if _, ok := same[key]; !ok {
			same[key] = c.subscribed(m, s.m.topics)
		}
		candidates[i] = candidate{id: id, topics: same[key], had: c.target[id]}
		if m.instance != nil {
			candidates[i].instance = *m.instance
		}
	}
	assign, _ := assignorNamed(c.assignor())
	partitions := map[[16]byte]int32{}
	for _, name := range s.m.topics.Names() {
		if id, n, ok := s.m.topics.Topic(name); ok {
			partitions[id] = n
		}
	}
	target := assign(candidates, func(t [16]byte) int32 { return partitions[t] })
	for i, id := range c.ids {
		if old, known := c.target[id]; !known || !old.equal(target[i]) {
			s.put(kindConsumerTargetMember, id, encodeTarget(target[i]))
		}
	}
	s.put(kindConsumerTarget, "", epochValue{epoch: c.epoch}.encode())
}

// reconcile moves a member towards the target.
func (s *step) reconcile(id string, resubscribed bool, owned Set, said bool) {
	c, m := s.c, s.c.members[id]
	if m.state == memberStable && m.epoch == c.targetEpoch && !resubscribed {
		return
	}
	wanted := c.subscribed(m, s.m.topics)
	next := reconcile(m.currentValue, reconciling{
		target: c.target[id], epoch: c.targetEpoch, owned: owned, said: said, resubscribed: resubscribed,
		wanted: func(t [16]byte) bool { _, ok := slices.BinarySearchFunc(wanted, t, compareTopics); return ok },
		free:   func(p Part) bool { _, taken := c.owners[p]; return !taken },
	})
	if !next.equal(m.currentValue) {
		s.put(kindConsumerCurrent, id, next.encode())
	}
}
