package sim

import (
	"testing"
	"time"

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
	return broker.GroupView{GroupFacts: broker.GroupFacts{Group: 2, Topic: topicNames[0], Replica: uint64(node+1)<<32 | 1, Term: term, Leading: leading, Commit: commit, Applied: commit,
		Durable: durable, AppliedHash: commit * 77, Last: durable, HighWatermark: int64(commit), LogEnd: int64(durable)}, Voters: []uint64{1<<32 | 1, 2<<32 | 1, 3<<32 | 1},
		Quorums: [][]uint64{{1<<32 | 1, 2<<32 | 1, 3<<32 | 1}}}
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
	w.nodes[2].lost = lossWiped // it may have held it
	w.views.group(2).replicas[2].id = 3<<32 | 1
	expect(t, o.turn(0, view(0, 5, true, 10, 10)), "")
}

// In a joint configuration each set of voters needs its majority; what is committed in the turn that enters one may be by the
// configuration before.
func TestJointNeedsBothMajorities(t *testing.T) {
	w, _ := toyWorld(t, 1, 1)
	o := watching{w}
	joint := func(commit, durable uint64) broker.GroupView {
		v := view(0, 5, true, commit, durable)
		v.Voters = []uint64{1<<32 | 1, 2<<32 | 1, 3<<32 | 1, 3<<32 | 2}
		v.Quorums = [][]uint64{{1<<32 | 1, 2<<32 | 1, 3<<32 | 2}, {1<<32 | 1, 2<<32 | 1, 3<<32 | 1}}
		return v
	}
	expect(t, o.turn(2, view(2, 5, false, 0, 8)), "")
	expect(t, o.turn(1, view(1, 5, false, 0, 6)), "")
	expect(t, o.turn(0, view(0, 5, true, 0, 9)), "")
	expect(t, o.turn(0, joint(8, 9)), "") // 3's former replica and the leader, by the configuration before
	expect(t, o.turn(1, view(1, 5, false, 8, 9)), "")
	expect(t, o.turn(0, joint(9, 9)), "")
	expect(t, o.turn(0, joint(10, 10)), NotOnMajority)
	alone := joint(11, 11) // the end of the joint configuration, committed by the voters to come alone
	w.views.find(2).replicas[1].stable = 9
	w.views.find(2).replicas[2].id, w.views.find(2).replicas[2].stable = 3<<32|2, 11
	alone.Quorums, alone.ConfIndex = alone.Quorums[:1], 11
	expect(t, o.turn(0, alone), NotOnMajority)
}

// A broker alone commits what its own disk has, and no more.
func TestAloneNeedsItsOwnDisk(t *testing.T) {
	w, _ := toyWorld(t, 1, 1)
	o := watching{w}
	alone := func(commit, durable uint64) broker.GroupView {
		v := view(0, 5, true, commit, durable)
		v.Voters, v.Quorums = []uint64{1<<32 | 1}, [][]uint64{{1<<32 | 1}}
		return v
	}
	expect(t, o.turn(0, alone(3, 3)), "")
	expect(t, o.turn(0, alone(4, 3)), NotOnMajority)
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

// At most a minority is ever lost for good: of all brokers, and of those that have a group's replicas.
func TestBudget(t *testing.T) {
	w := newWorld(DrawSized(1, time.Minute, Size{Brokers: 5}), Env{})
	meta, part := w.views.group(1), w.views.group(2)
	part.part = 0
	for i := range 3 {
		part.replicas[i].id = uint64(i+1)<<32 | 1
	}
	if meta.part >= 0 {
		t.Fatal("group 1 is no partition")
	}
	afford := func(node int, want bool) {
		t.Helper()
		if got := w.faults.affordable(w.nodes[node]); got != want {
			t.Fatalf("broker %d can be lost: %t, expected %t", node+1, got, want)
		}
	}
	afford(0, true)
	w.nodes[0].lost = lossWiped
	afford(0, true)  // it is lost already
	afford(1, false) // two of the partition's three
	afford(3, true)  // two of five, one of three
	w.nodes[3].lost = lossWiped
	afford(4, false) // three of five
}

// What stays broken in the calm leaves every group a majority of whole replicas, and now and then it is more than one broker.
func TestLeaveBehind(t *testing.T) {
	most := 0
	for seed := range uint64(40) {
		w := newWorld(DrawSized(seed, time.Minute, Size{Brokers: 5}), Env{})
		w.views.group(1)
		w.nodes[seed%5].lost = [...]loss{lossNone, lossWiped}[seed%2]
		stay := w.faults.leaveBehind().stay
		left := 0
		for _, n := range w.nodes {
			if n.lost != lossNone || stay[n.index].way != sound {
				left++
			}
		}
		if most = max(most, left); left > 2 {
			t.Fatalf("seed %d: %d of 5 brokers are left out", seed, left)
		}
	}
	if most < 2 {
		t.Fatal("never more than one broker stays broken")
	}
}
