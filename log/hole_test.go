package log

import (
	"errors"
	"fmt"
	"slices"
	"testing"
)

// holed returns a store whose group 9 has 8 entries, of which indexes 2, 3 and 6 are holes, and the entries.
func holed(t *testing.T, opt Options) (*rig, []Entry) {
	t.Helper()
	r := newRig(t, opt)
	r.s.Create(1, nil, Mark{})
	r.s.Create(9, nil, Mark{})
	r.s.SetState(9, State{Term: 1, Vote: 4})
	es := entries(1, 1, 8, 1008)
	r.idle(t)
	r.s.Append(9, es)
	r.idle(t)
	r.s.Seal()
	r.idle(t)
	_, v := r.scan(t)
	for _, l := range v.chain {
		at := l.dir().sum.dirLen()
		for _, h := range l.dir().records {
			if h.group == 9 && h.kind == kindEntry && (h.index == 2 || h.index == 3 || h.index == 6) {
				i := (l.start + int(at+500)/sectorPayload) * sectorSize // in its middle
				r.fs.nodes[walName(0)].now[i] ^= 1
				r.fs.nodes[walName(0)].disk[i] ^= 1
			}
			if !h.kind.inline() {
				at += int64(h.length)
			}
		}
	}
	r.open(t)
	var is []uint64
	for _, h := range r.s.Holes(9) {
		is = append(is, h.Index)
	}
	if !slices.Equal(is, []uint64{2, 3, 6}) {
		t.Fatalf("holes at %v", is)
	}
	return r, es
}

// known returns a group's entries as a replica has them: without bytes where they are lost.
func known(s *Store, group uint64, es []Entry) []Entry {
	es = slices.Clone(es)
	for _, h := range s.Holes(group) {
		es[h.Index-1].Data = nil
	}
	return es
}

// TestHolesGoRound: the entries of a group that can't commit are copied from file to file, holes as holes; a hole is filled
// at any time, and whatever instant the power goes, nothing else changes.
func TestHolesGoRound(t *testing.T) {
	opt := testOpt
	opt.GroupBytes = 8 << 10
	r, es := holed(t, opt)
	want := 3
	check := func() {
		after := &rig{fs: r.fs.losePower(func() bool { return false }), opt: opt}
		after.open(t)
		g := after.rec.Groups[1]
		if len(g.Entries) != len(es) || g.State.Vote != 4 || len(g.Holes) > 3 || len(g.Holes) < want {
			t.Fatalf("recovered %d holes, expected %d or somewhat more, of\n%s", len(g.Holes), want, after.rec.show())
		}
		for i, e := range g.Entries {
			lost := after.s.groups[9].hole(e.Index) != nil
			if lost != (e.Data == nil) || !lost && string(e.Data) != string(es[i].Data) {
				t.Fatalf("index %d: lost %t, %d bytes", e.Index, lost, len(e.Data))
			}
		}
	}
	index, copies := uint64(0), 0
	for i := range 400 {
		if i == 150 || i == 300 {
			want--
			h := r.s.Holes(9)[0]
			if _, err := r.s.Fill(9, es[h.Index-1]); err != nil {
				t.Fatal(err)
			}
			check()
		}
		r.s.Append(1, entries(index+1, 1, 2, 700))
		r.idle(t)
		for _, hold := range r.s.Reclaim() {
			if hold.Group == 1 {
				h, _ := r.s.EntryHash(1, hold.Last)
				r.s.Flush(1, nil, Mark{Index: hold.Last, Term: 1, EntryHash: h})
			} else if hold.Copy {
				r.s.Copy(9, known(r.s, 9, es))
				for r.step(t, LaneWAL) {
					check()
				}
				copies++
			}
		}
		r.idle(t)
		if index += 2; r.s.Durable() != r.s.seq {
			t.Fatalf("durable %d, expected %d; blocked %t", r.s.Durable(), r.s.seq, r.s.Blocked())
		}
		if i == 200 {
			r.open(t)
		}
	}
	check()
	if laps := r.s.ring.lap - 2; laps < 5 || copies < 5 || want != 1 {
		t.Fatalf("only %d rolls, %d copies", laps, copies)
	}
}

