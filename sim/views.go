package sim

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

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

// groupSeen is one raft group.
type groupSeen struct {
	id       uint64
	name     string
	part     int // -1 for the metadata group
	terms    map[uint64]leading
	hashes   map[uint64]hashAt // by high watermark
	replicas []replicaSeen     // by node
	places   []bool            // by node: some replica counted one of its as a voter, once
	commit   uint64            // highest seen
	end      int64             // highest high watermark seen
	start    int64             // highest log start seen
	leader   int               // node of the newest leader, -1 before the first
	term     uint64            // its term
	since    time.Duration     // when it was elected
	lostAt   time.Duration     // when the newest leader ended or stepped down
	wasLed   int               // node of the leader before
	former   map[uint64]uint64 // replicas whose disks were emptied: the highest index that each had stable
	tails    map[entryID]logHash
	tailsIn  []entryID      // its keys, as they came
	bases    map[int64]bool // where any broker has begun a segment

	life    *life           // of a fleeting topic that it is of
	goneAt  time.Duration   // when the first replica of it went, since its topic was deleted; 0: none has
	dropped []time.Duration // by node: when its replica did; 0: it didn't
	held    []time.Duration // by node: when it was seen to have a replica last, that it has no more
}

// leading is a leader incarnation: which replica, in which process.
type leading struct {
	node    int
	boot    uint64
	replica uint64
}

type hashAt struct {
	hash      uint64
	producers uint64
	node      int
}

type replicaSeen struct {
	live                  bool
	id, term, lead        uint64
	commit, stable        uint64
	logEnd, highWatermark int64
	leader                bool
	voters                []uint64
	quorums               [][]uint64 // sets of voters of which each needs a majority
	logStart              int64
	condition             condition
	lastEntry             entryID
	most                  uint64 // highest index that its log ever ended with
	led                   uint64 // highest term that it led in
	transferring          bool
	cutOff                bool // its process ended in the midst of a transfer
	installed             uint64
	shipped               time.Duration    // when it was last seen to catch up by a transfer
	healed, mended        uint64           // in the process that lives, or died last
	owed                  uint64           // it knew of this index when it came back, and had holes before it
	last                  broker.GroupView // if live: what was seen of it
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
		r.most, r.led, r.lastEntry = 0, 0, entryID{}
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
		r.led = max(r.led, s.Term)
	}
	v.matching(g, r, s)
	g.commit = max(g.commit, s.Commit)
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

// offered notes that replicas are, or were until now, offered a snapshot.
func (g *groupSeen) offered(ids []uint64, now time.Duration) {
	for _, id := range ids {
		if r := &g.replicas[id>>32-1]; r.id == id {
			r.shipped = now
		}
	}
}

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

// misses says what a broker lacks, "" if nothing.
func (v *views) misses(n *node) string {
	for _, g := range v.groups {
		if c := g.replicas[n.index].condition; !c.whole() {
			return fmt.Sprintf("%s: %d holes, %d segment holes, damaged %t", g.name, c.holes, c.segmentHoles, c.damaged)
		}
	}
	return ""
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
	w.trace.add(w.now, markProcess, now.node, s.Group, s.Term)
	if w.trace.verbose() {
		w.trace.line(w.now, markProcess, "broker %d leads %s in term %d", now.node+1, g.name, s.Term)
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
			if had, gone := g.former[id]; gone && had >= index || !gone && (n.lost != "" || r.id == id && r.stable >= index) {
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

// forget: a process ended. What its disk holds stays true.
func (v *views) forget(n *node) {
	v.markForgotten(n)
	v.undrop(n)
	for _, g := range v.groups {
		if g.replicas[n.index].leader && g.leader == n.index {
			g.lostAt = v.w.now
		}
		if g.held != nil && g.replicas[n.index].live {
			g.held[n.index] = v.w.now
		}
		g.replicas[n.index].live, g.replicas[n.index].leader = false, false
	}
}

// wiped: a disk was emptied, or an old copy was put back: of a deleted topic, too, which may then come back as it was at any time.
func (v *views) wiped(n *node) {
	for _, g := range v.groups {
		g.wiped(n)
	}
	for _, g := range v.retired { // order: each by itself
		g.wiped(n)
	}
}

func (g *groupSeen) wiped(n *node) {
	r := &g.replicas[n.index]
	if n.lost == "wiped" && r.id != 0 {
		if g.former == nil {
			g.former = map[uint64]uint64{}
		}
		g.former[r.id] = max(g.former[r.id], r.stable)
	} else {
		delete(g.former, r.id) // an old copy: it may have held anything
	}
	*r = replicaSeen{id: r.id, most: r.most} // an acknowledgement of its may still be under way
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

// places tells whether a group has a replica on a broker: of three brokers on each, of more where one was seen.
func (v *views) places(g *groupSeen, r *replicaSeen) bool {
	return len(v.w.nodes) <= 3 && g.part != partFleeting || g.part == partMetadata || r.id != 0
}

// rejoined: every live replica of every group has applied a configuration with this broker's present replica as a voter,
// and that has on its disk all that was committed.
func (v *views) rejoined(n *node) bool {
	for _, g := range v.groups {
		mine := &g.replicas[n.index]
		if g.goneAt > 0 || !v.places(g, mine) && !(g.part == partFleeting && g.on(n.index)) {
			continue
		}
		if !mine.live || mine.stable < g.commit {
			return false
		}
		for i := range g.replicas {
			r := &g.replicas[i]
			former := func(id uint64) bool { return id != mine.id && id>>32 == mine.id>>32 }
			if v.w.nodes[i].behind.way != sound {
				continue // it is told of no configuration any more
			}
			if v.places(g, r) && !r.live || r.live && (!slices.Contains(r.voters, mine.id) || slices.ContainsFunc(r.voters, former)) {
				return false // a joint configuration still needs the votes of the replica that is gone
			}
		}
	}
	return len(v.groups) > 1 // the metadata group alone is no cluster with topics
}

func (g *groupSeen) String() string {
	var b strings.Builder
	for i := range g.replicas {
		r := &g.replicas[i]
		state := "down"
		if r.live {
			state = "follows " + fmt.Sprint(r.lead>>32)
			if r.leader {
				state = "leads"
			}
		}
		fmt.Fprintf(&b, "\n    broker %d: %s, replica %x, term %d, commit %d, stable %d, high watermark %d, log end %d, voters %x",
			i+1, state, r.id, r.term, r.commit, r.stable, r.highWatermark, r.logEnd, r.voters)
	}
	return b.String()
}
