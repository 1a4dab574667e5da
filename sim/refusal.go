package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/broker"
	"logd/broker/group"
)

// Each refusal that a client sees has a cause that the world knows, or is a violation: a broker that refuses without one is a bug as much
// as one that lies (G9). Refusals are classified by their proof:
//
//	trouble    the broker that was asked is, or a moment ago was, down, paused, slow, damaged or full
//	elsewhere  another broker leads, or it lost the leadership while the request was under way
//	quorum     no majority of the group's brokers was well, and near each other, for a while; or not all, of what all must first agree to
//	election   nobody leads, or the leader is so new, that the bound isn't over
//	bound      the broker was given more than it may hold, or holds what another partition can't commit
//	network    the client's own link, or too many envelopes between leader and majority were lost
//
// Where none of them holds the leader is well, was elected some election timeouts ago, and has been near a majority ever since: it must serve.
const (
	refusedTrouble = iota
	refusedElsewhere
	refusedQuorum
	refusedElection
	refusedBound
	refusedNetwork
)

var refusalCounts = [...]Count{CountRefusedTrouble, CountRefusedElsewhere, CountRefusedQuorum, CountRefusedElection, CountRefusedBound, CountRefusedNetwork}

// The bounds, in election timeouts: of a leader that is well until it serves, and of a majority that is well until it has a leader (split
// votes take several rounds of up to two timeouts each).
const (
	servesWithin  = 4
	electedWithin = 20
)

// refusalCodes are those that are judged so; what others mean is judged where they are read.
var refusalCodes = map[int16]string{
	codeUnknownTopic: "UNKNOWN_TOPIC_OR_PARTITION", codeNoLeader: "LEADER_NOT_AVAILABLE", codeNotLeader: "NOT_LEADER_OR_FOLLOWER",
	codeTimedOut: "REQUEST_TIMED_OUT", codeNotEnough: "NOT_ENOUGH_REPLICAS", codeNotEnoughAfter: "NOT_ENOUGH_REPLICAS_AFTER_APPEND",
	codeNotController: "NOT_CONTROLLER", codeStorage: "KAFKA_STORAGE_ERROR", codeNotYet: "OFFSET_NOT_AVAILABLE", codeUnknownID: "UNKNOWN_TOPIC_ID",
}

// refused judges a call that didn't bring what was asked for: by its code, or, without one, because no answer came.
func (w *World) refused(k *call, code int16, what string) {
	if w.phase == phaseSetup || w.violation != nil {
		return
	}
	class, proof := w.causeOf(k, code)
	if proof == "" {
		about := k.group
		if about == "" {
			about = w.partName(max(0, k.part))
		}
		w.violate(RefusedWithoutCause, "broker %d, asked for %s of %s at %v, %s; it leads, has been well, and near a majority, for %d election timeouts%s",
			k.line.node+1, kept(kmsg.NameForKey(k.key)), about, k.sent, gist(what), servesWithin, w.state())
		return
	}
	w.count[refusalCounts[class]]++
	if w.trace.verbose() {
		w.trace.line(w.now, traceClient, "broker %d %s: %s", k.line.node+1, what, proof)
	}
}

// judgeMetadata judges what a broker says of topics that are there: that it doesn't know one, or who leads one.
func (w *World) judgeMetadata(k *call, t *kmsg.MetadataResponseTopic) {
	i := slices.Index(topicNames[:w.opt.Load.Topics], deref(t.Topic))
	if i < 0 {
		return
	}
	w.recalls(k, i, t.ErrorCode)
	about := call{line: k.line, key: k.key, sent: k.sent, part: i * w.opt.Load.Partitions}
	if what := refusalCodes[t.ErrorCode]; what != "" {
		w.refused(&about, t.ErrorCode, "answers "+what)
	}
	for _, p := range t.Partitions {
		if what := refusalCodes[p.ErrorCode]; what != "" && int(p.Partition) < w.opt.Load.Partitions {
			about.part = i*w.opt.Load.Partitions + int(p.Partition)
			w.refused(&about, p.ErrorCode, "answers "+what)
		}
	}
}

