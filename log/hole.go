package log

import (
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"sort"
)

// ErrVotesLost is wrapped, together with [ErrDamaged], when what was damaged may have held a group's latest vote or term:
// the directory must not speak under its incarnation again, see [SetAside] (S5, S6).
var ErrVotesLost = fmt.Errorf("%w: a vote may be lost", ErrDamaged)

var (
	// ErrNoHole is wrapped when bytes are given for an entry that is no hole.
	ErrNoHole = errors.New("no hole there")
	// ErrMisfit is wrapped when bytes are not those that a hole lost.
	ErrMisfit = errors.New("not the bytes that were lost")
)

// Hole is an entry whose bytes are lost and whose identity is known (S5a).
type Hole struct {
	Index, Term  uint64
	Type         EntryType
	Size         uint32 // bytes of Data
	CRC          uint32 // CRC-32C of Data
	Before, Hash uint64 // running hashes before and after it
}

// Fate is what became of a piece of damage.
type Fate uint8

const (
	// FateHealed: all bytes are known, and were written anew.
	FateHealed Fate = iota + 1
	// FateHole: an entry's bytes are lost, see [Group].Holes.
	FateHole
	// FateSuperseded: an entry's bytes are lost that a later record gives again, or makes needless.
	FateSuperseded
)

func (f Fate) String() string { return [...]string{"?", "healed", "hole", "superseded"}[f] }

// Damage is one piece of the WAL that wasn't as it was written.
type Damage struct {
	File       string
	Byte       int64
	WriteGroup uint64 // 0 if it is of none
	Group      uint64 // raft group of the entry that it hit, 0 if it hit none
	Index      uint64 // of that entry
	Expected   string
	Found      string
	Fate       Fate
}

func (d Damage) String() string {
	s := fmt.Sprintf("%s byte %d:", d.File, d.Byte)
	if d.WriteGroup > 0 {
		s += fmt.Sprintf(" write group %d:", d.WriteGroup)
	}
	if d.Index > 0 {
		s += fmt.Sprintf(" group %d index %d:", d.Group, d.Index)
	}
	s += fmt.Sprintf(" expected %s, found %s", d.Expected, d.Found)
	if d.Fate > 0 {
		s += ": " + d.Fate.String()
	}
	return s
}

// fill is a copy that gives a hole its bytes, and waits for its write group. Unlike other copies it is no urgent record: it
// waits for room like an append, for the reserve is not made for it (L11), and until it is planned the entry is kept where it
// is, as a lost one.
type fill struct {
	index uint64
	seq   Seq
}

// searchHole returns the place of the first hole at or above index.
func (g *group) searchHole(index uint64) int {
	return sort.Search(len(g.holes), func(i int) bool { return g.holes[i].Index >= index })
}

// hole returns the one at index, nil if there is none.
func (g *group) hole(index uint64) *Hole {
	if i := g.searchHole(index); i < len(g.holes) && g.holes[i].Index == index {
		return &g.holes[i]
	}
	return nil
}

// fillAt returns the place of a fill, -1 if it is planned or void.
func (g *group) fillAt(seq Seq) int {
	return slices.IndexFunc(g.fills, func(f fill) bool { return f.seq == seq })
}

// unfill makes void the fills of the indexes from to to: what is staged as until stands for them. It says whether there were
// any.
func (s *Store) unfill(g *group, from, to uint64, until Seq) bool {
	n := len(g.fills)
	g.fills = slices.DeleteFunc(g.fills, func(f fill) bool {
		if f.index < from || f.index > to {
			return false
		}
		s.holds = append(s.holds, hold{from: f.seq, until: until})
		return true
	})
	return len(g.fills) < n
}

// Holes returns the entries of a group whose bytes are lost, in order of index. A staged append or install that cuts them, a
// mark over them, the group's end and [Store.Fill] take them away.
func (s *Store) Holes(group uint64) []Hole { return slices.Clone(s.group(group).holes) }

// Lost returns how many [Store.Holes] and [Store.SegmentHoles] a group has.
func (s *Store) Lost(group uint64) (entries, ranges int) {
	g := s.group(group)
	for _, sp := range g.segs.spans {
		for i := range sp.pieces {
			if sp.pieces[i].state == lost {
				ranges++
			}
		}
	}
	return len(g.holes), ranges
}

// Fill gives a hole its bytes, as a peer has them: they are taken if and only if size, CRC and running hash fit (S5a). The
// hole is gone at once; at the Seq returned it is so durably. The error wraps [ErrNoHole] or [ErrMisfit].
func (s *Store) Fill(group uint64, e Entry) (Seq, error) {
	g := s.alive(group)
	h := g.hole(e.Index)
	if h == nil {
		return 0, fmt.Errorf("group %d index %d: %w", group, e.Index, ErrNoHole)
	}
	crc := crc32.Checksum(e.Data, castagnoli)
	hash := hashEntryCRC(h.Before, e, uint32(len(e.Data)), crc)
	if len(e.Data) != int(h.Size) || crc != h.CRC || e.Term != h.Term || hash != h.Hash {
		return 0, fmt.Errorf("group %d index %d: %w: expected term %d, %d bytes, crc %08x, hash %016x; got term %d, %d bytes, crc %08x, hash %016x",
			group, e.Index, ErrMisfit, h.Term, h.Size, h.CRC, h.Hash, e.Term, len(e.Data), crc, hash)
	}
	at := g.searchHole(e.Index)
	g.holes = slices.Delete(g.holes, at, at+1)
	g.fills = append(g.fills, fill{index: e.Index, seq: s.seq + 1})
	return s.said(item{kind: kindCopy, typ: e.Type, g: g, index: e.Index, term: e.Term, hash: hash, crc: crc, data: e.Data,
		of: g.rec(e.Index).seq, fill: true}), nil
}

// Supersede stages a mark that a snapshot brought, at a durable index of our own log that has its term and running hash: what
// is under it goes, holes too, and what is above it stays. Its segments already reach to m.LogEnd, by [Store.Transfer].
func (s *Store) Supersede(group uint64, m Mark) Seq {
	g := s.alive(group)
	r := g.rec(m.Index)
	if r == nil || r.lap == 0 || r.term != m.Term || r.hash != m.EntryHash || g.flushing || m.LogStart < g.mark.LogStart || m.LogEnd < g.mark.LogEnd {
		panic(fmt.Sprintf("invariant L9: group %d: a mark at index %d term %d hash %016x log (%d, %d] over our own, flushing %t: the log is (%d, %d], the last mark's log (%d, %d]",
			group, m.Index, m.Term, m.EntryHash, m.LogStart, m.LogEnd, g.flushing, g.mark.Index, g.last(), g.mark.LogStart, g.mark.LogEnd))
	}
	if err := m.check(); err != nil {
		panic(fmt.Sprintf("invariant L10: group %d: %v", group, err))
	}
	g.trimTo = max(g.trimTo, m.LogStart) // files from before a reset may go once it is durable
	s.stageMark(g, m)
	g.markAwaited, g.lastSeq = true, g.markSeq
	return g.lastSeq
}
