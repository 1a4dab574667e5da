package log

import "slices"

// maxStrays is how many times in a row peers' batches that are sound and follow from what is known must end where an index says that no
// batch does, before the index is doubted. Rot does that to no batch: length and number of records lie under its checksum. So either the
// index is wrong, or all peers are; and the hash around what is doubted tells.
const maxStrays = 8

// giveUpIndex has an index no say any more in what is lost of its segment, if it can't be right: of the lost intervals next to each other
// only the hashes around them stay. Where all of the segment is lost its neighbours' hashes decide, and the file is written from the
// beginning. Whatever peers give is still taken only if it leads from one hash that is known to the other (S5). Where what is wrong lies
// below the log start, nobody looks for it: there the hole stays until the log start is past the segment.
func (p *segments) giveUpIndex(sp *span) {
	s := sp.pieces[0].seg
	if sp.strays <= maxStrays || !(sp.indexed || sp.given) || s == nil {
		return
	}
	at := slices.Index(p.spans, sp)
	i, j := at, at+1
	for i > 0 && p.spans[i-1].joins(p.spans[i], s) {
		i--
	}
	for j < len(p.spans) && p.spans[j-1].joins(p.spans[j], s) {
		j++
	}
	first, last := p.spans[i], p.spans[j-1]
	c := first.pieces[0]
	end := last.pieces[len(last.pieces)-1]
	c.to, c.end, c.state, c.links = end.to, end.end, lost, nil
	is := &span{first: first.first, after: last.last, last: last.last, given: true, pieces: []piece{c}}
	if c.end == s.size && s != p.open() && !p.pending && (c.pos == 0 || sp.given) {
		p.giveUpEnd(is)
		for j < len(p.spans) && is.takeOver(p.spans[j]) {
			j++
		}
	} else {
		s.indexed, s.seen = false, 0
	}
	is.before = is.first
	is.unindex()
	p.spans = slices.Replace(p.spans, i, j, is)
}

// giveUpEnd has a segment end before the last piece of it, or be no more if that is all of it. Then the index has no say either in where
// the segment ends, and with what hash.
func (p *segments) giveUpEnd(sp *span) {
	c := &sp.pieces[0]
	s := c.seg
	first, last := p.around(s)
	if c.pos == 0 {
		sp.first = first
		p.unpatch(s)
	} else {
		s.end, s.size, s.hash, s.sealed, s.indexed, s.seen = c.from, c.pos, sp.first.hash, true, false, 0
		s.synced = s.size
		s.index = slices.DeleteFunc(s.index, func(e indexEntry) bool { return int64(e.pos) >= s.size })
	}
	sp.last, sp.after, sp.given = last, last, false
	c.seg, c.pos, c.end = nil, 0, 0
}

// takeOver adds a span that begins with offsets in no file where this one ends, of which no file is left either: what lies between has its
// hash from what was given up.
func (s *span) takeOver(next *span) bool {
	end, begin := &s.pieces[len(s.pieces)-1], next.pieces[0]
	if end.seg != nil || begin.seg != nil || begin.state != lost || begin.from != end.to {
		return false
	}
	end.to = begin.to
	s.pieces = append(s.pieces, next.pieces[1:]...)
	s.after, s.last = next.after, next.last
	return true
}

// joins says whether a span of a segment's index, or one that was, ends where another begins.
func (s *span) joins(next *span, seg *segment) bool {
	a, b := s.pieces[len(s.pieces)-1], next.pieces[0]
	return (s.indexed || s.given) && (next.indexed || next.given) && a.seg == seg && b.seg == seg && a.end == b.pos
}

// around returns the running hashes that a segment's neighbours know before and behind it; its own where they know none.
func (p *segments) around(s *segment) (first, last anchor) {
	first, last = anchor{s.index[0].hash, true}, anchor{s.hash, true}
	i := slices.Index(p.live, s)
	if i > 0 && p.live[i-1].end == s.base && !p.touches(p.live[i-1], true) {
		first.hash = p.live[i-1].hash
	}
	switch {
	case s.end == p.stable:
		last.hash = p.synced
	case i+1 < len(p.live) && p.live[i+1].base == s.end && !p.touches(p.live[i+1], true):
		last.hash = p.live[i+1].index[0].hash
	}
	return first, last
}