// judgeLeader judges who is said to lead: who was well, and near the leader, for as long as it may take to be told, knows it.
func (w *World) judgeLeader(k *call, part int, code int16, leader, epoch int32) {
	g, n := w.groupOfPart(part), w.nodes[k.line.node]
	if code != codeNone || g == nil || g.leader < 0 || w.phase == phaseSetup {
		return
	}
	since := min(k.sent-w.electionTime(servesWithin), k.sent-tellsWithin)
	if led, some := g.terms[uint64(epoch)]; epoch >= 0 && (!some || led.node != int(leader)-1) {
		w.violate(BadResponse, "broker %d says that broker %d leads %s in epoch %d, which it didn't", n.id, leader, g.named(), epoch)
	}
	lead := w.nodes[g.leader]
	if int(leader)-1 == g.leader || !g.replicas[g.leader].leader || g.since > since || n.illSince(g, since) != "" || lead.illSince(g, since) != "" ||
		w.net.apartSince(g.leader, n.index, since) != "" || w.net.apartSince(n.index, g.leader, since) != "" {
		return
	}
	w.violate(RefusedWithoutCause, "broker %d says that broker %d leads %s in epoch %d; broker %d has led it in %d since %v, and both have been well and near each other", n.id, leader, g.named(), epoch, lead.id, g.term, g.since)
}

// fencedFor is how many election timeouts a broker that starts may keep clients waiting, until what it knew is known to be committed.
const fencedFor = 4

