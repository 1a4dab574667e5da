package log

import (
	"fmt"
	"slices"
)

// walPlan is what must be known of a write group until its completion.
type walPlan struct {
	tail  uint64 // of the ring as of its floor
	said  []item // marks, installs, creates and drops in it
	empty bool   // it has no records: a seal (S3)
}

// place is where the next write group goes.
type place struct {
	lap  uint64
	pos  int
	roll bool
	head sum // what is written anew, if it is the file's first
}

// Plan returns the next plan of a lane, if the lane is idle and there is work for it that has room. It is to be run, and
// completed by [Store.Done].
func (s *Store) Plan(lane Lane) (Plan, bool) {
	if s.out[lane] || s.failed {
		return Plan{}, false
	}
	var ops []Op
	if lane == LaneWAL {
		ops = s.planWAL()
	} else {
		ops = s.planFill()
	}
	if len(ops) == 0 {
		return Plan{}, false
	}
	s.out[lane] = true
	s.planID[lane]++
	return Plan{Lane: lane, ID: s.planID[lane], Ops: ops}, true
}

// planWAL gathers everything that waits into one write group, as far as it fits (group commit).
func (s *Store) planWAL() []Op {
	s.urgent.popVoid()
	s.normal.popVoid()
	s.blocked = false
	s.picked = s.picked[:0]
	if s.urgent.n == 0 && s.normal.n == 0 {
		if !s.seal || s.wal.empty || s.ring.number == 0 {
			s.seal = false
			return nil
		}
		at, ok := s.place(sum{})
		if !ok || at.roll || s.room(at, sum{}.blocks()) < s.reserve(at, sum{}) {
			return nil // a seal isn't worth a roll, nor the reserve
		}
		s.seal = false
		return s.writeGroup(at)
	}
	if at, ok := s.pick(); ok {
		return s.writeGroup(at)
	}
	s.blocked = true
	if at, ok := s.pickLast(); ok {
		return s.writeGroup(at)
	}
	return nil
}

// place finds room for a write group of at least these records.
func (s *Store) place(least sum) (place, bool) {
	r := &s.ring
	at := place{lap: r.lap, pos: r.pos}
	if r.pos == 1 {
		at.head = s.state
	}
	if at.pos+least.plus(at.head).blocks() <= r.blocks {
		return at, true
	}
	at = place{lap: r.lap + 1, pos: 1, roll: true, head: s.state}
	ok := r.free(r.lap) > 0 && at.pos+least.plus(at.head).blocks() <= r.blocks
	return at, ok
}

// room is the number of blocks that are left for more write groups behind one of used blocks. A file that must be rolled to
// loses its head, and the one rolled from a part that is too small for the next record.
func (s *Store) room(at place, used int) int {
	left := s.ring.blocks - at.pos - used
	free := s.ring.free(s.ring.lap)
	if at.roll {
		free--
	}
	if free == 0 {
		return left
	}
	return max(left-s.ring.blocks/4, 0) + free*(s.ring.blocks-1-s.state.blocks())
}

// reserve is the number of blocks that must stay free so that the tail can become free by copies of all that is kept there
// and a mark of each group (L11). left is what is urgent and waits.
func (s *Store) reserve(at place, left sum) int {
	if r := &s.ring; r.tail < at.lap {
		left = left.plus(sum{n: r.file(r.tail).kept, bytes: r.file(r.tail).keptBytes})
	}
	blocks := 2*s.state.blocks() + 4
	if left.n > 0 {
		blocks += left.blocks()
	}
	return blocks
}

// pick takes what is urgent, and then, as far as the reserve allows, what is normal.
func (s *Store) pick() (place, bool) {
	first := &s.normal
	if s.urgent.n > 0 {
		first = &s.urgent
	}
	least := first.at(0).cost()
	at, ok := s.place(least)
	if !ok {
		return at, false
	}
	have := at.head
	limit := s.opt.GroupBytes / BlockSize
	if have.n > 0 {
		limit += have.blocks()
	}
	limit = max(limit, have.plus(least).blocks()) // one record always fits
	limit = min(limit, s.ring.blocks-at.pos)
	urgent := s.take(&s.urgent, &have, func(blocks int) bool { return blocks <= limit })
	left := s.urgent.sum
	for i := range urgent {
		left = left.plus(s.urgent.at(i).cost().negative())
	}
	need := s.reserve(at, left)
	if urgent > 0 && s.room(at, have.blocks()) < need {
		s.picked = s.picked[:0]
		return at, false
	}
	if left.n == 0 {
		normal := s.take(&s.normal, &have, func(blocks int) bool { return blocks <= limit && s.room(at, blocks) >= need })
		s.normal.pop(normal)
	}
	s.urgent.pop(urgent)
	return at, len(s.picked) > 0
}

// pickLast is for when the reserve is all that is left. Once nothing is kept in the tail but by what is urgent and by what
// was cut, all of that is written, and the tail becomes free.
func (s *Store) pickLast() (place, bool) {
	r := &s.ring
	if r.tail == r.lap || r.file(r.tail).kept > 0 {
		return place{}, false
	}
	for _, id := range s.ids {
		if g := s.groups[id]; g.cutAt > 0 {
			s.picked = append(s.picked, item{kind: kindCut, g: g, index: g.cutAt}) // what a waiting append will cut anyway
		}
	}
	cuts := sum{n: len(s.picked)}
	least := cuts
	if s.urgent.n > 0 && cuts.n == 0 {
		least = s.urgent.at(0).cost()
	}
	at, ok := s.place(least)
	if !ok {
		panic(fmt.Sprintf("invariant L11: no room for %d cuts and urgent records %+v in lap %d block %d of %d; state %+v, limit %d: WAL files are too small",
			cuts.n, s.urgent.sum, r.lap, r.pos, r.blocks, s.state, StateLimit(s.opt)))
	}
	have := at.head.plus(cuts)
	s.urgent.pop(s.take(&s.urgent, &have, func(blocks int) bool { return at.pos+blocks <= r.blocks }))
	return at, len(s.picked) > 0 || r.file(r.tail).live == 0
}

