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
		if n.lost != "" {
			f.w.count[CountBudgetStops]++
			return
		}
	}
	lost := map[key]bool{}
	for _, n := range f.w.nodes {
		chosen := f.choose(n, lost)
		for _, p := range chosen {
			f.w.decide(p.of(n))
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
	bad   bool // it becomes unreadable; else a bit turns over
	loses []key
}

// of is the decision to damage it.
func (p prey) of(n *node) damage {
	return damage{n.index, map[bool]string{true: "bad", false: "rot"}[p.bad], spot{p.file, p.at, restOfSector(p.at)}}
}

// choose draws up to three places of a broker's disk, that lose nothing which is in lost, and adds to it what they lose.
func (f *nemesis) choose(n *node, lost map[key]bool) []prey {
	segments, wal := f.prey(n)
	var chosen []prey
	for range 1 + f.rng.IntN(3) {
		found := segments
		if len(found) == 0 || len(wal) > 0 && f.rng.IntN(2) == 0 {
			found = wal
		}
		if len(found) == 0 {
			break
		}
		p := found[f.rng.IntN(len(found))]
		if slices.ContainsFunc(p.loses, func(k key) bool { return lost[k] }) {
			continue
		}
		p.bad = f.rng.IntN(3) == 0
		chosen = append(chosen, p)
		for _, k := range p.loses {
			lost[k] = true
		}
	}
	return chosen
}

// prey lists the places of a broker's disk that are known to hold nothing but certain batches and entries.
func (f *nemesis) prey(n *node) (segments, wal []prey) {
	for _, g := range f.w.views.groups {
		if g.part >= 0 {
			segments = append(segments, n.disk.preyInSegments(g.id)...)
		}
	}
	for shard := range f.w.opt.Shards {
		wal = append(wal, f.preyInWAL(n.disk, shard)...)
	}
	return segments, wal
}

// preyAround lists those of the group, or of the shard's WAL, that a file is of.
func (f *nemesis) preyAround(n *node, file string) (found []prey) {
	if strings.HasSuffix(file, ".log") {
		for _, g := range f.w.views.groups {
			if g.part >= 0 && ofGroup(file, g.id) {
				found = append(found, n.disk.preyInSegments(g.id)...)
			}
		}
	} else if strings.HasSuffix(file, ".wal") {
		for shard := range f.w.opt.Shards {
			if strings.HasPrefix(file, log.ShardDir(shard)+"/") {
				found = append(found, f.preyInWAL(n.disk, shard)...)
			}
		}
	}
	return found
}

// gaps is what a place can lose, nil if that isn't known.
func (f *nemesis) gaps(n *node, file string, at int64) map[key]bool {
	for _, p := range f.preyAround(n, file) {
		if p.file == file && p.at/sectorSize == at/sectorSize {
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
func (d *Disk) preyInSegments(group uint64) (found []prey) {
	batches := d.segmentsOf(group)
	for i, s := range batches {
		if s.err != nil {
			continue
		}
		at := s.at + int64(s.size)/2
		p := prey{file: s.file, at: at}
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

// preyInWAL lists the sectors of payloads in a shard's WAL that hold nothing but what is committed, and so is on a majority's
// disks, and the entries that lie in each. Directories stay whole: a lost vote is another matter (S6).
func (f *nemesis) preyInWAL(d *Disk, shard int) (found []prey) {
	for _, g := range d.walOf(shard) {
		for _, r := range g.records {
			at := g.byteAt(r.at + r.length/2)
			from := (at - g.at) / sectorSize * walSealed
			if r.length == 0 || from < int64(g.dirLen) {
				continue
			}
			p, sound := prey{file: g.file, at: at}, true
			for _, o := range g.records {
				if o.length == 0 || o.at >= from+walSealed || o.at+o.length <= from {
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
