package broker

import (
	"slices"

	"logd/log"
	"logd/replica"
)

// How a cluster begins, and how a wiped broker comes back (S7):
//
//	all listed brokers empty        ─► the one with the lowest id (the founder) forms: it draws the cluster's id and names
//	                                   every broker's incarnation; those named adopt it, once
//	some broker is of a cluster     ─► an empty one never forms; the metadata leader gives it new replica ids, under its
//	                                   new incarnation, and tells it which is group 1's: it joins as a learner
//
// Only the founder forms, and only when each of the others has said that it is empty to this very incarnation of the
// founder; from then on they adopt nothing that an earlier founder formed.

// Formation is how a cluster began.
type Formation struct {
	Cluster UUID         `json:"cluster"`
	Brokers []FormBroker `json:"brokers"`
}

// names reports whether a formation names a broker's incarnation.
func (f *Formation) names(broker int32, incarnation uint64) bool {
	return slices.Contains(f.Brokers, FormBroker{ID: broker, Incarnation: incarnation})
}

type (
	// helloControl says whether the sender's directory is of a cluster.
	helloControl struct {
		Formed      *Formation `json:"formed,omitempty"` // nil: it is empty
		To          uint64     `json:"to,omitempty"`     // the incarnation that the sender takes the receiver for
		incarnation uint64     // of the sender, from the envelope,
		generation  uint64     // like these
		record      uint64     // of a broker of the cluster: which directory of the receiver's is on record there; of an empty one: which it was told
	}
	// placedControl tells a broker that joins which replica of group 1 it has.
	placedControl struct {
		Replica     uint64    `json:"replica"`
		Incarnation uint64    `json:"inc"`
		Formed      Formation `json:"formed"`
	}
)

// former knows whether this directory is of a cluster, and if not, how it may come to be.
type former struct {
	formation *Formation
	heard     map[int32]helloControl // from brokers that are empty
	told      map[int32]uint64       // by brokers of the cluster: which directory of this broker is on record
	joining   bool                   // some broker is of a cluster: never form one
	asked     int                    // tick of the last command for a broker that joins
}

func newFormer(Config) former {
	return former{heard: map[int32]helloControl{}, told: map[int32]uint64{}}
}

func (f *former) formed(m replicaMeta) { f.formation = m.Formed }

// formWaitTicks is how long --form waits for answers of brokers that might be empty.
const formWaitTicks = 30

// first is done once, in the first turn.
func (s *Shard) first() {
	if s.ownsMeta() && s.meta.Formed() {
		s.postAll(metaMail{s.meta})
	}
	s.firstImage()
	s.formTick()
}

func (s *Shard) formTick() {
	if !s.ownsMeta() {
		return
	}
	if s.form.formation != nil {
		s.registerTick()
		return
	}
	begins := s.mayBegin() // asked now, it is remembered by the time that all have answered
	for _, to := range s.peers.order {
		heard, empty := s.form.heard[to]
		if empty { // brokers of a cluster would refuse it
			s.peers.control(to, control{Speaks: &speaksControl{Commands: commandVersion}})
		}
		s.peers.hello(to, s.form.told[to], helloControl{To: heard.incarnation})
	}
	if members, ok := s.mayForm(); ok && begins {
		s.adopt(Formation{Cluster: drawUUID(s.rng), Brokers: members})
	}
}

// mayForm says whether a cluster can be formed now, and of whom.
func (s *Shard) mayForm() ([]FormBroker, bool) {
	founder := s.cfg.Brokers[0] == s.cfg.Broker || s.cfg.Form
	members := []FormBroker{{ID: s.cfg.Broker, Incarnation: s.cfg.Incarnation}}
	for _, b := range s.peers.order {
		if h, ok := s.form.heard[b]; ok && h.To == s.cfg.Incarnation {
			members = append(members, FormBroker{ID: b, Incarnation: h.incarnation})
		}
	}
	slices.SortFunc(members, func(a, b FormBroker) int { return int(a.ID) - int(b.ID) })
	all := len(members) == len(s.cfg.Brokers)
	return members, founder && !s.cfg.Joins && !s.form.joining && (all || s.cfg.Form && s.ticks >= formWaitTicks)
}

// hello takes another broker's word on whether it is of a cluster.
func (s *Shard) hello(from int32, h helloControl) {
	f := &s.form
	switch {
	case h.Formed == nil && f.formation == nil:
		f.heard[from] = h
	case h.Formed == nil && s.meta.registered(from, h.incarnation):
		// It was of the cluster, under this very incarnation: this is a copy from before.
		s.peers.control(from, control{Known: &knownControl{Of: h.generation, Seen: forgotten, Empty: true}})
	case h.Formed == nil:
		s.peers.hello(from, s.onRecord(from), helloControl{Formed: f.formation, To: h.incarnation})
		s.welcome(from, h)
	case f.formation == nil:
		f.told[from] = h.record
		if !f.joining {
			f.joining = true
			s.log(LevelInfo, "found a cluster", "cluster", h.Formed.Cluster.String(), "named", h.Formed.names(s.cfg.Broker, s.cfg.Incarnation))
		}
		if h.Formed.names(s.cfg.Broker, s.cfg.Incarnation) && !s.superseded(h.Formed) && s.mayBegin() {
			s.adopt(*h.Formed)
		}
	}
}

