package sim

import (
	"fmt"
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
	var files [][]stored
	d.eachFile(func(name string, f *inode) {
		if !ofGroup(name, group) || !strings.HasSuffix(name, ".log") {
			return
		}
		if found := batchesOf(name, f.legible()); len(found) > 0 {
			files = append(files, found)
		}
	})
	slices.SortFunc(files, func(a, b []stored) int { return strings.Compare(a[0].file, b[0].file) })
	var all []stored
	for i, found := range files {
		if i+1 < len(files) {
			next := baseOf(files[i+1][0].file)
			found = slices.DeleteFunc(found, func(s stored) bool { return s.base >= next })
		}
		all = append(all, found...)
	}
	return all
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
	for _, s := range f.bad {
		poison(b[min(f.size, s*sectorSize):min(f.size, (s+1)*sectorSize)])
	}
	return b
}

// ofGroup tells whether a file is a group's, in a shard's folder: one that was set aside counts no more.
func ofGroup(name string, group uint64) bool {
	return strings.HasPrefix(name, "shard-") && strings.Contains(name, fmt.Sprintf("/seg/%020d/", group))
}

// batchesOf lists what a segment file holds: sound batches, and between them the pieces that hold none.
func batchesOf(name string, b []byte) (all []stored) {
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
			h, _, bad = soundBatch(b[at:], next, next+int64(at-from))
		}
		next = h.BaseOffset
	}
	return all
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
