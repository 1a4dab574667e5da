package log

import (
	"fmt"
	"hash/crc32"
	"slices"
)

// stage queues a record.
func (s *Store) stage(it item) Seq {
	s.seq++
	it.seq = s.seq
	q := &s.normal
	switch it.kind {
	case kindMark, kindCopy, kindLost, kindInstall, kindDrop:
		if it.g.created && !it.fill { // else its create record must come first
			q = &s.urgent
		}
	}
	q.push(it)
	return s.seq
}

// said is stage, for what the group's replica will speak of.
func (s *Store) said(it item) Seq {
	it.g.lastSeq = s.stage(it)
	return it.g.lastSeq
}

func (s *Store) alive(group uint64) *group {
	g := s.group(group)
	if g.dropped {
		panic(fmt.Sprintf("log: group %d was dropped", group))
	}
	return g
}

// Create makes a group that begins behind m, whose Index may be 0. meta is opaque. It panics if the group is, or was, there.
func (s *Store) Create(group uint64, meta []byte, m Mark) Seq {
	if s.groups[group] != nil {
		panic(fmt.Sprintf("log: group %d is there already, or was dropped (S7)", group))
	}
	if err := m.check(); err != nil {
		panic(fmt.Sprintf("invariant L10: create of group %d: %v", group, err))
	}
	g := s.newGroup(group, meta, m)
	if m.LogEnd > 0 {
		g.segs.reset(m.LogEnd, m.BatchHash)
	}
	return s.said(s.createItem(g, g.mark))
}

// newGroup puts a group in the tables.
func (s *Store) newGroup(id uint64, meta []byte, m Mark) *group {
	g := &group{id: id, meta: meta, mark: m, base: m.Index, marked: m.Index, held: make([]held, s.opt.WALFiles)}
	g.segs = newSegments(segDir(id), s.opt)
	s.groups[id] = g
	at, _ := slices.BinarySearch(s.ids, id)
	s.ids = slices.Insert(s.ids, at, id)
	s.recost(g)
	return g
}

// recost counts anew what a group's state takes at a file's head.
func (s *Store) recost(g *group) {
	is := sum{n: 1}
	if !g.dropPlanned {
		m := max(len(g.mark.Conf)+len(g.mark.App), len(g.planMark.Conf)+len(g.planMark.App))
		is = sum{n: 2, inline: int64(4 + len(g.meta) + markHead + m)}
	}
	s.state = s.state.plus(is).plus(g.cost.negative())
	g.cost = is
}

func (s *Store) createItem(g *group, m Mark) item {
	data := appendCreate(make([]byte, 0, 4+len(g.meta)+markHead+len(m.Conf)+len(m.App)), g.meta, &m)
	return item{kind: kindCreate, g: g, index: m.Index, term: m.Term, hash: m.EntryHash,
		data: data, crc: crc32.Checksum(data, castagnoli), mark: &m}
}

func markItem(kind recordKind, g *group, m Mark) item {
	data := appendMark(make([]byte, 0, markHead+len(m.Conf)+len(m.App)), &m)
	return item{kind: kind, g: g, index: m.Index, term: m.Term, hash: m.EntryHash,
		data: data, crc: crc32.Checksum(data, castagnoli), mark: &m}
}

func stateItem(g *group, st State) item {
	return item{kind: kindState, g: g, index: st.Commit, term: st.Term, hash: st.Vote}
}

// Drop ends a group: its entries and segments go, a tombstone stays.
func (s *Store) Drop(group uint64) Seq {
	g := s.alive(group)
	s.cut(g, g.base+1, s.seq+1)
	s.holdQueued(g, s.seq+1)
	g.dropped = true
	g.cutAt = 0
	return s.said(item{kind: kindDrop, g: g})
}

// holdQueued makes Durable wait for seq instead of what is queued for a group and won't be written. It says whether there is
// any.
func (s *Store) holdQueued(g *group, seq Seq) bool {
	for i := range s.normal.n {
		if it := s.normal.at(i); it.g == g {
			s.holds = append(s.holds, hold{from: it.seq, until: seq})
			return true
		}
	}
	return false
}

// SetState stages term, vote and commit. Terms never fall, and a vote of a term never changes (S6).
func (s *Store) SetState(group uint64, st State) Seq {
	g := s.alive(group)
	if st.Term < g.state.Term || st.Term == g.state.Term && g.state.Vote != 0 && st.Vote != g.state.Vote {
		panic(fmt.Sprintf("invariant L9: group %d: state %+v after %+v", group, st, g.state))
	}
	g.state = st
	return s.said(stateItem(g, st))
}

// Append stages entries, dense. They first cut the group's log at es[0].Index (raft's rule for a leader's entries). It
// panics on a gap, a term that falls, a cut at or below a mark (L9), or data of more than [MaxEntry] bytes.
func (s *Store) Append(group uint64, es []Entry) Seq {
	g := s.alive(group)
	if len(es) == 0 {
		return g.lastSeq
	}
	first := es[0].Index
	if first <= max(g.mark.Index, g.flushTo) || first > g.last()+1 {
		panic(fmt.Sprintf("invariant L9: group %d: append at index %d to a log of (%d, %d], being flushed to %d",
			group, first, g.mark.Index, g.last(), g.flushTo))
	}
	if first <= g.last() {
		s.cut(g, first, s.seq+1)
	}
	term, h := g.before(first - 1)
	for i := range es {
		e := &es[i]
		if e.Index != first+uint64(i) || e.Term < term || len(e.Data) > MaxEntry(s.opt) {
			panic(fmt.Sprintf("invariant L9: group %d: entry %d of %d: index %d, term %d after %d, %d bytes of at most %d",
				group, i, len(es), e.Index, e.Term, term, len(e.Data), MaxEntry(s.opt)))
		}
		crc := crc32.Checksum(e.Data, castagnoli)
		term, h = e.Term, hashEntryCRC(h, *e, uint32(len(e.Data)), crc)
		seq := s.said(item{kind: kindEntry, typ: e.Type, g: g, index: e.Index, term: term, hash: h, crc: crc, data: e.Data})
		g.recs = append(g.recs, rec{term: term, hash: h, seq: seq, size: uint32(len(e.Data))})
	}
	return g.lastSeq
}

