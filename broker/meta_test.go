package broker

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"logd/golden"
	"logd/log"
)

// id makes a UUID that is easy to tell.
func id(n byte) UUID { return UUID{1, 15: n} }

// formed returns a cluster of brokers 1 to n, all registered.
func formed(t testing.TB, n int) *Meta {
	f := Form{ClusterID: id(200)}
	for i := range n {
		f.Brokers = append(f.Brokers, FormBroker{ID: int32(i + 1), Incarnation: uint64(100 + i + 1)})
	}
	m := must(t, NewMeta(), f)
	for i := range n {
		m = must(t, m, Register{Broker: int32(i + 1), Incarnation: uint64(100 + i + 1), Host: fmt.Sprintf("h%d", i+1), Port: 9092})
	}
	return m
}

// do applies a command and checks what holds of every command.
func do(t testing.TB, m *Meta, c Command) (*Meta, Result) {
	before := string(m.Encode())
	next, r := m.Apply(m.Index+1, EncodeCommand(c))
	if string(m.Encode()) != before {
		t.Fatalf("invariant M6: %T changed published metadata", c)
	}
	if r.Code != errNone && !same(m.At(next.Index), next) {
		t.Fatalf("%T was refused (%v) and changed something:\n%s\n%s", c, r, before, next.Encode())
	}
	if err := next.check(); err != nil {
		t.Fatalf("after %+v: %v", c, err)
	}
	return next, r
}

func same(a, b *Meta) bool {
	return cmp.Equal(a, b, cmp.AllowUnexported(Meta{}), cmpopts.EquateEmpty()) && string(a.Encode()) == string(b.Encode())
}

func must(t testing.TB, m *Meta, c Command) *Meta {
	t.Helper()
	next, r := do(t, m, c)
	if r.Err() != nil {
		t.Fatalf("%+v: %v", c, r.Err())
	}
	return next
}

func refused(t *testing.T, m *Meta, c Command, code int16) {
	t.Helper()
	if _, r := do(t, m, c); r.Code != code || r.Message == "" {
		t.Errorf("%T %.200v: code %d, %q, expected code %d and why", c, fmt.Sprint(c), r.Code, r.Message, code)
	}
}

func TestForming(t *testing.T) {
	m := NewMeta()
	refused(t, m, CreateTopic{Name: "a", ID: id(1), Partitions: 1, Replication: 1}, errOtherCluster)
	refused(t, m, Form{Brokers: []FormBroker{{1, 1}}}, errBadRequest)
	refused(t, m, Form{ClusterID: id(9)}, errBadRequest)
	refused(t, m, Form{ClusterID: id(9), Brokers: []FormBroker{{1, 1}, {1, 2}}}, errBadRequest)
	refused(t, m, Form{ClusterID: id(9), Brokers: []FormBroker{{-1, 1}}}, errBadRequest)
	refused(t, m, Form{ClusterID: id(9), Brokers: []FormBroker{{1, 0}}}, errBadRequest)
	f := Form{ClusterID: id(9), Brokers: []FormBroker{{3, 33}, {0, 30}, {1, 31}}}
	m = must(t, m, f)
	refused(t, m, f, errOtherCluster)
	want := []Replica{{ID: 1, Incarnation: 30}, {Broker: 1, ID: 1<<32 | 2, Incarnation: 31}, {Broker: 3, ID: 3<<32 | 3, Incarnation: 33}}
	if !cmp.Equal(m.Group1.Replicas, want) || !cmp.Equal(FormReplicas(f.Brokers), want) {
		t.Errorf("group 1 has %+v, and is to begin with %+v, expected %+v", m.Group1.Replicas, FormReplicas(f.Brokers), want)
	}
}

