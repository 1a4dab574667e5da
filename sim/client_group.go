package sim

import (
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/broker/group"
	"logd/checker"
)

// A consumer is a member of a group, as clients are: it looks for the coordinator, joins, is given partitions, reads them from
// the committed offset on, and commits what it has read. Now and then it crashes, and comes back as somebody new, and what was
// left of the one before may commit still.
//
//	seek ─► out ─join─► joined ─sync─► working: read, process, commit, fetch the offset, heartbeat, sleep ─► leave, crash
//
// What it is told is judged at once by the ledger of its group, and later (G7):
//
//	an assignment has one owner of each partition in a generation: two-owners
//	who belongs to a generation of before, or was a static member and is replaced, commits nothing: fenced-commit
//	and is told so by its heartbeat: fenced-member
//	all below the offset that a group goes on from was processed by a member: group-skipped (client_consume.go)
//	an offset is that of the last commit, and never goes back by itself: package checker/anomaly, at the end
//	who isn't heard of any more is no member soon: session-kept, at the end (group_sessions.go)
type consumer struct {
	think time.Duration
	slept bool // before what it asks now
}

// seat is what a client knows of its place in a group. It is the client's, not the role's, so that a story that is told what
// clients asked finds it too.
type seat struct {
	group    string
	instance *string
	static   bool // it joined by a request that says its instance: else it is none of the coordinator's static members
	node     int  // the coordinator, -1 if it isn't known
	was      int  // the last one
	took     bool // it has asked for something of a member: it is its client's place, and not only the one that it could have
	id       string
	gen      int32
	joins    int           // JoinGroups that it sent in its name since one was answered
	begun    time.Duration // a session of it began no earlier: it sent the JoinGroup that began it
	heard    time.Duration // when it was told of gen, in a group of the classic protocol
	roll     []string      // all members, if it leads
	stage    seatStage
	modern   bool          // it speaks the new protocol: client_member.go
	mixed    bool          // its group may change protocols: client_switch.go
	incarn   int           // ids that it has made
	news     bool          // its next heartbeat says everything
	due      []int         // in a group of the new protocol, what it is to have; parts, until it has given up the rest
	parts    []int         // its own
	at       map[int]int64 // by partition: it has processed all up to here
	given    map[int]int64 // by partition: it was given all up to here (client_consume.go)
	slept    bool          // before what it asked last
	lost     int           // partition whose offset is below the log start, -1: none
	old      ghost
}

// ghost is what a member was before it crashed, or before a rebalance: a process that isn't quite dead, or a thread that is late, may
// still say something in its name.
type ghost struct {
	id    string
	gen   int32
	heard time.Duration
	at    int64
	part  int
	epoch bool // it is of the new protocol
	gave  bool // it has given that partition up, and is a member still: it is out once the member has heard of a newer epoch
}

type seatStage uint8

const (
	seatOut seatStage = iota
	seatJoined
	seatWorking
)

// offsetsPartitions are those of __consumer_offsets.
const offsetsPartitions = 2

const groupSize = 3 // consumers of one group

// seatOf is a client's place in its group: the first three share one, and so on; every other one is a static member.
func seatOf(number int, o *LoadOptions) seat {
	n, modern := number%max(1, o.Members), o.Modern
	s := seat{group: fmt.Sprintf("group-%d", n/groupSize), node: -1, at: map[int]int64{}, given: map[int]int64{}, lost: -1}
	s.modern, s.mixed = modern > 0 && n/groupSize%modern == 0, o.Switching > 0
	if n%2 == 1 {
		s.instance = kmsg.StringPtr(fmt.Sprintf("instance-%d", n))
	}
	return s
}

