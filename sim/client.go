package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/checker"
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
	asked    []int      // by partition: the broker that last confirmed the client's position (KIP-320), -1: none
	read     []int64    // by partition: it has read all from the log start that it was told of up to here
}

// role decides what a client does when it is its turn.
type role interface {
	// act starts the client's next operation.
	act(c *client)
	// done tells that an operation ended.
	done(c *client, k *call)
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

	earliest bool // it asks for the log start
	byTime   bool // or for an offset by its time: stamp, or the newest
	newest   bool
	stamp    int64
	trim     int64 // or to delete what is before this offset
	floor    int64 // the highest log start that any client had been told of when it was asked
	start    int64 // the log start that was answered
	rack     int   // that a read was asked from
	session  bool  // a read by a fetch session
	answered bool
	resp     kmsg.Response
	crc      uint32   // of the batch that it appends
	batch    *sending // of an idempotent producer: the operation is its own
	offer    *offer   // what it gave a broker to append

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
	boot    uint64        // of the process whose directory was asked for
	held    []heldReplica // and what lay in it
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

// askNow sends a request at once.
func (c *client) askNow(a request) {
	switch a.kind {
	case askAppend:
		c.askAppend(a)
	case askRead:
		c.askRead(a)
	case askTail:
		c.askTail(a)
	case askStart:
		c.askStart(a)
	case askTime, askNewest:
		c.askTime(a)
	case askTrim:
		c.askTrim(a)
	case askMetadata:
		c.askLeaders(a)
	case askEpoch:
		c.askEpoch(a)
	case askLayout:
		c.askLayout(a)
	case askDirs:
		c.askDirs(a)
	case askDie:
		c.die(returning(a.at))
	case askProducer:
		c.askID(a)
	case askBump:
		c.bump()
	case askSend:
		c.askNew(a)
	case askResend:
		c.askAgain(a)
	case askCreate, askDelete, askTopic, askPut, askGet, askEnd:
		c.askFleeting(a)
	default:
		c.askGroups(a)
	}
}

// ask has a client ask: as a decision of the run if the run is drawn and storms, else at once, as all that the setup and the
// calm ask, and the clients of stories.
func (c *client) ask(a request) {
	a.client = c.number
	if c.w.drawn() && c.w.phase == phaseStorm {
		c.w.decide(a)
		return
	}
	c.askNow(a)
}

// client finds a client by number; one that a story speaks of for the first time is made.
func (w *World) client(number int) *client {
	for _, c := range w.clients {
		if c.number == number {
			return c
		}
	}
	return newClient(w, number, mute{})
}
