package log

import (
	"errors"
	"fmt"
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

// Holes returns the entries of a group whose bytes are lost, in order of index. A staged append or install that cuts them, a
// mark over them, the group's end and [Store.Fill] take them away.
func (s *Store) Holes(group uint64) []Hole { return s.group(group).holes }

// Fill gives a hole its bytes, as a peer has them: they are taken if and only if size, CRC and running hash fit (S5a). The
// hole is gone at once; at the Seq returned it is so durably. The error wraps [ErrNoHole] or [ErrMisfit].
func (s *Store) Fill(group uint64, e Entry) (Seq, error) {
	panic(fmt.Sprintf("log: fill of group %d index %d: not built yet", group, e.Index))
}

// Supersede stages a mark that a snapshot brought, at an index of our own log that has its term and running hash: what is
// under it goes, holes too, and what is above it stays. Its segments already reach to m.LogEnd, by [Store.Transfer].
func (s *Store) Supersede(group uint64, m Mark) Seq {
	panic(fmt.Sprintf("log: mark of group %d index %d over holes: not built yet", group, m.Index))
}