func (r *consumer) act(c *client) {
	w := c.w
	if w.phase != phaseStorm || c.inflight > 0 {
		return
	}
	g := &c.seat
	switch {
	case g.stage == seatWorking && !r.slept && c.rng.IntN(150) == 0:
		r.slept = true
		c.soon(time.Duration(1+c.rng.IntN(3)) * c.memberSession()) // and then it goes on as if nothing had been
		return
	case g.node < 0:
		c.asks(request{kind: askCoordinator, part: -1, node: c.rng.IntN(w.opt.Brokers), version: int16(c.rng.IntN(7))})
	case g.modern && slices.Contains(c.ids, [16]byte{}):
		c.leader(0) // whoever knows no topic ids asks for them
		c.soon(c.pause(r.think))
	case g.modern && g.stage == seatOut:
		c.asks(request{kind: askMember, part: -1, node: g.node, version: 1})
	case g.stage == seatOut:
		c.asks(request{kind: askJoin, part: -1, node: g.node, version: int16(c.rng.IntN(10))})
	case g.stage == seatJoined:
		c.asks(request{kind: askSync, part: -1, node: g.node, version: int16(c.rng.IntN(6))})
	default:
		r.work(c)
	}
	g.slept, r.slept = r.slept, false
}

// work is what a member does that has its assignment.
func (r *consumer) work(c *client) {
	g := &c.seat
	k := c.rng.IntN(40)
	version := int16(2 + c.rng.IntN(8)) // of a commit
	if g.modern {
		version = 9
	}
	switch {
	case k == 0:
		c.asks(request{kind: askLeave, part: -1, node: g.node, version: int16(c.rng.IntN(6)), at: c.howToLeave()})
		return
	case k == 1:
		c.asks(request{kind: askCrash, part: -1, node: g.node, at: c.otherProtocol()})
		return
	case k == 2 && g.old.id != "":
		c.asks(request{kind: askGhost, part: g.old.part, node: g.node, at: g.old.at, version: version})
		return
	case k == 3 && g.old.id != "":
		c.asks(request{kind: askGhostBeat, part: -1, node: g.node, version: int16(c.rng.IntN(5))})
		return
	case g.modern && (k < 12 || len(g.parts) == 0):
		c.asks(request{kind: askMember, part: -1, node: g.node, version: 1, at: int64(c.rng.IntN(2))})
		return
	case k < 12 || len(g.parts) == 0:
		c.asks(request{kind: askBeat, part: -1, node: g.node, version: int16(c.rng.IntN(5))})
		return
	}
	part := g.parts[c.rng.IntN(len(g.parts))]
	_, known := g.at[part]
	switch {
	case g.lost >= 0:
		if node, ok := c.leader(g.lost); ok {
			c.earliest(node, g.lost)
		}
	case !known:
		c.asks(request{kind: askOffset, part: part, node: g.node, version: int16(1 + c.rng.IntN(9))})
	case k < 16: // all that it has, one commit behind the other
		for _, part := range slices.Clone(g.parts) {
			if _, known := g.at[part]; known && g.node >= 0 && slices.Contains(g.parts, part) {
				c.asks(request{kind: askCommit, part: part, node: g.node, at: g.committable(part), version: version})
			}
		}
	case k < 21:
		c.asks(request{kind: askCommit, part: part, node: g.node, at: g.committable(part), version: version})
	case k < 25:
		c.asks(request{kind: askOffset, part: part, node: g.node, version: int16(1 + c.rng.IntN(9))})
	case k < 32 && g.given[part] > g.at[part]:
		c.asks(request{kind: askProcess, part: part, node: g.node})
		c.soon(c.pause(r.think))
	default:
		if node, ok := c.leader(part); ok {
			c.fetch(node, part, min(g.position(part), c.w.views.known[part]))
		}
	}
}

func (r *consumer) done(c *client, k *call) {
	g := &c.seat
	switch {
	case k.earliest && k.answered:
		g.lost = -1
	case k.code == codeOutOfRange:
		g.lost = k.part
	}
	c.soon(c.pause(r.think))
}

// namesPartition tells it of a request's name.
func namesPartition(name string) bool {
	i := slices.Index(requestNames[:], name)
	return i >= 0 && requestKind(i).ofPartition()
}

