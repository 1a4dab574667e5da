package group

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// refusedJoin is a JoinGroup's answer that has nothing but an error, and the id to go on with.
func refusedJoin(member string, code int16) *kmsg.JoinGroupResponse {
	r := kmsg.NewPtrJoinGroupResponse()
	r.ErrorCode, r.Generation, r.MemberID = code, -1, member
	r.Members = []kmsg.JoinGroupResponseMember{}
	return r
}

// answerJoin ends a member's waiting JoinGroup, if there is one.
func (m *Machine) answerJoin(c *classic, b *member, r *kmsg.JoinGroupResponse) {
	if b.joining != 0 {
		m.answer(b.joining, r)
		b.joining = 0
		c.joined--
	}
}

// join takes a JoinGroup, as GroupMetadataManager.classicGroupJoin does: a new member without an id gets one, and from
// version 4 on must come again with it, so that a client that never learned its id leaves nobody behind; then it waits for
// the others.
func (m *Machine) join(g *group, c Call, req *kmsg.JoinGroupRequest) {
	if code := m.lintJoin(c, req); code != None {
		m.answer(c.Ticket, refusedJoin(req.MemberID, code))
		return
	}
	if g.consumer != nil {
		m.joinOther(g, c, req)
		return
	}
	if req.MemberID != "" && !g.exists() {
		m.answer(c.Ticket, refusedJoin(req.MemberID, UnknownMember))
		return
	}
	k := g.classicOf()
	switch {
	case !m.accepts(k, req.MemberID):
		m.remove(k, req.MemberID)
		m.answer(c.Ticket, refusedJoin("", GroupFull))
	case !m.holds(g, c, req): // a member stays as it was, for its session
		m.answer(c.Ticket, refusedJoin(req.MemberID, GroupFull))
	case !k.supports(req.ProtocolType, req.Protocols):
		m.answer(c.Ticket, refusedJoin(req.MemberID, InconsistentProtocol))
	case req.MemberID == "":
		m.joinNew(g, c, req)
	default:
		m.joinAgain(g, c, req)
	}
}

func (m *Machine) lintJoin(c Call, req *kmsg.JoinGroupRequest) int16 {
	session := time.Duration(req.SessionTimeoutMillis) * time.Millisecond
	size := len(c.Client) + len(c.Host) + len(req.MemberID)
	for _, p := range req.Protocols {
		size += len(p.Name) + len(p.Metadata)
	}
	switch {
	case c.Group == "":
		return InvalidGroup
	case session < m.cfg.MinSession || session > m.cfg.MaxSession:
		return InvalidSessionTimeout
	case size > m.cfg.MemberBytes:
		return UnknownServer
	}
	return None
}

// accepts refuses one member more than there may be. While members gather, those count that wait: so the last to join
// again are left out, should there be too many already.
func (m *Machine) accepts(k *classic, id string) bool {
	b := k.byID[id]
	if _, given := k.pending[id]; !given && b == nil && m.members >= m.cfg.Members {
		return false
	}
	switch k.state {
	case empty:
		return true
	case preparing:
		return b != nil && b.joining != 0 || k.joined < m.cfg.MaxSize
	}
	return b != nil || len(k.members) < m.cfg.MaxSize
}

// memberID makes an id, as Kafka's: what a person knows the member by, and a random UUID.
func memberID(rng *rand.Rand, name string) string {
	const most = 255 // so that an id fits where ids go
	name = name[:min(len(name), most)]
	hi, lo := rng.Uint64(), rng.Uint64()
	return fmt.Sprintf("%s-%08x-%04x-4%03x-%04x-%012x", name, hi>>32, hi>>16&0xffff, hi&0xfff, 0x8000|lo>>48&0x3fff, lo&0xffffffffffff)
}

// joinNew takes one without an id.
func (m *Machine) joinNew(g *group, c Call, req *kmsg.JoinGroupRequest) {
	k := g.classic
	switch {
	case req.InstanceID != nil:
		id := memberID(m.rng, *req.InstanceID)
		if old, ok := k.static[*req.InstanceID]; ok {
			m.replace(g, c, req, k.byID[old], id)
			return
		}
		m.addMember(g, c, req, id)
	case c.Version >= 4:
		id := memberID(m.rng, c.Client)
		session := time.Duration(req.SessionTimeoutMillis) * time.Millisecond
		k.pending[id] = m.in(session, func() { m.admit(g, op{run: func(g *group) { m.expirePending(g, id) }}) })
		m.members++
		m.answer(c.Ticket, refusedJoin(id, MemberIDRequired))
	default:
		m.addMember(g, c, req, memberID(m.rng, c.Client))
	}
}

