package broker

import (
	"bytes"
	"testing"

	"logd/log"
	"logd/transport"
)

// S7: only what others can know of this very directory passes: its own start, those that it remembers, and what it was told to forget.
func TestRemembers(t *testing.T) {
	s := &Shard{cfg: Config{Generation: 9, Boot: 90, Forgets: 3, Spoke: []log.Start{{Generation: 5, Boot: 50}, {Generation: 7, Boot: 70}}}}
	for _, c := range []struct {
		known started
		want  bool
	}{
		{started{}, true}, {started{2, 1}, true}, {started{3, 1}, true}, {started{5, 50}, true}, {started{7, 70}, true}, {started{9, 90}, true},
		{started{4, 1}, false}, {started{5, 51}, false}, {started{6, 1}, false}, {started{8, 80}, false}, {started{9, 91}, false},
		{started{10, 90}, false}, {started{generation: forgotten}, false},
	} {
		if s.remembers(c.known) != c.want {
			t.Errorf("start %v: remembered %t", c.known, !c.want)
		}
	}
}

// S7: a start that asked, and spoke for nobody, makes no other one older but by its generation.
func TestSeenOf(t *testing.T) {
	s := &Shard{peers: newPeers(Config{}), meta: formed(t, 3)}
	g := generationOf{2, 102}
	s.peers.spoke[g], s.peers.newest[g] = started{4, 40}, started{7, 71}
	for is, want := range map[started]started{{8, 80}: {4, 40}, {7, 71}: {4, 40}, {7, 70}: {7, 71}, {5, 50}: {7, 71}} { // order: independent
		if got := s.seenOf(2, 102, is); got != want {
			t.Errorf("%v is told %v, expected %v", is, got, want)
		}
	}
}

// S7: a position counts unless its own process, or a later start, has spoken since: it may have acknowledged more by then. That of a
// copy which came to the same generation counts.
func TestPositionOfAnotherProcess(t *testing.T) {
	p := &partition{}
	from := func(generation, boot uint64) raftMail { return raftMail{from: 2, start: started{generation, boot}} }
	late := func(want bool, in raftMail) {
		t.Helper()
		if p.late(in) != want {
			t.Errorf("start %v behind %v: late %t, expected %t", in.start, p.heard, !want, want)
		}
	}
	late(false, from(3, 30))
	p.hear(from(3, 30))
	late(true, from(3, 30))
	late(true, from(2, 20))
	late(false, from(3, 31))
	late(false, from(4, 40))
	p.hear(from(4, 40))
	p.hear(from(3, 30)) // it took longer
	late(true, from(4, 40))
	late(true, from(3, 31))
}

// S7: of a turn that learns that its directory is an older copy nothing leaves but that, and what is for people.
func TestNothingLeavesACopy(t *testing.T) {
	out := Output{Peers: []PeerSend{{To: 2}}, Send: []Send{{Conn: 1}}, Plans: make([]log.Plan, 1), Mail: make([]Mail, 1), Logs: make([]LogEvent, 1), Note: true}
	s := &Shard{out: &out}
	if s.over() || len(out.Peers) != 1 {
		t.Fatalf("it is over: %+v", out)
	}
	s.rejoin("it is an older copy")
	if !s.over() || len(out.Peers)+len(out.Send)+len(out.Plans)+len(out.Mail) > 0 || out.Note || out.Rejoin == "" || len(out.Logs) != 1 {
		t.Fatalf("it goes on: %+v", out)
	}
}

// Brokers may have different numbers of shards: a question goes to the shard of its sender's number, where there is one, and the answer back
// to the shard that asked, wherever it comes in.
func TestAnswerGoesToTheShardThatAsked(t *testing.T) {
	out := Output{}
	asked := &Shard{cfg: Config{Broker: 1, Shards: 1}, peers: newPeers(Config{Broker: 1, Shards: 1, Brokers: []int32{1, 3}}), meta: formed(t, 3), out: &out}
	from := transport.Header{From: 3, Incarnation: 103, Generation: 5, Boot: 50, Shard: 1, Cluster: [16]byte{1}}
	asked.known(from, knownControl{Ask: true, Of: 5})
	answer := asked.peers.out[3].msgs[0]
	asks := &Shard{cfg: Config{Broker: 3, Shards: 2, Generation: 5, Boot: 50}, peers: newPeers(Config{Broker: 3, Brokers: []int32{1, 3}}), meta: formed(t, 3), out: &out}
	from.From, from.Shard = 1, 0
	asks.vouch.noting = true
	asks.controlFrom(from, answer.Group, bytes.Join(answer.Bufs, nil))
	if len(out.Mail) != 1 || out.Mail[0].To != 1 {
		t.Fatalf("the answer goes to %+v, expected shard 1", out.Mail)
	}
	if m, ok := out.Mail[0].Body.(knownMail); !ok || m.c.Of != 5 || m.h.From != 1 {
		t.Errorf("mail %+v", out.Mail[0].Body)
	}
}
