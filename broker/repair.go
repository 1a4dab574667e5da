package broker

import (
	"encoding/binary"
	"fmt"
	"slices"
	"sort"

	"logd/log"
)

// Repair runs beside raft (S5): a replica that lacks bytes which it once had asks any other replica for them, leader or not, damaged
// itself or not, and takes what fits the hashes that it still has.
//
//	damaged replica                                    any replica of the group
//	need {entries by index, a range of offsets} ─────► looks in memory, then in its segments
//	    ◄── entry {index, bytes}, or batches {from} ── what it has, verified as it is read
//	hash fits: written, synced; the hole is gone       (the leader, if nobody has an entry any more: a snapshot)
//
// Until the last hole is gone the replica neither leads nor serves, and acknowledges nothing at or past a lost entry (G10).
type repairing struct {
	asked  int    // tick of the last question
	peer   int    // who is asked next, in turn
	silent int    // questions in a row that brought nothing
	lost   int    // bytes or offsets that were missing at the last look, so that progress shows
	from   int64  // the range last asked for begins here
	first  int    // the entries last asked for begin with this one of those that are lost
	mended uint64 // ranges that were taken
}

// needControl asks for what a replica has lost.
type needControl struct {
	Group   uint64      `json:"g"`
	Replica uint64      `json:"r"` // who asks
	Entries []needEntry `json:"e,omitempty"`
	From    int64       `json:"from"` // of batches, below To
	To      int64       `json:"to"`
	Max     int         `json:"max"`
}

// needEntry names a lost entry. Offset is where its batch begins, -1 if it is none or that isn't known. State says that it is none, and
// the first: who has it as an entry no more gives a snapshot of what it led to.
type needEntry struct {
	Index  uint64 `json:"i"`
	Hash   uint64 `json:"h,string"` // the running hash after it
	Offset int64  `json:"o"`
	State  bool   `json:"s,omitempty"`
}

const (
	// needEntries is how many lost entries are asked for at once.
	needEntries = 16
	// repairRetryTicks is how long an answer is waited for before the next replica is asked.
	repairRetryTicks = 2
	// repairSays is after how many questions in vain a line says that nobody has what is lost; and again after as many.
	repairSays = 300
	// entryHead is the length of what stands before an entry's bytes.
	entryHead = 8
)

// repairTick asks for what is lost, for a few groups at a time, in turn: one that nobody answers keeps no other from being mended.
func (s *Shard) repairTick() {
	due, left := s.wanting(), s.cfg.Limits.Repairs
	due = slices.DeleteFunc(due, func(p *partition) bool {
		waits := s.ticks < p.repair.asked+repairRetryTicks
		if waits {
			left--
		}
		return waits
	})
	next := sort.Search(len(due), func(i int) bool { return due[i].group > s.lastNeed })
	for i := range min(len(due), max(left, 0)) {
		p := due[(next+i)%len(due)]
		s.askNeed(p, s.store.Holes(p.group), s.store.SegmentHoles(p.group))
		s.lastNeed = p.group
	}
}

// wanting notes of all groups whether they are damaged, and returns those that somebody could give something for, in order.
func (s *Shard) wanting() (all []*partition) {
	for _, id := range s.order {
		p := s.parts[id]
		s.noteDamage(p, s.store.Holes(id), s.store.SegmentHoles(id))
		if p.damaged && !s.store.Repairing(id) && len(s.replicasOf(p)) > 0 {
			all = append(all, p)
		}
	}
	return all
}

// noteDamage has a replica step aside while it is damaged, and come back when it is whole.
func (s *Shard) noteDamage(p *partition, holes []log.Hole, ranges []log.Range) {
	damaged := len(holes)+len(ranges) > 0
	p.changed = true
	if damaged != p.damaged {
		p.damaged = damaged
		p.g.Hurt(damaged)
		s.touch(p.group)
		if damaged {
			s.damages++
			s.log(LevelError, "a replica has lost bytes: it neither leads nor serves until its peers have given them again", "partition", s.nameOf(p.group),
				"group", p.group, "entries", len(holes), "ranges", fmt.Sprint(ranges))
		} else {
			s.repairs++
			s.log(LevelInfo, "a replica is whole again", "partition", s.nameOf(p.group), "group", p.group)
		}
	}
	lost := len(holes)
	for _, r := range ranges {
		lost += int(r.To - r.From)
	}
	if lost != p.repair.lost { // some of it came: go on at once
		p.repair.lost, p.repair.silent, p.repair.asked = lost, 0, 0
	}
}

