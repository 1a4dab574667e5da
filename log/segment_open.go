package log

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// opening is what openSegments found out. It reads and judges everything first and changes files afterwards.
type opening struct {
	fs      FS
	p       *segments
	mark    Mark
	found   map[int64]*names // by base offset
	indexes map[int64]*segment
	starts  map[int64]uint64
	bases   []int64 // below the mark's end, to keep
	past    []int64 // at or behind the mark's end
	remove  []string
	below   []string          // below the log start: they go last, once nothing needs them any more
	sick    []string          // the device can't open them: they get another name
	cut     map[*segment]bool // its file is longer
	closed  []*segment        // was read, so its index is to be made

	end   int64   // of what was gone through
	cur   []piece // since the last anchor
	first anchor  // that one
	hash  anchor  // at end
}

// openSegments opens what a group has on disk, and what it keeps is stable when it returns (L6, L10). Below the mark's end
// nothing is deleted but whole files below the log start: what can't be read becomes a hole (L13). Behind it, what follows and
// is sound is kept, and the rest is cut: no mark vouches for it. Missing and bad index files are made anew.
//
// All batches of the open segment are verified, those of a closed one if its index must be made anew, else when they are
// read. A file that the device can't open is one that isn't there (see [opening.opens]). An error is of fsys: names can't be listed, a file not
// be opened for another reason, or not be written or synced.
func openSegments(fsys FS, dir string, opt Options, m Mark) (*segments, error) {
	p := newSegments(dir, opt)
	p.at, p.stable, p.logStart, p.hash, p.synced = m.LogEnd, m.LogEnd, m.LogStart, m.BatchHash, m.BatchHash
	none := anchor{known: m.LogStart == 0} // before the first batch of all
	o := opening{first: none, hash: none, fs: fsys, p: p, mark: m, found: map[int64]*names{}, indexes: map[int64]*segment{}, starts: map[int64]uint64{}, cut: map[*segment]bool{}, end: m.LogStart}
	list, err := fsys.List(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("segments %s: %w", dir, err)
	}
	p.exists = err == nil
	if err := o.choose(list); err != nil {
		return nil, err
	}
	var last *scan
	for i, base := range o.bases {
		until := m.LogEnd
		if i+1 < len(o.bases) {
			until = o.bases[i+1]
		}
		if last, err = o.load(base, until); err != nil {
			return nil, err
		}
	}
	if m.LogStart < m.LogEnd {
		o.gap(m.LogEnd)
	}
	o.end, o.hash = m.LogEnd, anchor{m.BatchHash, true}
	if last != nil {
		if err := o.follow(last); err != nil {
			return nil, err
		}
	}
	end, hash := o.end, o.hash
	o.anchor(m.BatchHash)
	o.end, o.hash = end, hash
	if err := o.beyond(last); err != nil {
		return nil, err
	}
	p.at, p.stable, p.hash, p.synced = o.end, o.end, o.hash.hash, o.hash.hash
	if len(p.spans) > 0 {
		p.epoch = anyChain.epoch // it may be rotten
	}
	if p.stable > m.LogEnd {
		p.opened = &m
	}
	if !p.exists {
		return p, nil
	}
	return p, o.settle()
}

// find sorts out which files there are, and returns their base offsets, sorted. Names that are none of ours are left alone.
func (o *opening) find(list []string) ([]int64, error) {
	var all []int64
	for _, name := range list {
		file := o.p.dir + "/" + name
		if strings.HasSuffix(name, sickSuffix) && o.p.owns(strings.TrimSuffix(name, sickSuffix)) {
			o.p.sick = append(o.p.sick, file)
		}
		for suffix, mark := range map[string]func(*names){ // order: a name has one suffix
			logSuffix:   func(n *names) { n.log = true },
			indexSuffix: func(n *names) { n.index = true },
			startSuffix: func(n *names) { n.start = true },
			mendSuffix:  func(n *names) { n.mend = true },
		} {
			base, ok := parseSegmentName(name, suffix)
			if ok && suffix != mendSuffix { // whose bytes nobody asks for
				var err error
				if ok, err = o.opens(file); err != nil {
					return nil, err
				}
			}
			if !ok {
				continue
			}
			if o.found[base] == nil {
				o.found[base] = &names{}
				all = append(all, base)
			}
			mark(o.found[base])
		}
	}
	slices.Sort(all)
	return all, nil
}

// choose sorts out which files to keep.
func (o *opening) choose(list []string) error {
	all, err := o.find(list)
	if err != nil {
		return err
	}
	for _, base := range all {
		if o.indexes[base], err = o.readIndex(base); err != nil {
			return err
		}
		h, ok, err := o.readStart(base)
		if err != nil {
			return err
		}
		if ok {
			o.starts[base] = h
		}
	}
	first := o.firstKept(all)
	for i, base := range all {
		switch {
		case base >= o.mark.LogEnd:
			o.past = append(o.past, base)
		case i < first || o.mark.LogStart >= o.mark.LogEnd:
			o.below = append(o.below, o.files(base)...)
		case o.found[base].log || o.tells(base):
			o.bases = append(o.bases, base)
		default:
			o.loose(base)
		}
	}
	return nil
}

