package log

import (
	"math"
	"slices"
)

// A span is a stretch of offsets between two known running batch hashes (anchors) that has a hole in it:
//
//	anchor ─┬─ head: kept, folded ─┬─ hole: lost ─┬─ kept ─┬─ hole: lost ─┬─ tail: kept, folded ─┬─ anchor
//	      first                 before                                  after                  last
//
// Once nothing of it is lost any more, the hash is folded from one end to the other. If it fits, everything in the span is
// proved at once (L13), and the span is gone; else what peers sent for it is a hole again.
type span struct {
	pieces        []piece // dense
	first, last   anchor  // before the first, behind the last
	before, after anchor  // before the first, behind the last that isn't folded
	indexed       bool    // it lies in one segment whose index has the hash of each interval, so each is proved by itself
	misfits       int
	strays        int  // in a row, of batches that end where the index says that none does
	given         bool // it was indexed, and its index was given up
}

// anchor is a running batch hash that may be known.
type anchor struct {
	hash  uint64
	known bool
}

type pieceState uint8

const (
	kept    pieceState = iota // batches that have a good CRC and follow from each other
	lost                      // missing, unreadable or damaged
	patched                   // a peer's batches, sound and synced, but not proved
)

// piece is a part of a span.
type piece struct {
	from, to int64    // offsets
	seg      *segment // whose file has, or had, it; nil if no file has
	pos, end int64    // bytes in that file
	state    pieceState
	folded   bool   // its batches are in span.before or span.after
	behind   uint64 // running hash behind it, if it is folded, in the head
	links    []link // its batches, unless lost or folded
}

// served says whether reads may see it. Nothing of a span is proved: what a search found could be a batch within a record, and
// before a restart a peer may have sent another batch. Who repairs can tell by the hash, a consumer can't.
func (c *piece) served(forPeer bool) bool { return c.state == kept && forPeer }

func (s *span) from() int64 { return s.pieces[0].from }
func (s *span) to() int64   { return s.pieces[len(s.pieces)-1].to }

// lost says whether a part of the span is.
func (s *span) lost() bool {
	return slices.ContainsFunc(s.pieces, func(c piece) bool { return c.state == lost })
}

// holes returns what is lost, in order.
func (p *segments) holes() []Range {
	var rs []Range
	for _, sp := range p.spans {
		for _, c := range sp.pieces {
			if c.state == lost {
				rs = append(rs, Range{c.from, c.to})
			}
		}
	}
	return rs
}

// hidden says whether the interval at a position is in a hole, or not proved, and whether its timestamps are known all the
// same.
func (p *segments) hidden(s *segment, pos int64) (is, known bool) {
	for _, sp := range p.spans {
		for i := range sp.pieces {
			if c := &sp.pieces[i]; c.seg == s && c.pos <= pos && pos < c.end {
				return !c.served(false), sp.indexed || c.state == kept
			}
		}
	}
	return false, true
}

// spanOver returns the span that has a position of a segment in it, nil if none has.
func (p *segments) spanOver(s *segment, pos int64) *span {
	for _, sp := range p.spans {
		for i := range sp.pieces {
			if c := &sp.pieces[i]; c.seg == s && c.pos <= pos && pos < c.end {
				return sp
			}
		}
	}
	return nil
}

// touches says whether a span has a part of a segment in it; if unhashed then only one that keeps the segment's hashes from
// being known.
func (p *segments) touches(s *segment, unhashed bool) bool {
	return slices.ContainsFunc(p.spans, func(sp *span) bool {
		return !(unhashed && sp.indexed) && slices.ContainsFunc(sp.pieces, func(c piece) bool { return c.seg == s })
	})
}

// holeEnds says whether a hole ends where a segment does, so that the next batch must begin an interval.
func (p *segments) holeEnds(s *segment) bool {
	return slices.ContainsFunc(p.spans, func(sp *span) bool {
		return slices.ContainsFunc(sp.pieces, func(c piece) bool { return c.seg == s && c.end == s.size })
	})
}

// insertSpan puts a span in its place.
func (p *segments) insertSpan(sp *span) {
	i, _ := slices.BinarySearchFunc(p.spans, sp.from(), func(s *span, from int64) int {
		if s.from() < from {
			return -1
		}
		return 1
	})
	p.spans = slices.Insert(p.spans, i, sp)
}

