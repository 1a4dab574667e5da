package log

import "fmt"

// vouched says whether a mark has vouched for the running hash before an offset. What a start kept behind its mark, and what a transfer
// brings, has a hash that was made of the batches themselves: no index file says it before a later mark has, since a start would believe
// the file.
func (p *segments) vouched(offset int64) bool { return p.opened == nil || offset <= p.opened.LogEnd }

// vouch checks that a mark says the running hash that the segments have at its log end (L13). If they don't, and there are
// batches for which no mark vouched when the store was opened, or that a transfer brought since, one of these has rotted in its leader
// epoch, where no checksum sees it: all from the mark of then on is lost, and what a peer sends must lead to the hash of the mark of now.
func (p *segments) vouch(m Mark) {
	if m.LogEnd != p.stable {
		return
	}
	if m.BatchHash == p.synced {
		p.opened = nil
		return
	}
	if !p.refute(m) {
		panic(fmt.Sprintf("invariant L13: segments %s: mark at %d has running hash %016x at offset %d, the segments have %016x", p.dir, m.Index, m.BatchHash, m.LogEnd, p.synced))
	}
}

// doubt says that what is appended next was not applied here: no mark has vouched for it, nor for the epoch that it must follow from.
func (p *segments) doubt(last Mark) {
	p.epoch = anyChain.epoch
	if p.opened == nil {
		p.opened = &last
	}
}

// refute has all behind the last mark that vouched be a hole before a mark's log end. A repair that is queued is of no use then; none may be
// out.
func (p *segments) refute(m Mark) bool {
	if p.opened == nil || p.pending || m.LogEnd != p.stable || p.opened.LogEnd >= p.stable {
		return false
	}
	from, hash := p.opened.LogEnd, p.opened.BatchHash
	if from < p.start() {
		from, hash = p.start(), p.live[0].index[0].hash
	}
	sp := &span{first: anchor{hash, true}, last: anchor{m.BatchHash, true}, misfits: maxMisfits}
	sp.before, sp.after = sp.first, sp.last
	for _, s := range p.live {
		if s.end <= from {
			continue
		}
		s.indexed, s.seen, s.refuted = false, 0, s.base > 0 && (s.refuted || s.has.start && s.base > from)
		e := s.index[s.index.at(max(from-s.base, 0))]
		if len(sp.pieces) == 0 {
			sp.first = anchor{e.hash, true}
			sp.before = sp.first
		}
		sp.pieces = append(sp.pieces, piece{seg: s, from: s.base + int64(e.offset), to: s.end, pos: int64(e.pos), end: s.size, state: lost})
	}
	for _, old := range append([]*span(nil), p.spans...) {
		if old.from() >= from {
			p.removeSpan(old)
		}
	}
	p.insertSpan(sp)
	p.fix, p.opened = nil, nil
	p.hash, p.synced = m.BatchHash, m.BatchHash
	p.live[len(p.live)-1].hash = m.BatchHash
	p.epoch = anyChain.epoch // it may be rotten
	return true
}
