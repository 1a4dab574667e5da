package log

import (
	"fmt"
	"slices"
)

// repair is one write of verified batches into a hole.
type repair struct {
	from, to int64 // offsets; from is the first batch's
	batches  [][]byte
	links    []link
	parts    []filePart // planned
}

// filePart is what a repair writes to one file.
type filePart struct {
	seg      *segment
	pos, end int64 // bytes
	to       int64 // next offset after it
	n        int   // batches
}

// repairing says that a repair is queued or out.
func (p *segments) repairing() bool { return p.fix != nil }

// hole returns the lost piece that begins at an offset.
func (p *segments) hole(from int64) (*span, int) {
	for _, sp := range p.spans {
		for k := range sp.pieces {
			if c := &sp.pieces[k]; c.state == lost && c.from == from {
				return sp, k
			}
		}
	}
	return nil, 0
}

// holeFor returns the lost piece that verified batches are for: it begins with them, or, where nothing is known of what was
// before it, within the first of them.
func (p *segments) holeFor(from, to int64) (*span, int) {
	for _, sp := range p.spans {
		for k := range sp.pieces {
			c := &sp.pieces[k]
			begins := c.from == from || k == 0 && c.seg == nil && c.from == p.logStart && from < c.from && c.from < to
			if c.state == lost && begins {
				return sp, k
			}
		}
	}
	return nil, 0
}

// fit verifies batches for the hole that begins at from: each is whole, sound and follows from the one before it, none goes
// beyond the hole, and the hash fits wherever one is known. It returns nil if there are no batches.
func (p *segments) fit(from int64, batches [][]byte) (*repair, error) {
	sp, k := p.hole(from)
	if sp == nil || p.fix != nil {
		return nil, fmt.Errorf("segments %s: repair at offset %d, expected one of the holes %v, with no repair under way (%t)", p.dir, from, p.holes(), p.fix == nil)
	}
	f := fitting{p: p, sp: sp, c: &sp.pieces[k], r: &repair{from: from, to: from}, then: chain{next: from, epoch: anyChain.epoch}}
	f.pos = f.c.pos
	if f.open() {
		f.then.next = -1
	}
	f.known = sp.before.known && sp.indexed
	f.hash = sp.before.hash
	for i := range sp.pieces[:k] {
		for _, l := range sp.pieces[i].links {
			f.hash = l.after(f.hash)
		}
	}
	for _, b := range batches {
		if err := f.batch(b); err != nil {
			return nil, err
		}
	}
	if len(batches) == 0 {
		return nil, nil
	}
	if err := f.whole(k); err != nil {
		return nil, err
	}
	p.fix = f.r
	return f.r, nil
}

// fitting is the verification of a repair.
type fitting struct {
	p     *segments
	sp    *span
	c     *piece
	r     *repair
	then  chain
	pos   int64
	hash  uint64 // running, if known
	known bool
}

// open says that nothing is known of what was before the hole: the log begins in it.
func (f *fitting) open() bool {
	return f.c.seg == nil && f.c.from == f.p.logStart && !f.sp.before.known && f.c == &f.sp.pieces[0]
}

func (f *fitting) batch(data []byte) error {
	b, n, err := ParseBatch(data)
	if err == nil && n != len(data) {
		err = fmt.Errorf("%w: %d bytes follow a batch of %d", ErrBadBatch, len(data)-n, n)
	}
	if err == nil {
		err = CheckCRC(data)
	}
	begins := len(f.r.batches) == 0 && f.open()
	if err == nil && len(f.r.batches) == 0 && !begins && b.BaseOffset < f.r.from && f.r.from < b.NextOffset() {
		// What is kept before the hole ends where the peer has no batch's end: one of the two isn't ours.
		f.sp.strays++
		f.r.to = b.NextOffset()
		return f.misfit("batch at %d goes to offset %d; the hole begins at offset %d", b.BaseOffset, f.r.to, f.c.from)
	}
	if err == nil {
		err = f.then.follow(b)
	}
	if err == nil && begins && (b.BaseOffset > f.r.from || b.NextOffset() <= f.r.from) {
		err = fmt.Errorf("%w: the first batch has offsets %d to %d, expected one with offset %d", ErrBadBatch, b.BaseOffset, b.NextOffset(), f.r.from)
	}
	if err != nil {
		return fmt.Errorf("segments %s: repair at offset %d: %w", f.p.dir, f.r.to, err)
	}
	if begins {
		f.r.from = b.BaseOffset
	}
	l := linkOf(data)
	f.hash = l.after(f.hash)
	f.pos += int64(n)
	f.r.to = b.NextOffset()
	f.r.links = append(f.r.links, l)
	f.r.batches = append(f.r.batches, data)
	sized := f.c.seg != nil
	if f.r.to > f.c.to || sized && (f.pos > f.c.end || (f.pos == f.c.end) != (f.r.to == f.c.to)) {
		f.sp.strays++
		return f.misfit("batch at %d goes to offset %d, byte %d; the hole goes to offset %d, byte %d", b.BaseOffset, f.r.to, f.pos, f.c.to, f.c.end)
	}
	return f.boundary()
}

