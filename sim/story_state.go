package sim

import (
	"fmt"
	"slices"
	"strings"
)

// doState shows the brokers and their replicas, as of their last turns.
func (t *teller) doState(args []string) ([]string, error) {
	nodes := t.w.nodes
	if len(args) > 0 {
		n, err := t.broker(args[0])
		if err != nil {
			return nil, err
		}
		nodes = []*node{n}
	}
	var lines []string
	for _, n := range nodes {
		lines = append(lines, n.describe())
		if n.proc == nil {
			continue
		}
		for _, g := range t.w.views.groups {
			lines = append(lines, "  "+g.describe(n))
		}
	}
	return lines, nil
}

// describe is one line on a broker.
func (n *node) describe() string {
	s := fmt.Sprintf("broker %d ", n.id)
	switch {
	case n.refused != "":
		s += "refuses to start: " + n.refused
	case n.proc == nil && n.ended != "":
		s += n.ended
	case n.proc == nil:
		s += "is down"
	case n.proc.paused:
		s += "is paused"
	default:
		s += "runs"
	}
	if n.lost != lossNone {
		s += " (counts as " + string(n.lost) + ")"
	}
	return s
}

// describe is one line on a broker's replica of a group.
func (g *groupSeen) describe(n *node) string {
	r := &g.replicas[n.index]
	if !r.live {
		return fmt.Sprintf("%-10s nothing", g.name)
	}
	role := "votes for nobody"
	switch {
	case r.leader:
		role = "leads"
	case r.lead != 0:
		role = fmt.Sprintf("follows %d", r.lead>>32)
	}
	if !slices.Contains(r.voters, r.id) {
		role += " as no voter"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%-10s %-10s term %d, commit %d, stable %d", g.name, role, r.term, r.commit, r.stable)
	if r.highWatermark > r.logStart {
		fmt.Fprintf(&b, ", offsets %d..%d", r.logStart, r.highWatermark-1)
	} else if g.part >= 0 {
		fmt.Fprintf(&b, ", no offsets, next is %d", r.highWatermark)
	}
	if r.logEnd > r.highWatermark {
		fmt.Fprintf(&b, " and %d uncommitted", r.logEnd-r.highWatermark)
	}
	c := r.condition
	if c.holes > 0 {
		fmt.Fprintf(&b, ", %d holes", c.holes)
	}
	if c.segmentHoles > 0 {
		fmt.Fprintf(&b, ", %d segment holes", c.segmentHoles)
	}
	if c.damaged {
		b.WriteString(", damaged")
	}
	return b.String()
}
