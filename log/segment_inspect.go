package log

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"
	"strconv"
	"strings"
)

// SegmentsReport is what is in a group's segments, as found by a pass that changes nothing.
type SegmentsReport struct {
	Segments []SegmentFile
	Missing  []Range  // offsets that the mark says are kept, and no file has, or has damaged
	Other    []string // names in the directory that belong to no segment
}

// SegmentFile is one segment's files.
type SegmentFile struct {
	Base, End    int64  // End is the index's, or follows the last batch found
	Size         int64  // bytes
	MaxTimestamp int64  // ms
	Closed       bool   // another follows it
	Index        string // "good", "none" of the open one, "missing", or what is wrong with it
	Batches      int64  // that were read; 0 if the index was believed
	Mending      bool   // a repair of it was cut short: a start writes it anew
	Tail         int64  // bytes at the end of the open one, behind the mark, that are no whole sound batch: a write that was cut short
	Damage       []SegmentDamage
}

// SegmentDamage is one stretch of a segment that isn't as it was written.
type SegmentDamage struct {
	File   string
	Byte   int64 // where it begins,
	Bytes  int64 // and how long it is; 0: up to the end of the file, or the whole file
	Offset Range // of records that are lost with it
	Found  string
}

func (d SegmentDamage) String() string {
	return fmt.Sprintf("%s byte %d, %d bytes, offsets %d to %d: %s", d.File, d.Byte, d.Bytes, d.Offset.From, d.Offset.To-1, d.Found)
}

// InspectSegments reads a group's segments, of which m is the latest mark, and changes nothing. Shallow, it believes a good index of a
// closed segment, and walks over the heads of batches in the others. Deep, it reads and verifies all batches, and gives each of good CRC
// and in its place to visit, if that isn't nil; what it is given is valid during the call. The error is one of listing the directory.
func InspectSegments(fsys FS, group uint64, m Mark, deep bool, visit func(b Batch, data []byte)) (SegmentsReport, error) {
	in := inspection{fsys: fsys, dir: segDir(group), mark: m, deep: deep, visit: visit, covered: m.LogStart}
	names, err := fsys.List(in.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return in.report, fmt.Errorf("segments %s: %w", in.dir, err)
	}
	var bases []int64
	for _, name := range names {
		if base, ok := parseSegmentName(name, logSuffix); ok {
			bases = append(bases, base)
		}
	}
	slices.Sort(bases)
	for _, name := range names {
		if !slices.ContainsFunc(bases, func(base int64) bool { return strings.HasPrefix(name, segmentName(base)+".") }) {
			in.report.Other = append(in.report.Other, name)
		}
	}
	for i, base := range bases {
		until := int64(math.MaxInt64)
		if i+1 < len(bases) {
			until = bases[i+1]
		}
		in.segment(base, until)
		in.report.Segments[i].Mending = slices.Contains(names, segmentName(base)+mendSuffix)
	}
	in.cover(Range{m.LogEnd, m.LogEnd})
	return in.report, nil
}

// inspection is a pass over the segments of one group.
type inspection struct {
	fsys    FS
	dir     string
	mark    Mark
	deep    bool
	visit   func(Batch, []byte)
	covered int64  // up to here offsets were found, or are in Missing
	hash    anchor // running, behind the last batch that was read
	end     int64  // offset of that
	report  SegmentsReport
}

// cover notes that offsets were found, and what is missing before them.
func (in *inspection) cover(r Range) {
	if to := min(r.From, in.mark.LogEnd); in.covered < to {
		if n := len(in.report.Missing); n > 0 && in.report.Missing[n-1].To == in.covered {
			in.report.Missing[n-1].To = to
		} else {
			in.report.Missing = append(in.report.Missing, Range{in.covered, to})
		}
		in.covered = to
	}
	in.covered = max(in.covered, r.To)
}

func (in *inspection) segment(base, until int64) {
	s := SegmentFile{Base: base, End: base, MaxTimestamp: -1, Closed: until < math.MaxInt64}
	name := in.dir + "/" + segmentName(base) + logSuffix
	f, err := in.fsys.Open(name)
	if err == nil {
		defer f.Close() // only read
		s.Size, err = f.Size()
	}
	if err != nil {
		s.Damage = append(s.Damage, SegmentDamage{File: name, Offset: Range{base, base}, Found: err.Error()})
		in.report.Segments = append(in.report.Segments, s)
		return
	}
	x, why := in.index(base)
	if s.Index = why; !s.Closed && why == "missing" {
		s.Index = "none"
	}
	if x != nil && s.Closed && (x.base != base || x.end != until || x.size > s.Size) {
		s.Index = fmt.Sprintf("of offsets %d to %d in %d bytes, expected %d to %d in %d", x.base, x.end-1, x.size, base, until-1, s.Size)
		x = nil
	}
	if x != nil && s.Closed && !in.deep {
		s.End, s.Tail = x.end, s.Size-x.size
		for _, e := range x.index {
			s.MaxTimestamp = max(s.MaxTimestamp, e.maxTS)
		}
		in.cover(Range{base, s.End})
	} else {
		w := segmentWalk{inspection: in, f: f, name: name, seg: &s, index: x, until: until}
		w.begin()
		w.run()
	}
	in.report.Segments = append(in.report.Segments, s)
}

// index reads a segment's index file, and says how it is.
func (in *inspection) index(base int64) (*segment, string) {
	b, err := in.small(base, indexSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, "missing"
	}
	if err != nil {
		return nil, err.Error()
	}
	s, err := decodeIndex(in.dir, b)
	if err != nil {
		return nil, err.Error()
	}
	return s, "good"
}

// small reads a whole file of a segment.
func (in *inspection) small(base int64, suffix string) ([]byte, error) {
	f, err := in.fsys.Open(in.dir + "/" + segmentName(base) + suffix)
	if err != nil {
		return nil, err
	}
	defer f.Close() // only read
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

// SegmentGroups returns the groups that have a folder of segments, sorted.
func SegmentGroups(fsys FS) ([]uint64, error) {
	names, err := fsys.List(segRoot)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("segments: %w", err)
	}
	var ids []uint64
	for _, name := range names {
		if id, err := strconv.ParseUint(name, 10, 64); err == nil && segDir(id) == segRoot+"/"+name {
			ids = append(ids, id)
		}
	}
	return ids, nil
}