// boundary compares with the index what a batch that was taken led to.
func (f *fitting) boundary() error {
	if !f.sp.indexed {
		return nil
	}
	s := f.c.seg
	i, _ := s.index.boundary(f.pos - int64(f.r.links[len(f.r.links)-1].size()) + 1)
	at, hash, want := f.c.end, f.sp.after.hash, f.c.to
	if i < len(s.index) && int64(s.index[i].pos) < at {
		at, hash, want = int64(s.index[i].pos), s.index[i].hash, s.base+int64(s.index[i].offset)
	}
	switch {
	case f.pos < at && f.r.to < want:
		return nil
	case f.pos != at || f.r.to != want:
		f.sp.strays++
		return f.misfit("batches lead to offset %d at byte %d, expected offset %d at byte %d", f.r.to, f.pos, want, at)
	case f.known && f.hash != hash:
		return f.misfit("running hash at offset %d is %016x, expected %016x", f.r.to, f.hash, hash)
	}
	f.hash, f.known = hash, true
	return nil
}

// whole compares with the anchor, if nothing of the span is lost once this is written.
func (f *fitting) whole(k int) error {
	if f.sp.indexed || f.r.to < f.c.to {
		return nil
	}
	pieces := slices.Clone(f.sp.pieces)
	pieces[k].state, pieces[k].links = patched, f.r.links
	if slices.ContainsFunc(pieces, func(c piece) bool { return c.state == lost }) {
		return nil
	}
	if trial := *f.sp; !trial.fits(pieces) {
		return f.misfit("running hash at offset %d doesn't lead to the one known at offset %d", f.r.to, f.sp.to())
	}
	return nil
}

// misfit makes what was filled since the last anchor lost again, and says which offsets' bytes are in doubt.
func (f *fitting) misfit(format string, args ...any) error {
	from := f.r.from
	for _, c := range f.sp.pieces {
		if c.state == patched {
			from = min(from, c.from)
		}
	}
	to := f.r.to
	f.p.misfit(f.sp)
	f.p.giveUpIndex(f.sp)
	return fmt.Errorf("%w: segments %s: offsets %d to %d: %w", ErrMisfit, f.p.dir, from, to, fmt.Errorf(format, args...))
}

// planRepair adds what writes the queued repair. If its hole is gone then it does nothing and says so.
func (p *segments) planRepair(ops []Op, r *repair) ([]Op, bool) {
	sp, k := p.holeFor(r.from, r.to)
	if p.fix != r || sp == nil || sp.pieces[k].to < r.to {
		p.fix = nil
		return ops, false
	}
	r.parts = nil
	if c := &sp.pieces[k]; c.seg != nil {
		r.parts = []filePart{{seg: c.seg, pos: c.pos, to: r.to, n: len(r.batches)}}
	} else {
		p.layOut(r, sp, k)
	}
	ops, cut := p.planMends(p.makeDir(ops), r)
	at := 0
	for i := range r.parts {
		t := &r.parts[i]
		name := p.file(t.seg.base, logSuffix)
		if slices.Contains(cut, name) {
			ops = append(ops, Op{Kind: OpTruncate, File: name})
		}
		t.end = t.pos
		for _, b := range r.batches[at : at+t.n] {
			t.end += int64(len(b))
		}
		ops = writeBlocks(ops, name, t.pos, r.batches[at:at+t.n], t.end-t.pos)
		ops = append(ops, Op{Kind: OpSync, File: name})
		at += t.n
	}
	return p.planMended(ops, r), true
}

