package log

import "fmt"

// verdict is what counts of the WAL.
type verdict struct {
	chain []*loaded // the write groups that count, oldest first, each with a directory that can be read
	cut   *loaded   // the torn one behind them that is to be erased, or nil (L5)
}

// last is the highest write group that counts.
func (v *verdict) last() *loaded { return v.chain[len(v.chain)-1] }

// proved is the highest write group that is stable whatever caches say: the last one proves that the one before it was synced (S3).
func (v *verdict) proved() uint64 { return v.last().number - 1 }

// judge decides which write groups count, and whether the highest one is torn (S3). Each that counts must have a directory
// that can be read: what else is bad in it is known, or bytes of entries. All other damage may hide a vote, and the error
// wraps [ErrVotesLost] (S6).
func (w *walScan) judge() (verdict, error) {
	if w.top == 0 {
		return verdict{}, votesLost(Damage{File: walName(0), Byte: BlockSize, Expected: "a write group in the WAL, one is written when it is made", Found: "none"})
	}
	if d := w.anyDir(w.top); d != nil {
		chain, err := w.chain(d.floor, w.top)
		if err != nil {
			return verdict{}, err
		}
		v := verdict{chain: chain}
		if l := v.last(); l.dir() != nil && l.dir().floor == d.floor && !w.torn(l) {
			return v, w.check(&v)
		}
	}
	l := w.guess(w.top)
	d := w.anyDir(w.top - 1) // it was synced, or the torn one had not been written (L2)
	if d == nil {
		return verdict{}, w.lost(l, "both directories are bad, and no directory of the write group before it can be read")
	}
	chain, err := w.chain(d.floor, w.top-1)
	if err != nil {
		return verdict{}, err
	}
	v := verdict{chain: chain}
	if v.cut = w.after(chain, w.top); v.cut == nil {
		return verdict{}, w.lost(l, fmt.Sprintf("it must begin behind write group %d, in %s byte %d, or with the next file", w.top-1, walName(v.last().slot), v.last().end*sectorSize))
	}
	if !w.torn(v.cut) || w.elsewhere(v.cut) {
		return verdict{}, w.lost(v.cut, "both directories are bad, and not each bad sector holds what was there before")
	}
	return v, w.check(&v)
}

// chain finds the write groups from one that is the first of its file up to another.
func (w *walScan) chain(from, to uint64) ([]*loaded, error) {
	var chain []*loaded
	for _, e := range w.extents[from] {
		if l := w.load(from, e.slot, 1); len(chain) == 0 || l.dir() != nil {
			chain = []*loaded{l}
			l.lap = uint64(len(w.files) + e.slot)
		}
	}
	if len(chain) == 0 {
		return nil, votesLost(Damage{File: walDir, WriteGroup: from,
			Expected: fmt.Sprintf("it to be the oldest that counts, as write group %d says", to), Found: "it nowhere"})
	}
	for number := from; ; number++ {
		l := chain[len(chain)-1]
		if number == to {
			return chain, nil
		}
		if l.dir() == nil {
			return nil, w.lost(l, "both directories are bad, and a later write group proves that it was synced")
		}
		next := w.after(chain, number+1)
		if next == nil {
			return nil, votesLost(Damage{File: walName(l.slot), Byte: int64(l.end) * sectorSize, WriteGroup: number + 1,
				Expected: "it here, or at the beginning of the next file", Found: w.describe(l.slot, min(l.end, len(w.sectors[l.slot])-1))})
		}
		chain = append(chain, next)
	}
}

// after finds the write group that follows a chain: it is in the same file, or at the beginning of the next, if that one
// isn't the chain's first.
func (w *walScan) after(chain []*loaded, number uint64) *loaded {
	prev := chain[len(chain)-1]
	var found *loaded
	if e, ok := w.extent(number, prev.slot); ok && e.last >= prev.end {
		found = w.load(number, prev.slot, prev.end/blockSectors)
		found.lap = prev.lap
	}
	if (found == nil || found.dir() == nil) && prev.lap+1-chain[0].lap < uint64(len(w.files)) {
		slot := (prev.slot + 1) % len(w.files)
		if _, ok := w.extent(number, slot); ok {
			if l := w.load(number, slot, 1); found == nil || l.dir() != nil {
				found = l
				found.lap = prev.lap + 1
			}
		}
	}
	return found
}