// take picks items from the head of a queue while fits agrees to the blocks that these would make, and returns how many it
// went over, void ones included.
func (s *Store) take(q *queue, have *sum, fits func(blocks int) bool) int {
	for i := range q.n {
		it := q.at(i)
		if it.void() {
			continue
		}
		more := have.plus(it.cost())
		if !fits(more.blocks()) {
			return i
		}
		*have = more
		s.picked = append(s.picked, *it)
	}
	return q.n
}

// writeGroup makes the write group of what was picked.
func (s *Store) writeGroup(at place) []Op {
	r := &s.ring
	if at.roll {
		r.roll()
	}
	r.number++
	fresh := len(s.picked)
	if r.pos == 1 {
		r.file(r.lap).first = r.number
		s.picked = append(s.head(), s.picked...)
	}
	anew := len(s.picked) - fresh
	s.wal.said = s.wal.said[:0]
	for i := range s.picked[anew:] {
		s.plan(&s.picked[anew+i])
	}
	d := directory{number: r.number, floor: r.raise()}
	s.dir = encodeDir(s.dir[:0], &d, s.picked)
	s.wal.tail, s.wal.empty = r.tail, len(s.picked) == 0
	if r.pos+d.blocks > r.blocks {
		panic(fmt.Sprintf("invariant L11: write group %d of %d blocks at block %d of %d", d.number, d.blocks, r.pos, r.blocks))
	}
	buf := s.buffer(d.blocks * BlockSize)
	slot := r.slot(r.lap)
	p := packer{buf: buf, ident: s.ident, slot: slot, first: r.pos * blockSectors, number: d.number}
	p.pack(s.dir, &d, s.payloads)
	op := Op{Kind: OpWriteSync, File: walName(slot), Off: int64(r.pos) * BlockSize, Data: buf}
	r.pos += d.blocks
	clear(s.picked)
	return []Op{op}
}

// payloads writes those of the group being made that stand outside of its directory.
func (s *Store) payloads(write func([]byte)) {
	for i := range s.picked {
		if it := &s.picked[i]; !it.kind.inline() {
			write(it.data)
		}
	}
}

// head returns the records that a file begins with: all groups as the files before it have them, so that these hold nothing
// but entries from then on.
func (s *Store) head() []item {
	var items []item
	for _, id := range s.ids {
		g := s.groups[id]
		switch {
		case g.dropPlanned:
			items = append(items, item{kind: kindDrop, g: g})
		case g.created:
			items = append(items, s.createItem(g, g.planMark), stateItem(g, g.planState))
		}
	}
	return items
}

// buffer returns n aligned bytes; there is one write group out at most, so they are always the same ones, grown.
func (s *Store) buffer(n int) []byte {
	if len(s.buf) < n {
		s.buf = AlignedBytes(max(n, min(2*len(s.buf), int(s.opt.WALFileBytes))))
	}
	return s.buf[:n]
}

// plan takes an item into the planned view: from here on it is as if it were written.
func (s *Store) plan(it *item) {
	g := it.g
	switch it.kind {
	case kindEntry:
		if g.cutAt == it.index {
			s.release(g)
		}
		r := g.rec(it.index)
		r.lap = s.ring.lap
		s.ring.file(r.lap).live++
		s.ring.keep(g, it.index, r)
	case kindCopy, kindLost:
		r := g.rec(it.index)
		if !r.going {
			s.ring.unkeep(g, r) // a fill, which takes nothing out of its file before it is planned
		}
		if it.fill {
			at := g.fillAt(it.seq)
			g.fills = slices.Delete(g.fills, at, at+1)
		}
		s.ring.die(r.lap, 1)
		r.lap = s.ring.lap
		s.ring.file(r.lap).live++
		if it.index > g.marked {
			r.going = false
			s.ring.keep(g, it.index, r)
		}
	case kindMark:
		s.planMarked(g, *it.mark)
	case kindInstall:
		s.release(g)
		g.planMark = *it.mark
		s.recost(g)
	case kindState:
		g.planState = State{Term: it.term, Vote: it.hash, Commit: it.index}
	case kindCreate:
		g.created, g.planMark = true, *it.mark
	case kindDrop:
		s.release(g)
		g.dropPlanned, g.created = true, false
		s.recost(g)
	case kindCut:
		s.release(g)
	}
	switch it.kind {
	case kindMark, kindInstall, kindCreate, kindDrop:
		s.wal.said = append(s.wal.said, *it)
	}
}

// planMarked lets go of the entries under a mark.
func (s *Store) planMarked(g *group, m Mark) {
	n := 0
	for ; g.base+uint64(n) < m.Index; n++ {
		s.ring.die(g.recs[n].lap, 1)
	}
	g.recs, g.base, g.planMark = g.recs[n:], m.Index, m
	s.recost(g)
}

// release lets go of entries that a planned record has cut.
func (s *Store) release(g *group) {
	for _, h := range g.ghosts {
		s.ring.die(h.lap, h.n)
	}
	g.ghosts, g.cutAt = g.ghosts[:0], 0
}
