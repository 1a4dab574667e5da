package broker

import (
	"time"

	"logd/log"
)

// scrub reads all segments of the shard now and then, a little at each tick, and verifies them: what rots is found while others
// still have it. Where a group's segments end, their running hash is compared with the peers' (G11).
type scrub struct {
	running bool
	pass    int           // passes completed since the start
	began   time.Duration // of the pass that runs, or ran last
	cursor  uint64        // the group being read: all below it are done
	at      int64         // and the offset in it
	reading bool
	budget  int   // bytes that may be read at this tick
	done    int64 // bytes read in this pass
	found   int   // stretches that didn't verify, in this pass
	tries   int   // < scrubTries: reads of the next stretch that failed and say nothing of its bytes
	unread  int   // stretches that were given up for that, in this pass
	differ  int   // comparisons with peers that failed, ever
}

const (
	// scrubTries is how many ticks in a row a stretch is tried, that can't be read for a reason of the broker's own; the next pass does again.
	scrubTries = 10
	// unreadEvery is how seldom a line says that segments can't be read.
	unreadEvery = 10 * time.Second
)

// hashControl says which running batch hash the sender has before an offset, where its segments end.
type hashControl struct {
	Group  uint64 `json:"g"`
	Offset int64  `json:"o"`
	Hash   uint64 `json:"h,string"`
	Differ bool   `json:"differ,omitempty"` // an answer: the receiver has another
}

// scrubNow begins a pass at once, unless one runs.
func (s *Shard) scrubNow() {
	if sc := &s.scrub; !sc.running {
		sc.running, sc.began, sc.cursor, sc.at, sc.done, sc.found, sc.tries, sc.unread = true, s.now.Mono, 0, 0, 0, 0, 0, 0
	}
}

func (s *Shard) scrubTick() {
	sc := &s.scrub
	if !sc.running && s.now.Mono-sc.began >= s.cfg.Limits.ScrubEvery {
		s.scrubNow()
	}
	sc.budget = min(sc.budget+s.cfg.Limits.ScrubBytes, s.cfg.Limits.ScrubBytes)
	s.scrubOn()
}

// scrubOn goes on with the pass, as far as this tick's budget allows.
func (s *Shard) scrubOn() {
	sc := &s.scrub
	for sc.running && !sc.reading && sc.budget > 0 {
		p := s.scrubbed()
		if p == nil {
			sc.running, sc.pass = false, sc.pass+1
			if sc.found+sc.unread > 0 {
				s.log(LevelWarn, "scrub done", "shard", s.cfg.Shard, "bytes", sc.done, "damaged", sc.found, "unread", sc.unread)
			}
			return
		}
		rd, next, ok := s.store.Scrub(p.group, sc.at)
		if !ok {
			s.compareHash(p)
			sc.cursor, sc.at = p.group+1, 0
			continue
		}
		sc.reading, rd.Brief = true, true
		s.read(rd, func(d log.ReadDone) { s.scrubRead(p, rd, next, d) })
	}
}

// scrubbed is the replica whose turn it is, nil at the end of a pass.
func (s *Shard) scrubbed() *partition {
	for _, id := range s.order {
		if id >= s.scrub.cursor {
			if id > s.scrub.cursor {
				s.scrub.cursor, s.scrub.at = id, 0
			}
			return s.parts[id]
		}
	}
	return nil
}

func (s *Shard) scrubRead(p *partition, rd log.Read, next int64, d log.ReadDone) {
	sc := &s.scrub
	sc.reading = false
	sc.budget -= rd.Len
	if s.parts[p.group] != p {
		return
	}
	sc.done += int64(len(d.Data))
	if s.unread(p, rd, d.Err) {
		sc.budget = 0 // once more, at the next tick
		if sc.tries++; sc.tries == scrubTries {
			sc.at, sc.tries, sc.unread = next, 0, sc.unread+1
		}
		return
	}
	sc.at, sc.tries = next, 0
	if err := s.verify(p, rd, d); err != nil {
		sc.found++
		s.log(LevelError, "scrub found damage", "partition", s.nameOf(p.group), "group", p.group, "file", rd.File, "byte", rd.Off, "error", err.Error())
	}
	s.scrubOn()
}

