package e2e

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	brokers = 3
	// patience is the limit of every wait for something that is to happen (E4).
	patience = 90 * time.Second
	// look is how often it is looked for.
	look = 20 * time.Millisecond
)

// cluster is three brokers, each a process.
type cluster struct {
	dir   string
	nodes []*node
}

// node is one broker, running or not.
type node struct {
	id   int32
	data string
	addr string // of clients
	peer string
	args []string
	log  string // file
	proc *process
}

// startCluster starts three brokers on empty directories and waits until they serve. In what more is given to each, {id} is its own.
func startCluster(t testing.TB, more ...string) *cluster {
	t.Helper()
	c := &cluster{dir: scratchDir(t)}
	for i := range int32(brokers) {
		n := &node{id: i + 1, data: filepath.Join(c.dir, fmt.Sprintf("broker-%d", i+1)), log: filepath.Join(c.dir, fmt.Sprintf("broker-%d.log", i+1))}
		c.nodes = append(c.nodes, n)
	}
	t.Cleanup(func() { c.close(t) })
	for try := 0; ; try++ {
		c.address(t, more)
		for _, n := range c.nodes {
			n.start(t)
		}
		err := c.awaitServing(c.nodes)
		if err == nil {
			return c
		}
		if try == 5 || !strings.Contains(err.Error(), inUse) {
			t.Fatal(err)
		}
		for _, n := range c.nodes { // somebody took a port between our choice and our start: choose others
			n.kill(t)
			if err := os.RemoveAll(n.data); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// inUse is what logd says when somebody else has its port.
const inUse = "in use by another process"

// address chooses ports and makes the command lines.
func (c *cluster) address(t testing.TB, more []string) {
	t.Helper()
	addrs := freeAddrs(t, 2*brokers)
	var peers []string
	for i, n := range c.nodes {
		n.addr, n.peer = addrs[i], addrs[brokers+i]
		peers = append(peers, fmt.Sprintf("%d=%s", n.id, n.peer))
	}
	for _, n := range c.nodes {
		n.args = append([]string{"serve", "--id", strconv.Itoa(int(n.id)), "--peers", strings.Join(peers, ","), "--kafka", n.addr,
			"--data", n.data, "--wal-files", "2", "--wal-file-bytes", strconv.Itoa(8 << 20)}, more...)
		for i, arg := range n.args {
			n.args[i] = strings.ReplaceAll(arg, "{id}", strconv.Itoa(int(n.id)))
		}
	}
}

// freeAddrs returns addresses that were free a moment ago.
func freeAddrs(t testing.TB, n int) []string {
	t.Helper()
	var addrs []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close() // all are held until all are chosen
		addrs = append(addrs, l.Addr().String())
	}
	return addrs
}

// start starts the broker's process.
func (n *node) start(t testing.TB) {
	t.Helper()
	n.proc = startProcess(t, n.log, n.args...)
}

// kill is kill -9.
func (n *node) kill(t testing.TB) {
	t.Helper()
	n.proc.signal(syscall.SIGKILL)
	n.proc.exit(t)
}

// stop is SIGTERM, on which a broker hands its leaderships over and ends well.
func (n *node) stop(t testing.TB) {
	t.Helper()
	n.proc.signal(syscall.SIGTERM)
	if code := n.proc.exit(t); code != 0 {
		t.Errorf("broker %d: exit %d after SIGTERM", n.id, code)
	}
}

func (n *node) running() bool { return n.proc != nil && n.proc.running() }

// restart stops a broker with SIGTERM and starts it again.
func (c *cluster) restart(t testing.TB, n *node) {
	t.Helper()
	n.stop(t)
	c.startAndServe(t, n)
}

// startAndServe starts brokers and waits until they serve. A port that was free while its broker was down may have gone to
// an outgoing connection meanwhile, which doesn't last.
func (c *cluster) startAndServe(t testing.TB, nodes ...*node) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(look) {
		for _, n := range nodes {
			if !n.running() {
				n.start(t)
			}
		}
		err := c.awaitServing(nodes)
		if err == nil {
			return
		}
		if time.Now().After(end) || !strings.Contains(err.Error(), inUse) {
			t.Fatal(err)
		}
	}
}

// awaitServing waits until each of nodes lists all brokers and knows who leads the metadata.
func (c *cluster) awaitServing(nodes []*node) error {
	last := "nothing was asked"
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(look) {
		ready := true
		for _, n := range nodes {
			if !n.running() {
				return fmt.Errorf("broker %d ended: %s", n.id, lastLine(n.log))
			}
			m, err := n.metadata()
			if err != nil || len(m.Brokers) != brokers || m.Controller < 0 {
				ready, last = false, fmt.Sprintf("broker %d: %v, brokers %v, controller %d", n.id, err, m.Brokers.NodeIDs(), m.Controller)
				break
			}
		}
		if ready {
			return nil
		}
	}
	return fmt.Errorf("no cluster after %s: %s", patience, last)
}

// metadata is what this broker says, of all topics.
func (n *node) metadata(topics ...string) (kadm.Metadata, error) {
	cl, err := kgo.NewClient(kgo.SeedBrokers(n.addr), kgo.RequestRetries(0), kgo.RetryTimeout(2*time.Second), kgo.DialTimeout(2*time.Second),
		kgo.RequestTimeoutOverhead(2*time.Second))
	if err != nil {
		return kadm.Metadata{}, err
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	return kadm.NewClient(cl).Metadata(ctx, topics...)
}

// addrs are the clients' addresses.
func (c *cluster) addrs() []string {
	var all []string
	for _, n := range c.nodes {
		all = append(all, n.addr)
	}
	return all
}

// others are all brokers but these.
func (c *cluster) others(not ...*node) []*node {
	return slices.DeleteFunc(slices.Clone(c.nodes), func(n *node) bool { return slices.Contains(not, n) })
}

// createTopic creates a topic and waits until each broker that runs knows a leader of every partition.
func (c *cluster) createTopic(t testing.TB, name string, partitions int32) {
	t.Helper()
	c.createTopicWith(t, name, partitions, nil)
}

// createTopicWith is createTopic with settings of the topic.
func (c *cluster) createTopicWith(t testing.TB, name string, partitions int32, settings map[string]*string) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.addrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if _, err := kadm.NewClient(cl).CreateTopic(ctx, partitions, brokers, settings, name); err != nil {
		t.Fatalf("create %s: %v", name, err)
	}
	for _, n := range c.nodes {
		await(t, "leaders of "+name, func() (bool, string) {
			if !n.running() {
				return true, ""
			}
			leaders, err := n.leaders(name)
			return err == nil && len(leaders) == int(partitions) && !slices.Contains(leaders, -1), fmt.Sprint(leaders, err)
		})
	}
}

// leaders are those of a topic's partitions, as this broker has it; -1 where it knows none.
func (n *node) leaders(topic string) ([]int32, error) {
	m, err := n.metadata(topic)
	if err != nil {
		return nil, err
	}
	var leaders []int32
	for _, p := range m.Topics[topic].Partitions.Sorted() {
		leader := p.Leader
		if p.Err != nil {
			leader = -1
		}
		leaders = append(leaders, leader)
	}
	return leaders, m.Topics[topic].Err
}

// chief is the broker that leads most partitions, as one that runs has it.
func (c *cluster) chief(t testing.TB, topic string) *node {
	t.Helper()
	var best *node
	await(t, "a leader", func() (bool, string) {
		counts := map[int32]int{}
		for _, n := range c.nodes {
			if !n.running() {
				continue
			}
			leaders, err := n.leaders(topic)
			if err != nil {
				return false, err.Error()
			}
			for _, id := range leaders {
				counts[id]++
			}
		}
		best = slices.MaxFunc(c.nodes, func(a, b *node) int { return counts[a.id] - counts[b.id] })
		return counts[best.id] > 0 && best.running(), fmt.Sprint(counts)
	})
	return best
}

// await waits until done; what it says last is shown if it never is.
func await(t testing.TB, what string, done func() (bool, string)) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(look) {
		ok, state := done()
		if ok {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("no %s after %s: %s", what, patience, state)
		}
	}
}

// close ends what still runs, and shows the logs of a test that failed.
func (c *cluster) close(t testing.TB) {
	for _, n := range c.nodes {
		if n.running() {
			n.proc.signal(syscall.SIGKILL)
			<-n.proc.ended
		}
	}
	if !t.Failed() {
		return
	}
	for _, n := range c.nodes {
		t.Logf("the last lines of broker %d:\n%s", n.id, tail(n.log, 60))
	}
}
