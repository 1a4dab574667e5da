package sim

import (
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/broker"
	"logd/broker/group"
)

// TestRefusedWhileTheLeaderIsPaused: who is told of topics by the leader of the metadata may know of none while that is paused, or hands
// its leadership over since it stops, until there must be another one.
func TestRefusedWhileTheLeaderIsPaused(t *testing.T) {
	for _, c := range []struct {
		paused, stops bool
		ago           time.Duration // in election timeouts
		want          bool          // there is a cause
	}{{true, false, 1, true}, {true, false, electedWithin - 1, true}, {true, false, electedWithin + 1, false}, {false, false, 0, false},
		{false, true, 1, true}, {false, true, electedWithin + 1, false}} {
		w, _ := toyWorld(t, 1, 1)
		w.now = time.Hour
		for i := range 3 {
			g := w.views.group(1)
			g.part, g.name, g.leader = partMetadata, "metadata", 0
			v := view(i, 5, i == 0, 7, 7)
			v.Group, v.Topic = 1, ""
			g.replicas[i] = replicaSeen{live: true, id: v.Replica, leader: i == 0, commit: 7, stable: 7, quorums: v.Quorums}
		}
		lead := w.nodes[0]
		if lead.proc.paused = c.paused; c.paused {
			lead.ails = w.now - c.ago*w.electionTime(1)
		}
		if c.stops {
			w.now -= c.ago * w.electionTime(1)
			if err := (stop{node: 0}).do(w); err != nil {
				t.Fatal(err)
			}
			w.now += c.ago * w.electionTime(1)
		}
		_, proof := w.causeOf(&call{part: -1, line: &line{node: 1}, sent: w.now}, codeNotController)
		if (proof != "") != c.want {
			t.Errorf("%+v: %q", c, proof)
		}
	}
}

// TestRefusedByCoordinator: whoever leads the partition that a consumer group is kept in, and is well, serves the group some election
// timeouts later; another broker, or a new leader, may say that it doesn't coordinate, or not yet.
func TestRefusedByCoordinator(t *testing.T) {
	for _, c := range []struct {
		node  int
		key   kmsg.Key
		code  int16
		since time.Duration // the leader's, in election timeouts
		want  bool          // there is a cause
	}{
		{0, kmsg.Heartbeat, group.NotCoordinator, servesWithin + 1, false}, {0, kmsg.Heartbeat, group.NotCoordinator, servesWithin - 1, true},
		{0, kmsg.JoinGroup, group.Loading, servesWithin + 1, false}, {0, kmsg.JoinGroup, group.Loading, servesWithin - 1, true},
		{0, kmsg.OffsetCommit, group.NotAvailable, servesWithin + 1, false}, {0, kmsg.JoinGroup, codeNone, servesWithin + 1, false},
		{1, kmsg.Heartbeat, group.NotCoordinator, servesWithin + 1, true}, {1, kmsg.FindCoordinator, group.NotAvailable, servesWithin + 1, false},
	} {
		w, _ := toyWorld(t, 1, 1)
		w.now, w.phase = time.Hour, phaseStorm
		for i := range 3 {
			g := w.views.group(9)
			g.part, g.leader, g.since = partGroups, 0, w.now-c.since*w.electionTime(1)
			g.name = fmt.Sprintf("__consumer_offsets/%d", group.PartitionFor("group-0", offsetsPartitions))
			v := view(i, 5, i == 0, 7, 7)
			g.replicas[i] = replicaSeen{live: true, id: v.Replica, leader: i == 0, commit: 7, stable: 7, quorums: v.Quorums}
		}
		k := &call{part: -1, line: &line{node: c.node}, sent: w.now, key: int16(c.key), group: "group-0", code: c.code}
		if c.code == codeNone {
			w.refusedCoordinator(k, codeNone, "doesn't answer")
		} else {
			w.refusedByGroup(k)
		}
		if (w.violation == nil) != c.want {
			t.Errorf("%+v: %v", c, w.violation)
		}
	}
}

// TestCoordinatorUnheardOf: a broker that started anew doesn't know that there is a coordinator until the metadata are told to be committed,
// which takes a leader of theirs; one that has known it has no such excuse.
func TestCoordinatorUnheardOf(t *testing.T) {
	for _, c := range []struct{ knew, led, want bool }{{false, false, true}, {false, true, false}, {true, false, false}, {true, true, false}} {
		w, _ := toyWorld(t, 1, 1)
		w.now, w.phase, w.groupsMade = time.Hour, phaseStorm, 5
		for i := range 3 {
			for _, g := range []*groupSeen{w.views.group(1), w.views.group(9)} {
				g.leader, g.since = 0, w.now-(servesWithin+1)*w.electionTime(1)
				v := view(i, 5, i == 0, 7, 7)
				g.replicas[i] = replicaSeen{live: true, id: v.Replica, leader: i == 0, commit: 7, stable: 7, quorums: v.Quorums}
			}
		}
		meta, of := w.views.group(1), w.views.group(9)
		meta.part, meta.name = partMetadata, "metadata"
		if meta.replicas[0].leader = c.led; !c.led {
			meta.lostAt = w.now - w.electionTime(1)
		}
		of.part, of.name = partGroups, fmt.Sprintf("__consumer_offsets/%d", group.PartitionFor("group-0", offsetsPartitions))
		if n := w.nodes[0]; c.knew {
			n.groups = n.proc.started + 1
		}
		w.refusedByGroup(&call{part: -1, line: &line{}, sent: w.now, key: int16(kmsg.FindCoordinator), group: "group-0", code: group.NotAvailable})
		if (w.violation == nil) != c.want {
			t.Errorf("%+v: %v", c, w.violation)
		}
	}
}

