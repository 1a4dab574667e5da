package sim

import (
	"cmp"
	"fmt"
	"slices"

	"logd/broker"
)

// views is what the world knows of every replica, as of its shard's last turn. It checks raft's invariants on it (verification.md, 2C).
type views struct {
	w      *World
	groups []*groupSeen          // by rising id
	known  []int64               // by partition: a length that some client was told of
	told   []int64               // by partition: the highest log start that some client was told of
	asked  []int64               // by partition: the highest offset that some client asked to trim to
	epochs []map[int32]epochSeen // by partition: where clients read records of each leader epoch
	visit  func(*broker.GroupView)
	host   *host // being visited

	retired map[uint64]*groupSeen // of deleted topics, that no broker which runs has replicas of
}

func newViews(w *World) *views {
	n := w.partitions()
	v := &views{w: w, known: make([]int64, n), told: make([]int64, n), asked: make([]int64, n)}
	for range n {
		v.epochs = append(v.epochs, map[int32]epochSeen{})
	}
	v.visit = v.see
	return v
}

func (v *views) group(id uint64) *groupSeen {
	i, ok := slices.BinarySearchFunc(v.groups, id, func(g *groupSeen, id uint64) int { return cmp.Compare(g.id, id) })
	if old := v.retired[id]; !ok && old != nil { // a broker is back that hasn't heard of its end
		v.groups = slices.Insert(v.groups, i, old)
		delete(v.retired, id)
	} else if !ok {
		v.groups = slices.Insert(v.groups, i, &groupSeen{id: id, part: partMetadata, terms: map[uint64]leading{}, hashes: map[uint64]hashAt{},
			replicas: make([]replicaSeen, v.w.opt.Brokers), leader: -1, wasLed: -1})
	}
	return v.groups[i]
}

// find returns a group that was seen, nil if none was.
func (v *views) find(id uint64) *groupSeen {
	if i, ok := slices.BinarySearchFunc(v.groups, id, func(g *groupSeen, id uint64) int { return cmp.Compare(g.id, id) }); ok {
		return v.groups[i]
	}
	return nil
}

// after looks at a shard that had a turn.
func (v *views) after(h *host) {
	v.host = h
	h.shard.InspectChanged(v.visit)
	if v.w.topics != nil {
		v.lookForDropped()
	}
	if v.w.env.Paranoid {
		h.shard.Inspect(v.unseen)
		h.shard.Inspect(v.visit)
	}
	v.host = nil
}

// What a group is that isn't a partition which the workload writes.
const (
	partMetadata = -1
	partGroups   = -2 // of consumer groups: a partition of __consumer_offsets
	partFleeting = -3 // of a topic that is deleted
)

// unseen holds a shard to what it says of which replicas changed in a turn: those that it doesn't show must be as they were shown last.
func (v *views) unseen(s *broker.GroupView) {
	n := v.host.p.node
	if g := v.group(s.Group); !g.replicas[n.index].live || !sameView(&g.replicas[n.index].last, s) {
		v.w.violate(ChangedUnseen, "group %d: %v changed it in a turn, and doesn't say so", s.Group, v.host)
	}
}

// name says what a group is that is seen for the first time.
func (v *views) name(g *groupSeen, s *broker.GroupView) {
	w := v.w
	g.name = "metadata"
	if s.Topic != "" {
		g.part, g.name = partGroups, fmt.Sprintf("%s/%d", s.Topic, s.Partition)
	}
	for part := range w.partitions() {
		if w.topic(part) == s.Topic && part%w.opt.Load.Partitions == int(s.Partition) {
			g.part, g.name = part, w.partName(part)
		}
	}
	if topic, ok := w.fleeting(s.Topic); ok {
		v.nameFleeting(g, topic, int(s.Partition))
	}
}

