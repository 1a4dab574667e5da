package e2e

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// guest is one member of a classic group, with a connection of its own: what it is answered is taken down under its name.
type guest struct {
	*asker
	group, id  string
	instance   *string
	generation int32
	rebalance  int32 // ms
	wants      []kmsg.JoinGroupRequestProtocol
}

// guest is somebody who is about to join a group, subscribed to topics. One whose name begins with i is a static member of that name.
func (k *asker) guest(name, group string, topics ...string) *guest {
	g := &guest{asker: &asker{t: k.t, addr: k.addr, client: name, name: name, of: k}, group: group, rebalance: 60_000}
	if name[0] == 'i' {
		g.instance = &name
	}
	g.want("range", topics...)
	k.t.Cleanup(g.close)
	return g
}

// want has it ask for a protocol, subscribed to topics.
func (g *guest) want(protocol string, topics ...string) {
	meta := kmsg.NewConsumerMemberMetadata()
	meta.Version, meta.Topics = 1, topics
	g.wants = append(g.wants, kmsg.JoinGroupRequestProtocol{Name: protocol, Metadata: meta.AppendTo(nil)})
}

func (g *guest) request() *kmsg.JoinGroupRequest {
	r := kmsg.NewPtrJoinGroupRequest()
	r.Group, r.MemberID, r.InstanceID, r.SessionTimeoutMillis, r.RebalanceTimeoutMillis, r.ProtocolType = g.group, g.id, g.instance, 60_000, g.rebalance, "consumer"
	r.Protocols = g.wants
	return r
}

// joins sends a JoinGroup; one who has no id yet gets it before.
func (g *guest) joins(version int16) {
	if g.id == "" && g.instance == nil && version >= 4 {
		g.quiet = true
		if r, ok := g.ask(version, g.request()).(*kmsg.JoinGroupResponse); ok {
			g.id = r.MemberID
		}
		g.quiet = false
	}
	g.begin(version, g.request())
}

// joined takes down what it is answered.
func (g *guest) joined() {
	if r, ok := g.end().(*kmsg.JoinGroupResponse); ok {
		g.id, g.generation = r.MemberID, r.Generation
	}
}

func (g *guest) join(version int16) {
	g.joins(version)
	g.joined()
}

// syncs sends a SyncGroup, which gives something to each of these.
func (g *guest) syncs(to ...*guest) {
	r := kmsg.NewPtrSyncGroupRequest()
	kind, protocol := "consumer", g.wants[0].Name
	r.Group, r.MemberID, r.InstanceID, r.Generation, r.ProtocolType, r.Protocol = g.group, g.id, g.instance, g.generation, &kind, &protocol
	for _, m := range to {
		r.GroupAssignment = append(r.GroupAssignment, kmsg.SyncGroupRequestGroupAssignment{MemberID: m.id, MemberAssignment: fmt.Appendf(nil, "for %s in %d", m.name, g.generation)})
	}
	g.begin(5, r)
}

func (g *guest) sync(to ...*guest) {
	g.syncs(to...)
	g.end()
}

func (g *guest) beat() {
	r := beatOf(g.group, g.id, g.generation)
	r.InstanceID = g.instance
	g.ask(4, r)
}

func (g *guest) commit(generation int32, offset int64) {
	r := commitOf(g.group, g.id, generation, "t", 0, offset)
	r.InstanceID = g.instance
	g.ask(8, r)
}

func (g *guest) leave() {
	r := leaveOf(g.group, g.id)
	r.Members[0].InstanceID = g.instance
	g.ask(5, r)
}

// until waits for a classic group to come to a state with so many members.
func (k *asker) until(group, state string, members int) {
	k.t.Helper()
	k.quiet = true
	await(k.t, group+" to be "+state, func() (bool, string) {
		r, ok := k.ask(5, describesGroup(group)).(*kmsg.DescribeGroupsResponse)
		return ok && r.Groups[0].State == state && len(r.Groups[0].Members) == members, fmt.Sprintf("%+v", r)
	})
	k.quiet = false
}

// pair makes a stable group of two; the first leads it.
func (k *asker) pair(a, b *guest) {
	k.quiet = true
	a.join(9)
	a.sync(a)
	b.joins(9)
	k.until(a.group, "PreparingRebalance", 2)
	k.quiet = true
	a.join(9)
	b.joined()
	b.syncs()
	a.sync(a, b)
	b.end()
	k.quiet = false
}

