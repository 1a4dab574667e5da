package e2e

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// supply sends records to a topic until it is stopped, and knows where each of them is.
type supply struct {
	topic string
	cl    *kgo.Client
	base  int64
	quit  chan struct{}
	done  chan struct{}

	mu   sync.Mutex
	next int
	sent map[place]int // by place: its number
	ends map[int32]int64
	err  error
}

type place struct {
	partition int32
	offset    int64
}

func startSupply(t *testing.T, c *cluster, topic string) *supply {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.addrs()...), kgo.DefaultProduceTopic(topic), kgo.RecordPartitioner(kgo.RoundRobinPartitioner()),
		kgo.ProducerLinger(0))
	if err != nil {
		t.Fatal(err)
	}
	f := &supply{topic: topic, cl: cl, base: time.Now().Add(-time.Hour).UnixMilli(), sent: map[place]int{}, ends: map[int32]int64{}}
	t.Cleanup(cl.Close)
	f.resume()
	return f
}

func (f *supply) resume() {
	f.quit, f.done = make(chan struct{}), make(chan struct{})
	go func() {
		defer close(f.done)
		for {
			select {
			case <-f.quit:
				return
			case <-time.After(4 * time.Millisecond):
				f.send()
			}
		}
	}()
}

// send sends the next record.
func (f *supply) send() {
	f.mu.Lock()
	i := f.next
	f.next++
	f.mu.Unlock()
	r := &kgo.Record{Key: fmt.Appendf(nil, "k%d", i), Value: fmt.Appendf(nil, "feed-%d", i), Headers: []kgo.RecordHeader{{Key: "n", Value: fmt.Appendf(nil, "%d", i)}},
		Timestamp: time.UnixMilli(f.base + int64(i))}
	f.cl.Produce(context.Background(), r, func(r *kgo.Record, err error) {
		f.mu.Lock()
		defer f.mu.Unlock()
		if err != nil {
			f.err = err
			return
		}
		f.sent[place{r.Partition, r.Offset}] = i
		f.ends[r.Partition] = max(f.ends[r.Partition], r.Offset+1)
	})
}

// stop ends it, and waits until all is acknowledged.
func (f *supply) stop(t *testing.T) {
	t.Helper()
	close(f.quit)
	<-f.done
	f.flush(t)
}

func (f *supply) flush(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := f.cl.Flush(ctx); err != nil {
		t.Fatalf("the feed of %s: %v", f.topic, err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		t.Fatalf("the feed of %s: %v", f.topic, f.err)
	}
}

// positions are the ends of what is acknowledged, by partition.
func (f *supply) positions() map[int32]int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	ends := map[int32]int64{}
	for p, end := range f.ends {
		ends[p] = end
	}
	return ends
}

// checkGroup lets three members consume, one leave, one join, kills the coordinator's broker, and looks at what was read and committed.
// The brokers that it starts outlive it: they are home's.
func (f *foreign) checkGroup(home, t *testing.T, c *cluster, protocol string) {
	t.Helper()
	topic, group := "g-"+f.name+"-"+protocol, "group-"+f.name+"-"+protocol
	c.createTopic(t, topic, clientPartitions)
	fed := startSupply(t, c, topic)
	join := func() *member { return f.start(t, "consume", c, topic, group, protocol) }
	g := &gathered{topic: topic, members: []*member{join(), join(), join()}}
	for _, m := range g.members {
		g.awaitFirst(t, m)
	}
	if f.bare { // kcat drops the record that it has in hand when it is told to end, and commits it
		fed.stop(t)
		g.awaitAll(t, fed)
	}
	g.members[0].leave(t)
	if f.bare {
		fed.resume()
	}
	g.awaitPast(t, "after a member left", fed.positions())
	joined := join()
	g.members = append(g.members, joined)
	g.awaitFirst(t, joined)
	c.checkType(t, group, protocol)
	n := c.coordinator(t, group)
	n.kill(t)
	g.awaitPast(t, fmt.Sprintf("after the coordinator's broker %d was killed", n.id), fed.positions())
	c.startAndServe(home, n)
	fed.stop(t)
	g.awaitAll(t, fed)
	for _, m := range g.members[1:] {
		m.leave(t)
	}
	g.check(t, fed)
	f.checkCommitted(t, c, topic, group, fed.positions())
	for _, n := range c.nodes {
		c.restart(home, n)
	}
	f.checkCommitted(t, c, topic, group, fed.positions())
	f.checkResumes(t, c, fed, group, protocol)
}

// checkType looks at which protocol a group is served by: clients go back to the classic one silently.
func (c *cluster) checkType(t *testing.T, group, protocol string) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.addrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, shard := range cl.RequestSharded(ctx, kmsg.NewPtrListGroupsRequest()) {
		if shard.Err != nil {
			t.Fatalf("groups of broker %d: %v", shard.Meta.NodeID, shard.Err)
		}
		for _, g := range shard.Resp.(*kmsg.ListGroupsResponse).Groups {
			if g.Group == group {
				if g.GroupType != protocol {
					t.Errorf("%s is a %s group, expected a %s one", group, g.GroupType, protocol)
				}
				return
			}
		}
	}
	t.Errorf("no broker lists %s", group)
}

// gathered is what the members of a group have printed.
type gathered struct {
	topic   string
	members []*member
}

