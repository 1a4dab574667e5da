package sim

import (
	"slices"
	"time"
)

// A consumer is a member of a group, as clients are: it looks for the coordinator, joins, is given partitions, reads them from
// the committed offset on, and commits what it has read. Now and then it crashes, and comes back as somebody new, and what was
// left of the one before may commit still.
//
//	seek ─► out ─join─► joined ─sync─► working: read, process, commit, fetch the offset, heartbeat, sleep ─► leave, crash
//
// What it is told is judged at once by the ledger of its group, and later (G7):
//
//	an assignment has one owner of each partition in a generation: two-owners
//	who belongs to a generation of before, or was a static member and is replaced, commits nothing: fenced-commit
//	and is told so by its heartbeat: fenced-member
//	all below the offset that a group goes on from was processed by a member: group-skipped (client_consume.go)
//	an offset is that of the last commit, and never goes back by itself: package checker/anomaly, at the end
//	who isn't heard of any more is no member soon: session-kept, at the end (consumer_sessions.go)
type consumer struct {
	think time.Duration
	slept bool // before what it asks now
}

// offsetsPartitions are those of __consumer_offsets.
const offsetsPartitions = 2

const groupSize = 3 // consumers of one group

func (r *consumer) act(c *client) {
	w := c.w
	if w.phase != phaseStorm || c.inflight > 0 {
		return
	}
	g := &c.seat
	switch {
	case g.stage == seatWorking && !r.slept && c.rng.IntN(150) == 0:
		r.slept = true
		c.soon(time.Duration(1+c.rng.IntN(3)) * c.memberSession()) // and then it goes on as if nothing had been
		return
	case g.node < 0:
		c.ask(request{kind: askCoordinator, part: -1, node: c.rng.IntN(w.opt.Brokers), version: int16(c.rng.IntN(7))})
	case g.modern && slices.Contains(c.ids, [16]byte{}):
		c.leader(0) // whoever knows no topic ids asks for them
		c.soon(c.pause(r.think))
	case g.modern && g.stage == seatOut:
		c.ask(request{kind: askMember, part: -1, node: g.node, version: 1})
	case g.stage == seatOut:
		c.ask(request{kind: askJoin, part: -1, node: g.node, version: int16(c.rng.IntN(10))})
	case g.stage == seatJoined:
		c.ask(request{kind: askSync, part: -1, node: g.node, version: int16(c.rng.IntN(6))})
	default:
		r.work(c)
	}
	g.slept, r.slept = r.slept, false
}

// work is what a member does that has its assignment.
func (r *consumer) work(c *client) {
	g := &c.seat
	k := c.rng.IntN(40)
	version := int16(2 + c.rng.IntN(8)) // of a commit
	if g.modern {
		version = 9
	}
	switch {
	case k == 0:
		c.ask(request{kind: askLeave, part: -1, node: g.node, version: int16(c.rng.IntN(6)), at: c.howToLeave()})
		return
	case k == 1:
		c.ask(request{kind: askCrash, part: -1, node: g.node, at: c.otherProtocol()})
		return
	case k == 2 && g.old.id != "":
		c.ask(request{kind: askGhost, part: g.old.part, node: g.node, at: g.old.at, version: version})
		return
	case k == 3 && g.old.id != "":
		c.ask(request{kind: askGhostBeat, part: -1, node: g.node, version: int16(c.rng.IntN(5))})
		return
	case g.modern && (k < 12 || len(g.parts) == 0):
		c.ask(request{kind: askMember, part: -1, node: g.node, version: 1, at: int64(c.rng.IntN(2))})
		return
	case k < 12 || len(g.parts) == 0:
		c.ask(request{kind: askBeat, part: -1, node: g.node, version: int16(c.rng.IntN(5))})
		return
	}
	part := g.parts[c.rng.IntN(len(g.parts))]
	_, known := g.at[part]
	switch {
	case g.lost >= 0:
		if node, ok := c.leader(g.lost); ok {
			c.earliest(node, g.lost)
		}
	case !known:
		c.ask(request{kind: askOffset, part: part, node: g.node, version: int16(1 + c.rng.IntN(9))})
	case k < 16: // all that it has, one commit behind the other
		for _, part := range slices.Clone(g.parts) {
			if _, known := g.at[part]; known && g.node >= 0 && slices.Contains(g.parts, part) {
				c.ask(request{kind: askCommit, part: part, node: g.node, at: g.committable(part), version: version})
			}
		}
	case k < 21:
		c.ask(request{kind: askCommit, part: part, node: g.node, at: g.committable(part), version: version})
	case k < 25:
		c.ask(request{kind: askOffset, part: part, node: g.node, version: int16(1 + c.rng.IntN(9))})
	case k < 32 && g.given[part] > g.at[part]:
		c.ask(request{kind: askProcess, part: part, node: g.node})
		c.soon(c.pause(r.think))
	default:
		if node, ok := c.leader(part); ok {
			c.fetch(node, part, min(g.position(part), c.w.views.known[part]))
		}
	}
}

func (r *consumer) done(c *client, k *call) {
	g := &c.seat
	switch {
	case k.earliest && k.answered:
		g.lost = -1
	case k.code == codeOutOfRange:
		g.lost = k.part
	}
	c.soon(c.pause(r.think))
}
