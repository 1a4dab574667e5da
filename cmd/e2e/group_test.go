package e2e

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	groupTopic      = "work"
	groupName       = "workers"
	groupPartitions = 6
)

// groupWork is what a group's members did: which records each had, and which commits were acknowledged.
type groupWork struct {
	mu      sync.Mutex
	seen    map[string]int             // records by value
	by      map[string]int             // records by member
	acked   map[int32]int64            // by partition, the highest offset of which a commit was acknowledged
	first   map[string]map[int32]int64 // by member and partition: the first offset that it was given
	refused int
}

func newGroupWork() *groupWork {
	return &groupWork{seen: map[string]int{}, by: map[string]int{}, acked: map[int32]int64{}, first: map[string]map[int32]int64{}}
}

// had notes records that a member was given.
func (w *groupWork) had(member string, records []*kgo.Record) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range records {
		w.seen[string(r.Value)]++
		w.by[member]++
		if w.first[member] == nil {
			w.first[member] = map[int32]int64{}
		}
		if _, ok := w.first[member][r.Partition]; !ok {
			w.first[member][r.Partition] = r.Offset
		}
	}
}

// committed notes a commit that was acknowledged.
func (w *groupWork) committed(partition int32, at int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.acked[partition] = max(w.acked[partition], at)
}

// tally is how many records each member has had.
func (w *groupWork) tally() map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.by)
}

func (w *groupWork) count(of func() bool) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return of()
}

// groupMember is one of a group's consumers, which commits what it has had before it asks for more.
type groupMember struct {
	name string
	cl   *kgo.Client
	work *groupWork
	stop context.CancelFunc
	done chan struct{}
}

func (c *cluster) joinGroup(t *testing.T, w *groupWork, name string, more ...kgo.Opt) *groupMember {
	t.Helper()
	opts := append([]kgo.Opt{kgo.SeedBrokers(c.addrs()...), kgo.ClientID(name), kgo.ConsumerGroup(groupName), kgo.ConsumeTopics(groupTopic), kgo.DisableAutoCommit(),
		kgo.BlockRebalanceOnPoll(), kgo.SessionTimeout(3 * time.Second), kgo.HeartbeatInterval(300 * time.Millisecond), kgo.RebalanceTimeout(10 * time.Second),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.MetadataMinAge(50 * time.Millisecond), kgo.RetryBackoffFn(func(int) time.Duration { return 50 * time.Millisecond })}, more...)
	cl, err := kgo.NewClient(opts...)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	m := &groupMember{name: name, cl: cl, work: w, stop: stop, done: make(chan struct{})}
	go m.run(ctx)
	t.Cleanup(m.leave)
	return m
}

func (m *groupMember) run(ctx context.Context) {
	defer close(m.done)
	for ctx.Err() == nil {
		fetches := m.cl.PollRecords(ctx, 20)
		records := fetches.Records()
		m.work.had(m.name, records)
		if len(records) > 0 {
			m.commit(ctx, records)
		}
		m.cl.AllowRebalance()
	}
}

func (m *groupMember) commit(ctx context.Context, records []*kgo.Record) {
	if err := m.cl.CommitRecords(ctx, records...); err != nil {
		m.work.mu.Lock()
		m.work.refused++
		m.work.mu.Unlock()
		return
	}
	for _, r := range records {
		m.work.committed(r.Partition, r.Offset+1)
	}
}

func (m *groupMember) leave() {
	m.stop()
	<-m.done
	m.cl.Close()
}

// watchCommitted asks for the group's offsets all the time, and fails the test if one goes back (G7).
func (c *cluster) watchCommitted(t *testing.T) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		last := map[int32]int64{}
		for ctx.Err() == nil {
			for p, at := range c.committedOffsets(ctx) {
				if at < last[p] {
					t.Errorf("partition %d: %d was committed, now %d is", p, last[p], at)
				}
				last[p] = at
			}
			time.Sleep(look)
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// committedOffsets asks once; there may be no answer.
func (c *cluster) committedOffsets(ctx context.Context) map[int32]int64 {
	out := map[int32]int64{}
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.addrs()...))
	if err != nil {
		return out
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	offsets, err := kadm.NewClient(cl).FetchOffsets(ctx, groupName)
	if err != nil {
		return out
	}
	offsets.Each(func(o kadm.OffsetResponse) {
		if o.Err == nil && o.At >= 0 {
			out[o.Partition] = o.At
		}
	})
	return out
}

