package sim

import (
	"fmt"
	"slices"

	"logd/checker"
)

// A member reads ahead of what it processes, as a client does that polls a batch and hands its records to the application one by
// one. It commits what it has processed, and nothing beyond: whoever goes on from there never sees what is below (M40). What was
// given to it and not processed is gone with it, and given to the next member again.
//
//	log start      at             given
//	│ deleted │ processed │ given and not processed │ to be read
//	                      └─ committed, at the most
//
// So whenever anybody is told a group's offset, all below it was processed by some member, or deleted.

// position is where a member reads on.
func (g *seat) position(part int) int64 { return max(g.at[part], g.given[part]) }

// committable is the highest offset that a member may commit.
func (g *seat) committable(part int) int64 { return g.at[part] }

// consumed notes what a member was given of a partition that it has.
func (c *client) consumed(k *call, outcome checker.Outcome) {
	g := &c.seat
	if k.part < 0 || g.stage != seatWorking {
		return
	}
	switch _, known := g.at[k.part]; {
	case !known:
	case k.earliest && k.answered:
		g.begins(k.part, k.start)
	case k.op.Kind == checker.Read && outcome == checker.OK && k.op.From <= g.position(k.part):
		g.given[k.part] = max(g.position(k.part), k.op.From+int64(len(k.op.Values)))
	}
}

// process does with the records that were given what they were read for.
func (c *client) process(part int) {
	g := &c.seat
	if to := g.given[part]; to > g.at[part] {
		c.w.ledgerOf(g.group).processed(part).add(g.at[part], to)
		g.at[part] = to
	}
}

// begins has a member go on from where its group is, or from a later log start.
func (g *seat) begins(part int, at int64) {
	g.at[part] = at
	delete(g.given, part)
}

// goesOn judges an offset that somebody was told.
func (c *client) goesOn(part int, off int64) {
	w, g := c.w, &c.seat
	if gap := w.ledgerOf(g.group).processed(part).from(w.views.told[part]); gap < off {
		w.violate(GroupSkipped, "%s goes on from offset %d of %s, and no member of it has processed offset %d (M40, G7)", g.group, off, w.partName(part), gap)
	}
}

// mayCommit refuses to ask for what would make a sound broker look wrong.
func (a request) mayCommit(c *client) error {
	g, most := &c.seat, int64(0)
	switch {
	case a.kind == askCommit:
		most = g.committable(a.part)
	case g.old.id == "":
		return nil // nobody's commit
	case a.part == g.old.part:
		most = g.old.at
	}
	if a.at > most {
		return fmt.Errorf("client %d has processed %s up to %d", c.number, c.w.partName(a.part), most)
	}
	return nil
}

// spans are offsets, as disjoint stretches in order.
type spans []span

type span struct{ from, to int64 }

// add puts the offsets from from to before to in.
func (s *spans) add(from, to int64) {
	i := 0
	for i < len(*s) && (*s)[i].to < from {
		i++
	}
	n := i
	for n < len(*s) && (*s)[n].from <= to {
		from, to = min(from, (*s)[n].from), max(to, (*s)[n].to)
		n++
	}
	*s = slices.Replace(*s, i, n, span{from, to})
}

// from returns the first offset from at on that isn't in.
func (s *spans) from(at int64) int64 {
	for _, one := range *s {
		if one.from <= at && at < one.to {
			at = one.to
		}
	}
	return at
}
