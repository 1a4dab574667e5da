package sim

import (
	"testing"
	"time"
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
