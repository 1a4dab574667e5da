package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync/atomic"
	"syscall"
	"time"

	"logd/broker"
	"logd/log"
	"logd/log/osfs"
	"logd/transport"
	"logd/transport/tcp"
)

const (
	peerFrames = 4 // envelopes of one of them that wait for their shard
	// maxEnvelope is the most bytes of one: an entry of the greatest size, broker.Limits.EnvelopeBytes of messages, and their heads.
	maxEnvelope = broker.MaxEntryBytes + 8<<20
	maxBegun    = 16 << 20 // bytes of unfinished envelopes on all connections; over it, large ones are closed
	smallBegun  = 1 << 20
	helloWait   = 5 * time.Second  // a peer connection that has said nothing by then is closed
	stopWait    = 10 * time.Second // of a stopping broker, for leaderships to move and requests to end
	drainWait   = 3 * time.Second  // then, for responses to leave
	drainCheck  = 5 * time.Millisecond
	partingWait = 20 * time.Millisecond // after a failure, for what a shard said last
)

// node is a broker's process but its flags and its files: sockets, links, and one loop per shard.
type node struct {
	broker      int32
	incarnation uint64
	boot        uint64
	log         *slog.Logger
	net         *tcp.Net
	loops       []*loop
	next        atomic.Uint64 // client connections go to shards in turn
	begun       atomic.Int64  // bytes of unfinished envelopes
	notes       *noter
}

// newNode makes a node around shards; each has its own tree in fs, at the same place.
func newNode(id int32, incarnation, boot uint64, limits tcp.Limits, shards []stepper, fs []log.FS, logger *slog.Logger, start time.Time) *node {
	n := &node{broker: id, incarnation: incarnation, boot: boot, log: logger, net: tcp.New(limits, logger)}
	for i, s := range shards {
		n.loops = append(n.loops, newLoop(i, s, fs[i], logger, start))
	}
	for _, l := range n.loops {
		l.mates = n.loops
	}
	return n
}

// run serves until ctx is done and every shard has stopped, or stopWait is over. The error is that of a shard that halted.
func (n *node) run(ctx context.Context, clients, peers net.Listener, addrs map[int32]string, most connLimits) error {
	quit := make(chan struct{})
	ended := make(chan error, len(n.loops))
	stopped := make(chan int, len(n.loops))
	for i, l := range n.loops {
		l.files = most.files
		n.dial(l, addrs)
		said := false
		go func() {
			ended <- l.run(quit, func() {
				if !said {
					said = true
					stopped <- i
				}
			})
		}()
	}
	go n.net.Serve(clients, most.clients, n.net.Limits().Idle, n.client)
	go n.net.Serve(peers, most.peers, 0, n.peer)
	defer peers.Close()
	defer clients.Close()
	left := len(n.loops) // that run
	var err error
	select {
	case err = <-ended:
		left--
	case <-ctx.Done():
		clients.Close() // an error means that it is closed
		err = n.stop(stopped, ended, &left)
	}
	close(quit)
	for ; left > 0; left-- {
		err = errors.Join(err, <-ended)
	}
	if err != nil {
		time.Sleep(partingWait) // the last envelopes hand leaderships over
	}
	for _, l := range n.loops {
		for _, link := range l.links { // order: they are independent
			link.Close()
		}
	}
	n.net.Close(errEnd) // also what has said nothing yet: the process may go on with another directory
	return err
}

// settle waits until no lane writes any more, after run.
func (n *node) settle() {
	for _, l := range n.loops {
		l.working.Wait()
	}
}

// stop asks all shards to stop, and waits until they have, and until what they sent has left.
func (n *node) stop(stopped <-chan int, ended <-chan error, running *int) error {
	for _, l := range n.loops {
		l.in.put(item{ev: broker.Stop{}})
	}
	deadline := time.After(stopWait)
	for left := len(n.loops); left > 0; {
		select {
		case err := <-ended:
			*running--
			return err
		case <-stopped:
			left--
		case <-deadline:
			n.log.Warn("stopping although something is in flight", "waited", stopWait, "shards_not_done", left)
			left = 0
		}
	}
	for end := time.Now().Add(drainWait); n.net.Queued() > 0 && time.Now().Before(end); {
		time.Sleep(drainCheck)
	}
	return nil
}

// watchSpace makes what looks after the room on the data directory's disk; every loop tells it when a write finds none.
func (n *node) watchSpace(tree *osfs.FS, c *config, logger *slog.Logger) (*spaceWatch, error) {
	r, err := holdReserve(c.data, reserveBytes)
	if err != nil && !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EDQUOT) {
		return nil, fmt.Errorf("data directory %s: %w", c.data, err)
	}
	w := newSpaceWatch(tree.Space, c.minFree, r, logger)
	for _, l := range n.loops {
		l.full = w.full
	}
	return w, nil
}

