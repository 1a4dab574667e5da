package e2e

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// holdings are what a member was given and what was taken from it, as its client says.
type holdings struct {
	mu      sync.Mutex
	has     []int32
	revoked int // partitions that it was asked to give back
	lost    int // that were gone before it could
}

// options have a client tell.
func (h *holdings) options() []kgo.Opt {
	note := func(f func(parts []int32)) func(context.Context, *kgo.Client, map[string][]int32) {
		return func(_ context.Context, _ *kgo.Client, m map[string][]int32) {
			h.mu.Lock()
			defer h.mu.Unlock()
			f(m[groupTopic])
		}
	}
	gone := func(parts []int32) {
		h.has = slices.DeleteFunc(h.has, func(p int32) bool { return slices.Contains(parts, p) })
	}
	return []kgo.Opt{kgo.OnPartitionsAssigned(note(func(parts []int32) {
		h.has = append(h.has, parts...)
		slices.Sort(h.has)
	})), kgo.OnPartitionsRevoked(note(func(parts []int32) {
		h.revoked += len(parts)
		gone(parts)
	})), kgo.OnPartitionsLost(note(func(parts []int32) {
		h.lost += len(parts)
		gone(parts)
	}))}
}

func (h *holdings) now() (has []int32, revoked, lost int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.has), h.revoked, h.lost
}

// tracked is a member whose holdings are known.
type tracked struct {
	*groupMember
	*holdings
}

func (c *cluster) track(t *testing.T, w *groupWork, name string, opts ...kgo.Opt) *tracked {
	t.Helper()
	h := &holdings{}
	return &tracked{c.joinGroup(t, w, name, append(h.options(), opts...)...), h}
}

// share waits until members have so many partitions each, and all.
func share(t *testing.T, each int, members ...*tracked) {
	t.Helper()
	await(t, fmt.Sprintf("%d partitions for each of %d members", each, len(members)), func() (bool, string) {
		all := map[int32]int{}
		said := ""
		for _, m := range members {
			has, _, _ := m.now()
			said += fmt.Sprintf("%s has %v; ", m.name, has)
			for _, p := range has {
				all[p]++
			}
			if len(has) != each {
				return false, said
			}
		}
		return len(all) == groupPartitions, said
	})
}

// undisturbed fails the test if members had to give more up in all, or lost more.
func undisturbed(t *testing.T, when string, revoked, lost int, members ...*tracked) {
	t.Helper()
	given, gone := 0, 0
	for _, m := range members {
		_, r, l := m.now()
		given, gone = given+r, gone+l
	}
	if given != revoked || gone != lost {
		t.Errorf("%s %d partitions were revoked and %d lost, expected %d and %d", when, given, gone, revoked, lost)
	}
}

// A cooperative rebalance takes from members only what others are to get, also once the group has another coordinator.
func TestCooperativeKeepsPartitions(t *testing.T) {
	t.Parallel()
	c := startCluster(t, "--group-initial-rebalance-delay", "200ms", "--group-min-session-timeout", "1s", "--offsets-partitions", "4")
	c.createTopic(t, groupTopic, groupPartitions)
	w := newGroupWork()
	feed := startFeed(t, c)
	opts := []kgo.Opt{kgo.Balancers(kgo.CooperativeStickyBalancer()), kgo.SessionTimeout(10 * time.Second)}
	a := c.track(t, w, "a", opts...)
	share(t, 6, a)
	b := c.track(t, w, "b", opts...)
	share(t, 3, a, b)
	undisturbed(t, "when b joined", 3, 0, a, b)
	d := c.track(t, w, "d", opts...)
	share(t, 2, a, b, d)
	undisturbed(t, "when d joined", 5, 0, a, b, d)
	w.working(t, "a", "b", "d")
	victim := c.coordinator(t, groupName)
	victim.kill(t) // a client whose heartbeat can't reach it gives everything up and joins again
	w.working(t, "a", "b", "d")
	c.startAndServe(t, victim)
	share(t, 2, a, b, d)
	_, ra, la := a.now()
	_, rb, lb := b.now()
	d.leave()
	share(t, 3, a, b)
	undisturbed(t, "when d left", ra+rb, la+lb, a, b)
	e := c.track(t, w, "e", opts...)
	share(t, 2, a, b, e)
	undisturbed(t, "when e joined", ra+rb+2, la+lb, a, b, e)
	produced := feed.stop()
	await(t, "member with each record", func() (bool, string) {
		return w.count(func() bool { return len(w.seen) >= len(produced) }), fmt.Sprintf("%d produced, given out %v", len(produced), w.tally())
	})
}

