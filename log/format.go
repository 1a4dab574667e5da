package log

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
)

// Format makes a store in an empty directory; it is durable when Format returns. What a Format that was cut short left
// behind is made anew; files that hold records, or segments, are refused. It is for boot only.
//
// It writes write group 1, which is empty: so a WAL that shows no write group at all has lost some, and is never taken for a
// new one.
func Format(fsys FS, id Identity, opt Options) error {
	if err := opt.Check(); err != nil {
		return err
	}
	if err := checkUnused(fsys, opt); err != nil {
		return err
	}
	for _, dir := range []string{walDir, segRoot} {
		if err := fsys.Mkdir(dir); err != nil {
			return fmt.Errorf("format: %w", err)
		}
	}
	zeros := AlignedBytes(int(min(opt.WALFileBytes, chunkBytes)))
	for slot := range opt.WALFiles {
		if err := formatFile(fsys, id, opt, slot, zeros); err != nil {
			return fmt.Errorf("format: %s: %w", walName(slot), err)
		}
	}
	for _, dir := range []string{walDir, segRoot, "."} {
		if err := fsys.SyncDir(dir); err != nil {
			return fmt.Errorf("format: %w", err)
		}
	}
	return nil
}

// checkUnused refuses a directory in which something was stored.
func checkUnused(fsys FS, opt Options) error {
	for _, dir := range []string{walDir, segRoot} {
		names, err := fsys.List(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("format: %w", err)
		}
		for _, name := range names {
			name = dir + "/" + name
			used := true
			if strings.HasSuffix(name, ".wal") {
				if used, err = fileUsed(fsys, name); err != nil {
					return fmt.Errorf("format: %s: %w", name, err)
				}
			}
			if used {
				return fmt.Errorf("format: %w: %s holds data; remove the directory by hand if it is to be lost", fs.ErrExist, name)
			}
		}
	}
	return nil
}

// fileUsed says whether anything but zeros, and the first write group as Format writes it, stands behind a WAL file's header.
func fileUsed(fsys FS, name string) (bool, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return false, err
	}
	defer f.Close() // only read
	used := false
	first := firstGroup(Identity{})
	err = eachChunk(f, BlockSize, func(b []byte, off int64) error {
		for ; len(b) > 0; b, off = b[min(len(b), sectorSize):], off+sectorSize {
			is := b[:min(len(b), sectorSize)]
			if at := off - BlockSize; name == walName(0) && at < int64(len(first)) && len(is) == sectorSize && bytes.Equal(is[:sectorPayload], first[at:at+sectorPayload]) {
				continue // as of any identity
			}
			used = used || !isZero(is)
		}
		return nil
	})
	return used, err
}

// firstGroup returns the empty write group that a new WAL begins with.
func firstGroup(id Identity) []byte {
	d := directory{number: 1, floor: 1}
	dir := encodeDir(nil, &d, nil)
	buf := AlignedBytes(d.blocks * BlockSize)
	p := packer{buf: buf, ident: id.hash(), slot: 0, first: blockSectors, number: d.number}
	p.pack(dir, &d, func(func([]byte)) {})
	return buf
}

// formatFile prewrites one file with zeros, so many at a time, so that its blocks are allocated, and writes its header.
func formatFile(fsys FS, id Identity, opt Options, slot int, zeros []byte) error {
	f, err := fsys.Create(walName(slot))
	if errors.Is(err, fs.ErrExist) {
		f, err = fsys.Open(walName(slot))
	}
	if err != nil {
		return err
	}
	defer f.Close() // synced below
	if err := f.Truncate(opt.WALFileBytes); err != nil {
		return err
	}
	for off := int64(0); off < opt.WALFileBytes; off += int64(len(zeros)) {
		if _, err := f.WriteAt(zeros[:min(int64(len(zeros)), opt.WALFileBytes-off)], off); err != nil {
			return err
		}
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if slot == 0 {
		if err := f.WriteSync(firstGroup(id), BlockSize); err != nil {
			return err
		}
	}
	return f.WriteSync(encodeHeader(id, opt, slot), 0)
}

// chunkBytes is how much of a WAL file is written, or of a segment read, at a time at boot.
const chunkBytes = 1 << 20

// scanBytes is how much of a WAL file is read at a time: what was just copied is still in the processor's cache when it is looked at.
const scanBytes = 128 << 10

// eachChunk reads a file from an offset to its end.
func eachChunk(f File, from int64, each func(b []byte, off int64) error) error {
	size, err := f.Size()
	if err != nil || size <= from {
		return err
	}
	buf := AlignedBytes(int(min(size-from, chunkBytes)))
	for off := from; off < size; {
		b := buf[:min(int64(len(buf)), size-off)]
		if err := readFull(f, b, off); err != nil {
			return err
		}
		if err := each(b, off); err != nil {
			return err
		}
		off += int64(len(b))
	}
	return nil
}

// readFull reads exactly len(b) bytes.
func readFull(f io.ReaderAt, b []byte, off int64) error {
	n, err := f.ReadAt(b, off)
	if n == len(b) {
		return nil
	}
	return fmt.Errorf("byte %d: read %d bytes of %d: %w", off, n, len(b), err)
}

func isZero(b []byte) bool {
	for len(b) > 0 {
		n := min(len(b), BlockSize)
		if !bytes.Equal(b[:n], zeroBlock[:n]) {
			return false
		}
		b = b[n:]
	}
	return true
}

var zeroBlock [BlockSize]byte