// askNeed asks the next replica. Once all of them were asked in vain it goes on to the next range, and to the next entries: what nobody
// has, or nobody can give yet, keeps nothing else from being mended.
func (s *Shard) askNeed(p *partition, holes []log.Hole, ranges []log.Range) {
	peers := s.replicasOf(p)
	r := &p.repair
	c := needControl{Group: p.group, Replica: p.replica, Max: s.cfg.Limits.RangeBytes}
	on := r.silent > 0 && r.silent%len(peers) == 0
	c.Entries = p.needs(on)
	if len(ranges) > 0 {
		at := r.nextRange(ranges, on)
		r.from, c.From, c.To = at.From, at.From, at.To
	}
	s.peers.control(peers[r.peer%len(peers)], control{Need: &c})
	r.peer, r.asked = r.peer+1, s.ticks
	if r.silent++; r.silent%repairSays == 0 {
		s.log(LevelError, "nobody has given what a replica has lost: the partition can't be served from here", "partition", s.nameOf(p.group),
			"group", p.group, "asked", r.silent, "entries", len(holes), "ranges", fmt.Sprint(ranges))
	}
}

// needs returns what is asked for next of the entries that are lost.
func (p *partition) needs(on bool) []needEntry {
	r := &p.repair
	need, _ := p.g.Missing()
	if on {
		r.first += needEntries
	}
	if r.first >= len(need.Holes) {
		r.first = 0
	}
	var out []needEntry
	for i := r.first; i < min(len(need.Holes), r.first+needEntries); i++ {
		h := need.Holes[i]
		e := needEntry{Index: h.Index, Hash: h.Hash, Offset: -1}
		batch := p.group != metaGroup && h.Type == log.EntryBatch && h.Size >= log.BatchHeader
		if i == 0 && batch {
			e.Offset = need.Offset
		}
		e.State = i == 0 && !batch
		out = append(out, e)
	}
	return out
}

// nextRange returns the range to ask for: what is left of the last one, or the one behind it, and after the last of all the first.
func (r *repairing) nextRange(ranges []log.Range, on bool) log.Range {
	i := slices.IndexFunc(ranges, func(at log.Range) bool { return at.To > r.from && (!on || at.From > r.from) })
	return ranges[max(i, 0)]
}

// replicasOf returns the brokers that have, or may have, another replica of a group.
func (s *Shard) replicasOf(p *partition) []int32 {
	var ids []uint64
	conf := p.g.Conf()
	ids = append(append(ids, conf.Voters...), conf.Learners...)
	if at := s.meta.PlacementOf(p.group); at != nil {
		for _, r := range slices.Concat(at.Replicas, at.Removing) {
			ids = append(ids, r.ID)
		}
	}
	var out []int32
	for _, id := range ids {
		if b := brokerOf(id); b != s.cfg.Broker && !slices.Contains(out, b) {
			out = append(out, b)
		}
	}
	slices.Sort(out)
	return out
}

// serveNeed gives another replica what it has lost, as far as this one has it. Its bytes are verified as they are read; whether they
// are the ones, the other's hashes say.
func (s *Shard) serveNeed(from int32, c needControl) {
	p := s.parts[c.Group]
	if p == nil || brokerOf(c.Replica) != from {
		return
	}
	for _, e := range c.Entries[:min(len(c.Entries), needEntries)] {
		s.serveEntry(p, from, c.Replica, e)
	}
	if c.From >= 0 && c.From < c.To && c.From < p.g.HighWatermark() {
		s.readSound(p, c.From, min(max(c.Max, 1), s.cfg.Limits.RangeBytes), func(batches [][]byte) {
			head := binary.BigEndian.AppendUint64(nil, uint64(c.From))
			s.peers.send(from, kindMend, c.Group, append([][]byte{head}, batches...))
		})
	}
}