func (p *segments) removeSpan(sp *span) {
	p.spans = slices.DeleteFunc(p.spans, func(s *span) bool { return s == sp })
}

// trimSpans forgets what is lost below the log start.
func (p *segments) trimSpans() {
	for _, sp := range slices.Clone(p.spans) {
		if sp.indexed || sp.given {
			p.trimIndexed(sp)
			continue
		}
		n := 0
		for n < len(sp.pieces) && (sp.pieces[n].to <= p.logStart || sp.pieces[n].seg != nil && !slices.Contains(p.live, sp.pieces[n].seg)) {
			if c := &sp.pieces[n]; !c.folded {
				sp.before = anchor{}
			}
			sp.first = anchor{}
			n++
		}
		sp.pieces = slices.Delete(sp.pieces, 0, n)
		if len(sp.pieces) == 0 {
			p.removeSpan(sp)
			continue
		}
		c := &sp.pieces[0]
		switch {
		case c.from >= p.logStart || c.state != lost:
		case c.seg == nil:
			c.from, sp.first, sp.before = p.logStart, anchor{}, anchor{}
		}
		if n > 0 && !sp.before.known && slices.ContainsFunc(sp.pieces, func(c piece) bool { return c.state == patched }) {
			p.misfit(sp) // the hash that was to prove what a peer sent is not known any more
		}
		if n > 0 {
			p.prove(sp)
		}
	}
}

// trimIndexed forgets the lost intervals below the log start. The one that has it stays as it is, with what peers sent of it: the hash
// before it is known, and proves the rest of it too.
func (p *segments) trimIndexed(sp *span) {
	s := sp.pieces[0].seg
	if sp.to() <= p.logStart || !slices.Contains(p.live, s) {
		p.removeSpan(sp)
		return
	}
	if sp.given || sp.from() >= p.logStart {
		return
	}
	e := s.index[s.index.at(p.logStart-s.base)]
	at := int64(e.pos)
	if at <= sp.pieces[0].pos || at <= sp.pieces[0].end && sp.pieces[0].state == patched {
		return
	}
	for at >= sp.pieces[0].end {
		sp.pieces = slices.Delete(sp.pieces, 0, 1)
	}
	c := &sp.pieces[0]
	c.from, c.pos = s.base+int64(e.offset), at
	sp.first = anchor{e.hash, true}
	sp.before = sp.first
}

// prove ends a span of which nothing is lost, if the hash fits from anchor to anchor; else it says false, and what peers sent
// is lost again. A span with something lost stays.
func (p *segments) prove(sp *span) bool {
	if sp.lost() {
		return true
	}
	if !sp.fits(sp.pieces) {
		p.misfit(sp)
		return false
	}
	sp.setHashes()
	p.removeSpan(sp)
	return true
}

// setHashes tells the indexes the running hashes of a span that is proved.
func (s *span) setHashes() {
	h := s.before.hash
	for i := range s.pieces {
		c := &s.pieces[i]
		c.seg.patch = false
		if !c.folded {
			h = c.setHashes(h)
		}
	}
}

// foldTail folds what is kept behind the last hole.
func (s *span) foldTail() {
	for i := len(s.pieces) - 1; s.pieces[i].state == kept; i-- {
		c := &s.pieces[i]
		s.after.hash = c.before(s.after.hash)
		c.setHashes(s.after.hash)
		c.folded, c.links = true, nil
	}
}

// fits folds the hash through pieces of which none is lost. Where the hash before is not known, it is the one that fits; but leader epochs
// that fall have rotted.
func (s *span) fits(pieces []piece) bool {
	if !s.after.known {
		return true
	}
	if !s.before.known {
		if !rising(pieces) {
			return false
		}
		h := s.after.hash
		for i := len(pieces) - 1; i >= 0; i-- {
			h = pieces[i].before(h)
		}
		s.before = anchor{h, true}
		return true
	}
	h := s.before.hash
	for i := range pieces {
		for _, l := range pieces[i].links {
			h = l.after(h)
		}
	}
	return h == s.after.hash
}

