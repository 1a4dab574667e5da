package broker

import (
	"fmt"
	"slices"

	"logd/log"
	"logd/replica"
)

// place creates the replicas that the metadata gives this shard, and drops those of groups that no longer are (B5).
func (s *Shard) place() {
	if !s.vouch.ok || !s.meta.Formed() {
		return // an older copy would make replicas anew that have voted; who has just joined knows of none yet
	}
	for _, t := range s.meta.Topics() {
		for i := range t.Partitions {
			s.placeOne(&t.Partitions[i])
			if p := s.parts[t.Partitions[i].Group]; p != nil {
				s.sizeSegments(p, t)
			}
		}
	}
	for _, id := range slices.Clone(s.order) {
		if s.meta.gone(id) {
			s.log(LevelInfo, "dropping a replica", "group", id)
			s.drop(s.parts[id])
		}
	}
}

func (s *Shard) placeOne(p *Placement) {
	r, ok := p.On(s.cfg.Broker)
	if !ok || r.Incarnation != s.cfg.Incarnation || s.shardOf(p.Group) != s.cfg.Shard || s.parts[p.Group] != nil || s.tombs.has(p.Group) {
		return
	}
	// Replicas begin with the voters of the group's creation. Where those have changed since, the log says how, so a replica
	// that comes late begins with nothing and is told by the leader.
	m := log.Mark{Conf: replica.Voters()}
	if p.pristine() {
		var ids []uint64
		for _, r := range p.Replicas {
			ids = append(ids, r.ID)
		}
		m = log.Mark{Index: 1, Term: 1, Conf: replica.Voters(ids...)}
	}
	s.create(p.Group, replicaMeta{Replica: r.ID}, m)
	if p.Replicas[0].Broker == s.cfg.Broker && m.Index > 0 {
		s.campaign(p.Group)
	}
}

// pristine reports whether a group's replicas are those it was created with.
func (p *Placement) pristine() bool {
	return len(p.Removing) == 0 && !slices.ContainsFunc(p.Replicas, func(r Replica) bool { return r.Joined })
}

// create makes a replica, recorded in the WAL before it can say anything: all that it says waits for a write (R1, R2).
func (s *Shard) create(group uint64, meta replicaMeta, m log.Mark) {
	s.store.Create(group, meta.encode(), m)
	g, err := replica.New(s.groupConfig(group, meta.Replica), s.store, log.Group{ID: group, Meta: meta.encode(), Mark: m})
	if err != nil {
		panic(fmt.Sprintf("broker %d: a new replica of group %d doesn't start: %v", s.cfg.Broker, group, err))
	}
	s.insert(&partition{group: group, replica: meta.Replica, g: g})
	s.touch(group)
}

// campaign has a new group's preferred leader stand for election at once, and again at each tick for an election timeout:
// the others may hear of the group a little later.
func (s *Shard) campaign(group uint64) {
	s.parts[group].eager = s.cfg.Limits.ElectionTicks
	s.parts[group].g.Campaign()
	s.touch(group)
}

func (s *Shard) stand(p *partition) {
	if p.eager == 0 {
		return
	}
	if lead, _ := p.g.Lead(); lead != 0 {
		p.eager = 0
		return
	}
	p.eager--
	p.g.Campaign()
}

// placeTick has leaders bring their groups' configurations nearer to the metadata, and report what is done.
func (s *Shard) placeTick() {
	for _, id := range s.order {
		p, placement := s.parts[id], s.meta.PlacementOf(id)
		if placement == nil || placement.pristine() || !p.g.Serving() {
			continue
		}
		var want []uint64
		for _, r := range placement.Replicas {
			want = append(want, r.ID)
		}
		p.g.Reconcile(want)
		s.touch(id)
		conf := p.g.Conf()
		for _, r := range placement.Removing {
			if !conf.Has(r.ID) && !conf.Joint && s.ticks%s.cfg.Limits.ElectionTicks == 0 {
				s.send(metaGroup, origin{shard: s.cfg.Shard}, metaCall{EncodeCommand(Removed{Group: id, Replica: r.ID})})
			}
		}
	}
}

// nameOf is what people call a group.
func (s *Shard) nameOf(group uint64) string {
	if group == metaGroup {
		return "metadata"
	}
	if t, n := s.meta.PartitionOf(group); t != nil {
		return fmt.Sprintf("%s/%d", t.Name, n)
	}
	return "?"
}
