package log

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"
	"strconv"
)

// Recovered is what a store held when it was opened.
type Recovered struct {
	Groups []Group  // sorted by ID
	Cut    string   // not empty: one line that says which write group was torn, and erased
	Damage []Damage // of the WAL: what was healed, and what is a hole now
}

// Group is what a store held of one raft group.
type Group struct {
	ID      uint64
	Meta    []byte // as given to Create
	State   State  // Mark.Index <= Commit <= the last index
	Mark    Mark
	Entries []Entry // dense after Mark.Index; Data is nil where it is a hole
	Holes   []Hole  // in order of index; State.Commit may be at or past the first
	Dropped bool    // nothing but this is known: the group must never be created again (S7), see [Store.Forget]
	// SegmentEnd >= Mark.LogEnd is the next offset after what the segments hold, SegmentHash the running batch hash there:
	// batches behind the mark are committed ones that a flush or a transfer wrote. SegmentDamage names what is lost before it,
	// one line each; see [Store.SegmentHoles].
	SegmentEnd    int64
	SegmentHash   uint64
	SegmentDamage []string
}

// Open recovers a store. It is for boot only, and calls fsys itself. All that it returns is durable (S4).
//
// A write group whose write was provably torn is cut, and [Recovered].Cut says so. Of all others that count, one directory at
// least must be readable: what else is damaged is written anew from what is known, or bytes of entries, which become holes;
// [Recovered].Damage names all of it. If more is damaged than that, a vote may be lost: the error wraps [ErrVotesLost], names
// file, byte, write group, what was expected and found, and the files are left as they are. Other errors wrap [ErrDamaged],
// [ErrForeign] or [ErrVersion], or are of fsys.
func Open(fsys FS, id Identity, opt Options) (*Store, *Recovered, error) {
	if err := opt.Check(); err != nil {
		return nil, nil, err
	}
	w, err := scanWAL(fsys, id, opt)
	if err != nil {
		return nil, nil, err
	}
	defer w.close()
	v, err := w.judge()
	if err != nil {
		return nil, nil, err
	}
	r, losses, err := w.replay(&v)
	if err != nil {
		return nil, nil, err
	}
	if err := checkSegments(fsys, r); err != nil {
		return nil, nil, err
	}
	rec := &Recovered{Cut: v.text(), Damage: w.damages(&v, losses, r)}
	if err := w.settle(fsys, &v, len(rec.Damage) > 0); err != nil {
		return nil, nil, err
	}
	s := &Store{id: id, ident: w.ident, opt: opt, groups: map[uint64]*group{}}
	s.ring = ring{files: make([]file, opt.WALFiles), blocks: opt.fileBlocks()}
	s.resume(&v)
	for _, id := range r.ids {
		if err := s.adopt(fsys, r.groups[id], rec); err != nil {
			return nil, nil, err
		}
	}
	return s, rec, fsys.SyncDir(segRoot)
}

// replay goes through all write groups that count, and returns what their records say, and which payloads are lost.
func (w *walScan) replay(v *verdict) (*replay, []lostRecord, error) {
	r := &replay{groups: map[uint64]*replayed{}, final: v.marks()}
	var losses []lostRecord
	for _, l := range v.chain {
		w.read(l)
		more, err := r.group(l)
		if err != nil {
			return nil, nil, err
		}
		losses = append(losses, more...)
		if len(l.bad) == 0 && l != v.last() {
			l.payload = nil // what counts of it is an entry's by now
		} else {
			l.payload = slices.Clone(l.payload)
		}
	}
	slices.Sort(r.ids)
	for _, id := range r.ids {
		if err := r.groups[id].finish(); err != nil {
			return nil, nil, err
		}
	}
	return r, losses, nil
}

// marks returns up to which index each group's entries are gone in the end.
func (v *verdict) marks() map[uint64]uint64 {
	final := map[uint64]uint64{}
	for _, l := range v.chain {
		records := l.dir().records
		for i := range records {
			switch h := &records[i]; {
			case h.kind.inline():
				final[h.group] = h.index
			case h.kind == kindDrop:
				final[h.group] = math.MaxUint64
			}
		}
	}
	return final
}

// resume finds the ring's place behind what counts.
func (s *Store) resume(v *verdict) {
	g, last := &s.ring, v.last()
	g.tail, g.oldest = v.chain[0].lap, v.chain[0].lap
	g.lap, g.pos, g.number = last.lap, last.end/blockSectors, last.number
	for _, l := range v.chain {
		if l.start == blockSectors {
			g.file(l.lap).first = l.number
		}
	}
	s.wal.empty = last.dir().sum.n == 0
}

// adopt takes a group over into the store, and opens its segments.
func (s *Store) adopt(fsys FS, is *replayed, found *Recovered) error {
	g := s.newGroup(is.id, is.meta, is.mark)
	out := is.group()
	if is.dropped {
		g.dropped, g.dropPlanned, g.dropDurable = true, true, true
		g.swept = true // once Open has synced the directory
		s.recost(g)
		found.Groups = append(found.Groups, out)
		return removeSegments(fsys, g.segs)
	}
	g.state, g.planState = is.state, is.state
	g.planMark, g.durMark = is.mark, is.mark
	g.created, g.createdDurable = true, true
	g.trimmed = is.mark.LogStart
	for i := range is.entries {
		e := &is.entries[i]
		g.recs = append(g.recs, rec{term: e.Term, hash: e.hash, lap: e.lap, size: e.size})
		r := &g.recs[i]
		s.ring.file(r.lap).live++
		s.ring.keep(g, e.Index, r)
	}
	g.holes = slices.Clone(out.Holes)
	var err error
	g.segs, err = openSegments(fsys, segDir(g.id), s.opt, is.mark)
	if err == nil {
		out.SegmentEnd, out.SegmentHash, out.SegmentDamage = g.segs.end(), g.segs.hash, g.segs.damage
	}
	found.Groups = append(found.Groups, out)
	return err
}

// removeSegments removes what a dropped group left.
func removeSegments(fsys FS, p *segments) error {
	names, err := fsys.List(p.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("segments %s: %w", p.dir, err)
	}
	for _, name := range names {
		if err := fsys.Remove(p.dir + "/" + name); err != nil {
			return fmt.Errorf("segments %s: %w", p.dir, err)
		}
	}
	if err := fsys.Remove(p.dir); err != nil {
		return fmt.Errorf("segments %s: %w", p.dir, err)
	}
	return fsys.SyncDir(segRoot)
}

// checkSegments refuses segments of a group that the WAL doesn't know: they are never made before the group's create record
// is durable, so the WAL is older than they are, or not the one that they were written with.
func checkSegments(fsys FS, r *replay) error {
	names, err := fsys.List(segRoot)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrDamaged, segRoot, err)
	}
	for _, name := range names {
		id, err := strconv.ParseUint(name, 10, 64)
		if err == nil && segDir(id) == segRoot+"/"+name && r.groups[id] == nil {
			return votesLost(Damage{File: segDir(id), Group: id, Expected: "a record of the group in the WAL", Found: "none"})
		}
	}
	return nil
}
