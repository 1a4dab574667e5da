package sim

import (
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// A group whose members may change protocols has members of both at a time: the first who speaks the new one makes a consumer
// group of it, and when the last of those has left it is a classic one again (KIP-848, online upgrade and downgrade). Its classic
// members are consumers, as real ones are: their subscription and assignment are Kafka's, and they give everything up before they
// join again. So whoever has a partition has it alone, by the same rule as in a group of the new protocol (K2): the
// coordinator can't have given it to another before its member gave it up, left, or was silent for its session.
const (
	consumerType     = "consumer"
	consumerProtocol = "range"
	mixedRebalance   = time.Minute // longer than any session
)

// otherProtocol draws whether a member that goes comes back by the other protocol.
func (c *client) otherProtocol() int64 {
	if chance(c.rng, c.w.opt.Load.Switching) {
		return 1
	}
	return 0
}

// switches has a client use the other protocol from now on, if it shall and its group may.
func (c *client) switches(so bool) {
	if g := &c.seat; so && g.mixed {
		g.modern = !g.modern
		c.w.count[CountSwitches]++
	}
}

func (c *client) joinMixed(req *kmsg.JoinGroupRequest) {
	m := kmsg.NewConsumerMemberMetadata()
	m.Version = 1
	for t := range c.w.opt.Load.Topics {
		m.Topics = append(m.Topics, topicNames[t])
	}
	req.ProtocolType, req.RebalanceTimeoutMillis = consumerType, int32(mixedRebalance.Milliseconds())
	req.Protocols = []kmsg.JoinGroupRequestProtocol{{Name: consumerProtocol, Metadata: m.AppendTo(nil)}}
}

// encodeParts is an assignment, as the members of a group have it.
func (c *client) encodeParts(parts []int) (raw []byte) {
	if !c.seat.mixed {
		for _, part := range parts {
			raw = append(raw, byte(part))
		}
		return raw
	}
	a := kmsg.NewConsumerMemberAssignment()
	for _, part := range parts {
		if n := len(a.Topics); n == 0 || a.Topics[n-1].Topic != c.w.topic(part) {
			a.Topics = append(a.Topics, kmsg.ConsumerMemberAssignmentTopic{Topic: c.w.topic(part)})
		}
		t := &a.Topics[len(a.Topics)-1]
		t.Partitions = append(t.Partitions, int32(part%c.w.opt.Load.Partitions))
	}
	return a.AppendTo(nil)
}

// assignedMixed takes a classic member's assignment.
func (c *client) assignedMixed(k *call, raw []byte) {
	w, g := c.w, &c.seat
	g.parts, g.stage = nil, seatWorking
	a := kmsg.NewConsumerMemberAssignment()
	if err := a.ReadFrom(raw); err != nil && len(raw) > 0 {
		w.violate(BadResponse, "client %d is given an assignment in %s that can't be read: %v", c.number, g.group, gist(err))
		return
	}
	for _, t := range a.Topics {
		topic := slices.Index(topicNames[:w.opt.Load.Topics], t.Topic)
		for _, p := range t.Partitions {
			if topic < 0 || p < 0 || int(p) >= w.opt.Load.Partitions {
				w.violate(BadResponse, "client %d is given %s/%d in %s", c.number, t.Topic, p, g.group)
				return
			}
			g.parts = append(g.parts, topic*w.opt.Load.Partitions+int(p))
		}
	}
	slices.Sort(g.parts)
	w.count[CountAssignments]++
	w.ledgerOf(g.group).holds(g)
	c.claims(k, g.begun+classicSession)
	c.markMixed()
}

// staysMixed notes that a classic member was answered as one.
func (c *client) staysMixed(until time.Duration) {
	g := &c.seat
	l := c.w.ledgerOf(g.group)
	for _, part := range g.parts {
		if h := l.users[part]; g.mixed && h.id == g.id {
			l.users[part] = user{g.id, max(h.until, until)}
		}
	}
}

// joined looks at which protocol its group is of: one of the new protocol has no leader.
func (c *client) joined(resp *kmsg.JoinGroupResponse) {
	l := c.w.ledgerOf(c.seat.group)
	if resp.LeaderID != "" && l.modern {
		c.w.markLoad(MarkGroupDowngraded)
	}
	l.modern = resp.LeaderID == ""
}

// markMixed looks for members of the other protocol beside this one.
func (c *client) markMixed() {
	g := &c.seat
	for _, other := range c.w.clients {
		if o := &other.seat; o.group == g.group && o.stage == seatWorking && o.modern != g.modern {
			c.w.markLoad(MarkGroupMixed)
		}
	}
	if g.modern {
		c.w.ledgerOf(g.group).modern = true
	}
}
