package second

import (
	"fmt"
	"slices"
	"strings"

	"logd/checker"
)

// ExhaustiveLimit is the largest number of operations of a partition that
// Exhaustive tries all orders of.
const ExhaustiveLimit = 14

// exhaustiveSteps bounds the orders tried; beyond it there is no opinion.
const exhaustiveSteps = 2_000_000

// Exhaustive tries every order of the operations that real time allows.
func Exhaustive(h checker.History) Opinion {
	return judge("exhaustive", h, ExhaustiveLimit, func(ops []checker.Op) checker.Verdict {
		s := search{ops: ops, seen: map[string]bool{}}
		switch {
		case s.complete(0, logState{}):
			return checker.Valid
		case s.steps > exhaustiveSteps:
			return checker.Undecided // O1
		}
		return checker.Invalid
	})
}

type search struct {
	ops   []checker.Op
	seen  map[string]bool
	steps int
}

// complete reports whether the operations that aren't in done can follow, the
// log being as given.
func (s *search) complete(done uint, log logState) bool {
	left, mayStop := []int{}, true
	for i := range s.ops {
		if done&(1<<i) == 0 {
			left = append(left, i)
			mayStop = mayStop && s.ops[i].Outcome == checker.Unknown
		}
	}
	if mayStop {
		return true
	}
	key := fmt.Sprint(done, " ", log.start, " ", strings.Join(log.values, "\x00"))
	if s.steps++; s.seen[key] || s.steps > exhaustiveSteps {
		return false
	}
	s.seen[key] = true
	for _, i := range left {
		if !s.mayBeNext(i, left) {
			continue
		}
		if after, ok := execute(&s.ops[i], log); ok && s.complete(done|1<<i, after) {
			return true
		}
	}
	return false
}

// mayBeNext: nobody who is left had returned before i was called.
func (s *search) mayBeNext(i int, left []int) bool {
	for _, j := range left {
		if s.ops[j].Outcome != checker.Unknown && s.ops[j].Ret < s.ops[i].Call {
			return false
		}
	}
	return true
}

// logState is a log, and where it begins.
type logState struct {
	values []string
	start  int64
}

// execute is the log, as a specification.
func execute(op *checker.Op, log logState) (after logState, ok bool) {
	length := int64(len(log.values))
	switch op.Kind {
	case checker.Append:
		if op.Outcome == checker.OK && op.Off != length {
			return log, false
		}
		return logState{append(slices.Clone(log.values), op.Values...), log.start}, true
	case checker.Tail:
		return log, op.Off == length
	case checker.Trim:
		after = logState{log.values, max(log.start, op.From)}
		return after, op.From <= length && (op.Outcome == checker.Unknown || op.Off == after.start)
	case checker.Start:
		return log, op.Off == log.start
	}
	return log, returns(op, log)
}

// returns reports whether a read may return what it returned.
func returns(op *checker.Op, log logState) bool {
	from := op.From
	if len(op.Offs) > 0 && op.Offs[0] > from {
		if from = op.Offs[0]; from > log.start {
			return false
		}
	}
	var there []string
	if from < int64(len(log.values)) {
		there = log.values[from:]
	}
	if op.Limit > 0 && int64(len(there)) > op.Limit {
		there = there[:op.Limit]
	}
	for k := range op.Offs {
		if op.Offs[k] != from+int64(k) {
			return false
		}
	}
	if op.Lin {
		return slices.Equal(op.Values, there)
	}
	return len(op.Values) <= len(there) && slices.Equal(op.Values, there[:len(op.Values)])
}