// writeBlocks adds writes of batches one behind the other, cut as those of an append are.
func writeBlocks(ops []Op, name string, pos int64, batches [][]byte, left int64) []Op {
	var buf []byte
	for _, data := range batches {
		for len(data) > 0 {
			if buf == nil {
				buf = make([]byte, 0, min(left, int64(blockRoom(pos))))
			}
			n := min(len(data), cap(buf)-len(buf))
			buf = append(buf, data[:n]...)
			data = data[n:]
			if len(buf) == cap(buf) {
				ops = append(ops, Op{Kind: OpWrite, File: name, Off: pos, Data: buf})
				pos += int64(len(buf))
				left -= int64(len(buf))
				buf = nil
			}
		}
	}
	return ops
}

// layOut shares batches out to files where there are none: to the last that a repair of this hole made, while it isn't full.
func (p *segments) layOut(r *repair, sp *span, k int) {
	var cur segment
	if k > 0 && sp.pieces[k-1].state == patched && sp.pieces[k-1].seg.patch {
		is := sp.pieces[k-1].seg
		cur = *is
		r.parts = append(r.parts, filePart{seg: is, pos: is.size, to: is.end})
	}
	for i, data := range r.batches {
		b, n, err := ParseBatch(data)
		if err != nil {
			panic(fmt.Sprintf("invariant L13: segments %s: batch %d of a repair was changed since it was verified: %v", p.dir, i, err))
		}
		if len(r.parts) == 0 || cur.full(p.opt, b) {
			cur = segment{base: b.BaseOffset, patch: true, sealed: true}
			fresh := cur
			fresh.end = fresh.base
			r.parts = append(r.parts, filePart{seg: &fresh})
		}
		t := &r.parts[len(r.parts)-1]
		t.n++
		t.to = b.NextOffset()
		cur.size += int64(n)
	}
	if r.parts[0].n == 0 {
		r.parts = r.parts[1:]
	}
}

// repaired takes the completion of a repair: the hole is smaller.
func (p *segments) repaired(r *repair) {
	if p.fix != r {
		return // all of the span was taken for lost meanwhile
	}
	p.fix = nil
	at := 0
	for i := range r.parts {
		t := &r.parts[i]
		from := r.from
		if i > 0 {
			from = r.parts[i-1].to
		}
		if !p.fill(t, from, r.batches[at:at+t.n], r.links[at:at+t.n]) {
			return
		}
		at += t.n
	}
}

// fill takes what was written to one file.
func (p *segments) fill(t *filePart, from int64, batches [][]byte, links []link) bool {
	sp, k := p.holeFor(from, t.to)
	if sp == nil {
		panic(fmt.Sprintf("invariant L13: segments %s: the hole at offset %d vanished while it was repaired", p.dir, from))
	}
	s, c := t.seg, sp.pieces[k]
	s.has.log = true
	if c.seg == nil {
		p.adoptPatch(t, from)
	}
	pos := t.pos
	for _, data := range batches {
		b, n, _ := ParseBatch(data)
		if !sp.indexed {
			s.index, s.seen = s.index.insert(s.base, pos, b, p.opt.IndexBytes), 0
		}
		pos += int64(n)
	}
	is := piece{seg: s, from: from, to: t.to, pos: t.pos, end: t.end, state: patched, links: slices.Clone(links)}
	rest := c
	rest.from, rest.pos = t.to, t.end
	with := []piece{is}
	if rest.seg == nil {
		rest.pos = 0
	}
	if rest.from < rest.to {
		with = append(with, rest)
	}
	sp.pieces = slices.Replace(sp.pieces, k, k+1, with...)
	if k > 0 && sp.pieces[k-1].state == patched && sp.pieces[k-1].seg == s {
		prev := &sp.pieces[k-1]
		prev.to, prev.end, prev.links = is.to, is.end, append(prev.links, is.links...)
		sp.pieces = slices.Delete(sp.pieces, k, k+1)
	}
	if sp.indexed {
		return p.advance(sp)
	}
	return p.prove(sp)
}

