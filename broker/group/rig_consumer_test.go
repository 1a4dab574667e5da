package group

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// failer is a test, of rapid or not.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// fakeTopics are topics t0, t1, … by number of partitions; -1 is one that is gone.
type fakeTopics struct {
	version   int64
	parts     []int32
	session   time.Duration // of every group
	heartbeat time.Duration
}

func (f fakeTopics) Session(string) time.Duration   { return f.session }
func (f fakeTopics) Heartbeat(string) time.Duration { return f.heartbeat }

func topicName(n int) string { return fmt.Sprintf("t%d", n) }

func (f fakeTopics) Version() int64 { return f.version }

func (f fakeTopics) Topic(name string) ([16]byte, int32, bool) {
	for i, n := range f.parts {
		if n >= 0 && topicName(i) == name {
			return topicN(i), n, true
		}
	}
	return [16]byte{}, 0, false
}

func (f fakeTopics) Name(id [16]byte) (string, bool) {
	i := int(id[15]) - 1
	if i < 0 || i >= len(f.parts) || f.parts[i] < 0 || topicN(i) != id {
		return "", false
	}
	return topicName(i), true
}

func (f fakeTopics) Names() (names []string) {
	for i, n := range f.parts {
		if n >= 0 {
			names = append(names, topicName(i))
		}
	}
	slices.Sort(names)
	return names
}

// rig is a machine with a log that commits when it is told to.
type rig struct {
	t       failer
	cfg     Config
	seed    uint64
	m       *Machine
	now     Now
	topics  fakeTopics
	log     [][]Record
	end     int64
	writes  []Write
	answers map[Ticket]any
	last    Ticket
}

func consumerConfig() Config {
	return Config{InitialDelay: 0, MinSession: time.Second, MaxSession: time.Hour, NewMemberWait: 5 * time.Minute,
		Retention: 24 * time.Hour, CheckEvery: 10 * time.Minute, MaxSize: 20, Members: 100, MemberBytes: 8 << 10, HeldBytes: 1 << 20, MetadataBytes: 4096,
		StateBytes: 1 << 20, Waiting: 100, WriteBytes: 1 << 20, DeadBytes: 1 << 20,
		ConsumerSession: 45 * time.Second, ConsumerHeartbeat: 5 * time.Second, ConsumerMaxSize: 10, Upgrade: true, Downgrade: true}
}

func newRig(t failer, parts ...int32) *rig {
	r := &rig{t: t, cfg: consumerConfig(), answers: map[Ticket]any{}, now: Now{Wall: 1_700_000_000_000}, topics: fakeTopics{version: 1, parts: parts}}
	r.load()
	return r
}

// load makes a machine of the log, as a new coordinator does. What was asked of the old one is never answered.
func (r *rig) load() {
	r.seed++
	r.m = New(r.cfg, rand.New(rand.NewPCG(r.seed, 0)))
	r.m.See(r.topics)
	r.writes = nil
	end := int64(0)
	for _, records := range r.log {
		end += int64(len(records))
		if err := r.m.Replay(end, records); err != nil {
			r.t.Fatalf("replay: %v", err)
		}
	}
	r.turn(func(out *Out) { r.m.Loaded(r.now, out) })
}

func (r *rig) turn(f func(out *Out)) {
	r.t.Helper()
	var out Out
	f(&out)
	for _, a := range out.Answers {
		if _, twice := r.answers[a.Ticket]; twice {
			r.t.Fatalf("invariant C1: ticket %d is answered twice", a.Ticket)
		}
		r.answers[a.Ticket] = a.Body
	}
	if len(out.Notes) > 0 {
		r.t.Fatalf("notes: %v", out.Notes)
	}
	r.writes = append(r.writes, out.Writes...)
}

// settle commits the oldest write, or fails it.
func (r *rig) settle(code int16) {
	r.t.Helper()
	w := r.writes[0]
	r.writes = r.writes[1:]
	if code != None {
		r.turn(func(out *Out) { r.m.Failed(r.now, w.ID, code, out) })
		return
	}
	r.log = append(r.log, w.Records)
	r.end += int64(len(w.Records))
	r.turn(func(out *Out) { r.m.Committed(r.now, w.ID, r.end, out) })
	r.check()
}

// ask gives the machine a request.
func (r *rig) ask(group string, version int16, body any) Ticket {
	r.t.Helper()
	r.last++
	ticket := r.last
	if v, ok := body.(kmsg.Request); ok {
		v.SetVersion(version)
	}
	r.turn(func(out *Out) {
		r.m.Do(r.now, Call{Ticket: ticket, Group: group, Version: version, Client: "client", Host: "host", Body: body}, out)
	})
	return ticket
}

// call asks, and commits until there is an answer.
func (r *rig) call(group string, version int16, body any) any {
	r.t.Helper()
	ticket := r.ask(group, version, body)
	for r.answers[ticket] == nil && len(r.writes) > 0 {
		r.settle(None)
	}
	if r.answers[ticket] == nil {
		r.t.Fatalf("no answer to %T", body)
	}
	return r.answers[ticket]
}

// pass lets time pass, deadline by deadline, and commits what they write.
func (r *rig) pass(d time.Duration) {
	r.t.Helper()
	until := r.now.Mono + d
	for {
		at, ok := r.m.Next()
		if !ok || at > until {
			break
		}
		r.clock(max(at, r.now.Mono))
		r.turn(func(out *Out) { r.m.Expire(r.now, out) })
		for len(r.writes) > 0 {
			r.settle(None)
		}
	}
	r.clock(until)
}

func (r *rig) clock(mono time.Duration) {
	r.now.Wall += (mono - r.now.Mono).Milliseconds()
	r.now.Mono = mono
}

// see changes the topics.
func (r *rig) see(parts ...int32) {
	r.topics = fakeTopics{version: r.topics.version + 1, parts: parts}
	r.m.See(r.topics)
}

// check asserts that each consumer group that nothing is being written of is what its records say.
func (r *rig) check() {
	r.t.Helper()
	for _, id := range slices.Sorted(maps.Keys(r.m.groups)) {
		g := r.m.groups[id]
		if g.writing {
			continue
		}
		of, err := loadConsumer(id, &g.table)
		if err != nil {
			r.t.Fatalf("group %q: %v", id, err)
		}
		if shown(of) != shown(g.consumer) {
			r.t.Fatalf("invariant C2: group %q is\n%s\nand its records say\n%s", id, shown(g.consumer), shown(of))
		}
	}
}

// shown is a group as text; maps are printed in order.
func shown(c *consumer) string {
	if c == nil {
		return "no consumer group"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "epoch %d hash %x target %d %v\nstatic %v owners %v\nregexes %v\n", c.epoch, c.hash, c.targetEpoch, c.target, c.statics, c.owners, c.regexes)
	for _, id := range c.ids {
		m := c.members[id]
		fmt.Fprintf(&b, "%s %q %+v\n", id, m.encodeMember(), m.currentValue)
	}
	return b.String()
}
