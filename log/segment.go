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
	startSuffix = ".start"
)

// segment is one file of committed batches, and the index of them. The last of a group is open, the others are closed: but for
// holes that are filled they never change, and have an index file.
type segment struct {
	base    int64 // offset of the first batch, which is the file's name
	end     int64 // base < end: next offset after the last batch written or planned
	size    int64 // bytes written or planned
	synced  int64 // synced <= size: bytes that are stable, and so may be read (L1)
	hash    uint64
	index   index
	has     names
	indexed bool // the index file is sound
	sealed  bool // closed, though it may be the last
	seen    int  // intervals whose timestamps are in seenTS; 0 once one of them changed
	seenTS  int64
	queued  bool // an index file is to be made
	refuted bool // no start file says the hash before it, or one that no mark has vouched for: it is written once one has
	patch   bool // made by repairs, between two others, and not proved
}

// names says which files of a segment there are.
type names struct {
	log, index, start bool
	mend              bool // a repair may not have been synced
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
	live     []*segment // live[i].end <= live[i+1].base; what is between them is a hole
	loose    []string   // files of no use but for their names; no .log of them lies within a live segment, else a start would end that one there
	sick     []string   // files that the device couldn't open, by the names that they have now; they go with the group
	kept     []string   // files from before a reset, all below the live ones
	at       int64      // offset that the next append begins with
	stable   int64      // stable <= next(): next offset after the synced bytes
	logStart int64      // the log start last heard of
	epoch    int32      // leader epoch of the last batch, if any is known
	pending  bool       // an append was planned and is not complete
	hash     uint64     // running batch hash at next()
	synced   uint64     // running batch hash at stable
	rollNext bool       // the next append begins a segment
	spans    []*span    // with holes, in order
	fix      *repair    // queued or out
	opened   *Mark      // when batches behind it were kept or transferred, till a later one vouches for them
	damage   []string   // found at opening, one line each
}

func newSegments(dir string, opt Options) *segments {
	return &segments{dir: dir, opt: opt, epoch: anyChain.epoch}
}

// segmentName is the name of a segment's file without its suffix.
func segmentName(base int64) string { return padded(uint64(base), segmentDigits) }

const segmentDigits = 20

// padded writes a number with zeros in front, in so many digits at least, up to 20.
func padded(n uint64, digits int) string {
	return string(appendPadded(make([]byte, 0, segmentDigits), n, digits))
}

func appendPadded(b []byte, n uint64, digits int) []byte {
	const zeros = "00000000000000000000"
	var s [segmentDigits]byte
	text := strconv.AppendUint(s[:0], n, 10)
	return append(append(b, zeros[:max(0, digits-len(text))]...), text...)
}

// parseSegmentName returns the base offset that a file's name stands for.
func parseSegmentName(name, suffix string) (int64, bool) {
	digits, ok := strings.CutSuffix(name, suffix)
	if !ok || len(digits) != segmentDigits || digits[0] != '0' && digits[0] != '1' { // a sign, or none that fits
		return 0, false
	}
	base, err := strconv.ParseInt(digits, 10, 64)
	return base, err == nil
}

func (p *segments) file(base int64, suffix string) string {
	b := make([]byte, 0, 64)
	b = append(append(b, p.dir...), '/')
	return string(append(appendPadded(b, uint64(base), segmentDigits), suffix...))
}

// next is the offset that the next append begins with.
func (p *segments) next() int64 { return p.at }

// open returns the segment that is appended to, nil if the next append begins one.
func (p *segments) open() *segment {
	if n := len(p.live); n > 0 && !p.live[n-1].sealed {
		return p.live[n-1]
	}
	return nil
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
	p.stable, p.synced = p.at, p.hash
}

// segmentAt returns the segment whose file has an offset, holes included; nil if none has.
func (p *segments) segmentAt(offset int64) *segment {
	i := sort.Search(len(p.live), func(i int) bool { return p.live[i].base > offset }) - 1
	if i < 0 || offset >= min(p.live[i].end, p.stable) {
		return nil
	}
	return p.live[i]
}