// coordinator is the broker that a group belongs to.
func (c *cluster) coordinator(t *testing.T, group string) *node {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.addrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	var found *node
	last := ""
	await(t, "coordinator of "+group, func() (bool, string) {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		r := kadm.NewClient(cl).FindGroupCoordinators(ctx, group)[group]
		for _, n := range c.nodes {
			if r.Err == nil && n.id == r.NodeID {
				found = n
			}
		}
		last = fmt.Sprint(r.Err)
		return found != nil, last
	})
	return found
}

// Three members of a group share a topic while records are produced; one leaves, one joins, and the coordinator is killed with
// SIGKILL and comes back. Every record reaches a member, what was acknowledged as committed stays so and never goes back, and
// who comes later begins there (G7).
func TestGroupSurvivesItsCoordinator(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, protocol string
		opts           []kgo.Opt
	}{
		{"range", "classic", []kgo.Opt{kgo.Balancers(kgo.RangeBalancer())}},
		{"cooperative", "classic", []kgo.Opt{kgo.Balancers(kgo.CooperativeStickyBalancer())}},
		{"consumer-protocol", "consumer", []kgo.Opt{kgo.ServerSideBalancer(), kgo.Balancers(kgo.StickyBalancer())}}, // KIP-848, uniform assignor
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			groupStory(t, c.protocol, c.opts...)
		})
	}
}

func groupStory(t *testing.T, protocol string, opts ...kgo.Opt) {
	c := startCluster(t, "--group-initial-rebalance-delay", "200ms", "--group-min-session-timeout", "1s", "--offsets-partitions", "4",
		"--group-consumer-heartbeat-interval", "300ms", "--group-consumer-session-timeout", "3s")
	c.createTopic(t, groupTopic, groupPartitions)
	w := newGroupWork()
	feed := startFeed(t, c)
	stop := c.watchCommitted(t)
	var members []*groupMember
	for i := range 3 {
		members = append(members, c.joinGroup(t, w, fmt.Sprintf("m%d", i), opts...))
	}
	working := func(names ...string) {
		t.Helper()
		w.working(t, names...)
	}
	working("m0", "m1", "m2")
	if got := c.protocolOf(t); got != protocol {
		t.Fatalf("the group's protocol is %s, expected %s", got, protocol)
	}
	members[1].leave()
	working("m0", "m2")
	c.joinGroup(t, w, "m3", opts...)
	working("m0", "m2", "m3")
	victim := c.coordinator(t, groupName)
	victim.kill(t)
	working("m0", "m2", "m3")
	c.startAndServe(t, victim)
	working("m0", "m2", "m3")
	produced := feed.stop()
	await(t, "member with each record", func() (bool, string) {
		return w.count(func() bool { return len(w.seen) >= len(produced) }), fmt.Sprintf("%d produced, given out %v", len(produced), w.tally())
	})
	for _, v := range produced {
		if w.seen[v] == 0 {
			t.Errorf("nobody had record %s", v)
		}
	}
	members[0].leave()
	members[2].leave()
	stop()
	now := c.committedOffsets(context.Background())
	for p, at := range w.acked {
		if now[p] < at {
			t.Errorf("partition %d: a commit of %d was acknowledged, %d is committed", p, at, now[p])
		}
	}
	if len(now) != groupPartitions {
		t.Errorf("committed: %v, of %d partitions", now, groupPartitions)
	}
	t.Logf("%d records, %d given out, %d commits refused", len(produced), sum(w.by), w.refused)
}

