package e2e

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// peer is a member of a consumer group (KIP-848), which says what it has as clients do: when it changed.
type peer struct {
	*asker
	group, id string
	epoch     int32
	instance  *string
	has       []kmsg.ConsumerGroupHeartbeatRequestTopic
}

func (k *asker) peer(name, group string) *peer {
	p := &peer{asker: &asker{t: k.t, addr: k.addr, client: name, name: name, of: k}, group: group, id: name}
	if name[0] == 'i' {
		p.instance = &name
	}
	k.t.Cleanup(p.close)
	return p
}

// enter joins, subscribed to topics.
func (p *peer) enter(topics []string, changes ...func(*kmsg.ConsumerGroupHeartbeatRequest)) {
	r := memberOf(p.group, p.id, 0, topics...)
	p.epoch, p.has = 0, nil
	p.heartbeat(r, changes...)
}

// beat is a heartbeat of a member that has given up what it was to give up; says says so.
func (p *peer) beat(changes ...func(*kmsg.ConsumerGroupHeartbeatRequest)) {
	r := memberOf(p.group, p.id, p.epoch)
	r.RebalanceTimeoutMillis = -1
	p.heartbeat(r, changes...)
}

func (p *peer) heartbeat(r *kmsg.ConsumerGroupHeartbeatRequest, changes ...func(*kmsg.ConsumerGroupHeartbeatRequest)) {
	r.InstanceID = p.instance
	for _, change := range changes {
		change(r)
	}
	resp, ok := p.ask(1, r).(*kmsg.ConsumerGroupHeartbeatResponse)
	if !ok || resp.ErrorCode != 0 {
		return
	}
	p.epoch = resp.MemberEpoch
	if resp.Assignment == nil {
		return
	}
	p.has = []kmsg.ConsumerGroupHeartbeatRequestTopic{}
	for _, t := range resp.Assignment.Topics {
		p.has = append(p.has, kmsg.ConsumerGroupHeartbeatRequestTopic{TopicID: t.TopicID, Partitions: t.Partitions})
	}
}

// says has a heartbeat say what the member has.
func (p *peer) says(r *kmsg.ConsumerGroupHeartbeatRequest) { r.Topics = p.has }

func (p *peer) leave(epoch int32) {
	r := memberOf(p.group, p.id, epoch)
	r.Topics = nil
	p.heartbeat(r)
}

// settled beats quietly until a member has so many partitions, and says so.
func (p *peer) settled(partitions int) {
	p.t.Helper()
	p.quiet = true
	await(p.t, fmt.Sprintf("%s of %s to have %d partitions", p.name, p.group, partitions), func() (bool, string) {
		p.beat(p.says)
		n := 0
		for _, t := range p.has {
			n += len(t.Partitions)
		}
		return n == partitions, fmt.Sprint(p.has)
	})
	p.quiet = false
	p.say(fmt.Sprintf("has %d", partitions))
}

func (p *peer) commits(epoch int32, offset int64) {
	p.ask(9, commitOf(p.group, p.id, epoch, "t", 0, offset))
}

func (k *asker) shows(group string) {
	k.ask(1, describesConsumer(group))
	k.ask(6, describesGroup(group))
	k.lists(group)
}

func regexOf(s string) func(*kmsg.ConsumerGroupHeartbeatRequest) {
	return func(r *kmsg.ConsumerGroupHeartbeatRequest) { r.SubscribedTopicRegex = &s }
}

func assignorOf(s string) func(*kmsg.ConsumerGroupHeartbeatRequest) {
	return func(r *kmsg.ConsumerGroupHeartbeatRequest) { r.ServerAssignor = &s }
}

// made has a topic made, and waits until all who ask for it know it.
func (k *asker) made(topic string, partitions int32) {
	k.quiet = true
	k.ask(7, createOf(false, topicOf(topic, partitions)))
	await(k.t, topic, func() (bool, string) { return k.id(topic) != [16]byte{}, "not there" })
	k.quiet = false
	k.settle()
}

