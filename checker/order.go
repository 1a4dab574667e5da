package checker

import "fmt"

// order holds c and r of every offset and finds, in O(log n), a pair j ≤ i with
// c_j > r_i: the record at the lower offset cannot have been appended before the
// one at the higher. As bounds only tighten (A1), a summary of 16 neighbours is
// brought up to date by one comparison. Single offsets hold the operation that set
// the bound, whose call or return it is.
//
//	maxC[1]   20                            40 ...     one per 16
//	c         2 5 20 ...                    31 ...     one per offset
type order struct {
	ops        *column[opTimes]
	cBy, rBy   column[int32] // -1 if there is no bound
	maxC, minR []column[int64]
}

const fan = 16

func (o *order) c(at int) int64 {
	if by := o.cBy.get(at); by >= 0 {
		return o.ops.at(int(by)).call
	}
	return ever
}

func (o *order) r(at int) int64 {
	if by := o.rBy.get(at); by >= 0 {
		return o.ops.at(int(by)).ret
	}
	return never
}

// grow adds offsets without bounds, up to n of them.
func (o *order) grow(n int) {
	for o.cBy.n < n {
		o.cBy.push(-1)
		o.rBy.push(-1)
	}
	for lv, below := 0, n; below > 1; lv++ {
		below = (below + fan - 1) / fan
		if lv == len(o.maxC) {
			o.maxC, o.minR = append(o.maxC, column[int64]{}), append(o.minR, column[int64]{})
			o.widen(lv, below)
			o.summarize(lv)
		}
		o.widen(lv, below)
	}
}

func (o *order) widen(lv, n int) {
	for o.maxC[lv].n < n {
		o.maxC[lv].push(ever)
		o.minR[lv].push(never)
	}
}

// summarize fills a level that has just come into being: all below it counts.
func (o *order) summarize(lv int) {
	for i := range o.width(lv) {
		c, r := o.maxC[lv].at(i/fan), o.minR[lv].at(i/fan)
		*c, *r = max(*c, o.levelC(lv, i)), min(*r, o.levelR(lv, i))
	}
}

// width is the number of bounds that summary lv is made of: those of single offsets
// for 0, else of the summary below.
func (o *order) width(lv int) int {
	if lv == 0 {
		return o.cBy.n
	}
	return o.maxC[lv-1].n
}

func (o *order) levelC(lv, at int) int64 {
	if lv == 0 {
		return o.c(at)
	}
	return o.maxC[lv-1].get(at)
}

func (o *order) levelR(lv, at int) int64 {
	if lv == 0 {
		return o.r(at)
	}
	return o.minR[lv-1].get(at)
}

// raise makes c_j at least the call of by. It returns the first i ≥ j with
// r_i < c_j, or -1.
func (o *order) raise(j int, by int32) int {
	t := o.ops.at(int(by)).call
	if o.c(j) >= t {
		return -1
	}
	*o.cBy.at(j) = by
	for lv, at := 0, j/fan; lv < len(o.maxC); lv, at = lv+1, at/fan {
		m := o.maxC[lv].at(at)
		if *m >= t {
			break
		}
		*m = t
	}
	return o.after(j, t)
}

// lower makes r_i at most the return of by. It returns the last j ≤ i with
// c_j > r_i, or -1.
func (o *order) lower(i int, by int32) int {
	t := o.ops.at(int(by)).ret
	if o.r(i) <= t {
		return -1
	}
	*o.rBy.at(i) = by
	for lv, at := 0, i/fan; lv < len(o.minR); lv, at = lv+1, at/fan {
		m := o.minR[lv].at(at)
		if *m <= t {
			break
		}
		*m = t
	}
	return o.before(i, t)
}

// after returns the first i ≥ from with r_i < t, or -1. It climbs to the right:
// when a family of 16 is exhausted, it goes on with the next entry one level up.
func (o *order) after(from int, t int64) int {
	for lv, at := 0, from; ; lv++ {
		width := o.width(lv)
		for end := min((at/fan+1)*fan, width); at < end; at++ {
			if o.levelR(lv, at) < t {
				return o.descend(lv, at, 1, func(lv, at int) bool { return o.levelR(lv, at) < t })
			}
		}
		if at == width {
			return -1
		}
		at /= fan
	}
}

// before returns the last j ≤ from with c_j > t, or -1. It climbs to the left.
func (o *order) before(from int, t int64) int {
	if top := len(o.maxC) - 1; top >= 0 && o.maxC[top].get(0) <= t {
		return -1 // as for what comes in order of return
	}
	for lv, at := 0, from; ; lv++ {
		first := at / fan * fan
		for ; at >= first; at-- {
			if o.levelC(lv, at) > t {
				return o.descend(lv, at, -1, func(lv, at int) bool { return o.levelC(lv, at) > t })
			}
		}
		if first == 0 {
			return -1
		}
		at = first/fan - 1
	}
}

// descend finds, below entry at of level lv, the first (step 1) or last (step -1)
// offset that breaks the bound.
func (o *order) descend(lv, at, step int, broken func(lv, at int) bool) int {
	for lv > 0 {
		lv--
		first, last := at*fan, min(at*fan+fan, o.width(lv))-1
		if step < 0 {
			first, last = last, first
		}
		for at = first; !broken(lv, at); at += step {
			if at == last {
				panic(fmt.Sprintf("invariant A1: summary %d entry %d says broken, no entry below is", lv, at/fan))
			}
		}
	}
	return at
}
