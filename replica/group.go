package replica

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"

	"logd/log"
	"logd/replica/producer"
)

// Limits bound one group.
type Limits struct {
	ElectionTicks    int    // ticks without a leader until an election, at least; raft adds up to as many again
	HeartbeatTicks   int    // ticks between heartbeats
	MessageBytes     uint64 // payload of one append message
	InflightMessages int    // append messages under way to one follower
	InflightBytes    uint64 // and their payload
	UncommittedBytes uint64 // payload in a leader's log that is not committed: proposals over it are dropped
	TransferTicks    int    // a snapshot transfer that asks for nothing for so long has failed
}

// Config says which replica a Group is.
type Config struct {
	Group  uint64
	ID     uint64        // replica id, see [ID]
	Plain  bool          // entries are commands of a state machine (the metadata group), not record batches
	App    func() []byte // the state machine's state as of now, for marks and snapshots; nil where batches are all
	Boot   uint64        // names this process; part of every read index context (R8)
	Limits Limits
}

// Group is one replica of one raft group. Its methods are called by the shard that owns it, in a turn.
type Group struct {
	cfg   Config
	rn    *raft.RawNode
	win   *window
	store *log.Store

	applied uint64    // <= commit; entries up to here were given out (R10)
	stable  uint64    // entries up to here are durable here; <= win.last()
	writes  []write   // appends under way, in order
	held    []held    // messages that wait for a write, in order (R1, R2)
	covered uint64    // below an installed snapshot's index: what was on its way to the disk up to here counts no more for stable
	saving  []saving  // terms and votes under way, in order
	kept    log.State // term and vote that are durable here
	confs   []confAt  // configuration as of confs[i].index; the first at or below the flushed mark
	conf    Conf      // the last of them
	hard    log.State

	term      uint64
	lead      uint64
	leader    bool
	commit    uint64
	past      []uint64          // of a leader: its commit index one tick ago, two, and so on to an election timeout; before that, the highest there is
	reads     uint64            // read index contexts used so far (R8)
	confirmed uint64            // the highest of them that was confirmed; <= reads
	told      map[uint64]uint64 // by follower: the highest commit index that an append carried, or would have (R14)

	prod        producers         // see producers.go (R15)
	marked      uint64            // a flush up to here was started; its mark may not be durable yet
	markedStart int64             // that mark's log start
	trimmed     int64             // the log start that the store was last told of
	seg         segment           // what the segments hold
	floor       int64             // a log start committed elsewhere, below which the segments hold nothing (R11); 0 if they hold all
	snap        *incoming         // a MsgSnap that waits for its batches (R9)
	arriving    *arrival          // a snapshot that is installed and not given out yet
	snaps       map[uint64]*offer // MsgSnaps sent, by follower
	ticks       int
	ahead       bool   // the state machine is not as of applied yet: see [Group.snapshot]
	leaving     int    // for how many ticks it has led, though it must not
	hurt        bool   // see [Group.Hurt]
	holes       []hole // in order of index; empty but where recovery found some, or none is left
	saved       uint64 // the commit index that was staged last
	known       uint64 // the commit index that was durable at the start; committed entries are never cut off
	due         bool   // raft begins anew at known
	installs    uint64 // snapshots installed since the start
	restored    uint64 // holes filled with bytes from others, since the start
	change      uint64 // change > applied: the last configuration change in the log, which is on its way; else there is none
}

// write is an append under way: entries up to index are durable once seq is.
type write struct {
	seq   log.Seq
	index uint64
}

// saving is a term and a vote under way: durable once seq is.
type saving struct {
	seq log.Seq
	st  log.State
}

// held is a message that promises what is durable only once seq is.
type held struct {
	seq log.Seq
	m   *pb.Message
}

