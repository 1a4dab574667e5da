package group

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"
)

// world is a machine with clients, and a log that is a list.
type world struct {
	t       *rapid.T
	cfg     Config
	m       *Machine
	now     Now
	log     []Write // committed
	offsets []int64 // the offset after each
	start   int64
	end     int64
	flight  []Write // on their way, in order
	end2    int64   // the last offset that was committed, by anybody: each is another
	ticket  Ticket
	open    map[Ticket]func(body any)
	clients []*actor
	ledger
}

// ledger is what clients were told, by which the machine is judged.
type ledger struct {
	owners   map[string]map[int]string // by group and generation, and partition: who was told that it is theirs
	synced   map[string]int32          // by group: the highest generation that an assignment was given out of
	replaced map[string]bool           // ids of static members that were replaced
	acked    map[string]int64          // by group: the offset of which a commit was acknowledged last
	maybe    map[string][]int64        // and those of which the outcome is unclear
}

const partitions = 4

// actor is one consumer, as clients are: it joins, syncs, and goes on with what it is told.
type actor struct {
	group    string
	instance *string
	version  int16
	wait     int32 // its rebalance timeout, in ms
	id       string
	gen      int32
	leads    []string // members, if it leads
	stage    stage
	waits    bool // an answer is out
	epoch    int  // restarts of the client; an answer to the one before is nobody's
}

type stage uint8

const (
	out stage = iota
	joined
	working
)

func testConfigOf(t *rapid.T) Config {
	c := DefaultConfig()
	c.InitialDelay = time.Duration(rapid.IntRange(0, 2).Draw(t, "initial delay")) * time.Second
	c.MaxSize = rapid.IntRange(1, 6).Draw(t, "max size")
	c.WriteBytes = 4 << 10
	c.DeadBytes = rapid.IntRange(50, 2000).Draw(t, "dead bytes")
	c.Waiting = rapid.IntRange(1, 20).Draw(t, "waiting")
	return c
}

func newWorld(t *rapid.T) *world {
	w := &world{t: t, cfg: testConfigOf(t), now: Now{Mono: time.Hour, Wall: 1_800_000_000_000}, open: map[Ticket]func(any){}}
	w.ledger = ledger{owners: map[string]map[int]string{}, synced: map[string]int32{}, replaced: map[string]bool{}, acked: map[string]int64{}, maybe: map[string][]int64{}}
	for i := range 5 {
		c := &actor{group: fmt.Sprintf("g%d", i%2), version: int16(rapid.SampledFrom([]int{0, 3, 5, 9}).Draw(t, "version"))}
		c.wait = rapid.SampledFrom([]int32{15_000, 0}).Draw(t, "rebalance timeout")
		if i >= 3 && c.version >= 5 {
			name := "static"
			c.instance = &name
		}
		w.clients = append(w.clients, c)
	}
	w.boot()
	return w
}

