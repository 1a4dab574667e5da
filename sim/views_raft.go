package sim

import (
	"fmt"
	"slices"

	"logd/broker"
)

// recovered: a replica that comes back has all that it held durably and knew to be committed (acknowledged ⊆ recovered).
// Rot is no excuse: a replica that can't read what it had must refuse, not forget (G10).
func (v *views) recovered(g *groupSeen, r *replicaSeen, s *broker.GroupView) {
	held := max(r.owed, min(r.commit, r.stable))
	if conditionOf(s).holes > 0 { // it knows what it lacks, and vouches for nothing from there on (S5)
		r.owed = held
	} else if r.owed = 0; s.Durable < held {
		v.w.violate(RecoveredShort, "%s: replica %x of broker %d held index %d durably, committed, and comes back with %d",
			g.named(), s.Replica, v.host.p.node.id, held, s.Durable)
	}
}

// paid: a replica whose holes are filled has all that it came back for.
func (v *views) paid(g *groupSeen, r *replicaSeen, s *broker.GroupView) {
	if s.Durable < r.owed {
		v.w.violate(RecoveredShort, "%s: replica %x of broker %d held index %d durably, committed, had holes, and ends without holes at %d",
			g.named(), s.Replica, v.host.p.node.id, r.owed, s.Durable)
	}
	r.owed = 0
}

// elected: a term has one leader incarnation (S1), and it has all that was committed (leader completeness).
func (v *views) elected(g *groupSeen, s *broker.GroupView) {
	w, h := v.w, v.host
	now := leading{node: h.p.node.index, boot: h.p.boot, replica: s.Replica}
	if was, ok := g.terms[s.Term]; ok && was != now {
		w.violate(TwoLeaders, "%s, term %d: broker %d (boot %d, replica %x) leads, and broker %d (boot %d, replica %x) led in it before",
			g.named(), s.Term, now.node+1, now.boot, now.replica, was.node+1, was.boot, was.replica)
		return
	} else if !ok && w.phase != phaseSetup {
		w.count[CountElections]++
	}
	g.terms[s.Term] = now
	v.markElected(g, s)
	if s.Term >= g.term {
		g.leader, g.term, g.since = now.node, s.Term, w.now
		v.complete(g, s)
		if s.LogEnd < g.end {
			w.violate(CommitLost, "%s, term %d: broker %d leads with a log that ends at offset %d, and %d was committed",
				g.named(), s.Term, now.node+1, s.LogEnd, g.end)
		}
	}
	w.trace.add(w.now, traceProcess, now.node, s.Group, s.Term)
	if w.trace.verbose() {
		w.trace.line(w.now, traceProcess, "broker %d leads %s in term %d", now.node+1, g.name, s.Term)
	}
}

// onMajority: what a leader calls committed is stable on a majority's disks (G1): in a joint configuration, on one of each of its
// two sets of voters. Where the configuration changed in the same turn, what brought the change was committed by the one before, and the
// rest by either. A replica that the budget counts as lost may have held it.
func (v *views) onMajority(g *groupSeen, leader *replicaSeen, before [][]uint64, changed uint64) {
	short := v.shortOf(g, leader.quorums, leader.commit)
	if before != nil && !slices.EqualFunc(before, leader.quorums, slices.Equal[[]uint64]) {
		if was := v.shortOf(g, before, min(changed, leader.commit)); was != "" {
			v.w.violate(NotOnMajority, "%s: replica %x changes its configuration by index %d, %s: %s", g.named(), leader.id, changed, gist(was), g)
			return
		}
		if v.shortOf(g, before, leader.commit) == "" {
			return
		}
	}
	if short == "" {
		v.markBarely(g, leader)
		return
	}
	v.w.violate(NotOnMajority, "%s: replica %x commits index %d, %s: %s", g.named(), leader.id, leader.commit, gist(short), g)
}

// shortOf says of which set of voters less than a majority has an index on disk, "" if of none.
func (v *views) shortOf(g *groupSeen, quorums [][]uint64, index uint64) string {
	for _, set := range quorums {
		have := 0
		for _, id := range set {
			n := v.w.node(int32(id >> 32))
			r := &g.replicas[n.index]
			if had, gone := g.former[id]; gone && had >= index || !gone && (n.lost != lossNone || r.id == id && r.stable >= index) {
				have++
			}
		}
		if have*2 <= len(set) {
			return fmt.Sprintf("stable on %d of the %d voters %x", have, len(set), set)
		}
	}
	return ""
}

// sameBytes: equal applied indexes, equal bytes up to them (G11).
func (v *views) sameBytes(g *groupSeen, s *broker.GroupView) {
	now := hashAt{hash: s.AppliedHash, producers: s.Producers, node: v.host.p.node.index}
	was, ok := g.hashes[s.Applied]
	if !ok {
		g.hashes[s.Applied] = now
	} else if was.hash != now.hash {
		v.w.violate(LogsDiffer, "%s: up to index %d broker %d has applied bytes of hash %016x, broker %d of %016x",
			g.named(), s.Applied, now.node+1, now.hash, was.node+1, was.hash)
	} else if was.producers != now.producers {
		v.w.violate(ProducersDiffer, "%s: at index %d broker %d knows producers of hash %016x, broker %d of %016x",
			g.named(), s.Applied, now.node+1, now.producers, was.node+1, was.producers)
	}
}