func TestRegistering(t *testing.T) {
	m := formed(t, 2)
	refused(t, m, Register{Broker: 3, Incarnation: 1, Host: "h", Port: 1}, errUnknownBroker)
	refused(t, m, Register{Broker: 2, Incarnation: 1, Host: "h", Port: 1}, errStaleBroker)
	refused(t, m, Register{Broker: 2, Incarnation: 102, Port: 1}, errBadRequest)
	refused(t, m, Register{Broker: 2, Incarnation: 102, Host: "h", Port: 65536}, errBadRequest)
	m = must(t, m, Register{Broker: 2, Incarnation: 102, Host: "elsewhere", Port: 1, Rack: "r"})
	if b := m.Broker(2); b.Host != "elsewhere" || b.Port != 1 || b.Rack != "r" {
		t.Errorf("broker 2 is %+v", *b)
	}
}

// A wiped broker gets new replica ids everywhere; its old ones go once the groups' leaders say so (S7).
func TestReplacing(t *testing.T) {
	m := formed(t, 3)
	m = must(t, m, CreateTopic{Name: "all", ID: id(1), Partitions: 2, Replication: 3})
	m = must(t, m, CreateTopic{Name: "without", ID: id(2), Partitions: -1, Replication: -1, Assignment: [][]int32{{1, 3}}})
	old := *m.TopicByName("all").Partition(1)
	was, _ := old.On(2)
	m = must(t, m, Replace{Broker: 2, Old: 102, New: 1002})
	p := m.TopicByName("all").Partition(1)
	now, _ := p.On(2)
	if now.ID == was.ID || now.Incarnation != 1002 || !now.Joined || was.Joined || !cmp.Equal(p.Removing, []Replica{was}) {
		t.Errorf("the partition was %v, is %v", old, p)
	}
	if g := m.PlacementOf(metaGroup); len(g.Removing) != 1 || g.Removing[0].ID != 2<<32|2 {
		t.Errorf("group 1 is %v", g)
	}
	if p := m.TopicByName("without").Partition(0); p.Removing != nil {
		t.Errorf("a partition without a replica on broker 2 is %v", p)
	}
	if again := must(t, m, Replace{Broker: 2, Old: 102, New: 1002}); !same(again, m.At(again.Index)) {
		t.Errorf("the same replacement twice changed something")
	}
	refused(t, m, Replace{Broker: 2, Old: 102, New: 7}, errStaleBroker)
	refused(t, m, Replace{Broker: 2, Old: 1002, New: 102}, errStaleBroker) // from a backup
	refused(t, m, Replace{Broker: 2, Old: 1002, New: 0}, errStaleBroker)
	refused(t, m, Replace{Broker: 9, Old: 1002, New: 7}, errUnknownBroker)
	refused(t, m, Register{Broker: 2, Incarnation: 102, Host: "h", Port: 1}, errStaleBroker)

	m = must(t, m, Replace{Broker: 2, Old: 1002, New: 10002}) // wiped again before the first was done
	if p := m.TopicByName("all").Partition(1); !cmp.Equal(p.Removing, []Replica{was, now}) {
		t.Errorf("wiped twice: %v", p)
	}
	group := m.TopicByName("all").Partition(1).Group
	m = must(t, m, Removed{Group: group, Replica: was.ID})
	m = must(t, m, Removed{Group: group, Replica: was.ID}) // reported twice
	m = must(t, m, Removed{Group: group, Replica: now.ID})
	m = must(t, m, Removed{Group: metaGroup, Replica: 2<<32 | 2})
	m = must(t, m, Removed{Group: 99, Replica: 1}) // of a topic deleted meanwhile
	if p := m.PlacementOf(group); p.Removing != nil || len(m.Group1.Removing) != 1 {
		t.Errorf("after removal: %v, %v", p, m.Group1)
	}
}

// A broker that the cluster never had joins, with a replica of group 1 that begins with nothing.
func TestJoining(t *testing.T) {
	m := formed(t, 2)
	refused(t, m, Replace{Broker: 0, Old: 1, New: 5}, errUnknownBroker)
	refused(t, m, Replace{Broker: 0, Old: 0, New: 0}, errBadRequest)
	refused(t, m, Replace{Broker: -1, Old: 0, New: 5}, errBadRequest)
	refused(t, m, Replace{Broker: 1, Old: 0, New: 5}, errStaleBroker)
	m = must(t, m, Replace{Broker: 0, Old: 0, New: 5})
	m = must(t, m, Replace{Broker: 0, Old: 0, New: 5}) // asked again
	if r, ok := m.Group1.On(0); !ok || !r.Joined || r.Incarnation != 5 || len(m.Group1.Replicas) != 3 || m.Brokers[0].ID != 0 {
		t.Errorf("after joining: %v, %v", m.Brokers, m.Group1)
	}
	m = must(t, m, CreateTopic{Name: "a", ID: id(1), Partitions: 1, Replication: 3})
	refused(t, m, CreateTopic{Name: "b", ID: id(1), Partitions: 1, Replication: 4}, errBadReplication)
}