// recalls holds a broker that has just started to the topics that it told clients of before: until it knows them again it answers nobody,
// for a while (B15). After that it answers by what it has: a leader that it can't hear, or that can't hear it, tells it nothing.
func (w *World) recalls(k *call, topic int, code int16) {
	n := w.nodes[k.line.node]
	if n.lost != lossNone || n.rotten != "" || n.proc == nil {
		n.knew = 0 // what it lost it may not know
		return
	}
	if code == codeNone {
		n.knew |= 1 << topic
	}
	if by := n.proc.started + fencedFor*time.Duration(n.limits.ElectionTicks)*n.limits.Tick; code == codeUnknownTopic && n.knew&(1<<topic) != 0 && k.sent >= n.proc.started && w.now < by {
		w.violate(TopicForgotten, "broker %d, which started at %v, says at %v that it knows no topic %s, and has told clients of it before", n.id, n.proc.started, w.now, topicNames[topic])
	}
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// groupOf is the group that a request is about.
func (w *World) groupOf(k *call) *groupSeen {
	if k.topic > 0 || k.about != nil || k.group != "" {
		return k.about
	}
	return w.groupOfPart(k.part)
}

// causeOf finds the cause, as class and proof; no proof: there is none.
func (w *World) causeOf(k *call, code int16) (class int, proof string) {
	n := w.nodes[k.line.node]
	since := k.sent - w.electionTime(servesWithin)
	if code == codeNone {
		for _, pair := range [2][2]int{{w.net.outside(), n.index}, {n.index, w.net.outside()}} {
			if why := w.net.apartSince(pair[0], pair[1], k.sent-time.Second); why != "" {
				return refusedNetwork, why
			}
		}
	}
	if why := n.illSince(w.groupOf(k), since); why != "" {
		return refusedTrouble, why // a constant: this is a hot path, and must not format
	}
	g, told := w.groupOf(k), code == codeNoLeader || k.key == int16(kmsg.FindCoordinator)
	if code == codeUnknownTopic || code == codeUnknownID || code == codeNotController { // it is told of topics by the leader of the metadata
		g, told = w.groupOfPart(partMetadata), true
	}
	switch {
	case g == nil:
		return refusedElection, "the group was not seen yet"
	case g.leader < 0 || !g.replicas[g.leader].leader:
		return w.leaderless(g, k)
	case g.leader != n.index && !told:
		return refusedElsewhere, fmt.Sprintf("broker %d leads in term %d", g.leader+1, g.term)
	}
	if g.since > since {
		return refusedElection, fmt.Sprintf("it was elected at %v only", g.since)
	}
	if told && g.leader != n.index { // who led may lead no longer, and not know that
		lead := w.nodes[g.leader]
		if why := lead.illSince(g, since); why != "" && (lead.ill() == "" || lead.ails > w.now-w.electionTime(electedWithin)) {
			return refusedElection, fmt.Sprintf("broker %d led, and %s", lead.id, why)
		}
	}
	if told {
		since = min(since, k.sent-tellsWithin)
		if why := w.net.apartSince(g.leader, n.index, since); why != "" && g.leader != n.index {
			return refusedNetwork, why
		}
		if why := w.net.apartSince(n.index, g.leader, since); why != "" && g.leader != n.index && !w.told(g, n, k, code) {
			return refusedNetwork, why // who isn't heard is told nothing more to be committed
		}
	}
	in, others := g.core(w, g.leader, since)
	if leader := &g.replicas[g.leader]; !g.majority(leader, in) {
		return refusedQuorum, "no majority: " + strings.Join(others, "; ")
	}
	if why := w.unlucky(g, k, in); why != "" {
		return refusedNetwork, why
	}
	if why := w.unagreed(g, k); why != "" {
		return refusedQuorum, why
	}
	if why := n.overBound(k, code); why != "" {
		return refusedBound, why
	}
	if why := w.crowdedOut(g, k, code); why != "" {
		return refusedBound, why
	}
	return 0, ""
}

// told reports whether a broker knows that to be committed, by which it would answer otherwise: the creation of the topics that stay,
// or all. Topics that come and go are made at any time; those that stay, before the storm: before that, all are like the former.
func (w *World) told(g *groupSeen, n *node, k *call, code int16) bool {
	if code == codeUnknownTopic && k.topic == 0 && w.created != 0 {
		return g.replicas[n.index].commit >= w.created
	}
	return g.replicas[n.index].commit >= g.commit
}

// crowdedOut says that an append waits for room, or finds none left to wait in, that its shard has given to another partition, whose appends can't be committed: no
// majority is near its leader, which steps down for that after one or two election timeouts. What may be uncommitted of all of a
// shard's groups has one bound (L11).
func (w *World) crowdedOut(g *groupSeen, k *call, code int16) string {
	n := w.nodes[k.line.node]
	if k.key != int16(kmsg.Produce) || code != codeNone && code != codeTimedOut && code != codeNotEnough || g.leader != n.index || n.proc == nil {
		return ""
	}
	at := g.id % uint64(len(n.proc.hosts))
	s, ok := n.proc.hosts[at].shard.(holder)
	if !ok {
		return ""
	}
	var held, queued broker.Holding
	s.Holdings(func(x broker.Holding) {
		switch x.What {
		case broker.HoldsUncommitted:
			held = x
		case broker.HoldsQueued:
			queued = x
		}
	})
	if queued.Now == 0 || held.Now+queued.Now <= held.Most {
		return ""
	}
	for _, other := range w.views.groups {
		r := &other.replicas[n.index]
		if other.id%uint64(len(n.proc.hosts)) != at || !r.live || !r.leader || r.logEnd == r.highWatermark {
			continue
		}
		if in, others := other.core(w, n.index, k.sent); !other.majority(r, in) {
			return fmt.Sprintf("%d bytes of its shard wait, and %d aren't committed, of at most %d; some of %s, which has no majority: %s",
				queued.Now, held.Now, held.Most, other.name, strings.Join(others, "; "))
		}
	}
	return ""
}

// levels is the part of a broker's shard that knows whether all brokers are known to understand idempotent producers.
type levels interface{ GivesProducerIDs() bool }

// unagreed says why there is no producer id yet: the first is given once every broker has told the leader of the metadata that it
// understands them (M8), so for as long as one can't tell it, none is. Each says so once in five ticks, to all others.
func (w *World) unagreed(g *groupSeen, k *call) string {
	if k.key != int16(kmsg.InitProducerID) {
		return ""
	}
	hosts := w.nodes[g.leader].proc.hosts
	if l, ok := hosts[g.id%uint64(len(hosts))].shard.(levels); !ok || l.GivesProducerIDs() {
		return ""
	}
	since := k.sent - tellsWithin
	if g.since > since {
		return fmt.Sprintf("not every broker is known to understand producer ids by its leader, which was elected at %v only", g.since)
	}
	if in, others := g.core(w, g.leader, since); len(in) < len(w.nodes) {
		return "not every broker is known to understand producer ids: " + strings.Join(others, "; ")
	}
	return ""
}

// tellsWithin is how long it may take until every broker was told who leads: leaders say so once in ten ticks, and envelopes get lost.
const tellsWithin = 5 * time.Second

// leaderless judges a group that nobody leads.
func (w *World) leaderless(g *groupSeen, k *call) (class int, proof string) {
	if g.leader < 0 {
		return refusedElection, "nobody was ever elected"
	}
	if g.lostAt > w.now-w.electionTime(electedWithin) {
		return refusedElection, fmt.Sprintf("nobody leads since %v", g.lostAt)
	}
	in, others := g.core(w, g.leader, w.now-w.electionTime(electedWithin))
	for at := range w.nodes { // the last leader may be the one that is ill
		if i, o := g.core(w, at, w.now-w.electionTime(electedWithin)); len(i) > len(in) {
			in, others = i, o
		}
	}
	if !g.majority(&g.replicas[g.leader], in) {
		return refusedElection, "nobody leads, and no majority was well for long: " + strings.Join(others, "; ")
	}
	return 0, ""
}

// offer is a batch, or a commit of offsets, that was sent to a broker.
type offer struct {
	at       time.Duration
	answered time.Duration // 0: it wasn't
	bytes    int
}

// offeredFor is how long what was sent may wait in a broker: longer than any client does.
const offeredFor = 5 * time.Second

// offers notes what is sent to a broker, for as long as it may wait there.
func (n *node) offers(bytes int) *offer {
	o := &offer{at: n.w.now, bytes: bytes}
	n.offered = append(n.offered, o)
	for n.offered[0].at < n.w.now-offeredFor {
		n.offered = n.offered[1:]
	}
	return o
}

// queues is how much of a broker's queue a request may take: a produce's batch, and for each offset of a commit a record of some bytes, with
// the names and what the client says of it.
func queues(req kmsg.Request) int {
	switch r := req.(type) {
	case *kmsg.ProduceRequest:
		return len(r.Topics[0].Partitions[0].Records)
	case *kmsg.OffsetCommitRequest:
		n := 64
		for i := range r.Topics {
			t := &r.Topics[i]
			for _, p := range t.Partitions {
				n += 64 + len(r.Group) + len(t.Topic)
				if p.Metadata != nil {
					n += len(*p.Metadata)
				}
			}
		}
		return n
	}
	return 0
}

// overBound says that a broker was sent more than it may queue, where its answer to a Produce or an OffsetCommit says so. What it had
// answered before it was asked was in its queue no more.
func (n *node) overBound(k *call, code int16) string {
	commits := code == group.NotAvailable && k.key == int16(kmsg.OffsetCommit)
	sum := 0
	for _, o := range n.offered {
		if o.answered == 0 || o.answered >= k.sent {
			sum += o.bytes
		}
	}
	if code != codeNotEnough && !commits || sum <= n.limits.QueueBytes {
		return ""
	}
	return fmt.Sprintf("%d bytes were sent to it within %v, and not answered before; it queues %d", sum, offeredFor, n.limits.QueueBytes)
}

// closedBy judges a connection that a broker ends by itself: it may, if what it can't answer went wrong (acks=0), or garbage came.
func (w *World) closedBy(h *host, c *conn, reason string) {
	switch {
	case c.garbage:
		w.mark(MarkGarbageClosed, h.p.node)
	case !c.unanswered:
		w.violate(RefusedWithoutCause, "%v ends the connection of client %d, which sent nothing but sound requests: %s", h, c.client.number, gist(reason))
	}
}

// groupOfPart finds the group of a partition, that of the metadata for -1; nil if none was seen.
func (w *World) groupOfPart(part int) *groupSeen {
	for _, g := range w.views.groups {
		if g.part == part {
			return g
		}
	}
	return nil
}
