package log

import (
	"fmt"
	"hash/crc32"
	"slices"
	"sort"
)

// replay is the state of all groups as write groups are gone through, oldest first.
type replay struct {
	groups map[uint64]*replayed
	ids    []uint64          // sorted at the end
	final  map[uint64]uint64 // by group: entries up to here are gone in the end, so their data need not be kept
}

// replayed is one group's part.
type replayed struct {
	id      uint64
	meta    []byte
	state   State
	mark    Mark
	dropped bool
	entries []replayedEntry // indexes rise; they are dense only at the end, for copies fill gaps
}

type replayedEntry struct {
	Entry
	hash      uint64
	size, crc uint32
	lost      bool // its bytes are
	lap       uint64
	number    uint64
}

// lostRecord is an entry or copy whose payload is bad.
type lostRecord struct {
	l      *loaded
	record int // its number in the write group
	h      header
	at     int64  // of its payload, in that of the write group
	found  string // what is wrong where all sectors are good: an earlier recovery has given the bytes up
}

// group takes the records of one write group, and returns those whose bytes are lost.
func (r *replay) group(l *loaded) ([]lostRecord, error) {
	var losses []lostRecord
	d := l.dir()
	in, at := int64(0), d.sum.dirLen()
	for i := range d.records {
		h := &d.records[i]
		var payload []byte
		lost := h.kind == kindLost
		if h.kind.inline() {
			payload = part(d.inline[in : in+int64(h.length)])
			in += int64(h.length)
		} else {
			payload = part(l.payload[at : at+int64(h.length)])
			loss := lostRecord{l: l, record: i, h: *h, at: at}
			bad := l.lost(at, int64(h.length))
			if crc := crc32.Checksum(payload, castagnoli); !bad && !lost && crc != h.crc {
				loss.found = fmt.Sprintf("crc %08x", crc)
				bad = true
			}
			if bad {
				losses, lost = append(losses, loss), true
			}
			at += int64(h.length)
		}
		if err := r.record(h, payload, lost, l.lap, l.number); err != nil {
			return nil, votesLost(Damage{File: walName(l.slot), Byte: int64(l.start) * sectorSize, WriteGroup: l.number, Group: h.group, Index: h.index,
				Expected: fmt.Sprintf("record %d to follow from those before", i), Found: fmt.Sprintf("%v: %v", h, err)})
		}
	}
	return losses, nil
}

// record takes one record, or says why it can't follow from those before it.
func (r *replay) record(h *header, payload []byte, lost bool, lap, number uint64) error {
	g := r.groups[h.group]
	if h.kind == kindDrop || h.kind == kindCreate {
		if g == nil {
			g = &replayed{id: h.group}
			r.groups[h.group] = g
			r.ids = append(r.ids, h.group)
		}
	}
	if g == nil {
		return fmt.Errorf("no record before it creates the group")
	}
	if h.kind == kindDrop {
		*g = replayed{id: g.id, dropped: true}
		return nil
	}
	if g.dropped {
		return fmt.Errorf("the group was dropped before")
	}
	switch h.kind {
	case kindEntry, kindCopy, kindLost:
		e := replayedEntry{Entry: Entry{Index: h.index, Term: h.term, Type: h.typ}, hash: h.hash, size: h.size(), crc: h.crc,
			lost: lost, lap: lap, number: number}
		if !lost && h.index > r.final[h.group] {
			e.Data = slices.Clone(payload) // which stays for this write group only
		}
		return g.entry(e, h.kind != kindEntry)
	case kindCut:
		g.entries = g.entries[:g.search(h.index)]
	case kindState:
		st := State{Term: h.term, Vote: h.hash, Commit: h.index}
		if st.Term < g.state.Term || st.Term == g.state.Term && g.state.Vote != 0 && st.Vote != g.state.Vote {
			return fmt.Errorf("state %+v after %+v", st, g.state)
		}
		g.state = st
	case kindMark, kindInstall:
		m, err := getMark(*h, payload)
		if err != nil {
			return err
		}
		return g.moveMark(m, h.kind == kindInstall)
	case kindCreate:
		meta, m, err := getCreate(*h, payload)
		if err != nil {
			return err
		}
		g.meta = meta
		return g.moveMark(m, false)
	default:
		return fmt.Errorf("its kind is unknown")
	}
	return nil
}

