package broker

import (
	"testing"

	"logd/broker/group"
)

// TestReloadSeesWhatIsUnderWay: a coordinator that ends and begins anew in one term, since its replica was damaged and is whole again,
// has what the earlier one had proposed and not seen committed: else it would tell an older offset than the log has.
func TestReloadSeesWhatIsUnderWay(t *testing.T) {
	l := startGroups(t)
	if code := l.commit("g", "", -1, "a", 5); code != errNone {
		t.Fatal(code)
	}
	topic := l.s.meta.TopicByName(topicOffsets)
	p := l.s.parts[topic.Partitions[group.PartitionFor("g", int32(len(topic.Partitions)))].Group]
	l.hold = true
	l.send(commitRequest("g", "", -1, "a", 7))
	if len(p.pending) != 1 {
		t.Fatalf("%d writes are pending, expected 1", len(p.pending))
	}
	term, _ := p.g.Leading()
	for _, damaged := range []bool{true, false} {
		p.damaged = damaged
		l.s.touch(p.group)
		l.turn()
	}
	if _, ok := l.received(commitRequest("g", "", -1, "a", 7)); !ok {
		t.Fatal("the first one was not answered")
	}
	l.hold = false
	held := l.held
	l.held = nil
	l.turn(held...)
	if is, leads := p.g.Leading(); !leads || is != term {
		t.Fatalf("term %d, leads %t, expected %d", is, leads, term)
	}
	if at := l.committed("g", "a").Topics[0].Partitions[0].Offset; at != 7 {
		t.Fatalf("offset %d is committed, the log says 7", at)
	}
}
