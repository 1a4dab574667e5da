package replica

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"testing"

	"logd/log"
	"logd/log/osfs"

	pb "go.etcd.io/raft/v3/raftpb"
	"pgregory.net/rapid"
)

// node is one broker with one replica of group 7, its disk's wal lane held back while stuck.
type node struct {
	t     rapid.TB
	id    uint64
	fs    log.FS
	store *log.Store
	g     *Group
	lanes [log.Lanes]*log.Runner
	plans [log.Lanes]*log.Plan
	stuck bool
	plain bool
	state []byte   // of a plain group's state machine: all commands
	peers []uint64 // the voters that its group was created with
	got   []string // applied payload sizes, as index:offset
	notes []string
}

// cluster is three nodes and the messages between them.
type cluster struct {
	t      rapid.TB
	nodes  map[uint64]*node
	queue  []*pb.Message
	drop   func(*pb.Message) bool
	tamper func(*pb.Message) // with what arrives
	seen   []*pb.Message     // everything that left a node
}

const testGroup = 7

var testOptions = log.Options{WALFiles: 2, WALFileBytes: 256 << 10, GroupBytes: 64 << 10, SegmentBytes: 1 << 20, IndexBytes: 4096}

func newCluster(t *testing.T, n int) *cluster {
	return newClusterIn(t, n, t.TempDir, false)
}

