package broker

import (
	"fmt"
	"time"

	"logd/log"
)

// fetchCall reads one partition for a consumer.
type fetchCall struct {
	offset    int64
	epoch     int32 // the leader epoch that the client believes in; -1 if it doesn't say
	lastEpoch int32 // the leader epoch of what it read last (KIP-320); -1 if it doesn't say
	max       int
	rack      string        // where the client stands (KIP-392); empty if it doesn't say
	anywhere  bool          // it may be served by a follower
	memory    bool          // say only that there is something, if it must be read from the disk
	watch     bool          // if there is nothing: wake the request once there may be
	until     time.Duration // and no later than this
}

// fetched answers a fetchCall. The batches alias memory that never changes.
type fetched struct {
	code      int16
	hw        int64
	start     int64
	batches   [][]byte
	size      int
	cold      bool     // there is something on the disk, which was not read
	preferred int32    // 0: none, else 1 more than the broker that the client should read from (KIP-392)
	diverged  epochEnd // where the client's log and this one part, if it knows its last epoch to end earlier (KIP-320)
}

// urgent tells whether a client must know at once.
func (f fetched) urgent() bool { return f.code != errNone || f.preferred != 0 || f.diverged.known() }

func (c fetchCall) run(s *Shard, p *partition, o origin) {
	code := s.leads(p, c.epoch)
	if code == errNotLeader && c.anywhere && s.follows(p) {
		c.runFollowing(s, p, o)
		return
	}
	if code != errNone {
		s.answer(o, fetched{code: code, hw: -1, start: -1})
		return
	}
	hw, start := p.g.HighWatermark(), p.g.LogStart()
	switch {
	case c.offset < start:
		// A log start never goes back, so what is below the one applied here is gone everywhere: no quorum need be asked (S13, B9).
		s.answer(o, fetched{code: errOffsetRange, hw: hw, start: start})
	case c.offset > hw:
		// Beyond the end is said only of what a quorum confirms: a stale leader must not send a consumer astray (S13).
		s.linearize(p, func(ok bool) {
			now, end := p.g.HighWatermark(), p.g.Status().LogEnd
			switch {
			case !ok:
				s.answer(o, fetched{code: errOffsetNotYet, hw: now, start: p.g.LogStart()})
			case c.offset > end && c.lastEpoch < 0 || c.offset < p.g.LogStart():
				s.answer(o, fetched{code: errOffsetRange, hw: now, start: p.g.LogStart()})
			default: // it is on its way; or the client can be told where its log and this one part
				c.runUndiverged(s, p, o)
			}
		})
	default:
		if near := s.nearer(p, c); near != 0 {
			s.answer(o, fetched{preferred: near, hw: hw, start: start})
			return
		}
		c.runUndiverged(s, p, o)
	}
}

// serve answers with applied batches (B3), or has the request woken when there are more.
func (c fetchCall) serve(s *Shard, p *partition, o origin) {
	hw := p.g.HighWatermark()
	if c.offset >= hw {
		if c.watch {
			s.watchFor(p, o, c.until)
		}
		s.answer(o, fetched{hw: hw, start: p.g.LogStart()})
		return
	}
	if c.memory {
		batches, ok := p.g.Batches(c.offset, c.max)
		s.answer(o, found(hw, p.g.LogStart(), batches, !ok))
		return
	}
	s.readBatches(p, c.offset, c.max, func(batches [][]byte, code int16) {
		f := found(hw, p.g.LogStart(), batches, false)
		f.code = code
		s.answer(o, f)
	})
}

func found(hw, start int64, batches [][]byte, cold bool) fetched {
	f := fetched{hw: hw, start: start, batches: batches, cold: cold}
	for _, b := range batches {
		f.size += len(b)
	}
	return f
}

// leads checks that this replica leads, and in the term that a client believes in (KIP-320).
func (s *Shard) leads(p *partition, epoch int32) int16 {
	if p == nil || p.group == metaGroup {
		return errNotLeader
	}
	term, leads := p.g.Leading()
	if !leads || s.disk.stalled || p.damaged {
		return errNotLeader
	}
	return checkEpoch(epoch, term)
}

