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
		case s.complete(0, nil):
			return checker.Valid
		case s.steps > exhaustiveSteps:
			return checker.Undecided
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
func (s *search) complete(done uint, log []string) bool {
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
	key := fmt.Sprint(done, " ", strings.Join(log, "\x00"))
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

// execute is the log, as a specification.
func execute(op *checker.Op, log []string) (after []string, ok bool) {
	switch op.Kind {
	case checker.Append:
		if op.Outcome == checker.OK && int(op.Off) != len(log) {
			return nil, false
		}
		return append(slices.Clone(log), op.Values...), true
	case checker.Tail:
		return log, int(op.Off) == len(log)
	}
	var there []string
	if op.From < int64(len(log)) {
		there = log[op.From:]
	}
	if op.Limit > 0 && int64(len(there)) > op.Limit {
		there = there[:op.Limit]
	}
	for k := range op.Offs {
		if op.Offs[k] != op.From+int64(k) {
			return nil, false
		}
	}
	if op.Lin {
		return log, slices.Equal(op.Values, there)
	}
	return log, len(op.Values) <= len(there) && slices.Equal(op.Values, there[:len(op.Values)])
}