// adoptPatch takes a file that a repair made, or wrote behind, into the row.
func (p *segments) adoptPatch(t *filePart, from int64) {
	s := t.seg
	if !slices.Contains(p.live, s) {
		for i := len(p.loose) - 1; i >= 0; i-- {
			if p.looseBase(p.loose[i]) == s.base {
				s.has.index = s.has.index || p.loose[i] == p.file(s.base, indexSuffix)
				s.has.start = s.has.start || p.loose[i] == p.file(s.base, startSuffix)
				s.has.mend = s.has.mend || p.loose[i] == p.file(s.base, mendSuffix)
				p.loose = slices.Delete(p.loose, i, i+1)
			}
		}
		i, _ := slices.BinarySearchFunc(p.live, from, func(s *segment, at int64) int {
			if s.base < at {
				return -1
			}
			return 1
		})
		p.live = slices.Insert(p.live, i, s)
	}
	s.end, s.size, s.synced = t.to, t.end, t.end
}

// advance moves the beginning of an indexed span to the last interval's end that the hash was proved at.
func (p *segments) advance(sp *span) bool {
	for len(sp.pieces) > 0 && sp.pieces[0].state == patched {
		c := &sp.pieces[0]
		h, pos, n := sp.before.hash, c.pos, 0
		end, hash, to := c.seg.endOf(c.pos, sp)
		for n < len(c.links) && pos < end {
			h = c.links[n].after(h)
			pos += c.links[n].size()
			n++
		}
		if pos < end {
			break
		}
		if pos > end || sp.before.known && h != hash {
			p.misfit(sp)
			return false
		}
		sp.before = anchor{hash, true}
		sp.first, sp.strays = sp.before, 0
		c.from, c.pos, c.links = to, end, c.links[n:]
		if c.pos == c.end {
			sp.pieces = slices.Delete(sp.pieces, 0, 1)
		}
	}
	if len(sp.pieces) == 0 {
		p.removeSpan(sp)
	}
	return true
}

// endOf returns where the interval at a position of an indexed span ends: byte, running hash and offset.
func (s *segment) endOf(pos int64, sp *span) (end int64, hash uint64, to int64) {
	last := sp.pieces[len(sp.pieces)-1]
	if i, _ := s.index.boundary(pos + 1); i < len(s.index) && int64(s.index[i].pos) < last.end {
		e := s.index[i]
		return int64(e.pos), e.hash, s.base + int64(e.offset)
	}
	return last.end, sp.after.hash, last.to
}

// planIndex adds what makes the index file of a closed segment that is whole, and the start file of one that has none which says the right
// hash; [segment.told] takes the completion.
func (p *segments) planIndex(ops []Op, s *segment) []Op {
	s.queued = false
	if !s.untold() || !slices.Contains(p.live, s) || p.touches(s, true) {
		return ops
	}
	file := func(suffix string, there bool, data []byte) {
		name := p.file(s.base, suffix)
		kind := OpCreate
		if there {
			kind = OpTruncate
		}
		ops = append(ops, Op{Kind: kind, File: name}, Op{Kind: OpWrite, File: name, Data: data}, Op{Kind: OpSync, File: name})
	}
	if s.sealed && !s.indexed {
		file(indexSuffix, s.has.index, encodeIndex(p.dir, s))
	}
	if s.refuted {
		file(startSuffix, s.has.start, encodeStart(p.dir, s.base, s.index[0].hash))
	}
	return append(ops, Op{Kind: OpSyncDir, File: p.dir})
}

// untold says whether a segment lacks a file that tells its hashes.
func (s *segment) untold() bool { return s.sealed && !s.indexed || s.refuted }

// told: what planIndex added is stable.
func (s *segment) told() {
	if s.sealed {
		s.indexed, s.has.index = true, true
	}
	s.has.start, s.refuted = s.has.start || s.refuted, false
}
