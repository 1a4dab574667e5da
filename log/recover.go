package log

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
)

// Recovered is what a store held when it was opened.
type Recovered struct {
	Groups []Group // sorted by ID
	Cut    string  // not empty: one line that says which write group was torn, and erased
}

// Group is what a store held of one raft group.
type Group struct {
	ID      uint64
	Meta    []byte // as given to Create
	State   State  // Mark.Index <= Commit <= the last index
	Mark    Mark
	Entries []Entry // dense after Mark.Index
	Dropped bool    // nothing but this is known: the group must never be created again (S7)
	// SegmentEnd >= Mark.LogEnd is the next offset after what the segments hold, SegmentHash the running batch hash there:
	// batches behind the mark are committed ones that a flush or a transfer wrote. SegmentDamage names what is lost before it,
	// one line each; see [Store.SegmentHoles].
	SegmentEnd    int64
	SegmentHash   uint64
	SegmentDamage []string
}

// Open recovers a store. It is for boot only, and calls fsys itself. All that it returns is durable (S4).
//
// A write group whose write was provably torn is cut, and [Recovered].Cut says so. All else that isn't as it was written is
// an error that wraps [ErrDamaged], and names file, byte, write group, group, index, what was expected and found; the files
// are then left as they are. Other errors wrap [ErrForeign] or [ErrVersion], or are of fsys.
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
	s := &Store{id: id, ident: w.ident, opt: opt, groups: map[uint64]*group{}}
	s.ring = ring{files: make([]file, opt.WALFiles), blocks: opt.fileBlocks()}
	r := &replay{groups: map[uint64]*replayed{}}
	if err := s.walk(w, v, r); err != nil {
		return nil, nil, err
	}
	rec := &Recovered{}
	if rec.Cut, err = w.settle(fsys, v); err != nil {
		return nil, nil, err
	}
	for _, id := range r.ids {
		if err := s.adopt(fsys, r.groups[id], rec); err != nil {
			return nil, nil, err
		}
	}
	if err := s.checkSegments(fsys); err != nil {
		return nil, nil, err
	}
	return s, rec, nil
}

// walk goes through all write groups that count, each of which must be there and whole, and finds the ring's place.
func (s *Store) walk(w *walScan, v verdict, r *replay) error {
	g := &s.ring
	n := uint64(len(g.files))
	g.lap, g.pos = n, 1
	if v.top != nil {
		e := w.extents[v.floor]
		if e == nil {
			return fmt.Errorf("%w: write group %d is missing: write group %d says that it is the oldest that counts", ErrDamaged, v.floor, v.top.number)
		}
		g.lap = n + uint64(e.slot)
	}
	g.tail, g.oldest = g.lap, g.lap
	for number := v.floor; v.top != nil && number <= v.top.number; number++ {
		if e := w.extents[number]; e != nil && number > v.floor && e.slot != g.slot(g.lap) && e.slot == g.slot(g.lap+1) {
			if g.free(g.lap) < 1 {
				return fmt.Errorf("%w: write group %d is in %s, where write group %d was", ErrDamaged, number, walName(e.slot), v.floor)
			}
			g.lap++
			g.pos = 1
		}
		l, err := w.intact(number, g.slot(g.lap), g.pos)
		if err != nil {
			return err
		}
		if g.pos == 1 {
			g.file(g.lap).first = number
		}
		if err := r.group(l, g.lap); err != nil {
			return err
		}
		g.pos = l.end / blockSectors
		s.wal.empty = len(l.dirs[0].records) == 0
	}
	slices.Sort(r.ids)
	for _, id := range r.ids {
		if err := r.groups[id].finish(); err != nil {
			return err
		}
	}
	if v.top != nil {
		g.number = v.top.number
	}
	return nil
}

// settle erases the torn write group, so that its number can be used again (L5), and makes stable what was accepted: the last
// write group may be in caches only (S4).
func (w *walScan) settle(fsys FS, v verdict) (string, error) {
	text := ""
	if l := v.cut; l != nil {
		text = fmt.Sprintf("%s byte %d: write group %d was torn: %d of %d sectors hold what was there before; it was erased",
			walName(l.slot), l.start*sectorSize, l.number, len(l.bad), l.end-l.start)
		if err := w.files[l.slot].WriteSync(AlignedBytes((l.end-l.start)*sectorSize), int64(l.start)*sectorSize); err != nil {
			return "", fmt.Errorf("erase of write group %d in %s: %w", l.number, walName(l.slot), err)
		}
	}
	if l := v.top; l != nil {
		b := AlignedBytes((l.end - l.start) * sectorSize)
		for i := range l.end - l.start {
			sector := b[i*sectorSize:]
			copy(sector, l.payload[i*sectorPayload:(i+1)*sectorPayload])
			sealSector(sector[:sectorSize], sectorSeed(w.ident, l.slot, l.start+i, l.number), l.number)
		}
		if err := w.files[l.slot].WriteSync(b, int64(l.start)*sectorSize); err != nil {
			return "", fmt.Errorf("rewrite of write group %d in %s: %w", l.number, walName(l.slot), err)
		}
	}
	for slot, f := range w.files {
		if err := f.Sync(); err != nil {
			return "", fmt.Errorf("%s: %w", walName(slot), err)
		}
	}
	for _, dir := range []string{walDir, "."} {
		if err := fsys.SyncDir(dir); err != nil {
			return "", err
		}
	}
	return text, nil
}

// adopt takes a group over into the store, and opens its segments.
func (s *Store) adopt(fsys FS, is *replayed, found *Recovered) error {
	g := s.newGroup(is.id, is.meta, is.mark)
	out := Group{ID: is.id, Meta: is.meta, State: is.state, Mark: is.mark, Dropped: is.dropped}
	if is.dropped {
		g.dropped, g.dropPlanned, g.dropDurable = true, true, true
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
		g.recs = append(g.recs, rec{term: e.Term, hash: e.hash, lap: e.lap, size: uint32(len(e.Data))})
		r := &g.recs[i]
		s.ring.file(r.lap).live++
		s.ring.keep(g, e.Index, r)
		out.Entries = append(out.Entries, e.Entry)
	}
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
// is durable, so the WAL is not the one that they were written with.
func (s *Store) checkSegments(fsys FS) error {
	names, err := fsys.List(segRoot)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrDamaged, segRoot, err)
	}
	for _, name := range names {
		id, err := strconv.ParseUint(name, 10, 64)
		if err == nil && segDir(id) == segRoot+"/"+name && s.groups[id] == nil {
			return fmt.Errorf("%w: %s holds segments of group %d: expected a record of it in the WAL, found none", ErrDamaged, segDir(id), id)
		}
	}
	return fsys.SyncDir(segRoot)
}
