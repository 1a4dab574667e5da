package sim

import (
	"time"

	"logd/checker"
)

// Event is something that happened in a world, for those who look at a run afterwards (Env.Events). Brokers go by their ids;
// 0 is no broker, or the place where the clients are.
type Event interface{ event() }

type (
	// PhaseEntered begins a part of a run: setup, storm, calm or over.
	PhaseEntered struct{ Name string }

	// BrokerState is a broker's process and disk as they are from now on.
	BrokerState struct {
		Broker   int32
		Up       bool
		Paused   bool
		Boot     uint64        // how often it was started
		Ended    string        // how its process ended, if it is down: "crash", "power", or why it halted
		Refused  string        // why it refused to start
		Lost     string        // why the budget counts its replicas as lost: wiped, rotten or restored
		Rotten   string        // where its disk was damaged
		SlowDisk int           // faults that slow its disk
		Drag     int           // how many times as slow as others it is, for long; 0 or 1 if it is not
		Full     bool          // its disk has a limit, and little room is left
		Failing  int           // syncs and other writes that will fail
		Stray    int           // writes that will be lost or land elsewhere
		Clock    time.Duration // that its wall clock is off
		Scrubs   uint64        // rounds of its shards' scrubs since its process started
	}

	// LinkState is one direction of the network as it is from now on.
	LinkState struct {
		From, To int32
		Cuts     int           // faults that cut it
		Slow     time.Duration // added to each delay
	}

	// ReplicaState is what the world sees of a replica from now on.
	ReplicaState struct {
		Broker                       int32
		Group                        uint64
		Name                         string // of its partition
		Live                         bool   // its broker runs; if not, all else is as it was last
		Leader                       bool
		Voter                        bool
		Lead                         int32 // the broker that it takes for leader, 0 if none
		Term, Commit, Stable         uint64
		LogStart, HighWatermark, End int64
		Holes, SegmentHoles          int
		Damaged                      bool
		Healed, Mended               uint64 // entries and ranges that came from others since its process started
	}

	// MessageSent is an envelope from a broker to another one; a copy is another event.
	MessageSent struct {
		From, To int32
		Bytes    int
		Arrives  time.Duration // if nothing happens until then; Lost if the network drops it
		Parts    []MessagePart
	}

	// MessagePart is one message in an envelope.
	MessagePart struct {
		Partition string // "" if it's of none
		Kind      string // raft's MsgApp and so on, or a kind of ours
		Text      string
	}

	// MessageDropped says that an envelope that was to arrive now doesn't: the link is cut, or nobody is there.
	MessageDropped struct{ From, To int32 }

	// DiskWork is one operation on a broker's disk, begun now.
	DiskWork struct {
		Broker int32
		Lane   string // "0 wal": of shard 0
		Until  time.Duration
		Text   string
		Fails  bool
	}

	// Said is a line of a broker's log.
	Said struct {
		Broker int32
		Level  string
		Text   string
	}

	// Noted is a fault as the command of a story, or a remark of the nemesis.
	Noted struct {
		Text    string
		Command bool
	}

	// StoryLine is a command of a story that is about to be carried out, or its answer.
	StoryLine struct {
		Line   int
		Text   string
		Answer bool
	}

	// Called is a client's request, sent now. Number tells it from all others of the run.
	Called struct {
		Number  int64
		Client  int64
		Session int64
		Broker  int32 // that was asked
		Request string
		Part    string      // that it is about, or a topic; "" if it is about none. What is asked of a group is about where that is kept
		Op      *checker.Op // nil if the history doesn't know it; to be read during the call only
		Trim    int64       // a DeleteRecords' offset
	}

	// Returned is the end of a Called request.
	Returned struct {
		Number  int64
		Part    string // as it is known now
		Text    string // what the answer says, where that is no operation's
		Outcome checker.Outcome
		Code    int16 // the answer's error code
		Op      *checker.Op
	}
)

// Lost is the arrival of what the network drops.
const Lost = time.Duration(-1)

func (PhaseEntered) event()   {}
func (BrokerState) event()    {}
func (LinkState) event()      {}
func (ReplicaState) event()   {}
func (MessageSent) event()    {}
func (MessageDropped) event() {}
func (DiskWork) event()       {}
func (Said) event()           {}
func (Noted) event()          {}
func (StoryLine) event()      {}
func (Called) event()         {}
func (Returned) event()       {}
