package sim

import (
	"fmt"
	"time"

	"logd/checker"
)

// finisher appends once more, asks for the end and for the start, and reads everything between.
type finisher struct {
	part   int
	stage  finishing
	groups int    // whose offset of the partition was fetched
	census census // of the groups, by the finisher of the first partition
	at     int64
	end    int64
	misses int
	seen   reached // when it was looked at last; where it began to read, before

	refusal string // the last
}

// reached is how far a finisher was.
type reached struct {
	stage finishing
	at    int64
}

// finishing is what a finisher is at.
type finishing int

const (
	finishAppend finishing = iota
	finishTail
	finishStart
	finishRead
	finishGroups  // what each group has committed of the partition
	finishMembers // and who its members are
	finished
)

// getsOn tells whether a finisher reads, and has read an eighth of what was left when it was asked before: a log may be longer than what
// can be read of it within a bound that is for being served (G9), where reads are small. Of a leader whose disk stays slow anything is enough.
func (r *finisher) getsOn(w *World) bool {
	was, least := r.seen, (r.end-r.seen.at)/8
	r.seen = reached{r.stage, r.at}
	if g := w.groupOfPart(r.part); g != nil && g.leader >= 0 && w.nodes[g.leader].behind.way == staySlow {
		least = 0
	}
	return r.stage > was.stage || r.stage == finishRead && r.at-was.at > least
}

func (r *finisher) act(c *client) {
	if c.inflight > 0 || r.stage == finished {
		return
	}
	if r.stage == finishGroups {
		r.askOffset(c)
		return
	}
	if r.stage == finishMembers {
		if w := c.w; w.settlingOf(r.census.group).atRest() {
			r.census.ask(c)
		} else {
			c.soon(c.pause(retryAfter))
		}
		return
	}
	if r.stage == finishAppend && c.w.owesTail() {
		c.soon(c.pause(retryAfter))
		return
	}
	node, ok := c.leader(r.part)
	if !ok {
		return
	}
	switch r.stage {
	case finishAppend:
		c.append(node, r.part, 1)
	case finishTail:
		c.tail(node, r.part)
	case finishStart:
		c.earliest(node, r.part)
	case finishRead:
		c.fetch(node, r.part, r.at)
	}
}

func (r *finisher) done(c *client, k *call) {
	if k.earliest && k.answered {
		if r.stage, r.at = finishRead, k.start; r.seen.stage < finishRead {
			r.seen = reached{finishRead, r.at}
		}
		c.soon(time.Millisecond)
		return
	}
	if k.group != "" {
		r.fetchedOffset(c, k)
		return
	}
	if k.op.Outcome != checker.OK {
		if k.code == codeOutOfRange { // retention goes on
			r.stage = finishStart
		}
		r.misses++
		if r.refusal = fmt.Sprintf("broker %d answers %d %s", k.line.node+1, k.code, refusalCodes[k.code]); k.code == codeNone {
			r.refusal = fmt.Sprintf("broker %d doesn't answer", k.line.node+1)
		}
		c.soon(c.pause(retryAfter))
		return
	}
	switch k.op.Kind {
	case checker.Append:
		r.stage = finishTail
	case checker.Tail:
		r.stage, r.end = finishStart, k.op.Off
	case checker.Read:
		r.at = k.op.From + int64(len(k.op.Values))
		if r.at >= r.end {
			r.stage = finishGroups
			r.next(c)
			return
		}
	}
	c.soon(time.Millisecond)
}

// next goes on with the next group, or has finished.
func (r *finisher) next(c *client) {
	if r.groups*groupSize < c.w.opt.Load.Members {
		c.seat.group, c.seat.node = fmt.Sprintf("group-%d", r.groups), -1
		c.soon(time.Millisecond)
		return
	}
	if r.part == 0 && r.census.group*groupSize < c.w.opt.Load.Members {
		r.stage = finishMembers
		c.seat.group, c.seat.node = fmt.Sprintf("group-%d", r.census.group), -1
		c.soon(time.Millisecond)
		return
	}
	r.stage = finished
	c.over = true
	c.w.maybeOver()
}

// askOffset asks for what a group has committed of the partition: at last everybody can tell.
func (r *finisher) askOffset(c *client) {
	if c.seat.node < 0 {
		c.ask(request{kind: askCoordinator, part: -1, node: c.rng.IntN(c.w.opt.Brokers), version: 4})
		return
	}
	c.ask(request{kind: askOffset, part: r.part, node: c.seat.node, version: 8})
}

func (r *finisher) fetchedOffset(c *client, k *call) {
	if r.stage == finishMembers && r.census.took(c, k) {
		r.census = census{group: r.census.group + 1}
		r.next(c)
		return
	}
	if k.op.Kind == checker.FetchOffset && good(k) {
		r.groups++
		r.next(c)
		return
	}
	c.soon(c.pause(retryAfter))
}
