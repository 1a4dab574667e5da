package anomaly

import (
	"fmt"
	"slices"
	"strings"
)

// class is a kind of cycle to look for. Its cycles have an edge of each kind in must
// and others of may; allowed says why they leave a history valid.
type class struct {
	name      string
	may, must edgeKind
	allowed   string
}

const notIsolated = "a transaction's sends aren't isolated: others may come between them"

// classes go from the cycles that prove most to those that prove least. First those
// that nothing allows: information that goes in a circle by itself, and circles in
// which all that orders sends is between operations that are no transactions: batches
// that are torn, or circles that a session or real time closes. A component whose cycle has been told isn't
// looked at again.
var classes = []class{
	{G1c, wr, wr, ""},
	{G0, alone, alone, ""},
	{G0Process, alone | process, alone | process, ""},
	{G1cProcess, alone | wr | process, wr | process, ""},
	{G0Realtime, alone | process | realtime, alone | realtime, ""},
	{G1cRealtime, alone | wr | process | realtime, wr | realtime, ""},
	{G0, ww, ww, notIsolated},
	{G1c, ww | wr, wr, notIsolated},
	{G0Process, ww | process, ww | process, notIsolated},
	{G1cProcess, ww | wr | process, wr | process, notIsolated},
	{G0Realtime, ww | process | realtime, ww | realtime, notIsolated},
	{G1cRealtime, ww | wr | process | realtime, wr | realtime, notIsolated},
}

// maxSearch bounds the edges gone over to find a component's shortest cycle. Beyond
// it the shortest found so far is told; there always is one.
const maxSearch = 1 << 22

// cycles finds circles in what the history proves about the order of its acts.
func (c *check) cycles() {
	g := c.graph()
	if g.acyclic() {
		return
	}
	among := make([]bool, g.nodes())
	for _, comp := range g.components(ww|wr|process|realtime|alone, nil) {
		for _, v := range comp {
			among[v] = true
		}
	}
	told := make([]bool, g.nodes()) // nodes of witnesses
	for _, k := range classes {
		for _, comp := range g.components(k.may, among) {
			if anyOf(told, comp) {
				continue
			}
			s := &search{g: g, k: k, inside: set(comp)}
			if w := s.shortest(comp); w != nil {
				for _, st := range w {
					told[st.from] = true
				}
				c.tell(g, k, w)
			}
		}
	}
}

func anyOf(told []bool, nodes []int32) bool {
	for _, v := range nodes {
		if told[v] {
			return true
		}
	}
	return false
}

func set(nodes []int32) map[int32]bool {
	s := make(map[int32]bool, len(nodes))
	for _, v := range nodes {
		s[v] = true
	}
	return s
}

// step is an edge and where it begins.
type step struct {
	from int32
	edge
}

// search looks for a shortest cycle of a class within a component.
type search struct {
	g      *graph
	k      class
	inside map[int32]bool // order: looked up only
	spent  int
}

// state is a node reached by a walk that has used the kinds in seen.
type state struct {
	node int32
	seen edgeKind
}

// shortest returns a cycle with the fewest acts, or nil if no cycle of the component
// has all that the class asks for.
func (s *search) shortest(comp []int32) []step {
	var best []step
	for _, v := range comp {
		if int(v) >= s.g.acts {
			continue // each cycle has an act, for time alone goes in no circle
		}
		limit := never
		if best != nil {
			limit = int64(acts(s.g, best))
			if s.spent > maxSearch {
				break
			}
		}
		if w := s.from(v, limit); w != nil {
			best = w
		}
	}
	return best
}

// acts counts the steps that begin at one.
func acts(g *graph, w []step) int {
	n := 0
	for _, st := range w {
		if int(st.from) < g.acts {
			n++
		}
	}
	return n
}

// from returns a shortest closed walk from v that has fewer than limit acts and has
// used all that the class asks for. Steps out of a barrier cost nothing: a search of
// breadth first, with free nodes put in front.
func (s *search) from(v int32, limit int64) []step {
	start := state{v, 0}
	dist := map[state]int64{start: 0}
	back := map[state]step{}
	before := map[state]state{}
	level, next := []state{start}, []state(nil)
	for d := int64(0); len(level) > 0 && d < limit; d++ {
		for len(level) > 0 {
			at := level[0]
			level = level[1:]
			if dist[at] != d {
				continue
			}
			cost := int64(1)
			if int(at.node) >= s.g.acts {
				cost = 0
			}
			for n := int32(0); ; n++ {
				e, ok := s.g.edge(at.node, n)
				if !ok {
					break
				}
				s.spent++
				if e.kind&s.k.may == 0 || !s.inside[e.to] {
					continue
				}
				to := state{e.to, at.seen | e.kind&s.k.must}
				if e.to == v && to.seen == s.k.must && d+cost < limit {
					return s.walk(start, at, before, back, step{at.node, e})
				}
				if old, ok := dist[to]; e.to == v || ok && old <= d+cost {
					continue
				}
				dist[to], back[to], before[to] = d+cost, step{at.node, e}, at
				if cost == 0 {
					level = append(level, to)
				} else {
					next = append(next, to)
				}
			}
		}
		level, next = next, nil
	}
	return nil
}

// walk is the way from start to at, and the step that closes it.
func (s *search) walk(start, at state, before map[state]state, back map[state]step, last step) []step {
	var w []step
	for at != start {
		w = append(w, back[at])
		at = before[at]
	}
	for i, j := 0, len(w)-1; i < j; i, j = i+1, j-1 {
		w[i], w[j] = w[j], w[i]
	}
	return append(w, last)
}

// tell reports a cycle, with runs of barriers as one step of real time each.
func (c *check) tell(g *graph, k class, w []step) {
	a := Anomaly{Name: k.name, Allowed: k.allowed}
	var ops []int32
	var says, parts []string
	for i, st := range w {
		if st.to != w[(i+1)%len(w)].from {
			panic(fmt.Sprintf("invariant B5: step %d of a cycle leads to node %d, the next begins at %d", i, st.to, w[(i+1)%len(w)].from))
		}
		if int(st.from) >= g.acts {
			continue
		}
		j := i
		for int(w[j].to) >= g.acts {
			j = (j + 1) % len(w)
		}
		s, say := c.explain(st, w[j].to)
		a.Steps, says, ops = append(a.Steps, s), append(says, say), append(ops, st.from)
		if s.Partition != "" && !slices.Contains(parts, s.Partition) {
			parts = append(parts, s.Partition)
		}
	}
	a.Explain, a.Partition = strings.Join(says, "; "), strings.Join(parts, ", ")
	c.found(a, ops...)
}

// explain says what a step from its act to another one means.
func (c *check) explain(st step, next int32) (Step, string) {
	kind := st.kind
	if kind == alone {
		kind = ww
	}
	s := Step{Kind: kindNames[kind]}
	from, to := c.act(st.from), c.act(next)
	switch kind {
	case process:
		return s, fmt.Sprintf("%s precedes %s in its session", from.say(), to.say())
	case realtime:
		return s, fmt.Sprintf("%s had returned by %d when %s was called at %d", from.say(), from.ret(), to.say(), to.op.call)
	}
	l, v := c.reason(st.edge)
	s.Partition, s.Value = l.name, l.values[v].name
	if kind == wr {
		return s, fmt.Sprintf("%s sent %q, which %s read", from.say(), s.Value, to.say())
	}
	s.Next = l.values[c.nextSent(st.edge)].name
	return s, fmt.Sprintf("%s sent %q to %s before %q of %s", from.say(), s.Value, s.Partition, s.Next, to.say())
}
