package group

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/broker/deadline"
)

// state is where a classic group is; a group that isn't there is Dead.
//
//	Empty ─join─► Preparing ─all have joined, or time is up─► Completing ─leader's assignment is committed─► Stable
//	  ▲               │  ▲                                        │                                            │
//	  └── none is left┘  └──────────── a member joins, leaves, fails, or the leader joins again ───────────────┘
type state uint8

const (
	empty state = iota
	preparing
	completing
	stable
)

func (s state) String() string {
	return [...]string{"Empty", "PreparingRebalance", "CompletingRebalance", "Stable"}[s]
}

// stateDead is what Kafka calls the state of a group that isn't there.
const stateDead = "Dead"

// consumerType is the protocol type of consumers, whose metadata brokers read.
const consumerType = "consumer"

// classic is a group whose members agree on an assignment among themselves (Kafka's ClassicGroup).
type classic struct {
	state      state
	previous   state
	since      int64 // ms, when it came to this state; -1: nobody knows
	generation int32
	assigned   int32     // the last generation whose assignment was given out; at most generation (C4)
	kind       string    // protocol type; "" until someone has joined
	protocol   string    // that was chosen for this generation; "" if there are no members
	leader     string    // member id
	members    []*member // in the order that they joined
	byID       map[string]*member
	have       map[string]int             // members by protocol that they have
	joined     int                        // members whose JoinGroup waits
	static     map[string]string          // member ids by group.instance.id
	pending    map[string]*deadline.Timer // ids that were given to new members who haven't joined with them yet
	topics     []string                   // subscribed, sorted; see known
	known      bool                       // whether topics could be told
	bytes      int                        // of members
	newcomer   bool                       // someone joined while the first rebalance waits for more
	joinBy     *deadline.Timer
	syncBy     *deadline.Timer
}

// member is one of them.
type member struct {
	id         string
	instance   *string
	client     string
	host       string
	rebalance  time.Duration
	session    time.Duration
	protocols  []kmsg.JoinGroupRequestProtocol
	assignment []byte
	had        []byte // what its last SyncGroup was answered with: it may have it until it syncs again
	joining    Ticket // its JoinGroup that waits; 0 if none does
	syncing    Ticket // its SyncGroup that waits
	fresh      bool   // it hasn't had an answer to its first JoinGroup yet
	owesSync   bool
	timer      *deadline.Timer
}

func newClassic() *classic {
	return &classic{since: -1, byID: map[string]*member{}, have: map[string]int{}, static: map[string]string{}, pending: map[string]*deadline.Timer{}}
}

// used reports whether there is more to a group than its records say.
func (c *classic) used() bool { return c != nil && len(c.members)+len(c.pending) > 0 }

// classicOf returns the classic group, and makes it: one that has only offsets is a classic group without members.
func (g *group) classicOf() *classic {
	if g.classic == nil {
		g.classic = newClassic()
	}
	return g.classic
}

// check refuses who isn't a member, or no longer is: a static member that was replaced is fenced (C5, KIP-345).
func (c *classic) check(id string, instance *string) int16 {
	if instance != nil {
		now, ok := c.static[*instance]
		switch {
		case !ok:
			return UnknownMember
		case now != id:
			return FencedInstance
		}
	}
	if c.byID[id] == nil {
		return UnknownMember
	}
	return None
}

func (c *classic) to(s state, now Now) {
	c.previous, c.state, c.since = c.state, s, now.Wall
}

// add takes a member in.
func (c *classic) add(b *member, kind string) {
	if len(c.members) == 0 {
		c.kind = kind
	}
	if b.instance != nil {
		if old, ok := c.static[*b.instance]; ok {
			panic(fmt.Sprintf("invariant C5: instance %q is member %q and joins as %q", *b.instance, old, b.id))
		}
		c.static[*b.instance] = b.id
	}
	if c.leader == "" {
		c.leader = b.id
	}
	c.members = append(c.members, b)
	c.byID[b.id] = b
	c.count(b, 1)
}

// count adds what a member has said, and its protocols, to what members have, or takes them off.
func (c *classic) count(b *member, n int) {
	c.bytes += n * b.size()
	for _, p := range b.protocols {
		if c.have[p.Name] += n; c.have[p.Name] == 0 {
			delete(c.have, p.Name)
		}
	}
}

