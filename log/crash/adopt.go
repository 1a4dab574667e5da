package crash

import (
	"maps"
	"strings"

	"logd/log"
)

// adopt makes the model what was recovered of an earlier world.
func (w *world) adopt(from *world, rec *log.Recovered) {
	for i := range rec.Groups {
		is := &rec.Groups[i]
		old := from.m.group(is.ID)
		g := w.m.create(is.ID, is.Mark, 0)
		if is.Dropped {
			g.dropped = 1 // before anything
			g.created = 0
			continue
		}
		g.known, g.batches = old.known, maps.Clone(old.batches)
		v := version{mark: is.Mark}
		h := is.Mark.EntryHash
		for _, e := range is.Entries {
			h = log.HashEntry(h, e)
			v.log = append(v.log, g.known[h])
		}
		g.versions = []version{v}
		g.states = []stateAt{{st: is.State}}
		g.commitTo(max(is.State.Commit, min(old.commit, v.last()))) // the other replicas know what was committed
		g.end = w.s.SegmentEnd(is.ID)
		g.start = is.Mark.LogStart
	}
}

// plan makes commands of lines without groups, for all groups that are alive.
func (w *world) plan(text string) []command {
	var all []command
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
