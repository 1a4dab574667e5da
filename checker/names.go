package checker

import (
	"encoding/binary"
	"math/bits"
)

// names holds the values of a partition, numbered as they come, and finds the
// number of a value. A hash only says where to look: two values are the same if
// their bytes are (A8).
//
//	table   | tag 32 | number+1 32 |     by tag; open addressing
//	entries   pos 32   owner              by number
//	text      … len "value" len "value" … in order of number
type names struct {
	text    [][]byte // blocks of textBlock bytes; a longer value has one of its own, with empty ones after it
	entries column[nameEntry]
	end     int64   // where the next value's text begins
	base    []int64 // of each baseEvery entries, where their text begins
	table   []shard // by the first bits of the tag: 1, then many, so that one at a time is copied to grow
	shift   uint    // 32 less the number of those bits
}

// nameEntry is 8 bytes: there is one for every value.
type nameEntry struct {
	pos   uint32 // of the value in text, from its base
	owner uint32 // seen in the first bit, then the append
}

type shard struct {
	slots []uint64
	n     int
	size  int // slots has a few more, for what is pushed beyond its end
}

const (
	textBits  = 18
	textBlock = 1 << textBits
	shards    = 64
	spill     = 16 // room behind a table's last slot
	emptySize = 32
	// splitAt is how many values one shard holds before there are many.
	splitAt = 1 << 13
	// baseEvery entries of maxValue bytes have less text than a pos can tell.
	baseEvery = 64
	maxValue  = 1 << 25
)

func newNames() names {
	return names{table: []shard{newShard(emptySize)}, shift: 32}
}

func newShard(size int) shard { return shard{slots: make([]uint64, size, size+spill), size: size} }

func (m *names) len() int { return m.entries.n }

// bytes are those of value v; not to be changed.
func (m *names) bytes(v int32) []byte {
	at := m.base[v/baseEvery] + int64(m.entries.get(int(v)).pos)
	b := m.text[at>>textBits][at&(textBlock-1):]
	if n := b[0]; n < 0x80 {
		return b[1 : 1+int(n)]
	}
	n, k := binary.Uvarint(b)
	return b[k : k+int(n)]
}

func (m *names) string(v int32) string { return string(m.bytes(v)) }

func (m *names) is(v int32, name string) bool { return string(m.bytes(v)) == name }

// find returns the number of a value, or -1, and its tag for put.
func (m *names) find(name string) (v int32, tag uint32) {
	tag = tagOf(name)
	s := &m.table[m.shardOf(tag)]
	for _, e := range s.slots[s.home(tag<<(32-m.shift)):] {
		if e == 0 {
			break
		}
		if uint32(e>>32) == tag && m.is(int32(uint32(e))-1, name) {
			return int32(uint32(e)) - 1, tag
		}
	}
	return -1, tag
}

// put makes name the next number, which find returns from now on.
func (m *names) put(name string, tag, owner uint32) int32 {
	v := int32(m.entries.n)
	m.write(name, owner)
	s := &m.table[m.shardOf(tag)]
	at, e := s.home(tag<<(32-m.shift)), uint64(tag)<<32|uint64(v+1)
	for ; at < len(s.slots) && s.slots[at] != 0; at++ {
		if old := s.slots[at]; uint32(old>>32) == tag && m.is(int32(uint32(old))-1, name) {
			s.slots[at] = e
			return v
		}
	}
	s.set(at, e)
	switch {
	case len(m.table) == 1 && s.n == splitAt:
		m.split()
	case s.n*4 > s.size*3:
		s.grow(s.size+s.size/3, 32-m.shift)
	}
	return v
}

func (m *names) shardOf(tag uint32) uint32 { return uint32(uint64(tag) >> m.shift) }

// home keeps the order of tags, so that growing goes through both tables once.
func (s *shard) home(tag uint32) int { return int(uint64(tag) * uint64(s.size) >> 32) }

func (s *shard) set(at int, e uint64) {
	if at == len(s.slots) {
		s.slots = append(s.slots, 0)
	}
	s.slots[at] = e
	s.n++
}

// grow moves all to a larger table; skip is how many first bits of the tags are
// those of the shard.
func (s *shard) grow(size int, skip uint) {
	old := s.slots
	*s = newShard(size)
	for _, e := range old {
		if e == 0 {
			continue
		}
		at := s.home(uint32(e>>32) << skip)
		for at < len(s.slots) && s.slots[at] != 0 {
			at++
		}
		s.set(at, e)
	}
}

// split makes many shards of the one.
func (m *names) split() {
	var parts [shards][]uint64
	m.shift = uint(32 - bits.TrailingZeros(shards))
	for _, e := range m.table[0].slots {
		if e != 0 {
			k := m.shardOf(uint32(e >> 32))
			parts[k] = append(parts[k], e)
		}
	}
	m.table = make([]shard, shards)
	for k := range m.table {
		m.table[k].slots = parts[k]
		m.table[k].grow(emptySize+2*len(parts[k]), 32-m.shift)
	}
}

// write appends the value's text and its entry.
func (m *names) write(name string, owner uint32) {
	need := len(name) + binary.MaxVarintLen32
	if at := int(m.end & (textBlock - 1)); at == 0 || at+need > textBlock {
		m.end = int64(len(m.text)) << textBits
		first := 0
		if m.end > 0 {
			first = max(need, textBlock)
		}
		m.text = append(m.text, make([]byte, 0, first))
	}
	if m.entries.n%baseEvery == 0 {
		m.base = append(m.base, m.end)
	}
	m.entries.push(nameEntry{uint32(m.end - m.base[m.entries.n/baseEvery]), owner})
	b := &m.text[len(m.text)-1]
	*b = append(binary.AppendUvarint(*b, uint64(len(name))), name...)
	m.end = int64(len(m.text)-1)<<textBits + int64(len(*b))
	if need > textBlock {
		for range (len(*b) - 1) >> textBits {
			m.text = append(m.text, nil)
		}
		m.end = int64(len(m.text)) << textBits
	}
}

// tagOf mixes eight bytes at a time. Equal values have equal tags; of others some
// have too, and are then compared.
func tagOf(s string) uint32 {
	const k0, k1 = 0x9e3779b97f4a7c15, 0xd6e8feb86659fd93
	h := uint64(len(s)) * k1
	for ; len(s) >= 8; s = s[8:] {
		h = mix(h^load(s), k0)
	}
	if len(s) > 0 {
		var last uint64
		for i := range len(s) {
			last |= uint64(s[i]) << (8 * i)
		}
		h = mix(h^last, k1)
	}
	return uint32(mix(h, k0) >> 32)
}

func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a^b, b)
	return hi ^ lo
}

func load(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}
