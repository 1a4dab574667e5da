package broker

import (
	"cmp"
	"slices"
)

// load is what a broker keeps already.
type load struct {
	broker   int32
	replicas int
	firsts   int // replicas that are the first of their placement: preferred leaders
}

// place chooses brokers for the partitions of a new topic. Each partition takes the brokers with the fewest replicas: of
// equal ones first the one that leads least, which is to lead, then the ones that lead most, so that others stay free to
// lead; then the lowest ids. So replicas stay within one of each other wherever they were before, preferred leaders
// nearly so, and m alone decides (M7).
func (m *Meta) place(partitions, replication int) [][]int32 {
	loads := m.loads()
	out := make([][]int32, partitions)
	for n := range out {
		slices.SortFunc(loads, func(a, b load) int {
			return cmp.Or(cmp.Compare(a.replicas, b.replicas), cmp.Compare(a.firsts, b.firsts), cmp.Compare(a.broker, b.broker))
		})
		slices.SortFunc(loads[1:], func(a, b load) int {
			return cmp.Or(cmp.Compare(a.replicas, b.replicas), cmp.Compare(b.firsts, a.firsts), cmp.Compare(a.broker, b.broker))
		})
		chosen := loads[:replication]
		leader := 0
		for i := range chosen {
			chosen[i].replicas++
			if chosen[i].firsts < chosen[leader].firsts {
				leader = i
			}
		}
		chosen[leader].firsts++
		on := make([]int32, 1, replication)
		on[0] = chosen[leader].broker
		for i, l := range chosen {
			if i != leader {
				on = append(on, l.broker)
			}
		}
		out[n] = on
	}
	return out
}

// loads counts what each broker keeps, in the order of ids.
func (m *Meta) loads() []load {
	loads := make([]load, len(m.Brokers))
	for i, b := range m.Brokers {
		loads[i].broker = b.ID
	}
	for _, t := range m.byName {
		for _, p := range t.Partitions {
			for k, r := range p.Replicas {
				i, _ := m.findBroker(r.Broker)
				loads[i].replicas++
				if k == 0 {
					loads[i].firsts++
				}
			}
		}
	}
	return loads
}
