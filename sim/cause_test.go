package sim

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// Runs that fail for the same reason have one cause; other reasons of the same check are others (C6 of cmd/logsim).
func TestCause(t *testing.T) {
	short := "%s: replica %x of broker %d held index %d durably, and comes back with %d"
	refused := "broker %d, asked for %s of %s at %v, %s"
	orders, audit, meta := &groupSeen{name: "orders/0"}, &groupSeen{name: "audit/12", part: 3}, &groupSeen{name: "metadata", part: partMetadata}
	for _, c := range []struct {
		what                string
		format, otherFormat string
		args, others        []any
		same                bool
		cause               string
	}{
		{"numbers and partitions", short, short, []any{orders.named(), 1, 2, 3, 4}, []any{audit.named(), 5, 6, 7, 8}, true,
			"a partition: replica # of broker # held index # durably, and comes back with"},
		{"another kind of group", short, short, []any{orders.named(), 1, 2, 3, 4}, []any{meta.named(), 1, 2, 3, 4}, false, ""},
		{"another sentence", short, short + ", without holes", []any{orders.named(), 1, 2, 3, 4}, []any{orders.named(), 1, 2, 3, 4}, false, ""},
		{"another request", refused, refused, []any{1, kept("Produce"), "orders/0", time.Second, kept("answers NOT_LEADER")},
			[]any{1, kept("Fetch"), "orders/0", time.Second, kept("answers NOT_LEADER")}, false, ""},
		{"another answer", refused, refused, []any{1, kept("Fetch"), "orders/0", time.Second, kept("answers NOT_LEADER")},
			[]any{1, kept("Fetch"), "orders/0", time.Second, kept("answers REQUEST_TIMED_OUT")}, false, ""},
		{"a state behind it", "%v holds %d %s%s", "%v holds %d %s%s", []any{1, 2, kept("requests"), "\n  broker 1 runs"}, []any{3, 4, kept("requests"), ""}, true, "# holds # requests"},
		{"others' words", "%s", "%s", []any{gist(errors.New("read 2 of orders/1 had shown offset 0, after 1m0.5s\nmore"))},
			[]any{gist(errors.New("read 117 of audit/0 had shown offset 300, after 2ms"))}, true, "read # of topic/# had shown offset #, after"},
		{"another witness", "%s", "%s", []any{gist("read 2 had shown offset 0")}, []any{gist("append 2 was acknowledged at offset 0")}, false, ""},
		{"lists and names", "%s", "%s", []any{gist(`group "a" lacks [1 2 3]`)}, []any{gist(`group "b-2" lacks [7]`)}, true, `group "#" lacks [#]`},
	} {
		one, other := newViolation("x", c.format, c.args), newViolation("x", c.otherFormat, c.others)
		if (one.Signature() == other.Signature()) != c.same || c.cause != "" && one.Cause != c.cause {
			t.Errorf("%s: the causes are\n%s\n%s", c.what, one.Cause, other.Cause)
		}
	}
	if v := newViolation("x", "%s: %d of %s", []any{orders.named(), 7, kept("them")}); v.Text != "orders/0: 7 of them" || v.Signature() != "x: a partition: # of them" {
		t.Errorf("%+v", v)
	}
}

// The cause of a panic is the number of the invariant; of what no assertion foresaw, the words and the function.
func TestCauseOfAPanic(t *testing.T) {
	const stack = "goroutine 1 [running]:\nruntime/debug.Stack()\n\t/go/src/runtime/debug/stack.go:26\nlogd/sim.(*World).guard.func1()\n\t/sim/world.go:190\n" +
		"panic({0x1, 0x2})\n\t/go/src/runtime/panic.go:792\ngo.etcd.io/raft/v3.(*raftLog).commitTo(0x1)\n\t/raft/log.go:326\nlogd/replica.(*Group).step(0xc0001, {0x7})\n\t/replica/step.go:12 +0x99\n"
	for _, c := range []struct{ value, want string }{
		{"invariant L7: group 3: flush to index 12, the log is (7, 11]", "invariant L7"},
		{"runtime error: index out of range [7] with length 3", "runtime error: index out of range [#] with length # in logd/replica.(*Group).step"},
	} {
		if is := panicked(c.value, []byte(stack)); is != c.want {
			t.Errorf("%s: %s", c.value, is)
		}
	}
	w, _ := toyWorld(t, 1, 1)
	w.guard("broker 1", func() { panic(fmt.Sprintf("invariant B%d: %d", 3, 7)) })
	if w.violation == nil || w.violation.Cause != "#: invariant B3" {
		t.Errorf("%+v", w.violation)
	}
}

// crammed is a shard whose WAL has no room.
type crammed struct{ *toy }

func (crammed) Blocked() bool { return true }

