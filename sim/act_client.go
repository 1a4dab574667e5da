package sim

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/checker"
	"logd/transport"
)

// request is one thing that a client asks of a broker. It is built when it is sent: values get their names then.
type request struct {
	client  int
	kind    requestKind
	part    int // -1 for metadata
	node    int
	version int16
	records int           // append: so many values
	size    int           // of so many bytes each
	acks    int16         // as on the wire
	late    time.Duration // append: its producer is cut off and gives up at once; what it wrote arrives so much later, on another connection
	at      int64         // read from here, trim to here
	wait    time.Duration // read: longest wait of the broker
	most    int32         // read: bytes of the response
	mostOf  int32         // of the partition in it
	rack    int           // read: number of the rack that the client is in, from 1; 0: it doesn't say
	session bool          // read: by a fetch session, new or old

	topic  int  // a fleeting topic
	index  int  // its partition
	copies int  // create: replicas; records is the partitions, size which other settings, at retention.bytes
	byID   bool // delete
}

type requestKind uint8

const (
	askAppend requestKind = iota
	askRead
	askTail
	askStart
	askTrim
	askMetadata
	askEpoch    // where the epoch ends that it read last
	askLayout   // of partitions, from that of number at in their order on
	askDirs     // what lies in a broker's directory
	askProducer // restarts the client, which asks for a producer id
	askBump     // it raises its producer's epoch
	askSend     // and sends a batch that it will send again
	askResend   // and does

	askCoordinator // from here on of a consumer: client_group.go
	askJoin
	askSync
	askBeat
	askLeave
	askCommit
	askOffset
	askGhost  // a commit in the name of who it was before it crashed
	askCrash  // nothing is asked: it forgets who it is
	askMember // a heartbeat of the new protocol
	askGhostBeat
	askProcess // nothing is asked: it processes what it was given
	askDie     // nothing: any client ends with all that it has under way, and comes back

	askCreate // from here on of a fleeting topic: client_fleeting.go
	askDelete
	askTopic
	askPut
	askGet
	askEnd
)

var requestNames = [...]string{"append", "read", "tail", "start-of", "trim", "metadata", "epoch-end", "layout", "log-dirs", "producer", "bump", "send", "resend",
	"coordinator", "join", "sync", "heartbeat", "leave", "commit", "offset", "ghost-commit", "forget", "member-heartbeat", "ghost-heartbeat", "process", "crash", "create", "delete", "topic", "put", "get", "end-of"}

// ofPartition tells whether it asks about a partition.
func (k requestKind) ofPartition() bool {
	switch k {
	case askMetadata, askLayout, askDirs, askProducer, askBump, askCoordinator, askJoin, askSync, askBeat, askLeave, askCrash, askMember, askGhostBeat, askDie:
		return false
	}
	return !k.ofFleeting()
}

// ofFleeting tells whether it asks about a fleeting topic.
func (k requestKind) ofFleeting() bool { return k >= askCreate }

// atUsual stands for the place that a producer would go on at, whatever it sent before: the next sequence for a batch, the first batch
// that isn't settled for one that is sent again. So a story's batch doesn't need those before it.
const atUsual = -1

// usual is what a story calls that place, "" where there is none.
func (k requestKind) usual() string {
	switch k {
	case askSend:
		return "next"
	case askResend:
		return "first"
	}
	return ""
}

// place is where it asks, as a story says it.
func (a request) place() string {
	if a.at == atUsual {
		return a.kind.usual()
	}
	return strconv.FormatInt(a.at, 10)
}

// usually is the sequence of atUsual, if there is one.
func (c *client) usually(a request) int64 {
	if a.kind == askSend {
		next, _ := c.nextSequence(a.part)
		return next
	}
	for _, b := range c.producer().live {
		if b.k.part == a.part {
			return int64(b.first)
		}
	}
	return atUsual
}

