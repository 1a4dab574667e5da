package sim

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"logd/log"
)

// copies knows of each acknowledged batch of a topic that stays on which disks a good copy of it is: sound bytes that a device holds, in a WAL that counts or in a
// segment, whatever its broker says. It looks now and then, at moments that nothing else depends on.
//
//	acknowledged   ├─ 0 ──┼─ 1 ──┼─ 2 ──┼─ 3 ──┤
//	broker 1       segment segment  WAL    WAL
//	broker 2       segment  ░░░░░   WAL              ░░ known to have rotted: the budget has it as a gap
//	broker 3          counts as lost: wiped                      batch 3: one copy, one excused; the third must have it
//
// A batch is committed by the disks of a majority, and no fault of the budget takes it from them without being known as a loss. So good
// copies and known losses are a majority together, always (G1), and one copy at least is left of each (G3).
type copies struct {
	w     *World
	acked [][]batchAt // by partition, of what isn't deleted yet
	looks int64
	next  time.Duration // when it looks again

	spare, sealed []byte // what files are read into
}

// batchAt is a batch by its place in a log and its checksum, which covers all that a producer sent.
type batchAt struct {
	base, next int64
	crc        uint32
}

func (a batchAt) compare(b batchAt) int {
	return cmp.Or(cmp.Compare(a.base, b.base), cmp.Compare(a.crc, b.crc))
}

func newCopies(w *World) *copies { return &copies{w: w, acked: make([][]batchAt, w.partitions())} }

// acknowledged takes over a batch that a client was told is at base.
func (c *copies) acknowledged(part int, base int64, records int, crc uint32) {
	c.acked[part] = append(c.acked[part], batchAt{base, base + int64(records), crc})
}

// lookEvery is how much time lies between two looks, in the middle.
const lookEvery = 6 * time.Second

// after looks if it is time to. When that is is drawn from a stream of its own, so that nothing depends on it (W1).
func (c *copies) after() {
	if c.w.now < c.next || c.w.phase == phaseSetup || !c.w.budgeted() {
		return
	}
	c.looks++
	c.next = c.w.now + lookEvery/2 + time.Duration(mix64(c.w.opt.Seed^uint64(c.looks))%uint64(lookEvery))
	c.look()
}

// atEnd looks once more.
func (c *copies) atEnd() {
	if c.w.violation == nil && c.w.budgeted() && !c.w.trace.over {
		c.look()
	}
}

// look compares what was acknowledged with what is on the devices.
func (c *copies) look() {
	shelves := c.shelves()
	for part := range c.acked {
		if g := c.w.groupOfPart(part); g != nil && c.w.violation == nil {
			c.judge(g, c.have(g, shelves))
		}
	}
}

// shelves is what each device holds.
func (c *copies) shelves() []*shelf {
	all := make([]*shelf, len(c.w.nodes))
	for i, n := range c.w.nodes {
		d := n.disk.onDevice()
		d.spare, d.sealed = c.spare, c.sealed
		all[i] = d.shelf(c.w.opt.Shards)
		c.spare, c.sealed = d.spare, d.sealed
	}
	return all
}

// have tells of each broker which of a partition's acknowledged batches, by place in the log, it has good copies of. What is deleted is left out.
func (c *copies) have(g *groupSeen, shelves []*shelf) [][]bool {
	slices.SortFunc(c.acked[g.part], batchAt.compare)
	c.acked[g.part] = slices.DeleteFunc(c.acked[g.part], func(b batchAt) bool { return b.next <= g.start })
	have := make([][]bool, len(shelves))
	for at, s := range shelves {
		have[at] = among(c.acked[g.part], s.of(c.w, g.id))
	}
	return have
}

// judge counts the copies of each batch of a partition.
func (c *copies) judge(g *groupSeen, have [][]bool) {
	for i, b := range c.acked[g.part] {
		holders, good, gone := 0, 0, 0
		for at, n := range c.w.nodes {
			switch {
			case !g.on(at):
				continue
			case have[at][i]:
				good++
			case n.mayLack(g.id, b.base):
				gone++
			}
			holders++
		}
		if c.w.count[CountCopies] += int64(good); good == 0 || (good+gone)*2 <= holders {
			c.w.violate(TooFewCopies, "%s: offsets %d to %d are acknowledged, and %d of %d disks have a good copy of them; %d have lost theirs by what was done to them (G1, G3)%s",
				g.named(), b.base, b.next-1, good, holders, gone, means(c.where(g, b, have, i), ""))
			return
		}
	}
}

