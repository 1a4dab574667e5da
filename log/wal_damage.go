package log

import "fmt"

// damages names everything that wasn't as it was written, before any of it is changed. What became of a lost payload is
// decided by what the records of later write groups have made of its entry.
func (w *walScan) damages(v *verdict, losses []lostRecord, r *replay) []Damage {
	var ds []Damage
	for slot := range w.files {
		ds = w.fileDamage(ds, v, slot)
	}
	for _, l := range v.chain {
		for k, i := range l.bad {
			if l.known(i) && !w.handsOff(l, i/blockSectors) && (k == 0 || l.bad[k-1] != i-1 || !l.known(i-1)) {
				ds = append(ds, Damage{File: walName(l.slot), Byte: int64(i) * sectorSize, WriteGroup: l.number,
					Expected: l.part(i), Found: w.describe(l.slot, i), Fate: FateHealed})
			}
		}
	}
	for i := range losses {
		if d := w.lossDamage(&losses[i], r); d.Fate == FateHole || losses[i].found == "" {
			ds = append(ds, d)
		}
	}
	return ds
}

// fileDamage names what is wrong with a file as a whole, and with sectors of it that don't count.
func (w *walScan) fileDamage(ds []Damage, v *verdict, slot int) []Damage {
	f, name := &w.files[slot], walName(slot)
	whole := f.err == nil && f.size == w.opt.WALFileBytes
	switch {
	case f.err != nil:
		ds = append(ds, Damage{File: name, Expected: "a file that can be opened", Found: f.err.Error(), Fate: FateHealed})
	case !whole:
		ds = append(ds, Damage{File: name, Byte: min(f.size, w.opt.WALFileBytes), Expected: fmt.Sprintf("%d bytes", w.opt.WALFileBytes),
			Found: fmt.Sprintf("%d bytes", f.size), Fate: FateHealed})
	}
	if f.err == nil && f.header != "" {
		ds = append(ds, Damage{File: name, Expected: "its header", Found: f.header, Fate: FateHealed})
	}
	live := v.live(slot, len(w.sectors[slot]))
	before := false
	for i, is := range w.sectors[slot] {
		stray := !live[i] && (is == rotten || is == unread && f.err == nil)
		if stray && !before {
			ds = append(ds, Damage{File: name, Byte: int64(i) * sectorSize, Expected: "what no write group that counts is in",
				Found: w.describe(slot, i), Fate: FateHealed})
		}
		before = stray
	}
	return ds
}

// lossDamage names a payload that is lost.
func (w *walScan) lossDamage(loss *lostRecord, r *replay) Damage {
	l, h := loss.l, &loss.h
	d := Damage{File: walName(l.slot), Byte: int64(l.start)*sectorSize + loss.at/sectorPayload*sectorSize, WriteGroup: l.number, Group: h.group, Index: h.index,
		Expected: fmt.Sprintf("%v term %d of %d bytes with crc %08x", h.kind, h.term, h.length, h.crc), Found: loss.found, Fate: FateSuperseded}
	for _, i := range l.bad {
		if at := int64(i-l.start) * sectorPayload; loss.found == "" && at+sectorPayload > loss.at && at < loss.at+int64(h.length) {
			d.Byte, d.Found = int64(i)*sectorSize, w.describe(l.slot, i)
			break
		}
	}
	if g := r.groups[h.group]; g != nil {
		if at := g.search(h.index); at < len(g.entries) && g.entries[at].Index == h.index && g.entries[at].lost && g.entries[at].hash == h.hash {
			d.Fate = FateHole
		}
	}
	return d
}

// text says which write group was cut.
func (v *verdict) text() string {
	l := v.cut
	if l == nil {
		return ""
	}
	return fmt.Sprintf("%s byte %d: write group %d was torn: %d of %d sectors hold what was there before; it was erased",
		walName(l.slot), l.start*sectorSize, l.number, len(l.bad), l.end-l.start)
}
