package sim

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/broker/group"
	"logd/checker"
)

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
