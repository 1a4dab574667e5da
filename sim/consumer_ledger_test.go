package sim

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// In one life of a group a later generation's assignment ends an earlier one; what was told before the group was deleted says
// nothing of the group that was made anew under its name.
func TestGenerationsOfOneLife(t *testing.T) {
	const s = time.Second
	w, _ := toyWorld(t, 1, 1)
	l := w.ledgerOf("group-0")
	l.told(3, "a", term{heard: 10 * s, until: 11*s + classicSession})
	if got := l.given(3, 0, "a"); got != "" {
		t.Errorf("the first owner meets %q", got)
	}
	for heard, want := range map[time.Duration]bool{9 * s: true, 13 * s: true, 14 * s: false} { // order: each by itself
		if got := l.supersedes(2, heard); got != want {
			t.Errorf("generation 2, heard of at %v, is superseded: %t", heard, got)
		}
	}
	if l.supersedes(3, 9*s) {
		t.Error("generation 3 is superseded by itself")
	}

	l.told(3, "b", term{heard: 12 * s, until: 13*s + classicSession})
	if got := l.given(3, 0, "b"); got != "a" {
		t.Errorf("in the same life another owner meets %q", got)
	}
	l.told(3, "c", term{heard: 20 * s, until: 21*s + classicSession})
	if got := l.given(3, 0, "c"); got != "" {
		t.Errorf("in the next life the owner meets %q", got)
	}

	l.stays(3, "c", 26*s)
	if !l.supersedes(2, 25*s) {
		t.Error("a member that is answered as one is none")
	}

	l.told(5, "d", term{heard: 30 * s, until: 31*s + classicSession})
	l.left("d", 31*s)
	if l.supersedes(4, 32*s) || !l.supersedes(4, 31*s) {
		t.Error("who leaves ends what is known of its group then, not before and not after")
	}
}

// A static member has the same name in each life of its group: what it had in a generation of a former one is free in the next one's.
func TestInstancesOfTwoLives(t *testing.T) {
	const s = time.Second
	for _, c := range []struct {
		name  string
		heard time.Duration // of the generation by the same name, again
		want  string
	}{
		{"another life", 36 * s, ""},
		{"the same one", 31 * s, "instance-3"},
	} {
		w, _ := toyWorld(t, 1, 1)
		l := w.ledgerOf("group-1")
		l.told(2, "instance-3", term{heard: 29 * s, until: 30*s + classicSession})
		l.given(2, 1, "instance-3")
		l.told(2, "instance-3", term{heard: c.heard, until: c.heard + s + classicSession})
		l.given(2, 2, "instance-3")
		l.told(2, "other", term{heard: c.heard, until: c.heard + s + classicSession})
		if got := l.given(2, 1, "other"); got != c.want {
			t.Errorf("%s: the owner meets %q, expected %q", c.name, got, c.want)
		}
	}
}

// A commit is fenced by what another has, where the member believes to have it, and not where it never had it.
func TestFencedByOwner(t *testing.T) {
	w, _ := toyWorld(t, 1, 1)
	w.ledgerOf("group-0").users[1] = user{id: "other"}
	g := seat{group: "group-0", modern: true, id: "me", parts: []int{1}, old: ghost{id: "ghost", part: 1}}
	if !g.fenced(w, 1) || !g.oldFenced(w, 1) {
		t.Error("what another has is committed")
	}
	g.parts, g.old.part = []int{0}, 0
	if g.fenced(w, 1) || g.oldFenced(w, 1) {
		t.Error("a member in its epoch may commit what it never had")
	}
}

