package sim

import (
	"slices"
	"strconv"
	"time"
)

// namesPartition tells it of a request's name.
func namesPartition(name string) bool {
	i := slices.Index(requestNames[:], name)
	return i >= 0 && requestKind(i).ofPartition()
}

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
	askTime   // where the first record of a time is: at, in ms after epoch
	askNewest // or the one of the highest time
	askTrim
	askMetadata
	askEpoch    // where the epoch ends that it read last
	askLayout   // of partitions, from that of number at in their order on
	askDirs     // what lies in a broker's directory
	askProducer // restarts the client, which asks for a producer id
	askBump     // it raises its producer's epoch
	askSend     // and sends a batch that it will send again
	askResend   // and does

	askCoordinator // from here on of a consumer: consumer.go
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

var requestNames = [...]string{"append", "read", "tail", "start-of", "time", "newest", "trim", "metadata", "epoch-end", "layout", "log-dirs", "producer", "bump", "send", "resend",
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

var acksNames = map[int16]string{-1: "all", 0: "none", 1: "leader"}