// A run that doesn't get on is told apart by who waits for what: the group that others wait for, whether somebody leads it, and what
// ails its replicas.
// An assertion that fails is told from other panics, and from what only speaks of an invariant.
func TestCheckOfAViolation(t *testing.T) {
	for _, c := range []struct {
		name, text, want string
	}{
		{Panicked, "invariant R2: group 7 votes", "invariant R2"}, {Panicked, "index out of range", Panicked}, {BadResponse, "invariant R2: group 7 votes", BadResponse},
	} {
		v := newViolation(c.name, "%s: %v", []any{"broker 1.0", means(c.text, panicked(c.text, nil))})
		if got := v.Check(); got != c.want {
			t.Errorf("%s, %s: %q, expected %q", c.name, c.text, got, c.want)
		}
	}
}

func TestCauseOfAStall(t *testing.T) {
	const long = time.Hour
	for _, c := range []struct {
		what  string
		group int // part
		do    func(w *World, toys [][]*toy, g *groupSeen)
		want  string
	}{
		{"served", 0, func(*World, [][]*toy, *groupSeen) {}, "a partition: all is committed, the replicas that run are whole; an append is asked for, "},
		{"refused", 0, func(w *World, _ [][]*toy, _ *groupSeen) {
			w.clients[0].role.(*finisher).refusal = "broker 3 answers 6 NOT_LEADER_OR_FOLLOWER"
		},
			"a partition: all is committed, the replicas that run are whole; an append is asked for, broker # answers # NOT_LEADER_OR_FOLLOWER"},
		{"no majority has the end", 0, func(_ *World, _ [][]*toy, g *groupSeen) { g.replicas[0].last.Last = 9 }, "a partition: a leader's entries wait for a majority, the replicas that run are whole"},
		{"nobody leads", 0, func(_ *World, _ [][]*toy, g *groupSeen) { g.replicas[0].leader = false }, "a partition: nobody leads, the replicas that run are whole"},
		{"a leader was lost just now", 0, func(w *World, _ [][]*toy, g *groupSeen) { g.replicas[0].leader, g.lostAt = false, w.now }, "a partition: no leader lasts, the replicas that run are whole"},
		{"a leader is new", 0, func(w *World, _ [][]*toy, g *groupSeen) { g.since = w.now }, "a partition: no leader lasts, the replicas that run are whole"},
		{"holes on one", 0, func(_ *World, _ [][]*toy, g *groupSeen) {
			g.replicas[0].leader, g.replicas[1].condition.holes = false, 2
		}, "a partition: nobody leads, holes on a minority"},
		{"holes on two", 0, func(_ *World, _ [][]*toy, g *groupSeen) {
			g.replicas[0].leader, g.replicas[1].condition.holes, g.replicas[2].condition.segmentHoles = false, 2, 1
		}, "a partition: nobody leads, holes on a majority"},
		{"full WALs", 0, func(w *World, toys [][]*toy, g *groupSeen) {
			g.replicas[0].leader = false
			for i := range 2 {
				w.nodes[i].proc.hosts[0].shard = crammed{toys[i][0]}
			}
		}, "a partition: nobody leads, WALs without room on a majority"},
		{"a snapshot", 0, func(_ *World, _ [][]*toy, g *groupSeen) {
			g.replicas[0].last.Last, g.replicas[1].transferring = 9, true
		}, "a partition: a leader's entries wait for a majority, a snapshot is under way"},
		{"the metadata, too", partMetadata, func(w *World, _ [][]*toy, g *groupSeen) {
			g.replicas[0].leader = false
			w.clients = append(w.clients, &client{w: w, role: &closer{}})
		}, "the metadata: nobody leads, the replicas that run are whole"},
	} {
		w, toys := toyWorld(t, 1, 1)
		w.now = long
		for k, part := range []int{partMetadata, 0} {
			for i := range 3 {
				g := w.views.group(uint64(k + 1))
				g.part, g.leader = part, 0
				v := view(i, 5, i == 0, 7, 7)
				g.replicas[i] = replicaSeen{live: true, id: v.Replica, leader: i == 0, commit: 7, stable: 7, quorums: v.Quorums}
				g.replicas[i].last.Last = 7
			}
		}
		w.clients = []*client{{w: w, role: &finisher{part: 0}}}
		c.do(w, toys, w.groupOfPart(c.group))
		if is := w.stallCause(); is != c.want {
			t.Errorf("%s: %s", c.what, is)
		}
	}
}

// A story that ends with a violation may say for what cause: another one isn't what it tells.
func TestExpectedCause(t *testing.T) {
	want := &Violation{Name: Stalled, Cause: "a partition: nobody leads"}
	line := &storyLine{words: strings.Fields("expect violation liveness"), answers: []string{want.Cause}}
	if err := want.endsSo(line); err != nil {
		t.Error(err)
	}
	for _, other := range []*Violation{nil, {Name: Stalled, Cause: "a partition: holes on a majority"}, {Name: Halted, Cause: want.Cause}} {
		if err := other.endsSo(line); err == nil {
			t.Errorf("%v passes for it", other)
		}
	}
	if line.answers = nil; (&Violation{Name: Stalled, Cause: "anything"}).endsSo(line) != nil {
		t.Error("a story that says no cause wants one")
	}
}