// do sends it. What would make a sound broker look wrong isn't asked: to read beyond what is known to be there (S13), and to
// trim what this client hasn't read (T1), or to leave without an id. A drawn run asks none of it.
func (a request) do(w *World) error {
	c := w.client(a.client)
	if c.over {
		return fmt.Errorf("client %d has gone", c.number)
	}
	if a.at == atUsual {
		a.at = c.usually(a)
	}
	switch a.kind {
	case askCreate:
		if w.budgeted() && !w.mayMake(a.copies) {
			return fmt.Errorf("%w: %d replicas may be where most are lost", ErrBudget, a.copies)
		}
	case askGet:
		if l := c.knows(a.topic).life; l != nil && a.at > l.length(a.index) {
			return fmt.Errorf("%s isn't known to have offset %d", labelledLife(l, a.index), a.at)
		}
	case askRead:
		if a.at > w.views.known[a.part] {
			return fmt.Errorf("%s isn't known to have offset %d", w.partName(a.part), a.at)
		}
	case askEpoch:
		if err := a.mayAsk(c); err != nil {
			return err
		}
	case askTrim:
		if w.budgeted() && a.at > c.read[a.part] {
			return fmt.Errorf("client %d has read %s up to %d", c.number, w.partName(a.part), c.read[a.part])
		}
	case askBump:
		if p := c.producer(); !p.has || p.epoch == math.MaxInt16 {
			return fmt.Errorf("client %d has no producer id, or no higher epoch", c.number)
		}
	case askResend:
		if c.unsettled(a.part, a.at) == nil {
			return fmt.Errorf("client %d has no batch of sequence %d that isn't settled", c.number, a.at)
		}
	case askSend:
		if p := c.producer(); !p.has || len(p.live) >= inFlight {
			return fmt.Errorf("client %d has no producer id, or %d batches that aren't settled", c.number, inFlight)
		}
		if next, ok := c.nextSequence(a.part); ok && w.budgeted() && a.at != next {
			return fmt.Errorf("client %d has sequence %d of %s next", c.number, next, w.partName(a.part))
		}
		if w.budgeted() && w.retains(a.part) && a.records > 1 {
			return fmt.Errorf("batches of %s have one record (T2)", w.partName(a.part))
		}
	case askLeave:
		if c.seat.modern && c.seat.id == "" {
			return fmt.Errorf("client %d is no member", c.number)
		}
	case askCommit, askGhost:
		if err := a.mayCommit(c); err != nil && w.budgeted() {
			return err
		}
	case askAppend:
		if w.budgeted() && w.retains(a.part) && a.records > 1 {
			return fmt.Errorf("batches of %s have one record (T2)", w.partName(a.part))
		}
	}
	c.ask(a)
	return nil
}

