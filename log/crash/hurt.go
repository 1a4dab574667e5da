package crash

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"logd/log"
)

const walBlock = log.BlockSize

// harm does what a disk does to a store, and what a replica does about it.
func (w *world) harm(c *command, g *group) {
	switch c.verb {
	case "full":
		w.full = [2]int{c.args[0], 1}
		if len(c.args) > 1 {
			w.full[1] = c.args[1]
		}
	case "failsync":
		w.badSync = c.args[0] + 1
	case "space":
		w.full = [2]int{}
		w.s.Retry()
	case "rot":
		w.rot(g, int64(c.args[0]))
	case "lose":
		at := int64(c.args[0])
		info := w.segment(g, at)
		w.must(w.fs.Lose(fmt.Sprintf("seg/%020d/%020d.log", g.id, info.Base)))
		w.m.hurt, g.rotten = true, append(g.rotten, log.Range{From: info.Base, To: info.End})
		w.restart()
		if w.fault == nil && len(w.s.SegmentHoles(g.id)) == 0 {
			w.fault = violation("damage-unseen", "group %d: the segment with offset %d is gone, and nothing is said to be lost", g.id, at)
		}
	case "forget":
		w.forget(g, uint64(c.args[0]))
	case "stray":
		w.stray()
	case "ruin":
		w.ruin()
	case "start":
		w.restart()
	case "heal":
		w.heal(g)
	}
}

func (w *world) must(err error) {
	if err != nil {
		panic(fmt.Sprintf("crash: script %s: %v", w.script.Name, err))
	}
}

// noRoom fails the operation in flight, if it is to find the disk full.
func (w *world) noRoom(op log.Op, lane log.Lane) bool {
	if lane != log.LaneFill || w.full[1] == 0 {
		return false
	}
	if w.full[0] > 0 {
		w.full[0]--
		return false
	}
	w.full[1]--
	if op.Kind == log.OpWrite {
		part := op
		part.Data = op.Data[:len(op.Data)/2]
		w.must(w.run[lane].Do(part))
	}
	p := &w.plans[lane]
	d := log.Done{Lane: lane, ID: p.ID, Ran: w.next[lane], Err: fmt.Errorf("%s: %w", op, log.ErrNoSpace)}
	*p = log.Plan{}
	w.must(w.s.Done(d))
	return true
}

// syncFails fails the operation in flight, if it is the sync that is to. Then nothing is known of what wasn't stable, and a
// store that goes on all the same is judged as any other.
func (w *world) syncFails(op log.Op, lane log.Lane) bool {
	if op.Kind != log.OpSync && op.Kind != log.OpWriteSync || w.badSync == 0 {
		return false
	}
	if w.badSync--; w.badSync > 0 {
		return false
	}
	begin(w.fs, op)
	w.fs.FailSync()
	d := log.Done{Lane: lane, ID: w.plans[lane].ID, Ran: w.next[lane], Err: fmt.Errorf("%s: input/output error", op)}
	w.plans[lane] = log.Plan{}
	if w.s.Done(d) != nil {
		w.restart()
	}
	return true
}

// restart opens the store again, and goes on from what it has.
func (w *world) restart() {
	before, b := *w, w.bounds()
	s, rec, o := open(w.fs, w.script.Options)
	if v := w.m.judge(o, b); v != nil {
		w.fault = v
		return
	}
	w.m, w.seq, w.blocked = model{}, 0, false
	w.attach(s)
	w.adopt(&before, rec)
}

// whole takes a store that has no hole any more for sound.
func (w *world) whole() {
	for _, g := range w.m.groups {
		if g.dropped == 0 && len(w.s.Holes(g.id))+len(w.s.SegmentHoles(g.id)) > 0 {
			return
		}
	}
	w.m.hurt = false
	for _, g := range w.m.groups {
		g.rotten = nil
		clear(g.lost)
	}
}

// segment returns the one that has an offset.
func (w *world) segment(g *group, at int64) log.SegmentInfo {
	for _, info := range w.s.SegmentInfo(g.id) {
		if info.Base <= at && at < info.End {
			return info
		}
	}
	panic(fmt.Sprintf("crash: script %s: group %d: no segment has offset %d", w.script.Name, g.id, at))
}

