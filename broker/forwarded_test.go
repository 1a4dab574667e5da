package broker

import (
	"bytes"
	"testing"
	"time"

	"logd/transport"
)

// B12: what was forwarded once is taken once, also late, and nothing of an earlier process.
func TestForwardsAreTakenOnce(t *testing.T) {
	var f forwarded
	first, second := started{1, 77}, started{2, 5}
	for _, c := range []struct {
		from started
		id   uint64
		want bool
	}{
		{first, 9, true}, {first, 9, false}, {first, 7, true}, {first, 9, false}, {first, 7, false},
		{second, 9, true}, {first, 11, false}, {second, 9, false},
	} {
		if got := f.takes(c.from, c.id); got != c.want {
			t.Errorf("forward %d of start %+v is taken: %t, expected %t", c.id, c.from, got, c.want)
		}
	}
	for id := uint64(10); id < 10+2*forwardedKept; id++ {
		if !f.takes(second, id) {
			t.Fatalf("forward %d is not taken", id)
		}
	}
	if f.takes(second, 9) || len(f.ids) > forwardedKept {
		t.Errorf("a forward comes again behind %d others, and is taken; %d are remembered", 2*forwardedKept, len(f.ids))
	}
}

// B12: a command that arrives twice, or was meant for an earlier process, is proposed once or never.
func TestForwardedCommandIsProposedOnce(t *testing.T) {
	l := startLone(t)
	create := func(name string, id byte) []byte {
		return EncodeCommand(CreateTopic{Name: name, Partitions: 1, Replication: 1, ID: UUID{id}})
	}
	from := started{1, 99}
	l.s.out = &Output{}
	l.s.forwardedBy(2, proposeControl{ID: 5, to: l.s.cfg.Boot, Command: create("a", 1), from: from})
	l.s.forwardedBy(2, proposeControl{ID: 6, to: l.s.cfg.Boot + 1, Command: create("b", 2), from: from})
	l.await("the topic", func() bool { return l.s.meta.TopicByName("a") != nil })
	l.s.out = &Output{}
	l.s.forwardedBy(2, proposeControl{ID: 7, to: l.s.cfg.Boot, Command: EncodeCommand(DeleteTopic{ID: UUID{1}}), from: from})
	l.await("its deletion", func() bool { return l.s.meta.TopicByName("a") == nil })
	l.s.out = &Output{}
	l.s.forwardedBy(2, proposeControl{ID: 5, to: l.s.cfg.Boot, Command: create("a", 1), from: from})
	l.s.forwardedBy(2, proposeControl{ID: 8, to: l.s.cfg.Boot, Command: create("c", 3), from: from})
	l.await("another topic", func() bool { return l.s.meta.TopicByName("c") != nil })
	if l.s.meta.TopicByName("a") != nil || l.s.meta.TopicByName("b") != nil {
		t.Errorf("topics %v: one that was deleted is back, or one that was meant for another process is there", l.s.meta.Topics())
	}
}

// A forward is read by brokers that were there before B12, and theirs are taken: while brokers are replaced one by one both are
// about. That it isn't meant for this process is seen by what travels beside it.
func TestForwardsOfOtherVersions(t *testing.T) {
	l := startLone(t)
	create := func(name string, id byte) []byte {
		return EncodeCommand(CreateTopic{Name: name, Partitions: 1, Replication: 1, ID: UUID{id}})
	}
	p := newPeers(Config{Broker: 1, Brokers: []int32{1, 2}})
	p.forward(2, 77, proposeControl{ID: 5, Command: []byte("cmd")})
	m := p.out[2].msgs[0]
	body, err := unseal(bytes.Join(m.Bufs, nil))
	if want := `{"propose":{"id":5,"cmd":"Y21k"}}`; err != nil || string(body) != want || m.Group != 77 || m.Kind != kindControl {
		t.Errorf("a forward is %s beside %d, %v; expected %s", body, m.Group, err, want)
	}
	h := transport.Header{From: 2, To: 1, Incarnation: 9, Generation: 1, Boot: 99}
	l.s.out = &Output{}
	for i, c := range []struct {
		name string
		to   uint64
	}{{"old", 0}, {"mine", l.s.cfg.Boot}, {"another", l.s.cfg.Boot + 1}} {
		l.s.controlFrom(h, c.to, bytes.Join(seal(mustEncode(control{Propose: &proposeControl{ID: uint64(i + 1), Command: create(c.name, byte(i+1))}})), nil))
	}
	l.await("the topics", func() bool { return l.s.meta.TopicByName("old") != nil && l.s.meta.TopicByName("mine") != nil })
	if l.s.meta.TopicByName("another") != nil {
		t.Error("a forward that was meant for another process is proposed")
	}
}

// B12: a directory that takes another one's place counts its starts from 1, and what it forwards is taken; what the one before it
// forwarded still isn't taken again.
func TestForwardsOfANewDirectory(t *testing.T) {
	l := startLone(t)
	old := transport.Header{From: 2, To: 1, Incarnation: 9, Generation: 5, Boot: 99}
	again := transport.Header{From: 2, To: 1, Incarnation: 10, Generation: 1, Boot: 100}
	forward := func(h transport.Header, id uint64, cmd Command) {
		l.s.out = &Output{}
		l.s.controlFrom(h, l.s.cfg.Boot, bytes.Join(seal(mustEncode(control{Propose: &proposeControl{ID: id, Command: EncodeCommand(cmd)}})), nil))
	}
	create := func(name string, id byte) Command {
		return CreateTopic{Name: name, Partitions: 1, Replication: 1, ID: UUID{id}}
	}
	forward(old, 5, create("a", 1))
	l.await("the topic of the old directory", func() bool { return l.s.meta.TopicByName("a") != nil })
	forward(again, 1, create("b", 2))
	for range 3 {
		l.tick()
	}
	if l.s.meta.TopicByName("b") == nil {
		t.Error("what a new directory's start 1 forwards is not taken: there was a start 5 of the one before it")
	}
	forward(again, 2, DeleteTopic{ID: UUID{1}})
	forward(old, 5, create("a", 1))
	for range 3 {
		l.tick()
	}
	if l.s.meta.TopicByName("a") != nil {
		t.Error("a topic that was deleted is back: the forward that made it is taken again")
	}
}

// The deadline of a forwarded command goes with its answer: one that stays says that somebody waits.
func TestForwardsDeadlineGoesWithItsAnswer(t *testing.T) {
	l := startLone(t)
	l.s.out = &Output{}
	was := l.s.timers.Len()
	l.s.forwards[77] = sent{timer: l.s.timers.Set(time.Hour, func() {})}
	l.s.proposed(proposedControl{ID: 77})
	if got := l.s.timers.Len(); got != was || len(l.s.forwards) > 0 {
		t.Errorf("%d deadlines and %d forwards are left, expected %d and 0", got, len(l.s.forwards), was)
	}
}
