package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/checker"
	"logd/transport"
)

// client speaks the real protocol over simulated streams. One operation is one value sent once: after an unclear outcome it
// goes on with a new value in a new session, and never retries by itself (W9).
type client struct {
	w        *World
	number   int
	name     string
	role     role
	rng      *rand.Rand
	lines    []*line // its connection to each broker
	leaders  []int   // by partition: index of the broker that leads, or -1
	near     []int   // by partition: of the one that the leader said to read from (KIP-392), or -1
	sessions int64
	values   int
	inflight int
	asking   bool   // for metadata
	turn     func() // acts
	planned  bool
	over     bool
	ids      [][16]byte // topic ids, zero if not known
	seat     seat       // its place in a group
	idem     *idempotent
	fleeting []acquaintance
	last     []lastRead // by partition
	epochs   []int32    // by partition: the leader's, as it was told last; -1: it wasn't
	asked    []int      // by partition: the broker that said last that the client's position is one, -1: none
	read     []int64    // by partition: it has read all from the log start that it was told of up to here
}

// role decides what a client does when it is its turn.
type role interface {
	// act starts the client's next operation.
	act(c *client)
	// done tells that an operation ended.
	done(c *client, k *call)
}

// line is one connection with the requests that wait on it, in order.
type line struct {
	conn    *conn
	node    int
	frames  transport.Frames
	pending []*call
	corr    int32
	session fetchSession
}

// call is one request under way.
type call struct {
	op      checker.Op
	part    int // -1: not of a partition
	key     int16
	version int16
	corr    int32
	line    *line
	ended   bool
	sent    time.Duration
	code    int16 // the answer's error code
	atEnd   bool  // a read, of what nobody knew to be there yet

	earliest bool  // it asks for the log start
	trim     int64 // or to delete what is before this offset
	floor    int64 // the highest log start that any client had been told of when it was asked
	start    int64 // the log start that was answered
	rack     int   // that a read was asked from
	session  bool  // a read by a fetch session
	answered bool
	resp     kmsg.Response
	batch    *sending // of an idempotent producer: the operation is its own

	group string // whose coordinator is asked, or looked for; "": none
	gen   int32  // a commit's
	named bool   // it joins by the id that it was given
	ghost bool   // of who the client was before it crashed

	switches bool    // it leaves its group to come back by the other protocol
	counted  bool    // a description of a group was answered
	members  int     // that it has
	roll     string  // who they are, and its state
	by       serving // a heartbeat's: its group's coordinator when it was asked
	fenced   bool    // it is a commit, or a ghost's heartbeat, that must be refused, by what members were told before it was asked

	topic  int          // number of a fleeting topic, from 1; 0: it isn't about one
	index  int          // partition of that
	life   *life        // that was asked for by its id, or answered; nil: it isn't known
	change *topicChange // it makes or deletes it
	about  *groupSeen   // whose state explains a refusal; nil: that of part

	stands  lastRead // where it stands who asks for an epoch's end: client_epoch.go
	current int32    // and the leader's epoch, as it was told
	reached int64    // and up to where records of the epoch had been read then
	page    []int    // the partitions whose layout was asked for, and the one after them, -1: none
	next    int
	boot    uint64  // of the process whose directory was asked for
	lies    []lying // and what lay in it
}

func (k *call) appends() bool { return k.op.Kind == checker.Append }

// finishers are the numbers of the clients that read everything at the end.
const finishers = 1000

// newClient makes a client, whose number isn't taken.
func newClient(w *World, number int, r role) *client {
	c := &client{w: w, number: number, role: r, sessions: 1, read: make([]int64, w.partitions())}
	c.name, c.turn = fmt.Sprintf("client-%d", c.number), c.acts
	c.rng = stream(w.opt.Seed, streamClient, uint64(c.number))
	c.lines = make([]*line, w.opt.Brokers)
	c.last = make([]lastRead, w.partitions())
	c.leaders, c.near = make([]int, w.partitions()), slices.Repeat([]int{-1}, w.partitions())
	c.epochs, c.asked = slices.Repeat([]int32{-1}, w.partitions()), slices.Repeat([]int{-1}, w.partitions())
	c.ids = make([][16]byte, w.opt.Load.Topics)
	for i := range c.leaders {
		c.leaders[i] = -1
	}
	c.seat = seatOf(number, &w.opt.Load)
	i, _ := slices.BinarySearchFunc(w.clients, number, func(c *client, number int) int { return c.number - number })
	w.clients = slices.Insert(w.clients, i, c) // by number, whenever a story speaks of it first
	return c
}

func (w *World) partitions() int { return w.opt.Load.Topics * w.opt.Load.Partitions }

func (w *World) topic(part int) string { return topicNames[part/w.opt.Load.Partitions] }

var topicNames = [...]string{"orders", "audit"}

