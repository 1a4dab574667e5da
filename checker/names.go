package checker

import "encoding/binary"

// names holds the values of a partition, numbered as they come. A hash only says
// where to look: two values are the same if their bytes are (A8).
//
//	early     values read whose append isn't known
//	open      values sent whose append isn't placed, or has no outcome yet
//	all       every value; only there once something is wrong
//	entries   pos 32   owner 32   tag 32  by number
//	text      … len "value" len "value" …
//
// A value whose place is known is found by its offset, so no table has it (A9): that
// would cost a wait for memory for each. Whether one was sent twice, or read elsewhere, is
// asked for all of them at once, at the end or when a violation is found.
type names struct {
	text    [][]byte // blocks of textBlock bytes; a longer value has one of its own, with empty ones after it
	entries column[nameEntry]
	end     int64   // where the next value's text begins
	base    []int64 // of each baseEvery entries, where their text begins

	early, open, all table
}

// nameEntry is 12 bytes: there is one for every value.
type nameEntry struct {
	pos   uint32 // of the value in text, from its base
	owner uint32 // seen and shown in the first bits, then the append
	tag   uint32 // of the value: computed once, for what is far back is no longer in a cache
}

const (
	textBits  = 18
	textBlock = 1 << textBits
	// baseEvery entries of maxValue bytes have less text than a pos can tell.
	baseEvery = 64
	maxValue  = 1 << 25
)

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

// in returns the number that a table has for a value, or -1.
func (m *names) in(t *table, tag uint32, name string) int32 {
	if t.n == 0 {
		return -1
	}
	for _, e := range t.slots[t.home(tag):] {
		if e == 0 {
			break
		}
		if uint32(e>>32) == tag && m.is(numberOf(e), name) {
			return numberOf(e)
		}
	}
	return -1
}

// find returns the number of a value that is early or open, or, if all are told, of any;
// -1 if there is none. It returns the tag too.
func (m *names) find(name string) (v int32, tag uint32) {
	tag = tagOf(name)
	if v = m.in(&m.early, tag, name); v < 0 {
		v = m.in(&m.open, tag, name)
	}
	if v < 0 {
		v = m.in(&m.all, tag, name)
	}
	return v, tag
}

// unsent is find for a value that is about to be placed: of those that were sent it finds
// none unless all are told, for whether it was sent before is asked at the end.
func (m *names) unsent(name string) (v int32, tag uint32) {
	tag = tagOf(name)
	if v = m.in(&m.early, tag, name); v < 0 {
		v = m.in(&m.all, tag, name)
	}
	return v, tag
}

// sent makes name, which wasn't found, the next number: a value that was sent. It is
// neither open nor at a place until opened or bound (A9).
func (m *names) sent(name string, tag, owner uint32) int32 {
	v := m.write(name, tag, owner)
	if m.told() {
		m.all.put(tag, v)
	}
	return v
}

// read makes name, which find doesn't find, the next number: a value that was read
// before it was sent.
func (m *names) read(name string, tag, owner uint32) int32 {
	v := m.write(name, tag, owner)
	m.early.put(tag, v)
	return v
}

// known makes a value that was read one that was sent, under its number.
func (m *names) known(tag uint32, v int32) {
	m.early.drop(tag, v)
	if m.told() {
		m.all.put(tag, v)
	}
}

// forget gives up the number of a value that was read.
func (m *names) forget(tag uint32, v int32) { m.early.drop(tag, v) }

// opened says that a value was sent and has no place yet, or no outcome.
func (m *names) opened(v int32) { m.open.put(m.entries.get(int(v)).tag, v) }

// placed says that an open value is found by its place from now on.
func (m *names) placed(v int32) { m.open.drop(m.entries.get(int(v)).tag, v) }

// told reports whether find knows all values that were sent.
func (m *names) told() bool { return m.all.slots != nil }

// tell makes find know all values that were sent. It returns the numbers of one that was
// sent twice, or -1 and -1.
func (m *names) tell() (first, again int32) {
	first, again = -1, -1
	m.all.grow(max(emptySize, m.entries.n+m.entries.n/2))
	for v := range int32(m.entries.n) {
		e := m.entries.get(int(v))
		if e.op() < 0 {
			continue
		}
		if old := m.in(&m.all, e.tag, m.string(v)); old >= 0 {
			first, again = old, v
		}
		m.all.put(e.tag, v)
	}
	return first, again
}

// write appends the value's text and its entry.
func (m *names) write(name string, tag, owner uint32) int32 {
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
	m.entries.push(nameEntry{uint32(m.end - m.base[m.entries.n/baseEvery]), owner, tag})
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
