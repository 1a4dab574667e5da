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

// edge goes to a node. value says why: of ww, it precedes the next one sent. It is
// counted through all logs, from the base of its own.
type edge struct {
	to, value int32
	kind      edgeKind
}

// stored is an edge of values in 8 bytes: ww, wr and alone are told by places.
type stored struct{ to, value int32 }

var storedKinds = [...]edgeKind{ww, wr, alone}

func (e edge) store() stored {
	return stored{e.to<<2 | int32(slices.Index(storedKinds[:], e.kind)), e.value}
}

func (s stored) edge() edge { return edge{s.to >> 2, s.value, storedKinds[s.to&3]} }

// graph has a node for each act, and behind them one for each instant at which acts
// returned (a barrier), so that real time takes a number of edges that is linear:
//
//	act A ── returns at 5 ─▶ barrier 5 ─▶ barrier 9 ─▶ … ── B is called at 10 ─▶ act B
//
// Acts are numbered by call, so what a barrier leads to is a range of them. Only the
// edges of values are stored, those of an act from start[act] on.
type graph struct {
	acts  int
	start []int32
	edges []stored
	inner []bool  // acts that are nodes
	next  []int32 // the act that follows in its session, or -1
	ends  []int32 // the barrier of an act's return, or -1
	from  []int32 // the first act called after each barrier, and the number of acts
}

func (g *graph) nodes() int32 { return int32(g.acts + len(g.from) - 1) }

// edge is the k-th of a node; false behind the last. Its kind is 0 if there is none there.
func (g *graph) edge(v, k int32) (edge, bool) {
	if b := int(v) - g.acts; b >= 0 {
		to := g.from[b] + k
		switch {
		case to < g.from[b+1]:
			if !g.inner[to] {
				return edge{}, true
			}
			return edge{to: to, kind: realtime}, true
		case to == g.from[b+1] && v+1 < g.nodes():
			return edge{to: v + 1, kind: realtime}, true
		}
		return edge{}, false
	}
	n := g.start[v+1] - g.start[v]
	switch {
	case k < n:
		return g.edges[g.start[v]+k].edge(), true
	case k == n && g.next[v] >= 0:
		return edge{to: g.next[v], kind: process}, true
	case k == n:
		return edge{}, true
	case k == n+1 && g.ends[v] >= 0:
		return edge{to: int32(g.acts) + g.ends[v], kind: realtime}, true
	}
	return edge{}, false
}

// link counts an edge of values, or, when room was made for all, adds it.
func (g *graph) link(from int32, e edge) {
	switch {
	case from == e.to:
	case g.edges == nil:
		g.start[from+2]++
	default:
		g.edges[g.start[from+1]] = e.store()
		g.start[from+1]++
	}
}

// graph draws what the history proves about the order of acts. Acts that aborted, or
// may have, are no nodes: nobody saw what they sent.
func (c *check) graph() *graph {
	n := len(c.fates)
	g := &graph{acts: n, start: make([]int32, n+2), inner: make([]bool, n), next: slices.Repeat([]int32{-1}, n), ends: slices.Repeat([]int32{-1}, n)}
	for i := range g.inner {
		g.inner[i] = c.inGraph(int32(i))
	}
	c.linkValues(g) // counts
	for v := range n {
		g.start[v+2] += g.start[v+1]
	}
	g.edges = make([]stored, g.start[n+1])
	c.linkValues(g)
	for _, s := range c.sessions {
		before := int32(-1)
		for _, i := range s {
			if !g.inner[i] {
				continue
			}
			if before >= 0 && c.follows(before, i) {
				g.next[before] = i
			}
			before = i
		}
	}
	c.linkTime(g)
	return g
}

func (c *check) linkValues(g *graph) {
	for li := range c.logs {
		c.linkWrites(g, int32(li))
	}
	for i := range c.fates {
		c.linkReads(g, int32(i))
	}
}

func (c *check) inGraph(i int32) bool {
	kind := c.rows.rows[i].kind
	return c.fates[i] == certain && (kind == checker.Txn || kind == checker.Append || kind == checker.Read)
}

// single reports whether an act is one send or one read, which nothing can come
// into the middle of.
func (c *check) single(i int32) bool {
	op := &c.rows.rows[i]
	return op.kind != checker.Txn || op.n <= 1
}

// sentAt is the value that was certainly sent to index i of a log and stands there first, or -1.
func (c *check) sentAt(l *log, i int32) int32 {
	id := l.firsts[i].value
	if v := &l.values[id]; v.first == i && v.certain(c) {
		return id
	}
	return -1
}

// linkWrites links the writers of consecutive indexes, and those that are single
// also past writers that aren't.
func (c *check) linkWrites(g *graph, li int32) {
	l := c.logs[li]
	before, lone := int32(-1), int32(-1)
	for i := range l.offs {
		id := c.sentAt(l, int32(i))
		if id < 0 {
			continue
		}
		to := l.values[id].writer
		if before >= 0 {
			g.link(l.values[before].writer, edge{to, l.base + before, ww})
		}
		before = id
		if !c.single(to) {
			continue
		}
		if lone >= 0 {
			g.link(l.values[lone].writer, edge{to, l.base + lone, alone})
		}
		lone = id
	}
}

// reason is the log of an edge's value, and its number there.
func (c *check) reason(e edge) (*log, int32) {
	k, _ := slices.BinarySearchFunc(c.logs, e.value, func(l *log, v int32) int {
		return cmp.Compare(l.base+int32(len(l.values)), v+1)
	})
	return c.logs[k], e.value - c.logs[k].base
}

// nextSent is the value that a ww edge leads to.
func (c *check) nextSent(e edge) int32 {
	l, v := c.reason(e)
	for i := l.values[v].first + 1; ; i++ {
		if id := c.sentAt(l, i); id >= 0 && (e.kind == ww || c.single(l.values[id].writer)) {
			return id
		}
	}
}

func (c *check) linkReads(g *graph, i int32) {
	a := c.act(i)
	if !a.ok() {
		return
	}
	was := int32(-1)
	c.eachRead(&a, func(l *log, in *row, _ int, id int32) {
		v := &l.values[id]
		if v.certain(c) && v.writer != was {
			was = v.writer
			g.link(v.writer, edge{i, l.base + id, wr})
		}
	})
}

// linkTime adds the barriers. Of equal instants none is before another (A6).
func (c *check) linkTime(g *graph) {
	called, at := int32(0), int64(0)
	for _, i := range c.byRet {
		if !g.inner[i] {
			continue
		}
		if ret := c.rows.rows[i].ret; len(g.from) == 0 || ret > at {
			at = ret
			for int(called) < g.acts && c.rows.rows[called].call <= at {
				called++
			}
			g.from = append(g.from, called)
		}
		g.ends[i] = int32(len(g.from) - 1)
	}
	g.from = append(g.from, int32(g.acts))
}
