package broker

import (
	"cmp"
	"math"
	"slices"
)

// maxBrokers bounds a cluster; raft's messages and placement are quadratic in it.
const maxBrokers = 100

// FormReplicas returns the replicas that group 1 begins with, in the order of ids: what a cluster's first brokers
// bootstrap that group's configuration from, before there is an entry that says so.
func FormReplicas(brokers []FormBroker) []Replica {
	sorted := slices.SortedFunc(slices.Values(brokers), func(a, b FormBroker) int { return cmp.Compare(a.ID, b.ID) })
	var out []Replica
	for i, b := range sorted {
		out = append(out, Replica{Broker: b.ID, ID: replicaID(b.ID, uint32(i+1)), Incarnation: b.Incarnation})
	}
	return out
}

func (f Form) apply(m *Meta) (*Meta, Result) {
	switch {
	case m.Formed():
		return m, refusedBy(refuse(errOtherCluster, "the cluster formed as %s, it can't form again as %s", m.ClusterID, f.ClusterID))
	case f.ClusterID.IsZero():
		return m, refusedBy(refuse(errBadRequest, "a cluster can't form without an id"))
	case len(f.Brokers) == 0 || len(f.Brokers) > maxBrokers:
		return m, refusedBy(refuse(errBadRequest, "a cluster of %d brokers, expected 1 to %d", len(f.Brokers), maxBrokers))
	}
	c := *m
	c.ClusterID = f.ClusterID
	c.Group1 = Placement{Group: metaGroup, Replicas: FormReplicas(f.Brokers)}
	c.NextReplica += uint32(len(f.Brokers))
	for i, r := range c.Group1.Replicas {
		if r.Broker < 0 || r.Incarnation == 0 || i > 0 && c.Brokers[i-1].ID == r.Broker {
			return m, refusedBy(refuse(errBadRequest, "broker %d, incarnation %d: a negative id, no incarnation, or listed twice", r.Broker, r.Incarnation))
		}
		c.Brokers = append(c.Brokers, BrokerInfo{ID: r.Broker, Incarnation: r.Incarnation})
	}
	return &c, Result{}
}

func (r Register) apply(m *Meta) (*Meta, Result) {
	i, ok := m.findBroker(r.Broker)
	switch {
	case !ok:
		return m, refusedBy(refuse(errUnknownBroker, "broker %d isn't of this cluster", r.Broker))
	case m.Brokers[i].Incarnation != r.Incarnation:
		return m, refusedBy(refuse(errStaleBroker, "broker %d registers as incarnation %d, on record is %d", r.Broker, r.Incarnation, m.Brokers[i].Incarnation))
	case started{r.Generation, r.Boot}.older(started{m.Brokers[i].Generation, m.Brokers[i].Boot}):
		return m, refusedBy(refuse(errStaleBroker, "broker %d registers at generation %d, process %016x, on record is %d, %016x", r.Broker, r.Generation, r.Boot, m.Brokers[i].Generation, m.Brokers[i].Boot))
	case r.Host == "" || len(r.Host) > 255 || r.Port < 1 || r.Port > math.MaxUint16 || len(r.Rack) > 255:
		return m, refusedBy(refuse(errBadRequest, "broker %d can't serve at %.300q port %d, rack %.300q", r.Broker, r.Host, r.Port, r.Rack))
	}
	c := *m
	c.Brokers = slices.Clone(m.Brokers)
	c.Brokers[i].Generation, c.Brokers[i].Boot, c.Brokers[i].Host, c.Brokers[i].Port, c.Brokers[i].Rack = r.Generation, r.Boot, r.Host, r.Port, r.Rack
	return &c, Result{}
}

