package log

import (
	"encoding/binary"
	"hash/crc32"
)

// A WAL file is blocks of 4096 bytes; a block is 8 sectors, each of which proves by itself to which write group and place it
// belongs, so that torn, stale, misdirected and rotten bytes are told apart (S3). Numbers are big endian.
//
//	 0                                       504            508               512
//	┌────────────────────────────────────────┬──────────────┬─────────────────┐
//	│ payload                                │ crc32c       │ write group     │
//	│                                        │              │ (low 32 bits)   │
//	└────────────────────────────────────────┴──────────────┴─────────────────┘
//
// The CRC begins with a seed that is mixed from whose log it is, the file's slot, the sector's number in the file, and all 64
// bits of the write group's number. Equal payload at another place or of another write group has another CRC, always for
// 32 bits of seed that differ. A sector of zeros holds nothing: that is what a new file, and a cut, is made of.
//
// On disk, don't change.
const (
	sectorSize    = 512
	sectorPayload = 504
	blockSectors  = BlockSize / sectorSize
	blockPayload  = blockSectors * sectorPayload
)

// sectorSeed returns what the CRC of a sector begins with.
func sectorSeed(ident uint64, slot int, sector int, group uint64) uint32 {
	h := mix64(mix64(ident, uint64(slot)<<40|uint64(sector)), group)
	return uint32(h>>32) ^ uint32(h)
}

// sealSector writes CRC and write group behind a sector's payload.
func sealSector(b []byte, seed uint32, group uint64) {
	binary.BigEndian.PutUint32(b[sectorPayload:], crc32.Update(seed, castagnoli, b[:sectorPayload]))
	binary.BigEndian.PutUint32(b[sectorPayload+4:], uint32(group))
}

// sectorIs says whether b is a sector of this write group in this place.
func sectorIs(b []byte, ident uint64, slot, sector int, group uint64) bool {
	if uint32(group) != binary.BigEndian.Uint32(b[sectorPayload+4:]) {
		return false
	}
	seed := sectorSeed(ident, slot, sector, group)
	return binary.BigEndian.Uint32(b[sectorPayload:]) == crc32.Update(seed, castagnoli, b[:sectorPayload])
}

// hash returns whose log it is, as one number.
func (id Identity) hash() uint64 {
	h := mix64(walVersion, uint64(uint32(id.Broker)))
	h = mix64(h, id.Incarnation)
	return mix64(h, uint64(id.Shard)<<16|uint64(id.Shards))
}

func (id Identity) put(b []byte) {
	binary.BigEndian.PutUint32(b, uint32(id.Broker))
	binary.BigEndian.PutUint64(b[4:], id.Incarnation)
	binary.BigEndian.PutUint16(b[12:], id.Shard)
	binary.BigEndian.PutUint16(b[14:], id.Shards)
}

func getIdentity(b []byte) Identity {
	return Identity{
		Broker:      int32(binary.BigEndian.Uint32(b)),
		Incarnation: binary.BigEndian.Uint64(b[4:]),
		Shard:       binary.BigEndian.Uint16(b[12:]),
		Shards:      binary.BigEndian.Uint16(b[14:]),
	}
}