// remove takes a member out, or an id that was given, with whatever waits for it: a client that is still there joins anew.
func (m *Machine) remove(c *classic, id string) {
	if t, ok := c.pending[id]; ok {
		m.timers.Cancel(t)
		delete(c.pending, id)
		m.members--
	}
	if b := c.byID[id]; b != nil {
		m.answerJoin(c, b, refusedJoin("", UnknownMember))
		m.answerSync(b, refusedSync(UnknownMember))
		m.timers.Cancel(b.timer)
		c.count(b, -1)
		c.members = slices.DeleteFunc(c.members, func(x *member) bool { return x == b })
		delete(c.byID, id)
		if b.instance != nil {
			delete(c.static, *b.instance)
		}
		m.members--
	}
	if c.leader == id {
		c.leader = ""
		if len(c.members) > 0 {
			c.leader = c.members[0].id
		}
	}
}

func (c *classic) allJoined() bool { return c.joined == len(c.members) && len(c.pending) == 0 }

// rebalanceTime is how long a rebalance waits for members.
func (c *classic) rebalanceTime() time.Duration {
	most := time.Duration(0)
	for _, b := range c.members {
		most = max(most, b.rebalance)
	}
	return most
}

// supports tells whether someone with these protocols can join: there must be one that all members have.
func (c *classic) supports(kind string, protocols []kmsg.JoinGroupRequestProtocol) bool {
	if c.state == empty {
		return kind != "" && len(protocols) > 0
	}
	if kind != c.kind {
		return false
	}
	return slices.ContainsFunc(protocols, func(p kmsg.JoinGroupRequestProtocol) bool { return c.have[p.Name] == len(c.members) })
}

func (b *member) metadata(protocol string) ([]byte, bool) {
	for _, p := range b.protocols {
		if p.Name == protocol {
			return p.Metadata, true
		}
	}
	return nil, false
}

// choose lets each member vote for the first of its protocols that all have; the one with the most votes wins, of equals
// the one that was voted for first.
func (c *classic) choose() string {
	votes := map[string]int{}
	var order []string
	for _, b := range c.members {
		for _, p := range b.protocols {
			if c.have[p.Name] == len(c.members) {
				if votes[p.Name]++; votes[p.Name] == 1 {
					order = append(order, p.Name)
				}
				break
			}
		}
	}
	best := ""
	for _, name := range order {
		if votes[name] > votes[best] {
			best = name
		}
	}
	return best
}

// same tells whether a member joins with what it had.
func (b *member) same(protocols []kmsg.JoinGroupRequestProtocol) bool {
	return slices.EqualFunc(b.protocols, protocols, func(x, y kmsg.JoinGroupRequestProtocol) bool {
		return x.Name == y.Name && slices.Equal(x.Metadata, y.Metadata)
	})
}

// subscribe notes which topics the members want, if they say so in consumers' own way.
func (c *classic) subscribe() {
	c.topics, c.known = nil, false
	if c.kind != consumerType {
		return
	}
	for _, b := range c.members {
		raw, _ := b.metadata(c.protocol)
		topics, ok := subscription(raw)
		if !ok {
			c.topics = nil
			return
		}
		c.topics = append(c.topics, topics...)
	}
	slices.Sort(c.topics)
	c.topics = slices.Compact(c.topics)
	c.known = true
}

// wants tells whether members are subscribed to a topic; of consumers that can't be read it is assumed.
func (c *classic) wants(topic string) bool {
	if c == nil {
		return false
	}
	if !c.known {
		return c.kind == consumerType
	}
	_, found := slices.BinarySearch(c.topics, topic)
	return found
}

// subscription reads the topics of a consumer's metadata: version, topics, and whatever follows in that version, as Kafka
// reads it (ClassicGroup.computeSubscribedTopics).
func subscription(raw []byte) ([]string, bool) {
	if len(raw) < 6 {
		return nil, false
	}
	n, b := int(int32(binary.BigEndian.Uint32(raw[2:]))), raw[6:]
	if n < 0 || n > len(b)/2 {
		return nil, false
	}
	topics := make([]string, 0, n)
	for range n {
		if len(b) < 2 {
			return nil, false
		}
		size := int(int16(binary.BigEndian.Uint16(b)))
		if size < 0 || size > len(b)-2 {
			return nil, false
		}
		topics = append(topics, string(b[2:2+size]))
		b = b[2+size:]
	}
	return topics, true
}
