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
// A file that takes a lost one's place has filler where nothing of the old one is known: sectors that say up to which write group the WAL
// counted by then. It stands over bad sectors of nothing that counts, too. Zeros would look as if nothing had ever been written there, and
// hide it if more is lost later (S6).
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

// sealZeros is sealSector for a payload of zeros, of which most of a small write group is.
func sealZeros(b []byte, seed uint32, group uint64) {
	crc := zerosCRC[0][byte(seed)] ^ zerosCRC[1][byte(seed>>8)] ^ zerosCRC[2][byte(seed>>16)] ^ zerosCRC[3][seed>>24]
	binary.BigEndian.PutUint32(b[sectorPayload:], crc)
	binary.BigEndian.PutUint32(b[sectorPayload+4:], uint32(group))
}

// zerosCRC has the CRC of a payload of zeros for each byte of a seed, the first of them with what it is for no seed. A CRC of bytes that
// are known is linear in what it begins with, so that of any seed is the exclusive or of its four bytes'.
var zerosCRC = func() (t [4][256]uint32) {
	zeros := zeroBlock[:sectorPayload]
	none := crc32.Update(0, castagnoli, zeros)
	for k := range t {
		for is := range t[k] {
			t[k][is] = crc32.Update(uint32(is)<<(8*k), castagnoli, zeros)
			if k > 0 {
				t[k][is] ^= none
			}
		}
	}
	return t
}()

// sectorIs says whether b is a sector of this write group in this place.
func sectorIs(b []byte, ident uint64, slot, sector int, group uint64) bool {
	if uint32(group) != binary.BigEndian.Uint32(b[sectorPayload+4:]) {
		return false
	}
	seed := sectorSeed(ident, slot, sector, group)
	return binary.BigEndian.Uint32(b[sectorPayload:]) == crc32.Update(seed, castagnoli, b[:sectorPayload])
}

// fillerSalt makes the seeds of filler other ones than those of write groups' sectors, which may hold any bytes.
const fillerSalt = 0x66696c6c6572

// sealFiller makes b a sector that says that the WAL counted up to a write group when its file was made; zeros if there was none.
func sealFiller(b []byte, ident uint64, slot, sector int, group uint64) {
	clear(b[:sectorSize])
	if group == 0 {
		return
	}
	sealZeros(b, sectorSeed(ident^fillerSalt, slot, sector, group), group)
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
