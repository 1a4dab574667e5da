package log

import (
	"errors"
	"io"
)

// A system that keeps a file's blocks in a cache must read a block before it takes a part of one. Where that can't be read it fails the
// write, and would at each start again.

// writeAt writes to a file where a block that is written in part may be unreadable. Where whole blocks were written at the file's end, it is
// cut where it ends; a crash before that leaves zeros behind the last batch, which a start cuts.
func writeAt(f File, p []byte, off int64) error {
	b, at := WholeBlocks(f, p, off)
	if len(b) == len(p) {
		_, err := f.WriteAt(p, off)
		return err
	}
	size, err := f.Size()
	if err != nil {
		return err
	}
	if _, err := f.WriteAt(b, at); err != nil {
		return err
	}
	if end := max(size, off+int64(len(p))); at+int64(len(b)) > end {
		return f.Truncate(end)
	}
	return nil
}

// truncate cuts a file where a block may be unreadable, of which the rest is to be cleared: then that is written first.
func truncate(f File, size int64) error {
	err := f.Truncate(size)
	if !errors.Is(err, ErrDevice) {
		return err
	}
	at := size - size%BlockSize
	b, bad := readBlock(f, at)
	if !bad {
		return err
	}
	if _, err := f.WriteAt(b, at); err != nil {
		return err
	}
	return f.Truncate(size)
}

// WholeBlocks returns what to write, and where, for p to get to off of a file: p, or where it begins or ends within a block that can't be
// read all of that block. Of what else is in the block all that can be read is written again, in the same bytes, and the rest as zeros:
//
//	              ├──────── p ────────┤
//	──┬─ neighbour ─┬─────────────┬─ neighbour ─┬──
//	  │ same, zeros │             │  untouched  │
//	──┴─ unreadable ┴─────────────┴── readable ─┴──
//
// A crash in its midst leaves the neighbour what it is, since each of its sectors is written with what it holds. Zeros are no batch: the
// next read of a neighbour, or a scrub, finds by checksum and hash what was lost before (L13). Nobody else writes to the file between the
// reads and the write: segments are written by the fill lane alone, and each of its operations ends before the next begins.
func WholeBlocks(f io.ReaderAt, p []byte, off int64) ([]byte, int64) {
	end := off + int64(len(p))
	from, to := off, end
	first, last := off-off%BlockSize, end-end%BlockSize
	var head, tail []byte
	var bad bool
	if first < off {
		if head, bad = readBlock(f, first); bad {
			from = first
		}
	}
	if last < end {
		if tail, bad = readBlock(f, last); bad {
			to = last + BlockSize
		}
	}
	if from == off && to == end {
		return p, off
	}
	b := make([]byte, to-from)
	if from < off {
		copy(b, head)
	}
	if to > end {
		copy(b[last-from:], tail)
	}
	copy(b[off-from:], p)
	return b, from
}

// readBlock reads a block, and says whether the device can't give a part of it; such sectors, and what the file doesn't have, are zeros. An
// error that says nothing of what is stored makes no block a bad one: its bytes must not be written over.
func readBlock(f io.ReaderAt, off int64) (b []byte, bad bool) {
	b = make([]byte, BlockSize)
	if err := readAt(f, b, off); !errors.Is(err, ErrDevice) {
		return b, false
	}
	for i := int64(0); i < BlockSize; i += sectorSize {
		sector := b[i:][:sectorSize]
		err := readAt(f, sector, off+i)
		if err != nil && !errors.Is(err, ErrDevice) {
			return b, false
		}
		if err != nil {
			clear(sector)
		}
	}
	return b, true
}
