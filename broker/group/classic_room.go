package group

import "github.com/twmb/franz-go/pkg/kmsg"

// What members of classic groups say of themselves stays in memory for as long as they are members, up to Config.MemberBytes of each; of
// all of them, up to Config.HeldBytes: some of the largest groups whose assignment can be written down still (Config.WriteBytes).

// What a member takes beside what it says, and a protocol beside its name and metadata, about.
const (
	memberRow   = 512
	protocolRow = 64
)

func sizeOfProtocols(all []kmsg.JoinGroupRequestProtocol) int {
	n := 0
	for _, p := range all {
		n += protocolRow + len(p.Name) + len(p.Metadata)
	}
	return n
}

func (b *member) size() int {
	n := memberRow + len(b.id) + len(b.client) + len(b.host) + sizeOfProtocols(b.protocols)
	if b.instance != nil {
		n += len(*b.instance)
	}
	return n
}

// hold counts a group's bytes anew.
func (m *Machine) hold(g *group) {
	n := 0
	if g.classic != nil {
		n = g.classic.bytes
	}
	m.held += n - g.held
	g.held = n
}

// holds refuses a JoinGroup that says more than the member has said so far, and than there is room for.
func (m *Machine) holds(g *group, c Call, req *kmsg.JoinGroupRequest) bool {
	m.hold(g) // others may have joined since it was last
	id := req.MemberID
	if req.InstanceID != nil && g.classic.static[*req.InstanceID] != "" {
		id = g.classic.static[*req.InstanceID] // whose place it takes
	}
	grows := memberRow + len(c.Client) + len(c.Host) + sizeOfProtocols(req.Protocols)
	if b := g.classic.byID[id]; b != nil {
		grows -= b.size()
	}
	return grows <= 0 || m.held+grows <= m.cfg.HeldBytes
}