// rising says whether no leader epoch is below one before it.
func rising(pieces []piece) bool {
	epoch := anyChain.epoch
	for i := range pieces {
		for _, l := range pieces[i].links {
			if l.epoch() < epoch {
				return false
			}
			epoch = l.epoch()
		}
	}
	return true
}

// before returns the running hash before a piece, given the one after it.
func (c *piece) before(h uint64) uint64 {
	for i := len(c.links) - 1; i >= 0; i-- {
		h = c.links[i].before(h)
	}
	return h
}

// setHashes tells the index the running hashes from the one before the piece on, and returns the one after it.
func (c *piece) setHashes(h uint64) uint64 {
	x := c.seg.index
	pos := c.pos
	i, _ := x.boundary(pos)
	for _, l := range c.links {
		if i < len(x) && int64(x[i].pos) == pos {
			x[i].hash = h
			i++
		}
		h = l.after(h)
		pos += l.size()
	}
	if pos == c.seg.size {
		c.seg.hash = h
	}
	return h
}

// maxMisfits is after how many of them what was kept of a span is as much in doubt as what peers sent.
const maxMisfits = 3

// misfit makes what peers sent for a span lost again; after too many all of it. Then the places of its batches are in doubt
// too, and files of which it has the whole are written from the beginning.
func (p *segments) misfit(sp *span) {
	sp.misfits++
	all := sp.misfits > maxMisfits && !sp.indexed && !sp.given
	if all {
		p.widen(sp)
		sp.before, sp.after = sp.first, sp.last
	}
	var rest []piece
	for _, c := range sp.pieces {
		if c.state == patched || all {
			c.state, c.links, c.folded = lost, nil, false
			if c.seg != nil && (c.seg.patch || all && p.covers(sp, c.seg)) {
				p.unpatch(c.seg)
				c.seg = nil
				if c.from < p.logStart {
					c.from, sp.first, sp.before = p.logStart, anchor{}, anchor{}
				}
			}
		}
		if c.state == lost && c.to <= p.logStart && len(rest) == 0 && !sp.indexed && !sp.given {
			sp.first, sp.before = anchor{}, anchor{}
			continue
		}
		if c.seg == nil {
			c.pos, c.end = 0, 0
		}
		if n := len(rest); n > 0 && c.state == lost && rest[n-1].state == lost && rest[n-1].seg == c.seg {
			rest[n-1].to, rest[n-1].end = c.to, c.end
			continue
		}
		rest = append(rest, c)
	}
	sp.pieces = rest
	sp.unindex()
}

// unindex takes out of the indexes what came from bytes that are lost or given up: it may stand where no batch begins.
func (s *span) unindex() {
	for i := range s.pieces {
		if c := &s.pieces[i]; c.state == lost && c.seg != nil && !s.indexed {
			c.seg.index = slices.DeleteFunc(c.seg.index, func(e indexEntry) bool { return c.pos < int64(e.pos) && int64(e.pos) < c.end })
		}
	}
}

// widen has a span that is given up reach to the end of its last segment: if its batches aren't where they were taken to be,
// then no more are those behind them in that file.
func (p *segments) widen(sp *span) {
	c := sp.pieces[len(sp.pieces)-1]
	s := c.seg
	if s == nil || c.end == s.size || p.pending || s.synced < s.size {
		return
	}
	s.sealed = true
	for _, o := range slices.Clone(p.spans) {
		if o != sp && o.pieces[0].seg == s && o.pieces[0].pos >= c.end {
			if o.to() > s.end {
				return
			}
			p.removeSpan(o)
		}
	}
	sp.pieces = append(sp.pieces, piece{seg: s, from: c.to, to: s.end, pos: c.end, end: s.size, state: lost})
	sp.last = anchor{s.hash, true}
}

// covers says whether a span has all of a segment in it that isn't below the log start.
func (p *segments) covers(sp *span, s *segment) bool {
	first := slices.IndexFunc(sp.pieces, func(c piece) bool { return c.seg == s })
	end := int64(0)
	for _, c := range sp.pieces {
		if c.seg == s {
			end = c.end
		}
	}
	c := sp.pieces[first]
	return (c.pos == 0 || c.from <= p.logStart) && end == s.size && s != p.open()
}