// askGroups sends a request of a member.
func (c *client) askGroups(a request) {
	g := &c.seat
	g.took = true
	k := &call{part: a.part, group: g.group}
	switch a.kind {
	case askMember:
		if a.at > 0 {
			c.giveUp()
		}
		c.sendMember(a, k, c.memberHeartbeat())
	case askCoordinator:
		req := kmsg.NewPtrFindCoordinatorRequest()
		req.CoordinatorKey, req.CoordinatorKeys = g.group, []string{g.group}
		c.sendGroup(a, k, req)
	case askJoin:
		g.joins++
		k.named = g.id != ""
		c.sendGroup(a, k, c.joinRequest(a.version))
	case askSync:
		req := kmsg.NewPtrSyncGroupRequest()
		req.Group, req.MemberID, req.Generation, req.InstanceID = g.group, g.id, g.gen, g.instanceAt(a.version, 3)
		req.ProtocolType, req.Protocol = kmsg.StringPtr("sim"), kmsg.StringPtr("each")
		if g.mixed {
			req.ProtocolType, req.Protocol = kmsg.StringPtr(consumerType), kmsg.StringPtr(consumerProtocol)
		}
		for i, id := range g.roll {
			row := kmsg.NewSyncGroupRequestGroupAssignment()
			row.MemberID = id
			var parts []int
			for part := i; part < c.w.partitions(); part += len(g.roll) {
				parts = append(parts, part)
			}
			row.MemberAssignment = c.encodeParts(parts)
			req.GroupAssignment = append(req.GroupAssignment, row)
		}
		c.sendGroup(a, k, req)
	case askBeat:
		k.gen, k.by = g.gen, c.w.serving(g.group)
		req := kmsg.NewPtrHeartbeatRequest()
		req.Group, req.MemberID, req.Generation, req.InstanceID = g.group, g.id, g.gen, g.instanceAt(a.version, 3)
		c.sendGroup(a, k, req)
	case askLeave:
		k.switches = a.at&leavesProtocol > 0
		if g.modern {
			c.leaveMember(a, k)
			c.switches(k.switches)
			return
		}
		c.leaveClassic(a, k)
	case askCrash:
		c.crash()
		c.switches(a.at > 0)
	case askCommit:
		c.sendCommit(a, k, g.id, g.gen, g.fenced(c.w, a.part))
	case askGhost:
		k.ghost = true
		c.sendCommit(a, k, g.old.id, g.old.gen, g.oldFenced(c.w, a.part))
	case askGhostBeat:
		c.sendGhostBeat(a, k)
	case askProcess:
		c.process(a.part)
	case askOffset:
		c.sendOffset(a, k)
	}
}

// leaveClassic leaves, and is out whether that is answered or not: as with real clients, what it had is nobody's until its session ends if
// nobody heard of it.
func (c *client) leaveClassic(a request, k *call) {
	g := &c.seat
	if g.mixed {
		c.w.ledgerOf(g.group).release(g.id, nil)
	}
	c.w.ledgerOf(g.group).left(g.who(), c.w.now)
	req := kmsg.NewPtrLeaveGroupRequest()
	req.Group, req.MemberID = g.group, g.id
	req.Members = []kmsg.LeaveGroupRequestMember{{MemberID: g.id, InstanceID: g.instance}}
	g.away("")
	c.sendGroup(a, k, req)
}

// instanceAt is the member's instance, in versions that know of it.
func (g *seat) instanceAt(version, since int16) *string {
	if version < since {
		return nil
	}
	return g.instance
}

func (c *client) joinRequest(version int16) *kmsg.JoinGroupRequest {
	g := &c.seat
	req := kmsg.NewPtrJoinGroupRequest()
	req.Group, req.MemberID, req.InstanceID, req.ProtocolType = g.group, g.id, g.instanceAt(version, 5), "sim"
	req.SessionTimeoutMillis, req.RebalanceTimeoutMillis = int32(classicSession.Milliseconds()), 3000
	req.Protocols = []kmsg.JoinGroupRequestProtocol{{Name: "each", Metadata: []byte{1}}}
	if g.mixed {
		c.joinMixed(req)
	}
	return req
}

func (c *client) sendGroup(a request, k *call, req kmsg.Request) {
	if a.kind == askCoordinator && c.w.groupsWanted == 0 {
		c.w.groupsWanted = c.w.now
	}
	req.SetVersion(a.version)
	c.send(a.node, k, req, false)
}

func (c *client) sendCommit(a request, k *call, id string, gen int32, fenced bool) {
	g := &c.seat
	k.op = checker.Op{Kind: checker.Commit, Group: g.group, Off: a.at}
	k.gen, k.fenced = gen, fenced
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Group, req.MemberID, req.Generation, req.InstanceID = g.group, id, gen, g.instanceAt(a.version, 7)
	p := kmsg.NewOffsetCommitRequestTopicPartition()
	p.Partition, p.Offset = int32(a.part%c.w.opt.Load.Partitions), a.at
	req.Topics = []kmsg.OffsetCommitRequestTopic{{Topic: c.w.topic(a.part), Partitions: []kmsg.OffsetCommitRequestTopicPartition{p}}}
	c.sendGroup(a, k, req)
}

