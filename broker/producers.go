package broker

import (
	"errors"
	"time"

	pb "go.etcd.io/raft/v3/raftpb"

	"logd/log"
	"logd/replica/producer"
)

// Idempotent producers (KIP-98). What a partition knows of them is a function of its log (replica/producer), so it is the same on
// every replica and survives all that the log survives. A leader judges each batch when it would be stamped, in the order in
// which batches came, by the log with its uncommitted tail and what goes before it in the same turn (B11):
//
//	queue:  1  2  2' 4  3       1, 2, 3 are proposed; 2' waits for what becomes of 2; 4 is refused, it would leave a gap
//
// Who isn't heard of for producer.id.expiration.ms is forgotten, by a command in the log (replica/command.go): the leader says how much
// time has passed while it led, by its monotonic clock. So no clock that jumps makes anybody forget, nor does time in which nobody led.
const (
	clockShare = 96 // of ProducerKeep: so often leaders say that time has passed
	pressShare = 24 // of ProducerKeep: who is silent for so long is forgotten where there is no room for others
)

// twin is a batch that came again while what became of the first one wasn't known.
type twin struct {
	o      origin
	index  uint64 // of the first one's entry
	term   uint64
	led    uint64 // the term in which we wait
	offset int64  // of the first one
}

// passing is how a partition's leader counts the time for its producers.
type passing struct {
	term    uint64        // in which at was set; another one begins anew
	at      time.Duration // of the last command, or since we lead
	pressed bool          // a new producer found no room
	waiting map[int64]firstBatch
}

// fate is what becomes of a queued batch.
type fate struct {
	no     refusal
	again  bool  // it is in the log already, at
	offset int64 // or, if it is neither again nor refused, is to be
}

// judge decides what becomes of queued batches. It changes nothing.
func (s *Shard) judge(p *partition, queue []*proposal) []fate {
	fates := make([]fate, len(queue))
	if p.group == metaGroup {
		return fates
	}
	end, over := p.g.LogEnd(), (*producer.Overlay)(nil)
	for i, q := range queue {
		h, _, err := log.ParseBatch(q.data)
		if err != nil {
			panic("broker: a batch that was not checked is proposed: " + err.Error())
		}
		h.BaseOffset = end
		if h.ProducerID >= 0 {
			if over == nil {
				over = producer.Over(p.g.Producers(), s.producerLimit(p))
			}
			original, ok, err := over.Check(h)
			if ok && !over.Knows(h.ProducerID) {
				err = s.overtakes(p, h)
			}
			if err != nil {
				fates[i].no = s.refuseProducer(h.ProducerID, err)
				continue
			}
			if !ok {
				fates[i] = fate{again: true, offset: original}
				continue
			}
			over.Put(h)
		}
		fates[i].offset, end = end, h.NextOffset()
	}
	return fates
}

// refuseBatch answers a batch that must not be appended. A leader that was deposed and doesn't know it lacks what others have appended
// since, and its client takes such a refusal for the end of its producer: so it is given only by one that a quorum confirms.
func (s *Shard) refuseBatch(p *partition, q *proposal, no refusal) {
	if no.code == errNotEnough {
		p.passing.pressed = true
		s.turnAway(p, q.data)
		s.answer(q.o, appended{code: no.code, offset: -1, start: p.g.LogStart(), result: refusedBy(no)})
		return
	}
	s.linearize(p, func(ok bool) {
		if !ok {
			no = refuse(errNotLeader, "nothing was appended, and whether this broker still leads is not known")
		}
		s.answer(q.o, appended{code: no.code, offset: -1, start: p.g.LogStart(), result: refusedBy(no)})
	})
}

// producerCode is Kafka's code for a batch that is refused. One for which there is no room may be sent again: it is taken once
// others have been forgotten.
func producerCode(err error) int16 {
	switch {
	case errors.Is(err, producer.ErrSequence):
		return errSequence
	case errors.Is(err, producer.ErrEpoch):
		return errProducerEpoch
	}
	return errNotEnough
}