// TestFillChecks: only the bytes that were lost are taken.
func TestFillChecks(t *testing.T) {
	r, es := holed(t, testOpt)
	for what, change := range map[string]func(e *Entry){
		"a byte": func(e *Entry) { e.Data[5] ^= 1 }, "the length": func(e *Entry) { e.Data = e.Data[1:] }, "the term": func(e *Entry) { e.Term++ },
		"the type": func(e *Entry) { e.Type = EntryConf },
	} {
		e := es[1]
		e.Data = slices.Clone(e.Data)
		change(&e)
		if _, err := r.s.Fill(9, e); !errors.Is(err, ErrMisfit) {
			t.Errorf("with %s changed: %v", what, err)
		}
	}
	for _, i := range []uint64{1, 7, 9, 100} {
		if _, err := r.s.Fill(9, Entry{Index: i}); !errors.Is(err, ErrNoHole) {
			t.Errorf("index %d: %v", i, err)
		}
	}
	if len(r.s.Holes(9)) != 3 || r.s.Staged(9) != 0 {
		t.Fatal("something was taken")
	}
	seq, err := r.s.Fill(9, es[1])
	if err != nil || len(r.s.Holes(9)) != 2 || r.s.Staged(9) != seq || r.s.Durable() >= seq {
		t.Fatalf("%v, durable %d", err, r.s.Durable())
	}
	if _, err := r.s.Fill(9, es[1]); !errors.Is(err, ErrNoHole) {
		t.Fatal(err)
	}
}

// TestHolesGoAway: an append, an install, a mark over it and the group's end take a hole away; a flush never goes past one.
func TestHolesGoAway(t *testing.T) {
	for what, c := range map[string]struct {
		do   func(s *Store)
		want []uint64
	}{
		"append":  {func(s *Store) { s.SetState(9, State{Term: 2}); s.Append(9, entries(3, 2, 1, 10)) }, []uint64{2}},
		"install": {func(s *Store) { s.Install(9, Mark{Index: 20, Term: 1, EntryHash: 5}) }, nil},
		"drop":    {func(s *Store) { s.Drop(9) }, nil},
		"supersede": {func(s *Store) {
			h, _ := s.EntryHash(9, 3)
			s.Supersede(9, Mark{Index: 3, Term: 1, EntryHash: h})
		}, []uint64{6}},
		"flush below": {func(s *Store) {
			h, _ := s.EntryHash(9, 1)
			s.Flush(9, nil, Mark{Index: 1, Term: 1, EntryHash: h})
			mustPanic(t, "invariant L12", func() {
				h, _ := s.EntryHash(9, 2)
				s.Flush(9, nil, Mark{Index: 2, Term: 1, EntryHash: h})
			})
		}, []uint64{2, 3, 6}},
	} {
		r, _ := holed(t, testOpt)
		c.do(r.s)
		for range 2 { // staged, and after a restart
			var is []uint64
			for _, h := range r.s.Holes(9) {
				is = append(is, h.Index)
			}
			if !slices.Equal(is, c.want) {
				t.Errorf("%s: holes at %v, expected %v", what, is, c.want)
			}
			r.idle(t)
			r.open(t)
		}
	}
	r, _ := holed(t, testOpt)
	mustPanic(t, "invariant L9", func() { r.s.Supersede(9, Mark{Index: 3, Term: 1, EntryHash: 1}) })
}

// TestDurableWaitsForFill: what a mark, an append or another mark makes needless counts as durable only with that.
func TestDurableWaitsForFill(t *testing.T) {
	for what, later := range map[string]func(s *Store){
		"mark": func(s *Store) {
			h, _ := s.EntryHash(9, 3)
			s.Supersede(9, Mark{Index: 3, Term: 1, EntryHash: h})
		},
		"append":  func(s *Store) { s.Append(9, entries(2, 1, 1, 10)) },
		"install": func(s *Store) { s.Install(9, Mark{Index: 20, Term: 1, EntryHash: 5}) },
		"two marks": func(s *Store) {
			for _, i := range []uint64{3, 4} {
				h, _ := s.EntryHash(9, i)
				s.Supersede(9, Mark{Index: i, Term: 1, EntryHash: h})
			}
		},
	} {
		r, es := holed(t, testOpt)
		r.s.Append(1, entries(1, 1, 1, 3000))
		p, _ := r.s.Plan(LaneWAL) // out, while the rest is staged
		fill, err := r.s.Fill(9, es[1])
		if err != nil {
			t.Fatal(err)
		}
		later(r.s)
		for range 4 {
			d := NewRunner(r.fs).Run(p)
			if err := r.s.Done(d); err != nil {
				t.Fatal(err)
			}
			after := &rig{fs: r.fs.losePower(func() bool { return false }), opt: r.opt}
			after.open(t)
			if is := after.s.Holes(9); r.s.Durable() >= fill && len(is) > 0 && is[0].Index == 2 {
				t.Fatalf("%s: durable %d, but %+v is a hole", what, r.s.Durable(), is[0])
			}
			var ok bool
			if p, ok = r.s.Plan(LaneWAL); !ok {
				break
			}
		}
		if r.s.Durable() != r.s.seq {
			t.Fatalf("%s: durable %d of %d", what, r.s.Durable(), r.s.seq)
		}
	}
}

