package sim

import (
	"slices"
	"strings"

	"logd/log"
)

// rotAll damages all brokers' disks at once, at different places: no two of them lose the same batch or entry, so that of
// each committed one a good copy is left on some other disk.
//
//	batch        0  1  2  3  4  5  6  7
//	broker 1     ░  .  .  .  .  ░  .  .        each column has one ░ at most
//	broker 2     .  .  ░  .  .  .  .  .
//	broker 3     .  ░  .  .  .  .  ░  .
func (f *nemesis) rotAll() {
	for _, n := range f.w.nodes {
		if n.lost != lossNone {
			f.w.count[CountBudgetStops]++
			return
		}
	}
	lost := map[key]bool{}
	for _, n := range f.w.nodes {
		chosen := f.choose(n, lost)
		for _, p := range chosen {
			f.w.decide(p.hit(n))
		}
		if len(chosen) > 0 {
			f.refresh(n)
		}
	}
}

// key is a batch or an entry of some group: its base offset, or the index of one that has none.
type key struct {
	group  uint64
	index  bool
	number int64
}

// prey is a place to damage, and what of it can be lost thereby.
type prey struct {
	file  string
	at    int64
	bad   bool  // it becomes unreadable; else a bit turns over
	of    int64 // where the write group begins that it is in, -1 if in none
	loses []key
}

// reaches is how much around a place is lost: a sector, but of a WAL that can't be read the whole block, which a start takes or leaves.
func reaches(file string, bad bool) int64 {
	if bad && strings.HasSuffix(file, ".wal") {
		return log.BlockSize
	}
	return sectorSize
}

// hit is the decision to damage it.
func (p prey) hit(n *node) damage {
	a := damage{node: n.index, verb: "rot", bit: usualBit, spot: spot{p.file, p.at, restOfSector(p.at)}}
	if p.bad {
		a.verb = "bad"
	}
	return a
}

// choose draws up to three places of a broker's disk, that lose nothing which is in lost, and adds to it what they lose.
func (f *nemesis) choose(n *node, lost map[key]bool) []prey {
	var chosen []prey
	for range 1 + f.rng.IntN(3) {
		bad := f.rng.IntN(3) == 0
		segments, wal := f.prey(n, bad)
		found := segments
		if len(found) == 0 || len(wal) > 0 && f.rng.IntN(2) == 0 {
			found = wal
		}
		if len(found) == 0 {
			break
		}
		p := found[f.rng.IntN(len(found))]
		again := func(o prey) bool { return bad && o.bad && p.of >= 0 && o.file == p.file && o.of == p.of } // both directories of a write group
		if slices.ContainsFunc(p.loses, func(k key) bool { return lost[k] }) || slices.ContainsFunc(chosen, again) {
			continue
		}
		chosen = append(chosen, p)
		for _, k := range p.loses {
			lost[k] = true
		}
	}
	return chosen
}

// prey lists the places of a broker's disk that are known to hold nothing but certain batches and entries.
func (f *nemesis) prey(n *node, bad bool) (segments, wal []prey) {
	for _, g := range f.w.views.groups {
		if g.part >= 0 {
			segments = append(segments, n.disk.preyInSegments(g.id, bad)...)
		}
	}
	for shard := range f.w.opt.Shards {
		wal = append(wal, f.preyInWAL(n.disk, shard, bad)...)
	}
	return segments, wal
}

// preyAround lists those of the group, or of the shard's WAL, that a file is of.
func (f *nemesis) preyAround(n *node, file string, bad bool) (found []prey) {
	if strings.HasSuffix(file, ".log") {
		for _, g := range f.w.views.groups {
			if g.part >= 0 && ofGroup(file, g.id) {
				found = append(found, n.disk.preyInSegments(g.id, bad)...)
			}
		}
	} else if strings.HasSuffix(file, ".wal") {
		for shard := range f.w.opt.Shards {
			if strings.HasPrefix(file, log.ShardDir(shard)+"/") {
				found = append(found, f.preyInWAL(n.disk, shard, bad)...)
			}
		}
	}
	return found
}

// gaps is what a place can lose, nil if that isn't known.
func (f *nemesis) gaps(n *node, file string, at int64, bad bool) map[key]bool {
	unit := reaches(file, bad)
	for _, p := range f.preyAround(n, file, bad) {
		if p.file == file && p.at/unit == at/unit {
			gaps := map[key]bool{}
			for _, k := range p.loses {
				gaps[k] = true
			}
			return gaps
		}
	}
	return nil
}

// preyInSegments lists the sectors of a group's segments, and the batches that lie in each.
func (d *Disk) preyInSegments(group uint64, bad bool) (found []prey) {
	batches := d.segmentsOf(group)
	for i, s := range batches {
		if s.err != nil {
			continue
		}
		at := s.at + int64(s.size)/2
		p := prey{file: s.file, at: at, bad: bad, of: -1}
		from := at &^ (sectorSize - 1)
		for k := i; k >= 0 && batches[k].file == s.file && batches[k].at+int64(batches[k].size) > from; k-- {
			p.loses = append(p.loses, key{group: group, number: batches[k].base})
		}
		for k := i + 1; k < len(batches) && batches[k].file == s.file && batches[k].at < from+sectorSize; k++ {
			p.loses = append(p.loses, key{group: group, number: batches[k].base})
		}
		found = append(found, p)
	}
	return found
}

// preyInWAL lists the sectors of payloads in a shard's WAL, or, if they are to be bad, the blocks around them, that hold nothing but what
// is committed, and so is on a majority's disks, and the entries that lie in each. One of a write group's two directories stays whole
// at least: a lost vote is another matter (S6).
func (f *nemesis) preyInWAL(d *Disk, shard int, bad bool) (found []prey) {
	for _, g := range d.walOf(shard) {
		for _, r := range g.records {
			at := g.byteAt(r.at + r.length/2)
			if r.length == 0 || (at-g.at)/sectorSize*walSealed < int64(g.dirLen) {
				continue
			}
			unit := reaches(g.file, bad)
			from, all := (at-g.at)/unit*(unit/sectorSize)*walSealed, unit/sectorSize*walSealed
			p, sound := prey{file: g.file, at: at, bad: bad, of: g.at}, true
			for _, o := range g.records {
				if o.length == 0 || o.at >= from+all || o.at+o.length <= from {
					continue
				}
				seen := f.w.views.find(o.group)
				sound = sound && (o.kind == walEntry || o.kind == walCopy) && seen != nil && o.index <= seen.commit
				k := key{group: o.group, index: true, number: int64(o.index)}
				if o.offset >= 0 {
					k = key{group: o.group, number: o.offset}
				}
				p.loses = append(p.loses, k)
			}
			if sound {
				found = append(found, p)
			}
		}
	}
	return found
}