// Static members (KIP-345) of a client: one that is restarted, and one that is replaced while it lives, disturb nobody, and one that is
// gone keeps its partitions until an administrator removes it.
func TestStaticMembersOfAClient(t *testing.T) {
	t.Parallel()
	c := startCluster(t, "--group-initial-rebalance-delay", "200ms", "--group-min-session-timeout", "1s", "--offsets-partitions", "4")
	c.createTopic(t, groupTopic, groupPartitions)
	w := newGroupWork()
	feed := startFeed(t, c)
	static := func(name, instance string) *tracked {
		return c.track(t, w, name, kgo.Balancers(kgo.RangeBalancer()), kgo.InstanceID(instance), kgo.SessionTimeout(60*time.Second))
	}
	a, b, d := static("a", "one"), static("b", "two"), static("d", "three")
	share(t, 2, a, b, d)
	w.working(t, "a", "b", "d")
	_, rb, _ := b.now()
	_, rd, _ := d.now()
	_, generation := b.cl.GroupMetadata()
	had, _, _ := a.now()
	steady := func(when string, now *tracked) {
		t.Helper()
		undisturbed(t, when, rb+rd, 0, b, d)
		if _, g := b.cl.GroupMetadata(); g != generation {
			t.Errorf("%s the generation is %d, it was %d", when, g, generation)
		}
		if has, _, _ := now.now(); !slices.Equal(has, had) {
			t.Errorf("%s %s has partitions %v, its instance had %v", when, now.name, has, had)
		}
	}
	a.leave() // its client says nothing: it is static
	a2 := static("a2", "one")
	w.working(t, "a2", "b", "d")
	steady("after a restart", a2)
	a3 := static("a3", "one") // a2 lives
	w.working(t, "a3", "b", "d")
	steady("after a replacement", a3)
	d.leave()
	c.removes(t, "three")
	share(t, 3, a3, b)
	produced := feed.stop()
	await(t, "member with each record", func() (bool, string) {
		return w.count(func() bool { return len(w.seen) >= len(produced) }), fmt.Sprintf("%d produced, given out %v", len(produced), w.tally())
	})
}

// What a coordinator has told of static members the next one knows: who they are, the generation, who got what; a member that comes again
// gets it without a rebalance, and the one it replaced is fenced in all it asks, by each coordinator that comes (KIP-345).
func TestStaticMembersOutliveCoordinators(t *testing.T) {
	t.Parallel()
	c := startCluster(t, "--group-initial-rebalance-delay", "0s", "--offsets-partitions", "4")
	c.createTopic(t, "t", 1)
	k := &asker{t: t, addr: c.coordinator(t, "seats").addr, client: "k"}
	a, b := k.guest("i1", "seats", "t"), k.guest("i2", "seats", "t")
	k.pair(a, b)
	move := func(guests ...*guest) {
		t.Helper()
		victim := c.coordinator(t, "seats")
		victim.kill(t)
		await(t, "another coordinator", func() (bool, string) {
			n := c.coordinator(t, "seats")
			k.close()
			k.addr = n.addr
			return n != victim, fmt.Sprint(n.id)
		})
		k.until("seats", "Stable", 2)
		for _, g := range guests {
			g.close()
			g.addr = k.addr
		}
		c.startAndServe(t, victim)
	}
	is := func(want string) {
		t.Helper()
		if got := strings.Join(k.lines, "\n"); got != want {
			t.Errorf("answered\n%s\nexpected\n%s", got, want)
		}
		k.lines = nil
	}
	move(a, b)
	a.beat()
	b.beat()
	a2 := a.again()
	a2.join(9)
	a2.sync()
	b.beat()
	a2.commit(2, 7)
	metadata := fmt.Sprintf("%q", a.wants[0].Metadata)
	is(`i1: Heartbeat 4 → {OK}
i2: Heartbeat 4 → {OK}
i1': JoinGroup 9 → {OK Generation:2 ProtocolType:"consumer" Protocol:"range" LeaderID:"M3" SkipAssignment:true MemberID:"M3" Members:[{MemberID:"M2" InstanceID:"i2" ProtocolMetadata:` +
		metadata + `} {MemberID:"M3" InstanceID:"i1" ProtocolMetadata:` + metadata + `}]}
i1': SyncGroup 5 → {OK ProtocolType:"consumer" Protocol:"range" MemberAssignment:"for i1 in 2"}
i2: Heartbeat 4 → {OK}
i1': OffsetCommit 8 → {Topics:[{Topic:"t" TopicID:none Partitions:[{Partition:0 OK}]}]}`)
	move(a, a2, b)
	a2.beat()
	b.beat()
	a.generation = 2
	a.beat()
	a.sync(a, b)
	a.commit(2, 9)
	a.leave()
	a.join(9)
	a2.sync()
	k.ask(9, asksOffsets(allOf("seats")))
	is(`i1': Heartbeat 4 → {OK}
i2: Heartbeat 4 → {OK}
i1: Heartbeat 4 → {FENCED_INSTANCE_ID}
i1: SyncGroup 5 → {FENCED_INSTANCE_ID ProtocolType:null Protocol:null MemberAssignment:""}
i1: OffsetCommit 8 → {Topics:[{Topic:"t" TopicID:none Partitions:[{Partition:0 FENCED_INSTANCE_ID}]}]}
i1: LeaveGroup 5 → {OK Members:[{MemberID:"M1" InstanceID:"i1" FENCED_INSTANCE_ID}]}
i1: JoinGroup 9 → {FENCED_INSTANCE_ID Generation:-1 ProtocolType:null Protocol:null LeaderID:"" SkipAssignment:false MemberID:"M1" Members:null}
i1': SyncGroup 5 → {OK ProtocolType:"consumer" Protocol:"range" MemberAssignment:"for i1 in 2"}
OffsetFetch 9 → {Topics:null OK Groups:[{Group:"seats" Topics:[{Topic:"t" TopicID:none Partitions:[{Partition:0 Offset:7 LeaderEpoch:none Metadata:"m" OK}]}] OK}]}`)
}

// removes has an administrator remove a static member.
func (c *cluster) removes(t *testing.T, instance string) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.addrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	await(t, instance+" to be removed", func() (bool, string) {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		r, err := kadm.NewClient(cl).LeaveGroup(ctx, kadm.LeaveGroup(groupName).InstanceIDs(instance))
		return err == nil && r.Error() == nil, fmt.Sprint(err, r.Error())
	})
}