// superseded reports whether a founder that came later has been told that this broker is empty: what an earlier one formed
// is not adopted any more.
func (s *Shard) superseded(f *Formation) bool {
	for _, b := range f.Brokers {
		if h, ok := s.form.heard[b.ID]; ok && b.ID != s.cfg.Broker && h.incarnation != b.Incarnation {
			return true
		}
	}
	return false
}

// adopt makes this directory one of a cluster that names it: group 1 begins with an entry that everyone has.
func (s *Shard) adopt(f Formation) {
	m, r := NewMeta().Apply(1, EncodeCommand(Form{ClusterID: f.Cluster, Brokers: f.Brokers}))
	if err := r.Err(); err != nil {
		s.log(LevelError, "can't form a cluster: "+err.Error())
		return
	}
	var ids []uint64
	for _, r := range m.Group1.Replicas {
		ids = append(ids, r.ID)
	}
	mine, _ := m.Group1.On(s.cfg.Broker)
	s.log(LevelInfo, "formed a cluster", "cluster", f.Cluster.String(), "brokers", len(f.Brokers))
	s.create(metaGroup, replicaMeta{Replica: mine.ID, Formed: &f}, log.Mark{Index: 1, Term: 1, Conf: replica.Voters(ids...), App: m.Encode()})
	s.form.formation = &f
	s.publish(m)
	s.postAll(metaMail{m})
	if mine == m.Group1.Replicas[0] {
		s.campaign(metaGroup)
	}
}

// nothingOnRecord stands for the directory of a broker that has none on record.
const nothingOnRecord = 1

// onRecord is the directory of a broker that the metadata has.
func (s *Shard) onRecord(broker int32) uint64 {
	if b := s.meta.Broker(broker); b != nil {
		return b.Incarnation
	}
	return nothingOnRecord
}

// welcome gives a place to a broker that came with an empty directory. Only the metadata leader acts; what it is told
// again and again it does once. A directory takes the place of the one that it was told is on record, and of no other: its hello may be
// late, and another directory have come since (B16).
func (s *Shard) welcome(from int32, h helloControl) {
	p, incarnation := s.parts[metaGroup], h.incarnation
	if p == nil || !p.g.Serving() {
		return
	}
	b := s.meta.Broker(from)
	if b != nil && b.Incarnation == incarnation {
		if r, ok := s.meta.Group1.On(from); ok && r.Joined {
			s.peers.control(from, control{Placed: &placedControl{Replica: r.ID, Incarnation: incarnation, Formed: *s.form.formation}})
		}
		return
	}
	if h.record != s.onRecord(from) || s.ticks < s.form.asked+s.cfg.Limits.ElectionTicks {
		return
	}
	s.form.asked = s.ticks
	c := Replace{Broker: from, New: incarnation}
	if b != nil {
		c.Old = b.Incarnation
	}
	s.log(LevelWarn, "a broker came with an empty directory: it joins under new replica ids", "broker", from, "incarnation", incarnation)
	s.propose(p, origin{shard: s.cfg.Shard}, EncodeCommand(c))
}

// placed makes this empty directory join a cluster, as a learner of group 1 that has nothing yet (B5).
func (s *Shard) placed(c placedControl) {
	if s.form.formation != nil || c.Incarnation != s.cfg.Incarnation || !s.mayBegin() {
		return
	}
	s.log(LevelInfo, "joining a cluster", "cluster", c.Formed.Cluster.String(), "replica", c.Replica)
	s.create(metaGroup, replicaMeta{Replica: c.Replica, Formed: &c.Formed}, log.Mark{Conf: replica.Voters()})
	s.form.formation = &c.Formed
}

// registerTick keeps this broker's address in the metadata.
func (s *Shard) registerTick() {
	b := s.meta.Broker(s.cfg.Broker)
	if !s.vouch.ok || b == nil || b.Incarnation != s.cfg.Incarnation || b.Generation == s.cfg.Generation && b.Boot == s.cfg.Boot && b.Host == s.cfg.Host && b.Port == s.cfg.Port && b.Rack == s.cfg.Rack {
		return
	}
	if s.ticks%2 == 0 {
		s.send(metaGroup, origin{shard: s.cfg.Shard}, metaCall{EncodeCommand(Register{Broker: s.cfg.Broker, Incarnation: s.cfg.Incarnation,
			Generation: s.cfg.Generation, Boot: s.cfg.Boot, Host: s.cfg.Host, Port: s.cfg.Port, Rack: s.cfg.Rack})})
	}
}
