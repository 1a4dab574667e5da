package sim

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// refusingWorld has three brokers that are well, broker 1 of which leads a group.
func refusingWorld(t *testing.T, id uint64, part int) (*World, *groupSeen) {
	w, _ := toyWorld(t, 1, 1)
	w.now, w.phase = time.Hour, phaseStorm
	g := w.views.group(id)
	g.part, g.leader, g.commit = part, 0, 7
	for i, n := range w.nodes {
		v := view(i, 5, i == 0, 7, 7)
		g.replicas[i] = replicaSeen{live: true, id: v.Replica, leader: i == 0, commit: 7, stable: 7, quorums: v.Quorums}
		n.limits.Tick, n.limits.ElectionTicks, n.limits.HeartbeatTicks = 100*time.Millisecond, 10, 1
	}
	return w, g
}

// TestRefusedAfterLostRounds: that a leader heard from no majority is a cause only if one of its envelopes, or of the answers, was lost in
// each of its rounds, to as many brokers as that takes, by the group's own shard.
func TestRefusedAfterLostRounds(t *testing.T) {
	const ms = time.Millisecond
	type loss struct {
		from, to, shard int
		after           time.Duration
	}
	for _, c := range []struct {
		name   string
		waited time.Duration
		lost   []loss
		want   bool // there is a cause
	}{
		{"nothing", 220 * ms, nil, false},
		{"each round to both", 220 * ms, []loss{{0, 1, 0, 3 * ms}, {1, 0, 0, 150 * ms}, {0, 2, 0, 30 * ms}, {0, 2, 0, 199 * ms}}, true},
		{"each round to one", 220 * ms, []loss{{0, 1, 0, 3 * ms}, {1, 0, 0, 150 * ms}}, false},
		{"a round was heard", 220 * ms, []loss{{0, 1, 0, 3 * ms}, {1, 0, 0, 150 * ms}, {0, 2, 0, 30 * ms}}, false},
		{"by another shard", 220 * ms, []loss{{0, 1, 1, 3 * ms}, {1, 0, 1, 150 * ms}, {0, 2, 1, 30 * ms}, {0, 2, 1, 199 * ms}}, false},
		{"before one was over", 60 * ms, []loss{{0, 1, 0, 3 * ms}, {2, 0, 0, 5 * ms}}, true},
	} {
		w, _ := refusingWorld(t, 2, 0)
		k := &call{line: &line{node: 0}, key: int16(kmsg.Fetch), sent: w.now - c.waited}
		for _, x := range c.lost {
			w.net.links[x.from][x.to].loses(k.sent+x.after, x.shard)
		}
		if _, proof := w.causeOf(k, codeNotLeader); (proof != "") != c.want {
			t.Errorf("%s: %q", c.name, proof)
		}
	}
}

// TestUnknownTopicOfWhoIsUnheard: a broker that the leader doesn't hear is told nothing more to be committed; what it knows to be, it must
// answer by.
func TestUnknownTopicOfWhoIsUnheard(t *testing.T) {
	for _, c := range []struct {
		name            string
		commit, created uint64
		topic           int // from 1 on: one that comes and goes
		want            bool
	}{
		{"made later", 6, 7, 0, true},
		{"known to be made", 7, 7, 0, false},
		{"who comes and goes is made at any time", 7, 7, 1, true},
		{"the storm did not begin", 7, 0, 0, true},
		{"all is known", 9, 7, 1, false},
	} {
		w, g := refusingWorld(t, 1, partMetadata)
		w.created, g.commit, g.replicas[1].commit = c.created, 9, c.commit
		for i := range g.replicas {
			g.replicas[i].stable = 9
		}
		w.net.links[1][0].cut = 1
		k := &call{line: &line{node: 1}, key: int16(kmsg.Metadata), sent: w.now, topic: c.topic}
		if _, proof := w.causeOf(k, codeUnknownTopic); (proof != "") != c.want {
			t.Errorf("%s: its commit index is %d of %d: %q", c.name, c.commit, c.created, proof)
		}
	}
}

// TestTopicForgotten: who started a moment ago answers nobody before it knows all topics again that it told clients of, for as long as it
// may keep them waiting.
func TestTopicForgotten(t *testing.T) {
	for _, c := range []struct {
		name string
		ago  time.Duration // that it started
		sent time.Duration // before now
		do   func(n *node)
		want bool // it is a violation
	}{
		{"at once", time.Second, 0, func(*node) {}, true},
		{"once it need not wait any more", 4 * time.Second, 0, func(*node) {}, false},
		{"asked before it started", time.Second, 2 * time.Second, func(*node) {}, false},
		{"it was restored from a copy", time.Second, 0, func(n *node) { n.lost = lossRestored }, false},
		{"it never knew", time.Second, 0, func(n *node) { n.knew = 0 }, false},
	} {
		w, _ := refusingWorld(t, 1, partMetadata)
		n := w.nodes[1]
		w.recalls(&call{line: &line{node: 1}}, 0, codeNone)
		n.proc.started = w.now - c.ago
		c.do(n)
		w.recalls(&call{line: &line{node: 1}, sent: w.now - c.sent}, 0, codeUnknownTopic)
		if (w.violation != nil) != c.want {
			t.Errorf("%s: %v", c.name, w.violation)
		}
	}
}

// TestRefusedWhileAFollowerIsShipped: a follower that a snapshot is on its way to, or that the leader hasn't heard of since, is none of the
// majority that makes a leader serve.
func TestRefusedWhileAFollowerIsShipped(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(w *World, g *groupSeen)
		want bool // there is a cause
	}{
		{"nobody", func(*World, *groupSeen) {}, false},
		{"one of three", func(w *World, g *groupSeen) { g.replicas[2].shipped = w.now }, false},
		{"both", func(w *World, g *groupSeen) { g.replicas[1].shipped, g.replicas[2].shipped = w.now, w.now }, true},
		{"both, long ago", func(w *World, g *groupSeen) {
			g.replicas[1].shipped, g.replicas[2].shipped = w.now-w.electionTime(5), w.now-w.electionTime(5)
		}, false},
		{"both, and it has not heard of the end", func(_ *World, g *groupSeen) {
			g.replicas[0].last.Offered = []uint64{g.replicas[1].id, g.replicas[2].id}
		}, true},
	} {
		w, g := refusingWorld(t, 2, 0)
		c.do(w, g)
		if _, proof := w.causeOf(&call{line: &line{node: 0}, key: int16(kmsg.Produce), sent: w.now}, codeTimedOut); (proof != "") != c.want {
			t.Errorf("%s: %q", c.name, proof)
		}
	}
}
