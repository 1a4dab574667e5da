package sim

import (
	"maps"
	"slices"
	"strings"
	"time"

	"logd/broker"
)

// loss is why the budget counts a broker's replicas as lost.
type loss string

const (
	lossNone     loss = ""
	lossWiped    loss = "wiped"    // its directory is gone, or was set aside
	lossRestored loss = "restored" // an old copy is in its place
	lossRotten   loss = "rotten"   // some of it may be
)

// total tells whether all of them are.
func (l loss) total() bool { return l == lossWiped || l == lossRestored }

// condition is what a replica says of its own bytes.
type condition struct {
	holes        int  // entries of the WAL that it knows of and lacks
	segmentHoles int  // ranges of offsets
	damaged      bool // it neither leads nor serves for that reason
}

func (c condition) whole() bool { return c.holes == 0 && c.segmentHoles == 0 && !c.damaged }

// conditionOf reads a replica's condition from its view.
func conditionOf(s *broker.GroupView) condition { return condition{s.Holes, s.SegmentHoles, s.Damaged} }

// scrubber is a shard that reads its segments again and again. One that can't say how often counts as never scrubbed.
type scrubber interface {
	Scrubs() uint64 // how often it came round since its process started
}

// scrubbed tells whether every shard of a process has read all of its segments since it started.
func (p *process) scrubbed() bool {
	for _, h := range p.hosts {
		if s, ok := h.shard.(scrubber); !ok || s.Scrubs() == 0 {
			return false
		}
	}
	return true
}

// affordable tells whether the budget allows to lose a broker's replicas: of each of its groups a majority besides it must be
// intact (W7).
func (f *nemesis) affordable(n *node) bool {
	known := f.w.topics == nil || n.lost != lossNone || !f.w.topics.uncertain()
	if known && f.w.spared(n, func(other *node) bool { return other.lost != lossNone }) == nil {
		return true
	}
	f.w.count[CountBudgetStops]++
	return false
}

// spared returns a group that would lose its majority without a broker and all that are gone, nil if none would.
func (w *World) spared(n *node, gone func(*node) bool) *groupSeen {
	for _, g := range w.views.groups {
		if g.goneAt > 0 {
			continue
		}
		holders, without := 0, 0
		for i, other := range w.nodes {
			if !g.on(i) {
				continue
			}
			holders++
			if other == n || gone(other) {
				without++
			}
		}
		if g.on(n.index) && without*2 >= holders {
			return g
		}
	}
	return nil
}

// alone tells whether no other broker is known to have a replica of a group.
func (w *World) alone(n *node, group uint64) bool {
	g := w.views.find(group)
	return g == nil || !slices.ContainsFunc(w.nodes, func(other *node) bool { return other != n && g.on(other.index) })
}

// on tells whether a broker has a replica of a group, or is to have one: the metadata's are everywhere, and no other moves. It may be that
// only one broker made its replica yet, and has lost it since.
func (g *groupSeen) on(node int) bool {
	return g.part == partMetadata || g.replicas[node].id != 0 || node < len(g.places) && g.places[node]
}

// placed notes where voters are.
func (g *groupSeen) placed(voters []uint64) {
	if g.places == nil {
		g.places = make([]bool, len(g.replicas))
	}
	for _, id := range voters {
		g.places[id>>32-1] = true
	}
}

// mayDamage refuses damage that the budget doesn't allow, and returns what else may be lost by it where that is known.
func (f *nemesis) mayDamage(n *node, a damage) (gaps map[key]bool, err error) {
	if !f.w.budgeted() {
		return nil, nil
	}
	if err := f.atPeaceNow(); err != nil {
		return nil, err
	}
	if a.verb == "rot" || a.verb == "bad" {
		gaps = f.gaps(n, a.file, a.at, a.verb == "bad")
	}
	if n.lost.total() || !f.affordable(n) && !f.apart(n, gaps) {
		return nil, ErrBudget
	}
	return gaps, nil
}

