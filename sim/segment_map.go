package sim

import (
	"fmt"
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
	err  error  // why its bytes are no sound batch, or none that follows the one before; base is where it should begin
}

// segmentsOf lists the batches of a group's segment files by offset, as reads would see them.
func (d *Disk) segmentsOf(group uint64) []stored {
	var all []stored
	d.eachFile(func(name string, f *inode) {
		if !ofGroup(name, group) || !strings.HasSuffix(name, ".log") {
			return
		}
		b := make([]byte, f.size)
		f.copyTo(b, 0)
		if base, ok := segmentBase(name); ok { // what is wrong at the end of the file before stands in this one again
			for len(all) > 0 && all[len(all)-1].err != nil && all[len(all)-1].base >= base {
				all = all[:len(all)-1]
			}
		}
		found := batchesOf(name, b)
		for i := range found {
			if s := &found[i]; f.readable(s.at, int64(s.size)) < s.at+int64(s.size) {
				s.err = fmt.Errorf("%s byte %d: a sector can't be read", name, s.at)
			}
		}
		all = append(all, found...)
	})
	slices.SortStableFunc(all, func(a, b stored) int { return int(a.base - b.base) })
	return all
}

// ofGroup tells whether a file is a group's, in a shard's folder: one that was set aside counts no more.
func ofGroup(name string, group uint64) bool {
	return strings.HasPrefix(name, "shard-") && strings.Contains(name, fmt.Sprintf("/seg/%020d/", group))
}

// batchesOf lists the batches of a file. Behind bytes that are none it goes on with the next sound one.
func batchesOf(name string, b []byte) (all []stored) {
	next, ok := segmentBase(name)
	if !ok {
		next = -1
	}
	for at := 0; at < len(b); {
		s := readStored(name, b, at)
		if s.err == nil && next >= 0 && s.base != next {
			s.err = fmt.Errorf("%s byte %d: a batch of offset %d, expected %d", name, at, s.base, next)
			s.base, s.next = next, next+s.next-s.base
		} else if s.err != nil {
			s.base, s.next, s.size = next, next, 1
			for at+s.size < len(b) && s.next == next {
				if after := readStored(name, b, at+s.size); after.err == nil && after.base > next {
					s.next = after.base
				} else {
					s.size++
				}
			}
		}
		s.next = max(s.next, next+1)
		all = append(all, s)
		at, next = at+s.size, s.next
	}
	return all
}

// segmentBase is the offset that a segment file is named by.
func segmentBase(name string) (int64, bool) {
	base, err := strconv.ParseInt(strings.TrimSuffix(name[strings.LastIndex(name, "/")+1:], ".log"), 10, 64)
	return base, err == nil
}

// readStored reads the batch at a place.
func readStored(name string, b []byte, at int) stored {
	s := stored{file: name, at: int64(at)}
	h, size, err := log.ParseBatch(b[at:])
	if err == nil {
		err = log.CheckCRC(b[at : at+size])
	}
	if err != nil {
		s.err = fmt.Errorf("%s byte %d: %w", name, at, err)
		return s
	}
	s.size, s.base, s.next, s.sum = size, h.BaseOffset, h.NextOffset(), checksum([][]byte{b[at : at+size]})
	return s
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
