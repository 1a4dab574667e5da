package log

import (
	"fmt"
	"slices"
)

// A repair writes into a file that a start takes for stable: where its index says so, or where the mark is past. If the sync of a
// repair fails, then caches show bytes that the disk doesn't have, and no later sync writes them (S4). So each file that a repair
// writes has a mark beside it, an empty file, from before the first byte until all are synced; what has one at a start is written
// anew before it is believed (L6):
//
//	create .mend ─► sync directory ─► write .log ─► sync .log ─► remove .mend
//
// A mark that a crash brings back costs writing the segment once more. One of a repair that found the disk full stays until the next
// repair of the file, or the next start.
const mendSuffix = ".mend"

// planMends adds what makes the files of a repair that aren't there, and their marks, durably. It names the files that are to be
// cut: old ones of no use, which are there. Those within what it writes to one file go, durably, before it is written: a start would
// end that file where the next begins.
func (p *segments) planMends(ops []Op, r *repair) (_ []Op, cut []string) {
	var marks []Op
	for i := range r.parts {
		s := r.parts[i].seg
		name := p.file(s.base, logSuffix)
		switch {
		case s.has.log:
		case slices.Contains(p.loose, name):
			cut = append(cut, name)
		default:
			ops = append(ops, Op{Kind: OpCreate, File: name})
		}
		if mark := p.file(s.base, mendSuffix); !s.has.mend && !slices.Contains(p.loose, mark) {
			marks = append(marks, Op{Kind: OpCreate, File: mark})
		}
	}
	ops = append(ops, marks...)
	p.loose = slices.DeleteFunc(p.loose, func(name string) bool {
		inside := r.within(p.looseBase(name))
		if inside {
			ops = append(ops, Op{Kind: OpRemove, File: name})
		}
		return inside
	})
	return append(ops, Op{Kind: OpSyncDir, File: p.dir}), cut
}

// within says whether an offset lies within one of the files that a repair writes, as far as it writes it: neither begins with it.
func (r *repair) within(offset int64) bool {
	return slices.ContainsFunc(r.parts, func(t filePart) bool { return t.seg.base < offset && offset < t.to })
}

// planMended adds what takes the marks away, once the files are synced.
func (p *segments) planMended(ops []Op, r *repair) []Op {
	for i := range r.parts {
		s := r.parts[i].seg
		mark := p.file(s.base, mendSuffix)
		ops = append(ops, Op{Kind: OpRemove, File: mark})
		s.has.mend = false
		p.loose = slices.DeleteFunc(p.loose, func(is string) bool { return is == mark })
	}
	return ops
}

// undoRepair returns what takes a repair back that found no room, of whose operations those before ran were done. The files that it
// made go; the marks of others stay: what was written there is neither synced nor cut; and so do those of no use that weren't removed.
func (p *segments) undoRepair(r *repair, ops []Op, ran int) (undo []Op) {
	done := func(kind OpKind, name string) (planned, was bool) {
		i := slices.IndexFunc(ops, func(op Op) bool { return op.Kind == kind && op.File == name })
		return i >= 0, 0 <= i && i < ran
	}
	for _, op := range ops[max(ran, 0):] {
		if op.Kind == OpRemove && r.within(p.looseBase(op.File)) {
			p.loose = append(p.loose, op.File)
		}
	}
	for i := range r.parts {
		s := r.parts[i].seg
		name, mark := p.file(s.base, logSuffix), p.file(s.base, mendSuffix)
		fresh, made := done(OpCreate, name)
		if made {
			undo = append(undo, Op{Kind: OpRemove, File: name})
		}
		marks, marked := done(OpCreate, mark)
		_, removed := done(OpRemove, mark)
		switch {
		case removed || marks && !marked:
		case fresh:
			undo = append(undo, Op{Kind: OpRemove, File: mark})
		case s.has.log:
			s.has.mend = true
		default:
			p.loose = append(p.loose, mark)
		}
	}
	return undo
}

// rewriteMended writes all of a segment anew that a repair was writing to when the process ended. Blocks that can't be read are left as
// they are: they were not of the repair, or are lost with it.
func rewriteMended(f File, size int64) error {
	has, err := f.Size()
	if err != nil {
		return err
	}
	size = min(size, has)
	buf := make([]byte, min(size, scanChunk))
	for off := int64(0); off < size; {
		b := buf[:min(int64(len(buf)), size-off)]
		var bad []Range
		readPieces(f, b, off, func(from, to int64) { bad = append(bad, Range{from, to}) })
		from := off
		for _, r := range append(bad, Range{off + int64(len(b)), 0}) {
			if from < r.From {
				if err := writeAt(f, b[from-off:r.From-off], from); err != nil {
					return fmt.Errorf("written anew for a repair that was cut short: %w", err)
				}
			}
			from = r.To
		}
		off += int64(len(b))
	}
	return nil
}
