package memfs

import (
	"encoding/binary"
	"math/bits"
)

const (
	// PageSize is what pages are cut into, and the larger of the atomic units.
	PageSize = 4096
	// SectorSize is the smaller of the atomic units.
	SectorSize  = 512
	pageSectors = PageSize / SectorSize
)

// page is a part of a file; nil stands for one of zeros (D1, D3).
type page struct {
	b      [PageSize]byte
	sums   [pageSectors]uint64 // of the sectors, 0 for zeros
	summed bool
}

// zeroPage is what a nil page reads as.
var zeroPage page

// newPage returns old with p at byte at of it, nil if that is zeros.
func newPage(old *page, p []byte, at int) *page {
	n := &page{}
	if old != nil && len(p) < PageSize {
		n.b = old.b
	}
	copy(n.b[at:], p)
	if n.b == zeroPage.b {
		return nil
	}
	return n
}

// head returns the page with zeros from byte size on.
func (p *page) head(size int) *page {
	if p == nil || size <= 0 {
		return nil
	}
	return newPage(nil, p.b[:min(size, PageSize)], 0)
}

// sum returns the sum of a sector.
func (p *page) sum(sector int) uint64 {
	if p == nil {
		return 0
	}
	if !p.summed {
		for i := range p.sums {
			p.sums[i] = sum(p.b[i*SectorSize : (i+1)*SectorSize])
		}
		p.summed = true
	}
	return p.sums[sector]
}

// total is the sum of a whole page.
func (p *page) total() uint64 {
	if p == nil {
		return 0
	}
	h := uint64(0)
	for i := range pageSectors {
		if s := p.sum(i); s != 0 {
			h += mix(s, uint64(i)+1)
		}
	}
	return h
}

// sum is a 64-bit sum of words, 0 for zeros.
func sum(b []byte) uint64 {
	h, any := uint64(0x9e3779b97f4a7c15), uint64(0)
	for ; len(b) >= 16; b = b[16:] {
		x, y := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
		any |= x | y
		h = mix(x^h, y^0xa0761d6478bd642f)
	}
	if any == 0 {
		return 0
	}
	return h | 1
}

// mix folds the 128-bit product of two words, each spread first so that none of them is nothing.
func mix(x, y uint64) uint64 {
	hi, lo := bits.Mul64(x^0xe7037ed1a0b428db, y^0x8ebc6af09c88c6e3)
	h := hi ^ lo
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	return h ^ h>>29
}

func sumName(name string) uint64 {
	h := uint64(len(name))
	for i := range len(name) {
		h = mix(h, uint64(name[i]))
	}
	return h
}