// Out is what a Group's turn led to. The slices are appended to.
type Out struct {
	Messages  []*pb.Message // for other brokers, to be sent now; losing them is allowed
	Applied   []*pb.Entry   // committed entries with data, in order
	Reads     []ReadState   // read indexes that were confirmed
	Trimmed   bool          // the log start may have moved
	Installed *log.Mark     // a snapshot replaced the state: restart the state machine from it, before Applied
	Changed   bool          // term, leader, role or configuration changed
	Notes     []string      // for the log, one line each
}

// Reset empties an Out, to be used again.
func (o *Out) Reset() {
	clear(o.Messages)
	clear(o.Applied)
	*o = Out{Messages: o.Messages[:0], Applied: o.Applied[:0], Reads: o.Reads[:0], Notes: o.Notes[:0]}
}

// ReadState says that everything acknowledged before the read index was asked for lies at or below Index.
type ReadState struct {
	Context uint64
	Index   uint64
}

// New starts a replica from what was recovered. The store's group exists (its create record is staged at least).
func New(cfg Config, store *log.Store, rec log.Group) (*Group, error) {
	conf, err := decodeConf(rec.Mark.Conf)
	if err != nil {
		return nil, fmt.Errorf("group %d: mark at %d: %w", cfg.Group, rec.Mark.Index, err)
	}
	if _, err := producersOf(&rec.Mark, cfg.Plain); err != nil {
		return nil, fmt.Errorf("group %d: %w", cfg.Group, err)
	}
	g := &Group{cfg: cfg, store: store, snaps: map[uint64]*offer{}, told: map[uint64]uint64{}, applied: rec.Mark.Index, hard: rec.State, kept: rec.State,
		floor: rec.Mark.LogStart, // a mark's log start was committed somewhere, and nothing below it is held
		past:  slices.Repeat([]uint64{math.MaxUint64}, cfg.Limits.ElectionTicks)}
	g.win = &window{plain: cfg.Plain, conf: conf, snap: g.snapshot, done: func() (*producer.Table, uint64) { return g.prod.applied, g.applied }}
	g.win.reset(rec.Mark, g.prod.begin(&rec.Mark, cfg.Plain))
	g.confs, g.conf = []confAt{{rec.Mark.Index, conf}}, confOf(conf)
	g.seg = segment{rec.Mark.LogEnd, rec.Mark.BatchHash}
	if rec.SegmentEnd > g.seg.end { // all that is in segments is committed: what is behind the mark needs no second flush
		g.seg = segment{rec.SegmentEnd, rec.SegmentHash}
	}
	for _, h := range rec.Holes {
		g.holes = append(g.holes, hole{Hole: h})
	}
	for _, e := range rec.Entries {
		g.win.push(raftEntry(e), g.lost(e.Index) != nil)
	}
	g.seekChange()
	g.stable = g.win.last()
	commit := max(rec.State.Commit, rec.Mark.Index)
	if commit > g.stable {
		return nil, fmt.Errorf("group %d: committed up to %d, but the log ends at %d: damaged", cfg.Group, commit, g.stable)
	}
	if seq := store.Staged(cfg.Group); seq > store.Durable() { // it was created just now, and isn't on the disk yet
		g.stable, g.writes = 0, []write{{seq, g.win.last()}}
	}
	g.known, commit = commit, min(commit, g.safe())
	g.win.hard = &pb.HardState{Term: new(max(rec.State.Term, rec.Mark.Term)), Vote: new(rec.State.Vote), Commit: &commit}
	if g.rn, err = raft.NewRawNode(g.raftConfig()); err != nil {
		return nil, fmt.Errorf("group %d: %w", cfg.Group, err)
	}
	g.observe()
	return g, nil
}

func (g *Group) raftConfig() *raft.Config {
	l := g.cfg.Limits
	return &raft.Config{
		ID: g.cfg.ID, Storage: g.win, Applied: g.applied, AsyncStorageWrites: true,
		ElectionTick: l.ElectionTicks, HeartbeatTick: l.HeartbeatTicks,
		PreVote: true, CheckQuorum: true, DisableProposalForwarding: true, StepDownOnRemoval: true,
		MaxSizePerMsg: l.MessageBytes, MaxInflightMsgs: l.InflightMessages, MaxInflightBytes: max(l.InflightBytes, l.MessageBytes),
		MaxUncommittedEntriesSize: l.UncommittedBytes, MaxCommittedSizePerReady: 64 << 20, Logger: raftLogger{},
	}
}

