package log

import (
	"bytes"

	"pgregory.net/rapid"
)

// Check is run by rapid after each action.
func (m *model) Check(t *rapid.T) {}

// compare judges what was recovered against what was staged and what was durable.
func (m *model) compare(t rapid.TB, old *Store) {
	t.Helper()
	durable := old.Durable()
	found := map[uint64]*Group{}
	for i := range m.rec.Groups {
		found[m.rec.Groups[i].ID] = &m.rec.Groups[i]
	}
	for _, id := range m.ids {
		g := m.groups[id]
		is := found[id]
		delete(found, id)
		switch {
		case is == nil && g.created <= durable && !g.unwanted:
			t.Fatalf("group %d is lost, it was durable", id)
		case is == nil:
		case is.Dropped && g.dropped == 0:
			t.Fatalf("group %d is dropped by itself", id)
		case is.Dropped:
			if names, err := m.fs.List(segDir(id)); err == nil {
				t.Fatalf("group %d was dropped, its segments %q stay", id, names)
			}
		case g.dropped != 0 && g.dropped <= durable:
			t.Fatalf("group %d is back, its end was durable", id)
		default:
			m.compareLog(t, g, is, durable, old.Flushed(id))
			m.compareState(t, g, is, durable)
			m.compareSegments(t, g, is)
		}
	}
	if len(found) > 0 {
		t.Fatalf("groups from nowhere: %v", found)
	}
}

// compareLog: what is recovered is a log that was staged at or after the durable one, or the beginning of such a log; and no
// durable entry is missing that nothing staged since has cut.
func (m *model) compareLog(t rapid.TB, g *modelGroup, is *Group, durable Seq, flushed Mark) {
	t.Helper()
	last, hash, term := is.Mark.Index, is.Mark.EntryHash, is.Mark.Term
	for _, e := range is.Entries {
		hash = HashEntry(hash, e)
		if e.Index != last+1 || e.Term < term || !bytes.Equal(e.Data, g.known[hash].Data) {
			t.Fatalf("group %d: index %d term %d after %d/%d, %d bytes", g.id, e.Index, e.Term, last, term, len(e.Data))
		}
		last, term = e.Index, e.Term
	}
	if term > is.State.Term {
		t.Fatalf("group %d: the log is of term %d, the state of %d", g.id, term, is.State.Term)
	}
	from := 0
	for i, v := range g.versions {
		if v.seq <= durable {
			from = i
		}
	}
	d := &g.versions[from]
	matched, least, epoch := -1, d.last(), d.epoch
	for i := from; i < len(g.versions); i++ {
		v := &g.versions[i]
		if v.epoch != epoch {
			if matched >= 0 {
				break
			}
			least, epoch = v.mark.Index, v.epoch
		}
		// how much of d, or of the installed log, is left in v
		for least > 0 && d.epoch == v.epoch {
			a, ok := d.at(least)
			b, ok2 := v.at(least)
			if !ok || ok2 && a.hash == b.hash {
				break
			}
			least--
		}
		if e, ok := v.at(last); ok && e.hash == hash && matched < 0 {
			matched = i
		}
	}
	if matched < 0 {
		t.Fatalf("group %d: recovered to %d hash %016x, which is no log staged since position %d; recovered\n%s", g.id, last, hash, durable, m.rec.show())
	}
	if m := g.versions[matched]; m.epoch == d.epoch && last < least {
		t.Fatalf("group %d: recovered to %d, durable to %d and not cut since", g.id, last, least)
	}
	if is.Mark.Index < flushed.Index || is.Mark.LogEnd < flushed.LogEnd {
		t.Fatalf("group %d: mark is %d, %d was durable", g.id, is.Mark.Index, flushed.Index)
	}
	for i := len(g.marks) - 1; ; i-- {
		if i < 0 {
			t.Fatalf("group %d: mark %+v was never staged", g.id, is.Mark)
		}
		if a := g.marks[i]; a.Index == is.Mark.Index && a.Term == is.Mark.Term && a.EntryHash == is.Mark.EntryHash && a.LogStart == is.Mark.LogStart &&
			a.LogEnd == is.Mark.LogEnd && a.BatchHash == is.Mark.BatchHash && bytes.Equal(a.App, is.Mark.App) && bytes.Equal(a.Conf, is.Mark.Conf) {
			break
		}
	}
}

// compareState: terms and votes are those staged, and none older than the durable one.
func (m *model) compareState(t rapid.TB, g *modelGroup, is *Group, durable Seq) {
	t.Helper()
	from := 0
	for i, s := range g.states {
		if s.seq <= durable {
			from = i
		}
	}
	for _, s := range g.states[from:] {
		if s.st.Term == is.State.Term && s.st.Vote == is.State.Vote {
			return
		}
	}
	t.Fatalf("group %d: state is %+v, durable was %+v", g.id, is.State, g.states[from].st)
}

// compareSegments: all committed batches from the mark's log start to its log end are there, byte for byte.
func (m *model) compareSegments(t rapid.TB, g *modelGroup, is *Group) {
	t.Helper()
	end := m.s.SegmentEnd(g.id)
	if end < is.Mark.LogEnd || end != is.SegmentEnd || len(is.SegmentDamage) > 0 {
		t.Fatalf("group %d: segments end at %d, said to be %d, the mark says %d; damage %q", g.id, end, is.SegmentEnd, is.Mark.LogEnd, is.SegmentDamage)
	}
	run := NewRunner(m.fs)
	hash := is.Mark.BatchHash
	for at := is.Mark.LogStart; at < end; {
		rd, ok := m.s.Find(g.id, at, 0)
		if !ok {
			t.Fatalf("group %d: offset %d is not found, log is %d to %d", g.id, at, is.Mark.LogStart, is.Mark.LogEnd)
		}
		b, next, err := CutBatches(run.Read(rd).Data, at, 0, true)
		if err != nil || next <= at {
			t.Fatalf("group %d: read of offset %d to %d: %v", g.id, at, next, err)
		}
		h, _, _ := ParseBatch(b)
		if want := g.batches[h.BaseOffset]; !bytes.Equal(b, want) {
			t.Fatalf("group %d: batch at offset %d differs", g.id, h.BaseOffset)
		}
		if at >= is.Mark.LogEnd {
			hash = HashBatch(hash, b)
		}
		at = next
	}
	if hash != is.SegmentHash {
		t.Fatalf("group %d: running hash at offset %d is %016x, said to be %016x", g.id, end, hash, is.SegmentHash)
	}
}

// adopt makes the model what was recovered.
func (m *model) adopt() {
	var ids []uint64
	for _, is := range m.rec.Groups {
		g := m.groups[is.ID]
		ids = append(ids, is.ID)
		g.created, g.dropped, g.unwanted = 0, 0, g.unwanted && is.Dropped
		clear(g.fills)
		if is.Dropped {
			g.dropped = 1
			continue
		}
		v := version{mark: is.Mark}
		h := is.Mark.EntryHash
		for _, e := range is.Entries {
			h = HashEntry(h, e)
			v.log = append(v.log, g.known[h])
		}
		g.versions = []version{v}
		g.states = []stateAt{{st: is.State}}
		g.marks = []Mark{is.Mark}
		g.commit = is.Mark.Index
		for at := range g.batches {
			if at >= is.SegmentEnd {
				delete(g.batches, at)
			}
		}
	}
	m.ids = ids
}
