package sim

import (
	"fmt"
	"slices"
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
	err  error  // why its bytes are no sound batch; nothing is known of what follows it in the file
}

// segmentsOf lists the batches of a group's segment files by offset, as reads would see them.
func (d *Disk) segmentsOf(group uint64) []stored {
	var all []stored
	d.eachFile(func(name string, f *inode) {
		if !ofGroup(name, group) || !strings.HasSuffix(name, ".log") {
			return
		}
		b := make([]byte, f.size)
		n, err := f.readAt(b, 0)
		all = append(all, batchesOf(name, b[:n], err)...)
	})
	slices.SortStableFunc(all, func(a, b stored) int { return int(a.base - b.base) })
	return all
}

// ofGroup tells whether a file is a group's, in a shard's folder: one that was set aside counts no more.
func ofGroup(name string, group uint64) bool {
	return strings.HasPrefix(name, "shard-") && strings.Contains(name, fmt.Sprintf("/seg/%020d/", group))
}

func batchesOf(name string, b []byte, err error) (all []stored) {
	for at := 0; at < len(b) || err != nil; {
		h, size, bad := log.ParseBatch(b[at:])
		if bad == nil {
			bad = log.CheckCRC(b[at : at+size])
		}
		if bad != nil {
			return append(all, stored{file: name, at: int64(at), base: h.BaseOffset, err: fmt.Errorf("%s byte %d: %w", name, at, bad)})
		}
		all = append(all, stored{file: name, at: int64(at), size: size, base: h.BaseOffset, next: h.NextOffset(), sum: checksum([][]byte{b[at : at+size]})})
		at += size
	}
	return all
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
