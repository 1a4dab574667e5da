package sim

import (
	"fmt"
	"slices"
	"strings"
)

// Who waits for what, as the cause of a run that doesn't get on. Much may be waited for at once, and most of it only since something
// else is: what comes first here is the cause.
//
//	the metadata             before all other groups
//	nobody leads             then
//	no leader lasts          elected within the last election timeouts, and the calm is long
//	a leader's entries wait  for a majority
//	all is committed         so it's what was asked, and what was answered
//
// and of each group what keeps its voters from it, the worst: holes, a WAL without room, a snapshot under way, entries to be shipped.

// stall is the kind of one wait; the lowest of all that wait is the cause.
type stall struct {
	others bool // of another group than the metadata's
	stage  int
	ails   string
	group  string
	asked  string
}

const (
	stallLeaderless = iota
	stallChurn
	stallUncommitted
	stallCommitted
)

var stallNames = [...]string{"nobody leads", "no leader lasts", "a leader's entries wait for a majority", "all is committed"}

func (s stall) String() string {
	text := fmt.Sprintf("%s: %s, %s", s.group, stallNames[s.stage], s.ails)
	if s.stage == stallCommitted {
		text += "; " + s.asked
	}
	return text
}

func (s stall) compare(t stall) int {
	if s.others != t.others {
		if s.others {
			return 1
		}
		return -1
	}
	if s.stage != t.stage {
		return s.stage - t.stage
	}
	return strings.Compare(s.String(), t.String())
}

// stallCause is the cause of what is waited for in the calm.
func (w *World) stallCause() string {
	var all []stall
	for _, c := range w.clients {
		switch r := c.role.(type) {
		case *closer:
			if r.stage < closed {
				all = append(all, w.stallOf(r.group(w), closingNames[r.stage]+", "+gist(r.refusal).cause))
			}
		case *finisher:
			if r.stage < finished {
				all = append(all, w.stallOf(w.finishes(c, r), finishNames[r.stage]+", "+gist(r.refusal).cause))
			}
		}
	}
	if len(all) > 0 {
		return slices.MinFunc(all, stall.compare).String()
	}
	return w.unwhole()
}

var (
	finishNames  = [...]string{"an append is asked for", "an end is asked for", "a start is asked for", "a read is asked for", "a group's offset is asked for", "a group's members are awaited"}
	closingNames = [...]string{"a topic is to be made", "a topic's leader is asked for", "an append is asked for", "an end is asked for", "a start is asked for", "a read is asked for"}
)

// finishes is the group that a finisher waits for.
func (w *World) finishes(c *client, r *finisher) *groupSeen {
	if r.stage >= finishGroups {
		return w.keptIn(c.seat.group)
	}
	return w.groupOfPart(r.part)
}

// group is that of the partition that a closer is about; the metadata's, while there is none.
func (r *closer) group(w *World) *groupSeen {
	for _, g := range w.views.groups {
		if r.life != nil && g.life == r.life && g.name == labelledLife(r.life, r.index) {
			return g
		}
	}
	return w.groupOfPart(partMetadata)
}

// stallOf is how a group stands that something is asked of.
func (w *World) stallOf(g *groupSeen, asked string) stall {
	if g == nil {
		g = w.groupOfPart(partMetadata)
	}
	if g == nil {
		return stall{group: "the metadata", ails: "no replica was ever seen"}
	}
	s := stall{others: g.part != partMetadata, group: g.kind(), ails: w.ailment(g), asked: asked}
	recent := w.now - w.electionTime(electedWithin)
	switch led := g.leader >= 0 && g.replicas[g.leader].leader; {
	case !led && g.lostAt <= recent:
		s.stage = stallLeaderless
	case !led || g.since > recent:
		s.stage = stallChurn
	case g.replicas[g.leader].last.Last > g.replicas[g.leader].commit:
		s.stage = stallUncommitted
	default:
		s.stage = stallCommitted
	}
	return s
}

// ailment is the worst that keeps the live replicas of a group from serving; of holes and full WALs it says whether a majority has them.
func (w *World) ailment(g *groupSeen) string {
	var holes, blocked, shipped, behind, have int
	for at, n := range w.nodes {
		if !g.on(at) {
			continue
		}
		have++
		r := &g.replicas[at]
		if !r.live || n.proc == nil {
			continue
		}
		switch {
		case !r.condition.whole():
			holes++
		case n.proc.blocked(g):
			blocked++
		case r.transferring:
			shipped++
		case r.stable < g.commit:
			behind++
		}
	}
	for _, c := range [...]struct {
		n    int
		what string
	}{{holes, "holes"}, {blocked, "WALs without room"}} {
		switch {
		case c.n*2 > have:
			return c.what + " on a majority"
		case c.n > 0:
			return c.what + " on a minority"
		}
	}
	switch {
	case shipped > 0:
		return "a snapshot is under way"
	case behind > 0:
		return "committed entries are to be shipped"
	}
	return "the replicas that run are whole"
}

// blocker is a shard that says whether its WAL has no room.
type blocker interface{ Blocked() bool }

func (p *process) blocked(g *groupSeen) bool {
	b, ok := p.hosts[g.id%uint64(len(p.hosts))].shard.(blocker)
	return ok && b.Blocked()
}

// unwhole is the cause where nobody waits for an answer: a broker that counts as lost, or one that is behind.
func (w *World) unwhole() string {
	for _, n := range w.nodes {
		if n.lost == lossNone || n.behind.down() {
			continue
		}
		why := "it misses something"
		switch {
		case n.refused != "":
			why = "it refuses to start"
		case !w.views.rejoined(n):
			why = "its replicas aren't voters that hold what is committed"
		case n.proc != nil && !n.proc.scrubbed():
			why = "it hasn't read its segments since"
		}
		return fmt.Sprintf("a broker that was %s isn't whole again: %s", n.lost, why)
	}
	for _, g := range w.views.groups {
		for _, n := range w.nodes {
			if w.isBehind(g, n) {
				return fmt.Sprintf("%s: a replica is behind; %s", g.kind(), w.ailment(g))
			}
		}
	}
	return "segments are written without end"
}
