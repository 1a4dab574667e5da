// Package second gives further opinions on small histories, from code that shares
// nothing with check A but the operations themselves: porcupine, a general
// linearizability checker, and an exhaustive search for tiny histories. A
// disagreement with check A is an error in one of them, and is itself a failure.
//
//	history ─┬─ checker.Check ── verdict ─┐
//	         ├─ Porcupine ────── opinion ─┼─ all equal, or someone is wrong
//	         └─ Exhaustive ───── opinion ─┘
//
// Both execute the same sequential log, written twice: append(values) returns the
// length before it; a tail returns the length; a linearizable read returns
// log[from:from+limit] cut at the end; any other read returns a prefix of that. A
// trim moves the log's start up to where it asks, at most to the end, and returns
// it, as a start does; records below it may still be read, or passed over by a read
// that asks for them.
//
// Invariants:
//
//	O1  Undecided is no opinion, never a pass: too large, out of time, or a history
//	    whose offsets may be empty.
//	O2  An append of unknown outcome may take effect at any time after its call, or
//	    never; a failed one never.
package second

import (
	"fmt"

	"logd/checker"
)

// Opinion is what one method says about one history.
type Opinion struct {
	Method  string          `json:"method"`
	Verdict checker.Verdict `json:"verdict"`
	// Why says, of a verdict that isn't valid, where or for what reason.
	Why string `json:"why,omitempty"`
}

// split returns the operations that matter to a log's linearizability, by
// partition and in order of first appearance, or why there can be no opinion.
func split(h checker.History, limit int) (parts [][]checker.Op, why string) {
	if h.Sparse {
		return nil, "offsets of a sparse history may hold no record"
	}
	if h.Retention {
		return nil, "the log's start may move by itself"
	}
	at := map[string]int{}
	for _, op := range h.Ops {
		if op.Kind == checker.Txn {
			return nil, fmt.Sprintf("operation %d is a transaction", op.ID)
		}
		if op.Kind > checker.Start {
			continue
		}
		if err := op.Validate(); err != nil {
			return nil, err.Error()
		}
		writes := op.Kind == checker.Append || op.Kind == checker.Trim
		if op.Outcome == checker.Failed || !writes && op.Outcome == checker.Unknown {
			continue // O2; and a read without an answer says nothing
		}
		i, ok := at[op.Partition]
		if !ok {
			i = len(parts)
			at[op.Partition] = i
			parts = append(parts, nil)
		}
		if parts[i] = append(parts[i], op); len(parts[i]) > limit {
			return nil, fmt.Sprintf("%s has more than %d operations", op.Partition, limit)
		}
	}
	return parts, ""
}

// judge asks one partition after another; the first that isn't valid decides,
// and invalid decides over undecided.
func judge(method string, h checker.History, limit int, one func([]checker.Op) checker.Verdict) Opinion {
	parts, why := split(h, limit)
	if why != "" {
		return Opinion{method, checker.Undecided, why}
	}
	o := Opinion{Method: method, Verdict: checker.Valid}
	for _, ops := range parts {
		switch one(ops) {
		case checker.Invalid:
			return Opinion{method, checker.Invalid, ops[0].Partition}
		case checker.Undecided:
			o.Verdict, o.Why = checker.Undecided, "gave up on "+ops[0].Partition
		}
	}
	return o
}
