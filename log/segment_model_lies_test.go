package log

import (
	"slices"

	"pgregory.net/rapid"
)

// tellsAll says that the log begins with the first batch of all. Else the hash before it may be known from the damaged file alone, and what
// no file tells nobody can prove.
func (m *segModel) tellsAll() bool { return m.from == 0 && m.mark.LogStart == 0 }

// Exchange has two files of a kind change places, each as good as before; or parts of two files of batches, or of one.
func (m *segModel) Exchange(t *rapid.T) {
	suffix := rapid.SampledFrom([]string{logSuffix, logSuffix, indexSuffix, startSuffix}).Draw(t, "kind")
	name, other := m.pick(t, suffix), m.pick(t, suffix)
	if name == "" || len(m.disk.nodes[name].now) == 0 || len(m.disk.nodes[other].now) == 0 {
		return
	}
	if suffix != logSuffix && !m.tellsAll() {
		return
	}
	m.rotten, m.lied = true, m.lied || suffix != logSuffix
	a, b := slices.Clone(m.disk.nodes[name].now), slices.Clone(m.disk.nodes[other].now)
	if suffix != logSuffix || rapid.Bool().Draw(t, "whole") {
		a, b = b, a
	} else {
		if name == other {
			b = a
		}
		n := rapid.IntRange(1, 1000).Draw(t, "bytes")
		i, j := rapid.IntRange(0, len(a)-1).Draw(t, "at"), rapid.IntRange(0, len(b)-1).Draw(t, "with")
		n = min(n, len(a)-i, len(b)-j)
		was := slices.Clone(a[i : i+n])
		copy(a[i:], b[j:j+n])
		copy(b[j:j+n], was)
	}
	damage(m.disk, name, a)
	damage(m.disk, other, b)
	m.count["exchanged"]++
	m.open(t)
}

// settle brings the list in line with the end that a start found. Behind the mark, damage may hide batches from a start that a later one
// finds in their place: an exchange was reversed, a bit flipped back, what hid them was mended.
func (m *segModel) settle() {
	behind := func(b modelBatch) bool { return b.base >= m.mark.LogEnd }
	i := slices.IndexFunc(m.all, func(b modelBatch) bool { return behind(b) && b.base >= m.end })
	if i >= 0 {
		m.gone = append(m.gone, m.all[i:]...)
		m.all = slices.Clip(m.all[:i])
	}
	if n := len(m.all); !m.rotten || m.end <= m.mark.LogEnd || n > 0 && m.all[n-1].next == m.end && m.all[n-1].hash == m.hash {
		return
	}
	i = len(m.all)
	for i > 0 && behind(m.all[i-1]) {
		i--
	}
	known := slices.Concat(m.all[i:], m.gone)
	if is := m.chain(known, m.mark.LogEnd, m.mark.BatchHash); is != nil {
		m.gone = known
		m.all = append(slices.Clip(m.all[:i]), is...)
		m.count["back in place"]++
	}
}

// chain returns those of the batches that lead from an offset to the end, by their running hashes.
func (m *segModel) chain(of []modelBatch, at int64, h uint64) []modelBatch {
	if at == m.end && h == m.hash {
		return []modelBatch{}
	}
	for _, b := range of {
		if b.base == at && b.next <= m.end && HashBatch(h, b.data) == b.hash {
			if rest := m.chain(of, b.next, b.hash); rest != nil {
				return append([]modelBatch{b}, rest...)
			}
		}
	}
	return nil
}

// vouch does as the next mark would where a repair was cut short that had taken another's batches, and a start believed them, since no mark
// spoke of them: the hash tells.
func (m *segModel) vouch() {
	n := len(m.all)
	if m.others && m.end > m.mark.LogEnd && n > 0 && m.all[n-1].next == m.end && m.all[n-1].hash != m.hash {
		m.hash = m.all[n-1].hash
		m.p.vouch(Mark{LogEnd: m.end, BatchHash: m.hash})
		m.count["vouched"]++
	}
}

// Foreign puts another group's index or start file in the place of ours: whole, and of a segment at the same offset.
func (m *segModel) Foreign(t *rapid.T) {
	name := m.pick(t, rapid.SampledFrom([]string{indexSuffix, startSuffix}).Draw(t, "kind"))
	if name == "" || !m.tellsAll() {
		return
	}
	m.rotten, m.lied = true, true
	base := (&segments{}).looseBase(name)
	b := encodeStart(foreignDir, base, rapid.Uint64().Draw(t, "hash"))
	if _, ok := parseSegmentName(name[len(testDir)+1:], indexSuffix); ok {
		s := &segment{base: base, end: base, hash: rapid.Uint64().Draw(t, "hash")}
		for range rapid.IntRange(1, 5).Draw(t, "intervals") {
			s.index = append(s.index, indexEntry{offset: uint32(s.end - base), pos: uint32(s.size), hash: s.hash})
			s.end += rapid.Int64Range(1, 50).Draw(t, "offsets")
			s.size += rapid.Int64Range(61, 2000).Draw(t, "size")
		}
		s.index[0].hash = 0
		b = encodeIndex(foreignDir, s)
	}
	damage(m.disk, name, b)
	m.count["foreign"]++
	m.open(t)
}

// Lie has an index say, with a good checksum, that intervals begin where none does, or that the segment ended before.
func (m *segModel) Lie(t *rapid.T) {
	name := m.pick(t, indexSuffix)
	if name == "" {
		return
	}
	s, err := decodeIndex(testDir, m.disk.nodes[name].now)
	if err != nil || len(s.index) == 1 || !m.tellsAll() {
		return
	}
	m.rotten, m.lied = true, true
	if rapid.IntRange(0, 3).Draw(t, "stale") == 0 { // as it was when less had been written
		n := rapid.IntRange(1, len(s.index)-1).Draw(t, "intervals")
		e := s.index[n]
		s.end, s.size, s.hash, s.index = s.base+int64(e.offset), int64(e.pos), e.hash, s.index[:n]
		m.count["stale"]++
	} else {
		for range rapid.IntRange(1, 3).Draw(t, "lies") {
			i := rapid.IntRange(1, len(s.index)-1).Draw(t, "entry")
			e, before := &s.index[i], s.index[i-1]
			if rapid.Bool().Draw(t, "position") {
				e.pos = uint32(rapid.Int64Range(int64(before.pos)+1, s.index.after(i, s.size)-1).Draw(t, "pos"))
			} else if end := s.index.offsetAfter(i, s.end-s.base); end > int64(before.offset)+1 {
				e.offset = uint32(rapid.Int64Range(int64(before.offset)+1, end-1).Draw(t, "offset"))
			}
		}
		m.count["lied"]++
	}
	damage(m.disk, name, encodeIndex(testDir, s))
	m.open(t)
}

// offsetAfter returns the offset, less the base, where interval i ends.
func (x index) offsetAfter(i int, end int64) int64 {
	if i+1 < len(x) {
		return int64(x[i+1].offset)
	}
	return end
}
