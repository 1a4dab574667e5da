package e2e

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/log"
)

// fromDisk is what a stopped broker's own files have of a topic's partitions, read by nothing that a broker reads with but the log's
// read-only pass.
type fromDisk struct {
	t     *testing.T
	node  *node
	acked [][]string
	found []map[int64]bool
	wrong []string
	maybe bool // the batch may not be committed
}

// readDisk compares what is on a stopped broker's disk with what was acknowledged.
func readDisk(t *testing.T, n *node, groups []uint64, acked [][]string) *fromDisk {
	t.Helper()
	d := &fromDisk{t: t, node: n, acked: acked}
	rep, tree := inspectWAL(t, n.data)
	if rep.Lost != nil || len(rep.Damage) > 0 {
		d.wrong = append(d.wrong, fmt.Sprintf("WAL: %v, %v", rep.Lost, rep.Damage))
	}
	for p, group := range groups {
		d.found = append(d.found, map[int64]bool{})
		i := slices.IndexFunc(rep.Groups, func(g log.Group) bool { return g.ID == group })
		if i < 0 {
			d.wrong = append(d.wrong, fmt.Sprintf("partition %d: the WAL doesn't know group %d", p, group))
			continue
		}
		g := &rep.Groups[i]
		segs, err := log.InspectSegments(tree, group, g.Mark, true, func(b log.Batch, data []byte) { d.batch(p, data) })
		if err != nil || len(segs.Missing) > 0 || len(g.Holes) > 0 {
			d.wrong = append(d.wrong, fmt.Sprintf("partition %d: %v, missing %v, holes %v", p, err, segs.Missing, g.Holes))
		}
		for _, s := range segs.Segments {
			if len(s.Damage) > 0 {
				d.wrong = append(d.wrong, fmt.Sprintf("partition %d: %v", p, s.Damage))
			}
		}
		for _, e := range g.Entries {
			// What is behind the commit index that was written last may be committed too, or not: then it isn't held to anything.
			d.maybe = e.Index > g.State.Commit
			if e.Type == log.EntryBatch && len(e.Data) >= log.BatchHeader {
				d.batch(p, e.Data)
			}
		}
		d.maybe = false
	}
	return d
}

// batch compares the records of a batch, byte for byte.
func (d *fromDisk) batch(p int, data []byte) {
	var b kmsg.RecordBatch
	if err := b.ReadFrom(data); err != nil {
		d.wrong = append(d.wrong, fmt.Sprintf("partition %d: a batch of good checksum can't be read: %v", p, err))
		return
	}
	rest := b.Records
	for range b.NumRecords {
		size, n := binary.Varint(rest)
		if n <= 0 || size < 0 || size > int64(len(rest)-n) {
			d.wrong = append(d.wrong, fmt.Sprintf("partition %d: a record in the batch at offset %d can't be read", p, b.FirstOffset))
			return
		}
		var r kmsg.Record
		if err := r.ReadFrom(rest[:n+int(size)]); err != nil {
			d.wrong = append(d.wrong, fmt.Sprintf("partition %d: a record in the batch at offset %d can't be read: %v", p, b.FirstOffset, err))
			return
		}
		rest = rest[n+int(size):]
		d.record(p, b.FirstOffset+int64(r.OffsetDelta), r.Value)
	}
}

func (d *fromDisk) record(p int, offset int64, value []byte) {
	if offset >= int64(len(d.acked[p])) || d.acked[p][offset] == "" {
		return
	}
	want := d.acked[p][offset]
	same := bytes.Equal(bulky(want), value)
	d.found[p][offset] = d.found[p][offset] || same
	if !same && !d.maybe {
		d.wrong = append(d.wrong, fmt.Sprintf("partition %d offset %d: %s was acknowledged, %.60q is there", p, offset, want, value))
	}
}

// lacks counts acknowledged records that aren't there.
func (d *fromDisk) lacks() (n int, first string) {
	for p, values := range d.acked {
		for offset, want := range values {
			if want != "" && !d.found[p][int64(offset)] {
				if n++; n == 1 {
					first = fmt.Sprintf("partition %d offset %d", p, offset)
				}
			}
		}
	}
	return n, first
}