// awaitFirst waits until a member has read a record.
func (g *gathered) awaitFirst(t *testing.T, m *member) {
	t.Helper()
	await(t, "first record of a member", func() (bool, string) { return len(m.seen()) > 0, m.state() })
}

// state is what is known of a program that was waited for in vain.
func (m *member) state() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	said := m.errs.Bytes()
	return fmt.Sprintf("%s: %d lines, and it says: %s", m.what, len(m.lines), said[max(0, len(said)-1000):])
}

// awaitPast waits until a record at or behind each of ends was read.
func (g *gathered) awaitPast(t *testing.T, when string, ends map[int32]int64) {
	t.Helper()
	await(t, "progress of all partitions "+when, func() (bool, string) {
		far := map[int32]int64{}
		for _, m := range g.members {
			for _, l := range m.seen() {
				far[*l.Partition] = max(far[*l.Partition], *l.Offset)
			}
		}
		for p := range int32(clientPartitions) {
			if far[p] < ends[p] {
				return false, fmt.Sprintf("%s/%d was read to %d, not to %d; %s", g.topic, p, far[p], ends[p], g.members[len(g.members)-1].state())
			}
		}
		return true, ""
	})
}

// awaitAll waits until everything that was fed was read by someone.
func (g *gathered) awaitAll(t *testing.T, fed *supply) {
	t.Helper()
	await(t, "end of all partitions", func() (bool, string) {
		read := map[place]bool{}
		for _, m := range g.members {
			for _, l := range m.seen() {
				read[place{*l.Partition, *l.Offset}] = true
			}
		}
		for at, i := range fed.sent {
			if !read[at] {
				return false, fmt.Sprintf("record %d, %s/%d at offset %d, of %d; %d are read", i, g.topic, at.partition, at.offset, len(fed.sent), len(read))
			}
		}
		return true, ""
	})
}

// check compares each record that was read with what was sent, and that no member skipped or went back between two records of one
// partition but to where another one, or it before a rebalance, had begun.
func (g *gathered) check(t *testing.T, fed *supply) {
	t.Helper()
	again, all := 0, 0
	read := map[place]bool{}
	for _, m := range g.members {
		for _, l := range m.seen() {
			at := place{*l.Partition, *l.Offset}
			i, ok := fed.sent[at]
			if !ok {
				t.Errorf("%s/%d at offset %d: %q is read, which nobody sent", g.topic, at.partition, at.offset, l.Value)
				continue
			}
			if l.Key != fmt.Sprintf("k%d", i) || l.Value != fmt.Sprintf("feed-%d", i) || l.Header != fmt.Sprint(i) || l.Time != fed.base+int64(i) {
				t.Errorf("%s/%d at offset %d: key %q, value %q, header %q, timestamp %d are read; record %d was sent at %d", g.topic, at.partition, at.offset, l.Key, l.Value,
					l.Header, l.Time, i, fed.base+int64(i))
			}
			if all++; read[at] {
				again++
			}
			read[at] = true
		}
	}
	t.Logf("%s: %d records, %d of them read again after a rebalance", g.topic, len(fed.sent), again)
	if again > all/2 {
		t.Errorf("%s: %d of %d reads are of records that were read before", g.topic, again, all)
	}
}

// checkCommitted asks for the committed offsets, with the client if it can, and with kadm.
func (f *foreign) checkCommitted(t *testing.T, c *cluster, topic, group string, want map[int32]int64) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.addrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	var offsets kadm.OffsetResponses
	await(t, "offsets of "+group, func() (bool, string) { // after a restart its coordinator may just be elected
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		var err error
		offsets, err = kadm.NewClient(cl).FetchOffsets(ctx, group)
		return err == nil, fmt.Sprint(err)
	})
	for p, end := range want {
		if o, ok := offsets.Lookup(topic, p); !ok || o.At != end {
			t.Errorf("%s: %s/%d is committed at %d (%t), expected %d", group, topic, p, o.At, ok, end)
		}
	}
	if f.bare {
		return
	}
	got := map[int32]int64{}
	for _, l := range f.run(t, "committed", c, topic, group, fmt.Sprint(clientPartitions)) {
		got[*l.Partition] = *l.Offset
	}
	for p, end := range want {
		if got[p] != end {
			t.Errorf("%s: %s reads %d as the committed offset of %s/%d, expected %d", group, f.name, got[p], topic, p, end)
		}
	}
}

// checkResumes lets a member join a group that all have left: it reads what comes now, and nothing of before.
func (f *foreign) checkResumes(t *testing.T, c *cluster, fed *supply, group, protocol string) {
	t.Helper()
	before := fed.positions()
	for range 10 * clientPartitions {
		fed.send()
	}
	fed.flush(t)
	m := f.start(t, "consume", c, fed.topic, group, protocol)
	g := &gathered{topic: fed.topic, members: []*member{m}}
	ends := fed.positions()
	for p := range ends {
		ends[p]--
	}
	g.awaitPast(t, "after a restart", ends)
	m.leave(t)
	for _, l := range m.seen() {
		if *l.Offset < before[*l.Partition] {
			t.Errorf("%s: %s/%d is read from %d on, %d was committed", group, fed.topic, *l.Partition, *l.Offset, before[*l.Partition])
			break
		}
	}
}
