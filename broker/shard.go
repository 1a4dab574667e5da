package broker

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"logd/broker/deadline"
	"logd/log"
	"logd/replica"
)

// Config says which shard of which broker this is.
type Config struct {
	Broker      int32
	Incarnation uint64 // drawn when the data directory was formatted (S7)
	Boot        uint64 // drawn at each start; names this process
	Generation  uint64 // how often the directory was started, from 1: raised durably before New (S7)
	Shard       int
	Shards      int
	Brokers     []int32 // all listed brokers, itself included, sorted
	Host        string  // what Metadata answers for this broker
	Port        int32
	Rack        string
	Dir         string      // what clients are told that the data directory is
	Form        bool        // form a cluster of its own, though listed brokers are silent
	Joins       bool        // the directory was made to rejoin: it never forms a cluster (S7)
	Spoke       []log.Start // earlier starts that spoke for their replicas, as the directory has them (S7),
	Forgets     uint64      // but for those up to this generation
	Topics      TopicDefaults
	Limits      Limits
}

// Shard is one event loop of a broker: it owns the groups whose number modulo Shards is its own, some client connections,
// and one store.
type Shard struct {
	cfg   Config
	rng   *rand.Rand
	store *log.Store
	now   Now
	out   *Output

	parts     map[uint64]*partition // by group
	order     []uint64              // their groups, sorted
	sorted    []*partition          // parts, in that order
	dirty     []uint64              // groups to collect this turn, as they came
	taken     []uint64              // of them, those being collected; only its memory counts outside of settle
	tombs     tombstones            // groups never to be created again (B5)
	meta      *Meta
	metaRoom  metaRoom // of who leads them
	view      view     // of the whole cluster: leaders
	form      former
	peers     peers
	vouch     voucher
	fence     fence
	conns     map[ConnID]*conn
	requests  map[uint64]*request
	spoken    map[int32]speaksControl     // what other brokers understand
	forwards  map[uint64]sent             // metadata commands sent to the leader's broker
	forwarded map[generationOf]*forwarded // and those that came from others
	reads     map[uint64]func(log.ReadDone)
	writes    map[uint64]func(appended) // what is proposed by the broker itself, for its consumer groups
	fetches   fetchSessions
	scans     scans
	loads     loads
	loaded    uint64  // coordinators of groups, since the start
	resumed   []*conn // connections that may have requests to be started
	turning   []*conn // those that were paused or have gone on in this turn
	timers    deadline.Heap
	creating  map[string]time.Duration // topics being created by asking for them, until when not to ask again
	serial    uint64                   // last number given to a request, read or forward of this process

	nextTick time.Duration
	ticks    int
	disk     disk
	scrub    scrub
	catchup  catchup
	unreadAt time.Duration // when a line may say again that segments can't be read
	damages  int           // replicas found damaged since the start
	repairs  int           // and whole again
	lastNeed uint64        // group that lost bytes were asked for last
	low      bool          // too little room on the disk: no records are taken
	room     Space
	full     bool // too much is committed and in no segment: nothing is proposed until the disk has caught up
	begun    begun
	closings closings
	// What is uncommitted can't leave the WAL, and a WAL full of it could write no vote (L11): a store wants at most MaxEntry
	// bytes of it, and each of the brokers leads its part of the groups.
	burstWAL    int64    // most bytes of others' entries that may wait for the WAL
	arrived     int      // those of this turn that aren't staged yet
	roomWAL     int      // most bytes of proposals of ours that aren't committed
	uncommitted int      // <= roomWAL, or one proposal; the sum of all partitions' bytes
	starved     []uint64 // groups whose queues wait for roomWAL, each once
	retained    retention
	ids         producerIDs
	crowd       crowd
	seen        GroupView   // by Inspect, which is called after every turn in the simulator
	gone        []GroupView // replicas that this turn dropped, as they were then
	restless    bool        // any replica may look other than when InspectChanged was called last
	queued      int         // bytes that wait to be proposed, in all groups
	stopping    bool
	stopBy      time.Duration
	stopAt      int  // tick in which the process was asked to
	leaving     bool // while stopping: something still is to be handed over
}