func TestTopicsLiveAndDie(t *testing.T) {
	m := formed(t, 3)
	m = must(t, m, CreateTopic{Name: "b", ID: id(2), Partitions: 3, Replication: 1})
	m = must(t, m, CreateTopic{Name: "a.x", ID: id(1), Partitions: 2, Replication: 3})
	for group, want := range map[uint64]string{1: "", 2: "b/0", 4: "b/2", 5: "a.x/0", 6: "a.x/1", 7: "", 0: ""} {
		got := ""
		if topic, n := m.PartitionOf(group); topic != nil {
			got = fmt.Sprintf("%s/%d", topic.Name, n)
		}
		if got != want {
			t.Errorf("group %d is %q, expected %q", group, got, want)
		}
	}
	refused(t, m, CreateTopic{Name: "b", ID: id(3), Partitions: 1, Replication: 1}, errExists)
	refused(t, m, CreateTopic{Name: "a_x", ID: id(3), Partitions: 1, Replication: 1}, errBadTopic)
	refused(t, m, CreateTopic{Name: "c", ID: id(2), Partitions: 1, Replication: 1}, errBadRequest)
	refused(t, m, CreateTopic{Name: "c", Partitions: 1, Replication: 1}, errBadRequest)
	refused(t, m, DeleteTopic{Name: "c"}, errUnknownTopic)
	refused(t, m, DeleteTopic{ID: id(3)}, errUnknownID)
	m = must(t, m, DeleteTopic{ID: id(2)})
	if m.TopicByName("b") != nil || m.TopicByID(id(2)) != nil || m.PlacementOf(3) != nil {
		t.Errorf("a deleted topic is still there: %s", m.Encode())
	}
	m = must(t, m, DeleteTopic{Name: "a.x"})
	m = must(t, m, CreateTopic{Name: "a_x", ID: id(4), Partitions: 1, Replication: 1})
	if g := m.TopicByName("a_x").Partition(0).Group; g != 7 {
		t.Errorf("a new topic has group %d, expected one never used: 7", g)
	}
	if p := m.TopicByName("a_x"); p.Partition(1) != nil || p.Partition(-1) != nil {
		t.Error("a partition out of range was found")
	}
}

func TestPartitionBounds(t *testing.T) {
	m := formed(t, 1)
	refused(t, m, CreateTopic{Name: "a", ID: id(1), Partitions: maxTopicPartitions + 1, Replication: 1}, errBadPartitions)
	refused(t, m, CreateTopic{Name: "a", ID: id(1), Partitions: 2147483647, Replication: 1}, errBadPartitions)
	for i := range maxPartitions / maxTopicPartitions {
		m, _ = m.Apply(m.Index+1, EncodeCommand(CreateTopic{Name: fmt.Sprint("t", i), ID: id(byte(i + 1)), Partitions: maxTopicPartitions, Replication: 1}))
	}
	if _, r := m.Apply(m.Index+1, EncodeCommand(CreateTopic{Name: "a", ID: id(99), Partitions: 1, Replication: 1})); r.Code != errPolicy {
		t.Errorf("one partition too many: %+v", r)
	}
}

func TestReplicaNumbersRunOut(t *testing.T) {
	m := *formed(t, 1)
	m.NextReplica = 1<<32 - 2
	next := must(t, &m, CreateTopic{Name: "a", ID: id(1), Partitions: 1, Replication: 1})
	refused(t, next, CreateTopic{Name: "b", ID: id(2), Partitions: 1, Replication: 1}, errPolicy)
	refused(t, next, Replace{Broker: 1, Old: 101, New: 5}, errPolicy)
}

