package log

import (
	"fmt"
	"path"
	"slices"
	"sort"
	"strconv"
	"strings"
)

const (
	// segmentBlock is where writes to a segment are cut: at multiples of it, so that all but the first and the last write of
	// an append are whole, aligned blocks.
	segmentBlock = 1 << 20
	// maxSegment bounds a segment's bytes and offsets before its last batch, so that an index entry's 32 bits hold them.
	maxSegment = 1 << 31

	logSuffix   = ".log"
	indexSuffix = ".index"
)

// segment is one file of committed batches, and the index of them. The last of a group is open, the others are closed: they
// never change, and have an index file.
type segment struct {
	base   int64 // offset of the first batch, which is the file's name
	end    int64 // base < end: next offset after the last batch written or planned
	size   int64 // bytes written or planned
	synced int64 // synced <= size: bytes that are stable, and so may be read (L1)
	index  index
}

// segments are the files of one group. Each method that takes ops adds operations to them, for the fill lane, and behaves
// from then on as if these had been run; but only what was synced is found.
//
// Files that a mark which may be the latest durable one speaks of are never removed: [segments.trim] is called with the log
// start of a durable mark, and [segments.reset] leaves old files until then (L10).
type segments struct {
	dir      string
	opt      Options
	exists   bool       // the directory is there
	live     []*segment // live[i].end == live[i+1].base
	at       int64      // base of the next segment, if live is empty
	kept     []string   // files from before a reset, all below the live ones
	stable   int64      // stable <= next(): next offset after the synced bytes
	logStart int64      // the log start last heard of
	epoch    int32      // leader epoch of the last batch, if any is known
	pending  bool       // an append was planned and is not complete
	hash     uint64     // running batch hash at next()
	rollNext bool       // the next append begins a segment
}

func newSegments(dir string, opt Options) *segments {
	return &segments{dir: dir, opt: opt, epoch: anyChain.epoch}
}

// segmentName is the name of a segment's file without its suffix.
func segmentName(base int64) string { return fmt.Sprintf("%020d", base) }

// parseSegmentName returns the base offset that a file's name stands for.
func parseSegmentName(name, suffix string) (int64, bool) {
	digits, ok := strings.CutSuffix(name, suffix)
	base, err := strconv.ParseInt(digits, 10, 64)
	return base, ok && err == nil && base >= 0 && segmentName(base) == digits
}

func (p *segments) file(base int64, suffix string) string {
	return path.Join(p.dir, segmentName(base)+suffix)
}

// next is the offset that the next append begins with.
func (p *segments) next() int64 {
	if len(p.live) == 0 {
		return p.at
	}
	return p.live[len(p.live)-1].end
}

// end returns the next offset after the synced bytes.
func (p *segments) end() int64 { return p.stable }

// start returns the first offset that is in a file.
func (p *segments) start() int64 {
	if len(p.live) == 0 {
		return p.at
	}
	return p.live[0].base
}

// size returns the bytes of batches in files, planned ones included.
func (p *segments) size() int64 {
	var n int64
	for _, s := range p.live {
		n += s.size
	}
	return n
}

// flushed takes the completion of the plan that has the operations of the last append.
func (p *segments) flushed() {
	if !p.pending {
		panic(fmt.Sprintf("invariant L1: segments %s: completion of an append that was not planned", p.dir))
	}
	p.pending = false
	for i := len(p.live) - 1; i >= 0 && p.live[i].synced < p.live[i].size; i-- {
		p.live[i].synced = p.live[i].size
	}
	p.stable = p.next()
}

// find returns where to read the batch that contains offset, if it is in synced bytes: from the beginning of its interval
// to maxBytes after the interval's end, so at least that batch whole. Its ID is for the caller to choose.
func (p *segments) find(offset int64, maxBytes int) (Read, bool) {
	i := sort.Search(len(p.live), func(i int) bool { return p.live[i].base > offset }) - 1
	if i < 0 || offset >= p.stable {
		return Read{}, false
	}
	s := p.live[i]
	e := s.index.at(offset - s.base)
	from := int64(s.index[e].pos)
	to := min(s.index.after(e, s.synced)+int64(max(maxBytes, 0)), s.synced)
	return Read{File: p.file(s.base, logSuffix), Off: from, Len: int(to - from), First: s.base + int64(s.index[e].offset)}, true
}

// findTime returns an offset at or before the first record from the log start on whose timestamp is at least ts (ms), and
// within one interval of it; false if the synced bytes have none.
func (p *segments) findTime(ts int64) (int64, bool) {
	for _, s := range p.live {
		if s.end <= p.logStart {
			continue
		}
		for i := s.index.at(max(p.logStart-s.base, 0)); i < len(s.index); i++ {
			offset := s.base + int64(s.index[i].offset)
			if s.index[i].maxTS >= ts && offset < p.stable {
				return max(offset, p.logStart), true
			}
		}
	}
	return 0, false
}

// trim removes the files that hold nothing at or above logStart, the log start of a durable mark. The open segment stays.
// A read of a removed file that is still out fails with fs.ErrNotExist. Names that a crash brings back are removed by
// openSegments, and no name is ever used twice, so the directory needs no sync.
func (p *segments) trim(ops []Op, logStart int64) []Op {
	if logStart > p.stable {
		panic(fmt.Sprintf("invariant L10: segments %s: log start %d of a durable mark is beyond the synced end %d", p.dir, logStart, p.stable))
	}
	p.logStart = max(p.logStart, logStart)
	if logStart >= p.start() { // the mark is past the gap that a reset made
		for _, name := range p.kept {
			ops = append(ops, Op{Kind: OpRemove, File: name})
		}
		p.kept = nil
	}
	n := 0
	for n < len(p.live)-1 && p.live[n].end <= logStart {
		for _, name := range p.files(n) {
			ops = append(ops, Op{Kind: OpRemove, File: name})
		}
		n++
	}
	p.live = slices.Delete(p.live, 0, n)
	return ops
}

// files names the files of a live segment.
func (p *segments) files(i int) []string {
	base := p.live[i].base
	if i == len(p.live)-1 {
		return []string{p.file(base, logSuffix)}
	}
	return []string{p.file(base, logSuffix), p.file(base, indexSuffix)}
}

// reset starts anew at an offset at or beyond the end. The files so far are found no more; they stay until [segments.trim]
// is called with a log start from this offset on, because the durable mark may still speak of them.
func (p *segments) reset(ops []Op, at int64, hash uint64) []Op {
	if p.pending || at < p.next() {
		panic(fmt.Sprintf("invariant L10: segments %s: reset to offset %d, with end %d and append pending %t", p.dir, at, p.next(), p.pending))
	}
	for i := range p.live {
		p.kept = append(p.kept, p.files(i)...)
	}
	p.live, p.at, p.stable, p.logStart = nil, at, at, at
	p.hash = hash
	return ops
}