func (w *World) partName(part int) string {
	for n := len(w.names); n <= part; n++ {
		w.names = append(w.names, fmt.Sprintf("%s/%d", w.topic(n), n%w.opt.Load.Partitions))
	}
	return w.names[part]
}

// soon plans the client's next turn.
func (c *client) soon(in time.Duration) {
	if c.planned || c.over {
		return
	}
	c.planned = true
	c.w.after(in, c.turn)
}

// acts is the client's turn.
func (c *client) acts() {
	c.planned = false
	if !c.over {
		c.role.act(c)
	}
}

// pause draws a time around mean.
func (c *client) pause(mean time.Duration) time.Duration {
	return mean/2 + time.Duration(c.rng.Int64N(int64(mean)+1))
}

// leader returns the broker to ask about a partition, or asks for metadata first. Now and then it asks any broker.
func (c *client) leader(part int) (node int, ok bool) {
	if c.leaders[part] < 0 {
		c.askMetadata()
		return 0, false
	}
	if c.rng.IntN(50) == 0 {
		return c.rng.IntN(c.w.opt.Brokers), true
	}
	return c.leaders[part], true
}

// send writes a request to a broker; the operation, if it is one, begins here. noAnswer is for acks=0.
func (c *client) send(node int, k *call, req kmsg.Request, noAnswer bool) {
	w := c.w
	l := c.lines[node]
	if l == nil {
		l = &line{node: node}
		l.conn = w.dial(c, w.nodes[node])
		c.lines[node] = l
	}
	l.corr++
	k.corr, k.key, k.version, k.line, k.sent = l.corr, req.Key(), req.GetVersion(), l, w.now
	switch {
	case k.op.Kind == 0:
	case k.topic > 0:
		w.topics.asks(c, k)
	default:
		k.op.Client, k.op.Session, k.op.Partition = int64(c.number), c.sessions, w.partName(k.part)
		w.judge.invoke(&k.op)
		w.markAsked(k, c.number)
	}
	w.watch.sends(c, node, k)
	frame := transport.AppendRequest(c.name, l.corr, req)
	w.trace.bytes(w.now, markClient, c.number, uint64(node)<<32|uint64(uint32(k.key)), frame)
	if w.trace.verbose() {
		w.trace.line(w.now, markClient, "client %d → broker %d: %s v%d %s %v from %d", c.number, w.nodes[node].id, kmsg.NameForKey(k.key), k.version, k.op.Partition, k.op.Values, k.op.From)
	}
	l.conn.up.write(frame)
	if noAnswer {
		l.conn.unanswered = true
		c.end(k, checker.Unknown)
		return
	}
	c.inflight++
	l.pending = append(l.pending, k)
	timeout := w.opt.Load.Timeout
	if k.key == int16(kmsg.JoinGroup) || k.key == int16(kmsg.SyncGroup) {
		timeout += 10 * time.Second // they wait for other members
	}
	w.queue.deadline(w.now+timeout, func() {
		if !k.ended {
			switch what := fmt.Sprintf("doesn't answer within %v", timeout); {
			case k.group != "":
				w.refusedCoordinator(k, codeNone, what)
			case k.topic > 0:
				w.topics.judgeRefusal(k, what)
			default:
				w.refused(k, codeNone, what)
			}
			c.drop(k.line)
		}
	})
}

// receive takes bytes of a connection, cut anywhere.
func (c *client) receive(cn *conn, b []byte) {
	l := c.lineOf(cn)
	if l == nil {
		return
	}
	l.frames.Feed(b)
	for {
		frame, ok, err := l.frames.Next()
		if err != nil {
			c.w.violate(BadResponse, "client %d: %v", c.number, gist(err))
		}
		if !ok || err != nil {
			return
		}
		c.response(l, frame)
		if c.lines[l.node] != l {
			return
		}
	}
}

func (c *client) response(l *line, frame []byte) {
	w := c.w
	if len(l.pending) == 0 {
		w.violate(BadResponse, "client %d gets %d bytes from broker %d, and nothing was asked", c.number, len(frame), l.node+1)
		return
	}
	k := l.pending[0]
	corr, resp, err := w.decoded.response(frame, k.key, k.version)
	switch {
	case corr != k.corr:
		w.violate(ResponseOrder, "client %d gets the response to request %d of broker %d, its next one is %d", c.number, corr, l.node+1, k.corr)
		return
	case err != nil:
		w.violate(BadResponse, "client %d, %s version %d: %v", c.number, kept(kmsg.NameForKey(k.key)), k.version, gist(err))
		return
	}
	l.pending = l.pending[1:]
	c.inflight--
	k.resp = resp
	c.answered(k)
}

