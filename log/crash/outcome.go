package crash

import (
	"errors"
	"fmt"

	"logd/log"
	"logd/log/memfs"
)

// outcome is what a recovery found, small enough to be kept for each that differs.
type outcome struct {
	failed string // "" or why the store didn't open
	panics bool
	damage string // what recovery, or the store, says is damaged
	votes  bool   // it didn't open, because a vote may be lost
	groups []found
	start  uint64 // of a directory: its generation
	aside  int    // and how many folders of earlier incarnations it has
	sum    uint64 // of everything
	same   uint64 // of all that another recovery must give too
}

// found is one group of an outcome.
type found struct {
	id      uint64
	dropped bool
	left    bool // of a dropped one: its segments' directory is there
	state   log.State
	mark    log.Mark
	last    uint64 // index, term and running hash at the log's end, computed from the entries' bytes
	term    uint64
	hash    uint64
	uneven  string // what is wrong with the log or the segments, by themselves
	segEnd  int64
	batches []served
	holes   []uint64    // running hashes of entries whose bytes are lost; of a directory: the generations that it remembers
	lost    []log.Range // of segments
}

// served is a batch that the store can read: its offsets, and the sum of its bytes.
type served struct {
	base, next int64
	sum        uint64
}

// open recovers a disk, and reads all that the store then has.
func open(fs *memfs.FS, opt log.Options) (s *log.Store, rec *log.Recovered, o *outcome) {
	o = &outcome{}
	defer func() {
		if p := recover(); p != nil {
			*o = outcome{failed: fmt.Sprint(p), panics: true}
		}
		o.fold()
	}()
	var err error
	if s, rec, err = log.Open(fs, identity, opt); err != nil {
		o.failed, o.votes = err.Error(), errors.Is(err, log.ErrVotesLost)
		return nil, nil, o
	}
	for _, d := range rec.Damage {
		o.damage += d.String() + "\n"
	}
	run := log.NewRunner(fs)
	for i := range rec.Groups {
		o.damage += damage(s, &rec.Groups[i])
		o.groups = append(o.groups, look(fs, s, run, &rec.Groups[i]))
	}
	return s, rec, o
}

// damage names what of one group is lost, as a store says when it opens.
func damage(s *log.Store, g *log.Group) (text string) {
	if g.Dropped {
		return ""
	}
	for _, h := range g.Holes {
		text += fmt.Sprintf("group %d index %d is a hole\n", g.ID, h.Index)
	}
	for _, d := range g.SegmentDamage {
		text += fmt.Sprintf("group %d %s\n", g.ID, d)
	}
	if holes := s.SegmentHoles(g.ID); len(holes) > 0 {
		text += fmt.Sprintf("group %d has holes in its segments: %v\n", g.ID, holes)
	}
	return text
}

// look takes what is to be compared of one group.
func look(fs *memfs.FS, s *log.Store, run *log.Runner, g *log.Group) found {
	f := found{id: g.ID, dropped: g.Dropped, state: g.State, mark: g.Mark}
	if g.Dropped {
		_, err := fs.List(fmt.Sprintf("seg/%020d", g.ID))
		f.left = err == nil
		return f
	}
	f.mark.App, f.mark.Conf = copied(g.Mark.App), copied(g.Mark.Conf)
	f.last, f.term, f.hash = g.Mark.Index, g.Mark.Term, g.Mark.EntryHash
	for i := range g.Entries {
		e := &g.Entries[i]
		if e.Index != f.last+1 || e.Term < f.term {
			f.uneven = fmt.Sprintf("index %d term %d follows index %d term %d", e.Index, e.Term, f.last, f.term)
		}
		hash := log.HashEntry(f.hash, *e)
		if k := len(f.holes); k < len(g.Holes) && g.Holes[k].Index == e.Index {
			if h := g.Holes[k]; h.Before != f.hash || h.Term != e.Term || e.Data != nil {
				f.uneven = fmt.Sprintf("index %d term %d behind hash %016x is said to be a hole of term %d behind hash %016x", e.Index, e.Term, f.hash, h.Term, h.Before)
			}
			hash = g.Holes[k].Hash
			f.holes = append(f.holes, hash)
		}
		f.last, f.term, f.hash = e.Index, e.Term, hash
	}
	f.segEnd = s.SegmentEnd(g.ID)
	for at := g.Mark.LogStart; at < f.segEnd && f.uneven == ""; {
		at = f.serve(s, run, at)
	}
	return f
}

