package sim

import "testing"

// Who reads on, if slowly, is no stall; who stands still is one, and so is whoever hasn't come so far.
func TestOnlyReadersGetMoreTime(t *testing.T) {
	w, g := refusingWorld(t, 2, 0)
	reader, other := &finisher{stage: 3, at: 60, end: 100, seen: reached{3, 20}}, &finisher{stage: finished}
	for _, r := range []*finisher{reader, other} {
		w.clients = append(w.clients, &client{role: r})
	}
	if !w.onlyRead() {
		t.Error("40 of 80 records were read, and it counts as a stall")
	}
	if reader.at = 65; w.onlyRead() {
		t.Error("5 of 40 records were read, and it doesn't count as a stall")
	}
	reader.at, w.nodes[g.leader].behind.way = 66, staySlow
	if !w.onlyRead() {
		t.Error("a record was read of a leader whose disk is slow, and it counts as a stall")
	}
	if w.onlyRead() {
		t.Error("nothing more was read of it, and it doesn't count as a stall")
	}
	w.nodes[g.leader].behind.way = sound
	if reader.stage = finishGroups; !w.onlyRead() {
		t.Error("all was read, and what comes after it counts as a stall at once")
	}
	if w.onlyRead() {
		t.Error("all was read long ago, and it doesn't count as a stall")
	}
	reader.stage, other.stage = finished, finishAppend
	if w.onlyRead() {
		t.Error("an append isn't acknowledged, and it doesn't count as a stall")
	}
	if other.stage = finished; w.onlyRead() {
		t.Error("nobody reads")
	}
}