// dial starts a shard's links to the other brokers. A connection begins with an empty envelope that says who we are.
func (n *node) dial(l *loop, addrs map[int32]string) {
	for id, addr := range addrs { // order: links are independent
		if id == n.broker {
			continue
		}
		h := transport.Header{From: n.broker, Incarnation: n.incarnation, Shard: uint16(l.index), Boot: n.boot, To: id}
		hello := transport.AppendEnvelope(nil, h, nil)[0]
		l.links[id] = n.net.Dial(addr, hello, n.log.With("peer", id))
	}
}

// client gives a client's connection to a shard.
func (n *node) client(c *tcp.Conn) tcp.Sink {
	l := n.loops[n.next.Add(1)%uint64(len(n.loops))]
	id := broker.ConnID(c.ID)
	l.in.put(item{ev: broker.ConnOpened{Conn: id, Remote: c.Remote}, conn: c})
	return clientSink{l.in, id}
}

type clientSink struct {
	in *inbox
	id broker.ConnID
}

func (s clientSink) Data(b *tcp.Buf) {
	s.in.put(item{ev: broker.ConnData{Conn: s.id, Data: b.Bytes}, free: b.Release})
}

func (s clientSink) Closed(error) { s.in.put(item{ev: broker.ConnClosed{Conn: s.id}}) }

// peer takes a connection that another broker made.
func (n *node) peer(c *tcp.Conn) tcp.Sink {
	late := time.AfterFunc(helloWait, func() { c.Abort(errors.New("no hello")) })
	return &peerSink{node: n, conn: c, late: late, room: make(chan struct{}, peerFrames), frames: *transport.NewFrames(maxEnvelope)}
}

// peerSink cuts envelopes for the shard that has the number of the sender's, where there is one: it is likely to own their
// groups. That number, and that it is a peer at all, is known from the hello; before it nothing larger is taken in.
type peerSink struct {
	node   *node
	conn   *tcp.Conn
	late   *time.Timer
	hello  []byte
	in     *inbox // nil before the hello
	frames transport.Frames
	begun  int           // bytes of the envelope that is not all here yet
	known  bool          // its heads are here, and of one of its length
	room   chan struct{} // a token per frame that waits for the shard (D3)
}

func (s *peerSink) Data(b *tcp.Buf) {
	data := b.Bytes
	if s.in == nil {
		n := min(transport.EmptyEnvelope-len(s.hello), len(data))
		s.hello, data = append(s.hello, data[:n]...), data[n:]
		if len(s.hello) == transport.EmptyEnvelope {
			s.greet()
		}
	}
	if s.in != nil {
		s.frames.Feed(data)
	}
	b.Release()
	s.count(s.frames.Pending())
	for {
		frame, ok, err := s.frames.Next()
		if err != nil {
			s.refuse(err)
		}
		if !ok {
			s.check()
			return
		}
		s.known = false
		s.room <- struct{}{}
		s.in.put(item{ev: broker.PeerFrame{Conn: broker.ConnID(s.conn.ID), Data: frame}, conn: s.conn, free: func() { <-s.room }})
	}
}

// check ends a connection on which an envelope begins that isn't of its length: what follows would be taken for its bodies.
func (s *peerSink) check() {
	if s.known {
		return
	}
	known, err := transport.CheckBegun(s.frames.Begun())
	if s.known = known; err != nil {
		s.refuse(err)
	}
}

// count keeps count of what unfinished envelopes hold on all connections, and closes the one that takes it over the bound,
// unless it holds nearly all: one envelope as great as may be is always taken.
func (s *peerSink) count(begun int) {
	all := s.node.begun.Add(int64(begun - s.begun))
	s.begun = begun
	if all > maxBegun && begun > smallBegun && all-int64(begun) > smallBegun {
		s.refuse(fmt.Errorf("unfinished envelopes hold %d bytes, the limit is %d; this one has sent %d so far", all, maxBegun, begun))
	}
}

func (s *peerSink) greet() {
	h, err := transport.ParseHello(s.hello)
	if err == nil && h.From != broker.ToolID && h.To != s.node.broker {
		err = fmt.Errorf("broker %d means broker %d, this is broker %d: check --peers of both", h.From, h.To, s.node.broker)
	}
	if err != nil {
		s.refuse(err)
		return
	}
	s.late.Stop()
	s.in = s.node.loops[int(h.Shard)%len(s.node.loops)].in
}

func (s *peerSink) refuse(err error) {
	s.node.log.Warn("closing a peer's connection", "remote", s.conn.Remote, "err", err)
	s.conn.Abort(err)
}

func (s *peerSink) Closed(error) {
	s.count(0)
	s.late.Stop()
	if s.in != nil {
		s.in.put(item{conn: s.conn})
	}
}