// New makes a shard of what was recovered. It does nothing before its first Step.
func New(cfg Config, store *log.Store, rec *log.Recovered, rng *rand.Rand) (*Shard, error) {
	s := &Shard{cfg: cfg, rng: rng, store: store, parts: map[uint64]*partition{}, tombs: newTombstones(), meta: NewMeta(),
		conns: map[ConnID]*conn{}, requests: map[uint64]*request{}, forwards: map[uint64]sent{}, forwarded: map[generationOf]*forwarded{},
		reads: map[uint64]func(log.ReadDone){}, writes: map[uint64]func(appended){}, view: newView(), creating: map[string]time.Duration{},
		fetches: fetchSessions{byID: map[int32]*fetchSession{}},
		spoken:  map[int32]speaksControl{}, disk: disk{peers: map[int32]time.Duration{}}}
	s.roomWAL, s.burstWAL = store.MaxEntry()/len(cfg.Brokers), store.Sizes().WAL/2
	s.peers = newPeers(cfg)
	s.form = newFormer(cfg)
	if cfg.Generation == 0 {
		return nil, fmt.Errorf("broker %d, shard %d: its directory has no generation", cfg.Broker, cfg.Shard)
	}
	for _, g := range rec.Groups {
		if g.Dropped {
			s.tombs.seen[g.ID] = unseen
			continue
		}
		if err := s.restore(g); err != nil {
			return nil, fmt.Errorf("broker %d, shard %d: %w", cfg.Broker, cfg.Shard, err)
		}
	}
	for _, id := range s.order {
		if t, _ := s.meta.PartitionOf(id); t != nil {
			s.sizeSegments(s.parts[id], t)
		}
	}
	s.startVouching()
	return s, nil
}

// Step is one turn: what happened in, what must happen out. It never blocks.
func (s *Shard) Step(now Now, events []Event, out *Output) {
	s.now, s.out, s.gone, s.scans.cost = now, out, nil, 0
	for _, e := range events {
		s.handle(e)
		if s.over() {
			return
		}
	}
	s.tick()
	s.expire()
	s.settle()
	s.goOn()
	if s.over() {
		return
	}
	s.tend()
	s.plan()
	s.sendPeers()
	s.tellPauses()
	out.WakeAt, out.Stopped, out.Starved = s.wakeAt(), s.stopped(), s.store.Starved()
	s.out = nil
}

// over reports whether the shard must not go on. Of a turn in which it learned that its directory is an older copy nothing leaves: not
// what it had to say before it knew, nor anything after (S7).
func (s *Shard) over() bool {
	if o := s.out; o.Rejoin != "" {
		*o = Output{Rejoin: o.Rejoin, Logs: o.Logs}
		return true
	}
	return s.out.Halt != ""
}

func (s *Shard) handle(e Event) {
	s.unusual(e)
	switch e := e.(type) {
	case ConnOpened:
		s.opened(e)
	case ConnClosed:
		s.closed(e.Conn)
	case ConnData:
		s.received(e)
	case PeerFrame:
		s.envelope(e)
	case PlanDone:
		s.planDone(e.Done)
	case ReadDone:
		s.readDone(e.ReadDone)
	case Mail:
		s.mail(e)
	case Space:
		s.space(e)
	case Noted:
		s.noted()
	case Stop:
		s.stop()
	default:
		panic(fmt.Sprintf("broker: event of unknown type %T", e))
	}
}

// tick moves raft's clock and everything that goes by it. A shard that was away for long ticks once for each turn it gets,
// not once for each tick it missed: time in which it could not listen is no reason to call an election.
func (s *Shard) tick() {
	if s.nextTick == 0 {
		s.nextTick = s.now.Mono + s.cfg.Limits.Tick
		s.first()
	}
	if s.now.Mono < s.nextTick {
		return
	}
	s.ticks++
	s.restless = true
	s.nextTick = max(s.nextTick+s.cfg.Limits.Tick, s.now.Mono+s.cfg.Limits.Tick/2)
	s.watchDisk()
	if !s.disk.walOut {
		s.store.Seal() // an idle shard's last write group is followed by an empty one, so that rot in it is told from a torn write (S3)
	}
	speaks := s.vouchTick()
	for _, p := range s.sorted {
		if len(p.watch) > 0 { // nothing may ever wake those of a partition that nobody appends to
			p.forgetWatchers(func(w watcher) bool { return w.until <= s.now.Mono })
		}
		if !speaks || s.quiet(p) {
			continue
		}
		p.g.Tick()
		s.stand(p)
		s.touch(p.group)
	}
	s.formTick()
	s.fenceTick()
	s.levelTick()
	s.viewTick()
	s.diskTick()
	s.catchupTick()
	s.repairTick()
	s.scrubTick()
	s.placeTick()
	s.retentionTick()
	s.producersTick()
	s.tombstonesTick()
	s.loadsTick()
	s.stopTick()
}

