package sim

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/broker/group"
)

// A coordinator that hasn't loaded yet, or began anew meanwhile, answers the Heartbeat of who was replaced without an error, and says
// nothing by it: seed 124 was called fenced-member for that.
func TestHeartbeatOfLoadingCoordinator(t *testing.T) {
	for _, c := range []struct {
		name          string
		before, after serving // node 0 is who was asked
		means         bool
	}{
		{"served all the time", serving{0, 1, 3}, serving{0, 1, 3}, true},
		{"loads", serving{0, 1, 0}, serving{0, 1, 0}, false},
		{"had loaded by its answer", serving{0, 1, 0}, serving{0, 1, 1}, false},
		{"began anew", serving{0, 1, 3}, serving{0, 1, 4}, false},
		{"loads anew", serving{0, 1, 3}, serving{0, 1, 0}, false},
		{"another broker leads", serving{0, 1, 3}, serving{1, 1, 3}, false},
		{"another process", serving{0, 1, 3}, serving{0, 2, 3}, false},
	} {
		w, _ := toyWorld(t, 1, 1)
		w.now = time.Minute
		g := w.views.group(7)
		g.part, g.name = partGroups, "__consumer_offsets/1"
		if group.PartitionFor("group-0", offsetsPartitions) == 0 {
			g.name = "__consumer_offsets/0"
		}
		lead := func(s serving) {
			g.leader = s.node
			w.nodes[s.node].proc.boot, g.replicas[s.node].live, g.replicas[s.node].last.Coordinator = s.boot, true, s.number
		}
		lead(c.before)
		cl := newClient(w, 1, ear{})
		cl.seat = seat{group: "group-0", id: "me", gen: 4, mixed: true, parts: []int{0}, heard: time.Second, stage: seatWorking, old: ghost{id: "old", gen: 3}}
		l := w.ledgerOf("group-0")
		l.out["old"], l.users[0] = true, user{"me", time.Second}
		calls := map[bool]*call{}
		for _, ghost := range []bool{true, false} {
			kind := askBeat
			if ghost {
				kind = askGhostBeat
			}
			cl.askGroups(request{kind: kind, part: -1, node: 0, version: 2})
			pending := cl.lines[0].pending
			calls[ghost] = pending[len(pending)-1]
		}
		lead(c.after)
		for _, ghost := range []bool{false, true} { // a violation comes last
			k := calls[ghost]
			k.resp = kmsg.NewPtrHeartbeatResponse()
			cl.heard(k)
		}
		if violates := w.violation != nil && w.violation.Name == FencedMember; violates != c.means {
			t.Errorf("%s: %v", c.name, w.violation)
		}
		if kept := l.users[0].until > time.Minute; kept != c.means {
			t.Errorf("%s: who was answered uses its partition until %v", c.name, l.users[0].until)
		}
	}
}
