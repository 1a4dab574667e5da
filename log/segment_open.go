package log

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
)

// opening is what openSegments found out. It reads and judges everything first and changes files afterwards, so that damage
// is left as it was found.
type opening struct {
	fs      FS
	p       *segments
	mark    Mark
	bases   []int64  // of the files to keep
	indexes []int64  // of the index files there are
	remove  []string // file names
	rebuild []*segment
}

// openSegments opens what a group has on disk: files beyond the mark's end and below its log start are removed, the last one
// is cut to the mark, missing and bad index files are made anew, and what is kept is stable when it returns (L6, L10).
//
// All batches of the open segment are verified, those of a closed one if its index must be made anew, else when they are
// read. If not everything from m.LogStart to m.LogEnd is there, the error wraps [ErrDamaged] and nothing was changed.
func openSegments(fsys FS, dir string, opt Options, m Mark) (*segments, error) {
	p := newSegments(dir, opt)
	p.at, p.stable, p.logStart, p.hash = m.LogEnd, m.LogEnd, m.LogStart, m.BatchHash
	o := opening{fs: fsys, p: p, mark: m}
	names, err := fsys.List(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("segments %s: %w", dir, err)
	}
	p.exists = err == nil
	if err := o.choose(names); err != nil {
		return nil, err
	}
	for i, base := range o.bases {
		if err := o.load(i, base); err != nil {
			return nil, err
		}
	}
	if !p.exists {
		return p, nil
	}
	return p, o.settle()
}

// choose sorts out which files to keep. Names that are none of ours are left alone.
func (o *opening) choose(names []string) error {
	m := o.mark
	var bases []int64
	for _, name := range names {
		if base, ok := parseSegmentName(name, logSuffix); ok {
			bases = append(bases, base)
		}
		if base, ok := parseSegmentName(name, indexSuffix); ok {
			o.indexes = append(o.indexes, base)
		}
	}
	slices.Sort(bases)
	slices.Sort(o.indexes)
	from, to := 0, 0 // of those to keep
	for i, base := range bases {
		if base <= m.LogStart {
			from = i
		}
		if base < m.LogEnd {
			to = i + 1
		}
	}
	if m.LogStart >= m.LogEnd {
		to = from // nothing is needed
	}
	o.bases = bases[from:max(from, to)]
	for _, base := range append(slices.Clone(bases[:from]), bases[max(from, to):]...) {
		o.remove = append(o.remove, o.p.file(base, logSuffix))
	}
	for _, base := range o.indexes {
		closed := len(o.bases) - 1
		if closed < 0 || !slices.Contains(o.bases[:closed], base) {
			o.remove = append(o.remove, o.p.file(base, indexSuffix))
		}
	}
	switch {
	case m.LogStart >= m.LogEnd:
	case len(o.bases) == 0:
		return fmt.Errorf("%w: segments %s: no file has offsets before %d, expected %d on", ErrDamaged, o.p.dir, m.LogEnd, m.LogStart)
	case o.bases[0] > m.LogStart:
		return fmt.Errorf("%w: segments %s: the first file begins at offset %d, expected %d", ErrDamaged, o.p.dir, o.bases[0], m.LogStart)
	}
	return nil
}

// load takes the i-th file to keep into the live segments.
func (o *opening) load(i int, base int64) error {
	last := i == len(o.bases)-1
	name := o.p.file(base, logSuffix)
	f, err := o.fs.Open(name)
	if err != nil {
		return fmt.Errorf("segment %s: %w", name, err)
	}
	defer f.Close() // only read
	size, err := f.Size()
	if err != nil {
		return fmt.Errorf("segment %s: %w", name, err)
	}
	until := o.mark.LogEnd
	if !last {
		until = o.bases[i+1]
		s, err := o.readIndex(base)
		if err == nil && s.base == base && s.end == until && s.size == size {
			s.synced = s.size
			o.p.live = append(o.p.live, s)
			return nil
		}
		if err != nil && !errors.Is(err, errBadIndex) {
			return err
		}
	}
	sc, err := scanSegment(f, name, base, until, o.p.opt.IndexBytes)
	if err != nil {
		return err
	}
	if !last {
		if sc.seg.size != size {
			return fmt.Errorf("%w: segment %s: %d bytes, expected %d up to offset %d, where the next file begins", ErrDamaged, name, size, sc.seg.size, until)
		}
		o.rebuild = append(o.rebuild, sc.seg)
	}
	sc.seg.synced = sc.seg.size
	o.p.live = append(o.p.live, sc.seg)
	o.p.epoch = sc.then.epoch
	return nil
}

// readIndex reads the index file of a closed segment.
func (o *opening) readIndex(base int64) (*segment, error) {
	if _, ok := slices.BinarySearch(o.indexes, base); !ok {
		return nil, fmt.Errorf("%w: missing", errBadIndex)
	}
	name := o.p.file(base, indexSuffix)
	f, err := o.fs.Open(name)
	if err != nil {
		return nil, fmt.Errorf("index %s: %w", name, err)
	}
	defer f.Close() // only read
	b, err := readAll(f)
	if err != nil {
		return nil, fmt.Errorf("index %s: %w", name, err)
	}
	return decodeIndex(b)
}

// settle makes the files what was decided, and all that is kept stable.
func (o *opening) settle() error {
	for _, name := range o.remove {
		if err := o.fs.Remove(name); err != nil {
			return fmt.Errorf("segments %s: %w", name, err)
		}
	}
	for _, s := range o.rebuild {
		if err := o.writeIndex(s); err != nil {
			return fmt.Errorf("index %s: %w", o.p.file(s.base, indexSuffix), err)
		}
	}
	for i, s := range o.p.live {
		if err := o.settleFile(s, i == len(o.p.live)-1); err != nil {
			return fmt.Errorf("segment %s: %w", o.p.file(s.base, logSuffix), err)
		}
	}
	for _, dir := range []string{o.p.dir, path.Dir(o.p.dir)} {
		if err := o.fs.SyncDir(dir); err != nil {
			return fmt.Errorf("segments %s: %w", dir, err)
		}
	}
	return nil
}

func (o *opening) settleFile(s *segment, last bool) error {
	f, err := o.fs.Open(o.p.file(s.base, logSuffix))
	if err != nil {
		return err
	}
	defer f.Close() // synced below
	if last {
		if err := f.Truncate(s.size); err != nil {
			return err
		}
	}
	return f.Sync()
}

func (o *opening) writeIndex(s *segment) error {
	name := o.p.file(s.base, indexSuffix)
	f, err := o.fs.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		f, err = o.fs.Create(name)
	}
	if err != nil {
		return err
	}
	defer f.Close() // synced below
	b := encodeIndex(s)
	if err := f.Truncate(int64(len(b))); err != nil {
		return err
	}
	if _, err := f.WriteAt(b, 0); err != nil {
		return err
	}
	return f.Sync()
}

// readAll reads a whole file.
func readAll(f File) ([]byte, error) {
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	b := make([]byte, size)
	n, err := f.ReadAt(b, 0)
	if n == len(b) {
		err = nil
	}
	return b[:n], err
}