// boot starts a machine on what is in the log.
func (w *world) boot() {
	w.m = New(w.cfg, rand.New(rand.NewPCG(1, rapid.Uint64().Draw(w.t, "seed"))))
	for i, b := range w.log {
		if w.offsets[i] > w.start {
			if err := w.m.Replay(w.offsets[i], b.Records); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	var out Out
	w.m.Loaded(w.now, &out)
	w.carry(out)
}

// carry does what a machine wants, but for writes, which wait until they are committed.
func (w *world) carry(o Out) {
	w.flight = append(w.flight, o.Writes...)
	w.start = max(w.start, o.Trim)
	for _, a := range o.Answers {
		f := w.open[a.Ticket]
		delete(w.open, a.Ticket)
		if f == nil {
			w.t.Fatalf("ticket %d has an answer, and nobody asked", a.Ticket)
		}
		f(a.Body)
	}
}

func (w *world) ask(c Call, answer func(body any)) {
	w.ticket++
	c.Ticket, c.Client, c.Host = w.ticket, "c", "/h"
	w.open[c.Ticket] = answer
	var o Out
	w.m.Do(w.now, c, &o)
	w.carry(o)
}

// commit has the oldest write committed.
func (w *world) commit() {
	if len(w.flight) == 0 {
		return
	}
	b := w.flight[0]
	w.flight = w.flight[1:]
	w.append(b)
	var o Out
	w.m.Committed(w.now, b.ID, w.end, &o)
	w.carry(o)
}

func (w *world) append(b Write) {
	w.end += int64(len(b.Records))
	w.log, w.offsets = append(w.log, b), append(w.offsets, w.end)
}

// fail refuses the oldest write.
func (w *world) fail() {
	if len(w.flight) == 0 {
		return
	}
	b := w.flight[0]
	w.flight = w.flight[1:]
	var o Out
	w.m.Failed(w.now, b.ID, NotAvailable, &o)
	w.carry(o)
}

// failover has another machine take over: some of what was on its way is committed. Who waits is told to look for it.
func (w *world) failover() {
	tickets := w.m.Unload()
	if want := slices.Sorted(maps.Keys(w.open)); !slices.Equal(tickets, want) {
		w.t.Fatalf("C1: unloaded, %v wait, and %v were not answered", tickets, want)
	}
	n := rapid.IntRange(0, len(w.flight)).Draw(w.t, "committed of those on their way")
	for _, b := range w.flight[:n] {
		w.append(b)
	}
	w.flight = nil
	for _, t := range tickets {
		f := w.open[t]
		delete(w.open, t)
		f(Refused(NotCoordinator))
	}
	w.boot()
}

func (w *world) pass(d time.Duration) {
	w.now.Mono += d
	w.now.Wall += d.Milliseconds()
	var o Out
	w.m.Expire(w.now, &o)
	w.carry(o)
}

// check holds the table against the log (C2), and forgets what was told of groups that are gone.
func (w *world) check() {
	if len(w.flight) > 0 {
		return
	}
	again := New(w.cfg, rand.New(rand.NewPCG(1, 1)))
	for i, b := range w.log {
		if w.offsets[i] > w.start {
			if err := again.Replay(w.offsets[i], b.Records); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	if got, want := dump(again), dump(w.m); got != want {
		w.t.Fatalf("C2: replayed, the log says\n%s\nand the machine that wrote it\n%s", got, want)
	}
	for _, id := range []string{"g0", "g1"} {
		if g := w.m.groups[id]; g == nil || !g.exists() {
			delete(w.synced, id)
			for k := range w.owners {
				if k[:2] == id {
					delete(w.owners, k)
				}
			}
		}
	}
}

func dump(m *Machine) string {
	text := ""
	for _, g := range m.sorted() {
		for _, r := range g.table.records(g.id) {
			text += fmt.Sprintf("%s: %x = %x\n", g.id, r.Key, r.Value)
		}
	}
	return text
}

// act lets a client do the next thing, or something that it shouldn't.
func (w *world) act(c *actor) {
	if c.waits {
		return
	}
	switch c.stage {
	case out:
		w.join(c)
	case joined:
		w.sync(c)
	default:
		w.work(c)
	}
}

// told returns what to do with an answer, unless the client was restarted meanwhile.
func (c *actor) told(f func(body any)) func(any) {
	c.waits = true
	epoch := c.epoch
	return func(body any) {
		if c.epoch == epoch {
			c.waits = false
			f(body)
		}
	}
}

// outcome has a client go on after an error.
func (c *actor) outcome(code int16) {
	switch code {
	case None, NotCoordinator, NotAvailable, MetadataTooLarge:
	case RebalanceInProgress:
		c.stage = out
	default:
		c.stage, c.id = out, ""
	}
}

func (w *world) join(c *actor) {
	req := kmsg.NewPtrJoinGroupRequest()
	req.Group, req.MemberID, req.InstanceID, req.ProtocolType = c.group, c.id, c.instance, "consumer"
	req.SessionTimeoutMillis, req.RebalanceTimeoutMillis = 10_000, c.wait
	req.Protocols = []kmsg.JoinGroupRequestProtocol{{Name: "range", Metadata: []byte{0, 0, 0, 0, 0, 1, 0, 1, 'a'}}}
	w.ask(Call{Group: c.group, Version: c.version, Body: req}, c.told(func(body any) {
		r, ok := body.(*kmsg.JoinGroupResponse)
		if !ok {
			return
		}
		switch r.ErrorCode {
		case MemberIDRequired:
			c.id = r.MemberID
		case None:
			w.joined(c, r)
		default:
			c.outcome(r.ErrorCode)
		}
	}))
}

func (w *world) joined(c *actor, r *kmsg.JoinGroupResponse) {
	if r.Generation < w.synced[c.group] {
		w.t.Fatalf("C3: %s: generation %d, after an assignment of %d", c.group, r.Generation, w.synced[c.group])
	}
	for _, other := range w.clients {
		if other != c && c.instance != nil && other.instance != nil && other.group == c.group && other.id != "" && other.id != r.MemberID {
			w.replaced[other.id] = true
		}
	}
	c.id, c.gen, c.stage, c.leads = r.MemberID, r.Generation, joined, nil
	if r.LeaderID == c.id && !r.SkipAssignment {
		for _, b := range r.Members {
			c.leads = append(c.leads, b.MemberID)
		}
	}
}

func (w *world) sync(c *actor) {
	req := kmsg.NewPtrSyncGroupRequest()
	req.Group, req.MemberID, req.InstanceID, req.Generation = c.group, c.id, c.instance, c.gen
	for i, id := range c.leads {
		var mine []byte
		for p := i; p < partitions; p += len(c.leads) {
			mine = append(mine, byte(p))
		}
		req.GroupAssignment = append(req.GroupAssignment, kmsg.SyncGroupRequestGroupAssignment{MemberID: id, MemberAssignment: mine})
	}
	w.ask(Call{Group: c.group, Version: 3, Body: req}, c.told(func(body any) {
		r, ok := body.(*kmsg.SyncGroupResponse)
		if !ok {
			return
		}
		if r.ErrorCode != None {
			c.outcome(r.ErrorCode)
			return
		}
		w.assigned(c, r.MemberAssignment)
	}))
}

// assigned is the rule of partitions: in a generation each has one owner, or one static member's successors (C4).
func (w *world) assigned(c *actor, assignment []byte) {
	c.stage = working
	w.synced[c.group] = max(w.synced[c.group], c.gen)
	key := fmt.Sprintf("%s %d", c.group, c.gen)
	if w.owners[key] == nil {
		w.owners[key] = map[int]string{}
	}
	who := c.id
	if c.instance != nil {
		who = *c.instance
	}
	for _, p := range assignment {
		if had := w.owners[key][int(p)]; had != "" && had != who {
			w.t.Fatalf("C4: %s: partition %d is %s's and %s's", key, p, had, who)
		}
		w.owners[key][int(p)] = who
	}
}

func (w *world) work(c *actor) {
	switch rapid.SampledFrom([]string{"heartbeat", "commit", "commit", "fetch", "leave", "join", "crash"}).Draw(w.t, "work") {
	case "heartbeat":
		req := kmsg.NewPtrHeartbeatRequest()
		req.Group, req.MemberID, req.InstanceID, req.Generation = c.group, c.id, c.instance, c.gen
		w.ask(Call{Group: c.group, Version: 4, Body: req}, c.told(func(body any) {
			if r, ok := body.(*kmsg.HeartbeatResponse); ok {
				c.outcome(r.ErrorCode)
			}
		}))
	case "commit":
		w.commitAs(c, c.id, c.gen)
	case "fetch":
		w.fetch(c.group)
	case "leave":
		req := kmsg.NewPtrLeaveGroupRequest()
		req.Group, req.Members = c.group, []kmsg.LeaveGroupRequestMember{{MemberID: c.id, InstanceID: c.instance}}
		w.ask(Call{Group: c.group, Version: 5, Body: req}, c.told(func(any) { c.stage, c.id = out, "" }))
	case "join":
		w.join(c)
	case "crash": // it forgets all and comes back
		c.epoch++
		c.stage, c.id, c.waits = out, "", false
	}
}

// commitAs commits under some id and generation, which may be old; who is fenced must be refused (C5).
func (w *world) commitAs(c *actor, id string, gen int32) {
	w.end2++
	at := w.end2
	synced, replaced := w.synced[c.group], w.replaced[id]
	if gen < 0 {
		synced = gen // of nobody's group
	}
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Group, req.MemberID, req.InstanceID, req.Generation = c.group, id, c.instance, gen
	p := kmsg.NewOffsetCommitRequestTopicPartition()
	p.Offset = at
	req.Topics = []kmsg.OffsetCommitRequestTopic{{Topic: "a", Partitions: []kmsg.OffsetCommitRequestTopicPartition{p}}}
	w.ask(Call{Group: c.group, Version: 8, Body: req}, c.told(func(body any) {
		r, ok := body.(*kmsg.OffsetCommitResponse)
		if !ok {
			w.maybe[c.group] = append(w.maybe[c.group], at)
			return
		}
		switch code := r.Topics[0].Partitions[0].ErrorCode; {
		case code == None && (gen < synced || replaced):
			w.t.Fatalf("C5: %s: a commit by %s of generation %d is taken, replaced: %v, an assignment of %d was given out before", c.group, id, gen, replaced, synced)
		case code == None:
			w.acked[c.group] = at
		default:
			c.outcome(code)
		}
	}))
}

// fetch asks for what is committed: the last that was acknowledged, or one whose outcome is unclear (C6).
func (w *world) fetch(group string) {
	f := FetchOffsets{Topics: []kmsg.OffsetFetchRequestGroupTopic{{Topic: "a", Partitions: []int32{0}}}}
	w.ask(Call{Group: group, Version: 8, Body: f}, func(body any) {
		r, ok := body.(kmsg.OffsetFetchResponseGroup)
		if !ok {
			return
		}
		at := r.Topics[0].Partitions[0].Offset
		last, known := w.acked[group]
		if !known {
			last = -1
		}
		if at != last && !slices.Contains(w.maybe[group], at) {
			w.t.Fatalf("C6: %s: %d is committed, %d was acknowledged last, %v are unclear", group, at, last, w.maybe[group])
		}
		w.acked[group], w.maybe[group] = at, nil
	})
}

// Members of two groups, some of them static, join, work, crash and come back with ids of before, while the coordinator
// moves, writes fail, time passes and the log is copied forward.
func TestMachine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		loose := []*actor{{group: "g2"}, {group: "g2"}, {group: "g2"}} // use the group for its offsets only
		for range rapid.IntRange(1, 300).Draw(t, "steps") {
			switch k := rapid.IntRange(0, 29).Draw(t, "step"); {
			case k < 14:
				w.act(rapid.SampledFrom(w.clients).Draw(t, "client"))
			case k < 22:
				w.commit()
			case k < 23:
				w.fail()
			case k < 24:
				w.failover()
			case k < 25:
				c := rapid.SampledFrom(w.clients).Draw(t, "client")
				if !c.waits && c.id != "" && c.gen > 0 {
					w.commitAs(c, c.id, c.gen-1)
				}
			case k < 26 || k == 29:
				if c := rapid.SampledFrom(loose).Draw(t, "loose"); !c.waits {
					w.commitAs(c, "", -1)
				}
			case k < 27:
				w.fetch(rapid.SampledFrom([]string{"g0", "g1", "g2"}).Draw(t, "group"))
			default:
				w.pass(time.Duration(rapid.IntRange(1, 6000).Draw(t, "ms")) * time.Millisecond)
			}
			w.check()
		}
	})
}