func (s *Shard) serveEntry(p *partition, from int32, asks uint64, e needEntry) {
	give := func(data []byte) {
		s.peers.send(from, kindEntry, p.group, [][]byte{binary.BigEndian.AppendUint64(nil, e.Index), data})
	}
	if is, ok := p.g.Entry(e.Index, e.Hash); ok {
		give(is.Data)
		return
	}
	if e.Offset >= 0 && e.Offset < p.g.HighWatermark() {
		s.readSound(p, e.Offset, 1, func(batches [][]byte) {
			if b, n, err := log.ParseBatch(batches[0]); err == nil && b.BaseOffset == e.Offset {
				give(batches[0][:n])
			}
		})
		return
	}
	if e.State && s.vouch.ok && p.g.Offer(asks, &p.out) { // what comes of it is a raft message
		s.touch(p.group)
	}
}

// readSound reads what another replica has lost: from memory, or from segments, there also behind a hole of our own, since the other
// verifies it by its own running hash. Nothing is said if that fails.
func (s *Shard) readSound(p *partition, offset int64, max int, done func(batches [][]byte)) {
	if batches, ok := p.g.Batches(offset, max); ok {
		if len(batches) > 0 {
			done(batches)
		}
		return
	}
	rd, ok := s.store.FindForPeer(p.group, offset, min(max, s.cfg.Limits.ColdRead))
	if !ok {
		s.salvage(p, offset, max, done)
		return
	}
	s.read(rd, func(d log.ReadDone) {
		if d.Err == nil {
			if data, _, err := rd.Cut(d.Data, offset, max, true); err == nil && len(data) > 0 {
				done([][]byte{data})
				return
			}
		}
		if s.parts[p.group] == p {
			s.unreadable(p, offset, rd, d)
		}
	})
}

// salvage reads for another replica the sound batches of an interval of which others are lost here too.
func (s *Shard) salvage(p *partition, offset int64, max int, done func(batches [][]byte)) {
	rd, ok := s.store.FindLost(p.group, offset, min(max, s.cfg.Limits.ColdRead))
	if !ok {
		return
	}
	s.read(rd, func(d log.ReadDone) {
		if batches := log.Salvage(d.Data, offset, max); len(batches) > 0 {
			done(batches)
		}
	})
}

// mend takes what another replica gave.
func (s *Shard) mend(p *partition, in raftMail) {
	if len(in.body) < entryHead {
		return
	}
	at, data := binary.BigEndian.Uint64(in.body), in.body[entryHead:]
	var err error
	if in.kind == kindEntry {
		err = s.mendEntry(p, at, data)
	} else {
		err = s.mendRange(p, int64(at), data)
	}
	if err != nil {
		s.log(LevelWarn, "what a peer gave for lost bytes was not taken", "partition", s.nameOf(p.group), "group", p.group, "from", in.from, "error", err.Error())
	}
	s.touch(p.group)
}

func (s *Shard) mendEntry(p *partition, index uint64, data []byte) error {
	for _, h := range s.store.Holes(p.group) {
		if h.Index == index {
			return p.g.Heal(log.Entry{Index: index, Term: h.Term, Type: h.Type, Data: data})
		}
	}
	return nil // it came twice
}

func (s *Shard) mendRange(p *partition, from int64, data []byte) error {
	holes := s.store.SegmentHoles(p.group)
	i := slices.IndexFunc(holes, func(r log.Range) bool { return r.From == from })
	if i < 0 || s.store.Repairing(p.group) {
		return nil
	}
	var batches [][]byte
	for next := from; len(data) > 0 && next < holes[i].To; {
		b, n, err := log.ParseBatch(data)
		if err != nil {
			return fmt.Errorf("group %d: batch for offset %d: %w", p.group, next, err)
		}
		batches, data, next = append(batches, data[:n:n]), data[n:], b.NextOffset()
	}
	err := s.store.Repair(p.group, from, batches)
	if err == nil && len(batches) > 0 {
		p.repair.mended++
	}
	return err
}