// quiet reports whether a replica's clock must stand: no heartbeats from a leader that can't write (S12).
func (s *Shard) quiet(p *partition) bool {
	_, leads := p.g.Leading()
	return s.disk.stalled && leads
}

// touch has a group collected at the end of this turn.
func (s *Shard) touch(group uint64) {
	if p := s.parts[group]; p != nil && !p.dirty {
		p.dirty = true
		s.dirty = append(s.dirty, group)
	}
}

// expire fires the deadlines that have passed.
func (s *Shard) expire() {
	if s.timers.Expire(s.now.Mono) {
		s.restless = true
	}
}

// settle proposes what was gathered in this turn and collects every group that something happened to, until nothing moves.
func (s *Shard) settle() {
	for len(s.dirty) > 0 {
		s.dirty, s.taken = s.taken[:0], s.dirty
		for _, id := range s.taken {
			if p := s.parts[id]; p != nil {
				p.dirty = false
				s.collect(p)
			}
		}
	}
	s.arrived = 0
}

func (s *Shard) halt(why string) {
	if s.out.Halt == "" {
		s.out.Halt = why
	}
}

// stop begins a clean end: leaderships go elsewhere, what is in flight gets its answer.
func (s *Shard) stop() {
	if !s.stopping {
		s.stopping, s.stopAt, s.stopBy = true, s.ticks, s.now.Mono+s.cfg.Limits.Tick*time.Duration(s.cfg.Limits.HandOverTicks)
		for _, p := range s.sorted {
			s.unloadGroups(p)
		}
		s.stopTick()
	}
}

// handOverTicks is how long one follower has to take a leadership over before the next is asked.
const handOverTicks = 2

func (s *Shard) stopTick() {
	if !s.stopping {
		return
	}
	leads, attempt := false, (s.ticks-s.stopAt)/handOverTicks
	for _, id := range s.order {
		if s.parts[id].g.HandOver(attempt) != 0 {
			leads = true
			s.touch(id)
		}
	}
	s.leaving = leads
}

// stopped reports whether, after [Stop], the process may end.
func (s *Shard) stopped() bool {
	quiet := !s.leaving && len(s.requests) == 0 && len(s.dirty) == 0 && !s.disk.walOut && !s.disk.fillOut
	return s.stopping && (quiet || s.now.Mono >= s.stopBy)
}

func (s *Shard) wakeAt() time.Duration {
	at := s.nextTick
	if t, ok := s.timers.Next(); ok && t < at {
		at = t
	}
	if len(s.dirty) > 0 || s.peers.waiting {
		at = s.now.Mono
	}
	return at
}

// shardOf returns the shard of this broker that has a group.
func (s *Shard) shardOf(group uint64) int { return int(group % uint64(s.cfg.Shards)) }

func (s *Shard) ownsMeta() bool { return s.shardOf(metaGroup) == s.cfg.Shard }

func (s *Shard) next() uint64 {
	s.serial++
	return s.serial
}

// log adds a line for people; attrs are key, value, key, value.
func (s *Shard) log(level Level, text string, attrs ...any) {
	e := LogEvent{Level: level, Text: text}
	for i := 0; i+1 < len(attrs); i += 2 {
		e.Attrs = append(e.Attrs, Attr{attrs[i].(string), attrs[i+1]})
	}
	s.out.Logs = append(s.out.Logs, e)
}

// insert puts a group's number in its place in the order.
func (s *Shard) insert(p *partition) {
	s.parts[p.group], p.changed = p, true
	i, found := slices.BinarySearch(s.order, p.group)
	if found {
		panic(fmt.Sprintf("invariant B5: group %d created twice", p.group))
	}
	s.order = slices.Insert(s.order, i, p.group)
	s.sorted = slices.Insert(s.sorted, i, p)
}

// groupConfig is how a replica of ours is run.
func (s *Shard) groupConfig(group, id uint64) replica.Config {
	cfg := replica.Config{Group: group, ID: id, Boot: s.cfg.Boot, Limits: s.cfg.Limits.group()}
	if group == metaGroup {
		cfg.Plain = true
		cfg.App = func() []byte { return s.meta.Encode() }
	}
	return cfg
}