var talkQuestions = []question{
	{"talk: two members and a rebalance", func(k *asker) {
		a, b := k.guest("a", "rebalance", "t"), k.guest("b", "rebalance", "t")
		a.join(9)
		a.sync(a)
		b.joins(9)
		k.until("rebalance", "PreparingRebalance", 2)
		k.ask(6, describesGroup("rebalance"))
		a.beat()
		a.commit(1, 5)
		a.commit(0, 6)
		a.sync(a)
		b.of.ask(4, beatOf("rebalance", b.id, 1))
		a.join(9)
		b.joined()
		k.ask(6, describesGroup("rebalance"))
		a.beat()
		b.beat()
		a.commit(2, 7)
		a.commit(1, 8)
		b.commit(2, 9)
		b.syncs()
		a.sync(a, b)
		b.end()
		a.commit(2, 10)
		b.commit(1, 11)
		b.beat()
		k.ask(6, describesGroup("rebalance"))
		k.ask(9, committedOf("rebalance"))
	}},
	{"talk: members join again", func(k *asker) {
		a, b := k.guest("a", "again", "t"), k.guest("b", "again", "t")
		k.pair(a, b)
		b.join(9) // with what it said before
		b.sync()
		b.wants[0].Metadata = append(b.wants[0].Metadata, 0)
		b.joins(9)
		k.until("again", "PreparingRebalance", 2)
		a.beat()
		a.join(9)
		b.joined()
		a.join(9) // it may not have had the answer
		b.join(9)
		b.syncs()
		a.sync(a, b)
		b.end()
		a.joins(9) // the leader
		k.until("again", "PreparingRebalance", 2)
		b.beat()
		b.leave()
		a.joined()
		a.sync(a)
		a.beat()
	}},
	{"talk: one joins while others wait for their assignment", func(k *asker) {
		a, b, c := k.guest("a", "midst", "t"), k.guest("b", "midst", "t"), k.guest("c", "midst", "t")
		a.join(9)
		a.sync(a)
		b.joins(9)
		k.until("midst", "PreparingRebalance", 2)
		a.join(9)
		b.joined()
		b.syncs()
		c.joins(9)
		b.end()
		k.until("midst", "PreparingRebalance", 3)
		a.sync(a, b)
		a.joins(9)
		b.join(9)
		a.joined()
		c.joined()
		c.syncs()
		b.leave()
		c.end()
		k.until("midst", "PreparingRebalance", 2)
		c.joins(9)
		a.leave()
		c.joined()
		k.ask(6, describesGroup("midst"))
	}},
	{"talk: ids that nobody has joined with", func(k *asker) {
		first, ok := k.ask(9, joinOf("pending", "", "range")).(*kmsg.JoinGroupResponse)
		if !ok {
			return
		}
		id := first.MemberID
		k.until("pending", "Empty", 0)
		k.ask(4, beatOf("pending", id, -1))
		k.ask(4, beatOf("pending", id, 0))
		k.ask(5, syncOf("pending", id, 0))
		k.ask(8, commitOf("pending", id, 0, "t", 0, 1))
		k.ask(8, commitOf("pending", id, -1, "t", 0, 1))
		k.ask(8, commitOf("pending", "", -1, "t", 0, 1))
		k.ask(0, forgets("pending", "t", 0))
		k.ask(5, leaveOf("pending", id))
		k.ask(5, leaveOf("pending", id))
		k.ask(9, joinOf("pending", id, "range"))
		second, ok := k.ask(9, joinOf("pending", "", "range")).(*kmsg.JoinGroupResponse)
		if !ok {
			return
		}
		i := "i"
		static := joinOf("pending", second.MemberID, "range")
		static.InstanceID = &i
		k.ask(9, static)
		k.ask(9, joinOf("pending", second.MemberID, "sticky"))
		k.ask(5, syncOf("pending", second.MemberID, 1))
		k.ask(2, deletesGroup("pending"))
	}},
	{"talk: a group is deleted whose member has only an id", func(k *asker) {
		if r, ok := k.ask(9, joinOf("unborn", "", "range")).(*kmsg.JoinGroupResponse); ok {
			k.ask(2, deletesGroup("unborn"))
			k.ask(9, joinOf("unborn", r.MemberID, "range"))
		}
	}},
	{"talk: members vote", func(k *asker) {
		a, b, c := k.guest("a", "votes", "t"), k.guest("b", "votes", "t"), k.guest("c", "votes", "t")
		a.want("roundrobin", "t")
		b.wants = nil
		b.want("sticky", "t")
		b.want("roundrobin", "t")
		b.want("range", "t")
		c.wants = nil
		c.want("sticky", "t")
		a.join(9)
		b.joins(9)
		k.until("votes", "PreparingRebalance", 2)
		a.join(9)
		b.joined()
		c.join(9) // none that all have
		c.wants = nil
		c.want("roundrobin", "t")
		c.joins(9)
		k.until("votes", "PreparingRebalance", 3)
		a.joins(9)
		b.join(9)
		a.joined()
		c.joined()
	}},
	{"talk: a protocol named twice", func(k *asker) {
		a := k.guest("a", "twice", "t")
		a.want("roundrobin", "t")
		a.want("range", "t")
		a.join(9)
	}},
	{"talk: another kind of group when all have left", func(k *asker) {
		m := k.joined("kinds")
		k.ask(8, commitOf("kinds", m, 1, "t", 0, 5))
		k.left("kinds", m)
		r := joinOf("kinds", "", "p")
		r.ProtocolType = "connect"
		k.ask(3, r)
		k.ask(0, forgets("kinds", "t", 0))
		k.ask(6, describesGroup("kinds"))
		k.ask(9, committedOf("kinds"))
	}},
	{"talk: each version of JoinGroup", func(k *asker) {
		for v := int16(0); v <= 9; v++ {
			g := k.guest(fmt.Sprint("v", v), fmt.Sprint("version", v), "t")
			g.join(v)
			old := kmsg.NewPtrSyncGroupRequest()
			old.Group, old.MemberID, old.Generation = g.group, g.id, g.generation
			old.GroupAssignment = []kmsg.SyncGroupRequestGroupAssignment{{MemberID: g.id, MemberAssignment: []byte("all")}}
			g.ask(min(v, 4), old)
			g.ask(min(v, 4), beatOf(g.group, g.id, g.generation))
			one := kmsg.NewPtrLeaveGroupRequest()
			one.Group, one.MemberID = g.group, g.id
			g.ask(min(v, 2), one)
			g.ask(min(v, 2), one)
		}
	}},
	{"talk: who doesn't come in time", func(k *asker) {
		a, b := k.guest("a", "late", "t"), k.guest("b", "late", "t")
		a.rebalance, b.rebalance = 1000, 1000
		a.join(9)
		a.sync(a)
		b.joins(9)
		b.joined() // a never joins again
		b.sync(b)
		a.beat()
		a.join(9)
		k.ask(6, describesGroup("late"))
	}},
	{"talk: who doesn't ask for an assignment", func(k *asker) {
		a, b := k.guest("a", "lazy", "t"), k.guest("b", "lazy", "t")
		a.rebalance, b.rebalance = 1000, 1000
		a.join(9)
		a.sync(a)
		b.joins(9)
		k.until("lazy", "PreparingRebalance", 2)
		a.join(9)
		b.joined()
		a.sync(a, b)
		a.beat()
		k.until("lazy", "PreparingRebalance", 1)
		b.beat()
		a.beat()
		a.join(9)
	}},
	{"talk: lists while a group rebalances", func(k *asker) {
		a, b := k.guest("a", "listed2", "t"), k.guest("b", "listed2", "t")
		k.lists("listed2")
		a.join(9)
		k.until("listed2", "CompletingRebalance", 1)
		k.lists("listed2")
		a.sync(a)
		b.joins(9)
		k.until("listed2", "PreparingRebalance", 2)
		k.lists("listed2")
		a.leave()
		b.joined()
		b.leave()
		k.until("listed2", "Empty", 0)
		k.lists("listed2")
	}},
}

// lists asks for groups by many filters, and takes down which show one.
func (k *asker) lists(group string) {
	line := "listed by"
	for _, version := range []int16{3, 4, 5} {
		for _, f := range [][]string{nil, {"PreparingRebalance"}, {"completingrebalance", "Dead"}, {"Stable", "Empty", "no"}, {"Assigning", "Reconciling"}, {""}} {
			if f != nil && version < 4 {
				continue
			}
			r := kmsg.NewPtrListGroupsRequest()
			r.StatesFilter = f
			if version == 5 {
				r.TypesFilter = []string{"CONSUMER", "classic"}
			}
			was := k.quiet
			k.quiet = true
			resp, ok := k.ask(version, r).(*kmsg.ListGroupsResponse)
			k.quiet = was
			if !ok {
				line += fmt.Sprintf(" %d%q closed", version, f)
				continue
			}
			for _, g := range resp.Groups {
				if g.Group == group {
					line += fmt.Sprintf(" %d%q %s/%s/%s", version, f, g.ProtocolType, g.GroupState, g.GroupType)
				}
			}
		}
	}
	k.say(line)
}
