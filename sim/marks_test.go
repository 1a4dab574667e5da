package sim

import (
	"testing"
	"time"

	"logd/broker"
)

// Every mark has a name of its own and says what happened.
func TestMarksAreNamed(t *testing.T) {
	for m := range Marks {
		if found, ok := MarkNamed(m.Name()); m.Name() == "" || m.String() == "" || !ok || found != m {
			t.Errorf("mark %d is called %q (%s), and that name is mark %d's", m, m.Name(), m, found)
		}
	}
}

// What a leader left behind, and what the others lack, shows when another one is elected.
func TestMarksOfAnElection(t *testing.T) {
	w, _ := toyWorld(t, 1, 1)
	w.phase = phaseStorm
	o := watching{w}
	o.turn(0, view(0, 5, true, 3, 3))
	o.turn(1, view(1, 5, false, 3, 3))
	o.turn(2, view(2, 5, false, 1, 1))
	v := view(0, 5, true, 3, 3)
	v.LogEnd = 4
	o.turn(0, v)
	if w.marks[MarkElected] != 1 {
		t.Error("broker 1 was elected")
	}
	if w.marks[MarkElected] = 0; w.marks != [Marks]int64{} {
		t.Fatalf("nothing was rare, and marks are %v", w.marks)
	}
	w.net.links[0][1].cut++
	o.turn(1, view(1, 6, true, 3, 3))
	for _, m := range []Mark{MarkLeaderLeftUncommitted, MarkTwoLeaders, MarkLeaderBeforeAll, MarkLeaderInPartition} {
		if w.marks[m] != 1 {
			t.Errorf("%s: %d", m.Name(), w.marks[m])
		}
	}
	if w.marks[MarkHoleVoted] > 0 {
		t.Error("nobody had holes")
	}
	// 3's vote is needed, with or without holes
	hole := view(2, 7, false, 1, 1)
	hole.Holes = 2
	o.turn(2, hole)
	o.turn(1, view(1, 7, true, 3, 3))
	if w.marks[MarkHoleVoted] != 1 {
		t.Error("a leader was elected by a replica with holes")
	}
}

// Joint configurations, snapshots and tails that are cut show as they happen.
func TestMarksOfAReplica(t *testing.T) {
	w, _ := toyWorld(t, 1, 1)
	w.phase = phaseStorm
	o := watching{w}
	o.turn(0, view(0, 5, true, 3, 3))
	joint := func(v broker.GroupView) broker.GroupView {
		v.Quorums = append(v.Quorums, []uint64{1<<32 | 1, 2<<32 | 1})
		return v
	}
	o.turn(0, joint(view(0, 5, true, 3, 3)))
	o.turn(0, joint(view(0, 6, false, 3, 3)))
	v := joint(view(0, 6, false, 3, 3))
	v.LogEnd, v.Installed, v.Transferring = 2, 1, true
	o.turn(0, v)
	v.Installed = 2
	o.turn(0, v)
	w.views.forget(w.nodes[0])
	v.Transferring, v.Installed = false, 0
	o.turn(0, v)
	v.Transferring = true
	o.turn(0, v)
	for _, m := range []Mark{MarkJoint, MarkLeaderLostInJoint, MarkTailCut, MarkSnapshotTwice, MarkTransferCut, MarkTransferResumed} {
		if w.marks[m] != 1 {
			t.Errorf("%s: %d", m.Name(), w.marks[m])
		}
	}
	if w.marks[MarkSnapshot] != 2 {
		t.Errorf("%d snapshots", w.marks[MarkSnapshot])
	}
}

// Clients' marks count in the storm only: the calm reads everything in any case. A tail that the storm never answered is answered in the
// calm before its appends, so that no run is without an upper bound.
func TestMarksOfTheLoad(t *testing.T) {
	r := Run(DrawSized(3, 5*time.Second, Size{Brokers: 3}), Env{})
	if r.Violation != nil || r.Marks[MarkAppendsOverlap] == 0 {
		t.Fatalf("%v, marks %v", r.Violation, r.Marks)
	}
	opt := DrawSized(3, time.Millisecond, Size{Brokers: 3})
	if r = Run(opt, Env{}); r.Violation != nil || r.Counts[CountUpperBounds] == 0 || r.Marks[MarkReadFromStart]+r.Marks[MarkAppendsOverlap] > 0 {
		t.Fatalf("%v, marks %v of a run without a storm", r.Violation, r.Marks)
	}
}
