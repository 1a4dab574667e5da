package group

import (
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"
)

// mixed is a consumer group with members of both protocols; each act is one whole exchange.
type mixed struct {
	*cluster
	olds []*old
}

// ownedBy are the partitions that a classic client has.
func (o *old) ownedBy() (s Set) {
	for _, t := range o.owned {
		id, _, _ := o.r.topics.Topic(t.Topic)
		for _, p := range t.Partitions {
			s = append(s, Part{id, p})
		}
	}
	return makeSet(s)
}

// exclusive asserts K2 over members of both protocols.
func (k *mixed) exclusive() {
	k.t.Helper()
	g := k.m.groups[modelGroup]
	if g == nil || g.consumer == nil {
		return
	}
	owner := map[Part]string{}
	claim := func(who string, s Set) {
		for _, p := range s {
			if other, ok := owner[p]; ok {
				k.t.Fatalf("invariant K2: %s and %s both own %v:\n%s", other, who, p, shown(g.consumer))
			}
			owner[p] = who
		}
	}
	for _, c := range k.clients {
		if c.alive && k.member(c) {
			claim(c.id, c.has)
		}
	}
	for _, o := range k.olds {
		if g.consumer.has(o.id) {
			claim(o.id, o.ownedBy())
		}
	}
}

// live is one heartbeat of a classic client, and a rejoin if it is told to; who is out comes as a new one.
func (k *mixed) live(o *old) {
	k.t.Helper()
	switch code := o.beat(); code {
	case None:
	case RebalanceInProgress:
		k.rejoin(o)
	case UnknownMember, IllegalGeneration:
		o.id, o.owned = "", nil
		k.rejoin(o)
	default:
		k.t.Fatalf("heartbeat of %s: %d", o.id, code)
	}
}

// rejoin joins, and syncs, unless the answer to either is lost.
func (k *mixed) rejoin(o *old) {
	resp := o.join()
	switch resp.ErrorCode {
	case None:
	case GroupFull:
		return
	default:
		k.t.Fatalf("join of %s: %d", o.id, resp.ErrorCode)
	}
	if evenly(k.rt, 6, "lost") == 1 {
		return
	}
	if code := o.sync(nil); code != None {
		if code != RebalanceInProgress {
			k.t.Fatalf("sync of %s: %d", o.id, code)
		}
		return
	}
	o.owned = nil
	for _, t := range o.partsOf {
		o.owned = append(o.owned, kmsg.ConsumerMemberMetadataOwnedPartition(t))
	}
}

// beatNew is one whole exchange of a client of the consumer protocol.
func (k *mixed) beatNew(c *client) {
	k.send(c)
	for len(k.writes) > 0 {
		k.settle(None)
	}
	k.take()
}

func (k *mixed) act() {
	switch evenly(k.rt, 10, "act") {
	case 0:
		if len(k.alive()) < 3 {
			k.made++
			c := &client{id: fmt.Sprintf("c%02d", k.made), alive: true, full: true, names: []string{"t0", "t1"}}
			k.clients = append(k.clients, c)
			k.beatNew(c)
		}
	case 1:
		if len(k.olds) < 3 {
			o := &old{r: k.rig, group: modelGroup, topics: []string{"t0", "t1"}[:rapid.IntRange(1, 2).Draw(k.rt, "topics")]}
			k.olds = append(k.olds, o)
			k.rejoin(o)
		}
	case 2, 3, 4:
		if alive := k.alive(); len(alive) > 0 {
			c := alive[rapid.IntRange(0, len(alive)-1).Draw(k.rt, "client")]
			if rapid.Bool().Draw(k.rt, "gives up") {
				c.giveUp()
			}
			k.beatNew(c)
		}
	case 5, 6, 7:
		if len(k.olds) > 0 {
			k.live(k.olds[rapid.IntRange(0, len(k.olds)-1).Draw(k.rt, "old")])
		}
	case 8:
		k.failover()
	case 9:
		k.pass(time.Duration(rapid.IntRange(1, 8).Draw(k.rt, "seconds")) * time.Second)
		if alive := k.alive(); len(alive) > 1 && rapid.Bool().Draw(k.rt, "leaves") {
			alive[0].leaves = true
			k.beatNew(alive[0])
		}
	}
	k.exclusive()
}

// While a group migrates, with clients of both protocols in it, no partition is two clients' at once, and once it is quiet
// every partition is somebody's.
func TestMixedGroupModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := &mixed{cluster: &cluster{rt: t, rig: newRig(t, 4, 3), epochs: map[string]int32{}}}
		if rapid.Bool().Draw(t, "upgrade") {
			k.olds = append(k.olds, classicGroup(k.rig))
		}
		c := &client{id: "c00", alive: true, full: true, names: []string{"t0", "t1"}}
		k.clients = append(k.clients, c)
		k.beatNew(c)
		k.exclusive()
		for range 3 + evenly(t, 40, "acts") {
			k.act()
			if g := k.m.groups[modelGroup]; g == nil || g.consumer == nil || !g.consumer.has(c.id) && !c.alive {
				return // it became a classic group, which others test
			}
		}
		for range 15 {
			for _, c := range k.alive() {
				c.giveUp()
				k.beatNew(c)
			}
			for _, o := range k.olds {
				k.live(o)
			}
			k.exclusive()
		}
		if g := k.m.groups[modelGroup].consumer; g.state() != stateStable || len(g.owners) != 7 {
			k.t.Fatalf("%s after all rounds:\n%s", g.state(), shown(g))
		}
	})
}
