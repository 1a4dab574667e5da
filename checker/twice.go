package checker

import "slices"

// twice looks for a value that was sent two times, without the table of all: it sorts
// tags, which goes through memory in order. It returns the two numbers, or -1 and -1.
func (m *names) twice(room *sorter) (first, again int32) {
	n := uint64(m.entries.n)
	rounds := min((n+room.whole-1)/room.whole, maxRounds)
	for k := range rounds {
		room.tags = room.tags[:0]
		if want := int(n/rounds + n/rounds/8); cap(room.tags) < want {
			room.tags = make([]uint64, 0, want)
		}
		v := uint64(0)
		for _, chunk := range m.entries.chunks {
			for _, e := range chunk {
				if v++; uint64(e.tag)*rounds>>32 == k && e.op() >= 0 {
					room.tags = append(room.tags, uint64(e.tag)<<32|v)
				}
			}
		}
		if first, again = m.equal(room.sort()); first >= 0 {
			return first, again
		}
	}
	return -1, -1
}

// equal looks for equal values among neighbours of equal tags.
func (m *names) equal(sorted []uint64) (first, again int32) {
	for i, e := range sorted {
		for k := i - 1; k >= 0 && sorted[k]>>32 == e>>32; k-- {
			if a, b := numberOf(sorted[k]), numberOf(e); m.is(a, m.string(b)) {
				return min(a, b), max(a, b)
			}
		}
	}
	return -1, -1
}

const (
	// wholeSort is about how many values are sorted at once. Of more, a part of all tags
	// is sorted in each round, so that it takes little room, and that near.
	wholeSort = 1 << 19
	maxRounds = 16
	radixBits = 11
	radix     = 1 << radixBits
)

// sorter has room to sort tags in, again and again.
type sorter struct {
	tags, other []uint64
	whole       uint64 // about as many are sorted at once
}

// sort sorts by tag, 11 bits at a time from the lowest, each time in order.
func (s *sorter) sort() []uint64 {
	s.other = slices.Grow(s.other[:0], len(s.tags))[:len(s.tags)]
	for shift := 32; shift < 64; shift += radixBits {
		var next [radix]int
		for _, e := range s.tags {
			next[e>>shift&(radix-1)]++
		}
		sum := 0
		for d, n := range next {
			next[d] = sum
			sum += n
		}
		for _, e := range s.tags {
			d := e >> shift & (radix - 1)
			s.other[next[d]] = e
			next[d]++
		}
		s.tags, s.other = s.other, s.tags
	}
	return s.tags
}
