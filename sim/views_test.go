package sim

import (
	"testing"

	"logd/broker"
)

// watching gives views of brokers to the checks, as turns would.
type watching struct {
	w *World
}

func (o watching) turn(node int, v broker.GroupView) string {
	o.w.violation = nil
	o.w.views.host = o.w.nodes[node].proc.hosts[0]
	o.w.views.see(&v)
	o.w.views.host = nil
	if o.w.violation == nil {
		return ""
	}
	return o.w.violation.Name
}

func view(node int, term uint64, leading bool, commit, durable uint64) broker.GroupView {
	return broker.GroupView{Group: 2, Topic: topicNames[0], Replica: uint64(node+1)<<32 | 1, Term: term, Leading: leading, Commit: commit, Applied: commit,
		Durable: durable, AppliedHash: commit * 77, HighWatermark: int64(commit), LogEnd: int64(durable), Voters: []uint64{1<<32 | 1, 2<<32 | 1, 3<<32 | 1}}
}

func expect(t *testing.T, got, want string) {
	t.Helper()
	if got != want {
		t.Fatalf("violation %q, expected %q", got, want)
	}
}

func TestOneLeaderIncarnationPerTerm(t *testing.T) {
	w, _ := toyWorld(t, 1, 1)
	o := watching{w}
	expect(t, o.turn(0, view(0, 5, true, 0, 0)), "")
	expect(t, o.turn(0, view(0, 6, true, 0, 0)), "")
	expect(t, o.turn(1, view(1, 6, true, 0, 0)), TwoLeaders)
	w.nodes[0].proc.boot++ // the same broker, restarted, in a term that it led before (S1)
	w.views.forget(w.nodes[0])
	expect(t, o.turn(0, view(0, 6, true, 0, 0)), TwoLeaders)
}

func TestCommittedIsOnAMajority(t *testing.T) {
	w, _ := toyWorld(t, 1, 1)
	o := watching{w}
	expect(t, o.turn(1, view(1, 5, false, 0, 8)), "")
	expect(t, o.turn(0, view(0, 5, true, 8, 9)), "")
	expect(t, o.turn(0, view(0, 5, true, 9, 9)), NotOnMajority)
	w.nodes[2].lost = "wiped" // it may have held it
	w.views.group(2).replicas[2].id = 3<<32 | 1
	expect(t, o.turn(0, view(0, 5, true, 10, 10)), "")
}

func TestAcknowledgedWasApplied(t *testing.T) {
	w, _ := toyWorld(t, 1, 1)
	o := watching{w}
	expect(t, o.turn(0, view(0, 5, true, 0, 3)), "")
	w.views.acknowledged(0, 1)
	expect(t, w.violation.Name, NotOnMajority)
}

func TestSameBytesEverywhere(t *testing.T) {
	w, _ := toyWorld(t, 1, 1)
	o := watching{w}
	expect(t, o.turn(1, view(1, 5, false, 7, 7)), "")
	v := view(2, 5, false, 7, 7)
	v.AppliedHash++
	expect(t, o.turn(2, v), LogsDiffer)
}

func TestLeaderHasAllThatIsCommitted(t *testing.T) {
	w, _ := toyWorld(t, 1, 1)
	o := watching{w}
	expect(t, o.turn(1, view(1, 5, false, 7, 7)), "")
	expect(t, o.turn(2, view(2, 6, true, 0, 6)), CommitLost)
}

// At most a minority is ever lost for good.
func TestBudget(t *testing.T) {
	w, _ := toyWorld(t, 1, 1)
	f := w.faults
	if !f.affordable(w.nodes[0]) {
		t.Fatal("one of three can't be lost")
	}
	w.nodes[0].lost = "wiped"
	if f.affordable(w.nodes[1]) {
		t.Fatal("two of three may be lost")
	}
	if !f.affordable(w.nodes[0]) {
		t.Fatal("the lost one can't be lost again")
	}
}