// torn says whether the highest write group is provably one whose write didn't complete: each bad sector of it holds that
// place's former content, of a lower number or zeros (S3). Where no directory says how long it was, nothing behind it may be
// damaged either.
func (w *walScan) torn(l *loaded) bool {
	all, end := w.sectors[l.slot], l.end
	if l.dir() == nil {
		end = len(all)
	}
	for _, is := range all[l.start:end] {
		if is > l.number {
			return false
		}
	}
	return len(l.bad) > 0 || l.dir() == nil && l.end < len(all) // its first blocks are there, and no more of a longer directory
}

// elsewhere says whether sectors of a write group were seen outside of it: a sector of an earlier one with its number, whose
// erasure didn't reach the disk.
func (w *walScan) elsewhere(l *loaded) bool {
	e, _ := w.extent(l.number, l.slot)
	return len(w.extents[l.number]) > 1 || e.first < l.start || e.last >= l.end
}

// check refuses a chain that contradicts itself, and one behind which, or behind whose torn write group, a whole write group may
// have rotted: at one of the two places where a next one would begin, no sector proves what was there before.
func (w *walScan) check(v *verdict) error {
	for _, l := range v.chain {
		if l.dir() == nil {
			return w.lost(l, "both directories are bad, and a later write group proves that it was synced")
		}
		if found := l.contradiction(); found != "" {
			return w.lost(l, found)
		}
	}
	l := v.last()
	if v.cut != nil {
		l = v.cut // one behind it would prove that it was synced
	}
	slot, i := l.slot, l.end
	for range 2 {
		if w.nothingKnown(slot, i) {
			return votesLost(Damage{File: walName(slot), Byte: int64(i) * sectorSize, WriteGroup: l.number + 1,
				Expected: "it, or what it would replace", Found: w.describe(slot, i)})
		}
		if l.lap+1-v.chain[0].lap == uint64(len(w.files)) {
			break // the next file isn't free
		}
		slot, i = (slot+1)%len(w.files), blockSectors
	}
	if is, last := w.filled, v.last().number; is.upTo > last {
		return votesLost(Damage{File: walName(is.slot), Byte: int64(is.sector) * sectorSize, WriteGroup: last,
			Expected: fmt.Sprintf("write groups up to %d, which counted when this file took a lost one's place", is.upTo), Found: "none behind this one"})
	}
	return nil
}

// nothingKnown says whether a write group may be in a place that has left no trace.
func (w *walScan) nothingKnown(slot, sector int) bool {
	end := sector + sum{}.blocks()*blockSectors
	if end > len(w.sectors[slot]) {
		return false // none fits there
	}
	for _, is := range w.sectors[slot][sector:end] {
		if !bad(is) {
			return false
		}
	}
	return true
}

// guess returns what is seen of a write group whose beginning is unknown.
func (w *walScan) guess(number uint64) *loaded {
	e := w.extents[number][0]
	return w.load(number, e.slot, e.first/blockSectors)
}

// votesLost makes the error of damage that may hide a vote.
func votesLost(d Damage) error { return fmt.Errorf("%w: %v", ErrVotesLost, d) }

// lost names the first bad sector of a write group that must not be one, and what it holds (S6).
func (w *walScan) lost(l *loaded, why string) error {
	d := Damage{File: walName(l.slot), Byte: int64(l.start) * sectorSize, WriteGroup: l.number, Expected: "one readable directory", Found: why}
	if len(l.bad) > 0 {
		d.Byte = int64(l.bad[0]) * sectorSize
		d.Found = fmt.Sprintf("%s: %d bad sectors, the first with %s", why, len(l.bad), w.describe(l.slot, l.bad[0]))
	}
	return votesLost(d)
}
