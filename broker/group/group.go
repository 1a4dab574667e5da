package group

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"logd/broker/deadline"
)

// Now is the time of one call; a machine knows no other.
type Now struct {
	Mono time.Duration // never goes back
	Wall int64         // ms since the Unix epoch; may jump
}

// Config are a machine's bounds and timeouts, Kafka's settings of these names unless said otherwise.
type Config struct {
	InitialDelay  time.Duration // group.initial.rebalance.delay.ms
	MinSession    time.Duration // group.min.session.timeout.ms
	MaxSession    time.Duration // group.max.session.timeout.ms
	NewMemberWait time.Duration // a new member whose JoinGroup waits for longer has gone (Kafka: 5 minutes)
	Retention     time.Duration // offsets.retention.minutes
	CheckEvery    time.Duration // offsets.retention.check.interval.ms
	MaxSize       int           // group.max.size: members of one group
	Members       int           // of all groups, those included that have only an id yet; Kafka has no such bound
	MemberBytes   int           // of what one JoinGroup says of a member, or a SyncGroup assigns to one; Kafka has no such bound
	HeldBytes     int           // of what all members of classic groups say of themselves, about; Kafka has no such bound
	MetadataBytes int           // offset.metadata.max.bytes
	StateBytes    int           // of the table; over it, new keys are refused; Kafka has no such bound
	Waiting       int           // requests of one group that wait for a write; Kafka has no such bound
	WriteBytes    int           // of the records of one write
	DeadBytes     int           // records that are no longer of use may take so much, and as much as those that are

	ConsumerSession   time.Duration // group.consumer.session.timeout.ms
	ConsumerHeartbeat time.Duration // group.consumer.heartbeat.interval.ms
	ConsumerMaxSize   int           // group.consumer.max.size
	Upgrade           bool          // group.consumer.migration.policy: of a classic group to a consumer group, while it has members
	Downgrade         bool          // and back
}

// Ticket names a request; whoever calls Do gives it, and the answer carries it. Zero is nobody.
type Ticket uint64

// Call is one request that concerns one group. Body is one of
//
//	*kmsg.JoinGroupRequest    *kmsg.JoinGroupResponse
//	*kmsg.SyncGroupRequest    *kmsg.SyncGroupResponse
//	*kmsg.HeartbeatRequest    *kmsg.HeartbeatResponse
//	*kmsg.LeaveGroupRequest   *kmsg.LeaveGroupResponse, by Members in every version
//	*kmsg.OffsetCommitRequest *kmsg.OffsetCommitResponse, for topics and partitions that exist, with the topics' ids
//	*kmsg.OffsetDeleteRequest *kmsg.OffsetDeleteResponse
//	*kmsg.ConsumerGroupHeartbeatRequest *kmsg.ConsumerGroupHeartbeatResponse
//	FetchOffsets              kmsg.OffsetFetchResponseGroup
//	Describe                  kmsg.DescribeGroupsResponseGroup
//	DescribeConsumer          kmsg.ConsumerGroupDescribeResponseGroup
//	Delete                    kmsg.DeleteGroupsResponseGroup
//	List                      []kmsg.ListGroupsResponseGroup; its Group is empty
//
// and what is beside it is what the answer's body is, or else [Refused].
type Call struct {
	Ticket  Ticket
	Group   string
	Version int16  // of the request
	Client  string // client id
	Host    string // where it is from
	Seen    int64  // of an OffsetCommit: the version of the topics that its topics' ids are of
	Body    any
}

// Refused is an answer that says no more than an error code.
type Refused int16

// Answer is what a ticket gets.
type Answer struct {
	Ticket Ticket
	Body   any
}

// Write is a list of records to append as one batch, all or none. Its end is said by [Machine.Committed] or
// [Machine.Failed], for all writes in the order that they came out.
type Write struct {
	ID      uint64
	Records []Record
}

// Out is what must happen outside.
type Out struct {
	Answers []Answer
	Writes  []Write
	Trim    int64 // if positive: nothing before this offset is needed any more
	Notes   []string
}

