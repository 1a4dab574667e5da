package log

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
)

// What is known is written anew, in an order in which a crash at any instant leaves evidence enough for the same verdict:
//
//	sync, so that what was read from caches proves as much after a loss of power
//	files that are missing or too short: made anew beside, and renamed
//	bad sectors of groups that count: in the last of them first those that hold former content. If only these were left,
//	                                  the group would look torn; when they are gone, none of it does
//	the torn group's erasure, only now: it proves that the group before it was synced
//	headers, and bad sectors of nothing that counts, so that they are never taken for a torn or rotten group
//	the last group, whole (S4), and all files and directories
//
// A lost payload's sectors become sound ones that hold zeros: the CRC of its record says that they aren't it. A block that
// can't be read and may hold the only copy of a payload is left as it is.

// settle makes the WAL what was decided, and all of it that counts stable (L5, L6).
func (w *walScan) settle(fsys FS, v *verdict, damaged bool) error {
	if damaged {
		if err := w.sync(); err != nil {
			return err
		}
		for slot := range w.files {
			if f := &w.files[slot]; f.f == nil || f.size != w.opt.WALFileBytes {
				if err := w.remake(fsys, v, slot); err != nil {
					return fmt.Errorf("remake of %s: %w", walName(slot), err)
				}
			}
		}
		for _, l := range v.chain {
			if err := w.heal(l, l == v.last()); err != nil {
				return fmt.Errorf("rewrite of write group %d in %s: %w", l.number, walName(l.slot), err)
			}
		}
	}
	if l := v.cut; l != nil {
		if err := w.files[l.slot].f.WriteSync(AlignedBytes((l.end-l.start)*sectorSize), int64(l.start)*sectorSize); err != nil {
			return fmt.Errorf("erase of write group %d in %s: %w", l.number, walName(l.slot), err)
		}
	}
	if damaged {
		for slot := range w.files {
			if err := w.clean(v, slot); err != nil {
				return fmt.Errorf("rewrite of %s: %w", walName(slot), err)
			}
		}
	}
	if err := w.rewrite(v.last()); err != nil {
		return fmt.Errorf("rewrite of write group %d in %s: %w", v.last().number, walName(v.last().slot), err)
	}
	if err := w.sync(); err != nil {
		return err
	}
	for _, dir := range []string{walDir, "."} {
		if err := fsys.SyncDir(dir); err != nil {
			return err
		}
	}
	return nil
}

// sync makes all files stable.
func (w *walScan) sync() error {
	for slot := range w.files {
		if f := w.files[slot].f; f != nil {
			if err := f.Sync(); err != nil {
				return fmt.Errorf("%s: %w", walName(slot), err)
			}
		}
	}
	return nil
}

// encode returns the bytes of a write group that was read, zeros where a payload is lost.
func (w *walScan) encode(l *loaded) []byte {
	d := l.dir()
	dir := make([]byte, dirHead, d.sum.dirLen())
	for i := range d.records {
		dir = d.records[i].append(dir)
	}
	dir = append(dir, d.inline...)
	sealDir(dir, d)
	dir = binary.BigEndian.AppendUint32(dir, crc32.Checksum(dir, castagnoli))
	buf := AlignedBytes((l.end - l.start) * sectorSize)
	p := packer{buf: buf, ident: w.ident, slot: l.slot, first: l.start, number: l.number}
	at := d.sum.dirLen()
	p.pack(dir, d, func(write func([]byte)) { write(l.payload[at : at+d.sum.bytes]) })
	return buf
}

// known says whether a sector holds no part of a payload that stands outside of the directories.
func (l *loaded) known(sector int) bool {
	d := l.dir()
	from := int64(sector-l.start) * sectorPayload
	return d.sum.bytes == 0 || from+sectorPayload <= d.sum.dirLen() || from >= d.sum.dirLen()+d.sum.bytes
}

