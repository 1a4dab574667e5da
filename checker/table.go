package checker

import "math/bits"

// shard is a hash table with open addressing. It holds tags and numbers only.
//
//	| tag 32 | number+1 32 |
type shard struct {
	slots []uint64
	n     int
	size  int  // slots has a few more, for what is pushed beyond its end
	skip  uint // how many first bits of the tags are the shard's own
}

const (
	shardBits = 6
	shards    = 1 << shardBits
	spill     = 16 // room behind a table's last slot
	emptySize = 32
	// splitAt is how many values one shard holds before there are many.
	splitAt = 1 << 13
	// wave is how many slots are waited for at a time.
	wave = 32
)

func newShard(size int, skip uint) shard {
	return shard{slots: make([]uint64, size, size+spill), size: size, skip: skip}
}

func numberOf(e uint64) int32 { return int32(uint32(e)) - 1 }

// home keeps the order of tags, so that growing goes through both tables once.
func (s *shard) home(tag uint32) int { return int(uint64(tag<<s.skip) * uint64(s.size) >> 32) }

func (s *shard) put(tag uint32, v int32) {
	at := s.home(tag)
	for at < len(s.slots) && s.slots[at] != 0 {
		at++
	}
	s.set(at, uint64(tag)<<32|uint64(v+1))
}

func (s *shard) set(at int, e uint64) {
	if at == len(s.slots) {
		s.slots = append(s.slots, 0)
	}
	s.slots[at] = e
	s.n++
}

// drop removes number v, and moves those behind it up that the gap would cut off.
func (s *shard) drop(tag uint32, v int32) {
	at, e := s.home(tag), uint64(tag)<<32|uint64(v+1)
	for s.slots[at] != e {
		at++
	}
	for k := at + 1; k < len(s.slots) && s.slots[k] != 0; k++ {
		if s.home(uint32(s.slots[k]>>32)) <= at {
			s.slots[at] = s.slots[k]
			at = k
		}
	}
	s.slots[at] = 0
	s.n--
}

// grow moves all to a larger table.
func (s *shard) grow(size int) {
	old := s.slots
	*s = newShard(size, s.skip)
	slots, skip, to := s.slots, s.skip, uint64(size)
	for _, e := range old {
		if e == 0 {
			continue
		}
		at := int(uint64(uint32(e>>32)<<skip) * to >> 32)
		for at < len(slots) && slots[at] != 0 {
			at++
		}
		if at == len(slots) {
			slots = append(slots, 0)
		}
		slots[at] = e
		s.n++
	}
	s.slots = slots
}

// table is many shards, which grow in turn, one at a time: so no more than one is there
// twice, and there is never much more room than is needed.
type table struct {
	shards []shard // by the first bits of the tag: 1, then many
	shift  uint    // 32 less the number of those bits
	turn   int     // whose turn it is to grow
	n      int
	size   int
	sum    uint64 // of slots that were touched: a load whose result nobody wants might be left out
}

func newTable() table {
	return table{shards: []shard{newShard(emptySize, 0)}, shift: 32, size: emptySize}
}

func (t *table) shard(tag uint32) *shard { return &t.shards[uint64(tag)>>t.shift] }

func (t *table) put(tag uint32, v int32) {
	t.shard(tag).put(tag, v)
	t.grew()
}

// grew makes room after a value was put.
func (t *table) grew() {
	t.n++
	if len(t.shards) == 1 && t.n == splitAt {
		t.split()
		return
	}
	if 10*t.n <= 7*t.size {
		return
	}
	s := &t.shards[t.turn]
	t.turn = (t.turn + 1) % len(t.shards)
	more := s.size / 4
	if len(t.shards) == 1 {
		more = s.size
	}
	t.size += more
	s.grow(s.size + more)
}

// split makes many shards of the one.
func (t *table) split() {
	var parts [shards][]uint64
	t.shift = 32 - shardBits
	for _, e := range t.shards[0].slots {
		if e != 0 {
			k := e >> 32 >> t.shift
			parts[k] = append(parts[k], e)
		}
	}
	t.shards, t.size = make([]shard, shards), 0
	for k := range t.shards {
		t.shards[k] = shard{slots: parts[k], skip: shardBits}
		t.shards[k].grow(emptySize + 2*len(parts[k]))
		t.size += t.shards[k].size
	}
}

// touch brings the slots of some entries into the cache: their loads don't depend on
// each other, so all are waited for at once.
func (t *table) touch(entries []uint64) {
	sum := t.sum
	for _, e := range entries {
		tag := uint32(e >> 32)
		s := t.shard(tag)
		sum += s.slots[s.home(tag)]
	}
	t.sum = sum
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
