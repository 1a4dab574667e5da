package anomaly

import (
	"cmp"
	"slices"

	"logd/checker"
)

// edgeKind is a set of kinds of edges.
type edgeKind uint8

const (
	ww       edgeKind = 1 << iota // from's value precedes to's in a partition
	wr                            // to read a value of from
	process                       // from precedes to in a session
	realtime                      // from returned before to was called
	alone                         // a ww between operations that aren't parts of larger transactions
)

var kindNames = map[edgeKind]string{ww: "ww", wr: "wr", process: "process", realtime: "realtime"}

// edge goes to a node. log, value and next say why: of ww, value precedes next.
type edge struct {
	to          int32
	kind        edgeKind
	log         int32
	value, next int32
}

// graph has a node for each act, and behind them one for each instant at which acts
// returned (a barrier), so that real time takes a number of edges that is linear:
//
//	act A ── returns at 5 ─▶ barrier 5 ─▶ barrier 9 ─▶ … ── B is called at 10 ─▶ act B
type graph struct {
	acts  int
	edges [][]edge
}

func (g *graph) link(from int32, e edge) {
	if from != e.to {
		g.edges[from] = append(g.edges[from], e)
	}
}

// graph draws what the history proves about the order of acts. Acts that aborted, or
// may have, are no nodes: nobody saw what they sent.
func (c *check) graph() *graph {
	g := &graph{acts: len(c.acts), edges: make([][]edge, len(c.acts))}
	for li := range c.logs {
		c.linkWrites(g, int32(li))
	}
	for i := range c.acts {
		c.linkReads(g, int32(i))
	}
	for _, s := range c.sessions {
		before := int32(-1)
		for _, i := range s {
			if !c.inGraph(i) {
				continue
			}
			if before >= 0 && c.follows(before, i) {
				g.link(before, edge{to: i, kind: process})
			}
			before = i
		}
	}
	c.linkTime(g)
	return g
}

func (c *check) inGraph(i int32) bool {
	a := &c.acts[i]
	return a.fate == certain && (a.op.Kind == checker.Txn || a.op.Kind == checker.Append || a.op.Kind == checker.Read)
}

// single reports whether an act is one send or one read, which nothing can come
// into the middle of.
func (a *act) single() bool { return len(a.in) <= 1 }

// linkWrites links the writers of consecutive indexes, and those that are single
// also past writers that aren't.
func (c *check) linkWrites(g *graph, li int32) {
	l := c.logs[li]
	before, lone := int32(-1), int32(-1)
	for i, off := range l.offs {
		id := l.at[off].value
		v := &l.values[id]
		if v.first != int32(i) || !v.certain(c) {
			continue
		}
		if before >= 0 {
			g.link(l.values[before].writer, edge{v.writer, ww, li, before, id})
		}
		before = id
		if !c.acts[v.writer].single() {
			continue
		}
		if lone >= 0 {
			g.link(l.values[lone].writer, edge{v.writer, alone, li, lone, id})
		}
		lone = id
	}
}

func (c *check) linkReads(g *graph, i int32) {
	a := &c.acts[i]
	if !a.ok() {
		return
	}
	was := int32(-1)
	c.eachRead(a, func(l *log, _ *checker.Op, _ int, id int32) {
		v := &l.values[id]
		if v.certain(c) && v.writer != was {
			was = v.writer
			g.link(v.writer, edge{i, wr, c.byName[l.name], id, -1})
		}
	})
}

// linkTime adds the barriers. Of equal instants none is before another (A6).
func (c *check) linkTime(g *graph) {
	var nodes []int32
	for i := range c.acts {
		if c.inGraph(int32(i)) {
			nodes = append(nodes, int32(i))
		}
	}
	byRet := slices.DeleteFunc(slices.Clone(nodes), func(i int32) bool { return c.acts[i].ret() == never })
	slices.SortStableFunc(byRet, func(i, j int32) int { return cmp.Compare(c.acts[i].ret(), c.acts[j].ret()) })
	barrier, at := int32(-1), int64(0)
	for _, i := range nodes { // by Call
		for len(byRet) > 0 && c.acts[byRet[0]].ret() < c.acts[i].op.Call {
			ret := c.acts[byRet[0]].ret()
			if barrier < 0 || ret > at {
				g.edges = append(g.edges, nil)
				b := int32(len(g.edges) - 1)
				if barrier >= 0 {
					g.link(barrier, edge{to: b, kind: realtime})
				}
				barrier, at = b, ret
			}
			g.link(byRet[0], edge{to: barrier, kind: realtime})
			byRet = byRet[1:]
		}
		if barrier >= 0 {
			g.link(barrier, edge{to: i, kind: realtime})
		}
	}
}

// components returns the strongly connected components of two nodes or more, over
// edges of the given kinds: Tarjan's algorithm (1972), with a stack of its own. Each
// is sorted; they are ordered by their lowest node.
func (g *graph) components(kinds edgeKind) [][]int32 {
	t := tarjan{g: g, kinds: kinds, num: make([]int32, len(g.edges)), low: make([]int32, len(g.edges)), on: make([]bool, len(g.edges))}
	for v := range g.edges {
		if t.num[v] == 0 {
			t.from(int32(v))
		}
	}
	slices.SortFunc(t.found, func(a, b []int32) int { return cmp.Compare(a[0], b[0]) })
	return t.found
}

type tarjan struct {
	g        *graph
	kinds    edgeKind
	num, low []int32
	on       []bool
	next     int32
	stack    []int32
	found    [][]int32
}

// from visits all that v reaches. A frame is a node and its next edge.
func (t *tarjan) from(v int32) {
	type frame struct {
		v int32
		e int
	}
	enter := func(v int32) frame {
		t.next++
		t.num[v], t.low[v], t.on[v] = t.next, t.next, true
		t.stack = append(t.stack, v)
		return frame{v, 0}
	}
	frames := []frame{enter(v)}
	for len(frames) > 0 {
		f := &frames[len(frames)-1]
		if edges := t.g.edges[f.v]; f.e < len(edges) {
			e := edges[f.e]
			f.e++
			switch {
			case e.kind&t.kinds == 0:
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