// handsOff says whether a block of a write group is left as it is: it can't be read, and may hold a payload's only copy.
func (w *walScan) handsOff(l *loaded, block int) bool {
	for i := block * blockSectors; i < (block+1)*blockSectors; i++ {
		if w.sectors[l.slot][i] == unread && !l.known(i) {
			return true
		}
	}
	return false
}

// heal writes the bad blocks of a write group anew.
func (w *walScan) heal(l *loaded, last bool) error {
	if len(l.bad) == 0 {
		return nil
	}
	f, all := w.files[l.slot].f, w.sectors[l.slot]
	buf := w.encode(l)
	former := func(i int) bool { return all[i] < l.number }
	for pass := range 2 {
		for block := l.start / blockSectors; block < l.end/blockSectors; block++ {
			first, some, others := block*blockSectors, false, false
			for i := first; i < first+blockSectors; i++ {
				some = some || former(i) || pass == 1 && bad(all[i])
				others = others || bad(all[i])
			}
			if !some || w.handsOff(l, block) {
				continue
			}
			is := AlignedBytes(BlockSize)
			copy(is, buf[(first-l.start)*sectorSize:])
			if pass == 0 && others && last {
				if err := w.keepBad(f, l, first, is); err != nil {
					return err
				}
			}
			if err := f.WriteSync(is, int64(first)*sectorSize); err != nil {
				return err
			}
			for i := first; i < first+blockSectors; i++ {
				if pass == 1 || !bad(all[i]) || !last {
					all[i] = l.number
				}
			}
		}
	}
	return nil
}

// keepBad puts a block's rotten sectors back as they are.
func (w *walScan) keepBad(f File, l *loaded, first int, block []byte) error {
	raw := make([]byte, BlockSize)
	if err := readFull(f, raw, int64(first)*sectorSize); err != nil {
		return err
	}
	for i := range blockSectors {
		if bad(w.sectors[l.slot][first+i]) {
			copy(block[i*sectorSize:(i+1)*sectorSize], raw[i*sectorSize:])
		}
	}
	return nil
}

// rewrite writes the last write group anew, which may be in caches only (S4): all of it but blocks that were left as they
// are, of which nothing was accepted either.
func (w *walScan) rewrite(l *loaded) error {
	buf := w.encode(l)
	from := l.start / blockSectors
	for block, end := from, l.end/blockSectors; block <= end; block++ {
		if block < end && !w.handsOff(l, block) {
			continue
		}
		if at := from*blockSectors - l.start; block > from {
			b := buf[at*sectorSize : (block*blockSectors-l.start)*sectorSize]
			if err := w.files[l.slot].f.WriteSync(b, int64(from)*BlockSize); err != nil {
				return err
			}
		}
		from = block + 1
	}
	return nil
}

// clean writes a bad header anew, and filler over bad sectors of nothing that counts.
func (w *walScan) clean(v *verdict, slot int) error {
	f := w.files[slot].f
	if w.files[slot].header != "" {
		if err := f.WriteSync(encodeHeader(w.id, w.opt, slot), 0); err != nil {
			return err
		}
	}
	live := v.live(slot, len(w.sectors[slot]))
	for first := blockSectors; first < len(live); first += blockSectors {
		if live[first] || !w.stray(v, slot, first) {
			continue
		}
		b := AlignedBytes(BlockSize)
		readPieces(f, b, int64(first)*sectorSize, func(int64, int64) {})
		for i := range blockSectors {
			if is := &w.sectors[slot][first+i]; *is > v.last().number {
				sealFiller(b[i*sectorSize:(i+1)*sectorSize], w.ident, slot, first+i, v.proved())
				*is = v.proved()
			}
		}
		if err := f.WriteSync(b, int64(first)*sectorSize); err != nil {
			return err
		}
	}
	return nil
}

// stray says whether a block of nothing that counts has sectors that are bad, or of a write group that isn't one.
func (w *walScan) stray(v *verdict, slot, first int) bool {
	for _, is := range w.sectors[slot][first : first+blockSectors] {
		if is > v.last().number {
			return true
		}
	}
	return false
}

