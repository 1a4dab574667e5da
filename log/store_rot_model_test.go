package log

import (
	"errors"
	"slices"

	"pgregory.net/rapid"
)

// rotSome damages a few sectors of a disk that nobody uses: of what counts mostly. What only rots is never taken for a torn
// write; so the last write groups, whose lost writes can't be told from torn ones (S3), aren't made what they were before.
func (m *model) rotSome(t *rapid.T) {
	w, err := scanWAL(m.fs, testID, m.opt)
	if err != nil {
		t.Fatal(err)
	}
	v, err := w.judge()
	if err != nil {
		t.Fatal(err)
	}
	groups := v.chain
	if v.cut != nil {
		groups = append(slices.Clone(groups), v.cut)
	}
	for range rapid.IntRange(1, 3).Draw(t, "rots") {
		l := rapid.SampledFrom(groups).Draw(t, "write group")
		i := rapid.IntRange(l.start, l.end-1).Draw(t, "sector")
		if rapid.IntRange(0, 9).Draw(t, "anywhere") == 0 {
			i = rapid.IntRange(0, len(w.sectors[l.slot])-1).Draw(t, "sector")
		}
		way := rapid.SampledFrom([]string{"flip", "flip", "zero", "misdirect"}).Draw(t, "way")
		if l.number >= v.last().number || i >= v.last().start && l.slot == v.last().slot {
			way = "flip"
		}
		node := m.fs.nodes[walName(l.slot)]
		at := node.now[i*sectorSize : (i+1)*sectorSize]
		switch way {
		case "flip":
			at[rapid.IntRange(0, sectorSize-1).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		case "zero":
			clear(at)
		case "misdirect":
			copy(at, node.now[(i^1)*sectorSize:])
		}
		if len(node.disk) >= (i+1)*sectorSize {
			copy(node.disk[i*sectorSize:], at)
		}
	}
	m.count["rot"]++
}

// reopen opens the disk. If it may have lost a vote, the sound one is put back.
func (m *model) reopen(sound *memFS) error {
	err := m.tryOpen()
	if sound != nil && errors.Is(err, ErrVotesLost) {
		m.count["votes lost"]++
		m.fs = sound
		err = m.tryOpen()
	}
	return err
}

// fillIn gives what was recovered the bytes of its holes, after checking that they are of the right entries.
func (m *model) fillIn(t rapid.TB) {
	t.Helper()
	for i := range m.rec.Groups {
		is := &m.rec.Groups[i]
		g := m.groups[is.ID]
		for _, h := range is.Holes {
			e, ok := g.known[h.Hash]
			want := Hole{e.Index, e.Term, e.Type, uint32(len(e.Data)), checksum(e.Data), h.Before, e.hash}
			at := is.Entries[h.Index-is.Mark.Index-1]
			if !ok || h != want || at.Data != nil || at.Index != h.Index || at.Term != h.Term {
				t.Fatalf("group %d: hole %+v, expected %+v; entry %+v", is.ID, h, want, at)
			}
			is.Entries[h.Index-is.Mark.Index-1] = e.Entry
			m.count["hole"]++
		}
		if holes := m.s.Holes(is.ID); !slices.Equal(holes, is.Holes) {
			t.Fatalf("group %d: holes %+v, recovered %+v", is.ID, holes, is.Holes)
		}
	}
}

// Repair fills some holes, and tries bytes that don't fit first.
func (m *model) Repair(t *rapid.T) {
	g := m.some(t)
	for _, h := range m.s.Holes(g.id) {
		if rapid.IntRange(0, 3).Draw(t, "later") == 0 {
			continue
		}
		e := g.known[h.Hash].Entry
		bad := e
		bad.Data = append(slices.Clone(e.Data), 1)
		if _, err := m.s.Fill(g.id, bad); !errors.Is(err, ErrMisfit) {
			t.Fatalf("group %d: bytes that don't fit hole %+v: %v", g.id, h, err)
		}
		m.fillOne(t, g, h)
	}
}

func (m *model) fillOne(t rapid.TB, g *modelGroup, h Hole) {
	t.Helper()
	seq, err := m.s.Fill(g.id, g.known[h.Hash].Entry)
	if err != nil {
		t.Fatal(err)
	}
	g.fills[h.Index] = seq
	m.count["fill"]++
}

// repairAll fills every hole.
func (m *model) repairAll(t rapid.TB) {
	t.Helper()
	for _, id := range m.ids {
		if g := m.groups[id]; g.dropped == 0 {
			for _, h := range m.s.Holes(id) {
				m.fillOne(t, g, h)
			}
		}
	}
}

// whole is the highest index below which a group has no hole.
func (m *model) whole(g *modelGroup) uint64 {
	if holes := m.s.Holes(g.id); len(holes) > 0 {
		return holes[0].Index - 1
	}
	return g.now().last()
}

// compareFills: a hole that was filled durably is none again, unless its group's log was cut there since, or it rots again.
func (m *model) compareFills(t rapid.TB, g *modelGroup, is *Group, durable Seq) {
	t.Helper()
	for _, h := range is.Holes {
		if seq, ok := g.fills[h.Index]; ok && seq <= durable {
			t.Fatalf("group %d: index %d is a hole again, it was filled durably at %d", g.id, h.Index, seq)
		}
	}
}