// serve reads the batch that contains an offset, as a consumer would, and returns the offset after it.
func (f *found) serve(s *log.Store, run *log.Runner, at int64) int64 {
	rd, ok := s.Find(f.id, at, 0)
	if !ok {
		for _, r := range s.SegmentHoles(f.id) {
			if r.From <= at && at < r.To {
				f.lost = append(f.lost, log.Range{From: at, To: r.To})
				return r.To
			}
		}
		if next := unproved(s, f.id, at); next > at {
			f.lost = append(f.lost, log.Range{From: at, To: next})
			return next
		}
		f.uneven = fmt.Sprintf("offset %d is not found, the log is %d to %d", at, f.mark.LogStart, f.segEnd)
		return at
	}
	data := run.Read(rd)
	b, next, err := rd.Cut(data.Data, at, 0, true)
	if err != nil && data.Err == nil {
		for _, bad := range s.Rotten(f.id, rd, data.Data) {
			s.Suspect(f.id, bad)
		}
		if len(s.SegmentHoles(f.id)) > 0 {
			return at // it is a hole now
		}
	}
	if err != nil || data.Err != nil || next <= at {
		f.uneven = fmt.Sprintf("read of offset %d to %d: %v, %v", at, next, data.Err, err)
		return at
	}
	h, _, _ := log.ParseBatch(b)
	f.batches = append(f.batches, served{base: h.BaseOffset, next: next, sum: foldBytes(0, b)})
	return next
}

// unproved returns where what a hole keeps from being proved ends: a peer would be given it.
func unproved(s *log.Store, group uint64, at int64) int64 {
	if _, ok := s.FindForPeer(group, at, 0); !ok {
		return at
	}
	for next := at + 1; next < s.SegmentEnd(group); next++ {
		if _, ok := s.Find(group, next, 0); ok {
			return next
		}
		if _, ok := s.FindForPeer(group, next, 0); !ok {
			return next
		}
	}
	return s.SegmentEnd(group)
}

func copied(b []byte) []byte { return append([]byte(nil), b...) }

// fold sums an outcome, so that equal ones are told by one number.
func (o *outcome) fold() {
	h := foldBytes(1, []byte(o.failed))
	for i := range o.groups {
		f := &o.groups[i]
		h = fold(h, f.id, b2u(f.dropped), b2u(f.left), f.state.Term, f.state.Vote, f.state.Commit)
		h = fold(h, f.mark.Index, f.mark.Term, uint64(f.mark.LogStart), uint64(f.mark.LogEnd), f.mark.EntryHash, f.mark.BatchHash)
		h = foldBytes(foldBytes(h, f.mark.App), f.mark.Conf)
		h = fold(h, f.last, f.term, f.hash, uint64(f.segEnd))
		h = foldBytes(h, []byte(f.uneven))
		for _, b := range f.batches {
			h = fold(h, uint64(b.base), uint64(b.next), b.sum)
		}
		h = fold(h, f.holes...)
		for _, r := range f.lost {
			h = fold(h, uint64(r.From), uint64(r.To))
		}
	}
	o.same = fold(h, uint64(o.aside))
	o.sum = foldBytes(fold(o.same, o.start), []byte(o.damage))
}

func b2u(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// String shows an outcome in a few lines.
func (o *outcome) String() string {
	if o.failed != "" {
		return o.failed
	}
	text := o.damage
	if o.start > 0 {
		return fmt.Sprintf("incarnation %016x, generation %d, %d folders of earlier ones\n", o.groups[0].id, o.start, o.aside)
	}
	for i := range o.groups {
		f := &o.groups[i]
		if f.dropped {
			text += fmt.Sprintf("group %d dropped\n", f.id)
			continue
		}
		text += fmt.Sprintf("group %d term %d vote %d commit %d, mark %d/%d log %d to %d, last %d/%d hash %016x, segments to %d, lost %v %s\n",
			f.id, f.state.Term, f.state.Vote, f.state.Commit, f.mark.Index, f.mark.Term, f.mark.LogStart, f.mark.LogEnd, f.last, f.term, f.hash, f.segEnd, f.lost, f.uneven)
	}
	return text
}