// Machine is the state of all groups of one partition, from when its leadership began.
type Machine struct {
	cfg    Config
	rng    *rand.Rand // for member ids
	now    Now
	out    *Out
	groups map[string]*group
	timers deadline.Heap
	writes map[uint64]*write
	last   uint64 // last write's id
	loaded bool

	members int   // of all groups, with those that have only an id yet
	held    int   // bytes of the classic groups' members
	live    int   // bytes of the table
	total   int   // bytes of all records since the log's start
	end     int64 // offset after the last committed record
	forward *forward
	after   int // total below which copying forward isn't tried again, after a failure

	open map[Ticket]bool // asked and not answered (C1)

	topics Topics
}

// group is one group: what its records say, and what is only known here.
type group struct {
	id      string
	table   table
	classic *classic // nil unless it is a classic group, or none at all yet

	consumer *consumer          // nil unless it is a consumer group
	clocks   map[string]*clocks // of its members
	seen     int64              // version of the topics that its subscriptions were held against
	counted  int                // of its members, in the machine's
	held     int                // of its bytes, in the machine's

	queue    []op // in the order that they came; the first can't run yet
	writing  bool // a record of the group is on its way (C7)
	commits  int  // offset writes on their way
	draining bool
}

// need says what an op waits for.
type need uint8

const (
	needMembers need = iota // no group record is on its way
	needWhole               // nothing of the group is on its way
)

// op is a request, or a deadline that passed, that is taken when its turn comes.
type op struct {
	need   need
	ticket Ticket
	run    func(g *group)
}

// write is one [Write] on its way.
type write struct {
	g       *group
	member  bool // it has a group record that says something new
	copy    bool // it says what is said already
	records []Record
	done    func(code int16) // after the table has changed, or with why it hasn't
}

// New makes a machine that knows nothing. Replay and Loaded come before all else.
func New(cfg Config, rng *rand.Rand) *Machine {
	return &Machine{cfg: cfg, rng: rng, groups: map[string]*group{}, writes: map[uint64]*write{}, open: map[Ticket]bool{}, topics: noTopics{}}
}

// See takes what topics there are from now on. Consumer groups take it in with their next heartbeat.
func (m *Machine) See(t Topics) { m.topics = t }

// Replay takes a committed batch, in the order of the log; next is the offset after it. What it can't read it leaves out,
// and says so: a newer broker may have written it.
func (m *Machine) Replay(next int64, records []Record) error {
	if m.loaded {
		panic("invariant C2: a machine that serves is given records to replay")
	}
	var unread error
	for _, r := range records {
		if err := m.apply(r); err != nil {
			unread = err
		}
	}
	m.end = next
	return unread
}

// Loaded begins service: all committed records were replayed.
func (m *Machine) Loaded(now Now, out *Out) {
	m.enter(now, out)
	m.loaded = true
	for _, g := range m.sorted() {
		m.restore(g)
		m.hold(g)
	}
	m.timers.Set(m.now.Mono+m.cfg.CheckEvery, m.expireOffsets)
	m.dropGone()
	m.considerForward()
	m.out = nil
}

// TopicsGone says that topics may have been deleted since [Machine.See] was called before.
func (m *Machine) TopicsGone(now Now, out *Out) {
	m.enter(now, out)
	m.dropGone()
	m.out = nil
}

// Do takes a request.
func (m *Machine) Do(now Now, c Call, out *Out) {
	m.enter(now, out)
	if c.Ticket == 0 || m.open[c.Ticket] {
		panic(fmt.Sprintf("invariant C1: ticket %d comes twice, or is none", c.Ticket))
	}
	m.open[c.Ticket] = true
	m.dispatch(c)
	m.out = nil
}

// Committed says that a write's records are in the log, up to before offset next, and committed.
func (m *Machine) Committed(now Now, id uint64, next int64, out *Out) {
	m.enter(now, out)
	w := m.take(id)
	if w.copy {
		w.g.table.checkCopy(w.g.id, w.records)
	}
	for _, r := range w.records {
		if err := m.apply(r); err != nil {
			panic(fmt.Sprintf("invariant C2: a record that was written can't be read: %v", err))
		}
	}
	m.end = next
	m.finish(w, None)
	m.considerForward()
	m.out = nil
}

