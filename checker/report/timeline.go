package report

import (
	"cmp"
	"fmt"
	"html/template"
	"math"
	"slices"

	"logd/checker"
)

// maxBars is how many operations a timeline draws (H2).
const maxBars = 1200

// bar is an operation of the timeline in its lane.
type bar struct {
	op   *checker.Op
	lane int
}

// timeline draws the operations, clients one below the other.
func (s *scene) timeline() (template.HTML, string) {
	ops, note := s.around()
	if len(ops) == 0 {
		return "", note
	}
	from, to := ops[0].Call, ops[0].Call+1
	for _, op := range ops {
		from, to = min(from, op.Call), max(to, op.Call)
		if op.Outcome == checker.OK || op.Outcome == checker.Failed {
			to = max(to, op.Ret)
		}
	}
	bars, clients, lanes := s.lay(ops)
	const row = 16.0
	part := *s
	part.begin, part.end = from, to+max(1, (to-from)/40)
	g := newSVG(plotWidth, top+row*float64(lanes)+low+4)
	floor := top + row*float64(lanes)
	part.faults = slices.DeleteFunc(slices.Clone(s.faults), func(w window) bool { return w.To < from || w.From > part.end })
	for i := range part.faults {
		part.faults[i].From, part.faults[i].To = max(part.begin, part.faults[i].From), min(part.end, part.faults[i].To)
	}
	part.shade(g, top, floor)
	for _, c := range clients {
		y := top + row*float64(c.lane)
		g.line(0, y, plotWidth, y, "grid")
		g.text(4, y+12, "axis", fmt.Sprintf("client %d", c.client))
	}
	for _, b := range bars {
		part.bar(g, b, top+row*float64(b.lane)+2, row-4)
	}
	s.axisOf(g, &part, floor)
	return g.done(), note
}

func (s *scene) axisOf(g *svg, part *scene, floor float64) {
	for i := range 7 {
		at := part.begin + (part.end-part.begin)*int64(i)/6
		class := "axis middle"
		if i == 6 {
			class = "axis right"
		}
		g.line(part.x(at), floor, part.x(at), floor+4, "grid")
		g.text(part.x(at), floor+16, class, s.clock(at))
	}
}

// bar draws one operation. What is unknown goes on to the end, and fades.
func (s *scene) bar(g *svg, b bar, y, h float64) {
	class := map[checker.Outcome]string{checker.OK: "b-ok", checker.Failed: "b-fail"}[b.op.Outcome]
	until := s.over(b.op)
	if class == "" {
		class, until = "b-unknown", s.end
	}
	numbers := s.marks[b.op.ID]
	if len(numbers) > 0 {
		class += " marked"
	}
	x := s.x(b.op.Call)
	w := math.Max(2, s.x(min(until, s.end))-x)
	text := say(b.op) + "\n" + s.clock(b.op.Call) + " …"
	if class := b.op.Outcome; class == checker.OK || class == checker.Failed {
		text += " " + s.clock(b.op.Ret)
	}
	g.rect(x, y, w, h, class+" k-"+b.op.Kind.String(), text)
	label := ""
	if w > 50 {
		label = short(letter(b.op), int(w/6.5))
	}
	if label != "" {
		g.text(x+3, y+h-2.5, "in", label)
	}
	if len(numbers) > 0 {
		g.text(x+w+2, y+h-2, "number", fmt.Sprint(numbers)[1:len(fmt.Sprint(numbers))-1])
	}
}

func letter(op *checker.Op) string {
	switch op.Kind {
	case checker.Append, checker.Read:
		s := op.Kind.String()
		if len(op.Values) > 0 {
			s += " " + op.Values[0]
		}
		if n := len(op.Values); n > 1 {
			s += fmt.Sprintf("…%s", op.Values[n-1])
		}
		return s
	case checker.Tail, checker.Start, checker.Trim, checker.Commit, checker.FetchOffset:
		return fmt.Sprintf("%s %d", op.Kind, op.Off)
	}
	return op.Kind.String()
}

type clientLane struct {
	client int64
	lane   int
}

// lay gives each client lanes enough for what it does at once.
func (s *scene) lay(ops []*checker.Op) (bars []bar, clients []clientLane, lanes int) {
	by := map[int64][]*checker.Op{}
	var names []int64
	for _, op := range ops {
		if by[op.Client] == nil {
			names = append(names, op.Client)
		}
		by[op.Client] = append(by[op.Client], op)
	}
	slices.Sort(names)
	for _, c := range names {
		clients = append(clients, clientLane{c, lanes})
		var free []int64 // when each lane of the client is free again
		for _, op := range by[c] {
			k := slices.IndexFunc(free, func(at int64) bool { return at <= op.Call })
			if k < 0 {
				k = len(free)
				free = append(free, 0)
			}
			free[k] = max(op.Call, op.Ret)
			if op.Outcome == checker.Unknown && op.Kind <= checker.Txn {
				free[k] = math.MaxInt64
			}
			bars = append(bars, bar{op, lanes + k})
		}
		lanes += len(free)
	}
	return bars, clients, lanes
}

// around is all operations if they are few; else those of findings, and what went on
// at the same time, as many as fit.
func (s *scene) around() ([]*checker.Op, string) {
	if len(s.ops) <= maxBars {
		return s.ops, ""
	}
	if len(s.markedOrder) == 0 {
		return s.ops[:maxBars], fmt.Sprintf("The first %d of %d operations.", maxBars, len(s.ops))
	}
	at := map[int64]int{}
	for i, op := range s.ops {
		at[op.ID] = i
	}
	chosen := map[int]bool{}
	reach := max(3, maxBars/(2*len(s.markedOrder)))
	for _, id := range s.markedOrder {
		if i, ok := at[id]; ok && len(chosen) < maxBars {
			for k := max(0, i-reach); k <= min(len(s.ops)-1, i+reach); k++ {
				chosen[k] = true
			}
		}
	}
	var ops []*checker.Op
	for k := range chosen {
		ops = append(ops, s.ops[k])
	}
	slices.SortFunc(ops, func(a, b *checker.Op) int { return cmp.Or(cmp.Compare(a.Call, b.Call), cmp.Compare(a.ID, b.ID)) })
	return ops, fmt.Sprintf("%d of %d operations: those around the findings.", len(ops), len(s.ops))
}
