package log

import (
	"fmt"
	"path"
)

// filling gathers the operations of one append.
type filling struct {
	p       *segments
	ops     []Op
	left    int    // bytes of batches not taken yet
	buf     []byte // bytes of the open segment that no operation has yet
	dirty   bool   // the open segment has bytes that no operation syncs yet
	created bool
}

// append adds what writes committed batches, each of them whole, stamped and of good CRC, contiguous from the end. They are
// copied. They are stable, and found, from the plan's completion on, which [segments.flushed] takes; till then there is no
// further append.
func (p *segments) append(ops []Op, batches [][]byte) []Op {
	if p.pending {
		panic(fmt.Sprintf("invariant L10: segments %s: second append while one is pending", p.dir))
	}
	p.pending = true
	f := filling{p: p, ops: ops}
	for _, b := range batches {
		f.left += len(b)
	}
	for _, b := range batches {
		f.batch(b)
	}
	f.sync()
	if f.created {
		f.op(Op{Kind: OpSyncDir, File: p.dir})
	}
	return f.ops
}

func (f *filling) op(op Op) { f.ops = append(f.ops, op) }

func (f *filling) batch(data []byte) {
	p := f.p
	b, size, err := ParseBatch(data)
	if err == nil && size != len(data) {
		err = fmt.Errorf("%d bytes follow a batch of %d", len(data)-size, size)
	}
	c := chain{next: p.next(), epoch: p.epoch}
	if err == nil {
		err = c.follow(b)
	}
	if err != nil {
		panic(fmt.Sprintf("invariant L10: segments %s: append at offset %d: %v", p.dir, p.next(), err))
	}
	p.epoch = c.epoch
	s := p.open()
	if s == nil || s.full(p.opt, b) || p.rollNext && s.size > 0 {
		s = f.roll(b.BaseOffset)
	}
	p.rollNext = false
	s.index = s.index.add(s.base, s.size, b, p.hash, p.opt.IndexBytes, p.holeEnds(s))
	p.hash = HashBatch(p.hash, data)
	p.at = b.NextOffset()
	s.end, s.hash = p.at, p.hash
	for len(data) > 0 {
		if f.buf == nil {
			f.buf = make([]byte, 0, min(f.left, blockRoom(s.size)))
		}
		n := min(len(data), blockRoom(s.size))
		f.buf = append(f.buf, data[:n]...)
		data = data[n:]
		f.left -= n
		s.size += int64(n)
		f.dirty = true
		if s.size%segmentBlock == 0 {
			f.write()
		}
	}
}

// blockRoom returns the bytes from a position to the next multiple of segmentBlock.
func blockRoom(pos int64) int { return int(segmentBlock - pos%segmentBlock) }

// full says whether b goes to a new segment.
func (s *segment) full(opt Options, b Batch) bool {
	return s.size >= min(opt.SegmentBytes, maxSegment) || b.BaseOffset-s.base > maxSegment
}

// roll closes the open segment, if there is one, and opens the next. The index file of one with hashes that aren't known yet, or for
// which no mark has vouched, is written when they are.
func (f *filling) roll(base int64) *segment {
	p := f.p
	if s := p.open(); s != nil {
		f.sync()
		if !p.touches(s, true) && p.vouched(s.end) && !s.refuted {
			f.file(p.file(s.base, indexSuffix), encodeIndex(p.dir, s))
			s.has.index, s.indexed = true, true
		}
		s.sealed = true
	}
	f.ops = p.makeDir(f.ops)
	s := &segment{base: base, end: base, hash: p.hash}
	told := p.vouched(base) || len(p.live) == 0 // after a reset a leader says it
	p.live = append(p.live, s)
	if s.refuted = base > 0 && !told; base > 0 && told { // a start would believe the file
		f.file(p.file(base, startSuffix), encodeStart(p.dir, base, p.hash))
		s.has.start = true
	}
	f.op(Op{Kind: OpCreate, File: p.file(base, logSuffix)})
	s.has.log, f.created = true, true
	return s
}

// file makes a small file.
func (f *filling) file(name string, data []byte) {
	f.op(Op{Kind: OpCreate, File: name})
	f.op(Op{Kind: OpWrite, File: name, Data: data})
	f.op(Op{Kind: OpSync, File: name})
}

// makeDir makes the group's directory, if it isn't there.
func (p *segments) makeDir(ops []Op) []Op {
	if !p.exists {
		ops = append(ops, Op{Kind: OpMkdir, File: p.dir}, Op{Kind: OpSyncDir, File: path.Dir(p.dir)})
		p.exists = true
	}
	return ops
}

// write writes what was gathered for the open segment.
func (f *filling) write() {
	if s := f.p.open(); len(f.buf) > 0 {
		f.op(Op{Kind: OpWrite, File: f.p.file(s.base, logSuffix), Off: s.size - int64(len(f.buf)), Data: f.buf})
		f.buf = nil
	}
}

// sync writes what was gathered and makes the open segment stable.
func (f *filling) sync() {
	f.write()
	if f.dirty {
		f.op(Op{Kind: OpSync, File: f.p.file(f.p.open().base, logSuffix)})
		f.dirty = false
	}
}
