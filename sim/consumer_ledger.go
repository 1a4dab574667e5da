package sim

import (
	"maps"
	"slices"
	"time"
)

// groupLedger is what a group's members were told. A group without members and offsets may be deleted at any time, and the one
// that is made anew under its name begins with generation 1: so a generation's number alone tells no order. Two assignments
// are of one life of a group if each one's member was told of its generation while the other surely was a member.
type groupLedger struct {
	terms  map[int32]map[string]term // by generation and member, of the classic protocol
	owners map[int32]map[int]string  // by generation and partition
	users  map[int]user              // by partition, in a group of the new protocol, or one that may change it
	holder map[string]string         // by instance: the member that was told last that it has its place
	out    map[string]bool           // members that were static ones, and replaced: they never come back
	done   map[int]*spans            // by partition: what its members have processed
	modern bool                      // it was of the new protocol when somebody was last told of it

	settling settling // in the calm
}

// term is a member's time in a generation.
type term struct {
	heard time.Duration // it was told of the generation, as the answer to its JoinGroup
	until time.Duration // it can't have been thrown out before: a session after the JoinGroup that began it, or its last Heartbeat that was answered; or it left
}

// classicSession is shorter than what members are given to join again, so that nobody is thrown out before it ends.
const classicSession = 2 * time.Second

func (w *World) ledgerOf(id string) *groupLedger {
	l := w.ledgers[id]
	if l == nil {
		l = &groupLedger{terms: map[int32]map[string]term{}, owners: map[int32]map[int]string{}, users: map[int]user{}, holder: map[string]string{}, out: map[string]bool{}, done: map[int]*spans{}}
		w.ledgers[id] = l
	}
	return l
}

// told notes that a member has its assignment of a generation. What an instance of the same name had in a former life of the group is
// nobody's.
func (l *groupLedger) told(gen int32, who string, t term) {
	if l.terms[gen] == nil {
		l.terms[gen], l.owners[gen] = map[string]term{}, map[int]string{}
	}
	if before, ok := l.terms[gen][who]; ok && t.heard > before.until {
		maps.DeleteFunc(l.owners[gen], func(_ int, owner string) bool { return owner == who }) // order: each by itself
	}
	l.terms[gen][who] = t
}

// stays notes that a member with an assignment was answered as one.
func (l *groupLedger) stays(gen int32, who string, until time.Duration) {
	if t, ok := l.terms[gen][who]; ok {
		t.until = max(t.until, until)
		l.terms[gen][who] = t
	}
}

// given notes a partition's owner in a generation, and returns another one that it has in the same life of the group, or "".
func (l *groupLedger) given(gen int32, part int, who string) string {
	had := l.owners[gen][part]
	l.owners[gen][part] = who
	one, other := l.terms[gen][had], l.terms[gen][who]
	if had == "" || had == who || one.heard > other.until || other.heard > one.until {
		return ""
	}
	return had
}

// holds notes that a static member was told that it is one: who had its place before was replaced (KIP-345).
func (l *groupLedger) holds(g *seat) {
	if g.instance == nil || !g.static {
		return
	}
	if before := l.holder[*g.instance]; before != "" && before != g.id {
		l.out[before] = true
	}
	l.holder[*g.instance] = g.id
}

// processed is what the group's members have processed of a partition.
func (l *groupLedger) processed(part int) *spans {
	if l.done[part] == nil {
		l.done[part] = &spans{}
	}
	return l.done[part]
}

// left notes that a member asks to leave: from now on its group may be empty.
func (l *groupLedger) left(who string, now time.Duration) {
	for _, members := range l.terms { // order: each is cut by itself
		if t, ok := members[who]; ok {
			t.until = min(t.until, now)
			members[who] = t
		}
	}
}

// supersedes tells whether an assignment of a later generation was given out, in the life of the group in which a member was
// told of gen at the time heard, or in one after it: either way its commits are refused from then on.
func (l *groupLedger) supersedes(gen int32, heard time.Duration) bool {
	for later, members := range l.terms { // order: it is asked whether there is any
		for _, t := range members { // order: as above
			if later > gen && heard <= t.until {
				return true
			}
		}
	}
	return false
}

// who names a member beyond its id: a static one by its instance.
func (g *seat) who() string {
	if g.instance != nil {
		return *g.instance
	}
	return g.id
}

// fenced tells whether a commit that the member asks for now must be refused. The new protocol lets a member in its epoch
// commit what it never had, so only what it believes to have can tell.
func (g *seat) fenced(w *World, part int) bool {
	l := w.ledgerOf(g.group)
	if g.modern || g.mixed {
		return l.out[g.id] || slices.Contains(g.parts, part) && l.isAnothers(part, g.id)
	}
	return l.out[g.id] || l.supersedes(g.gen, g.heard)
}

// oldFenced is the same of the ghost.
func (g *seat) oldFenced(w *World, part int) bool {
	l := w.ledgerOf(g.group)
	if g.old.gave {
		return g.old.id == g.id && g.old.gen < g.gen
	}
	if g.modern || g.mixed {
		return l.out[g.old.id] || part == g.old.part && l.isAnothers(part, g.old.id)
	}
	return l.out[g.old.id] || l.supersedes(g.old.gen, g.old.heard)
}

// user is who uses a partition, as far as clients know: it has not given it up, nor heard that it is no member any more.
type user struct {
	id    string
	until time.Duration // the coordinator can't have thrown it out before: its last heartbeat that was answered, and a session
}

// isAnothers tells whether a partition was given to somebody else than id.
func (l *groupLedger) isAnothers(part int, id string) bool {
	h := l.users[part]
	return h.id != "" && h.id != id
}

// release notes that a member uses only keep.
func (l *groupLedger) release(id string, keep []int) {
	for _, part := range slices.Sorted(maps.Keys(l.users)) {
		if l.users[part].id == id && !slices.Contains(keep, part) {
			delete(l.users, part)
		}
	}
}
