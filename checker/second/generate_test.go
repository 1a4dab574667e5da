package second_test

import (
	"fmt"
	"slices"

	"pgregory.net/rapid"

	"logd/checker"
)

// generator makes small histories. A log is executed for real, each operation at
// one instant; what is recorded is then left alone, perturbed, or made hard.
type generator struct {
	t    *rapid.T
	ops  []checker.Op
	logs map[string][]string
	from map[string]int64 // where a log begins
	trim bool
	now  int64
	// slack is how far before and after its instant an operation's call and return
	// may lie; 0 makes all operations instantaneous.
	slack   int
	unknown int // of ten appends, about how many have an unknown outcome
	batches bool
	parts   int
}

func (g *generator) draw(name string, lo, hi int) int { return rapid.IntRange(lo, hi).Draw(g.t, name) }
func (g *generator) oneIn(n int, name string) bool    { return g.draw(name, 1, n) == n }

// history draws a history, and whether it is valid by construction.
func history(t *rapid.T) (checker.History, bool) {
	g := &generator{t: t, logs: map[string][]string{}, from: map[string]int64{}, slack: rapid.IntRange(0, 3).Draw(t, "slack"), unknown: 2, parts: 1}
	style := g.draw("style", 0, 3)
	g.batches = g.oneIn(2, "batches")
	if g.oneIn(5, "two partitions") {
		g.parts = 2
	}
	g.trim = g.oneIn(2, "trims")
	if style == 3 { // adversarial: instants coincide, outcomes are unknown, batches leave holes
		g.unknown, g.batches = g.draw("unknown", 5, 10), true
	}
	for range g.draw("operations", 2, 11) {
		g.now += int64(g.draw("pause", 0, 2))
		g.operation()
	}
	if style == 0 {
		return checker.History{Ops: g.ops}, true
	}
	for range g.draw("perturbations", 1, 4) {
		g.perturb()
	}
	return checker.History{Ops: g.ops}, false
}

func (g *generator) operation() {
	part := fmt.Sprint("p/", g.draw("partition", 1, g.parts))
	op := checker.Op{ID: int64(len(g.ops) + 1), Client: int64(len(g.ops)), Partition: part, Outcome: checker.OK,
		Call: g.now - int64(g.draw("early", 0, g.slack)), Ret: g.now + int64(g.draw("late", 0, g.slack))}
	log := g.logs[part]
	kinds := 5
	if g.trim {
		kinds = 8
	}
	switch g.draw("kind", 0, kinds) {
	case 0, 1, 2:
		op.Kind = checker.Append
		g.append(&op)
	case 3, 4:
		op.Kind = checker.Read
		op.From = int64(g.draw("from", 0, len(log)+1))
		op.Limit = int64(max(0, g.draw("limit", -2, 3)))
		op.Lin = g.oneIn(2, "lin")
		from := op.From
		if from < g.from[part] && from < int64(len(log)) && g.oneIn(2, "pass over") {
			from = int64(g.draw("begin", int(from), int(g.from[part])))
		}
		g.read(&op, log, from)
	case 6, 7:
		op.Kind = checker.Trim
		g.trimTo(&op)
	case 8:
		op.Kind, op.Off = checker.Start, g.from[part]
	default:
		op.Kind = checker.Tail
		op.Off = int64(len(log))
	}
	g.ops = append(g.ops, op)
}

// read returns the log from an offset on, which is that asked for or above it.
func (g *generator) read(op *checker.Op, log []string, from int64) {
	if from < int64(len(log)) {
		op.Values = slices.Clone(log[from:])
	}
	if op.Limit > 0 && int64(len(op.Values)) > op.Limit {
		op.Values = op.Values[:op.Limit]
	}
	if !op.Lin {
		op.Values = op.Values[:g.draw("shown", 0, len(op.Values))]
	}
	if from > op.From && len(op.Values) == 0 && op.Lin {
		op.Lin = false // an empty read says that the log ends at From
	}
	if from > op.From {
		for k := range op.Values {
			op.Offs = append(op.Offs, from+int64(k))
		}
	}
}

func (g *generator) trimTo(op *checker.Op) {
	op.From = int64(g.draw("to", 0, len(g.logs[op.Partition])))
	done := true
	switch luck := g.draw("outcome", 0, 9); {
	case luck < g.unknown && g.mayLose():
		op.Outcome, op.Ret = checker.Unknown, 0
		done = g.oneIn(2, "done")
	case luck == 9:
		op.Outcome, done = checker.Failed, false
	}
	if done {
		g.from[op.Partition] = max(g.from[op.Partition], op.From)
	}
	if op.Outcome == checker.OK {
		op.Off = g.from[op.Partition]
	}
}