// answered settles what a response says.
func (c *client) answered(k *call) {
	if k.topic > 0 {
		c.end(k, c.met(k))
		return
	}
	outcome := checker.OK
	switch resp := k.resp.(type) {
	case *kmsg.MetadataResponse:
		c.metadata(k, resp)
	case *kmsg.CreateTopicsResponse:
		c.created(resp, k)
	case *kmsg.ProduceResponse:
		outcome = c.produced(k, resp)
	case *kmsg.InitProducerIDResponse:
		c.gotID(k, resp)
	case *kmsg.FetchResponse:
		outcome = c.fetched(k, resp)
	case *kmsg.ListOffsetsResponse:
		outcome = c.listed(k, resp)
	case *kmsg.OffsetForLeaderEpochResponse:
		outcome = c.toldEnd(k, resp)
	case *kmsg.DescribeTopicPartitionsResponse:
		outcome = c.layout(k, resp)
	case *kmsg.DescribeLogDirsResponse:
		outcome = c.dirs(k, resp)
	case *kmsg.DeleteRecordsResponse:
		if !c.trimmed(k, resp) {
			outcome = checker.Unknown // a leader that has lost its place may have proposed it
		}
	default:
		outcome = c.heard(k)
	}
	switch what := refusalCodes[k.code]; {
	case k.group != "":
		c.w.refusedByGroup(k)
	case what != "" && k.key != int16(kmsg.Metadata) && k.key != int16(kmsg.DescribeTopicPartitions):
		c.w.refused(k, k.code, "answers "+what)
	}
	if c.w.violation != nil {
		return
	}
	if k.part >= 0 && outcome != checker.OK {
		c.leaders[k.part], c.near[k.part] = -1, -1
	}
	c.consumed(k, outcome)
	c.end(k, outcome)
}

// end closes a call.
func (c *client) end(k *call, outcome checker.Outcome) {
	w := c.w
	k.ended = true
	if k.batch != nil {
		k.batch.flying--
	}
	if k.key == int16(kmsg.InitProducerID) {
		c.producer().asking = false
	}
	w.watch.returns(k, outcome)
	if k.op.Kind != 0 {
		k.op.Outcome = outcome
		if k.topic > 0 {
			k.op.Ret = int64(w.now)
		} else {
			w.judge.complete(&k.op)
			w.markEnded(k, c.number)
		}
		c.tally(k)
		if outcome == checker.Unknown {
			c.sessions++
		}
	}
	if w.trace.verbose() {
		w.trace.line(w.now, markClient, "client %d: %s %s %v is %v, code %d, off %d, %d values", c.number, kmsg.NameForKey(k.key), k.op.Partition, k.op.ID, outcome, k.code, k.op.Off, len(k.op.Values))
	}
	if k.key == int16(kmsg.Metadata) {
		c.asking = false
		if r, ok := c.role.(*closer); ok {
			r.found(c)
		}
		c.soon(c.pause(retryAfter))
		return
	}
	c.role.done(c, k)
}

func (c *client) tally(k *call) {
	w := c.w
	switch k.op.Kind {
	case checker.Append:
		w.count[[...]Count{0, CountAcked, CountFailed, CountUnknown}[k.op.Outcome]]++
		if k.op.Outcome == checker.OK {
			w.count[CountAckedRecords] += int64(len(k.op.Values))
		}
	case checker.Read:
		w.count[CountReads]++
		w.count[CountRecordsRead] += int64(len(k.op.Values))
	case checker.Tail:
		w.count[CountTails]++
	}
}

// drop gives a connection up: everything on it has an unclear outcome.
func (c *client) drop(l *line) {
	l.conn.hangUp()
	c.lost(l)
}

// closed: the broker's end is gone.
func (c *client) closed(cn *conn) {
	if l := c.lineOf(cn); l != nil {
		c.lost(l)
	}
}

func (c *client) lost(l *line) {
	if c.lines[l.node] == l {
		c.lines[l.node] = nil
	}
	pending := l.pending
	l.pending = nil
	if c.seat.node == l.node {
		c.seat.node = -1
	}
	for part, node := range c.leaders {
		if node == l.node {
			c.leaders[part] = -1
		}
		if c.near[part] == l.node {
			c.near[part] = -1
		}
	}
	for i := range c.fleeting {
		for index, node := range c.fleeting[i].leaders {
			if node == l.node {
				c.fleeting[i].leaders[index] = -1
			}
		}
	}
	for _, k := range pending {
		c.inflight--
		outcome := checker.Unknown
		if k.op.Kind != checker.Append && k.op.Kind != checker.Trim && k.op.Kind != checker.Commit {
			outcome = checker.Failed // a read without an answer showed nothing
		}
		c.end(k, outcome)
	}
	c.sessions++
}

func (c *client) lineOf(cn *conn) *line {
	if l := c.lines[cn.node.index]; l != nil && l.conn == cn {
		return l
	}
	return nil
}

// retryAfter is how long a client waits, about, before it turns to a partition again that refused it.
const retryAfter = 40 * time.Millisecond
