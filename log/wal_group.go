package log

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// A write group is a run of whole blocks of one file, and what is written and synced at once. Seen without the 8 bytes that
// end each sector, it is:
//
//	block 0 .. a                                          block b .. n-1, b > a
//	┌───────────────────────────┬────────────────┬──────┬───────────────────────────┬───────┬─────────┐
//	│ directory                 │ other payloads │ 0    │ the same directory        │ 0     │ trailer │
//	│ head, headers, payloads   │ back to back   │      │                           │       │         │
//	│ of marks ..., crc32c      │                │      │                           │       │         │
//	└───────────────────────────┴────────────────┴──────┴───────────────────────────┴───────┴─────────┘
//
//	head     0          8        16      24             32      36       40              44            48
//	        ┌──────────┬────────┬───────┬──────────────┬───────┬────────┬───────────────┬─────────────┐
//	        │"LOGDGRP1"│ number │ floor │ the other    │ count │ n, the │ b, the second │ length of   │
//	        │          │        │       │ payloads'    │       │ blocks │ directory's   │ payloads in │
//	        │          │        │       │ length       │       │        │               │ a directory │
//	        └──────────┴────────┴───────┴──────────────┴───────┴────────┴───────────────┴─────────────┘
//	trailer  "LOGDEND1", n 4, b 4: so the second directory is found from the end
//
// floor is the number of the oldest write group that still counts once this one does: the first one of a file.
//
// On disk, don't change.
const (
	groupMagic  = "LOGDGRP1"
	endMagic    = "LOGDEND1"
	dirHead     = 48
	trailerSize = 16
)

// sum counts records and the bytes of their payloads.
type sum struct {
	n      int
	inline int64 // of those that stand in the directories
	bytes  int64 // of the others
}

func (s sum) plus(o sum) sum { return sum{s.n + o.n, s.inline + o.inline, s.bytes + o.bytes} }

func (s sum) negative() sum { return sum{-s.n, -s.inline, -s.bytes} }

// dirLen is the length of a directory.
func (s sum) dirLen() int64 { return dirHead + int64(s.n)*recordHeader + s.inline + 4 }

// layout says how many blocks a write group has, and in which its second directory begins.
func (s sum) layout() (blocks, copyAt int) {
	first := (s.dirLen() + s.bytes + blockPayload - 1) / blockPayload
	return int(first + (s.dirLen()+trailerSize+blockPayload-1)/blockPayload), int(first)
}

// blocks is the number of blocks of a write group.
func (s sum) blocks() int {
	blocks, _ := s.layout()
	return blocks
}

// directory is what a write group says of itself.
type directory struct {
	number  uint64
	floor   uint64 // floor <= number
	sum     sum    // of the records
	blocks  int
	copyAt  int // 0 < copyAt < blocks
	records []header
	inline  []byte // payloads of marks, installs and creates, back to back
}

// encodeDir appends the directory of these records to b, and completes d.
func encodeDir(b []byte, d *directory, items []item) []byte {
	start := len(b)
	b = append(b, make([]byte, dirHead)...)
	for i := range items {
		h := items[i].header()
		b = h.append(b)
		d.sum = d.sum.plus(h.cost())
	}
	for i := range items {
		if items[i].kind.inline() {
			b = append(b, items[i].data...)
		}
	}
	d.blocks, d.copyAt = d.sum.layout()
	sealDir(b[start:], d)
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b[start:], castagnoli))
}

// sealDir writes the head of a directory.
func sealDir(b []byte, d *directory) {
	copy(b, groupMagic)
	binary.BigEndian.PutUint64(b[8:], d.number)
	binary.BigEndian.PutUint64(b[16:], d.floor)
	binary.BigEndian.PutUint64(b[24:], uint64(d.sum.bytes))
	binary.BigEndian.PutUint32(b[32:], uint32(d.sum.n))
	binary.BigEndian.PutUint32(b[36:], uint32(d.blocks))
	binary.BigEndian.PutUint32(b[40:], uint32(d.copyAt))
	binary.BigEndian.PutUint32(b[44:], uint32(d.sum.inline))
}