// tells says whether a base has a sound file that says a hash.
func (o *opening) tells(base int64) bool {
	_, start := o.starts[base]
	return start || o.indexes[base] != nil
}

// firstKept returns which of all bases is the first to keep: that of the segment that the log start lies in, or, where no file of it says
// the hash before it, since a mark vouched for it just before a crash or not yet, the last before it of which one does. Those between,
// however many a transfer brought, tell it together; trims have left them all (see [segments.trim]).
func (o *opening) firstKept(all []int64) int {
	first := 0
	for i, base := range all {
		if base <= o.mark.LogStart && (o.found[base].log || o.tells(base)) {
			first = i
		}
	}
	for first > 0 && !o.begins(all, first) && o.found[all[first-1]].log {
		first--
	}
	return first
}

// begins says whether the hash before a segment is known without the one before it. An index that speaks of more than the mark vouches for
// may not be believed.
func (o *opening) begins(all []int64, i int) bool {
	base, until := all[i], o.mark.LogEnd
	if i+1 < len(all) {
		until = min(until, all[i+1])
	}
	_, start := o.starts[base]
	return base == 0 || start || o.indexes[base] != nil && o.indexes[base].end <= until
}

// drop removes the files of a base.
func (o *opening) drop(base int64) { o.remove = append(o.remove, o.files(base)...) }

// files names the files of a base.
func (o *opening) files(base int64) []string {
	return o.p.files(&segment{base: base, has: *o.found[base]})
}

// loose leaves the files of a base where they are.
func (o *opening) loose(base int64) {
	o.p.loose = append(o.p.loose, o.files(base)...)
}

// load takes the file at base into the live segments, as far as it reaches up to until. It returns the scan, if there was one
// that reached it.
func (o *opening) load(base, until int64) (*scan, error) {
	o.gap(base)
	o.end = base
	if base == 0 {
		o.anchor(0)
	}
	if s := o.indexes[base]; s != nil {
		good, err := o.believes(s, until)
		if err != nil {
			return nil, err
		}
		if good {
			return nil, o.adopt(s)
		}
	}
	if start, known := o.starts[base]; known && (!o.hash.known || len(o.cur) > 0) { // else the segment before has told it
		o.anchor(start)
	}
	if !o.found[base].log {
		o.loose(base)
		return nil, nil
	}
	return o.scan(base, until)
}

// adopt takes a segment that has a good index.
func (o *opening) adopt(s *segment) error {
	o.anchor(s.index[0].hash)
	name := o.p.file(s.base, logSuffix)
	s.has, s.synced, s.indexed, s.sealed = *o.found[s.base], s.size, true, true
	o.p.live = append(o.p.live, s)
	o.end, o.hash = s.end, anchor{s.hash, true}
	o.first = o.hash
	size := int64(0)
	if s.has.log {
		f, err := o.fs.Open(name)
		if err != nil {
			return fmt.Errorf("segment %s: %w", name, err)
		}
		defer f.Close() // only read
		if size, err = f.Size(); err != nil {
			return fmt.Errorf("segment %s: %w", name, err)
		}
	}
	o.cut[s] = size > s.size
	if size < s.size {
		i, same := s.index.boundary(size)
		if !same {
			i--
		}
		o.p.damage = append(o.p.damage, fmt.Sprintf("segment %s: the file has %d bytes (is there: %t), its index says %d: offsets %d to %d are lost",
			name, size, s.has.log, s.size, s.base+int64(s.index[i].offset), s.end))
		for ; i < len(s.index); i++ {
			o.p.lose(s, i)
		}
	}
	return nil
}

// scan reads a segment.
func (o *opening) scan(base, until int64) (*scan, error) {
	name := o.p.file(base, logSuffix)
	f, err := o.fs.Open(name)
	if err != nil {
		return nil, fmt.Errorf("segment %s: %w", name, err)
	}
	defer f.Close() // only read
	sc, err := newScan(f, name, base, o.hash, o.p.opt)
	if err != nil {
		return nil, fmt.Errorf("segment %s: %w", name, err)
	}
	sc.run(until)
	o.p.damage = append(o.p.damage, sc.damage...)
	sc.damage = nil
	for _, c := range sc.pieces {
		o.add(c)
	}
	sc.pieces = nil
	s := sc.seg
	if s.end == base {
		o.loose(base)
		return nil, nil
	}
	o.end, o.hash, s.hash = s.end, sc.hash, sc.hash.hash
	o.cut[s] = s.end == until && sc.size > s.size
	o.keep(s)
	s.sealed = true
	if s.end < until {
		return nil, nil
	}
	return sc, nil
}

// keep takes a segment that was read.
func (o *opening) keep(s *segment) {
	s.has, s.synced = *o.found[s.base], s.size
	o.p.live = append(o.p.live, s)
	o.closed = append(o.closed, s)
}