// joinAgain takes one with an id.
func (m *Machine) joinAgain(g *group, c Call, req *kmsg.JoinGroupRequest) {
	k := g.classic
	if t, ok := k.pending[req.MemberID]; ok && req.InstanceID == nil {
		m.timers.Cancel(t)
		delete(k.pending, req.MemberID)
		m.members--
		m.addMember(g, c, req, req.MemberID)
		return
	}
	if code := k.check(req.MemberID, req.InstanceID); code != None {
		m.answer(c.Ticket, refusedJoin(req.MemberID, code))
		return
	}
	b := k.byID[req.MemberID]
	switch {
	case k.state == empty:
		m.answer(c.Ticket, refusedJoin(req.MemberID, UnknownMember))
	case k.state == completing && b.same(req.Protocols):
		m.answer(c.Ticket, k.joinedAs(b)) // it may not have had the answer
	case k.state == stable && k.leader != b.id && b.same(req.Protocols):
		m.answer(c.Ticket, k.joinedAs(b))
	default: // the leader joins again when it has another assignment in mind
		m.update(k, b, c, req)
		m.rebalance(g)
	}
}

// joinedAs is what a member of the present generation is told; the leader, who all are and what they want.
func (c *classic) joinedAs(b *member) *kmsg.JoinGroupResponse {
	r := refusedJoin(b.id, None)
	r.Generation, r.LeaderID = c.generation, c.leader
	r.ProtocolType, r.Protocol = orNull(c.kind), orNull(c.protocol)
	if c.leader == b.id && c.state != stable {
		r.Members = c.roll()
	}
	return r
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// roll is all members with what they said for the chosen protocol.
func (c *classic) roll() []kmsg.JoinGroupResponseMember {
	out := make([]kmsg.JoinGroupResponseMember, len(c.members))
	for i, b := range c.members {
		row := kmsg.NewJoinGroupResponseMember()
		row.MemberID, row.InstanceID = b.id, b.instance
		row.ProtocolMetadata, _ = b.metadata(c.protocol)
		out[i] = row
	}
	return out
}

func (m *Machine) addMember(g *group, c Call, req *kmsg.JoinGroupRequest, id string) {
	k := g.classic
	b := &member{id: id, instance: req.InstanceID, client: c.Client, host: c.Host, fresh: true}
	b.told(c, req)
	if k.state == preparing && k.previous == empty {
		k.newcomer = true
	}
	k.add(b, req.ProtocolType)
	m.members++
	b.joining = c.Ticket
	k.joined++
	m.session(g, b, m.cfg.NewMemberWait) // it can't send heartbeats yet
	m.rebalance(g)
}

// told takes what a member says of itself, and nothing else of its request. Each protocol counts once; before version 1 there is only one timeout.
func (b *member) told(c Call, req *kmsg.JoinGroupRequest) {
	b.session = time.Duration(req.SessionTimeoutMillis) * time.Millisecond
	b.rebalance = time.Duration(max(req.RebalanceTimeoutMillis, 0)) * time.Millisecond
	if c.Version < 1 {
		b.rebalance = b.session
	}
	b.protocols = nil
	for _, p := range req.Protocols {
		if _, twice := b.metadata(p.Name); !twice {
			b.protocols = append(b.protocols, kmsg.JoinGroupRequestProtocol{Name: p.Name, Metadata: bytes.Clone(p.Metadata)})
		}
	}
}

// update takes a member's new JoinGroup. One that waited from before is of a connection that its client gave up.
func (m *Machine) update(k *classic, b *member, c Call, req *kmsg.JoinGroupRequest) {
	m.answerJoin(k, b, refusedJoin(b.id, RebalanceInProgress))
	k.count(b, -1)
	b.told(c, req)
	k.count(b, 1)
	b.joining = c.Ticket
	k.joined++
}
