package group

import (
	"fmt"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"
)

// client is a consumer as KIP-848 has clients be: it owns what it was given, gives up first what is taken from it, and only
// then takes what is new; it says what it owns when that has changed.
type client struct {
	id       string
	instance *string
	names    []string
	regex    *string
	assignor *string
	alive    bool
	epoch    int32
	has      Set
	wants    Set    // what it was told to have
	ticket   Ticket // its heartbeat that isn't answered
	full     bool   // its next heartbeat says everything
	news     bool   // its next heartbeat says what it owns
	leaves   bool   // the one that is under way is its last
	out      bool   // it was refused: another process has its instance id, or the group is full
}

// cluster is a coordinator and its clients.
type cluster struct {
	*rig
	rt      *rapid.T
	clients []*client
	made    int
	epochs  map[string]int32 // of members, as they were told; to be gone back from never (K1)
}

const modelGroup = "g"

func (c *client) heartbeat() *kmsg.ConsumerGroupHeartbeatRequest {
	req := kmsg.NewPtrConsumerGroupHeartbeatRequest()
	req.Group, req.MemberID, req.MemberEpoch, req.InstanceID = modelGroup, c.id, c.epoch, c.instance
	if c.full || c.epoch == 0 {
		req.RebalanceTimeoutMillis = 30_000
		req.SubscribedTopicNames, req.SubscribedTopicRegex, req.ServerAssignor = append([]string{}, c.names...), c.regex, c.assignor
	}
	if c.full || c.epoch == 0 || c.news {
		req.Topics = []kmsg.ConsumerGroupHeartbeatRequestTopic{}
		for _, run := range c.has.topics() {
			t := kmsg.NewConsumerGroupHeartbeatRequestTopic()
			t.TopicID, t.Partitions = run[0].Topic, run.numbers()
			req.Topics = append(req.Topics, t)
		}
	}
	return req
}

func (k *cluster) send(c *client) {
	req := c.heartbeat()
	c.news = false
	if c.leaves {
		req.MemberEpoch = epochLeave
	}
	c.ticket = k.ask(modelGroup, 1, req)
	k.take()
}

// take has clients act on the answers that are there.
func (k *cluster) take() {
	for _, c := range k.clients {
		body, ok := k.answers[c.ticket]
		if c.ticket == 0 || !ok || !c.alive {
			continue
		}
		c.ticket = 0
		if c.leaves {
			c.alive, c.has = false, nil
			continue
		}
		k.told(c, body)
	}
	k.owned()
}

func (k *cluster) told(c *client, body any) {
	resp, ok := body.(*kmsg.ConsumerGroupHeartbeatResponse)
	if !ok {
		c.full = true // refused, says nothing
		return
	}
	c.out = false
	switch resp.ErrorCode {
	case None:
	case FencedMemberEpoch, UnknownMember, NotFound:
		c.epoch, c.has, c.wants, c.full = 0, nil, nil, true
		return
	case UnreleasedInstance, GroupFull:
		c.out = true
		return
	case FencedInstance:
		c.alive, c.has = false, nil
		return
	default:
		c.full = true
		return
	}
	if before := k.epochs[c.id]; resp.MemberEpoch < before {
		k.t.Fatalf("invariant K1: member %s goes from epoch %d to %d", c.id, before, resp.MemberEpoch)
	}
	k.epochs[c.id], c.epoch, c.full = resp.MemberEpoch, resp.MemberEpoch, false
	if resp.Assignment == nil {
		return
	}
	var parts []Part
	for _, t := range resp.Assignment.Topics {
		for _, p := range t.Partitions {
			parts = append(parts, Part{t.TopicID, p})
		}
	}
	c.wants = makeSet(parts)
	if c.has.within(c.wants) { // nothing to give up: what is new can be used at once
		c.news = c.news || !c.has.equal(c.wants)
		c.has = c.wants
	}
}

// giveUp is the end of a client's revocation.
func (c *client) giveUp() {
	if !c.has.equal(c.wants) {
		c.has, c.news = c.wants, true
	}
}

// owned asserts that no two clients that the coordinator counts as members own the same partition (K2).
func (k *cluster) owned() {
	k.t.Helper()
	owner := map[Part]string{}
	for _, c := range k.clients {
		if !c.alive || !k.member(c) {
			continue
		}
		for _, p := range c.has {
			if other, ok := owner[p]; ok {
				k.t.Fatalf("invariant K2: %s and %s both own partition %d of topic %x", other, c.id, p.Part, p.Topic[15])
			}
			owner[p] = c.id
		}
	}
}

// member tells whether the coordinator has a client as a member: one that it threw out is a zombie until it hears of it.
func (k *cluster) member(c *client) bool {
	g := k.m.groups[modelGroup]
	return g != nil && g.consumer != nil && c.epoch > 0 && g.consumer.has(c.id)
}

func (k *cluster) draw() *client {
	k.made++
	c := &client{id: fmt.Sprintf("c%02d", k.made), alive: true, full: true}
	switch rapid.IntRange(0, 4).Draw(k.rt, "kind") {
	case 0:
		c.instance = ptr(fmt.Sprintf("i%d", rapid.IntRange(0, 2).Draw(k.rt, "instance")))
	case 1:
		c.regex = ptr(rapid.SampledFrom([]string{"t[01]", "t.*", "none", "t0|t2"}).Draw(k.rt, "regex"))
	}
	if rapid.IntRange(0, 3).Draw(k.rt, "range") == 0 {
		c.assignor = ptr(assignorRange)
	}
	c.names = k.drawNames()
	k.clients = append(k.clients, c)
	return c
}

func (c *client) subscribes(topic string) bool {
	return slices.Contains(c.names, topic) || c.regex != nil && regexp.MustCompile("^("+*c.regex+")$").MatchString(topic)
}

