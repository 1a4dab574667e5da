package sim

import (
	"testing"
	"time"
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