// Failed says that a write's records are not in the log and never will be, and why.
func (m *Machine) Failed(now Now, id uint64, code int16, out *Out) {
	m.enter(now, out)
	m.finish(m.take(id), code)
	m.out = nil
}

// Expire fires the deadlines that have passed.
func (m *Machine) Expire(now Now, out *Out) {
	m.enter(now, out)
	m.timers.Expire(now.Mono)
	m.out = nil
}

// Next returns the next deadline, on the clock of Now.Mono.
func (m *Machine) Next() (time.Duration, bool) {
	return m.timers.Next()
}

func (m *Machine) enter(now Now, out *Out) {
	if m.out != nil {
		panic("group: a machine is entered twice")
	}
	m.now, m.out = now, out
}

func (m *Machine) answer(t Ticket, body any) {
	if !m.open[t] {
		panic(fmt.Sprintf("invariant C1: ticket %d is answered twice, or never came", t))
	}
	delete(m.open, t)
	m.out.Answers = append(m.out.Answers, Answer{t, body})
}

// Unload ends the machine: its leadership is over. It returns the tickets that wait, in order, for which there will be no
// answer; what was written may be committed or not.
func (m *Machine) Unload() []Ticket {
	return slices.Sorted(maps.Keys(m.open))
}

// in makes a deadline.
func (m *Machine) in(d time.Duration, fire func()) *deadline.Timer {
	return m.timers.Set(m.now.Mono+d, fire)
}

// groupOf returns a group, and makes it.
func (m *Machine) groupOf(id string) *group {
	g := m.groups[id]
	if g == nil {
		g = &group{id: id, table: newTable()}
		m.groups[id] = g
	}
	return g
}

// admit runs an op, or has it wait.
func (m *Machine) admit(g *group, o op) {
	switch {
	case len(g.queue) == 0 && g.ready(o.need):
		o.run(g)
		m.drain(g)
	case len(g.queue) >= m.cfg.Waiting && o.ticket != 0:
		m.answer(o.ticket, Refused(NotAvailable))
	default:
		g.queue = append(g.queue, o)
	}
}

// ready reports whether an op can run.
func (g *group) ready(n need) bool {
	return !g.writing && (n == needMembers || g.commits == 0)
}

// drain runs what can run, and forgets a group of which nothing is left.
func (m *Machine) drain(g *group) {
	if g.draining {
		return
	}
	g.draining = true
	for len(g.queue) > 0 && g.ready(g.queue[0].need) {
		o := g.queue[0]
		g.queue[0] = op{}
		g.queue = g.queue[1:]
		o.run(g)
	}
	g.draining = false
	m.hold(g)
	bare := len(g.queue) == 0 && !g.writing && g.commits == 0 && g.table.empty() && !g.classic.used()
	if bare && m.groups[g.id] == g { // a deadline of a group that was forgotten leaves another of its name alone
		delete(m.groups, g.id)
	}
}

// write has records appended; done runs when they are committed and in the table, or not and never.
func (m *Machine) write(g *group, records []Record, member bool, done func(code int16)) {
	m.begin(&write{g: g, member: member, records: records, done: done})
}

func (m *Machine) begin(w *write) {
	g, member := w.g, w.member
	if member && g.writing {
		panic(fmt.Sprintf("invariant C7: group %q: two group records on their way", g.id))
	}
	if member {
		g.writing = true
	} else {
		g.commits++
	}
	m.last++
	m.writes[m.last] = w
	m.out.Writes = append(m.out.Writes, Write{ID: m.last, Records: w.records})
}

func (m *Machine) take(id uint64) *write {
	w := m.writes[id]
	if w == nil {
		panic(fmt.Sprintf("group: write %d ends twice", id))
	}
	delete(m.writes, id)
	return w
}

// finish is the end of one write.
func (m *Machine) finish(w *write, code int16) {
	g := w.g
	if w.member {
		g.writing = false
	} else {
		g.commits--
	}
	w.done(code)
	m.drain(g)
}
