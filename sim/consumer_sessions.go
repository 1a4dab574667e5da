package sim

import (
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/broker/group"
)

// Once its group is at rest (consumer_owners.go) no member says anything any more. So none is left soon, by whichever protocol it came: what it had would be nobody's
// for ever. A census asks one group after the other who its members are, until it has none.
type census struct {
	group  int
	modern bool // it asks for the members of a consumer group
	none   bool // there were none of a classic group
	since  time.Duration
	term   uint64 // of the coordinator then
	left   int    // members, when it was asked last
}

// sessionBound is within which all members are gone: a session; then the ones that waited for others, whose session begins anew; and
// what the coordinator's writes take on a slow disk.
func (o *Options) sessionBound() time.Duration {
	return 20*time.Second + 2*max(classicSession, o.Limits.Groups.ConsumerSession)
}

// settlingOf is what is known of the way to rest of a group.
func (w *World) settlingOf(group int) *settling {
	return &w.ledgerOf(fmt.Sprintf("group-%d", group)).settling
}

// beginsAnew tells whether a member's session surely began anew with a JoinGroup that was answered: it was a new member's, or took part in
// a rebalance. In Kafka, as here, a member of a group that has its assignment is only told of it if it joins again as it is, and so it is
// by a SyncGroup: its session goes on (GroupMetadataManager.classicGroupJoinExistingMember, classicGroupSyncToClassicGroup). A generation
// that is new to the member may be such a group's, if an earlier JoinGroup took part in its rebalance and the answer was lost; and a static
// member stays while the others rebalance.
func (g *seat) beginsAnew(k *call, resp *kmsg.JoinGroupResponse) bool {
	switch {
	case resp.LeaderID == "" || !k.named: // a consumer group begins them always
		return true
	case g.instance != nil:
		return false
	}
	return g.joins == 1 && resp.Generation != g.gen
}

func (r *census) ask(c *client) {
	w, g := c.w, &c.seat
	if g.node < 0 {
		c.ask(request{kind: askCoordinator, part: -1, node: c.rng.IntN(w.opt.Brokers), version: 4})
		return
	}
	k := &call{part: -1, group: g.group}
	if r.modern {
		req := kmsg.NewPtrConsumerGroupDescribeRequest()
		req.Groups = []string{g.group}
		c.sendGroup(request{node: g.node, version: 1}, k, req)
		return
	}
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Groups = []string{g.group}
	c.sendGroup(request{node: g.node, version: 5}, k, req)
}

// counted takes a description's members. A group of the other protocol, or none, has none of this one.
func (c *client) counted(k *call) {
	switch resp := k.resp.(type) {
	case *kmsg.DescribeGroupsResponse:
		g := &resp.Groups[0]
		k.code, k.members = g.ErrorCode, len(g.Members)
		for i := range g.Members {
			k.roll += " " + g.Members[i].MemberID
		}
		k.roll += ", " + g.State
	case *kmsg.ConsumerGroupDescribeResponse:
		g := &resp.Groups[0]
		k.code, k.members = g.ErrorCode, len(g.Members)
		for i := range g.Members {
			k.roll += " " + g.Members[i].MemberID
		}
		k.roll += ", " + g.State
	}
	if k.counted = true; k.code == group.NotFound {
		k.code = codeNone
	}
}

// took goes on with an answer, and tells whether the group is empty.
func (r *census) took(c *client, k *call) bool {
	if !k.counted || k.code != codeNone {
		return false
	}
	w, g := c.w, &c.seat
	_, term := w.coordinator(g.group)
	if r.term != term {
		r.since, r.term = w.now, term
	}
	if r.left = k.members; r.left > 0 {
		r.none = false
		if stays := w.now - r.since; stays > w.opt.sessionBound() {
			w.violate(SessionKept, "%v after the last of them was heard of, %s has %d members on broker %d:%s (G7)", stays, g.group, r.left, k.line.node+1, k.roll)
		}
		return false
	}
	empty := r.modern && r.none
	r.modern, r.none = !r.modern, !r.modern
	return empty
}

func (r *census) waits(w *World) string {
	if !w.settlingOf(r.group).atRest() {
		return fmt.Sprintf("each partition has an owner in group-%d", r.group)
	}
	return fmt.Sprintf("the %d members of group-%d are gone, who aren't heard of", r.left, r.group)
}