func (r Replace) apply(m *Meta) (*Meta, Result) {
	i, ok := m.findBroker(r.Broker)
	switch {
	case !ok && r.Old == 0:
		return r.join(m, i)
	case !ok:
		return m, refusedBy(refuse(errUnknownBroker, "broker %d isn't of this cluster", r.Broker))
	}
	b := m.Brokers[i]
	switch {
	case b.Incarnation == r.New && (r.Old == 0 || slices.Contains(b.Retired, r.Old)):
		return m, Result{} // done already; asked again
	case b.Incarnation != r.Old || r.New == r.Old || r.New == 0 || slices.Contains(b.Retired, r.New):
		return m, refusedBy(refuse(errStaleBroker, "broker %d: incarnation %d can't replace %d, on record is %d, before it %v", r.Broker, r.New, r.Old, b.Incarnation, b.Retired))
	}
	c := *m
	c.Brokers = slices.Clone(m.Brokers)
	c.Brokers[i].Incarnation, c.Brokers[i].Generation, c.Brokers[i].Boot = r.New, 0, 0
	c.Brokers[i].Retired = append(slices.Clone(b.Retired), r.Old)
	if !c.replaceIn(&c.Group1, r) {
		return m, outOfReplicas()
	}
	var changed []*Topic
	for _, t := range m.byGroup {
		if !t.on(r.Broker) {
			continue
		}
		next := *t
		next.Partitions = slices.Clone(t.Partitions)
		for n := range next.Partitions {
			if !c.replaceIn(&next.Partitions[n], r) {
				return m, outOfReplicas()
			}
		}
		changed = append(changed, &next)
	}
	c.swap(changed)
	return &c, Result{}
}

// join adds a broker that the cluster didn't have, with a replica of the metadata group.
func (r Replace) join(m *Meta, i int) (*Meta, Result) {
	if r.Broker < 0 || r.New == 0 || len(m.Brokers) == maxBrokers {
		return m, refusedBy(refuse(errBadRequest, "broker %d, incarnation %d can't join: a negative id, no incarnation, or %d brokers already", r.Broker, r.New, len(m.Brokers)))
	}
	c := *m
	number, ok := c.drawReplicas(1)
	if !ok {
		return m, outOfReplicas()
	}
	c.Brokers = slices.Insert(slices.Clone(m.Brokers), i, BrokerInfo{ID: r.Broker, Incarnation: r.New})
	c.Group1.Replicas = append(slices.Clone(m.Group1.Replicas), Replica{Broker: r.Broker, ID: replicaID(r.Broker, number), Incarnation: r.New, Joined: true})
	return &c, Result{}
}

// replaceIn gives a wiped broker a new replica in one placement, if it has one there. p is m's own, but for its lists.
// It returns false if numbers have run out.
func (m *Meta) replaceIn(p *Placement, r Replace) bool {
	for i, old := range p.Replicas {
		if old.Broker != r.Broker {
			continue
		}
		number, ok := m.drawReplicas(1)
		if !ok {
			return false
		}
		p.Replicas = slices.Clone(p.Replicas)
		p.Replicas[i] = Replica{Broker: r.Broker, ID: replicaID(r.Broker, number), Incarnation: r.New, Joined: true}
		p.Removing = append(slices.Clone(p.Removing), old)
	}
	return true
}

// drawReplicas returns the first of n numbers that no replica had before (M4); false if there aren't as many left.
func (m *Meta) drawReplicas(n int) (uint32, bool) {
	if uint64(m.NextReplica)+uint64(n) > math.MaxUint32 {
		return 0, false
	}
	first := m.NextReplica
	m.NextReplica += uint32(n)
	return first, true
}

func outOfReplicas() Result {
	return refusedBy(refuse(errPolicy, "the cluster has used up all %d replica numbers", uint32(math.MaxUint32)))
}

func (r Removed) apply(m *Meta) (*Meta, Result) {
	p := m.PlacementOf(r.Group)
	if p == nil {
		return m, Result{} // its topic was deleted meanwhile
	}
	i := slices.IndexFunc(p.Removing, func(old Replica) bool { return old.ID == r.Replica })
	if i < 0 {
		return m, Result{} // reported twice
	}
	rest := slices.Delete(slices.Clone(p.Removing), i, i+1)
	if len(rest) == 0 {
		rest = nil
	}
	c := *m
	if r.Group == metaGroup {
		c.Group1.Removing = rest
		return &c, Result{}
	}
	t, n := m.PartitionOf(r.Group)
	next := *t
	next.Partitions = slices.Clone(t.Partitions)
	next.Partitions[n].Removing = rest
	c.swap([]*Topic{&next})
	return &c, Result{}
}
