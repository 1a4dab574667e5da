package log

import (
	"errors"
	"fmt"
	"math"
	"path"
	"strings"
)

// scrubBytes is how much one read of a scrub brings, about: whole intervals.
const scrubBytes = 1 << 20

// segmentOf returns the segment whose file has a name, nil if there is none.
func (p *segments) segmentOf(file string) *segment {
	base, ok := parseSegmentName(path.Base(file), logSuffix)
	if !ok || !strings.HasPrefix(file, p.dir+"/") {
		return nil
	}
	for _, s := range p.live {
		if s.base == base {
			return s
		}
	}
	return nil
}

// scrub returns the next stretch at or behind an offset that can be verified, and the offset behind it. Spans are passed over:
// what is wrong there is known already.
func (p *segments) scrub(from int64) (Read, int64, bool) {
	from = max(from, p.logStart)
	for _, s := range p.live {
		if min(s.end, p.stable) <= from {
			continue
		}
		for i := s.index.at(max(from-s.base, 0)); i < len(s.index) && int64(s.index[i].pos) < s.synced; i++ {
			if p.spanOver(s, int64(s.index[i].pos)) == nil {
				return p.stretch(s, i)
			}
		}
	}
	return Read{}, from, false
}

// stretch returns what to read from an interval on.
func (p *segments) stretch(s *segment, i int) (Read, int64, bool) {
	begin := s.index[i]
	end := int64(begin.pos)
	for end < s.synced && (end == int64(begin.pos) || end-int64(begin.pos) < scrubBytes) && p.spanOver(s, end) == nil {
		end = min(s.index.after(i, s.synced), s.synced)
		i++
	}
	next := min(s.end, p.stable)
	if end < s.synced {
		next = s.base + int64(s.index[i].offset)
	}
	return Read{File: p.file(s.base, logSuffix), Off: int64(begin.pos), Len: int(end) - int(begin.pos), First: s.base + int64(begin.offset)}, next, true
}

// verify checks what a read that began with an interval has brought, interval by interval; it returns those that are not what
// was stored, and an error that says of the first what is wrong. What is no segment's any more, or in a span, is passed over.
func (p *segments) verify(rd Read, data []byte) ([]Read, error) {
	s := p.segmentOf(rd.File)
	if s == nil || rd.Len <= 0 {
		return nil, nil
	}
	var bad []Read
	var first error
	i, same := s.index.boundary(rd.Off)
	if !same {
		return nil, nil // what was found there isn't there any more
	}
	for ; i < len(s.index) && int64(s.index[i].pos) < min(rd.Off+int64(rd.Len), s.synced); i++ {
		pos := int64(s.index[i].pos)
		if p.spanOver(s, pos) != nil {
			continue
		}
		end := min(s.index.after(i, s.synced), s.synced)
		to := min(end, rd.Off+int64(rd.Len))
		has := data[min(pos-rd.Off, int64(len(data))):min(to-rd.Off, int64(len(data)))]
		err := p.verifyInterval(s, i, has, to-pos, end-pos)
		if err == nil {
			continue
		}
		bad = append(bad, Read{File: rd.File, Off: pos, Len: int(end - pos), First: s.base + int64(s.index[i].offset)})
		if first == nil {
			first = fmt.Errorf("%w: %s interval at byte %d: %w", ErrDamaged, rd.File, pos, err)
		}
	}
	return bad, first
}

// verifyInterval checks the bytes of an interval of the given size, of which the read was to bring some.
func (p *segments) verifyInterval(s *segment, i int, data []byte, asked, size int64) error {
	if int64(len(data)) < asked {
		return fmt.Errorf("%d bytes were read, expected %d", len(data), asked)
	}
	then := chain{next: s.base + int64(s.index[i].offset), epoch: anyChain.epoch}
	h := s.index[i].hash
	for len(data) > 0 {
		b, n, err := ParseBatch(data)
		if errors.Is(err, ErrShortBatch) && asked < size && n <= len(data)+int(size-asked) {
			return nil // the read ended within the interval
		}
		if err == nil {
			err = then.follow(b)
		}
		if err == nil {
			err = CheckCRC(data[:n])
		}
		if err != nil {
			return err
		}
		h = HashBatch(h, data)
		data = data[n:]
	}
	if want, next := p.behind(s, i); asked == size && (h != want || then.next != next) {
		return fmt.Errorf("batches lead to offset %d with running hash %016x, expected %d with %016x", then.next, h, next, want)
	}
	return nil
}

// behind returns the running hash and the offset behind the synced bytes of an interval.
func (p *segments) behind(s *segment, i int) (hash uint64, next int64) {
	switch {
	case i+1 < len(s.index) && int64(s.index[i+1].pos) <= s.synced:
		return s.index[i+1].hash, s.base + int64(s.index[i+1].offset)
	case s.synced < s.size:
		return p.synced, p.stable
	}
	return s.hash, s.end
}

// hashAt returns the running hash before an offset, if it is known.
func (p *segments) hashAt(offset int64) (uint64, bool) {
	if offset == p.stable {
		return p.synced, true
	}
	for _, sp := range p.spans {
		if sp.from() < offset && offset < sp.to() {
			return 0, false
		}
		if a := sp.first; offset == sp.from() {
			return a.hash, a.known
		}
		if a := sp.last; offset == sp.to() {
			return a.hash, a.known
		}
	}
	s := p.segmentAt(offset)
	if s == nil {
		for _, s := range p.live {
			if s.end == offset && offset <= p.stable {
				return s.hash, true
			}
		}
		return 0, false
	}
	e := s.index[s.index.at(offset-s.base)]
	return e.hash, s.base+int64(e.offset) == offset
}

// info describes the segments.
func (p *segments) info() []SegmentInfo {
	var is []SegmentInfo
	for i, s := range p.live {
		in := SegmentInfo{Base: s.base, End: s.end, Size: s.size, Closed: s.sealed || i < len(p.live)-1}
		in.MaxTimestamp = s.newest()
		if p.forgot(s) {
			in.MaxTimestamp = math.MaxInt64
		}
		is = append(is, in)
	}
	return is
}

// newest returns the highest timestamp of the index's intervals, at least 0. What was looked at isn't looked at again, but for
// the last interval, which grows: indexes are long, and retention asks often.
func (s *segment) newest() int64 {
	for ; s.seen < len(s.index)-1; s.seen++ {
		s.seenTS = max(s.seenTS, s.index[s.seen].maxTS)
	}
	if len(s.index) == 0 {
		return 0
	}
	return max(s.seenTS, s.index[len(s.index)-1].maxTS)
}

// forgot says whether a part of a segment is lost whose timestamps aren't known.
func (p *segments) forgot(s *segment) bool {
	for _, sp := range p.spans {
		for i := range sp.pieces {
			if c := &sp.pieces[i]; c.seg == s && c.state == lost && !sp.indexed {
				return true
			}
		}
	}
	return false
}