// rot damages a batch in segments, which a read finds.
func (w *world) rot(g *group, at int64) {
	info := w.segment(g, at)
	rd, ok := w.s.Find(g.id, at, 0)
	if !ok {
		panic(fmt.Sprintf("crash: script %s: group %d: offset %d is not found", w.script.Name, g.id, at))
	}
	data := w.run[log.LaneFill].Read(rd).Data
	pos := 0
	for {
		b, n, err := log.ParseBatch(data[pos:])
		w.must(err)
		if b.NextOffset() > at {
			pos += n - 1
			break
		}
		pos += n
	}
	w.must(w.fs.Damage(rd.File, []byte{data[pos] ^ 4}, rd.Off+int64(pos)))
	w.m.hurt, g.rotten = true, append(g.rotten, log.Range{From: info.Base, To: info.End})
	data = w.run[log.LaneFill].Read(rd).Data
	if w.s.CheckScrub(g.id, rd, data) == nil {
		w.fault = violation("damage-unseen", "group %d: a bit at byte %d of %s turned over, and it verifies", g.id, rd.Off+int64(pos), rd.File)
		return
	}
	for _, bad := range w.s.Rotten(g.id, rd, data) {
		w.s.Suspect(g.id, bad)
	}
	w.unserved(g)
}

// unserved: what is known to be lost is not found.
func (w *world) unserved(g *group) {
	for _, r := range w.s.SegmentHoles(g.id) {
		for at := r.From; at < r.To; at++ {
			if rd, ok := w.s.Find(g.id, at, 0); ok {
				w.fault = violation("hole-served", "group %d: offset %d, in the hole %v, is found in %s byte %d", g.id, at, r, rd.File, rd.Off)
				return
			}
		}
	}
}

// walFiles returns the bytes of all WAL files.
func (w *world) walFiles() (names []string, data [][]byte) {
	list, err := w.fs.List("wal")
	w.must(err)
	for _, name := range list {
		f, err := w.fs.Open("wal/" + name)
		w.must(err)
		b := make([]byte, w.script.Options.WALFileBytes)
		_, err = f.ReadAt(b, 0)
		w.must(err)
		names, data = append(names, "wal/"+name), append(data, b)
	}
	return names, data
}

// forget damages the bytes of an entry in the WAL.
func (w *world) forget(g *group, index uint64) {
	e, ok := g.now().at(index)
	if !ok || len(e.Data) < 150 {
		panic(fmt.Sprintf("crash: script %s: group %d: index %d has no bytes of its own", w.script.Name, g.id, index))
	}
	names, files := w.walFiles()
	hits := 0
	const piece = 24
	for i, b := range files {
		for at := len(e.Data) - piece; at > len(e.Data)-3*piece; at -= piece { // one of them is in one sector
			if pos := bytes.Index(b, e.Data[at:at+piece]); pos >= 0 {
				w.must(w.fs.Damage(names[i], []byte{b[pos] ^ 1}, int64(pos)))
				w.lose(b[pos&^511:][:504])
				hits++
				break
			}
		}
	}
	if hits == 0 {
		panic(fmt.Sprintf("crash: script %s: group %d: the bytes of index %d are not in the WAL", w.script.Name, g.id, index))
	}
	w.m.hurt = true
	id := g.id
	w.restart()
	if w.fault == nil && !slices.ContainsFunc(w.s.Holes(id), func(h log.Hole) bool { return h.Index == index }) {
		w.fault = violation("damage-unseen", "group %d: the bytes of index %d are damaged, and nothing is said to be lost", id, index)
	}
}

// lose notes the entries with bytes in a sector: those seen there, and their neighbours, which may have a few.
func (w *world) lose(sector []byte) {
	const piece = 8
	for _, g := range w.m.groups {
		es := g.now().log
		for i := range es {
			for at := 0; at+piece <= len(es[i].Data); at++ {
				if !bytes.Contains(sector, es[i].Data[at:at+piece]) {
					continue
				}
				for _, e := range es[max(i-1, 0):min(i+2, len(es))] {
					g.lost[e.hash] = 0
				}
				break
			}
		}
	}
}

// number reads which write group a sector says it is of, 0 for none; numbers are small here.
func number(sector []byte) uint32 { return binary.BigEndian.Uint32(sector[508:]) }

// blocksOf returns the blocks that are of a write group, by file.
func blocksOf(files [][]byte, group uint32) (at [][2]int) {
	for i, b := range files {
		for pos := walBlock; pos < len(b); pos += walBlock {
			if number(b[pos:]) == group {
				at = append(at, [2]int{i, pos})
			}
		}
	}
	return at
}

// last returns the number of the last write group.
func last(files [][]byte) (top uint32) {
	for _, b := range files {
		for pos := walBlock; pos < len(b); pos += walBlock {
			top = max(top, number(b[pos:]))
		}
	}
	return top
}