// beyond takes what is behind the mark's end, in the file that reaches it and in those that follow.
func (o *opening) beyond(last *scan) error {
	var open *segment
	if last != nil && slices.Contains(o.p.live, last.seg) {
		open = last.seg
	}
	if n := len(o.p.live); n > 0 && len(o.past) > 0 && last == nil && o.p.live[n-1].end == o.end {
		o.p.epoch = o.lastEpoch(o.p.live[n-1]) // its index says all of it but this
	}
	for i, base := range o.past {
		if base == o.end && o.found[base].log {
			name := o.p.file(base, logSuffix)
			f, err := o.fs.Open(name)
			if err != nil {
				return fmt.Errorf("segment %s: %w", name, err)
			}
			sc, err := newScan(f, name, base, o.hash, o.p.opt)
			f.Close() // opened again
			if err == nil {
				sc.then.epoch = o.p.epoch
				err = o.follow(sc)
			}
			if err != nil {
				return fmt.Errorf("segment %s: %w", name, err)
			}
			if sc.seg.end > base {
				o.keep(sc.seg)
				if open != nil {
					open.sealed = true
				}
				open = sc.seg
				continue
			}
		}
		for _, base := range o.past[i:] {
			o.drop(base)
		}
		break
	}
	if open != nil && !o.p.touches(open, false) { // else the places of its batches may be doubted yet: it grows no more
		open.sealed = false
		if open.has.index { // it was closed once, behind the mark, or is a leftover
			o.remove = append(o.remove, o.p.file(open.base, indexSuffix))
			open.has.index = false
		}
	}
	return nil
}

// lastEpoch reads the leader epoch of a segment's last batch, if what is there is sound: by the running hash, since no checksum covers it.
func (o *opening) lastEpoch(s *segment) int32 {
	f, err := o.fs.Open(o.p.file(s.base, logSuffix))
	if err != nil {
		return anyChain.epoch
	}
	defer f.Close() // only read
	from := int64(s.index[len(s.index)-1].pos)
	data := make([]byte, s.size-from)
	if readFull(f, data, from) != nil {
		return anyChain.epoch
	}
	epoch, h := anyChain.epoch, s.index[len(s.index)-1].hash
	for len(data) > 0 {
		b, n, err := ParseBatch(data)
		if err != nil || CheckCRC(data[:n]) != nil {
			return anyChain.epoch
		}
		h = HashBatch(h, data[:n])
		epoch, data = b.LeaderEpoch, data[n:]
	}
	if h != s.hash {
		return anyChain.epoch
	}
	return epoch
}

// follow reads on behind the mark's end; the rest of the file is cut.
func (o *opening) follow(sc *scan) error {
	f, err := o.fs.Open(sc.name)
	if err != nil {
		return err
	}
	defer f.Close() // only read
	sc.file, sc.hash = f, o.hash
	sc.rest()
	s := sc.seg
	s.synced, s.hash = s.size, sc.hash.hash
	o.cut[s] = sc.size > s.size
	o.end, o.hash, o.p.epoch = s.end, sc.hash, sc.then.epoch
	return nil
}

// gap notes that no file has what is between the end so far and an offset.
func (o *opening) gap(to int64) {
	from := max(o.end, o.mark.LogStart)
	if to <= from {
		if o.end < to { // nobody misses what was there, but for the hash
			o.cur, o.first, o.hash = nil, anchor{}, anchor{}
		}
		return
	}
	o.p.damage = append(o.p.damage, fmt.Sprintf("segments %s: offsets %d to %d are in no file", o.p.dir, from, to))
	if from > o.end {
		o.cur, o.first = nil, anchor{}
	}
	o.add(piece{from: from, to: to, state: lost})
	o.end, o.hash = to, anchor{}
}

// add takes the next piece. What is lost below the log start doesn't matter, but for the hash.
func (o *opening) add(c piece) {
	if c.state == lost && c.to <= o.mark.LogStart {
		o.cur, o.first = nil, anchor{}
		return
	}
	o.cur = append(o.cur, c)
}

// anchor takes a running hash that is known at the end so far, and judges what lies between it and the last one.
func (o *opening) anchor(hash uint64) {
	known := anchor{hash, true}
	sp := &span{pieces: o.cur, first: o.first, before: o.first, after: known, last: known}
	o.cur, o.first, o.hash = nil, known, known
	if len(sp.pieces) == 0 {
		return
	}
	for i := range sp.pieces { // the head: its batches are folded
		c := &sp.pieces[i]
		if !c.folded {
			break
		}
		sp.before = anchor{c.behind, true}
	}
	whole := !sp.lost()
	if !whole {
		sp.foldTail()
	}
	if whole && sp.fits(sp.pieces) {
		if !sp.first.known {
			o.p.damage = append(o.p.damage, fmt.Sprintf("segments %s: offsets %d to %d: no file says the running hash before them: they are believed by their checksums alone", o.p.dir, sp.from(), sp.to()))
		}
		sp.setHashes()
		return
	}
	if whole {
		o.p.damage = append(o.p.damage, fmt.Sprintf("segments %s: offsets %d to %d: running hash at offset %d is not the %016x that is known: one of the batches is another one",
			o.p.dir, sp.from(), sp.to(), sp.to(), hash))
		sp.misfits = maxMisfits
		o.p.misfit(sp)
	}
	o.p.insertSpan(sp)
}