// where says which broker has a copy and which one lacks it.
func (c *copies) where(g *groupSeen, b batchAt, have [][]bool, i int) string {
	var text strings.Builder
	for at, n := range c.w.nodes {
		if !g.on(at) {
			continue
		}
		says := "lacks it"
		if have[at][i] {
			says = "has it"
		} else if n.mayLack(g.id, b.base) {
			says = "lacks it, and counts as " + cmp.Or(string(n.lost), "one whose last write went astray")
		}
		fmt.Fprintf(&text, "\n  broker %d %s; it had entries to %d", n.id, says, g.replicas[at].stable)
	}
	return text.String()
}

// mayLack tells whether the budget knows that a broker may have lost the batch of a base offset.
func (n *node) mayLack(group uint64, base int64) bool {
	return n.lost != lossNone && (n.gaps == nil || n.gaps[key{group: group, number: base}]) || len(n.disk.recent) > 0
}

// among tells of each of some sorted batches whether it is among some others, sorted as well.
func among(these, others []batchAt) []bool {
	is := make([]bool, len(these))
	for i, b := range these {
		for len(others) > 0 && others[0].compare(b) < 0 {
			others = others[1:]
		}
		is[i] = len(others) > 0 && others[0].compare(b) == 0
	}
	return is
}

// shelf is what one device holds: the batches in its WALs by group, and its segments where they are asked for.
type shelf struct {
	d   *Disk
	wal map[uint64][]batchAt
}

func (d *Disk) shelf(shards int) *shelf {
	s := &shelf{d, map[uint64][]batchAt{}}
	for shard := range shards {
		logs := map[uint64]*walLog{}
		for _, g := range d.walOf(shard) {
			for _, r := range g.records {
				if r.kind != walEntry && r.kind != walCopy {
					continue
				}
				if logs[r.group] == nil {
					logs[r.group] = &walLog{entries: map[uint64]batchAt{}}
				}
				logs[r.group].take(d, &g, &r)
			}
		}
		for group, l := range logs { // order: of a map into a map, and sorted where it is asked for
			for _, b := range l.entries { // order: the same
				s.wal[group] = append(s.wal[group], b)
			}
		}
	}
	return s
}

// walLog is what a WAL holds of a group's log: the batches by index.
type walLog struct {
	entries map[uint64]batchAt
	last    uint64
}

// take notes an entry.
func (l *walLog) take(d *Disk, g *walGroup, r *walRecord) {
	l.takes(r.kind, r.index)
	if b, ok := d.batchIn(g, r); ok {
		l.entries[r.index] = b
	}
}

// takes the place of all from its index on, if it isn't a copy.
func (l *walLog) takes(kind uint8, index uint64) {
	if kind != walEntry {
		return
	}
	for ; l.last >= index; l.last-- {
		delete(l.entries, l.last)
	}
	l.last = index
}

// batchIn reads the batch that is an entry's payload; not ok if it holds none, or a rotten one.
func (d *Disk) batchIn(g *walGroup, r *walRecord) (batchAt, bool) {
	f, err := d.file("read", g.file)
	if err != nil || r.offset < 0 {
		return batchAt{}, false
	}
	var payload []byte
	for at, end := r.at, r.at+r.length; at < end; {
		part := make([]byte, min(walSealed-at%walSealed, end-at))
		f.copyTo(part, g.byteAt(at))
		payload, at = append(payload, part...), at+int64(len(part))
	}
	return goodBatch(payload)
}

// goodBatch is the batch that bytes begin with, if it is whole and sound.
func goodBatch(b []byte) (batchAt, bool) {
	h, size, err := log.ParseBatch(b)
	if err != nil || log.CheckCRC(b[:size]) != nil {
		return batchAt{}, false
	}
	return batchAt{h.BaseOffset, h.NextOffset(), h.CRC}, true
}

// of lists all of a group, sorted.
func (s *shelf) of(w *World, group uint64) []batchAt {
	all := s.wal[group]
	for shard := range w.opt.Shards {
		s.d.eachBelow(log.ShardDir(shard)+groupFolder(group), func(name string, f *inode) {
			if !strings.HasSuffix(name, ".log") {
				return
			}
			b := s.d.read(f)
			for len(b) > 0 {
				batch, ok := goodBatch(b)
				if !ok {
					b = b[1:] // what is behind rot counts wherever it begins
					continue
				}
				_, size, _ := log.ParseBatch(b) // it could a moment ago
				all, b = append(all, batch), b[size:]
			}
		})
	}
	slices.SortFunc(all, batchAt.compare)
	return all
}