// checkEpoch compares the leader epoch that a client believes in, -1 if it doesn't say, with the term of this replica.
func checkEpoch(epoch int32, term uint64) int16 {
	switch {
	case epoch >= 0 && epoch < int32(term):
		return errFencedEpoch
	case epoch > int32(term):
		return errUnknownEpoch
	}
	return errNone
}

// readBatches reads committed batches from the one that contains offset on: from memory at once, else from a segment.
// offset is below the high watermark. The code is OFFSET_OUT_OF_RANGE if the log start has passed it, and its file is gone.
func (s *Shard) readBatches(p *partition, offset int64, max int, done func(batches [][]byte, code int16)) {
	if batches, ok := p.g.Batches(offset, max); ok {
		done(batches, errNone)
		return
	}
	rd, ok := s.store.Find(p.group, offset, min(max, s.cfg.Limits.ColdRead))
	if !ok && offset < p.g.LogStart() {
		done(nil, errOffsetRange)
		return
	}
	if !ok {
		switch {
		case offset < p.g.LogStart():
			done(nil, errOffsetRange)
		default: // it is lost here
			s.noteDamage(p, s.store.Holes(p.group), s.store.SegmentHoles(p.group))
			if !p.damaged {
				s.log(LevelError, "a committed offset is neither in memory nor in a segment", "group", p.group, "offset", offset)
			}
			done(nil, errStorage)
		}
		return
	}
	s.read(rd, func(d log.ReadDone) {
		if s.parts[p.group] != p {
			done(nil, errNotLeader)
			return
		}
		err := d.Err
		var data []byte
		if err == nil {
			data, err = s.store.Cut(p.group, rd, d.Data, offset, max, true)
		}
		if err != nil && offset < p.g.LogStart() { // removed meanwhile (B9)
			done(nil, errOffsetRange)
			return
		}
		if err != nil {
			done(nil, s.unreadable(p, offset, rd, d))
			return
		}
		done([][]byte{data}, errNone)
	})
}

// read has a segment read.
func (s *Shard) read(rd log.Read, done func(log.ReadDone)) {
	rd.ID = s.next()
	s.reads[rd.ID] = done
	s.out.Reads = append(s.out.Reads, rd)
}

// unreadable finds out what is wrong with a read that failed, and says what to answer. A replica that can't read its own bytes neither
// serves nor leads any more, until it has them again from its peers: see repairing (G10). It goes on following and voting.
func (s *Shard) unreadable(p *partition, offset int64, rd log.Read, d log.ReadDone) int16 {
	switch {
	case s.parts[p.group] != p:
		return errNotLeader
	case s.trimmed(p, rd):
		return errOffsetRange
	case s.unread(p, rd, d.Err):
		return errStorage // and asked for again
	}
	err := s.verify(p, rd, d)
	s.log(LevelError, "a segment can't be read", "partition", s.nameOf(p.group), "group", p.group, "offset", offset, "file", rd.File, "error", fmt.Sprint(err))
	s.noteDamage(p, s.store.Holes(p.group), s.store.SegmentHoles(p.group))
	return errStorage
}

func (s *Shard) readDone(d log.ReadDone) {
	f := s.reads[d.ID]
	delete(s.reads, d.ID)
	f(d)
}

// topicOf finds a topic by name or by id.
func (s *Shard) topicOf(name string, id UUID, byID bool) (*Topic, int16) {
	if byID {
		if t := s.meta.TopicByID(id); t != nil {
			return t, errNone
		}
		return nil, errUnknownID
	}
	if t := s.meta.TopicByName(name); t != nil {
		return t, errNone
	}
	return nil, errUnknownTopic
}

// groupOf is the group of one partition of a topic.
func groupOf(t *Topic, partition int32) (uint64, int16) {
	if p := t.Partition(partition); p != nil {
		return p.Group, errNone
	}
	return 0, errUnknownTopic
}
