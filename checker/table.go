package checker

import "math/bits"

// table is a hash table with open addressing. It holds tags and numbers only.
//
//	| tag 32 | number+1 32 |
type table struct {
	slots []uint64
	n     int
	size  int // slots has a few more, for what is pushed beyond its end
}

const (
	spill     = 16 // room behind a table's last slot
	emptySize = 32
)

func numberOf(e uint64) int32 { return int32(uint32(e)) - 1 }

// home keeps the order of tags, so that growing goes through both tables once.
func (t *table) home(tag uint32) int { return int(uint64(tag) * uint64(t.size) >> 32) }

func (t *table) put(tag uint32, v int32) {
	if 4*t.n >= 3*t.size {
		t.grow(max(emptySize, t.size+t.size/2))
	}
	t.set(uint64(tag)<<32 | uint64(v+1))
}

func (t *table) set(e uint64) {
	at := t.home(uint32(e >> 32))
	for at < len(t.slots) && t.slots[at] != 0 {
		at++
	}
	if at == len(t.slots) {
		t.slots = append(t.slots, 0)
	}
	t.slots[at] = e
	t.n++
}

// drop removes number v, and moves those behind it up that the gap would cut off.
func (t *table) drop(tag uint32, v int32) {
	at, e := t.home(tag), uint64(tag)<<32|uint64(v+1)
	for t.slots[at] != e {
		at++
	}
	for k := at + 1; k < len(t.slots) && t.slots[k] != 0; k++ {
		if t.home(uint32(t.slots[k]>>32)) <= at {
			t.slots[at] = t.slots[k]
			at = k
		}
	}
	t.slots[at] = 0
	t.n--
}

// grow moves all to a larger table.
func (t *table) grow(size int) {
	old := t.slots
	*t = table{slots: make([]uint64, size, size+spill), size: size}
	for _, e := range old {
		if e != 0 {
			t.set(e)
		}
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
