package replica

import "sort"

// BatchHash returns the running batch hash before a committed offset, if it is in memory and a batch ends there (G11).
func (g *Group) BatchHash(offset int64) (uint64, bool) {
	w := g.win
	if offset == w.end {
		return w.hash, true
	}
	i := sort.Search(len(w.slots), func(k int) bool { return w.slots[k].end >= offset })
	if i == len(w.slots) || w.slots[i].end != offset || w.index+1+uint64(i) > g.applied {
		return 0, false
	}
	return w.slots[i].hash, true
}
