package sim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
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
	at      int64         // read from here, trim to here
	wait    time.Duration // read: longest wait of the broker
	most    int32         // read: bytes of the response
	mostOf  int32         // of the partition in it
	rack    int           // read: number of the rack that the client is in, from 1; 0: it doesn't say
	session bool          // read: by a fetch session, new or old
}

type requestKind uint8

const (
	askAppend requestKind = iota
	askRead
	askTail
	askStart
	askTrim
	askMetadata
	askCoordinator // from here on of a consumer: client_group.go
	askJoin
	askSync
	askBeat
	askLeave
	askCommit
	askOffset
	askGhost // a commit in the name of who it was before it crashed
	askCrash // nothing is asked: it forgets who it is
	askMember
)

var requestNames = [...]string{"append", "read", "tail", "start-of", "trim", "metadata",
	"coordinator", "join", "sync", "heartbeat", "leave", "commit", "offset", "ghost-commit", "forget", "member-heartbeat"}

// do sends it. What would make a sound broker look wrong isn't asked: to read beyond what is known to be there (S13), and to
// trim what this client hasn't read (T1). A drawn run asks neither.
func (a request) do(w *World) error {
	c := w.client(a.client)
	if c.over {
		return fmt.Errorf("client %d has gone", c.number)
	}
	switch a.kind {
	case askRead:
		if a.at > w.views.known[a.part] {
			return fmt.Errorf("%s isn't known to have offset %d", w.partName(a.part), a.at)
		}
	case askTrim:
		if w.budgeted() && a.at > c.read[a.part] {
			return fmt.Errorf("client %d has read %s up to %d", c.number, w.partName(a.part), c.read[a.part])
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
	if a.kind.ofPartition() {
		b.WriteString(" " + w.partName(a.part))
	}
	fmt.Fprintf(&b, " on=%d v=%d", w.nodes[a.node].id, a.version)
	switch a.kind {
	case askAppend:
		fmt.Fprintf(&b, " records=%d size=%d acks=%s", a.records, a.size, acksNames[a.acks])
	case askRead:
		fmt.Fprintf(&b, " at=%d wait=%v bytes=%d of=%d", a.at, a.wait, a.most, a.mostOf)
		if a.rack > 0 {
			fmt.Fprintf(&b, " rack=%d", a.rack)
		}
		if a.session {
			b.WriteString(" session")
		}
	case askTrim, askCommit, askGhost, askMember:
		fmt.Fprintf(&b, " at=%d", a.at)
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
	if word == "session" {
		a.session = true
		return nil
	}
	if name == "wait" {
		a.wait, err = time.ParseDuration(value)
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
