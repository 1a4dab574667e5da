package sim

import (
	"fmt"
	"strings"
)

// held is a stretch of acknowledged offsets of which the same brokers have good copies.
type held struct {
	from, to int64 // both are in it
	on       []int // nodes
}

// held lists them, by rising offset.
func (c *copies) held(g *groupSeen) (all []held) {
	have := c.have(g, c.shelves())
	for i, b := range c.acked[g.part] {
		h := held{from: max(b.base, g.start), to: b.next - 1}
		for at := range have {
			if have[at][i] {
				h.on = append(h.on, at)
			}
		}
		if n := len(all) - 1; n >= 0 && all[n].to == h.from-1 && fmt.Sprint(all[n].on) == fmt.Sprint(h.on) {
			all[n].to = h.to
		} else {
			all = append(all, h)
		}
	}
	return all
}

func (h held) String() string {
	if len(h.on) == 0 {
		return fmt.Sprintf("%d..%d on no disk", h.from, h.to)
	}
	s := fmt.Sprintf("%d..%d on", h.from, h.to)
	for _, at := range h.on {
		s += fmt.Sprintf(" %d", at+1)
	}
	return s
}

// outOfReach says which acknowledged offsets no broker that runs has a good copy of, and who has, "" if there are none: nobody may serve the
// partition as if they had never been.
func (c *copies) outOfReach(g *groupSeen) string {
	var gone []string
	for _, h := range c.held(g) {
		reached := false
		for _, at := range h.on {
			reached = reached || c.w.nodes[at].proc != nil
		}
		if !reached {
			gone = append(gone, h.String())
		}
	}
	return strings.Join(gone, ", ")
}

// doCopies shows on which disks good copies are of what is acknowledged of a partition, and not deleted.
func (t *teller) doCopies(args []string) ([]string, error) {
	g, err := t.groupOf(args[0])
	if err != nil {
		return nil, err
	}
	if g.part < 0 {
		return nil, fmt.Errorf("%s: clients append nothing to it", g.name)
	}
	var lines []string
	for _, h := range t.w.copies.held(g) {
		lines = append(lines, h.String())
	}
	return lines, nil
}