func TestMetaGolden(t *testing.T) {
	m := formed(t, 3)
	m = must(t, m, Register{Broker: 3, Incarnation: 103, Host: "::1", Port: 9094, Rack: "r<1>"})
	m = must(t, m, CreateTopic{Name: "orders", ID: id(7), Partitions: 2, Replication: 3,
		Configs: []TopicConfig{{configTimestampType, logAppendTime}, {configMaxMessage, "1000"}}})
	m = must(t, m, Replace{Broker: 2, Old: 102, New: 18446744073709551615})
	m = must(t, m, CreateTopic{Name: "a", ID: id(8), Partitions: -1, Replication: -1, Assignment: [][]int32{{2, 1}}})
	text := string(NewMeta().Encode()) + "\n" + string(m.Encode()) + "\n"
	raised := must(t, must(t, formed(t, 1), Raise{Level: 2}), CreateTopic{Name: "a", ID: id(8), Partitions: 1, Replication: 1, Configs: []TopicConfig{{configSegmentTime, "5"}}})
	text += string(raised.Encode()) + "\n"
	text += string(must(t, must(t, formed(t, 1), Raise{Level: 3}), GiveIDs{Count: 1000}).Encode()) + "\n"
	for _, c := range examples() {
		text += string(EncodeCommand(c)) + "\n"
	}
	golden.Same(t, "testdata/meta.golden", []byte(text))
}

func examples() []Command {
	return []Command{
		Form{ClusterID: id(1), Brokers: []FormBroker{{1, 11}, {2, 12}}},
		Register{Broker: 1, Incarnation: 11, Generation: 3, Boot: 5, Host: "h", Port: 9092, Rack: "r"},
		Replace{Broker: 1, Old: 11, New: 21},
		Removed{Group: 2, Replica: 1<<32 | 3},
		CreateTopic{Name: "t", ID: id(2), Partitions: 1, Replication: 2, Configs: []TopicConfig{{configRetentionTime, "1"}}},
		CreateTopic{Name: "u", ID: id(3), Partitions: -1, Replication: -1, Assignment: [][]int32{{2, 1}, {1, 2}}},
		DeleteTopic{ID: id(2)},
		DeleteTopic{Name: "u"},
		CreateTopic{Name: "v", ID: id(4), Partitions: 1, Replication: 2, Configs: []TopicConfig{{configSegmentTime, "1"}}},
		AlterTopic{Name: "t", Changes: []ConfigChange{{configRetentionTime, configDelete, ""}, {configSegmentBytes, configSet, "1048576"}, {configCleanup, configAppend, "delete"}}},
		Raise{Level: 2},
		GiveIDs{Count: 1000},
	}
}

func TestCommandsReadBack(t *testing.T) {
	for _, c := range examples() {
		back, err := decodeCommand(EncodeCommand(c))
		if err != nil || !cmp.Equal(back, c) {
			t.Errorf("%+v came back as %+v, %v", c, back, err)
		}
	}
}

func TestGarbageCommands(t *testing.T) {
	m := formed(t, 1)
	for _, cmd := range []string{"", "null", "{}", "[]", `{"v":1}`, `{"v":2,"delete":{"name":"a","id":"AAAAAAAAAAAAAAAAAAAAAA"}}`,
		`{"v":1,"delete":{"name":"a"},"removed":{"group":1}}`, `{"v":1,"rename":{}}`, `{"v":1,"removed":{"group":-1}}`, `{"v":1,"raise":{"level":2}}`, `{"v":5,"raise":{"level":5}}`, `{"v":2,"ids":{"count":5}}`, `{"v":2,"raise":{"level":3}}`,
		`{"v":1,"alter":{"name":"a","changes":[]}}`, `{"v":0,"delete":{"name":"a"}}`,
		`{"v":1,"create":{"name":"v","id":"AQAAAAAAAAAAAAAAAAAABA","partitions":1,"replication":1,"configs":[{"n":"segment.ms","v":"1"}]}}`,
		`{"v":1,"removed":{"group":1}}x`, `{"v":1,"removed":{"group":1,"replica":1,"why":"?"}}`, `{"v":1,"create":{"partitions":1e9}}`, "\x00\xff", strings.Repeat("[", 100000)} {
		next, r := m.Apply(m.Index+5, []byte(cmd))
		if r.Code != errUnsupported || !same(next, m.At(m.Index+5)) || CheckCommand([]byte(cmd)) == nil {
			t.Errorf("%.50q: %+v, %v", cmd, r, CheckCommand([]byte(cmd)))
		}
	}
}