// ask sends a request at once.
func (c *client) ask(a request) {
	switch a.kind {
	case askAppend:
		c.askAppend(a)
	case askRead:
		c.askRead(a)
	case askTail:
		c.askTail(a)
	case askStart:
		c.askStart(a)
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

// asks has a client ask: as a decision of the run if the run is drawn and storms, else at once, as all that the setup and the
// calm ask, and the clients of stories.
func (c *client) asks(a request) {
	a.client = c.number
	if c.w.drawn() && c.w.phase == phaseStorm {
		c.w.decide(a)
		return
	}
	c.ask(a)
}

// die ends all that a client has under way, with unclear outcomes. It comes back with a new session, and new values.
func (c *client) die(back returning) {
	c.w.count[CountClientCrashes]++
	for _, l := range c.lines {
		if l != nil {
			c.drop(l)
		}
	}
	if p := c.idem; p != nil && p.has && back != returnsConnected {
		c.renounce()
		if c.w.markLoad(MarkProducerReborn); back == returnsBumped && p.epoch < math.MaxInt16 {
			c.bump()
			return
		}
		p.has, p.id = false, 0
	}
}

// returning is as what an idempotent producer's client comes back that has crashed.
type returning int64

const (
	returnsNew       returning = iota // it knows nothing, and asks for a new id
	returnsBumped                     // it has kept its id, and raises its epoch (KIP-360)
	returnsConnected                  // only its connections were lost: it goes on
	returnings
)

// drawReturn draws for clients that are producers; others come back in one way.
func (c *client) drawReturn() int64 {
	if c.idem == nil {
		return 0
	}
	return c.rng.Int64N(int64(returnings))
}

// crashClient has one of those that append or read crash, most often one with something under way.
func (f *nemesis) crashClient() {
	all := f.w.clients
	c := all[f.rng.IntN(len(all))]
	for range 4 {
		if c.inflight > 0 {
			break
		}
		c = all[f.rng.IntN(len(all))]
	}
	if !c.over {
		f.w.decide(request{client: c.number, kind: askDie, part: -1, at: c.drawReturn()})
	}
}

// sendLate is a zombie's append: whoever sent it has given up, and a network that held it back delivers it on a connection of
// nobody's. It is one value sent once, and may take effect whenever it arrives (S15).
func (c *client) sendLate(node int, k *call, req kmsg.Request, late time.Duration) {
	w := c.w
	w.count[CountLate]++
	k.op.Client, k.op.Session, k.op.Partition = int64(c.number), c.sessions, w.partName(k.part)
	k.line = &line{node: node}
	w.judge.invoke(&k.op)
	w.markAsked(k, c.number)
	frame := transport.AppendRequest(c.name, 1, req)
	w.trace.bytes(w.now, markClient, c.number, uint64(node), frame)
	c.end(k, checker.Unknown)
	for _, v := range k.op.Values {
		w.lates[v] = true
	}
	w.zombies++
	w.after(late, func() {
		w.zombies--
		w.intrude(w.nodes[node], frame, lateStays)
	})
}

// lateStays is how long a zombie's connection stays.
const lateStays = time.Second

// client finds a client by number; one that a story speaks of for the first time is made.
func (w *World) client(number int) *client {
	for _, c := range w.clients {
		if c.number == number {
			return c
		}
	}
	return newClient(w, number, mute{})
}

// mute is the role of a client that does nothing by itself.
type mute struct{}

func (mute) act(*client)         {}
func (mute) done(*client, *call) {}

var acksNames = map[int16]string{-1: "all", 0: "none", 1: "leader"}

func (a request) text(w *World) string {
	var b strings.Builder
	fmt.Fprintf(&b, "client %d %s", a.client, requestNames[a.kind])
	if a.kind == askDie {
		if a.at > 0 {
			fmt.Fprintf(&b, " at=%d", a.at)
		}
		return b.String()
	}
	if a.kind.ofPartition() {
		b.WriteString(" " + w.partName(a.part))
	}
	if a.kind == askBump {
		return b.String()
	}
	if a.kind.ofFleeting() {
		b.WriteString(" " + labelled(a.topic, a.index))
	}
	fmt.Fprintf(&b, " on=%d v=%d", w.nodes[a.node].id, a.version)
	switch a.kind {
	case askAppend:
		fmt.Fprintf(&b, " records=%d size=%d acks=%s", a.records, a.size, acksNames[a.acks])
		if a.late > 0 {
			fmt.Fprintf(&b, " late=%v", a.late)
		}
	case askRead:
		fmt.Fprintf(&b, " at=%d wait=%v bytes=%d of=%d", a.at, a.wait, a.most, a.mostOf)
		if a.rack > 0 {
			fmt.Fprintf(&b, " rack=%d", a.rack)
		}
		if a.session {
			b.WriteString(" session")
		}
	case askSend, askPut:
		fmt.Fprintf(&b, " records=%d size=%d at=%s", a.records, a.size, a.place())
	case askGet:
		fmt.Fprintf(&b, " at=%d wait=%v bytes=%d of=%d", a.at, a.wait, a.most, a.mostOf)
	case askCreate:
		fmt.Fprintf(&b, " records=%d copies=%d size=%d at=%d", a.records, a.copies, a.size, a.at)
	case askLeave, askCrash:
		if a.at > 0 {
			fmt.Fprintf(&b, " at=%d", a.at)
		}
	case askDelete:
		if a.byID {
			b.WriteString(" by-id")
		}
	case askLayout:
		fmt.Fprintf(&b, " records=%d at=%d", a.records, a.at)
	case askTrim, askEpoch, askResend, askCommit, askGhost, askMember, askEnd:
		fmt.Fprintf(&b, " at=%s", a.place())
	}
	return b.String()
}

// parseRequest reads client N KIND [P] name=value ...
func parseRequest(t *teller, args []string) (act, error) {
	number, err := strconv.Atoi(args[0])
	if err != nil || number < 2 || number >= finishers {
		return nil, fmt.Errorf("%q is no number of a client, 2 to %d", args[0], finishers-1)
	}
	i := slices.Index(requestNames[:], args[1])
	if i < 0 {
		return nil, fmt.Errorf("clients don't ask %q; they ask %s", args[1], strings.Join(requestNames[:], ", "))
	}
	a := request{client: number, kind: requestKind(i), part: -1, acks: -1, records: 1, size: 10, most: 1 << 16, mostOf: 1 << 16, version: 4}
	rest := args[2:]
	if a.kind.ofPartition() {
		if len(rest) == 0 {
			return nil, fmt.Errorf("which partition?")
		}
		if a.part, err = t.partition(rest[0]); err != nil {
			return nil, err
		}
		rest = rest[1:]
	}
	if a.kind.ofFleeting() {
		if len(rest) == 0 {
			return nil, fmt.Errorf("which topic?")
		}
		if a.topic, a.index, err = t.w.parseFleeting(rest[0]); err != nil {
			return nil, err
		}
		a.copies, rest = t.w.opt.Brokers, rest[1:]
	}
	for _, word := range rest {
		if err := a.set(t, word); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// set takes one name=value.
func (a *request) set(t *teller, word string) (err error) {
	name, value, _ := strings.Cut(word, "=")
	if name == "acks" {
		for _, acks := range []int16{-1, 0, 1} {
			if acksNames[acks] == value {
				a.acks = acks
				return nil
			}
		}
		return fmt.Errorf("acks are all, leader or none")
	}
	if word == "session" || word == "by-id" {
		a.session, a.byID = a.session || word == "session", a.byID || word == "by-id"
		return nil
	}
	switch name {
	case "at":
		if value == a.kind.usual() && value != "" {
			a.at = atUsual
			return nil
		}
	case "wait":
		a.wait, err = time.ParseDuration(value)
		return err
	case "late":
		a.late, err = time.ParseDuration(value)
		return err
	}
	if word == "on=leader" {
		value = "leader:" + t.w.partName(max(0, a.part))
	}
	if name == "on" {
		var node *node
		if node, err = t.broker(value); err == nil {
			a.node = node.index
		}
		return err
	}
	n, err := strconv.ParseInt(value, 10, 32)
	if err != nil || n < 0 {
		return fmt.Errorf("%q: no number", word)
	}
	switch name {
	case "v":
		a.version = int16(n)
	case "records":
		a.records = int(n)
	case "copies":
		a.copies = int(n)
	case "size":
		a.size = int(n)
	case "at":
		a.at = n
	case "rack":
		a.rack = int(n)
	case "bytes":
		a.most = int32(n)
	case "of":
		a.mostOf = int32(n)
	default:
		err = fmt.Errorf("what is %q?", word)
	}
	return err
}