// unread tells whether a read failed for a reason that says nothing of what is stored, such as too many open files. Nothing counts as
// damaged for that (G10): whoever asked tries again.
func (s *Shard) unread(p *partition, rd log.Read, err error) bool {
	if err == nil || log.Gone(err) {
		return false
	}
	if s.now.Mono >= s.unreadAt {
		s.unreadAt = s.now.Mono + unreadEvery
		s.log(LevelError, "a segment can't be read for now, which says nothing of its bytes", "partition", s.nameOf(p.group), "group", p.group,
			"file", rd.File, "byte", rd.Off, "error", err.Error())
	}
	return true
}

// verify checks what was read of segments, or the error of what is gone, and has what isn't sound mended. A file that is gone was trimmed
// meanwhile.
func (s *Shard) verify(p *partition, rd log.Read, d log.ReadDone) error {
	p.changed = true
	if d.Err != nil {
		if s.trimmed(p, rd) {
			return nil
		}
		lost := []log.Read{rd}
		if len(d.Data) == rd.Len { // but for some sectors
			lost = s.store.Rotten(p.group, rd, d.Data)
		}
		for _, bad := range lost {
			s.store.Suspect(p.group, bad)
		}
		return d.Err
	}
	err := s.store.CheckScrub(p.group, rd, d.Data)
	if err == nil || s.trimmed(p, rd) {
		return nil
	}
	for _, bad := range s.store.Rotten(p.group, rd, d.Data) {
		s.store.Suspect(p.group, bad)
	}
	return err
}

// trimmed reports whether what a read was found for has left the segments since.
func (s *Shard) trimmed(p *partition, rd log.Read) bool {
	infos := s.store.SegmentInfo(p.group)
	return len(infos) == 0 || infos[0].Base > rd.First
}

// compareHash tells the other replicas the running hash where the segments end.
func (s *Shard) compareHash(p *partition) {
	end := s.store.SegmentEnd(p.group)
	hash, ok := s.store.HashAt(p.group, end)
	if !ok || end == 0 || p.damaged {
		return
	}
	for _, to := range s.replicasOf(p) {
		s.peers.control(to, control{Hash: &hashControl{Group: p.group, Offset: end, Hash: hash}})
	}
}

// compared takes another replica's running hash, or its answer to ours.
func (s *Shard) compared(from int32, c hashControl) {
	p := s.parts[c.Group]
	if p == nil || p.damaged {
		return
	}
	if c.Differ {
		s.differs(p, from, c.Offset)
		return
	}
	s.hashAt(p, c.Offset, func(hash uint64, ok bool) {
		if ok && hash != c.Hash {
			s.differs(p, from, c.Offset)
			s.peers.control(from, control{Hash: &hashControl{Group: c.Group, Offset: c.Offset, Differ: true}})
		}
	})
}

// differs says that two replicas have different bytes, each of which is sound by itself: which no fault of a disk explains (G11).
func (s *Shard) differs(p *partition, from int32, offset int64) {
	s.scrub.differ++
	s.log(LevelError, "two replicas have different records: keep both directories and report this", "partition", s.nameOf(p.group), "group", p.group,
		"before_offset", offset, "other_broker", from)
}

// hashAt finds the running batch hash before a committed offset: from memory, from the index, or by reading an interval.
func (s *Shard) hashAt(p *partition, offset int64, done func(hash uint64, ok bool)) {
	if offset <= 0 || offset > p.g.HighWatermark() {
		done(0, false)
		return
	}
	if hash, ok := p.g.BatchHash(offset); ok {
		done(hash, true)
		return
	}
	if hash, ok := s.store.HashAt(p.group, offset); ok {
		done(hash, true)
		return
	}
	rd, ok := s.store.Find(p.group, offset-1, 0)
	if !ok {
		done(0, false)
		return
	}
	rd.Brief = true
	s.read(rd, func(d log.ReadDone) {
		if s.parts[p.group] != p || d.Err != nil {
			done(0, false)
			return
		}
		done(s.store.HashIn(p.group, rd, d.Data, offset))
	})
}