// working waits until each of these members has had more records.
func (w *groupWork) working(t *testing.T, names ...string) {
	t.Helper()
	before := w.tally()
	await(t, fmt.Sprintf("records for each of %v", names), func() (bool, string) {
		now := w.tally()
		for _, n := range names {
			if now[n] <= before[n] {
				return false, fmt.Sprintf("before %v, now %v", before, now)
			}
		}
		return true, ""
	})
}

// protocolOf is the type of the group: classic or consumer (KIP-848).
func (c *cluster) protocolOf(t *testing.T) (kind string) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.addrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	await(t, "a description of the group", func() (bool, string) {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		req := kmsg.NewPtrConsumerGroupDescribeRequest()
		req.Groups = []string{groupName}
		resp, err := req.RequestWith(ctx, cl)
		if err != nil {
			return false, err.Error()
		}
		switch code := resp.Groups[0].ErrorCode; code {
		case 0:
			kind = "consumer"
		case kerr.GroupIDNotFound.Code:
			kind = "classic"
		default:
			return false, kerr.ErrorForCode(code).Error()
		}
		return true, ""
	})
	return kind
}

func sum(m map[string]int) int {
	n := 0
	for _, v := range m {
		n += v
	}
	return n
}

// A group changes its protocol while it works, and back (KIP-848's online migration): members of both are in it meanwhile.
func TestGroupChangesItsProtocol(t *testing.T) {
	t.Parallel()
	c := startCluster(t, "--group-initial-rebalance-delay", "200ms", "--group-min-session-timeout", "1s", "--offsets-partitions", "4",
		"--group-consumer-heartbeat-interval", "300ms", "--group-consumer-session-timeout", "3s")
	c.createTopic(t, groupTopic, groupPartitions)
	w := newGroupWork()
	feed := startFeed(t, c)
	stop := c.watchCommitted(t)
	classic := kgo.Balancers(kgo.CooperativeStickyBalancer())
	consumer := []kgo.Opt{kgo.ServerSideBalancer(), kgo.Balancers(kgo.StickyBalancer())}
	is := func(want string) {
		t.Helper()
		await(t, want+" group", func() (bool, string) { got := c.protocolOf(t); return got == want, got })
	}
	old := []*groupMember{c.joinGroup(t, w, "old0", classic), c.joinGroup(t, w, "old1", classic)}
	w.working(t, "old0", "old1")
	is("classic")
	young := c.joinGroup(t, w, "new0", consumer...)
	w.working(t, "old0", "old1", "new0")
	is("consumer")
	old[0].leave()
	w.working(t, "old1", "new0")
	young.leave()
	is("classic")
	w.working(t, "old1")
	c.joinGroup(t, w, "old2", classic)
	w.working(t, "old1", "old2")
	produced := feed.stop()
	await(t, "member with each record", func() (bool, string) {
		return w.count(func() bool { return len(w.seen) >= len(produced) }), fmt.Sprintf("%d produced, given out %v", len(produced), w.tally())
	})
	stop()
	t.Logf("%d records, %d given out, %d commits refused", len(produced), sum(w.by), w.refused)
}

// feed produces numbered records until it is stopped.
type feed struct {
	cancel context.CancelFunc
	done   chan struct{}
	values []string
}

func startFeed(t *testing.T, c *cluster) *feed {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.addrs()...), kgo.DefaultProduceTopic(groupTopic), kgo.DisableIdempotentWrite(), kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.RecordPartitioner(kgo.RoundRobinPartitioner()), kgo.ProducerLinger(0), kgo.RecordDeliveryTimeout(patience))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	f := &feed{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(f.done)
		defer cl.Close()
		for i := 0; ctx.Err() == nil; i++ {
			value := fmt.Sprintf("r%06d", i)
			err := cl.ProduceSync(context.Background(), &kgo.Record{Value: []byte(value)}).FirstErr()
			if err == nil {
				f.values = append(f.values, value)
			} else if !errors.Is(err, context.Canceled) {
				t.Logf("produce %s: %v", value, err)
			}
			time.Sleep(time.Millisecond)
		}
	}()
	return f
}

func (f *feed) stop() []string {
	f.cancel()
	<-f.done
	return f.values
}
