package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"logd/checker"
)

// scene is a history as the drawings need it.
type scene struct {
	ops         []*checker.Op // clients' operations, by Call
	faults      []window
	begin, end  int64
	marks       map[int64][]int // by operation, the findings that it is part of
	markedOrder []int64
}

// window is a time in which a fault was on.
type window struct {
	Name       string
	From, To   int64
	Begin, End string
}

func newScene(h checker.History) *scene {
	s := &scene{marks: map[int64][]int{}}
	var faults []*checker.Op
	for i := range h.Ops {
		op := &h.Ops[i]
		if len(s.ops)+len(faults) == 0 {
			s.begin, s.end = op.Call, op.Call
		}
		s.begin, s.end = min(s.begin, op.Call), max(s.end, op.Call, op.Ret)
		if op.Kind == checker.Fault {
			faults = append(faults, op)
			continue
		}
		s.ops = append(s.ops, op)
	}
	byCall := func(a, b *checker.Op) int { return cmp.Or(cmp.Compare(a.Call, b.Call), cmp.Compare(a.ID, b.ID)) }
	slices.SortStableFunc(s.ops, byCall)
	slices.SortStableFunc(faults, byCall)
	s.end = max(s.end, s.begin+1)
	s.windows(faults)
	return s
}

// ends says which words a fault's name begins with that another one's ends.
var ends = map[string][]string{"stop": {"start"}, "heal": {"partition"}, "restart": {"kill"}, "start": {"kill", "crash", "power"},
	"resume": {"pause"}, "join": {"one-way"}}

// windows joins what begins a fault with what ends it: start-partition with
// stop-partition, crash of a broker with its start. Others last as long as they say.
func (s *scene) windows(faults []*checker.Op) {
	open := map[string]int{}
	for _, f := range faults {
		verb, what, _ := strings.Cut(f.Fault, "-")
		if verb == "one" { // one-way
			verb, what = f.Fault, ""
		}
		var ended bool
		for _, begun := range ends[verb] {
			for _, key := range []string{begun + " " + what + " " + f.Target, begun + " " + what + " "} {
				if i, ok := open[key]; ok {
					s.faults[i].To, ended = max(f.Call, f.Ret), true
					delete(open, key)
				}
			}
		}
		if ended || what == "" && len(ends[verb]) > 0 {
			continue // the end of one, or of none: a first start
		}
		key := verb + " " + what + " "
		if what == "" {
			key += f.Target
		}
		open[key] = len(s.faults)
		s.faults = append(s.faults, window{Name: strings.TrimSpace(f.Fault + " " + f.Target), From: f.Call, To: max(f.Call, f.Ret)})
	}
	for _, i := range open { // what nobody ended goes on
		if f := strings.SplitN(s.faults[i].Name, " ", 2)[0]; f == "crash" || f == "power" || f == "pause" || f == "kill" || strings.HasPrefix(f, "start-") {
			s.faults[i].To = s.end
		}
	}
	s.faults = joined(s.faults)
	for i := range s.faults {
		w := &s.faults[i]
		w.Begin, w.End = s.clock(w.From), s.clock(w.To)
	}
}

// joined makes one of those that began and ended together, such as the cuts of a partition.
func joined(all []window) (out []window) {
	at := map[[2]int64]int{}
	for _, w := range all {
		if i, ok := at[[2]int64{w.From, w.To}]; ok {
			out[i].Name += ", " + w.Name
			continue
		}
		at[[2]int64{w.From, w.To}] = len(out)
		out = append(out, w)
	}
	return out
}

func (s *scene) mark(id int64, number int) {
	if !slices.Contains(s.marks[id], number) {
		s.marks[id] = append(s.marks[id], number)
		s.markedOrder = append(s.markedOrder, id)
	}
}

// clock is an instant as a person reads it: seconds since the beginning, or the
// instant itself if the history's clock counts steps.
func (s *scene) clock(at int64) string {
	if s.end-s.begin < 1e6 {
		return fmt.Sprint(at)
	}
	return fmt.Sprintf("%.3f s", float64(at-s.begin)/1e9)
}

func span(n int64) string {
	switch {
	case n < 1e4:
		return fmt.Sprintf("%d ns", n)
	case n < 1e7:
		return fmt.Sprintf("%.0f µs", float64(n)/1e3)
	case n < 1e10:
		return fmt.Sprintf("%.0f ms", float64(n)/1e6)
	}
	return fmt.Sprintf("%.1f s", float64(n)/1e9)
}

// over is when an operation ended for the drawings: what is unknown, at the end.
func (s *scene) over(op *checker.Op) int64 {
	if op.Outcome == checker.Unknown || op.Outcome == 0 && op.Ret == 0 {
		return s.end
	}
	return max(op.Call, op.Ret)
}

// say is what an operation did, in a line.
func say(op *checker.Op) string {
	s := fmt.Sprintf("%s %d, client %d", op.Kind, op.ID, op.Client)
	if op.Session != 0 && op.Session != op.Client {
		s += fmt.Sprintf(", session %d", op.Session)
	}
	s += ", " + op.Outcome.String()
	switch op.Kind {
	case checker.Txn:
		for i := range op.Ops {
			s += "\n  " + op.Ops[i].Kind.String() + " " + what(&op.Ops[i])
		}
		return s
	case checker.Assign, checker.Subscribe:
		return s + ": " + strings.Join(op.Parts, " ")
	}
	return s + ": " + what(op)
}

// what says which records an operation concerns.
func what(op *checker.Op) string {
	s := op.Partition
	if op.Group != "" {
		s += " of group " + op.Group
	}
	if op.Kind == checker.Read {
		s += fmt.Sprintf(" from %d", op.From)
	} else if op.Outcome == checker.OK || op.Kind == checker.Commit {
		s += fmt.Sprintf(" at %d", op.Off)
	}
	if n := len(op.Values); n > 6 {
		return fmt.Sprintf("%s: %q … %q (%d)", s, op.Values[0], op.Values[n-1], n)
	}
	return s + fmt.Sprintf(" %q", op.Values)
}
