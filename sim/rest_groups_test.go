package sim

import "testing"

// What lies in __consumer_offsets is compared, too, once a run is over.
func TestCopiesOfGroupsAreCompared(t *testing.T) {
	w := stormy(t, 3)
	if w.atRest(); w.violation != nil { // from here on no time passes in which the flip could be mended
		t.Fatal(w.violation)
	}
	for _, g := range w.views.groups {
		all := w.nodes[1].disk.segmentsOf(g.id)
		if g.part != partGroups || len(all) < 3 {
			continue
		}
		for _, n := range w.nodes { // what the others have in segments, too
			theirs := n.disk.segmentsOf(g.id)
			for len(all) > 0 && (len(theirs) == 0 || all[len(all)-1].base > theirs[len(theirs)-1].base) {
				all = all[:len(all)-1]
			}
		}
		if len(all) == 0 {
			continue
		}
		last := all[len(all)-1]                                        // above the log start
		must(t, w.nodes[1].disk.Flip(last.file, last.at+15, usualBit)) // of its epoch, where its checksum doesn't reach
		w.atRest()
		if w.violation == nil || w.violation.Name != LogsDiffer {
			t.Errorf("%s: %v, expected %s", g.name, w.violation, LogsDiffer)
		}
		return
	}
	t.Error("nothing of groups is in segments")
}