var consumerTalks = []question{
	{"consumer: two members, step by step", func(k *asker) {
		a, b := k.peer("a", "steps"), k.peer("b", "steps")
		a.enter([]string{"two"})
		a.beat(a.says)
		b.enter([]string{"two"})
		k.shows("steps")
		b.beat()
		a.commits(1, 5)
		a.commits(2, 6)
		b.commits(2, 7)
		a.beat()
		a.beat(func(r *kmsg.ConsumerGroupHeartbeatRequest) { // it hasn't given up anything yet
			r.Topics = []kmsg.ConsumerGroupHeartbeatRequestTopic{{TopicID: a.has[0].TopicID, Partitions: []int32{0, 1}}}
		})
		b.beat()
		a.beat(a.says)
		a.epoch = 1 // its answer was lost
		a.beat(a.says)
		a.epoch = 1
		a.beat()
		a.epoch = 2
		b.beat()
		b.beat(b.says)
		k.shows("steps")
		a.commits(1, 8)
		a.commits(2, 9)
		a.leave(-1)
		a.commits(2, 10)
		b.beat()
		k.ask(9, asksOffsets(allOf("steps")))
		k.ask(2, deletesGroup("steps"))
		b.leave(-1)
		k.shows("steps")
		k.ask(8, commitOf("steps", "", -1, "t", 0, 11))
		k.ask(8, commitOf("steps", "a", -1, "t", 0, 12))
		k.ask(9, commitOf("steps", "b", 3, "t", 0, 13))
		k.ask(9, asksOffsets(allOf("steps")))
		k.ask(0, forgets("steps", "t", 0))
		k.ask(2, deletesGroup("steps"))
		k.shows("steps")
	}},
	{"consumer: subscriptions change", func(k *asker) {
		a := k.peer("a", "wishes")
		a.enter([]string{"t"})
		a.beat(func(r *kmsg.ConsumerGroupHeartbeatRequest) { r.SubscribedTopicNames = []string{"t", "two", "t"} })
		k.ask(1, describesConsumer("wishes"))
		a.beat(a.says, func(r *kmsg.ConsumerGroupHeartbeatRequest) { r.SubscribedTopicNames = []string{"two", "nowhere"} })
		a.beat(a.says)
		a.beat(assignorOf("range"))
		k.ask(1, describesConsumer("wishes"))
		a.beat(func(r *kmsg.ConsumerGroupHeartbeatRequest) { rack := "r"; r.RackID = &rack })
		a.beat(func(r *kmsg.ConsumerGroupHeartbeatRequest) { r.RebalanceTimeoutMillis = 5000 })
		k.ask(1, describesConsumer("wishes"))
		a.beat(func(r *kmsg.ConsumerGroupHeartbeatRequest) { r.SubscribedTopicNames = []string{} })
		a.beat(func(r *kmsg.ConsumerGroupHeartbeatRequest) { r.Topics = []kmsg.ConsumerGroupHeartbeatRequestTopic{} })
		a.beat(assignorOf("nobody's"))
		a.beat(regexOf("("))                                 // while it is a member
		a.beat(func(r *kmsg.ConsumerGroupHeartbeatRequest) { // as clients say everything again
			r.RebalanceTimeoutMillis, r.SubscribedTopicNames, r.Topics = 10_000, []string{"t"}, a.has
		})
		k.ask(1, describesConsumer("wishes"))
	}},
	{"consumer: a member joins again behind its second epoch", func(k *asker) {
		a := k.peer("a", "rejoins")
		a.enter([]string{"t"})
		a.beat(func(r *kmsg.ConsumerGroupHeartbeatRequest) { r.SubscribedTopicNames = []string{"t", "two"} })
		a.enter([]string{"t"})
	}},
	{"consumer: topics come and go", func(k *asker) {
		a := k.peer("a", "topics")
		a.enter([]string{"later", "t"})
		k.made("later", 3)
		a.settled(4)
		k.ask(1, describesConsumer("topics"))
		k.quiet = true
		k.ask(5, deletesOf("later"))
		k.quiet = false
		a.settled(1)
		k.ask(1, describesConsumer("topics"))
	}},
	{"consumer: topics that match", func(k *asker) {
		a, b := k.peer("a", "match1"), k.peer("b", "match2")
		a.quiet, b.quiet = true, true
		a.enter(nil, regexOf("tw.|described"))
		a.settled(3)
		k.ask(0, forgets("match1", "two", 0))
		k.ask(0, forgets("match1", "t", 0))
		a.quiet = true
		a.beat(regexOf("(?i)OWN4[12]"), func(r *kmsg.ConsumerGroupHeartbeatRequest) { r.SubscribedTopicNames = []string{"t", "own42"} })
		a.settled(3)
		b.enter([]string{}, regexOf("wn42")) // whole names only
		b.settled(0)
		b.beat(regexOf("tw.)|(t"))
	}},
	{"consumer: no regular expression any more", func(k *asker) {
		a := k.peer("a", "match3")
		a.quiet = true
		a.enter(nil, regexOf("tw."))
		a.settled(2)
		a.epoch = max(a.epoch, 1)
		a.beat(regexOf(""))
		a.beat(a.says)
	}},
	{"consumer: a static member leaves for a while", func(k *asker) {
		a, b := k.peer("i1", "awhile"), k.peer("b", "awhile")
		a.enter([]string{"two"})
		a.leave(-2)
		k.shows("awhile")
		a.commits(1, 5)
		a.commits(-2, 6)
		b.enter([]string{"two"})
		b.beat() // nothing: the other one keeps its partitions
		a.id = "a2"
		a.enter([]string{"two"})
		k.ask(1, describesConsumer("awhile"))
		a.beat(a.says)
		b.beat()
		old := k.peer("i1", "awhile")
		old.epoch = 1
		old.beat()
		old.leave(-1)
		old.leave(-2)
		old.commits(1, 7)
		old.enter([]string{"two"})
		a.leave(-1)
		old.beat()
		b.beat()
	}},
	{"consumer: a static member comes back as it was", func(k *asker) {
		a := k.peer("i1", "back")
		a.enter([]string{"two"})
		a.leave(-2)
		a.enter([]string{"two"})
		a.leave(-2)
		a.enter([]string{"t"})
		a.beat(a.says)
		k.ask(1, describesConsumer("back"))
		a.leave(-2)
		a.epoch = 1
		a.beat()
	}},
	{"consumer: version 0 gives ids", func(k *asker) {
		r := memberOf("zero", "", 0, "t")
		if resp, ok := k.ask(0, r).(*kmsg.ConsumerGroupHeartbeatResponse); ok && resp.MemberID != nil {
			r = memberOf("zero", *resp.MemberID, 1)
			r.RebalanceTimeoutMillis = -1
			k.ask(0, r)
			k.ask(0, describesConsumer("zero"))
			k.ask(0, memberOf("zero", *resp.MemberID, -1))
		}
	}},
}

