package log

import (
	"fmt"
	"testing"
)

// BenchmarkWriteGroup builds write groups from staged entries; the disk is not part of it.
func BenchmarkWriteGroup(b *testing.B) {
	for _, size := range []int{100, 1 << 10, 16 << 10, 1 << 20} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			opt := Options{WALFiles: 4, WALFileBytes: 64 << 20, GroupBytes: 4 << 20, SegmentBytes: 1 << 30, IndexBytes: 4096}
			disk := newMemFS()
			small := opt
			small.WALFileBytes, small.GroupBytes = 32*BlockSize, 2*BlockSize // the files are never read or written here
			if err := Format(disk, testID, small); err != nil {
				b.Fatal(err)
			}
			s, _, err := Open(disk, testID, small)
			if err != nil {
				b.Fatal(err)
			}
			s.opt, s.ring.blocks = opt, opt.fileBlocks()
			n := max(1, min(256, 2<<20/size))
			data := make([]byte, size)
			es := make([]Entry, n)
			var groups []uint64
			for g := range uint64(16) {
				groups = append(groups, g)
				s.Create(g, nil, Mark{})
			}
			index := uint64(1)
			run := func() {
				for i := range es {
					es[i] = Entry{Index: index + uint64(i), Term: 1, Data: data}
				}
				for _, g := range groups[:1] {
					s.Append(g, es)
				}
				index += uint64(n)
				for p, ok := s.Plan(LaneWAL); ok; p, ok = s.Plan(LaneWAL) {
					if err := s.Done(Done{Lane: LaneWAL, ID: p.ID}); err != nil {
						b.Fatal(err)
					}
				}
				if len(s.Reclaim()) > 0 {
					h, _ := s.EntryHash(0, index-1)
					s.Flush(0, nil, Mark{Index: index - 1, Term: 1, EntryHash: h})
				}
			}
			run()
			b.SetBytes(int64(n * size))
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				run()
			}
			if s.Blocked() {
				b.Fatalf("blocked: %+v, state %+v, normal %d, urgent %d", s.ring, s.state, s.normal.n, s.urgent.n)
			}
		})
	}
}
