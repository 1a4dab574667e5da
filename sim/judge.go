package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"logd/checker"
	"logd/checker/anomaly"
	order "logd/checker/idempotent"
)

// judge feeds the clients' history to the online checker, to the checks that are made at the end, as logcheck makes them, and to a file.
type judge struct {
	w     *World
	check *checker.Checker
	ends  []checker.Judge // verification.md 2B, and producers
	file  *checker.Writer
	open  []*checker.Op // under way
	ids   int64
	// faults numbers them in the file, below zero: numbers of operations don't depend on who watches (W1).
	faults int64
}

func newJudge(w *World) *judge {
	j := &judge{w: w, check: checker.New(checker.Options{Invoked: true, Retention: w.opt.Load.Retention > 0})}
	header := checker.Header{Clock: fmt.Sprintf("simulated, seed %d", w.opt.Seed), Retention: w.opt.Load.Retention > 0 || w.opt.Load.FleetingKeeps > 0}
	for _, family := range []checker.Family{anomaly.Family, order.Family} {
		j.ends = append(j.ends, family.Begin(header))
	}
	if w.env.History != nil {
		j.file = checker.NewWriter(w.env.History)
		j.file.Header = header
	}
	return j
}

// invoke starts an operation: it gets its number and its time.
func (j *judge) invoke(op *checker.Op) {
	j.ids++
	op.ID, op.Call = j.ids, int64(j.w.now)
	j.open = append(j.open, op)
	if op.Kind != checker.Commit && op.Kind != checker.FetchOffset {
		j.found(j.check.Invoke(op))
	}
}

// complete ends an operation, whose Outcome is set.
func (j *judge) complete(op *checker.Op) {
	if op.Outcome != checker.Unknown {
		op.Ret = int64(j.w.now)
	}
	if op.Kind != checker.Commit && op.Kind != checker.FetchOffset {
		j.found(j.check.Complete(op))
	}
	j.open = slices.DeleteFunc(j.open, func(o *checker.Op) bool { return o.ID == op.ID })
	j.hear(op)
}

// hear takes an operation that has ended, or whose run has.
func (j *judge) hear(op *checker.Op) {
	for _, end := range j.ends {
		end.Complete(op)
	}
	if j.file == nil {
		return
	}
	if err := j.file.Write(op); err != nil {
		j.w.violate(BadResponse, "operation %d can't be written down: %v", op.ID, err)
	}
}

// hearOpen takes what is under way when a run ends: what an append sent may have been seen.
func (j *judge) hearOpen() {
	for _, op := range j.open {
		unknown := op.Clone()
		unknown.Outcome = checker.Unknown
		j.hear(&unknown)
	}
	j.open = nil
}

// disturbed writes a fault, which a command of a story would cause or end, into the
// file. The checks don't look at it.
func (j *judge) disturbed(format string, args []any) {
	if j == nil || j.file == nil || strings.HasPrefix(format, "#") {
		return
	}
	verb, target, _ := strings.Cut(fmt.Sprintf(format, args...), " ")
	j.faults--
	op := checker.Op{ID: j.faults, Kind: checker.Fault, Fault: verb, Target: target, Call: int64(j.w.now), Ret: int64(j.w.now)}
	if err := j.file.Write(&op); err != nil {
		j.w.violate(BadResponse, "a fault can't be written down: %v", err)
	}
}

func (j *judge) found(v *checker.Violation) {
	if v == nil {
		return
	}
	text := ""
	var ops []int64
	for _, e := range v.Ops {
		ops = append(ops, e.ID)
		ret := "unknown"
		if e.Ret != nil {
			ret = time.Duration(*e.Ret).String()
		}
		text += fmt.Sprintf("\n  operation %d: client %d %s called %v, returned %s: %s", e.ID, e.Client, e.Op, time.Duration(e.Call), ret, e.Outcome)
	}
	if j.w.violation == nil {
		j.w.violate(v.Name, "%s%s", means(v.String(), gist(v.Explain).cause), text)
		j.w.violation.Ops = ops
	}
}

// judgeEnds tells what the whole history shows.
func (j *judge) judgeEnds() {
	for _, end := range j.ends {
		for _, v := range end.Finish().Violations {
			j.found(&v)
		}
	}
}

func (j *judge) finish() {
	report := j.check.Finish()
	j.found(report.First())
	j.judgeLives()
	j.hearOpen()
	j.judgeEnds()
	if j.file != nil {
		if err := j.file.Flush(); err != nil {
			j.w.violate(BadResponse, "the history can't be written: %v", err)
		}
	}
	w := j.w
	for i := range report.Partitions {
		w.count[CountUpperBounds] += report.Partitions[i].UpperBounds
	}
	if report.Verdict == checker.Undecided {
		w.violate(CheckUndecided, "the checker can't tell: %v", gist(report))
	}
	if w.phase == phaseOver && w.count[CountUpperBounds] == 0 && !w.scripted { // a story's clients take turns
		w.violate(NoUpperBounds, "no tail bounded any partition's length from above")
	}
}