// A group of one protocol that a member of the other one joins (KIP-848's migration).
var migrationTalks = []question{
	{"migration: a classic group, a new member, and back", func(k *asker) {
		a, b := k.guest("a", "mig1", "two"), k.peer("b", "mig1")
		a.join(9)
		r := kmsg.NewPtrSyncGroupRequest()
		kind, protocol := "consumer", "range"
		r.Group, r.MemberID, r.Generation, r.ProtocolType, r.Protocol = a.group, a.id, a.generation, &kind, &protocol
		assigned := kmsg.NewConsumerMemberAssignment()
		assigned.Version, assigned.Topics = 1, []kmsg.ConsumerMemberAssignmentTopic{{Topic: "two", Partitions: []int32{0, 1}}}
		r.GroupAssignment = []kmsg.SyncGroupRequestGroupAssignment{{MemberID: a.id, MemberAssignment: assigned.AppendTo(nil)}}
		a.ask(5, r)
		a.commit(1, 5)
		b.enter([]string{"two"})
		k.shows("mig1")
		a.commit(1, 6)
		a.beat()
		meta := kmsg.NewConsumerMemberMetadata()
		meta.Version, meta.Topics = 1, []string{"two"}
		meta.OwnedPartitions = []kmsg.ConsumerMemberMetadataOwnedPartition{{Topic: "two", Partitions: []int32{0, 1}}}
		a.wants[0].Metadata = meta.AppendTo(nil)
		a.join(9)
		a.sync()
		a.beat()
		meta.OwnedPartitions[0].Partitions = []int32{0}
		a.wants[0].Metadata = meta.AppendTo(nil)
		a.join(9)
		a.sync()
		a.beat()
		b.beat()
		b.beat(b.says)
		k.ask(1, describesConsumer("mig1"))
		a.commit(2, 7)
		a.commit(1, 8)
		b.commits(2, 9)
		k.ask(9, asksOffsets(allOf("mig1")))
		b.leave(-1)
		k.ask(1, describesConsumer("mig1"))
		k.lists("mig1")
		a.beat()
		a.join(9)
		k.ask(6, describesGroup("mig1"))
	}},
	{"migration: a classic member of a consumer group", func(k *asker) {
		b, a := k.peer("b", "mig2"), k.guest("a", "mig2", "t")
		b.enter([]string{"two"})
		odd := a.request()
		odd.ProtocolType = "connect"
		k.ask(9, odd)
		odd = a.request()
		odd.Protocols = nil
		k.ask(9, odd)
		odd = a.request()
		odd.Protocols = []kmsg.JoinGroupRequestProtocol{{Name: "range", Metadata: []byte("m")}}
		k.ask(9, odd)
		odd = a.request()
		odd.SessionTimeoutMillis = 1
		k.ask(9, odd)
		odd = a.request()
		odd.MemberID = "nobody"
		k.ask(9, odd)
		odd.MemberID, odd.InstanceID = "nobody", new(string)
		k.ask(9, odd)
		a.join(9)
		a.sync()
		a.beat()
		a.commit(a.generation, 5)
		a.commit(a.generation-1, 6)
		k.ask(9, commitOf("mig2", a.id, a.generation, "t", 0, 7))
		a.ask(4, beatOf("mig2", a.id, 77))
		a.ask(4, beatOf("mig2", b.id, b.epoch))
		k.ask(5, syncOf("mig2", a.id, 77))
		k.ask(5, syncOf("mig2", b.id, b.epoch))
		other := syncOf("mig2", a.id, a.generation)
		protocol := "sticky"
		other.Protocol = &protocol
		k.ask(5, other)
		b.beat()
		k.shows("mig2")
		k.ask(5, leaveOf("mig2", b.id, "nobody", a.id))
		b.beat()
		k.ask(1, describesConsumer("mig2"))
	}},
	{"migration: static members", func(k *asker) {
		b, a := k.peer("b", "mig3"), k.guest("i1", "mig3", "t")
		b.enter([]string{"two"})
		a.join(9)
		a.sync()
		a2 := a.again()
		a2.join(9)
		a2.sync()
		a.everything()
		a2.beat()
		n := k.peer("i1", "mig3")
		n.enter([]string{"t"}) // as a member of the new protocol
		a2.beat()
		a2.commit(a2.generation, 4)
		n.beat(n.says)
		a3 := a2.again()
		a3.join(9) // and back
		n.beat()
		k.ask(1, describesConsumer("mig3"))
		r := leaveOf("mig3", "")
		r.Members[0].InstanceID = a3.instance
		k.ask(5, r)
		k.ask(1, describesConsumer("mig3"))
	}},
	{"migration: groups that can't be", func(k *asker) {
		r := joinOf("mig4", "", "p")
		r.ProtocolType = "connect"
		k.ask(3, r)
		k.peer("b", "mig4").enter([]string{"t"})
		m := k.joined("mig5") // its members' metadata can't be read
		k.peer("b", "mig5").enter([]string{"t"})
		k.ask(4, beatOf("mig5", m, 1))
		k.ask(8, commitOf("mig6", "", -1, "t", 0, 3))
		k.peer("b", "mig6").enter([]string{"t"}) // only offsets
		k.ask(8, commitOf("mig6", "", -1, "t", 0, 4))
		k.ask(9, asksOffsets(allOf("mig6")))
		k.shows("mig6")
	}},
	{"migration: empty groups", func(k *asker) {
		m := k.joined("mig7")
		k.ask(8, commitOf("mig7", m, 1, "t", 0, 5))
		k.left("mig7", m)
		b := k.peer("b", "mig7")
		b.enter([]string{"t"})
		k.ask(9, asksOffsets(allOf("mig7")))
		b.leave(-1)
		k.lists("mig7")
		k.ask(3, joinOf("mig7", "", "range"))
		k.until("mig7", "CompletingRebalance", 1)
		k.lists("mig7")
		k.ask(9, asksOffsets(allOf("mig7")))
	}},
}