// apart tells whether there are other replicas of all groups of gaps, and no other broker may have lost any of gaps.
func (f *nemesis) apart(n *node, gaps map[key]bool) bool {
	if gaps == nil || n.lost != lossNone && n.gaps == nil {
		return false
	}
	for k := range gaps { // order: any is enough
		if f.w.alone(n, k.group) {
			return false
		}
	}
	for _, other := range f.w.nodes {
		if other == n || other.lost == lossNone {
			continue
		}
		if other.gaps == nil {
			return false
		}
		for k := range gaps { // order: any overlap is one
			if other.gaps[k] {
				return false
			}
		}
	}
	return true
}

// damaged has the budget count a broker as lost; gaps is what it may have lost, nil if that isn't known.
func (f *nemesis) damaged(n *node, text string, meta bool, gaps map[key]bool) {
	switch {
	case n.lost == lossNone && gaps != nil:
		n.gaps = maps.Clone(gaps)
	case n.gaps != nil && gaps != nil:
		maps.Copy(n.gaps, gaps)
	default:
		n.gaps = nil
	}
	n.rotten, n.lost, n.whole, n.hurtIn, n.scarred = text, lossRotten, 0, n.boots, true
	n.metaHurt = n.metaHurt || meta
}

// astray: a write of a broker was acknowledged, and is not where it should be.
func (f *nemesis) astray(n *node, text string) {
	f.w.count[CountStrays]++
	f.note("broker %d: %s", n.id, text)
	f.damaged(n, text, strings.Contains(text, "logd.meta"), nil)
}

// empty ends a broker's process and deletes its directory.
func (f *nemesis) empty(n *node) {
	f.w.count[CountWipes]++
	n.kill(true)
	n.wipe()
	f.w.views.wiped(n)
}

// restore puts an old copy into the place of a broker's directory; its process is down.
func (f *nemesis) restore(n *node, image Image) {
	f.w.count[CountRestores]++
	n.disk.Restore(image)
	n.rotten, n.refused, n.lost, n.gaps, n.metaHurt = "", "", lossRestored, nil, false
	f.w.views.wiped(n)
}

// A broker counts as whole again once it was seen so for a second: an idle group's commit index takes a moment to disk.
const (
	watchEvery = 200 * time.Millisecond
	settled    = 5
)

// watch looks now and then at the brokers whose replicas count as lost: an operator wipes one that refuses to start, and
// one that was seen whole counts as healthy again.
func (f *nemesis) watch() {
	w := f.w
	if w.phase != phaseStorm && w.phase != phaseCalm {
		return
	}
	for _, n := range w.nodes {
		switch {
		case n.lost == lossNone:
		case n.refused != "":
			f.operate(n)
		case !w.isWhole(n):
			n.whole = 0
		default:
			if n.whole++; n.whole > settled {
				f.found(n)
			}
		}
	}
	w.after(watchEvery, f.watch)
}

// operate wipes a broker that refuses to start: in the calm at once, in the storm as a decision, sooner or later.
func (f *nemesis) operate(n *node) {
	w := f.w
	switch {
	case !w.budgeted() || !f.affordable(n):
	case w.phase == phaseCalm:
		f.note("broker %d is wiped, since it refuses to start", n.id)
		f.empty(n)
		w.after(calmRestart, n.start)
	case w.drawn() && f.rng.IntN(20) == 0:
		f.note("broker %d is wiped, since it refuses to start", n.id)
		w.decide(wipe{n.index})
		f.later(n, f.downtime())
	}
}

// found: a broker counts as healthy again.
func (f *nemesis) found(n *node) {
	f.note("broker %d was %s, and is whole again", n.id, n.lost)
	if n.lost == lossWiped {
		f.w.count[CountRejoins]++
	} else {
		f.w.count[CountMended]++
	}
	n.lost, n.gaps, n.rotten, n.whole = lossNone, nil, "", 0
	n.hurts()
	f.w.maybeOver()
}

// isWhole tells whether a broker has all that it should: its replicas are voters that hold all that was committed, and, where
// its disk was damaged, it was started since then, has read all of its segments, and misses nothing.
func (w *World) isWhole(n *node) bool {
	if n.proc == nil || len(n.disk.armed) > 0 || !w.views.rejoined(n) {
		return false
	}
	if n.rotten == "" {
		return true
	}
	return n.proc.boot > n.hurtIn && n.proc.scrubbed() && w.views.misses(n) == ""
}