// cut takes the entries at and above index out of the group's log, for what will be staged as seq. Those planned count until
// that is planned; those not planned never will be, and Durable waits for seq instead of them.
func (s *Store) cut(g *group, index uint64, seq Seq) {
	from := Seq(0)
	for i := index; i <= g.last(); i++ {
		r := g.rec(i)
		if r.lap == 0 {
			if from == 0 || r.seq < from {
				from = r.seq
			}
			continue
		}
		if !r.going {
			s.ring.unkeep(g, r)
		}
		g.haunt(r.lap)
		if g.cutAt == 0 || index < g.cutAt {
			g.cutAt = index
		}
	}
	if from != 0 {
		s.holds = append(s.holds, hold{from: from, until: seq})
	}
	s.unfill(g, index, g.last(), seq)
	g.holes = g.holes[:g.searchHole(index)]
	g.recs = g.recs[:index-g.base-1]
}

// Install stages a mark that a snapshot brought: the group's log restarts behind m.Index (S11). Its segments already reach
// to m.LogEnd, by [Store.Transfer]. States staged before are durable with it or earlier.
func (s *Store) Install(group uint64, m Mark) Seq {
	g := s.alive(group)
	if err := m.check(); err != nil || m.Index < g.mark.Index || g.flushing || g.segs.end() < m.LogEnd {
		panic(fmt.Sprintf("invariant L7: group %d: install of a mark at %d, log end %d, over one at %d, segments to %d, flushing %t: %v",
			group, m.Index, m.LogEnd, g.mark.Index, g.segs.end(), g.flushing, err))
	}
	if p := g.segs; m.LogEnd == p.stable && m.BatchHash == p.synced {
		p.opened = nil
		s.queueIndexes(g)
	}
	s.cut(g, g.base+1, s.seq+1)
	g.cutAt = 0
	g.mark, g.base, g.marked, g.markSeq = m, m.Index, m.Index, 0
	s.recost(g)
	if g.created && s.holdQueued(g, s.seq+1) { // the install overtakes what is queued, so the state must go with it
		s.seq++
		g.stateFrom = s.seq
		it := stateItem(g, g.state)
		it.seq = s.seq
		s.urgent.push(it)
	}
	return s.said(markItem(kindInstall, g, m))
}

// stageMark stages the mark of a flush whose segments are synced (L7).
func (s *Store) stageMark(g *group, m Mark) {
	if m.LogEnd > g.segs.end() {
		panic(fmt.Sprintf("invariant L7: group %d: mark at %d says log end %d, synced segments end at %d", g.id, m.Index, m.LogEnd, g.segs.end()))
	}
	g.mark = m
	s.recost(g)
	for ; g.marked < m.Index; g.marked++ {
		if r := g.rec(g.marked + 1); r.lap != 0 && !r.going {
			s.ring.unkeep(g, r)
			r.going = true
		}
	}
	over := s.unfill(g, g.base+1, m.Index, s.seq+1)
	if g.markAwaited && g.markSeq > s.durable {
		s.holds = append(s.holds, hold{from: g.markSeq, until: s.seq + 1}) // it may be void now, and somebody waits for it
		over = true
	}
	g.markAwaited = over
	g.holes = g.holes[g.searchHole(m.Index+1):]
	g.markSeq = s.stage(markItem(kindMark, g, m))
}

// Copy stages copies of those of the entries that live in the WAL file to become free; it leaves out others. They must be
// the group's own as staged, and never cut anything (L8, S10). Data is nil where the entry is a hole, which is written anew as
// one (S5a). It returns 0 if nothing was left to copy; no response waits for a copy, so [Store.Staged] doesn't speak of it.
func (s *Store) Copy(group uint64, es []Entry) Seq {
	g := s.alive(group)
	var seq Seq
	for i := range es {
		e := &es[i]
		r := g.rec(e.Index)
		if r == nil || r.going || r.lap != s.ring.tail || r.lap == s.ring.lap {
			continue
		}
		it := item{kind: kindCopy, typ: e.Type, g: g, index: e.Index, term: e.Term, hash: r.hash, data: e.Data, of: r.seq}
		it.crc = crc32.Checksum(e.Data, castagnoli)
		size := uint32(len(e.Data))
		if hole := g.hole(e.Index); hole != nil {
			it.kind, it.data, it.crc, it.lost, size = kindLost, nil, hole.CRC, hole.Size, hole.Size
		}
		_, before := g.before(e.Index - 1)
		if h := hashEntryCRC(before, *e, size, it.crc); r.term != e.Term || r.hash != h {
			panic(fmt.Sprintf("invariant L8: group %d: copy of index %d term %d hash %016x, the log has term %d hash %016x",
				group, e.Index, e.Term, h, r.term, r.hash))
		}
		s.ring.unkeep(g, r)
		r.going = true
		seq = s.stage(it)
	}
	return seq
}