// Who joined with its instance is replaced by the next one that does; one that couldn't say its instance replaces nobody.
func TestReplacedMembersStayOut(t *testing.T) {
	w, _ := toyWorld(t, 1, 1)
	l, name := w.ledgerOf("group-0"), "instance"
	for _, g := range []seat{{id: "a", static: true}, {id: "b"}, {id: "c", static: true}} {
		g.instance = &name
		l.holds(&g)
	}
	g := seat{group: "group-0", id: "c", instance: &name, static: true, old: ghost{id: "a"}}
	if !l.out["a"] || l.out["b"] || !g.oldOut(w) || !g.oldFenced(w, 0) || g.fenced(w, 0) {
		t.Errorf("out are %v", l.out)
	}
	g.old.id = "b"
	if g.oldOut(w) {
		t.Error("who was no static member is out")
	}
}

// What a member has given up it may commit until it has heard of a newer epoch.
func TestGhostOfWhatWasGivenUp(t *testing.T) {
	w, _ := toyWorld(t, 1, 1)
	w.ledgerOf("group-0").users[1] = user{id: "other"}
	g := seat{group: "group-0", modern: true, id: "me", gen: 5, old: ghost{id: "me", gen: 5, part: 1, gave: true}}
	if g.oldFenced(w, 1) {
		t.Error("a member in its epoch may commit what it had")
	}
	if g.gen = 6; !g.oldFenced(w, 1) {
		t.Error("an epoch that is over commits")
	}
}

// A group goes on where all before was processed, or deleted.
func TestSpans(t *testing.T) {
	var s spans
	for _, one := range []span{{10, 12}, {20, 25}, {12, 15}, {30, 31}, {14, 22}} {
		s.add(one.from, one.to)
	}
	for at, want := range map[int64]int64{0: 0, 10: 25, 24: 25, 25: 25, 30: 31} { // order: each by itself
		if got := s.from(at); got != want {
			t.Errorf("from %d on it is %d that is missing first, expected %d: %v", at, got, want, s)
		}
	}
	if len(s) != 2 {
		t.Errorf("%v: stretches that touch are one", s)
	}
	w, _ := toyWorld(t, 1, 1)
	c := newClient(w, 3, mute{})
	w.ledgerOf(c.seat.group).processed(0).add(0, 5)
	if c.goesOn(0, 5); w.violation != nil {
		t.Error(w.violation)
	}
	w.views.told[0] = 4
	if c.goesOn(0, 6); w.violation == nil || w.violation.Name != GroupSkipped {
		t.Errorf("%v, expected %s", w.violation, GroupSkipped)
	}
}

// A session surely began anew with a JoinGroup if that was a new member's or took part in a rebalance. A member that joins again as it is,
// in a group that has its assignment, is only told of it.
func TestJoinsThatBeginSessions(t *testing.T) {
	static := "instance-1"
	for _, c := range []struct {
		what  string
		seat  seat
		named bool
		resp  kmsg.JoinGroupResponse
		want  bool
	}{
		{"a new member, without id", seat{gen: 3, joins: 1}, false, kmsg.JoinGroupResponse{Generation: 3, LeaderID: "a"}, true},
		{"another generation", seat{gen: 3, joins: 1}, true, kmsg.JoinGroupResponse{Generation: 4, LeaderID: "a"}, true},
		{"the same generation", seat{gen: 3, joins: 1}, true, kmsg.JoinGroupResponse{Generation: 3, LeaderID: "a"}, false},
		{"an answer was lost, maybe that generation's", seat{gen: 3, joins: 2}, true, kmsg.JoinGroupResponse{Generation: 4, LeaderID: "a"}, false},
		{"a static member, which stays while others rebalance", seat{gen: 3, joins: 1, instance: &static}, true, kmsg.JoinGroupResponse{Generation: 4, LeaderID: "a"}, false},
		{"a static member's next process", seat{gen: 3, joins: 1, instance: &static}, false, kmsg.JoinGroupResponse{Generation: 3, LeaderID: "a"}, true},
		{"a consumer group", seat{gen: 3, joins: 2, instance: &static}, true, kmsg.JoinGroupResponse{Generation: 3}, true},
	} {
		if got := c.seat.beginsAnew(&call{named: c.named}, &c.resp); got != c.want {
			t.Errorf("%s: %t, expected %t", c.what, got, c.want)
		}
	}
}