// TestFillWithoutRoom: a WAL full of entries behind a hole takes no fill; but with the bytes in memory the log can be flushed,
// and then everything goes on.
func TestFillWithoutRoom(t *testing.T) {
	for files := 2; files < 5; files++ {
		for _, group := range []int{2, 4, 16} {
			opt := testOpt
			opt.WALFiles, opt.GroupBytes = files, group*BlockSize
			fillWithoutRoom(t, opt)
		}
	}
}

func fillWithoutRoom(t *testing.T, opt Options) {
	r, es := holed(t, opt)
	last := uint64(8)
	for range 300 {
		more := entries(last+1, 1, 2, 1500)
		r.s.Append(9, more)
		es = append(es, more...)
		last += 2
		r.idle(t)
		if r.s.Blocked() {
			break
		}
	}
	if !r.s.Blocked() {
		t.Fatal("it never fills")
	}
	index := uint64(0)
	for i := range 60 { // another group goes on, and the copies go round as long as there is room
		r.s.Append(1, entries(index+1, 1, 1, 1500))
		index++
		r.idle(t)
		r.reclaim(known(r.s, 9, es), 0)
		r.idle(t)
		if i%20 == 7 {
			r.open(t)
			index = r.rec.Groups[0].Mark.Index + uint64(len(r.rec.Groups[0].Entries))
			last = r.rec.Groups[1].Mark.Index + uint64(len(r.rec.Groups[1].Entries))
			es = es[:last]
		}
	}
	for _, h := range r.s.Holes(9) {
		if _, err := r.s.Fill(9, es[h.Index-1]); err != nil {
			t.Fatal(err)
		}
	}
	r.idle(t)
	for range 20 {
		if r.s.Durable() == r.s.seq {
			break
		}
		r.reclaim(es, 9)
		r.idle(t)
	}
	if r.s.Durable() != r.s.seq {
		t.Fatalf("durable %d of %d: %+v", r.s.Durable(), r.s.seq, r.s.Sizes())
	}
	r.open(t)
	if g := r.rec.Groups[1]; g.Mark.Index+uint64(len(g.Entries)) != last || len(g.Holes) > 0 {
		t.Fatal(fmt.Sprint(g.Holes), r.rec.show())
	}
}

// reclaim flushes group 1, and copies or flushes group 9, as the ring needs it.
func (r *rig) reclaim(es []Entry, flush uint64) {
	for _, h := range r.s.Reclaim() {
		if h.Group == 9 && flush != 9 {
			if h.Copy {
				r.s.Copy(9, es)
			}
			continue
		}
		to := h.Last
		for e := r.s.groups[h.Group].rec(to); e != nil && e.lap == 0; e = r.s.groups[h.Group].rec(to) {
			to--
		}
		if hash, ok := r.s.EntryHash(h.Group, to); ok && !r.s.Flushing(h.Group) {
			r.s.Flush(h.Group, nil, Mark{Index: to, Term: 1, EntryHash: hash})
		}
	}
}

// TestFirstBytesCount: a copy that rots while what it was made of is still there makes no hole.
func TestFirstBytesCount(t *testing.T) {
	opt := testOpt
	opt.GroupBytes = 8 << 10
	r := newRig(t, opt)
	r.s.Create(1, nil, Mark{})
	r.s.Create(9, nil, Mark{})
	stuck := entries(1, 1, 6, 2500)
	r.s.Append(9, stuck)
	r.idle(t)
	index, found := uint64(0), 0
	for range 200 {
		r.s.Append(1, entries(index+1, 1, 2, 700))
		index += 2
		r.idle(t)
		r.reclaim(stuck, 0)
		for r.step(t, LaneWAL) {
			if name, at := r.doubled(t); at >= 0 {
				bad := &rig{fs: r.fs.clone(), opt: opt}
				bad.fs.nodes[name].now[at] ^= 1
				bad.open(t)
				if n := bad.rec.holes(); n > 0 || len(bad.rec.Damage) == 0 || bad.rec.Damage[0].Fate != FateSuperseded {
					t.Fatalf("%d holes, damage %v", n, bad.rec.Damage)
				}
				found++
			}
		}
		r.idle(t)
	}
	if found < 3 {
		t.Fatalf("only %d copies beside what they were made of", found)
	}
}

// doubled finds a byte of a copy whose first bytes still count.
func (r *rig) doubled(t *testing.T) (name string, at int) {
	w, v := r.scan(t)
	defer w.close()
	seen := map[uint64]bool{}
	for _, l := range v.chain {
		off := l.dir().sum.dirLen()
		for _, h := range l.dir().records {
			if h.group == 9 && h.kind == kindCopy && seen[h.index] && l != v.last() {
				return walName(l.slot), (l.start + int(off+1200)/sectorPayload) * sectorSize
			}
			if h.kind == kindEntry || h.kind == kindCopy {
				seen[h.index] = seen[h.index] || h.group == 9
			}
			if !h.kind.inline() {
				off += int64(h.length)
			}
		}
	}
	return "", -1
}