// live says of each sector of a file whether it is of a write group that counts, or of the header, or of the torn one.
func (v *verdict) live(slot, sectors int) []bool {
	live := make([]bool, sectors)
	set := func(l *loaded) {
		for i := l.start; l.slot == slot && i < l.end; i++ {
			live[i] = true
		}
	}
	for _, l := range v.chain {
		set(l)
	}
	if v.cut != nil {
		set(v.cut)
	}
	for i := range blockSectors {
		live[i] = true
	}
	return live
}

// remake makes a file of the right size anew: what can be read of the old one, what is known of the rest, else filler.
func (w *walScan) remake(fsys FS, v *verdict, slot int) error {
	f := &w.files[slot]
	if f.f != nil && f.err == nil && f.size > w.opt.WALFileBytes {
		return f.f.Truncate(w.opt.WALFileBytes)
	}
	name, temp := walName(slot), walName(slot)+".tmp"
	out, err := fsys.Create(temp)
	if errors.Is(err, fs.ErrExist) {
		out, err = fsys.Open(temp)
	}
	if err != nil {
		return err
	}
	if err := w.fillFile(out, v, slot); err != nil {
		out.Close() // the error tells more
		return err
	}
	if f.err != nil && !errors.Is(f.err, fs.ErrNotExist) {
		if err := fsys.Rename(name, name+".bad"); err != nil {
			out.Close() // the error tells more
			return err
		}
	}
	if f.f != nil {
		f.f.Close() // replaced
	}
	*f = walFile{f: out, size: w.opt.WALFileBytes}
	if err := fsys.Rename(temp, name); err != nil {
		return err
	}
	if err := fsys.SyncDir(walDir); err != nil {
		return err
	}
	if out, err = fsys.Open(name); err == nil { // by its own name, which a direct descriptor is opened by
		f.f.Close() // synced
		f.f = out
	}
	return err
}

// fillFile writes and syncs the new file.
func (w *walScan) fillFile(out File, v *verdict, slot int) error {
	f, all, live := &w.files[slot], w.sectors[slot], v.live(slot, len(w.sectors[slot]))
	if err := out.Truncate(w.opt.WALFileBytes); err != nil {
		return err
	}
	buf := AlignedBytes(chunkBytes)
	for off := int64(0); off < w.opt.WALFileBytes; off += chunkBytes {
		b := buf[:min(chunkBytes, w.opt.WALFileBytes-off)]
		clear(b)
		if have := min(f.size-off, int64(len(b))); have > 0 {
			readPieces(f.f, b[:have], off, func(from, to int64) {
				for i := from - off; i < to-off; i++ {
					b[i] = 0xdb // still bad, and no former content
				}
			})
		}
		for i := int64(0); i < int64(len(b)); i += sectorSize {
			if s := (off + i) / sectorSize; all[s] == absent || all[s] == unread && f.err != nil {
				clear(b[i : i+sectorSize])
				if !live[s] {
					sealFiller(b[i:i+sectorSize], w.ident, slot, int(s), v.proved())
				}
			}
		}
		if _, err := out.WriteAt(b, off); err != nil {
			return err
		}
	}
	for _, l := range v.chain {
		if l.slot != slot || len(l.bad) == 0 {
			continue
		}
		buf := w.encode(l)
		for i := l.start; i < l.end; i++ {
			if all[i] != absent {
				continue
			}
			if _, err := out.WriteAt(buf[(i-l.start)*sectorSize:(i-l.start+1)*sectorSize], int64(i)*sectorSize); err != nil {
				return err
			}
			all[i] = l.number
		}
	}
	for i, is := range all {
		switch {
		case is == absent && live[i]:
			all[i] = 0 // the header, or what is torn
		case is == absent || is == unread && f.err != nil && !live[i]:
			all[i] = v.proved()
		}
	}
	if f.header != "" {
		if _, err := out.WriteAt(encodeHeader(w.id, w.opt, slot), 0); err != nil {
			return err
		}
	}
	return out.Sync()
}