// stray writes a block of the last write group but one over each of the last one's, one at a time; the last time for good.
func (w *world) stray() {
	names, files := w.walFiles()
	top := last(files)
	from := blocksOf(files, top-1)[0]
	old := files[from[0]][from[1] : from[1]+walBlock]
	w.m.hurt = true
	for _, g := range w.m.groups {
		for _, e := range g.now().log {
			g.lost[e.hash] = 0
		}
	}
	for _, to := range blocksOf(files, top) {
		fs := w.fs.Clone()
		w.must(fs.Damage(names[to[0]], old, int64(to[1])))
		_, _, o := open(fs, w.script.Options)
		if v := w.m.judge(o, w.bounds()); v != nil {
			w.fault = violation(v.Name, "a block of write group %d went astray to %s byte %d, of write group %d: %s", top-1, names[to[0]], to[1], top, v.Text)
			return
		}
	}
	to := blocksOf(files, top)[0]
	w.must(w.fs.Damage(names[to[0]], old, int64(to[1])))
	w.restart()
}

// ruin damages both directories of a write group that others follow: a vote may be lost, and nothing may be said any more.
func (w *world) ruin() {
	names, files := w.walFiles()
	fs := w.fs.Clone()
	at := blocksOf(files, last(files)-1)
	for _, to := range at {
		w.must(fs.Damage(names[to[0]], []byte{files[to[0]][to[1]] ^ 1}, int64(to[1])))
	}
	if _, _, o := open(fs, w.script.Options); !o.votes {
		w.fault = violation("damage-forgotten", "both directories of write group %d are rotten, a vote may be lost; recovery says\n%s", last(files)-1, o)
	}
}

// heal gives lost entries their bytes.
func (w *world) heal(g *group) {
	for _, h := range w.s.Holes(g.id) {
		e, ok := g.now().at(h.Index)
		if !ok || e.hash != h.Hash {
			panic(fmt.Sprintf("crash: script %s: group %d: the hole %+v is none of the log", w.script.Name, g.id, h))
		}
		wrong := e.Entry
		wrong.Data = slices.Clone(e.Data)
		wrong.Data[len(wrong.Data)-1] ^= 1
		if _, err := w.s.Fill(g.id, wrong); !errors.Is(err, log.ErrMisfit) {
			w.fault = violation("misfit-taken", "group %d: other bytes than those that index %d lost are taken: %v", g.id, h.Index, err)
			return
		}
		seq, err := w.s.Fill(g.id, e.Entry)
		w.must(err)
		w.seq = max(w.seq, seq)
		g.lost[e.hash] = seq
	}
}

// mend gives the first lost stretch of segments its batches, once others were refused.
func (w *world) mend(g *group, args []int) (queued bool) {
	hole := w.s.SegmentHoles(g.id)[0]
	base := hole.From
	for ; g.data[base] == nil; base-- { // the log start may be within a batch
		if base < 0 {
			panic(fmt.Sprintf("crash: script %s: group %d: no batch is known for the hole %v", w.script.Name, g.id, hole))
		}
	}
	var batches, others [][]byte
	for base < hole.To {
		b := g.data[base]
		h, _, err := log.ParseBatch(b)
		w.must(err)
		batches = append(batches, b)
		others = append(others, newBatch(base, h.LeaderEpoch, int(h.NextOffset()-base), len(b), fold(uint64(base), 99)))
		base = h.NextOffset()
	}
	if !g.offered {
		g.offered = true
		if err := w.s.Repair(g.id, hole.From, others); !errors.Is(err, log.ErrMisfit) {
			w.fault = violation("misfit-taken", "group %d: other batches than those that the hole %v lost are taken: %v", g.id, hole, err)
		}
		return false
	}
	if len(args) > 0 {
		batches = batches[:min(len(batches), max(args[0], 1))]
	}
	w.must(w.s.Repair(g.id, hole.From, batches))
	return true
}

// judgeHurt: nothing is lost but what was damaged, and not filled durably since.
func (g *group) judgeHurt(f *found, b bounds) *Violation {
	for _, h := range f.holes {
		if seq, ok := g.lost[h]; !ok || seq > 0 && seq <= b.durable {
			return violation("acknowledged-lost", "the entry with running hash %016x is a hole; it was damaged: %t, filled as position %d", h, ok, seq)
		}
	}
	for _, r := range f.lost {
		if !slices.ContainsFunc(g.rotten, func(is log.Range) bool { return is.From <= r.From && r.To <= is.To }) {
			return violation("segment-wrong", "offsets %d to %d are lost, damaged were %v", r.From, r.To, g.rotten)
		}
	}
	return nil
}
