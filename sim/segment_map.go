package sim

import (
	"fmt"
	"math"
	"math/rand/v2"
	"path"
	"slices"
	"strconv"
	"strings"

	"logd/log"
)

// stored is one batch as it lies in a segment file.
type stored struct {
	file string
	at   int64
	size int
	base int64
	next int64
	sum  uint32 // of all its bytes
	err  error  // why its bytes are no sound batch; it goes on to the next that is, and base is where it should begin
}

// segmentsOf lists the batches of a group's segment files by offset, as reads would see them: a file ends where the next one
// begins. What repair found no use for stays behind that.
func (d *Disk) segmentsOf(group uint64) []stored {
	type file struct {
		name string
		f    *inode
	}
	var files []file
	for dir := range d.root.names { // order: they are sorted below
		if !strings.HasPrefix(dir, "shard-") {
			continue
		}
		d.eachBelow(dir+groupFolder(group), func(name string, f *inode) {
			if strings.HasSuffix(name, ".log") && f.size > 0 {
				files = append(files, file{name, f})
			}
		})
	}
	slices.SortFunc(files, func(a, b file) int { return strings.Compare(a.name, b.name) })
	var all []stored
	for i, at := range files {
		end := int64(math.MaxInt64)
		if i+1 < len(files) {
			end = baseOf(files[i+1].name)
		}
		all = append(all, slices.DeleteFunc(batchesOf(at.name, at.f.legible(), end), func(s stored) bool { return s.base >= end })...)
	}
	return all
}

// epochIn draws a byte of the leader epoch of some batch in a segment file, where no checksum sees what rots, most often the lowest; another
// file keeps the place that was drawn for it.
func (d *Disk) epochIn(rng *rand.Rand, name string, off int64) int64 {
	f, err := d.within(name, off)
	if err != nil || !strings.Contains(name, "/seg/") || !strings.HasSuffix(name, ".log") {
		return off
	}
	all := batchesOf(name, f.legible(), math.MaxInt64)
	if len(all) == 0 {
		return off
	}
	at := all[rng.IntN(len(all))]
	return at.at + pick[int64](rng, 12, 13, 14, 15, 15, 15)
}

// baseOf is the offset that a segment file is called by.
func baseOf(name string) int64 {
	base, _ := strconv.ParseInt(strings.TrimSuffix(path.Base(name), ".log"), 10, 64) // all are called so
	return base
}

// legible is what a file holds, with worthless bytes in the place of what can't be read.
func (f *inode) legible() []byte {
	b := make([]byte, f.size)
	f.copyTo(b, 0)
	f.blot(b, 0)
	return b
}

// blot makes worthless what of the bytes from off on can't be read.
func (f *inode) blot(b []byte, off int64) {
	for _, s := range f.bad {
		from, to := max(s*sectorSize-off, 0), min((s+1)*sectorSize-off, int64(len(b)))
		if from < to {
			poison(b[from:to])
		}
	}
}

// ofGroup tells whether a file is a group's, in a shard's folder: one that was set aside counts no more.
func ofGroup(name string, group uint64) bool {
	return strings.HasPrefix(name, "shard-") && strings.Contains(name, groupFolder(group)+"/")
}

// groupFolder is where a group's segments are below a shard's folder.
func groupFolder(group uint64) string { return fmt.Sprintf("/seg/%020d", group) }

// batchesOf lists what a segment file of offsets below end holds: sound batches, and between them the pieces that hold none.
func batchesOf(name string, b []byte, end int64) (all []stored) {
	next := baseOf(name)
	for at := 0; at < len(b); {
		h, size, bad := soundBatch(b[at:], next, next)
		if bad == nil {
			all = append(all, stored{file: name, at: int64(at), size: size, base: next, next: h.NextOffset(), sum: checksum([][]byte{b[at : at+size]})})
			at, next = at+size, h.NextOffset()
			continue
		}
		all = append(all, stored{file: name, at: int64(at), base: next, err: fmt.Errorf("%s byte %d: %w", name, at, bad)})
		for from := at; bad != nil; { // no batch has more offsets than bytes
			if at++; at >= len(b) {
				return all
			}
			h, bad = goesOn(b[at:], next, min(next+int64(at-from), end-1))
		}
		next = h.BaseOffset
	}
	return all
}

// goesOn finds out whether a file goes on with a batch here: a page that was written elsewhere can hold sound ones of another file, one
// after the other, so they must go on for more than a page, or to the end.
func goesOn(b []byte, lowest, highest int64) (log.Batch, error) {
	h, size, err := soundBatch(b, lowest, highest)
	for at, last := size, h; err == nil && at < len(b) && at <= pageSize; at += size {
		last, size, err = soundBatch(b[at:], last.NextOffset(), last.NextOffset())
	}
	return h, err
}

// soundBatch is the batch that bytes begin with, if it is whole and its base offset within bounds.
func soundBatch(b []byte, lowest, highest int64) (log.Batch, int, error) {
	h, size, err := log.ParseBatch(b)
	if err == nil && (h.BaseOffset < lowest || h.BaseOffset > highest) {
		err = fmt.Errorf("%w: base offset %d, expected %d to %d", log.ErrBadBatch, h.BaseOffset, lowest, highest)
	}
	if err == nil {
		err = log.CheckCRC(b[:size])
	}
	return h, size, err
}

// batchAt finds the batch of an offset in a group's segments.
func (d *Disk) batchAt(group uint64, offset int64) (stored, error) {
	for _, s := range d.segmentsOf(group) {
		if s.err == nil && s.base <= offset && offset < s.next {
			return s, nil
		}
	}
	return stored{}, fmt.Errorf("no segment of group %d holds offset %d", group, offset)
}
