package picture

import (
	"cmp"
	"slices"

	"logd/checker"
)

// History returns the picture of a history alone: what clients saw, and what the checker says of it.
func History(h checker.History) *Recorder {
	r := NewRecorder()
	report := checker.Check(h)
	type edge struct {
		at  int64
		op  int
		end bool
	}
	var edges []edge
	ends := gaveUp(h.Ops)
	for i := range h.Ops {
		op := &h.Ops[i]
		if op.Kind == checker.Fault || op.Kind == checker.Crash {
			edges = append(edges, edge{op.Call, i, false})
			continue
		}
		edges = append(edges, edge{op.Call, i, false}, edge{ends[i], i, true})
	}
	slices.SortStableFunc(edges, func(a, b edge) int { return cmp.Compare(a.at, b.at) })
	bars := make([]int, len(h.Ops))
	for i := range bars {
		bars[i] = -1
	}
	for _, e := range edges {
		op := &h.Ops[e.op]
		r.c.End = max(r.c.End, e.at)
		switch {
		case op.Kind == checker.Fault || op.Kind == checker.Crash:
			r.note(e.at, 0, "fault", op.Kind.String()+" "+op.Fault+" "+op.Target)
		case e.end && bars[e.op] >= 0:
			off := int64(-1)
			if op.Outcome == checker.OK && op.Kind != checker.Read {
				off = op.Off
			}
			r.closed(bars[e.op], e.at, op.Outcome.String(), off, op.Values)
		default:
			bars[e.op] = r.op(e.at, bar{id: op.ID, client: op.Client, session: op.Session, kind: op.Kind.String(), part: op.Partition, from: op.From, values: op.Values})
		}
	}
	r.c.Verdict = report.Verdict.String()
	for i := range report.Partitions {
		for _, v := range report.Partitions[i].Violations {
			var ids []int64
			at := int64(0)
			for _, e := range v.Ops {
				ids = append(ids, e.ID)
				at = max(at, e.Call)
				if e.Ret != nil {
					at = max(at, *e.Ret)
				}
			}
			r.violated(at, v.Name, v.String(), ids)
		}
	}
	return r
}

// gaveUp is when each operation was over for its client: an unknown one when that client began another, or at the end.
func gaveUp(ops []checker.Op) []int64 {
	last := int64(0)
	calls := map[int64][]int64{}
	for i := range ops {
		calls[ops[i].Client] = append(calls[ops[i].Client], ops[i].Call)
		last = max(last, ops[i].Call, ops[i].Ret)
	}
	for _, of := range calls {
		slices.Sort(of)
	}
	ends := make([]int64, len(ops))
	for i := range ops {
		if ends[i] = ops[i].Ret; ops[i].Outcome != checker.Unknown {
			continue
		}
		of := calls[ops[i].Client]
		next, _ := slices.BinarySearch(of, ops[i].Call+1)
		if ends[i] = last; next < len(of) {
			ends[i] = of[next]
		}
	}
	return ends
}