// servesProducers refuses batches of idempotent producers for as long as a broker may not know what they are (B10).
func (s *Shard) servesProducers(batch []byte) refusal {
	h, _, _ := log.ParseBatch(batch)
	if h.ProducerID < 0 || s.meta.Level >= producersVersion {
		return refusal{}
	}
	return refuse(errUnsupportedByLog, "idempotent producers are served once all brokers run and are upgraded: set enable.idempotence=false until then")
}

// join has a batch that is in the log already wait for what becomes of it: it is acknowledged when the first one is (B2).
func (s *Shard) join(p *partition, q *proposal, offset int64) {
	start := p.g.LogStart()
	if offset < p.g.HighWatermark() {
		s.answer(q.o, appended{offset: offset, start: start})
		return
	}
	index, term, ok := p.g.EntryAt(offset)
	led, _ := p.g.Leading()
	if !ok {
		s.answer(q.o, unclear)
		return
	}
	p.twins = append(p.twins, twin{o: q.o, index: index, term: term, led: led, offset: offset})
}

// applyTwins answers those whose first one was applied, or has lost its place to another entry.
func (s *Shard) applyTwins(p *partition, e *pb.Entry) {
	s.endTwins(p, func(t twin) (appended, bool) {
		if t.index == e.GetIndex() && t.term == e.GetTerm() {
			return appended{offset: t.offset, start: p.g.LogStart()}, true
		}
		return unclear, t.index <= e.GetIndex()
	})
}

// loseTwins gives up on those that wait in a term which we no longer lead.
func (s *Shard) loseTwins(p *partition, term uint64, leads bool) {
	s.endTwins(p, func(t twin) (appended, bool) { return unclear, !leads || t.led != term })
}

func (s *Shard) endTwins(p *partition, how func(twin) (appended, bool)) {
	if len(p.twins) == 0 {
		return
	}
	waiting := p.twins
	p.twins = nil
	for _, t := range waiting {
		if a, ends := how(t); ends {
			s.answer(t.o, a)
		} else {
			p.twins = append(p.twins, t)
		}
	}
}

// producersTick has the partitions led here say that time has passed, when it is due, or when room is needed.
func (s *Shard) producersTick() {
	s.countProducers()
	press := s.crowd.full && s.ticks%announceTicks == 0
	for _, p := range s.sorted {
		if p.group != metaGroup && press {
			p.passing.pressed = true
			s.touch(p.group)
		}
		if p.group != metaGroup && p.g.Producers().Len() > 0 && s.now.Mono-p.passing.at >= s.cfg.Limits.ProducerKeep/clockShare {
			s.touch(p.group)
		}
	}
}

// proposePass proposes, when it is due, that time has passed: at most the time between two such commands, whatever this process
// was doing meanwhile, so that a producer that was just heard of is not taken for one that was silent for that long.
func (s *Shard) proposePass(p *partition) {
	term, leads := p.g.Leading()
	pressed := p.passing.pressed
	p.passing.pressed = false
	if p.group == metaGroup || !leads || s.disk.stalled || s.stopping {
		return
	}
	if p.passing.term != term || p.g.Producers().Len() == 0 {
		p.passing.term, p.passing.at = term, s.now.Mono
		return
	}
	step := s.cfg.Limits.ProducerKeep / clockShare
	elapsed := s.now.Mono - p.passing.at
	if elapsed < step && !pressed {
		return
	}
	keep := s.cfg.Limits.ProducerKeep
	if pressed {
		keep /= pressShare
	}
	ms := uint64(min(elapsed, step) / time.Millisecond)
	clock, silent := p.g.Producers().Clock()+ms, uint64((keep+step)/time.Millisecond)
	before := clock - min(clock, silent)
	if elapsed < step && !p.g.Producers().Silent(before) {
		return // it would make no room
	}
	if p.g.Pass(term, ms, before) == nil {
		p.passing.at = s.now.Mono
		p.g.Collect(&p.out)
	}
}
