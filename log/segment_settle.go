package log

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// settle makes the files what was decided, and all that is kept stable.
func (o *opening) settle() error {
	if err := o.setAside(); err != nil {
		return err
	}
	for _, s := range o.closed {
		if s.sealed && s.end > o.mark.LogEnd && s.has.index && slices.Contains(o.p.live, s) { // it is made when a mark vouches for what it says
			o.remove = append(o.remove, o.p.file(s.base, indexSuffix))
			s.has.index = false
		}
	}
	for _, name := range o.remove {
		if err := o.fs.Remove(name); err != nil {
			return fmt.Errorf("segments %s: %w", name, err)
		}
	}
	for _, s := range o.closed {
		if !s.sealed || s.end > o.mark.LogEnd || o.p.touches(s, false) || !slices.Contains(o.p.live, s) {
			continue
		}
		if err := o.write(o.p.file(s.base, indexSuffix), encodeIndex(o.p.dir, s)); err != nil {
			return err
		}
		s.has.index, s.indexed = true, true
	}
	if err := o.settleStarts(); err != nil {
		return err
	}
	for _, s := range o.p.live {
		mended := s.has.mend
		s.has.mend = false
		for _, name := range o.p.files(s) {
			if err := o.settleFile(name, s, mended); err != nil {
				return fmt.Errorf("segment %s: %w", name, err)
			}
		}
		if mended {
			if err := o.fs.Remove(o.p.file(s.base, mendSuffix)); err != nil {
				return fmt.Errorf("segment %s: %w", o.p.file(s.base, mendSuffix), err)
			}
		}
	}
	for _, dir := range []string{o.p.dir, path.Dir(o.p.dir)} {
		if err := o.fs.SyncDir(dir); err != nil {
			return fmt.Errorf("segments %s: %w", dir, err)
		}
	}
	return o.settleBelow()
}

// settleBelow removes what lies below the log start: last, since it may be what alone says the hash behind it till that is stable.
func (o *opening) settleBelow() error {
	if n := len(o.p.live); n > 1 && o.p.live[0].end <= o.mark.LogStart {
		for _, op := range o.p.trim(nil, o.mark.LogStart) {
			o.below = append(o.below, op.File)
		}
	}
	for _, name := range o.below {
		if err := o.fs.Remove(name); err != nil {
			return fmt.Errorf("segments %s: %w", name, err)
		}
	}
	if len(o.below) == 0 {
		return nil
	}
	if err := o.fs.SyncDir(o.p.dir); err != nil {
		return fmt.Errorf("segments %s: %w", o.p.dir, err)
	}
	return nil
}

// settleStarts writes the start files of segments that have no index file, if none says the hash that a mark vouches for; what lies behind
// the mark may have rotted in a leader epoch, and waits for the next one (bug 45).
func (o *opening) settleStarts() error {
	for _, s := range o.p.live {
		if s.base == 0 || s.indexed || o.p.touches(s, true) {
			continue
		}
		h, ok, err := o.readStart(s.base)
		switch {
		case err != nil:
			return err
		case ok && h == s.index[0].hash:
		case s.base > o.mark.LogEnd:
			s.refuted = true
		default:
			if err := o.write(o.p.file(s.base, startSuffix), encodeStart(o.p.dir, s.base, s.index[0].hash)); err != nil {
				return err
			}
			s.has.start = true
		}
	}
	return nil
}

func (o *opening) settleFile(name string, s *segment, mended bool) error {
	f, err := o.fs.Open(name)
	if err != nil {
		return err
	}
	defer f.Close() // synced below
	if o.cut[s] && strings.HasSuffix(name, logSuffix) {
		if err := truncate(f, s.size); err != nil {
			return err
		}
	}
	if mended && strings.HasSuffix(name, logSuffix) {
		if err := rewriteMended(f, s.size); err != nil {
			return err
		}
	}
	if s == o.p.open() && strings.HasSuffix(name, logSuffix) {
		if err := o.rewrite(f, s); err != nil {
			return err
		}
	}
	return f.Sync()
}

// rewrite writes anew what of the open segment lies behind the mark: no sync of it may have succeeded, and after one that failed
// caches take bytes for clean that the disk doesn't have (S4). A closed segment was synced before its index was written, and what a
// repair wrote has a mark. What can't be read is lost already, and lies before the mark, in the same interval or block: all else was read.
func (o *opening) rewrite(f File, s *segment) error {
	if s.end <= o.mark.LogEnd || len(s.index) == 0 {
		return nil
	}
	from := int64(s.index[s.index.at(max(o.mark.LogEnd-s.base, 0))].pos)
	buf := make([]byte, min(s.size-from, scanChunk))
	for off := from; off < s.size; {
		b := buf[:min(int64(len(buf)), s.size-off)]
		err := readFull(f, b, off)
		if errors.Is(err, ErrDevice) {
			readPieces(f, b, off, func(from, to int64) { clear(b[from-off : to-off]) })
			err = nil
		}
		if err == nil {
			err = writeAt(f, b, off)
		}
		if err != nil {
			return err
		}
		off += int64(len(b))
	}
	return nil
}

// write makes a small file what it is to be, and syncs it. What it was is cut off first, so that nothing of it need be read.
func (o *opening) write(name string, b []byte) error {
	f, err := o.fs.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		f, err = o.fs.Create(name)
	}
	if err != nil {
		return fmt.Errorf("file %s: %w", name, err)
	}
	defer f.Close() // synced below
	if err = f.Truncate(0); err == nil {
		_, err = f.WriteAt(b, 0)
	}
	if err == nil {
		err = f.Sync()
	}
	if err != nil {
		return fmt.Errorf("file %s: %w", name, err)
	}
	return nil
}

// readIndex returns what the index file of a segment says; nil if there is none, or a bad one.
func (o *opening) readIndex(base int64) (*segment, error) {
	if !o.found[base].index {
		return nil, nil
	}
	b, err := o.read(o.p.file(base, indexSuffix))
	if err != nil {
		return nil, err
	}
	s, err := decodeIndex(o.p.dir, b)
	if err != nil || s.base != base {
		return nil, nil
	}
	return s, nil
}

// readStart returns the running hash that the start file of a segment says.
func (o *opening) readStart(base int64) (hash uint64, ok bool, err error) {
	if o.found[base] == nil || !o.found[base].start {
		return 0, false, nil
	}
	b, err := o.read(o.p.file(base, startSuffix))
	if err != nil {
		return 0, false, err
	}
	hash, ok = decodeStart(o.p.dir, b, base)
	return hash, ok, nil
}

// read reads a whole small file; what can't be read of it is zeros, so that its checksum tells.
func (o *opening) read(name string) ([]byte, error) {
	f, err := o.fs.Open(name)
	if err != nil {
		return nil, fmt.Errorf("file %s: %w", name, err)
	}
	defer f.Close() // only read
	size, err := f.Size()
	if err != nil {
		return nil, fmt.Errorf("file %s: %w", name, err)
	}
	b := make([]byte, size)
	if readAt(f, b, 0) != nil {
		clear(b)
	}
	return b, nil
}
