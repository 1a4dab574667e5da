package broker

import (
	"maps"
	"time"
)

// lead says which broker leads a group in a term.
type lead struct {
	group, term uint64
	broker      int32
}

// view is who leads what, as far as this broker was told: by its own replicas, and by leaders, who say so when they begin
// and again now and then. It is a hint for clients, never a ground to serve by.
type view struct{ leads map[uint64]lead }

type viewMail struct{ leads []lead }

func newView() view { return view{leads: map[uint64]lead{}} }

func (v view) leaderOf(group uint64) (broker, epoch int32, ok bool) {
	l, ok := v.leads[group]
	return l.broker, int32(l.term), ok
}

func (v view) forget(group uint64) { delete(v.leads, group) }

// learn takes what is not older than what is known.
func (s *Shard) learn(leads []lead) {
	for _, l := range leads {
		if l.term >= s.view.leads[l.group].term {
			s.view.leads[l.group] = l
		}
	}
}

// noteLead takes what a replica of ours knows; a leader says so to everyone.
func (s *Shard) noteLead(p *partition) {
	id, term := p.g.Lead()
	if id == 0 {
		return
	}
	l := lead{p.group, term, brokerOf(id)}
	if s.view.leads[p.group] == l {
		return
	}
	s.learn([]lead{l})
	s.postAll(viewMail{[]lead{l}})
	if _, leads := p.g.Leading(); leads {
		s.log(LevelInfo, "leading", "group", p.group, "term", term, "partition", s.nameOf(p.group))
		s.announce([]leading{{p.group, term}})
	}
}

// announceTicks is how often leaders repeat that they lead: brokers that have no replica of a group learn it from that.
const announceTicks = 10

// sweepTicks is how often what is remembered of partitions that are gone is looked for.
const sweepTicks = 100

// sweepTick forgets who leads what isn't there: partitions come and go, and a late announcement may speak of one that has gone. What isn't
// known here yet is announced again.
func (s *Shard) sweepTick() {
	if s.ticks%sweepTicks != 0 {
		return
	}
	maps.DeleteFunc(s.view.leads, func(group uint64, _ lead) bool { // order: each is asked for itself
		t, _ := s.meta.PartitionOf(group)
		return t == nil && group != metaGroup && s.parts[group] == nil
	})
	maps.DeleteFunc(s.creating, func(_ string, until time.Duration) bool { return until <= s.now.Mono }) // order: each is asked for itself
}

func (s *Shard) viewTick() {
	s.sweepTick()
	if s.ticks%announceTicks != 0 {
		return
	}
	var mine []leading
	for _, id := range s.order {
		if term, leads := s.parts[id].g.Leading(); leads {
			mine = append(mine, leading{id, term})
		}
	}
	s.announce(mine)
}

func (s *Shard) announce(mine []leading) {
	if len(mine) == 0 {
		return
	}
	for _, to := range s.peers.order {
		s.peers.control(to, control{Leading: mine})
	}
}
