package group

import (
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// typeClassic is a classic group's type in ListGroups.
const typeClassic = "classic"

// describe answers for one group. One that isn't there is Dead, which from version 6 on is an error too (KIP-1043).
func (m *Machine) describe(g *group, c Call) {
	r := kmsg.NewDescribeGroupsResponseGroup()
	r.Group, r.Members = c.Group, []kmsg.DescribeGroupsResponseGroupMember{}
	if !g.exists() || g.consumer != nil {
		r.State = stateDead
		if c.Version >= 6 {
			why := "Group " + c.Group + " not found."
			if g.consumer != nil {
				why = "Group " + c.Group + " is not a classic group."
			}
			r.ErrorCode, r.ErrorMessage = NotFound, &why
		}
		m.answer(c.Ticket, r)
		return
	}
	k := g.classic
	if k == nil {
		k = newClassic()
	}
	r.State, r.ProtocolType = k.state.String(), k.kind
	if k.state == stable {
		r.Protocol = k.protocol
	}
	for _, b := range k.members {
		row := kmsg.NewDescribeGroupsResponseGroupMember()
		row.MemberID, row.InstanceID, row.ClientID, row.ClientHost = b.id, b.instance, b.client, b.host
		row.ProtocolMetadata, row.MemberAssignment = []byte{}, []byte{}
		if k.state == stable {
			row.ProtocolMetadata, _ = b.metadata(k.protocol)
		}
		if b.assignment != nil {
			row.MemberAssignment = b.assignment
		}
		r.Members = append(r.Members, row)
	}
	m.answer(c.Ticket, r)
}

// list is all groups of this partition that pass the filters, by name. Words are compared without case.
func (m *Machine) list(l List) []kmsg.ListGroupsResponseGroup {
	out := []kmsg.ListGroupsResponseGroup{}
	for _, g := range m.sorted() {
		if !g.exists() {
			continue
		}
		row := kmsg.NewListGroupsResponseGroup()
		row.Group, row.GroupState, row.GroupType = g.id, empty.String(), typeClassic
		if g.classic != nil {
			row.ProtocolType, row.GroupState = g.classic.kind, g.classic.state.String()
		}
		if g.consumer != nil {
			row.ProtocolType, row.GroupState, row.GroupType = consumerType, g.consumer.state(), typeConsumer
		}
		if passes(l.States, row.GroupState) && passes(l.Types, row.GroupType) {
			out = append(out, row)
		}
	}
	return out
}

func passes(filter []string, word string) bool {
	for _, f := range filter {
		if strings.EqualFold(strings.TrimSpace(f), word) {
			return true
		}
	}
	return len(filter) == 0
}

// Groups is how many there are.
func (m *Machine) Groups() int { return len(m.groups) }
