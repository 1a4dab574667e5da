package sim

import (
	"testing"

	"logd/broker"
)

// A broker that some replica counts as a voter's has a place of the group, though it may not have made its replica yet, and the one that
// said so may have lost it since: both together would be more than the group can spare (W7).
func TestPlacesAreKept(t *testing.T) {
	w, _ := toyWorld(t, 1, 1)
	g := w.views.group(9)
	v := broker.GroupView{GroupFacts: broker.GroupFacts{Group: 9, Topic: "__consumer_offsets", Replica: 1<<32 | 4}, Voters: []uint64{1<<32 | 4, 2<<32 | 5, 3<<32 | 6}}
	w.views.host = w.nodes[0].proc.hosts[0]
	w.views.see(&v)
	w.nodes[0].lost = lossWiped
	w.views.wiped(w.nodes[0])
	for i := range w.nodes {
		if !g.on(i) {
			t.Errorf("broker %d is to have a replica, and nobody knows", i+1)
		}
	}
	if w.spared(w.nodes[1], func(n *node) bool { return n.lost != lossNone }) != g {
		t.Error("two of three brokers may be lost at once")
	}
}

// What is lost of the only replica of a group is lost for good, wherever else nothing is (seed 40083).
func TestOnlyReplicaIsSpared(t *testing.T) {
	w, _ := toyWorld(t, 1, 1)
	gaps := map[key]bool{{group: 9, number: 3}: true}
	see := func(voters ...uint64) {
		v := broker.GroupView{GroupFacts: broker.GroupFacts{Group: 9, Topic: "__consumer_offsets", Replica: 1<<32 | 4}, Voters: voters}
		w.views.host = w.nodes[0].proc.hosts[0]
		w.views.see(&v)
	}
	if see(1<<32 | 4); w.faults.apart(w.nodes[0], gaps) {
		t.Error("the only copy may be damaged")
	}
	if see(1<<32|4, 2<<32|5); !w.faults.apart(w.nodes[0], gaps) {
		t.Error("one of two copies may not be damaged")
	}
	w.nodes[1].lost, w.nodes[1].gaps = lossRotten, gaps
	if w.faults.apart(w.nodes[0], gaps) {
		t.Error("both copies may be damaged")
	}
}
