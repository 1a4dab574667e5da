package log

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/bits"
)

// HashEntry returns the running hash of a group's log after e, given the one before it (0 before the first entry). Equal
// hashes mean equal logs, up to chance: it is no defence against an adversary (S6, G11). On disk, don't change.
func HashEntry(h uint64, e Entry) uint64 {
	return hashEntryCRC(h, e, uint32(len(e.Data)), crc32.Checksum(e.Data, castagnoli))
}

// hashEntryCRC is HashEntry where size and CRC-32C of the entry's data are known already, and the data maybe lost.
func hashEntryCRC(h uint64, e Entry, size, crc uint32) uint64 {
	h = mix64(h, e.Index)
	h = mix64(h, e.Term)
	h = mix64(h, uint64(e.Type)<<56|uint64(size))
	return mix64(h, uint64(crc))
}

// HashBatch returns the running hash of a partition's batches after one whole batch, given the one before it (0 at offset 0;
// G11). It covers the header's fields outside of the CRC and the CRC that stands in the header: the caller has checked that
// one. On disk, don't change.
func HashBatch(h uint64, batch []byte) uint64 {
	if len(batch) < BatchHeader {
		panic(fmt.Sprintf("invariant L10: only whole batches are stored, this one is of %d bytes", len(batch)))
	}
	return linkOf(batch).after(h)
}

// link is what one batch adds to the running batch hash.
type link struct {
	base uint64 // base offset
	head uint64 // length, leader epoch
	tail uint64 // magic, CRC
}

func linkOf(batch []byte) link {
	return link{
		base: binary.BigEndian.Uint64(batch),
		head: binary.BigEndian.Uint64(batch[8:]),
		tail: uint64(batch[16])<<32 | uint64(binary.BigEndian.Uint32(batch[17:])),
	}
}

// after returns the running hash after the batch, given the one before it.
func (l link) after(h uint64) uint64 { return mix64(mix64(mix64(h, l.base), l.head), l.tail) }

// before returns the running hash before the batch, given the one after it.
func (l link) before(h uint64) uint64 { return unmix64(unmix64(unmix64(h, l.tail), l.head), l.base) }

func (l link) epoch() int32 { return int32(l.head) }

// size is the batch's length in bytes.
func (l link) size() int64 { return int64(int32(l.head>>32)) + batchLengthEnd }

// mix64 folds x into h: the finalizer of splitmix64 (Steele, Lea, Flood 2014), which is a bijection of x for each h and of h
// for each x, so one difference never cancels by itself.
func mix64(h, x uint64) uint64 {
	h = bits.RotateLeft64(h, 27)*0x9e3779b97f4a7c15 + 0x2545f4914f6cdd1d
	h ^= x
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

func checksum(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

// unmix64 is mix64's inverse in h: so a hash that is known behind some batches tells the one before them.
func unmix64(h, x uint64) uint64 {
	h ^= h>>31 ^ h>>62
	h *= 0x319642b2d24d8ec3
	h ^= h>>27 ^ h>>54
	h *= 0x96de1b173f119089
	h ^= h>>30 ^ h>>60
	h ^= x
	return bits.RotateLeft64((h-0x2545f4914f6cdd1d)*0xf1de83e19937733d, -27)
}