// parseDirHead reads the head of a directory and checks it for what can't be.
func parseDirHead(b []byte) (directory, error) {
	if len(b) < dirHead || !bytes.HasPrefix(b, []byte(groupMagic)) {
		return directory{}, fmt.Errorf("directory: no head in %d bytes", len(b))
	}
	d := directory{
		number: binary.BigEndian.Uint64(b[8:]),
		floor:  binary.BigEndian.Uint64(b[16:]),
		sum: sum{
			n:      int(binary.BigEndian.Uint32(b[32:])),
			inline: int64(binary.BigEndian.Uint32(b[44:])),
			bytes:  int64(binary.BigEndian.Uint64(b[24:])),
		},
		blocks: int(binary.BigEndian.Uint32(b[36:])),
		copyAt: int(binary.BigEndian.Uint32(b[40:])),
	}
	if d.number == 0 || d.floor == 0 || d.floor > d.number || d.sum.bytes < 0 || d.sum.bytes > 1<<40 {
		return d, fmt.Errorf("directory of write group %d: floor %d, %d bytes", d.number, d.floor, d.sum.bytes)
	}
	if blocks, at := d.sum.layout(); blocks != d.blocks || at != d.copyAt {
		return d, fmt.Errorf("directory of write group %d: %d blocks, second directory in %d, expected %d and %d", d.number, d.blocks, d.copyAt, blocks, at)
	}
	return d, nil
}

// parseDir reads a directory; b goes on past its end. What it returns aliases b.
func parseDir(b []byte) (directory, error) {
	d, err := parseDirHead(b)
	if err != nil {
		return d, err
	}
	if int64(len(b)) < d.sum.dirLen() {
		return d, fmt.Errorf("directory of write group %d: have %d bytes of %d records", d.number, len(b), d.sum.n)
	}
	end := d.sum.dirLen() - 4
	want, got := binary.BigEndian.Uint32(b[end:]), crc32.Checksum(b[:end], castagnoli)
	if want != got {
		return d, fmt.Errorf("directory of write group %d: crc is %08x, expected %08x", d.number, got, want)
	}
	d.records = make([]header, d.sum.n)
	var is sum
	for i := range d.records {
		d.records[i] = getHeader(b[dirHead+i*recordHeader:])
		is = is.plus(d.records[i].cost())
	}
	if is != d.sum {
		return d, fmt.Errorf("directory of write group %d: records are %+v, expected %+v", d.number, is, d.sum)
	}
	d.inline = b[dirHead+d.sum.n*recordHeader : end]
	return d, nil
}

// packer lays a write group's bytes into sectors and seals each as it fills: one pass, one copy.
type packer struct {
	buf    []byte // whole blocks
	ident  uint64
	slot   int
	first  int // number of buf's first sector in the file
	number uint64
	sector int // the one being filled
	in     int // in < sectorPayload: bytes in it
}

func (p *packer) write(b []byte) {
	for len(b) > 0 {
		at := p.sector * sectorSize
		n := copy(p.buf[at+p.in:at+sectorPayload], b)
		p.in += n
		b = b[n:]
		if p.in == sectorPayload {
			p.seal()
		}
	}
}

func (p *packer) seal() {
	at := p.sector * sectorSize
	sealSector(p.buf[at:at+sectorSize], sectorSeed(p.ident, p.slot, p.first+p.sector, p.number), p.number)
	p.sector++
	p.in = 0
}

// pad fills with zeros up to a block, less the last short bytes of the sector before it.
func (p *packer) pad(block, short int) {
	for end := block * blockSectors; p.sector < end; {
		at, to := p.sector*sectorSize+p.in, p.sector*sectorSize+sectorPayload
		if p.sector == end-1 && short > 0 {
			clear(p.buf[at : to-short])
			p.in = sectorPayload - short
			return
		}
		clear(p.buf[at:to])
		if p.in > 0 {
			p.seal()
			continue
		}
		sealZeros(p.buf[at:at+sectorSize], sectorSeed(p.ident, p.slot, p.first+p.sector, p.number), p.number)
		p.sector++
	}
}

// pack writes a whole group: its encoded directory, and the payloads that stand outside of it by way of each.
func (p *packer) pack(dir []byte, d *directory, each func(func([]byte))) {
	p.write(dir)
	each(p.write)
	p.pad(d.copyAt, 0)
	p.write(dir)
	p.pad(d.blocks, trailerSize)
	var t [trailerSize]byte
	copy(t[:], endMagic)
	binary.BigEndian.PutUint32(t[8:], uint32(d.blocks))
	binary.BigEndian.PutUint32(t[12:], uint32(d.copyAt))
	p.write(t[:])
	if p.sector*sectorSize != len(p.buf) || p.in != 0 {
		panic(fmt.Sprintf("invariant L4: write group %d ends in sector %d byte %d of %d bytes", p.number, p.sector, p.in, len(p.buf)))
	}
}

// parseTrailer reads what stands at the end of a write group's payload.
func parseTrailer(payload []byte) (blocks, copyAt int, ok bool) {
	t := payload[len(payload)-trailerSize:]
	return int(binary.BigEndian.Uint32(t[8:])), int(binary.BigEndian.Uint32(t[12:])), bytes.HasPrefix(t, []byte(endMagic))
}