func (g *generator) append(op *checker.Op) {
	n := 1
	if g.batches {
		n = g.draw("batch", 1, 3)
	}
	for k := range n {
		op.Values = append(op.Values, fmt.Sprint(op.ID, string(rune('a'+k))))
	}
	done := true
	switch luck := g.draw("outcome", 0, 9); {
	case luck < g.unknown && g.mayLose():
		op.Outcome, op.Ret = checker.Unknown, 0
		done = g.oneIn(2, "done")
	case luck == 9 && g.unknown < 9:
		op.Outcome, done = checker.Failed, false
	default:
		op.Off = int64(len(g.logs[op.Partition]))
	}
	if done {
		g.logs[op.Partition] = append(g.logs[op.Partition], op.Values...)
	}
}

// perturb changes one thing that a broken log, or a broken client, might change.
func (g *generator) perturb() {
	if len(g.ops) == 0 {
		return
	}
	at := g.draw("victim", 0, len(g.ops)-1)
	op := &g.ops[at]
	switch g.draw("how", 0, 5) {
	case 0:
		op.Call += int64(g.draw("call", 1, 5))
		op.Ret = max(op.Ret, op.Call)
	case 1:
		op.Ret = max(op.Call, op.Ret-int64(g.draw("ret", 1, 5)))
	case 2:
		g.ops = slices.Delete(g.ops, at, at+1)
	default:
		switch op.Kind {
		case checker.Append:
			g.misacknowledge(op)
		case checker.Read:
			g.misread(op)
		case checker.Trim, checker.Start:
			g.mistrim(op)
		default:
			op.Off = max(0, op.Off+int64(g.draw("length", 0, 1)*4-2)+int64(g.draw("more", 0, 2)-1))
		}
	}
}

// mayLose keeps appends of unknown outcome so few that all their orders can be tried.
func (g *generator) mayLose() bool {
	lost := 0
	for i := range g.ops {
		if g.ops[i].Outcome == checker.Unknown {
			lost++
		}
	}
	return lost < 7
}

func (g *generator) misacknowledge(op *checker.Op) {
	if op.Outcome != checker.OK || g.oneIn(3, "outcome") {
		if op.Outcome = checker.Outcome(g.draw("becomes", int(checker.OK), int(checker.Failed))); g.mayLose() && g.oneIn(3, "lost") {
			op.Outcome = checker.Unknown
		}
		op.Ret = max(op.Ret, op.Call)
		return
	}
	op.Off = max(0, op.Off+int64(g.draw("off", 0, 4)-2))
}

func (g *generator) mistrim(op *checker.Op) {
	switch {
	case op.Kind == checker.Trim && g.oneIn(3, "asked"):
		op.From = max(0, op.From+int64(g.draw("to", 0, 4)-2))
	case op.Kind == checker.Trim && g.oneIn(3, "outcome"):
		op.Outcome = checker.Outcome(g.draw("becomes", int(checker.OK), int(checker.Failed)))
		op.Ret = max(op.Ret, op.Call)
	default:
		op.Off = max(0, op.Off+int64(g.draw("off", 0, 4)-2))
	}
}

func (g *generator) misread(op *checker.Op) {
	how := g.draw("misread", 0, 6)
	switch {
	case how == 0:
		op.Lin = true
	case how == 1:
		op.From = max(0, op.From+int64(g.draw("move", 0, 2)-1))
	case len(op.Values) == 0:
		op.Values = []string{"nobody's"}
	default:
		g.misreadValue(op, how)
	}
}

func (g *generator) misreadValue(op *checker.Op, how int) {
	k := g.draw("which", 0, len(op.Values)-1)
	op.Offs = nil
	switch how {
	case 2:
		op.Values = slices.Delete(op.Values, k, k+1)
	case 3:
		op.Values[0], op.Values[k] = op.Values[k], op.Values[0]
	case 4:
		op.Values = op.Values[:k]
	case 5:
		op.Offs = []int64{}
		for i := range op.Values {
			op.Offs = append(op.Offs, op.From+int64(i)+int64(i/(k+1)))
		}
	default:
		other := g.ops[g.draw("other", 0, len(g.ops)-1)]
		if len(other.Values) > 0 {
			op.Values[k] = other.Values[0]
		}
	}
}
