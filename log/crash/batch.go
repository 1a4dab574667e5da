package crash

import (
	"encoding/binary"
	"hash/crc32"
	"math/bits"

	"logd/log"
)

// fold adds words to a running sum of everything compared here.
func fold(h uint64, words ...uint64) uint64 {
	for _, w := range words {
		hi, lo := bits.Mul64(h^w^0x9e3779b97f4a7c15, bits.RotateLeft64(h, 29)^0xd6e8feb86659fd93)
		h = (hi ^ lo ^ w) * 0xbf58476d1ce4e5b9
		h ^= h >> 31
	}
	return h
}

// foldBytes adds bytes, and how many.
func foldBytes(h uint64, b []byte) uint64 {
	h = fold(h, uint64(len(b)))
	for ; len(b) >= 8; b = b[8:] {
		h = fold(h, binary.LittleEndian.Uint64(b))
	}
	var rest [8]byte
	copy(rest[:], b)
	return fold(h, binary.LittleEndian.Uint64(rest[:]))
}

// newBatch makes a stamped record batch of at least its header's bytes, which differ by salt.
func newBatch(base int64, epoch int32, records, size int, salt uint64) []byte {
	b := make([]byte, max(size, log.BatchHeader))
	binary.BigEndian.PutUint32(b[8:], uint32(len(b)-12))
	b[16] = 2
	binary.BigEndian.PutUint32(b[23:], uint32(records-1))
	binary.BigEndian.PutUint64(b[27:], uint64(1000+base))
	binary.BigEndian.PutUint64(b[35:], uint64(1000+base))
	binary.BigEndian.PutUint32(b[57:], uint32(records))
	fill(b[log.BatchHeader:], salt)
	binary.BigEndian.PutUint32(b[17:], crc32.Checksum(b[21:], crc32.MakeTable(crc32.Castagnoli)))
	log.Stamp(b, base, epoch)
	return b
}

// fill writes bytes that a salt decides.
func fill(b []byte, salt uint64) {
	for i := range b {
		if i%8 == 0 {
			salt = fold(salt, uint64(i))
		}
		b[i] = byte(salt >> (8 * (i % 8)))
	}
}
