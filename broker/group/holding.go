package group

// Holding is what a machine keeps for what is under way, in numbers.
type Holding struct {
	Tickets       int // calls that aren't answered
	Steps         int // requests and deadlines that wait until the one before them is done
	Writes        int // given out, whose end wasn't told
	Deadlines     int
	MostDeadlines int // what its groups and members may have
}

// A group may have one deadline to join and one to sync by, a member four (clocks), and a machine one to look for old offsets.
const (
	groupDeadlines  = 2
	memberDeadlines = 4
)

// Holds counts what this machine keeps.
func (m *Machine) Holds() Holding {
	h := Holding{Tickets: len(m.open), Writes: len(m.writes), Deadlines: m.timers.Len(), MostDeadlines: 1 + groupDeadlines*len(m.groups) + memberDeadlines*m.members}
	for _, g := range m.groups { // order: a sum
		h.Steps += len(g.queue)
	}
	return h
}
