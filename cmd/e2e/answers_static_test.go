package e2e

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// again is a new process of a static member, which knows its instance only.
func (g *guest) again() *guest {
	next := g.of.guest(*g.instance, g.group)
	next.wants, next.rebalance, next.generation = g.wants, g.rebalance, g.generation
	next.name = g.name + "'"
	next.client = next.name
	return next
}

// everything asks all that a member asks, as a member that isn't it any more.
func (g *guest) everything() {
	g.beat()
	g.join(9)
	g.sync(g)
	g.commit(g.generation, 99)
	g.leave()
}

// Static members (KIP-345).
var staticTalks = []question{
	{"static: both are replaced in a stable group", func(k *asker) {
		a, b := k.guest("i1", "st1", "t"), k.guest("i2", "st1", "t")
		k.pair(a, b)
		k.ask(6, describesGroup("st1"))
		b2 := b.again()
		b2.join(9)
		a.beat()
		b2.sync()
		b2.beat()
		b.generation = 2
		b.everything()
		a2 := a.again()
		a2.join(9) // the leader
		a2.sync()
		a2.beat()
		b2.beat()
		a.everything()
		a3 := a2.again()
		a3.join(5)
		a3.generation = 2
		a3.sync()
		a3.beat()
		k.ask(6, describesGroup("st1"))
		b2.commit(2, 7)
		k.ask(9, committedOf("st1"))
	}},
	{"static: a replacement that wants something else", func(k *asker) {
		a, b := k.guest("i1", "st2", "t"), k.guest("i2", "st2", "t")
		k.pair(a, b)
		b2 := b.again()
		b2.wants = nil
		b2.want("range", "t", "two")
		b2.join(9) // other topics
		a.beat()
		b2.sync()
		k.ask(6, describesGroup("st2"))
		b3 := b2.again()
		b3.wants = nil
		b3.want("sticky", "t")
		b3.join(9) // none that all have
		b3.want("range", "t")
		b3.join(9)
		a.beat()
		b2.beat()
		b3.beat()
	}},
	{"static: a replacement while a rebalance is under way", func(k *asker) {
		a, b, c := k.guest("i1", "st3", "t"), k.guest("i2", "st3", "t"), k.guest("c", "st3", "t")
		k.pair(a, b)
		c.joins(9)
		k.until("st3", "PreparingRebalance", 3)
		b.joins(9)
		b2 := b.again()
		b2.joins(9)
		b.joined()
		a.joins(9)
		b2.joined()
		c.joined()
		a.joined()
		b2.syncs()
		b3 := b2.again()
		b3.joins(9) // while it waits for its assignment
		b2.end()
		a.joins(9)
		c.join(9)
		b3.joined()
		a.joined()
		c.syncs()
		b3.syncs()
		a.sync(a, b3, c)
		b3.end()
		c.end()
		k.ask(6, describesGroup("st3"))
	}},
	{"static: a member that doesn't come back keeps its place", func(k *asker) {
		a, b, c := k.guest("i1", "st4", "t"), k.guest("b", "st4", "t"), k.guest("c", "st4", "t")
		a.rebalance, b.rebalance, c.rebalance = 1000, 1000, 1000
		k.pair(a, b)
		c.joins(9)
		k.until("st4", "PreparingRebalance", 3)
		k.quiet = true
		b.joins(9) // a leads, and is away: which of the others leads is not told
		c.joined()
		b.joined()
		b.syncs(a, b, c)
		c.syncs(a, b, c)
		b.end()
		c.end()
		k.quiet = false
		k.say(fmt.Sprintf("generation %d, %d", b.generation, c.generation))
		k.ask(6, describesGroup("st4"))
		a.beat()
		a.generation = b.generation
		a.beat()
		a.sync()
	}},
	{"static: ids that don't fit", func(k *asker) {
		a, b := k.guest("i1", "st5", "t"), k.guest("i2", "st5", "t")
		k.pair(a, b)
		r := a.request()
		r.MemberID = b.id
		k.ask(9, r)
		r.MemberID = "nobody"
		k.ask(9, r)
		other := "i9"
		r.MemberID, r.InstanceID = a.id, &other
		k.ask(9, r)
		r.MemberID, r.InstanceID = b.id, nil
		k.ask(9, r)
		h := beatOf("st5", a.id, 2)
		h.InstanceID = b.instance
		k.ask(4, h)
		h.InstanceID = &other
		k.ask(4, h)
		s := syncOf("st5", a.id, 2)
		s.InstanceID = b.instance
		k.ask(5, s)
		c := commitOf("st5", a.id, 2, "t", 0, 1)
		c.InstanceID = b.instance
		k.ask(8, c)
		c.InstanceID = &other
		k.ask(8, c)
		c.InstanceID, c.Generation = a.instance, -1
		k.ask(8, c)
		c.MemberID = ""
		k.ask(8, c)
		k.ask(7, commitOf("st5", a.id, 2, "t", 0, 1))
		k.ask(6, commitOf("st5", a.id, 2, "t", 0, 1))
	}},
	{"static: an administrator removes members", func(k *asker) {
		a, b, c := k.guest("i1", "st6", "t"), k.guest("i2", "st6", "t"), k.guest("c", "st6", "t")
		k.pair(a, b)
		c.joins(9)
		k.until("st6", "PreparingRebalance", 3)
		b.joins(9)
		r := leaveOf("st6", "", "", b.id, "nobody", "")
		nobody := "nobody"
		r.Members[0].InstanceID, r.Members[1].InstanceID, r.Members[2].InstanceID = a.instance, &nobody, a.instance
		k.ask(5, r)
		k.ask(4, r)
		k.ask(3, r)
		r = leaveOf("st6", "")
		r.Members[0].InstanceID = b.instance
		k.ask(5, r)
		b.quiet, c.quiet = true, true // which of them leads is not told
		b.joined()
		c.joined()
		k.say(fmt.Sprintf("generation %d, %d", b.generation, c.generation))
		k.ask(6, describesGroup("st6"))
	}},
	{"static: before version 5 nobody is", func(k *asker) {
		a := k.guest("i1", "st7", "t")
		a.join(4)
		a.join(4)
		k.until("st7", "CompletingRebalance", 1)
		k.ask(6, describesGroup("st7"))
		r := kmsg.NewPtrLeaveGroupRequest()
		r.Group, r.MemberID = "st7", a.id
		k.ask(2, r)
	}},
}
