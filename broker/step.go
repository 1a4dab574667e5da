package broker

import (
	"time"

	"logd/log"
)

// Now is the time of one turn; a shard knows no other.
type Now struct {
	Mono time.Duration // since the process started; never goes back
	Wall int64         // milliseconds since the Unix epoch; may jump
}

// Event is something that happened outside of the shard: one of [ConnOpened], [ConnClosed], [ConnData], [PeerFrame],
// [PlanDone], [ReadDone], [Mail], [Space], [Noted], [Stop].
type Event interface{ event() }

// ConnID names a connection of one shard; the driver never uses a number twice in a process.
type ConnID uint64

type (
	// ConnOpened: a client connected.
	ConnOpened struct {
		Conn   ConnID
		Remote string // for log events only
	}
	// ConnClosed: a client's connection ended, from either side. Each ConnOpened has exactly one, also after Output.Close.
	ConnClosed struct{ Conn ConnID }
	// ConnData: bytes arrived from a client, cut anywhere. Data is valid during Step only.
	ConnData struct {
		Conn ConnID
		Data []byte
	}
	// PeerFrame is one whole envelope from another broker. Data belongs to the shard from then on.
	PeerFrame struct {
		Conn ConnID // where it came from, to be closed if it is refused; 0 if there is nothing to close
		Data []byte
	}
	// PlanDone: a disk plan completed, or failed.
	PlanDone struct{ log.Done }
	// ReadDone: a cold read completed, or failed.
	ReadDone struct{ log.ReadDone }
	// Stop: the process was asked to end; the shard hands leadership over, finishes what is in flight and answers with
	// Output.Stopped.
	Stop struct{}
	// Noted: the directory remembers this start, durably, as Output.Note asked.
	Noted struct{}
	// Mail is a message from one shard of a broker to another; the driver delivers it once and in order.
	Mail struct {
		From, To int
		Body     any // a value of this package, not to be looked into
	}
)

func (ConnOpened) event() {}
func (ConnClosed) event() {}
func (ConnData) event()   {}
func (PeerFrame) event()  {}
func (PlanDone) event()   {}
func (ReadDone) event()   {}
func (Stop) event()       {}
func (Noted) event()      {}
func (Mail) event()       {}

// Output is what must now happen outside. A driver reuses one Output: it calls Reset, Step, and carries out all of it.
//
// Bytes in Plans belong to the driver until the plan's completion event. All other bytes are never changed by the shard
// after Step, and may be read by the driver for as long as it needs.
type Output struct {
	Send    []Send        // frames to clients, in order per connection
	Close   []Close       // client connections to close, after what was sent on them before
	Pause   []ConnID      // stop reading from these
	Resume  []ConnID      // read from these again
	Peers   []PeerSend    // at most one envelope per peer; losing one is allowed
	Replies []PeerReply   // envelopes that answer on inbound peer connections
	Refuse  []Close       // inbound peer connections to close
	Plans   []log.Plan    // at most one per lane, and none while one of that lane is out
	Reads   []log.Read    // cold reads, unordered
	Mail    []Mail        // to siblings
	Logs    []LogEvent    // for people
	WakeAt  time.Duration // step again at this Now.Mono at the latest
	Stopped bool          // after Stop: nothing is in flight any more, the process may end
	Starved bool          // the disk is full, and something waits for room: give up a reserve, if there is one, and say what room there is
	Note    bool          // once per process: have the directory remember this start, and answer with [Noted] when it does, durably (S7)
	Rejoin  string        // if not empty: this directory must not be used any more, and why; set it aside and start with an empty one. There is nothing else but Logs (S7)
	Halt    string        // if not empty: the shard can't go on, and why; nothing else of this Output is to be carried out but Logs
}

// Send is one response frame: its slices, in order, are the bytes.
type Send struct {
	Conn ConnID
	Bufs [][]byte
}

// Close is a connection to close, with the reason for the log.
type Close struct {
	Conn   ConnID
	Reason string
}

// PeerSend is one envelope for a broker.
type PeerSend struct {
	To   int32
	Bufs [][]byte
}

// Level grades a log event.
type Level uint8

const (
	LevelDebug Level = iota
	LevelInfo
	LevelWarn
	LevelError
)

// LogEvent is one line for people, as a value: the core never logs by itself.
type LogEvent struct {
	Level Level
	Text  string
	Attrs []Attr
}

// Attr is one field of a log event.
type Attr struct {
	Key   string
	Value any
}

// Reset empties an Output for reuse.
func (o *Output) Reset() {
	clear(o.Send)
	clear(o.Peers)
	clear(o.Plans)
	clear(o.Mail)
	*o = Output{Send: o.Send[:0], Close: o.Close[:0], Pause: o.Pause[:0], Resume: o.Resume[:0], Peers: o.Peers[:0],
		Replies: o.Replies[:0], Refuse: o.Refuse[:0], Plans: o.Plans[:0], Reads: o.Reads[:0], Mail: o.Mail[:0], Logs: o.Logs[:0]}
}
