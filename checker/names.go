package checker

import "encoding/binary"

// names holds the values of a partition, numbered as they come, and finds the
// number of a value. A hash only says where to look: two values are the same if
// their bytes are (A8).
//
//	early     those read whose append isn't known: few
//	front     those sent last, until there are enough of them
//	table     all others sent; by the first bits of the tag, in shards
//	entries   pos 32   owner              by number
//	text      … len "value" len "value" …
//
// A value just sent is seldom one sent long ago, and the table is in no cache. So a value
// is added to front, and whether it was sent before is asked for many at a time, by
// merge: their waits for memory overlap. Until then find says so.
type names struct {
	text    [][]byte // blocks of textBlock bytes; a longer value has one of its own, with empty ones after it
	entries column[nameEntry]
	end     int64   // where the next value's text begins
	base    []int64 // of each baseEvery entries, where their text begins

	early, front shard // front without slots: values go to the table at once
	table        table
}

// nameEntry is 8 bytes: there is one for every value.
type nameEntry struct {
	pos   uint32 // of the value in text, from its base
	owner uint32 // seen in the first bit, then the append
}

const (
	textBits  = 18
	textBlock = 1 << textBits
	// baseEvery entries of maxValue bytes have less text than a pos can tell.
	baseEvery = 64
	maxValue  = 1 << 25
	// frontSize is how many slots front has. It is half full at most.
	frontSize = 1 << 10
)

func newNames() names {
	return names{table: newTable()}
}

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

// in returns the number that a shard has for a value, or -1.
func (m *names) in(s *shard, tag uint32, name string) int32 {
	if s.n == 0 {
		return -1
	}
	for _, e := range s.slots[s.home(tag):] {
		if e == 0 {
			break
		}
		if uint32(e>>32) == tag && m.is(numberOf(e), name) {
			return numberOf(e)
		}
	}
	return -1
}

// find returns the number of a value, or -1, and its tag.
func (m *names) find(name string) (v int32, tag uint32) {
	if v, tag = m.recent(name); v < 0 && m.front.slots != nil {
		v = m.in(m.table.shard(tag), tag, name)
	}
	return v, tag
}

// recent is find for all but what only merge can tell.
func (m *names) recent(name string) (v int32, tag uint32) {
	tag = tagOf(name)
	if v = m.in(&m.early, tag, name); v >= 0 {
		return v, tag
	}
	if m.front.slots == nil {
		return m.in(m.table.shard(tag), tag, name), tag
	}
	return m.in(&m.front, tag, name), tag
}

// sent makes name, which recent doesn't find, the next number: a value that was sent.
func (m *names) sent(name string, tag, owner uint32) int32 {
	v := m.write(name, owner)
	m.index(tag, v)
	return v
}

// full reports whether merge has to come before the next value.
func (m *names) full() bool { return 2*m.front.n >= frontSize }

func (m *names) index(tag uint32, v int32) {
	if m.front.slots != nil {
		m.front.put(tag, v)
		return
	}
	m.table.put(tag, v)
	if m.table.n == splitAt {
		m.front = newShard(frontSize, 0)
	}
}

// read makes name, which find doesn't find, the next number: a value that was read
// before it was sent.
func (m *names) read(name string, tag, owner uint32) int32 {
	v := m.write(name, owner)
	if 2*m.early.n >= m.early.size {
		m.early.grow(max(emptySize, 2*m.early.size))
	}
	m.early.put(tag, v)
	return v
}

// known makes a value that was read one that was sent, under its number.
func (m *names) known(tag uint32, v int32) {
	m.early.drop(tag, v)
	m.index(tag, v)
}

// forget gives up the number of a value that was read.
func (m *names) forget(tag uint32, v int32) { m.early.drop(tag, v) }

// merge moves what front holds to the table. It returns the numbers of a value that was
// sent twice, or -1 and -1.
func (m *names) merge() (first, again int32) {
	first, again = -1, -1
	var moved [frontSize / 2]uint64
	n := 0
	for _, e := range m.front.slots {
		if e != 0 {
			moved[n] = e
			n++
		}
	}
	for k, e := range moved[:n] {
		if k%wave == 0 {
			m.table.touch(moved[k:min(n, k+wave)])
		}
		s, tag := m.table.shard(uint32(e>>32)), uint32(e>>32)
		at := s.home(tag)
		for ; at < len(s.slots) && s.slots[at] != 0; at++ {
			if old := s.slots[at]; uint32(old>>32) == tag && string(m.bytes(numberOf(old))) == string(m.bytes(numberOf(e))) {
				first, again = numberOf(old), numberOf(e)
			}
		}
		s.set(at, e)
		m.table.grew()
	}
	if n > 0 {
		clear(m.front.slots)
		m.front.n = 0
	}
	return first, again
}

// write appends the value's text and its entry.
func (m *names) write(name string, owner uint32) int32 {
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
	return int32(m.entries.n - 1)
}
