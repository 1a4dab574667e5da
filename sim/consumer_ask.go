package sim

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/checker"
)

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
