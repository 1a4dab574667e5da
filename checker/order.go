package checker

import "fmt"

// order holds c and r of every offset and finds, in O(log n), a pair j ≤ i with
// c_j > r_i: the record at the lower offset cannot have been appended before the
// one at the higher. As bounds only tighten (A1), a summary of 16 neighbours is
// brought up to date by one comparison.
//
//	maxC[1]   20                            40 ...     one per 16
//	c         2 5 20 ...                    31 ...     one per offset
type order struct {
	c, r     []int64
	cBy, rBy []int32 // the operation that set the bound
	maxC     [][]int64
	minR     [][]int64
}

const fan = 16

// grow adds offsets without bounds, up to n of them.
func (o *order) grow(n int) {
	for len(o.c) < n {
		o.c, o.r = append(o.c, ever), append(o.r, never)
		o.cBy, o.rBy = append(o.cBy, -1), append(o.rBy, -1)
	}
	for lv, below := 0, n; below > 1; lv++ {
		below = (below + fan - 1) / fan
		if lv == len(o.maxC) {
			o.maxC, o.minR = append(o.maxC, nil), append(o.minR, nil)
			o.summarize(lv, below)
		}
		for len(o.maxC[lv]) < below {
			o.maxC[lv], o.minR[lv] = append(o.maxC[lv], ever), append(o.minR[lv], never)
		}
	}
}

// summarize fills a level that has just come into being: all below it counts.
func (o *order) summarize(lv, n int) {
	for range n {
		o.maxC[lv], o.minR[lv] = append(o.maxC[lv], ever), append(o.minR[lv], never)
	}
	c, r := o.level(lv)
	for i := range c {
		o.maxC[lv][i/fan] = max(o.maxC[lv][i/fan], c[i])
		o.minR[lv][i/fan] = min(o.minR[lv][i/fan], r[i])
	}
}

// level returns the bounds that summary lv is made of: those of single offsets
// for 0, else of the summary below.
func (o *order) level(lv int) (c, r []int64) {
	if lv == 0 {
		return o.c, o.r
	}
	return o.maxC[lv-1], o.minR[lv-1]
}

// raise makes c_j at least t. It returns the first i ≥ j with r_i < c_j, or -1.
func (o *order) raise(j int, t int64, by int32) int {
	if o.c[j] >= t {
		return -1
	}
	o.c[j], o.cBy[j] = t, by
	for lv, at := 0, j/fan; lv < len(o.maxC) && o.maxC[lv][at] < t; lv, at = lv+1, at/fan {
		o.maxC[lv][at] = t
	}
	return o.after(j, t)
}

// lower makes r_i at most t. It returns the last j ≤ i with c_j > r_i, or -1.
func (o *order) lower(i int, t int64, by int32) int {
	if o.r[i] <= t {
		return -1
	}
	o.r[i], o.rBy[i] = t, by
	for lv, at := 0, i/fan; lv < len(o.minR) && o.minR[lv][at] > t; lv, at = lv+1, at/fan {
		o.minR[lv][at] = t
	}
	return o.before(i, t)
}

// after returns the first i ≥ from with r_i < t, or -1. It climbs to the right:
// when a family of 16 is exhausted, it goes on with the next entry one level up.
func (o *order) after(from int, t int64) int {
	for lv, at := 0, from; ; lv++ {
		_, r := o.level(lv)
		for end := min((at/fan+1)*fan, len(r)); at < end; at++ {
			if r[at] < t {
				return o.descend(lv, at, 1, func(lv, at int) bool { _, r := o.level(lv); return r[at] < t })
			}
		}
		if at == len(r) {
			return -1
		}
		at /= fan
	}
}

// before returns the last j ≤ from with c_j > t, or -1. It climbs to the left.
func (o *order) before(from int, t int64) int {
	for lv, at := 0, from; ; lv++ {
		c, _ := o.level(lv)
		first := at / fan * fan
		for ; at >= first; at-- {
			if c[at] > t {
				return o.descend(lv, at, -1, func(lv, at int) bool { c, _ := o.level(lv); return c[at] > t })
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
		c, _ := o.level(lv)
		first, last := at*fan, min(at*fan+fan, len(c))-1
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
