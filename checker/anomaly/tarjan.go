package anomaly

import (
	"cmp"
	"slices"
)

// acyclic reports whether the whole graph goes in no circle: all nodes can be taken away,
// one that no edge leads to after the other (Kahn 1962). It is what nearly all histories
// need, and takes less room than finding circles.
func (g *graph) acyclic() bool {
	n := g.nodes()
	in := make([]int32, n)
	each := func(v int32, do func(to int32)) {
		for k := int32(0); ; k++ {
			e, ok := g.edge(v, k)
			if !ok {
				return
			}
			if e.kind != 0 {
				do(e.to)
			}
		}
	}
	for v := range n {
		each(v, func(to int32) { in[to]++ })
	}
	var free []int32
	for v := range n {
		if in[v] == 0 {
			free = append(free, v)
		}
	}
	taken := int32(0)
	for ; len(free) > 0; taken++ {
		v := free[len(free)-1]
		free = free[:len(free)-1]
		each(v, func(to int32) {
			if in[to]--; in[to] == 0 {
				free = append(free, to)
			}
		})
	}
	return taken == n
}

// components returns the strongly connected components of two nodes or more, over
// edges of the given kinds and the given nodes, nil for all: Tarjan's algorithm (1972),
// with a stack of its own. Each is sorted; they are ordered by their lowest node.
func (g *graph) components(kinds edgeKind, among []bool) [][]int32 {
	n := g.nodes()
	t := tarjan{g: g, kinds: kinds, among: among, num: make([]int32, n), low: make([]int32, n), on: make([]bool, n)}
	for v := range n {
		if t.num[v] == 0 && (among == nil || among[v]) {
			t.from(v)
		}
	}
	slices.SortFunc(t.found, func(a, b []int32) int { return cmp.Compare(a[0], b[0]) })
	return t.found
}

type tarjan struct {
	g        *graph
	kinds    edgeKind
	among    []bool
	num, low []int32
	on       []bool
	next     int32
	stack    []int32
	found    [][]int32
}

// from visits all that v reaches. A frame is a node and its next edge.
func (t *tarjan) from(v int32) {
	type frame struct{ v, e int32 }
	enter := func(v int32) frame {
		t.next++
		t.num[v], t.low[v], t.on[v] = t.next, t.next, true
		t.stack = append(t.stack, v)
		return frame{v, 0}
	}
	frames := []frame{enter(v)}
	for len(frames) > 0 {
		f := &frames[len(frames)-1]
		if e, ok := t.g.edge(f.v, f.e); ok {
			f.e++
			switch {
			case e.kind&t.kinds == 0 || t.among != nil && !t.among[e.to]:
			case t.num[e.to] == 0:
				frames = append(frames, enter(e.to))
			case t.on[e.to]:
				t.low[f.v] = min(t.low[f.v], t.num[e.to])
			}
			continue
		}
		v := f.v
		frames = frames[:len(frames)-1]
		if len(frames) > 0 {
			up := frames[len(frames)-1].v
			t.low[up] = min(t.low[up], t.low[v])
		}
		if t.low[v] == t.num[v] {
			t.pop(v)
		}
	}
}

func (t *tarjan) pop(v int32) {
	k := len(t.stack) - 1
	for t.stack[k] != v { // from the top: a component is as long as what is popped
		k--
	}
	c := slices.Clone(t.stack[k:])
	for _, w := range c {
		t.on[w] = false
	}
	t.stack = t.stack[:k]
	if len(c) > 1 {
		slices.Sort(c)
		t.found = append(t.found, c)
	}
}