// TestUnsoundByCoordinator: what only a request can be refused for that no client sends is a bug of the broker, or of the client.
func TestUnsoundByCoordinator(t *testing.T) {
	w, _ := toyWorld(t, 1, 1)
	w.refusedByGroup(&call{part: -1, line: &line{}, key: int16(kmsg.JoinGroup), group: "group-0", code: group.InvalidSessionTimeout})
	if w.violation == nil || w.violation.Name != BadResponse {
		t.Errorf("%v", w.violation)
	}
}

// levelled is a shard that has heard, or hasn't, that every broker understands idempotent producers.
type levelled struct {
	*toy
	gives bool
}

func (l levelled) GivesProducerIDs() bool { return l.gives }

// TestNoProducerIDWhileABrokerIsAway: until each broker told the leader of the metadata that it understands producer ids, none is given;
// that one can't tell, or couldn't a moment ago, is a cause, and of nothing else.
func TestNoProducerIDWhileABrokerIsAway(t *testing.T) {
	for _, c := range []struct {
		key   kmsg.Key
		gives bool
		since time.Duration // the leader's
		away  time.Duration // since when broker 3 is back; 0: it wasn't away; -1: it still is
		want  bool          // there is a cause
	}{
		{kmsg.InitProducerID, false, time.Minute, -1, true}, {kmsg.InitProducerID, true, time.Minute, -1, false},
		{kmsg.Metadata, false, time.Minute, -1, false}, {kmsg.InitProducerID, false, time.Minute, 0, false},
		{kmsg.InitProducerID, false, time.Minute, tellsWithin / 2, true}, {kmsg.InitProducerID, false, time.Minute, 2 * tellsWithin, false},
		{kmsg.InitProducerID, false, tellsWithin - time.Millisecond, 0, true}, {kmsg.InitProducerID, true, tellsWithin - time.Millisecond, 0, false},
	} {
		w, toys := toyWorld(t, 1, 2)
		w.now = time.Hour
		for i, n := range w.nodes {
			g := w.views.group(1)
			g.part, g.name, g.leader, g.since = partMetadata, "metadata", 0, w.now-c.since
			v := view(i, 5, i == 0, 7, 7)
			g.replicas[i] = replicaSeen{live: true, id: v.Replica, leader: i == 0, commit: 7, stable: 7, quorums: v.Quorums}
			n.limits.Tick, n.limits.ElectionTicks = 100*time.Millisecond, 5 // a leader serves sooner than tellsWithin
			n.proc.hosts[1].shard = levelled{toys[i][1], c.gives}
		}
		switch n := w.nodes[2]; c.away {
		case -1:
			n.proc = nil
		case 0:
		default:
			n.ails = w.now - c.away
		}
		_, proof := w.causeOf(&call{part: -1, key: int16(c.key), line: &line{node: 0}, sent: w.now}, codeLoading)
		if (proof != "") != c.want {
			t.Errorf("%+v: %q", c, proof)
		}
	}
}

// crowded is a shard that holds so much of appends.
type crowded struct {
	*toy
	queued, held, most int64
}

func (c crowded) Holdings(visit func(broker.Holding)) {
	visit(broker.Holding{What: broker.HoldsQueued, Now: c.queued})
	visit(broker.Holding{What: broker.HoldsUncommitted, Now: c.held, Most: c.most})
}

// TestCrowdedOut: an append without an answer, or one that finds the queue full, waits for room, if what fills it is another partition's that has no majority.
func TestCrowdedOut(t *testing.T) {
	for _, c := range []struct {
		what         string
		key          kmsg.Key
		queued, held int64
		cut, leads   bool // broker 1 from both others; and it leads what is uncommitted
		want         bool
	}{
		{"no room", kmsg.Produce, 30, 80, true, true, true}, {"room for all that waits", kmsg.Produce, 20, 80, true, true, false},
		{"nothing waits", kmsg.Produce, 0, 101, true, true, false}, {"another request", kmsg.Metadata, 30, 80, true, true, false},
		{"the other partition has a majority", kmsg.Produce, 30, 80, false, true, false},
		{"another broker leads it", kmsg.Produce, 30, 80, true, false, false},
	} {
		w, toys := toyWorld(t, 1, 1)
		w.now = time.Hour
		for _, id := range []uint64{2, 3} {
			g := w.views.group(id)
			g.leader = 0
			for i := range w.nodes {
				v := view(i, 5, i == 0, 7, 7)
				g.replicas[i] = replicaSeen{live: true, id: v.Replica, leader: i == 0 && c.leads, logEnd: int64(6 + id), highWatermark: 8, quorums: v.Quorums}
			}
		}
		if c.cut {
			w.net.links[0][1].cut, w.net.links[2][0].cut = 1, 1
		}
		w.nodes[0].proc.hosts[0].shard = crowded{toys[0][0], c.queued, c.held, 100}
		for code, want := range map[int16]bool{codeNone: c.want, codeTimedOut: c.want, codeNotEnough: c.want, codeNotLeader: false} { // order: independent
			why := w.crowdedOut(w.views.find(2), &call{key: int16(c.key), line: &line{}, sent: w.now}, code)
			if (why != "") != want {
				t.Errorf("%s, code %d: %q", c.what, code, why)
			}
		}
	}
}