// search returns the place of the first entry at or above index.
func (g *replayed) search(index uint64) int {
	return sort.Search(len(g.entries), func(i int) bool { return g.entries[i].Index >= index })
}

// entry takes an entry: an appended one cuts those at and above it, a copied one cuts nothing (L8). A copy whose bytes are
// lost doesn't replace one that has them.
func (g *replayed) entry(e replayedEntry, copied bool) error {
	if e.Index <= g.mark.Index {
		return nil
	}
	at := g.search(e.Index)
	if !copied {
		g.entries = append(g.entries[:at], e)
		return nil
	}
	if at == len(g.entries) || g.entries[at].Index != e.Index {
		g.entries = slices.Insert(g.entries, at, e)
		return nil
	}
	if is := &g.entries[at]; is.hash != e.hash || is.Term != e.Term {
		return fmt.Errorf("a copy of term %d hash %016x, the entry has term %d hash %016x (L8)", e.Term, e.hash, is.Term, is.hash)
	}
	if !e.lost || g.entries[at].lost {
		g.entries[at] = e
	}
	return nil
}

// moveMark takes a mark, with which the entries under it go, or all of them.
func (g *replayed) moveMark(m Mark, all bool) error {
	if m.Index < g.mark.Index || m.Index == g.mark.Index && g.mark.Index > 0 && m.EntryHash != g.mark.EntryHash && !all {
		return fmt.Errorf("a mark at %d hash %016x after one at %d hash %016x", m.Index, m.EntryHash, g.mark.Index, g.mark.EntryHash)
	}
	if at := g.search(m.Index); !all && at < len(g.entries) && g.entries[at].Index == m.Index && g.entries[at].hash != m.EntryHash {
		return fmt.Errorf("a mark with hash %016x, the entry has %016x (G11)", m.EntryHash, g.entries[at].hash)
	}
	g.mark = m
	if all {
		g.entries = nil
	} else {
		g.entries = g.entries[g.search(m.Index+1):]
	}
	return nil
}

// group returns what a caller is told.
func (g *replayed) group() Group {
	out := Group{ID: g.id, Meta: g.meta, State: g.state, Mark: g.mark, Dropped: g.dropped}
	before := g.mark.EntryHash
	for i := range g.entries {
		e := &g.entries[i]
		if e.lost {
			out.Holes = append(out.Holes, Hole{Index: e.Index, Term: e.Term, Type: e.Type, Size: e.size, CRC: e.crc, Before: before, Hash: e.hash})
		}
		out.Entries = append(out.Entries, e.Entry)
		before = e.hash
	}
	return out
}

// finish checks that a group's entries are dense from its mark on, their terms never fall, and each running hash follows
// from the one before it (L9, S6). That takes no more than size and CRC of an entry's data, so it goes on over holes.
func (g *replayed) finish() error {
	index, term, h := g.mark.Index, g.mark.Term, g.mark.EntryHash
	for i := range g.entries {
		e := &g.entries[i]
		want := hashEntryCRC(h, e.Entry, e.size, e.crc)
		if e.Index != index+1 || e.Term < term || e.hash != want {
			return votesLost(Damage{File: walDir, WriteGroup: e.number, Group: g.id, Index: e.Index,
				Expected: fmt.Sprintf("index %d, term %d or higher, hash %016x", index+1, term, want), Found: fmt.Sprintf("term %d, hash %016x", e.Term, e.hash)})
		}
		index, term, h = e.Index, e.Term, e.hash
	}
	g.state.Commit = min(max(g.state.Commit, g.mark.Index), index)
	return nil
}