func (v *views) see(s *broker.GroupView) {
	w, n := v.w, v.host.p.node
	if s.Gone && v.retired[s.Group] == nil && v.find(s.Group) == nil {
		return // made and dropped in one turn: it had nothing to say
	}
	g := v.group(s.Group)
	if g.name == "" {
		v.name(g, s)
	}
	r := &g.replicas[n.index]
	if r.live && !w.env.Paranoid && sameView(&r.last, s) {
		return // every check of it was made when it became so
	}
	defer keepView(&r.last, s)
	wasLeader := r.live && r.leader && r.term == s.Term
	if !r.live {
		r.healed, r.mended, r.installed, r.transferring = 0, 0, 0, false
	} else {
		v.forward(g, r, s)
		v.markSeen(r, s)
	}
	before := r.quorums
	v.configured(g, r, s)
	w.count[CountHealed] += int64(s.Healed - r.healed)
	w.count[CountPatched] += int64(s.Mended - r.mended)
	r.healed, r.mended = s.Healed, s.Mended
	if !r.live && r.id == s.Replica {
		v.markBack(g, r, s)
		v.recovered(g, r, s)
		v.remembers(g, r, s)
	}
	v.shipping(g, r, s)
	if r.id != s.Replica {
		r.most, r.spoke, r.voted, r.lastEntry = 0, 0, promise{}, entryID{}
	}
	if len(g.dropped) > 0 && g.dropped[n.index] > 0 {
		w.violate(TopicBack, "broker %d has a replica of %s, and dropped it at %v, since its topic was deleted (D3)", n.id, g.named(), g.dropped[n.index])
	}
	risen := s.Commit > g.commit
	r.live, r.id, r.term, r.lead, r.commit, r.stable = true, s.Replica, s.Term, s.Lead, s.Commit, s.Durable
	r.logEnd, r.highWatermark, r.leader, r.logStart = s.LogEnd, s.HighWatermark, s.Leading, s.LogStart
	if r.condition = conditionOf(s); r.owed > 0 && r.condition.holes == 0 {
		v.paid(g, r, s)
	}
	if r.most = max(r.most, s.Last); s.Leading {
		r.spoke = max(r.spoke, s.Term)
	}
	v.matching(g, r, s)
	if g.commit = max(g.commit, s.Commit); g.part == partMetadata {
		w.learnsGroups(n, s.Commit)
	}
	g.end = max(g.end, s.HighWatermark)
	v.started(g, s)
	if s.Leading && !wasLeader {
		v.elected(g, s)
	}
	if risen && s.Leading && g.goneAt == 0 {
		v.onMajority(g, r, before, s.ConfIndex)
	}
	if s.Applied > 0 {
		v.sameBytes(g, s)
	}
}

// configured takes over who votes.
func (v *views) configured(g *groupSeen, r *replicaSeen, s *broker.GroupView) {
	if !slices.Equal(r.voters, s.Voters) {
		r.voters = slices.Clone(s.Voters)
		g.placed(s.Voters)
	}
	if !slices.EqualFunc(r.quorums, s.Quorums, slices.Equal[[]uint64]) {
		r.quorums = nil
		for _, set := range s.Quorums {
			r.quorums = append(r.quorums, slices.Clone(set))
		}
	}
}

// shipping notes who catches up by a transfer, and who is to.
func (v *views) shipping(g *groupSeen, r *replicaSeen, s *broker.GroupView) {
	if r.transferring || s.Transferring || s.Installed > r.installed {
		r.shipped = v.w.now
	}
	if r.live && r.id == s.Replica {
		g.offered(r.last.Offered, v.w.now)
	}
	g.offered(s.Offered, v.w.now)
	r.transferring, r.installed = s.Transferring, s.Installed
}

// acknowledged: a client was told that a partition has the records before end; some replica must have applied them.
func (v *views) acknowledged(part int, end int64) {
	for _, g := range v.groups {
		if g.part == part && g.end < end {
			v.w.violate(NotOnMajority, "%s: offset %d is acknowledged, and no replica's high watermark was ever above %d", g.named(), end-1, g.end)
		}
	}
	v.seen(part, end)
}

// seen: a client was told that a partition is at least so long.
func (v *views) seen(part int, end int64) { v.known[part] = max(v.known[part], end) }