func TestApplyGoesForward(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("an entry was applied twice")
		}
	}()
	m := formed(t, 1)
	m.Apply(m.Index, EncodeCommand(DeleteTopic{Name: "a"}))
}

func BenchmarkEncodeMeta(b *testing.B) {
	m := formed(b, 3)
	for i := range 10 {
		m, _ = m.Apply(m.Index+1, EncodeCommand(CreateTopic{Name: fmt.Sprint("t", i), ID: id(byte(i + 1)), Partitions: 100, Replication: 3}))
	}
	b.SetBytes(int64(len(m.Encode())))
	for b.Loop() {
		m.Encode()
	}
}

// S7: an older copy of a directory can't register over what was started since; a replaced one begins anew.
func TestGenerationsRise(t *testing.T) {
	m := formed(t, 3)
	m = must(t, m, Register{Broker: 2, Incarnation: 102, Generation: 7, Host: "h", Port: 1})
	refused(t, m, Register{Broker: 2, Incarnation: 102, Generation: 6, Host: "h", Port: 1}, errStaleBroker)
	m = must(t, m, Register{Broker: 2, Incarnation: 102, Generation: 8, Boot: 5, Host: "h", Port: 1})
	m = must(t, m, Register{Broker: 2, Incarnation: 102, Generation: 8, Boot: 5, Host: "h", Port: 1})
	refused(t, m, Register{Broker: 2, Incarnation: 102, Generation: 8, Boot: 6, Host: "h", Port: 1}, errStaleBroker)
	if !m.registered(2, 102) || m.registered(2, 101) || m.registered(1, 101) {
		t.Errorf("registered: %+v", m.Brokers)
	}
	m = must(t, m, Replace{Broker: 2, Old: 102, New: 202})
	if b := m.Broker(2); b.Generation != 0 || !b.retired(102) || m.registered(2, 202) {
		t.Errorf("after its replacement: %+v", b)
	}
	m = must(t, m, Register{Broker: 2, Incarnation: 202, Generation: 1, Host: "h", Port: 1})
	if !m.registered(2, 202) {
		t.Errorf("not registered: %+v", m.Brokers)
	}
}

// S7: a copy of a directory that was started as often as the directory is told from it by its process, also where it spoke first.
func TestStartsAreTold(t *testing.T) {
	s := &Shard{peers: newPeers(Config{}), meta: must(t, formed(t, 3), Register{Broker: 2, Incarnation: 102, Generation: 7, Boot: 5, Host: "h", Port: 1})}
	older := func(want bool, is started) {
		t.Helper()
		if known := s.seenOf(2, 102, is); is.older(known) != want {
			t.Errorf("start %v, known is %v: older %t, expected %t", is, known, !want, want)
		}
	}
	s.peers.newest[generationOf{2, 102}] = started{7, 6}
	older(true, started{7, 6})
	older(false, started{7, 5})
	older(false, started{8, 6})
	// What stands in the log, committed or not, spoke.
	s.evidence([]log.Entry{{}, {Data: []byte("x")}, {Data: EncodeCommand(Register{Broker: 2, Incarnation: 102, Generation: 8, Boot: 9, Host: "h", Port: 1})}})
	older(true, started{7, 5})
	older(false, started{8, 9})
	older(true, started{8, 6})
	if got := s.seenOf(2, 101, started{1, 1}); got != (started{}) {
		t.Errorf("of another incarnation %v is known", got)
	}
}