func (c *client) sendOffset(a request, k *call) {
	g := &c.seat
	k.op = checker.Op{Kind: checker.FetchOffset, Group: g.group}
	req := kmsg.NewPtrOffsetFetchRequest()
	parts := []int32{int32(a.part % c.w.opt.Load.Partitions)}
	req.Group, req.Topics = g.group, []kmsg.OffsetFetchRequestTopic{{Topic: c.w.topic(a.part), Partitions: parts}}
	one := kmsg.NewOffsetFetchRequestGroup()
	one.Group, one.Topics = g.group, []kmsg.OffsetFetchRequestGroupTopic{{Topic: c.w.topic(a.part), Partitions: parts}}
	req.Groups = []kmsg.OffsetFetchRequestGroup{one}
	c.sendGroup(a, k, req)
}

// crash has the client forget its place; what it was stays behind as a ghost.
func (c *client) crash() {
	g := &c.seat
	g.haunt()
	c.w.count[CountGroupCrashes]++
	c.w.ledgerOf(g.group).release(g.id, nil)
	g.away("")
	c.soon(c.pause(c.w.opt.Load.Think))
}

// haunt leaves a ghost of what a member is now.
func (g *seat) haunt() {
	if g.id != "" && len(g.parts) > 0 {
		g.leaveGhost(g.parts[0])
	}
}

// away gives up what a member had.
func (g *seat) away(id string) {
	g.stage, g.id, g.parts, g.due, g.at, g.given, g.lost, g.roll = seatOut, id, nil, nil, map[int]int64{}, map[int]int64{}, -1, nil
}

// heard takes a coordinator's answer, and says what became of what was asked.
func (c *client) heard(k *call) checker.Outcome {
	g := &c.seat
	outcome := checker.OK
	switch resp := k.resp.(type) {
	case *kmsg.FindCoordinatorResponse:
		c.coordinator(k, resp)
		return checker.OK
	case *kmsg.JoinGroupResponse:
		if k.code = resp.ErrorCode; k.code == group.MemberIDRequired {
			g.id, g.joins, k.code, g.static = resp.MemberID, 0, codeNone, false
		} else if k.code == codeNone {
			if resp.MemberID != g.id {
				g.static = k.version >= 5
			}
			if g.beginsAnew(k, resp) {
				g.begun = k.sent
			}
			g.id, g.gen, g.joins, g.heard, g.stage, g.roll = resp.MemberID, resp.Generation, 0, c.w.now, seatJoined, nil
			c.joined(resp)
			for _, b := range resp.Members {
				if resp.LeaderID == g.id && !resp.SkipAssignment {
					g.roll = append(g.roll, b.MemberID)
				}
			}
		}
	case *kmsg.SyncGroupResponse:
		if k.code = resp.ErrorCode; k.code == codeNone {
			c.assigned(k, resp.MemberAssignment)
		}
	case *kmsg.HeartbeatResponse:
		if k.code = resp.ErrorCode; k.ghost {
			c.ghostAnswered(k)
		} else if k.code == codeNone && k.gen == g.gen && g.heard <= k.sent && c.meant(k) {
			c.w.ledgerOf(g.group).stays(g.gen, g.who(), k.sent+classicSession)
			c.staysMixed(k.sent + classicSession)
		}
	case *kmsg.ConsumerGroupHeartbeatResponse:
		if k.code = resp.ErrorCode; k.ghost {
			c.ghostAnswered(k)
		} else {
			c.toldMember(k, resp)
		}
	case *kmsg.LeaveGroupResponse:
		k.code = resp.ErrorCode
		c.switches(k.switches)
		return checker.OK
	case *kmsg.OffsetCommitResponse:
		k.code = resp.Topics[0].Partitions[0].ErrorCode
		outcome = c.committed(k)
	case *kmsg.OffsetFetchResponse:
		outcome = c.fetchedOffset(k, resp)
	case *kmsg.DescribeGroupsResponse, *kmsg.ConsumerGroupDescribeResponse:
		c.counted(k)
	}
	c.turnedAway(k)
	return outcome
}