// find returns where to read the batch that contains offset, if it is in synced bytes: from the beginning of its interval
// to maxBytes after the interval's end, and on to the end of an interval, so that the running hashes of the index can tell what comes
// back; but not into a hole. Its ID is for the caller to choose.
// If forPeer, what a hole keeps from being proved is found too.
func (p *segments) find(offset int64, maxBytes int, forPeer bool) (Read, bool) {
	s := p.segmentAt(offset)
	if s == nil {
		return Read{}, false
	}
	e := s.index.at(offset - s.base)
	from, end := int64(s.index[e].pos), s.synced
	for _, sp := range p.spans {
		for _, c := range sp.pieces {
			if c.seg != s || c.served(forPeer) || c.end <= from {
				continue
			}
			if c.pos <= from || c.from <= offset && offset < c.to { // what is left of a hole may begin within an interval
				return Read{}, false
			}
			end = min(end, c.pos)
		}
	}
	to := min(s.index.after(e, s.synced)+int64(max(maxBytes, 0)), end)
	if i, same := s.index.boundary(to); !same {
		to = min(s.index.after(i-1, s.synced), end)
	}
	return Read{File: p.file(s.base, logSuffix), Off: from, Len: int(to - from), First: s.base + int64(s.index[e].offset)}, true
}

// trim removes the files that hold nothing at or above logStart, the log start of a durable mark. The open segment stays, and so do
// those before one of which no file says the hash that it begins with.
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
	for n < len(p.live) && p.live[n].end <= logStart && p.live[n] != p.open() {
		n++
	}
	for n > 0 && n < len(p.live) && p.live[n].refuted { // what is before it alone says the hash that it begins with
		n--
	}
	for _, s := range p.live[:n] {
		for _, name := range p.files(s) {
			ops = append(ops, Op{Kind: OpRemove, File: name})
		}
	}
	p.live = slices.Delete(p.live, 0, n)
	if p.start() <= logStart {
		p.loose = slices.DeleteFunc(p.loose, func(name string) bool {
			if p.looseBase(name) >= p.start() {
				return false
			}
			ops = append(ops, Op{Kind: OpRemove, File: name})
			return true
		})
	}
	p.trimSpans()
	return ops
}

// looseBase returns the base offset in a loose file's name.
func (p *segments) looseBase(name string) int64 {
	name = path.Base(name)
	base, err := strconv.ParseInt(strings.TrimSuffix(name, path.Ext(name)), 10, 64)
	if err != nil {
		panic(fmt.Sprintf("invariant L10: segments %s: %s is no name of a segment's file", p.dir, name))
	}
	return base
}

// files names the files of a segment that are there.
func (p *segments) files(s *segment) []string {
	var names []string
	if s.has.log {
		names = append(names, p.file(s.base, logSuffix))
	}
	if s.has.index {
		names = append(names, p.file(s.base, indexSuffix))
	}
	if s.has.start {
		names = append(names, p.file(s.base, startSuffix))
	}
	if s.has.mend {
		names = append(names, p.file(s.base, mendSuffix))
	}
	return names
}

// allFiles names all files of the group.
func (p *segments) allFiles() []string {
	names := slices.Clone(p.kept)
	for _, s := range p.live {
		names = append(names, p.files(s)...)
	}
	return append(append(names, p.loose...), p.sick...)
}

// reset starts anew at an offset at or beyond the end, before which the running batch hash is hash. The files so far are found
// no more; they stay until [segments.trim] is called with a log start from this offset on, because the durable mark may still
// speak of them.
func (p *segments) reset(at int64, hash uint64) {
	if p.pending || at < p.next() {
		panic(fmt.Sprintf("invariant L10: segments %s: reset to offset %d, with end %d and append pending %t", p.dir, at, p.next(), p.pending))
	}
	p.kept = p.allFiles()
	p.live, p.loose, p.sick, p.spans, p.fix = nil, nil, nil, nil, nil
	p.at, p.stable, p.logStart = at, at, at
	p.hash, p.synced = hash, hash
}
