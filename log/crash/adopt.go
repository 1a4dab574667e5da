package crash

import (
	"maps"
	"slices"
	"strings"

	"logd/log"
)

// adopt makes the model what was recovered of an earlier world.
func (w *world) adopt(from *world, rec *log.Recovered) {
	w.m.hurt = from.m.hurt
	for i := range rec.Groups {
		is := &rec.Groups[i]
		old := from.m.group(is.ID)
		g := w.m.create(is.ID, is.Mark, 0)
		if is.Dropped {
			g.dropped = 1 // before anything
			g.created = 0
			g.buried = old.buried
			continue
		}
		g.known, g.batches, g.data, g.agreed = old.known, maps.Clone(old.batches), maps.Clone(old.data), maps.Clone(old.agreed)
		g.rotten = slices.Clone(old.rotten)
		v := version{mark: is.Mark}
		commit := is.State.Commit
		h := is.Mark.EntryHash
		holes := is.Holes
		for _, e := range is.Entries {
			if len(holes) > 0 && holes[0].Index == e.Index {
				h = holes[0].Hash
				g.lost[h] = 0
				holes = holes[1:]
			} else {
				h = log.HashEntry(h, e)
			}
			v.log = append(v.log, g.known[h])
			if g.agreed[h] {
				commit = max(commit, e.Index) // the other replicas know that it was
			}
		}
		g.versions = []version{v}
		g.states = []stateAt{{st: is.State}}
		g.commitTo(commit)
		g.end = w.s.SegmentEnd(is.ID)
		g.start = is.Mark.LogStart
		if e, _ := g.now().at(g.commit); g.end > e.end {
			w.install(g, 1) // a transfer brought these batches: its snapshot comes again
		}
	}
}

// plan makes commands of lines without groups, for all groups that are alive.
func (w *world) plan(text string) []command {
	var all []command
	for _, g := range w.m.groups { // first what peers give
		if g.dropped == 0 && len(w.s.Holes(g.id)) > 0 {
			all = append(all, command{verb: "heal", group: g.id})
		}
		if g.dropped == 0 && len(w.s.SegmentHoles(g.id)) > 0 {
			all = append(all, command{verb: "mend", group: g.id})
		}
	}
	if len(all) > 0 {
		all = append(all, command{verb: "wait"})
	}
	for line, words := range strings.Split(text, "\n") {
		verb, rest, _ := strings.Cut(words, " ")
		if least[verb] < 0 {
			all = append(all, command{line: line, verb: verb})
			continue
		}
		for _, g := range w.m.groups {
			if g.dropped != 0 {
				continue
			}
			c := (&Script{Text: "append 1 " + rest + " 1"}).parse()[0] // 1 more, so that there is one at least
			c.line, c.verb, c.group, c.args = line, verb, g.id, c.args[:len(c.args)-1]
			if verb == "state" {
				c.args = []int{int(g.state().Term) + 1, 2}
			}
			all = append(all, c)
		}
	}
	return all
}
