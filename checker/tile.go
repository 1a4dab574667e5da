package checker

import (
	"slices"
	"strconv"
)

// tiling fills gaps with whole batches.
type tiling struct {
	p      *part
	gaps   []gap
	open   bool    // the last batch may end above the last gap
	unseen []int32 // appends that may fill gaps, by call

	// search: appends by size, in order of call, and how many of each are used.
	sizes []int64
	calls [][]int64
	used  []int
	dead  map[string]bool // used, when nothing completes it
	steps int
	deep  int64 // the first offset that no try could fill
}

// maxTilingSteps bounds the search. With k sizes it has at most as many states as
// there are ways to choose a number for each; beyond the bound the verdict is unknown.
const maxTilingSteps = 1 << 18

func (t *tiling) call(k int) int64 { return t.p.times.at(int(t.unseen[k])).call }
func (t *tiling) size(k int) int64 { return t.p.ops.at(int(t.unseen[k])).n() }

// fits reports whether an append called at call can be the batch of that size at
// offset at of gap g. All of it is due when its first offset is, so no upper bound
// inside it may be later; those below the gap's last deadline, or without one inside
// the gap, were compared when they were found.
func (t *tiling) fits(g int, at, size, call int64) bool {
	due, end := t.gaps[g].dueAt(at), at+size
	if call > due {
		return false
	}
	for off := at + 1; off < min(end, t.gaps[g].to) && len(t.gaps[g].due) > 1; off++ {
		if t.p.ord.c(int(off)) > due {
			return false
		}
	}
	if end <= t.gaps[g].to {
		return true
	}
	if !t.open || g < len(t.gaps)-1 {
		return false
	}
	for _, hi := range t.p.ahead.next {
		if hi < end && t.p.times.at(int(t.p.ahead.at[hi].by)).call > due {
			return false
		}
	}
	return true
}

// tooLate looks at records alone, whatever batches they come in: those called in
// time must be enough for each hole and all below it. It reports a violation and
// returns true if they aren't.
func (t *tiling) tooLate() bool {
	var need, have int64
	next := 0
	for _, g := range t.gaps {
		for off := g.from; off < g.to; off++ {
			need++
			for next < len(t.unseen) && t.call(next) <= g.dueAt(off) {
				have += t.size(next)
				next++
			}
			if have < need {
				t.p.missing(off, t.known(), whyRecords, need, have)
				return true
			}
		}
	}
	return false
}

// known is the length up to the highest offset whose value is known.
func (t *tiling) known() int64 {
	for off := t.p.slots.n - 1; off >= 0; off-- {
		if t.p.slots.get(off) >= 0 {
			return int64(off) + 1
		}
	}
	return 0
}

// inOrder is exact if all batches have one size: the k-th hole of that size takes
// the k-th call, for exchanging two appends never helps.
func (t *tiling) inOrder() {
	next, size := 0, t.size(0)
	for k := range t.gaps {
		g := &t.gaps[k]
		for at := g.from; at < g.to; at += size {
			call := never
			if next < len(t.unseen) {
				call = t.call(next)
			}
			if !t.fits(k, at, size, call) {
				t.p.missing(at, t.known(), "of the unseen appends of unknown outcome, all batches of %d, only the first %d called fit", size, next)
				return
			}
			next++
		}
	}
}

// search tries batches of every size at every place. Among those of one size the
// earliest called goes first, as in inOrder, so what is used of each size is all
// there is to remember.
func (t *tiling) search() {
	bySize := map[int64][]int64{}
	for i := range t.unseen {
		n := t.size(i)
		if bySize[n] == nil {
			t.sizes = append(t.sizes, n)
		}
		bySize[n] = append(bySize[n], t.call(i))
	}
	slices.Sort(t.sizes)
	slices.Reverse(t.sizes)
	for _, n := range t.sizes {
		t.calls = append(t.calls, bySize[n])
	}
	t.used = make([]int, len(t.sizes))
	t.dead = map[string]bool{}
	t.deep = t.gaps[0].from
	switch {
	case t.fill(0, t.gaps[0].from):
	case t.steps > maxTilingSteps:
		t.p.undecided("whether unseen batches of %d sizes fill %d gaps was not settled in %d steps; a read of these offsets would settle it",
			len(t.sizes), len(t.gaps), maxTilingSteps)
	default:
		t.p.missing(t.deep, t.known(), "no choice of whole batches among the %d unseen appends of unknown outcome fills the %d gaps in time", len(t.unseen), len(t.gaps))
	}
}

// fill reports whether the gaps from offset at of gap g on can be tiled.
func (t *tiling) fill(g int, at int64) bool {
	if at >= t.gaps[g].to {
		if g++; g == len(t.gaps) {
			return true
		}
		at = t.gaps[g].from
	}
	t.deep = max(t.deep, at)
	key := t.state()
	if t.steps++; t.steps > maxTilingSteps || t.dead[key] {
		return false
	}
	for s, size := range t.sizes {
		if k := t.used[s]; k < len(t.calls[s]) && t.fits(g, at, size, t.calls[s][k]) {
			t.used[s]++
			if t.fill(g, at+size) {
				return true
			}
			t.used[s]--
		}
	}
	t.dead[key] = true
	return false
}

func (t *tiling) state() string {
	var b []byte
	for _, n := range t.used {
		b = append(strconv.AppendInt(b, int64(n), 36), ' ')
	}
	return string(b)
}