func (k *cluster) drawNames() (names []string) {
	for i := range 3 {
		if rapid.Bool().Draw(k.rt, "topic") {
			names = append(names, topicName(i))
		}
	}
	return names
}

func (k *cluster) alive() []*client {
	return slices.DeleteFunc(slices.Clone(k.clients), func(c *client) bool { return !c.alive })
}

// evenly draws below n without rapid's taste for small numbers.
func evenly(t *rapid.T, n int, label string) int {
	return int(rapid.Uint32().Draw(t, label) * 2654435761 >> 8 % uint32(n))
}

// act does something that happens to a group.
func (k *cluster) act() {
	alive := k.alive()
	one := func() *client { return alive[rapid.IntRange(0, len(alive)-1).Draw(k.rt, "client")] }
	what := evenly(k.rt, 16, "act")
	if len(alive) == 0 && what >= 3 && what <= 12 {
		what = 0
	}
	switch what {
	case 0:
		if len(alive) < 5 {
			k.send(k.draw())
		}
	case 1, 2:
		if len(k.writes) > 0 {
			code := None
			if evenly(k.rt, 10, "fails") == 1 {
				code = NotAvailable
			}
			k.settle(code)
			k.take()
		}
	case 3, 4, 5, 6:
		if c := one(); c.ticket == 0 {
			k.send(c)
		}
	case 7, 8:
		one().giveUp()
	case 9: // its answer is lost, or the coordinator's connection
		c := one()
		if c.ticket != 0 {
			c.ticket, c.full, c.leaves = 0, true, false
		}
	case 10:
		if c := one(); c.ticket == 0 {
			c.leaves = true
			k.send(c)
		}
	case 11:
		c := one()
		if c.ticket == 0 {
			c.names, c.full = k.drawNames(), true
			c.wants = c.has.filter(func(p Part) bool { return c.subscribes(topicName(int(p.Topic[15]) - 1)) })
		}
	case 12:
		one().alive = rapid.Bool().Draw(k.rt, "lives") // or it dies
	case 13:
		k.failover()
	case 14:
		k.see(rapid.SliceOfN(rapid.Int32Range(-1, 4), 3, 3).Draw(k.rt, "partitions")...)
	case 15:
		k.pass(time.Duration(rapid.IntRange(1, 50).Draw(k.rt, "seconds")) * time.Second)
		k.take()
	}
	k.owned()
}

// failover begins a coordinator from the log. What was being written may be in it, in order.
func (k *cluster) failover() {
	for range rapid.IntRange(0, len(k.writes)).Draw(k.rt, "written") {
		k.log = append(k.log, k.writes[0].Records)
		k.end += int64(len(k.writes[0].Records))
		k.writes = k.writes[1:]
	}
	k.load()
	k.check()
	for _, c := range k.clients {
		if c.ticket != 0 {
			c.ticket, c.full, c.leaves = 0, true, false
		}
	}
}

// converge has all clients send heartbeats, and asserts that the group is stable after a bounded number of rounds: each
// round a member gets to give up what it must, or to take what others gave up.
func (k *cluster) converge() {
	for len(k.writes) > 0 {
		k.settle(None)
		k.take()
	}
	for _, c := range k.alive() {
		if c.leaves {
			c.leaves, c.full = false, true
		}
		c.ticket = 0
	}
	k.fenceDead()
	const rounds = 12
	for range rounds {
		for _, c := range k.alive() {
			c.giveUp()
			k.send(c)
			for len(k.writes) > 0 {
				k.settle(None)
			}
			k.take()
		}
	}
	k.stable()
}

// fenceDead lets the sessions of those end that are gone, while the others go on.
func (k *cluster) fenceDead() {
	for range 10 {
		k.pass(10 * time.Second)
		for _, c := range k.alive() {
			k.send(c)
			for len(k.writes) > 0 {
				k.settle(None)
			}
			k.take()
		}
	}
}

func (k *cluster) stable() {
	g := k.m.groups[modelGroup]
	var in []*client
	for _, c := range k.alive() {
		if c.out {
			continue
		}
		if !k.member(c) {
			k.t.Fatalf("%s isn't a member after all rounds, at epoch %d", c.id, c.epoch)
		}
		in = append(in, c)
	}
	if len(in) == 0 {
		return
	}
	if s := g.consumer.state(); s != stateStable {
		k.t.Fatalf("the group is %s after all rounds: %s", s, shown(g.consumer))
	}
	want := map[Part]bool{}
	for _, c := range in {
		for i, n := range k.topics.parts {
			if c.subscribes(topicName(i)) {
				for p := range n {
					want[Part{topicN(i), p}] = true
				}
			}
		}
	}
	n := 0
	for _, c := range in {
		if !c.has.equal(g.consumer.target[c.id]) {
			k.t.Fatalf("%s owns %v, and is to have %v", c.id, c.has, g.consumer.target[c.id])
		}
		for _, p := range c.has {
			if !want[p] {
				k.t.Fatalf("%s owns %v, which nobody is subscribed to", c.id, p)
			}
			n++
		}
	}
	if n != len(want) {
		k.t.Fatalf("%d partitions are owned of %d that are subscribed to: %s", n, len(want), shown(g.consumer))
	}
}

// Whatever happens to a group - members come, go, die, lose answers, change their minds; topics come and go; writes fail;
// coordinators are replaced - no partition is two members' at once, no epoch goes back, what is in memory is what the
// records say, and once it is quiet the group becomes stable with every partition owned.
func TestConsumerGroupModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := &cluster{rt: t, rig: newRig(t, 3, 1, 2), epochs: map[string]int32{}}
		for range 5 + evenly(t, 60, "acts") {
			k.act()
		}
		k.converge()
	})
}