// Step takes a message from another broker. What makes no sense is dropped, with a note.
func (g *Group) Step(m *pb.Message, out *Out) {
	g.ahead = false // what was given out has been applied
	switch m.GetType() {
	case pb.MsgTimeoutNow:
		if g.mute() {
			return
		}
	case pb.MsgSnap:
		g.offered(m, out)
		return
	case pb.MsgHeartbeat:
		g.mend(m, out)
	case pb.MsgApp:
		if !g.mend(m, out) {
			return
		}
		if err := g.continuous(m); err != nil {
			out.Notes = append(out.Notes, err.Error())
			return
		}
	}
	// An error means that the message is of no use here (a response to a leadership that ended, an unknown sender).
	_ = g.rn.Step(m)
	if m.GetType() == pb.MsgAppResp {
		g.settleOffer(m)
	}
}

// continuous checks that each batch begins where the log before it ends (R4). A message whose previous entry we don't have
// is rejected by raft itself.
func (g *Group) continuous(m *pb.Message) error {
	if g.cfg.Plain {
		return nil
	}
	end, ok := g.win.endAt(m.GetIndex())
	if !ok {
		return nil
	}
	if t, err := g.win.Term(m.GetIndex()); err != nil || t != m.GetLogTerm() {
		return nil
	}
	for _, e := range m.GetEntries() {
		if !isBatch(e) {
			continue
		}
		b, n, err := log.ParseBatch(e.Data)
		if err != nil || n != len(e.Data) || b.BaseOffset != end {
			return fmt.Errorf("group %d: entry %d of term %d from replica %x has base offset %d, log end is %d (%v): message dropped",
				g.cfg.Group, e.GetIndex(), e.GetTerm(), m.GetFrom(), b.BaseOffset, end, err)
		}
		end = b.NextOffset()
	}
	return nil
}

// observe refreshes what is known of raft's state, and tells whether it changed.
func (g *Group) observe() bool {
	st := g.rn.BasicStatus()
	leader := st.RaftState == raft.StateLeader
	changed := st.GetTerm() != g.term || st.Lead != g.lead || leader != g.leader
	if changed && !leader {
		maps.DeleteFunc(g.snaps, func(_ uint64, o *offer) bool { return !o.asked }) // order: each by itself
		clear(g.told)
	}
	if leader && !g.leader && len(g.holes) > 0 {
		panic(fmt.Sprintf("invariant R13: group %d comes to lead in term %d, and its entry %d is a hole", g.cfg.Group, st.GetTerm(), g.holes[0].Index))
	}
	g.term, g.lead, g.leader, g.commit = st.GetTerm(), st.Lead, leader, st.GetCommit()
	return changed
}

// raftLogger drops raft's chatter: what matters of it is said by our own notes. A panic of raft stays one.
type raftLogger struct{}

func (raftLogger) Debug(...any)              {}
func (raftLogger) Debugf(string, ...any)     {}
func (raftLogger) Error(...any)              {}
func (raftLogger) Errorf(string, ...any)     {}
func (raftLogger) Info(...any)               {}
func (raftLogger) Infof(string, ...any)      {}
func (raftLogger) Warning(...any)            {}
func (raftLogger) Warningf(string, ...any)   {}
func (raftLogger) Fatal(v ...any)            { panic(fmt.Sprint(v...)) }
func (raftLogger) Fatalf(f string, v ...any) { panic(fmt.Sprintf(f, v...)) }
func (raftLogger) Panic(v ...any)            { panic(fmt.Sprint(v...)) }
func (raftLogger) Panicf(f string, v ...any) { panic(fmt.Sprintf(f, v...)) }
