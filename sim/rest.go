package sim

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"logd/broker"
	"logd/log"
)

// restBound is how long the disks of brokers that nobody asks for anything may be at work.
const restBound = 30 * time.Second

// atRest compares the copies once a run is over: when every healthy broker that runs has applied all that is
// committed, the same bytes by its running hashes, and none writes segments any more, each batch in a running broker's segments
// is sound, follows the one before it, and has the same bytes as in all others' (G2, G11). What lies below the log start may
// rot, since nobody may read it, and so may what is left behind a segment's last batch, where another file goes on.
func (w *World) atRest() {
	given := restBound
	w.rests(restBound)
	if w.violation == nil && w.behind() != "" { // all that one lacks may have to be shipped, and ranges go out at a rate (S11)
		more := w.shipTime()
		w.rests(more)
		given += more
	}
	if behind := w.behind(); behind != "" {
		w.violate(Stalled, "%v after the last request: %s%s", given, means(behind, w.unwhole()), w.state())
	}
	for _, g := range w.views.groups {
		if w.violation == nil && g.part != partMetadata && g.goneAt == 0 {
			w.compare(g)
		}
	}
	if w.violation == nil && w.topics != nil {
		w.topics.atRest()
	}
	if w.violation == nil {
		w.leaks()
	}
}

// rests lets brokers work for d at most, until none has anything to write to segments, or lacks what is committed.
func (w *World) rests(d time.Duration) {
	for end := w.now + d; w.violation == nil && w.queue.len() > 0 && w.queue.next() <= end; {
		if !w.filling() && w.behind() == "" {
			return
		}
		w.step()
	}
}

// behind names a replica of a running broker that lacks something committed, "" if none does. A broker that stays broken, or
// that counts as lost, may.
func (w *World) behind() string {
	for _, n := range w.nodes {
		for _, g := range w.views.groups {
			if w.isBehind(g, n) {
				return fmt.Sprintf("%s: broker %d is at commit %d of %d", g.name, n.id, g.replicas[n.index].commit, g.commit)
			}
		}
	}
	return ""
}

func (w *World) isBehind(g *groupSeen, n *node) bool {
	r := &g.replicas[n.index]
	return n.proc != nil && !broken(n) && w.views.places(g, r) && r.commit < g.commit && g.goneAt == 0
}

// filling tells whether any running broker's segments are being written. One that stays paused never comes to the end of it.
func (w *World) filling() bool {
	for _, n := range w.nodes {
		if n.proc != nil && !n.proc.paused && (n.busy(log.LaneFill) || n.unheard(log.LaneFill)) {
			return true
		}
	}
	return false
}

// busy tells whether a lane of any of a running broker's shards is.
func (n *node) busy(lane log.Lane) bool {
	return n.proc != nil && slices.ContainsFunc(n.proc.hosts, func(h *host) bool { return h.lanes[lane].busy })
}

// unheard tells whether a plan of a lane has ended, and the shard has not heard of it: the next may begin then.
func (n *node) unheard(lane log.Lane) bool {
	return slices.ContainsFunc(n.proc.hosts, func(h *host) bool { return h.unheard(lane) })
}

func (h *host) unheard(lane log.Lane) bool {
	return slices.ContainsFunc(h.inbox, func(e broker.Event) bool {
		done, ok := e.(broker.PlanDone)
		return ok && done.Lane == lane
	})
}

// compare compares what the brokers that count as whole have of a group, batch by batch, from each one's log start on (G11).
func (w *World) compare(g *groupSeen) {
	type first struct {
		stored
		node *node
	}
	seen := map[int64]first{}
	deleted := g.deleted()
	for _, n := range w.nodes {
		if n.proc == nil || n.lost != lossNone || n.busy(log.LaneFill) {
			continue
		}
		next, unsound := int64(-1), error(nil)
		start := g.replicas[n.index].logStart
		for _, s := range n.disk.segmentsOf(g.id) {
			if s.err != nil { // what it holds instead tells whether it is of the log
				unsound = cmp.Or(unsound, s.err)
				continue
			}
			switch {
			case next < 0 && s.base > start:
				w.violate(SegmentDamaged, "%s: broker %d's segments begin at offset %d, its log at %d (%v)", g.named(), n.id, s.base, start, unsound)
				return
			case next >= 0 && s.base != next && max(s.base, next) > start && !(next < s.base && s.base <= deleted):
				w.violate(SegmentDamaged, "%s: broker %d's segments go on at offset %d after %d, its log starts at %d (%v)", g.named(), n.id, s.base, next, start, unsound)
				return
			}
			unsound = nil
			next = s.next
			if s.next <= start { // deleted: what is left of it is nobody's, and isn't mended
				continue
			}
			if was, ok := seen[s.base]; !ok {
				seen[s.base] = first{s, n}
			} else if was.sum != s.sum || was.size != s.size || was.next != s.next {
				w.violate(LogsDiffer, "%s: offsets %d to %d differ between broker %d and broker %d", g.named(), s.base, s.next-1, was.node.id, n.id)
				return
			}
			w.count[CountCompared]++
		}
		if unsound != nil {
			w.violate(SegmentDamaged, "%s: broker %d, which counts as whole, has segments to offset %d, and then: %v", g.named(), n.id, next, gist(unsound))
			return
		}
	}
}

// deleted is the highest log start that a replica has applied. A broker that stays cut off in the midst of a transfer may have
// segments that begin anew there, or below it, and not have heard of that start yet: what it skipped is deleted everywhere.
func (g *groupSeen) deleted() int64 {
	start := int64(0)
	for i := range g.replicas {
		start = max(start, g.replicas[i].logStart)
	}
	return start
}

// recover ends everything that a story has broken: links, power, space; what is on the disks stays.
func (w *World) healAll() {
	w.net.heal()
	w.faults.heal()
	for _, n := range w.nodes {
		if n.proc != nil && n.proc.paused {
			n.proc.resume()
		}
		n.start()
	}
}