func (c *client) coordinator(k *call, resp *kmsg.FindCoordinatorResponse) {
	code, id := resp.ErrorCode, resp.NodeID
	if resp.Version >= 4 && len(resp.Coordinators) == 1 {
		code, id = resp.Coordinators[0].ErrorCode, resp.Coordinators[0].NodeID
	}
	k.code = code
	if n := c.w.node(id); code == codeNone && n != nil {
		if g := &c.seat; g.stage == seatWorking && g.was != n.index {
			c.w.markLoad(MarkCoordinatorMoved)
		}
		c.seat.was = n.index
		c.seat.node = n.index
	}
}

// turnedAway has a member do what an error says.
func (c *client) turnedAway(k *call) {
	g := &c.seat
	switch k.code {
	case codeNone, group.Loading, codeUnknownTopic, group.StaleMemberEpoch:
	case group.NotCoordinator, group.NotAvailable:
		g.node = -1
	case group.RebalanceInProgress:
		if !k.ghost {
			c.w.ledgerOf(g.group).release(g.id, nil)
			if !g.mixed { // of a consumer group it may be as good as before
				g.haunt() // a commit of the generation that is over may be on its way, of a member of the next one
			}
			g.away(g.id)
		}
	default:
		if !k.ghost {
			if g.slept {
				c.w.markLoad(MarkMemberSlept)
			}
			c.w.ledgerOf(g.group).release(g.id, nil)
			g.away("")
			c.switches(k.code == group.NotFound || k.code == group.InconsistentProtocol)
		}
	}
}

// assigned takes an assignment: in a generation each partition has one owner, but for the successors of a static member.
func (c *client) assigned(k *call, raw []byte) {
	w, g := c.w, &c.seat
	if g.mixed {
		c.assignedMixed(k, raw)
		return
	}
	l, who := w.ledgerOf(g.group), g.who()
	l.holds(g)
	l.told(g.gen, who, term{heard: g.heard, until: g.begun + classicSession})
	g.parts, g.stage = nil, seatWorking
	for _, b := range raw {
		part := int(b)
		if had := l.given(g.gen, part, who); had != "" {
			w.violate(TwoOwners, "%s is given to %q and to %q in generation %d of %s (G7)", w.partName(part), had, who, g.gen, g.group)
		}
		g.parts = append(g.parts, part)
	}
	w.count[CountAssignments]++
	slices.Sort(g.parts)
}

// committed judges a commit's answer: a refusal that proves that nothing was written fails, any other is unclear.
func (c *client) committed(k *call) checker.Outcome {
	w := c.w
	switch k.code {
	case codeNone:
		if k.fenced {
			w.violate(FencedCommit, "client %d commits offset %d of %s in generation %d of %s, and is told that it is done; an assignment of a later one had been given out before it asked (G7)",
				c.number, k.op.Off, w.partName(k.part), k.gen, k.op.Group)
		}
		w.count[CountCommits]++
		return checker.OK
	case group.IllegalGeneration, group.StaleMemberEpoch, group.UnsupportedVersion, group.UnknownMember, group.FencedInstance, group.RebalanceInProgress, group.Loading, group.NotFound, codeUnknownTopic:
		return checker.Failed
	}
	return checker.Unknown
}

func (c *client) fetchedOffset(k *call, resp *kmsg.OffsetFetchResponse) checker.Outcome {
	at := int64(-1)
	switch {
	case resp.Version >= 8:
		if k.code = resp.Groups[0].ErrorCode; k.code == codeNone {
			p := resp.Groups[0].Topics[0].Partitions[0]
			at, k.code = p.Offset, p.ErrorCode
		}
	case resp.ErrorCode != codeNone:
		k.code = resp.ErrorCode
	default:
		p := resp.Topics[0].Partitions[0]
		at, k.code = p.Offset, p.ErrorCode
	}
	if k.code != codeNone {
		return checker.Failed
	}
	k.op.Off = at
	c.goesOn(k.part, at)
	if c.number < finishers {
		c.seat.begins(k.part, max(at, c.w.views.told[k.part], 0))
	}
	c.w.count[CountOffsetsFetched]++
	return checker.OK
}
