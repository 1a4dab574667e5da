package sim

import (
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// A member of a group of the new protocol (KIP-848) sends nothing but heartbeats. It takes a while to give up what its answers
// take from it, says so in the next, and only then uses what they give it.

// memberHeartbeat says everything when the member joins, or didn't hear the last answer; else only what it has.
func (c *client) memberHeartbeat() *kmsg.ConsumerGroupHeartbeatRequest {
	g, w := &c.seat, c.w
	req := kmsg.NewPtrConsumerGroupHeartbeatRequest()
	req.InstanceID, req.Group, g.static = g.instance, g.group, true
	if g.stage == seatOut {
		if g.id == "" {
			g.incarn++
			g.id = fmt.Sprintf("member-%d-%d", c.number, g.incarn)
		}
		g.gen, g.parts, g.due, g.news = 0, nil, nil, true
	}
	req.MemberID, req.MemberEpoch = g.id, g.gen
	if g.news {
		req.RebalanceTimeoutMillis = 60_000 // longer than any session
		for t := range w.opt.Load.Topics {
			req.SubscribedTopicNames = append(req.SubscribedTopicNames, w.topic(t*w.opt.Load.Partitions))
		}
	}
	req.Topics = []kmsg.ConsumerGroupHeartbeatRequestTopic{}
	for _, part := range g.parts {
		id := c.ids[part/w.opt.Load.Partitions]
		if n := len(req.Topics); n == 0 || req.Topics[n-1].TopicID != id {
			req.Topics = append(req.Topics, kmsg.ConsumerGroupHeartbeatRequestTopic{TopicID: id})
		}
		t := &req.Topics[len(req.Topics)-1]
		t.Partitions = append(t.Partitions, int32(part%w.opt.Load.Partitions))
	}
	return req
}

func (c *client) sendMember(a request, k *call, req *kmsg.ConsumerGroupHeartbeatRequest) {
	k.gen, a.version = max(k.gen, c.seat.gen), min(a.version, 1)
	c.seat.news = true // unless this one is answered
	c.sendGroup(a, k, req)
}

func (c *client) leaveMember(a request, k *call) {
	g := &c.seat
	req := kmsg.NewPtrConsumerGroupHeartbeatRequest()
	req.Group, req.MemberID, req.MemberEpoch, req.InstanceID = g.group, g.id, -1, g.instance
	if a.at&leavesForAWhile > 0 && g.instance != nil {
		g.haunt() // the next process with this instance takes its place
		req.MemberEpoch = -2
	}
	c.w.ledgerOf(g.group).release(g.id, nil)
	g.away("")
	c.sendMember(a, k, req)
}

// toldMember takes an answer. Nothing may be given to a member that another one uses, which the coordinator can't have thrown
// out yet.
func (c *client) toldMember(k *call, resp *kmsg.ConsumerGroupHeartbeatResponse) {
	w, g := c.w, &c.seat
	if k.code != codeNone || resp.MemberEpoch < 0 || resp.MemberID == nil || *resp.MemberID != g.id {
		return
	}
	if resp.MemberEpoch < max(k.gen, 1) {
		w.violate(EpochBack, "member %s of %s, at epoch %d, is told epoch %d (K1)", g.id, g.group, k.gen, resp.MemberEpoch)
	}
	g.gen, g.stage, g.news = resp.MemberEpoch, seatWorking, false
	if resp.Assignment != nil {
		g.due, g.news = c.membersParts(resp) // what it has no names for it wants to hear of again
		if !slices.ContainsFunc(g.parts, func(part int) bool { return !slices.Contains(g.due, part) }) {
			g.parts = g.due
		}
		w.count[CountAssignments]++
	}
	w.ledgerOf(g.group).holds(g)
	c.claims(k, k.sent+w.opt.Limits.Groups.ConsumerSession)
	c.markMixed()
}

// claims notes that a member uses what it was given, as long at least as it can't be thrown out. Who was the coordinator once and
// hasn't heard that there is another one doesn't know what that one has given to whom.
func (c *client) claims(k *call, until time.Duration) {
	w, g := c.w, &c.seat
	l := w.ledgerOf(g.group)
	if !w.coordinates(k.line.node, g.group) {
		for _, part := range g.parts {
			delete(l.users, part) // nobody can tell whose it is
		}
		return
	}
	for _, part := range g.parts {
		if h := l.users[part]; h.id != "" && h.id != g.id && w.now < h.until {
			w.violate(TwoOwners, "%s is given to %q at epoch %d of %s, and %q has it, whose session can't end before %v (K2)",
				w.partName(part), g.id, g.gen, g.group, h.id, h.until)
		}
		l.users[part] = user{g.id, until}
	}
}

// giveUp is the end of a member's revocation.
func (c *client) giveUp() {
	g := &c.seat
	if g.stage != seatWorking {
		return
	}
	kept := slices.DeleteFunc(slices.Clone(g.parts), func(part int) bool { return !slices.Contains(g.due, part) })
	if i := slices.IndexFunc(g.parts, func(part int) bool { return !slices.Contains(kept, part) }); i >= 0 {
		g.leaveGhost(g.parts[i]) // a commit for what it gives up may be on its way still
		g.old.gave = true
	}
	g.parts = kept
	c.w.ledgerOf(g.group).release(g.id, g.parts)
	for part := range g.at { // order: each is looked at by itself
		if !slices.Contains(g.parts, part) {
			delete(g.at, part)
			delete(g.given, part)
		}
	}
}

// membersParts is what a member is given, as far as it knows the topics by their ids: unless it is a story's that was never told of them.
func (c *client) membersParts(resp *kmsg.ConsumerGroupHeartbeatResponse) (parts []int, unknown bool) {
	for _, t := range resp.Assignment.Topics {
		topic := slices.Index(c.ids, t.TopicID)
		if topic < 0 {
			unknown = true
			continue
		}
		for _, p := range t.Partitions {
			parts = append(parts, topic*c.w.opt.Load.Partitions+int(p))
		}
	}
	slices.Sort(parts)
	return parts, unknown
}