// unpatch takes a file that repairs made out of use; its name is used again.
func (p *segments) unpatch(s *segment) {
	if !slices.Contains(p.live, s) {
		return
	}
	p.loose = append(p.loose, p.files(s)...)
	p.live = slices.DeleteFunc(p.live, func(l *segment) bool { return l == s })
}

// suspect makes what a read touched lost, interval by interval.
func (p *segments) suspect(rd Read) {
	s := p.segmentOf(rd.File)
	if s == nil || s.synced == 0 || rd.Len <= 0 || rd.Off >= s.synced {
		return
	}
	if _, ok := s.index.boundary(s.synced); !ok && s.synced < s.size { // an append is out: what it brings isn't lost
		e := s.index[len(s.index)-1]
		i, _ := s.index.boundary(s.synced)
		if i > 0 {
			e = s.index[i-1]
		}
		s.seen, s.index = 0, slices.Insert(s.index, i, indexEntry{offset: uint32(p.stable - s.base), pos: uint32(s.synced), maxTS: e.maxTS, hash: p.synced})
	}
	i, same := s.index.boundary(max(rd.Off, 0))
	if !same {
		i--
	}
	for ; i < len(s.index) && int64(s.index[i].pos) < min(rd.Off+int64(rd.Len), s.synced); i++ {
		p.lose(s, i)
	}
}

// interval returns an interval as a lost piece, and the hashes around it.
func (s *segment) interval(i int) (c piece, before, after uint64) {
	e := s.index[i]
	c = piece{seg: s, from: s.base + int64(e.offset), to: s.end, pos: int64(e.pos), end: s.size, state: lost}
	after = s.hash
	if i+1 < len(s.index) {
		next := s.index[i+1]
		c.to, c.end, after = s.base+int64(next.offset), int64(next.pos), next.hash
	}
	return c, e.hash, after
}

// lose makes an interval lost that isn't.
func (p *segments) lose(s *segment, i int) {
	c, before, after := s.interval(i)
	if c.to <= p.logStart {
		return
	}
	if sp := p.spanOver(s, c.pos); sp != nil {
		sp.lose(c, before, after)
		sp.unindex()
		return
	}
	for _, sp := range p.spans {
		if last := &sp.pieces[len(sp.pieces)-1]; sp.indexed && last.seg == s && last.end == c.pos {
			if last.state == lost {
				last.to, last.end = c.to, c.end
			} else {
				sp.pieces = append(sp.pieces, c)
			}
			sp.last, sp.after = anchor{after, true}, anchor{after, true}
			return
		}
	}
	b, a := anchor{before, true}, anchor{after, true}
	p.insertSpan(&span{pieces: []piece{c}, first: b, before: b, after: a, last: a, indexed: true})
}

// lose makes an interval lost, and with it what can't be folded into the hash any more without it.
func (s *span) lose(c piece, before, after uint64) {
	k := slices.IndexFunc(s.pieces, func(x piece) bool { return x.seg == c.seg && x.pos <= c.pos && c.pos < x.end })
	x := s.pieces[k]
	if x.state != kept {
		return
	}
	gone := piece{seg: x.seg, from: x.from, to: x.to, pos: x.pos, end: x.end, state: lost}
	head := !slices.ContainsFunc(s.pieces[:k], func(x piece) bool { return !x.folded })
	switch {
	case !x.folded:
		s.pieces[k] = gone
	case head:
		for i := k; s.pieces[i].folded; i++ {
			y := &s.pieces[i]
			y.state, y.folded = lost, false
		}
		s.before = anchor{before, s.first.known}
		if c.pos > x.pos {
			x.to, x.end = c.from, c.pos
			s.pieces[k].from, s.pieces[k].pos = c.from, c.pos
			s.pieces = slices.Insert(s.pieces, k, x)
		}
	default:
		for i := k; s.pieces[i].folded; i-- {
			y := &s.pieces[i]
			y.state, y.folded = lost, false
		}
		s.after = anchor{after, true}
		if c.end < x.end {
			s.pieces[k].to, s.pieces[k].end = c.to, c.end
			x.from, x.pos = c.to, c.end
			s.pieces = slices.Insert(s.pieces, k+1, x)
		}
	}
}

// unknownTime is the highest timestamp of an interval that is lost.
const unknownTime = math.MinInt64