// newClusterIn makes a cluster whose disks are in directories that dir makes; a plain one's log is of commands.
func newClusterIn(t rapid.TB, n int, dir func() string, plain bool) *cluster {
	c := &cluster{t: t, nodes: map[uint64]*node{}}
	var ids []uint64
	for i := 1; i <= n; i++ {
		ids = append(ids, ID(int32(i), uint32(i)))
	}
	for i := range n {
		fs, err := osfs.New(dir(), osfs.Options{UnsafeNoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		id := log.Identity{Broker: int32(i + 1), Incarnation: 5, Shards: 1}
		if err := log.Format(fs, id, testOptions); err != nil {
			t.Fatal(err)
		}
		nd := &node{t: t, id: ids[i], fs: fs, peers: ids, plain: plain}
		nd.open(func(s *log.Store) {
			s.Create(testGroup, nil, log.Mark{Index: 1, Term: 1, Conf: Voters(ids...)})
		})
		c.nodes[ids[i]] = nd
	}
	return c
}

// open starts the node from its disk; create is for a replica that is not there yet.
func (n *node) open(create func(*log.Store)) {
	store, rec, err := log.Open(n.fs, log.Identity{Broker: Broker(n.id), Incarnation: 5, Shards: 1}, testOptions)
	if err != nil {
		n.t.Fatal(err)
	}
	n.store, n.plans, n.got = store, [log.Lanes]*log.Plan{}, nil
	for l := range n.lanes {
		n.lanes[l] = log.NewRunner(n.fs)
	}
	g := log.Group{ID: testGroup}
	if create != nil {
		create(store)
		g.Mark = log.Mark{Index: 1, Term: 1, Conf: Voters(n.peers...)}
	} else {
		g = rec.Groups[0]
	}
	cfg := Config{Group: testGroup, ID: n.id, Boot: 9, Limits: Limits{ElectionTicks: 10, HeartbeatTicks: 1, MessageBytes: 4096,
		InflightMessages: 8, UncommittedBytes: 1 << 20, TransferTicks: 20}}
	if n.plain {
		n.state = bytes.Clone(g.Mark.App)
		cfg.Plain, cfg.App = true, func() []byte { return bytes.Clone(n.state) }
	}
	n.g, err = New(cfg, store, g)
	if err != nil {
		n.t.Fatal(err)
	}
}

// turn collects, runs what the disk has to do unless it is stuck, applies, and returns the messages.
func (n *node) turn() []*pb.Message {
	var out Out
	n.turnInto(&out)
	n.apply(&out)
	return out.Messages
}

// turnInto is turn but for applying.
func (n *node) turnInto(out *Out) []*pb.Message {
	for moved := true; moved; {
		moved = false
		n.g.Collect(out)
		for lane := range log.Lanes {
			p, ok := n.store.Plan(lane)
			if ok {
				n.plans[lane] = &p
			}
			if n.plans[lane] != nil && !(n.stuck && lane == log.LaneWAL) {
				d := n.lanes[lane].Run(*n.plans[lane])
				n.plans[lane] = nil
				if err := n.store.Done(d); err != nil {
					n.t.Fatal(err)
				}
				moved = true
			}
		}
	}
	return out.Messages
}

func (n *node) apply(out *Out) {
	if out.Installed != nil {
		n.state = bytes.Clone(out.Installed.App)
	}
	for _, e := range out.Applied {
		if n.plain {
			n.state = append(n.state, e.Data...)
			continue
		}
		b, _, _ := log.ParseBatch(e.Data)
		n.got = append(n.got, fmt.Sprintf("%d:%d", e.GetIndex(), b.BaseOffset))
	}
	n.notes = append(n.notes, out.Notes...)
}

// run delivers messages until nothing moves.
func (c *cluster) run() {
	for range 10_000 {
		for i := 1; i <= len(c.nodes); i++ {
			ms := c.nodes[ID(int32(i), uint32(i))].turn()
			c.queue, c.seen = append(c.queue, ms...), append(c.seen, ms...)
		}
		if len(c.queue) == 0 {
			return
		}
		m := c.queue[0]
		c.queue = c.queue[1:]
		if c.drop != nil && c.drop(m) {
			continue
		}
		decoded, err := DecodeMessage(join(AppendMessage(nil, m)))
		if err != nil {
			c.t.Fatal(err)
		}
		if c.tamper != nil {
			c.tamper(decoded)
		}
		var out Out
		n := c.nodes[m.GetTo()]
		n.g.Step(decoded, &out)
		c.queue = append(c.queue, out.Messages...)
	}
	c.t.Fatal("no end of messages")
}

func (c *cluster) tick() {
	for i := 1; i <= len(c.nodes); i++ {
		c.nodes[ID(int32(i), uint32(i))].g.Tick()
	}
	c.run()
}

// flushAll has all flush what they may, and give up what the ring asks for, as shards do.
func (c *cluster) flushAll() {
	for _, id := range sortedKeys(c.nodes) {
		n := c.nodes[id]
		n.g.Flush(1 << 20)
		for _, h := range n.store.Reclaim() {
			if h.Copy {
				n.g.Copy(h.Last)
			}
		}
	}
	c.run()
}

func (c *cluster) node(i int32) *node { return c.nodes[ID(i, uint32(i))] }

// lead makes a node leader.
func (c *cluster) lead(i int32) *node {
	c.t.Helper()
	n := c.node(i)
	n.g.Campaign()
	c.run()
	if !n.g.Serving() {
		c.t.Fatalf("node %d does not lead", i)
	}
	return n
}

// propose appends one batch of n records at a leader.
func (n *node) propose(records int) Proposal {
	n.t.Helper()
	term, _ := n.g.Leading()
	p, err := n.g.Propose(term, [][]byte{testBatch(records)})
	if err != nil {
		n.t.Fatal(err)
	}
	return p
}

func join(bufs [][]byte) []byte {
	var b []byte
	for _, p := range bufs {
		b = append(b, p...)
	}
	return b
}

// testBatch is a batch of so many records, 100 bytes of payload that no one looks into.
func testBatch(records int) []byte { return sizedBatch(records, 100, 0) }

// sizedBatch is one with a payload of so many bytes, filled with what a number makes of each place.
func sizedBatch(records, size int, fill uint64) []byte {
	b := make([]byte, 61, 61+size+8)
	be := binary.BigEndian
	for len(b) < 61+size {
		b = be.AppendUint64(b, fill*uint64(len(b)))
	}
	b = b[:61+size]
	be.PutUint32(b[8:], uint32(len(b)-12))
	b[16] = 2
	be.PutUint32(b[23:], uint32(records-1))
	be.PutUint64(b[43:], ^uint64(0))
	be.PutUint16(b[51:], ^uint16(0))
	be.PutUint32(b[53:], ^uint32(0))
	be.PutUint32(b[57:], uint32(records))
	be.PutUint32(b[17:], crc32.Checksum(b[21:], castagnoli))
	return b
}

func cut(t rapid.TB, data []byte, from int64) []byte {
	t.Helper()
	b, _, err := log.CutBatches(data, from, 200, true)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
