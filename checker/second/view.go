package second

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"

	"logd/checker"
)

// ViewLimit is the largest number of operations that View draws.
const ViewLimit = 80

// View writes porcupine's drawing of the operations around a violation, a page of its
// own, and returns a sentence that says what it shows. The log below the lowest offset
// that the violation concerns is taken as given, so what can't be linearized in the
// drawing can't be in the history. It returns "" and writes nothing if there is no
// such window: a sparse history, a log of many operations that was trimmed, or too many of them.
func View(w io.Writer, h checker.History, v *checker.Violation, timeout time.Duration) (string, error) {
	if h.Sparse {
		return "", nil
	}
	ops, base := around(h, v)
	if len(ops) == 0 || len(ops) > ViewLimit {
		return "", nil
	}
	model := logModel
	var begin state
	for _, value := range base {
		begin.log = begin.log.append(value)
	}
	model.Init = func() any { return begin }
	model.DescribeOperation = func(in, _ any) string { return describe(in.(input).op) }
	model.DescribeState = func(s any) string { return fmt.Sprintf("length %d", s.(state).log.len()) }
	lanes := operations(ops)
	spread(lanes)
	_, info := porcupine.CheckOperationsVerbose(model, lanes, timeout)
	what := fmt.Sprintf("%d operations on %s around %s, from offset %d on; what lies below is taken as given.", len(ops), v.Partition, v.Name, len(base))
	return what, porcupine.Visualize(model, info, w)
}

// around are the operations on a violation's partition that concern offsets from the
// lowest one of the violation on and overlap it in time, and the values below.
func around(h checker.History, v *checker.Violation) (ops []checker.Op, base []string) {
	known, low, high := map[int64]string{}, v.Offset, v.Offset
	from, to := int64(math.MaxInt64), int64(math.MinInt64)
	for _, e := range v.Ops {
		from, to = min(from, e.Call), max(to, e.Call)
		if e.Ret != nil {
			to = max(to, *e.Ret)
		}
		if e.Off != nil {
			low, high = min(low, *e.Off), max(high, *e.Off)
		}
	}
	var mine []checker.Op
	trimmed := false
	for _, op := range h.Ops {
		if op.Partition != v.Partition || op.Kind > checker.Start || op.Outcome == checker.Failed || op.Kind != checker.Append && op.Kind != checker.Trim && op.Outcome != checker.OK {
			continue
		}
		trimmed = trimmed || op.Kind >= checker.Trim
		mine = append(mine, op)
		for k, value := range op.Values {
			if op.Outcome == checker.OK {
				off := op.From + int64(k)
				if op.Kind == checker.Append {
					off = op.Off + int64(k)
				} else if op.Offs != nil {
					off = op.Offs[k]
				}
				if _, ok := known[off]; !ok {
					known[off] = value
				}
			}
		}
	}
	if len(mine) <= ViewLimit {
		return mine, nil
	}
	if trimmed {
		return nil, nil
	}
	for _, op := range mine {
		if first := firstOf(&op); op.Outcome != checker.OK && op.Call <= to && op.Call >= from || op.Outcome == checker.OK && first >= low &&
			(op.Kind == checker.Append && first <= high || op.Call <= to && op.Ret >= from) {
			ops = append(ops, op)
		}
	}
	for off := range low {
		value, ok := known[off]
		if !ok {
			value = fmt.Sprintf("?%d", off)
		}
		base = append(base, value)
	}
	return ops, base
}

// firstOf is the lowest offset that an operation that is ok concerns.
func firstOf(op *checker.Op) int64 {
	if op.Kind == checker.Read {
		return op.From
	}
	return op.Off
}

// spread gives operations that overlap different rows, as few as are needed.
func spread(ops []porcupine.Operation) {
	order := make([]int, len(ops))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(ops[a].Call, ops[b].Call) })
	var free []int64
	for _, i := range order {
		k := slices.IndexFunc(free, func(at int64) bool { return at < ops[i].Call })
		if k < 0 {
			k = len(free)
			free = append(free, 0)
		}
		free[k], ops[i].ClientId = ops[i].Return, k
	}
}

func describe(op *checker.Op) string {
	switch op.Kind {
	case checker.Append:
		if op.Outcome != checker.OK {
			return fmt.Sprintf("append %d %q → unknown", op.ID, op.Values)
		}
		return fmt.Sprintf("append %d %q → %d", op.ID, op.Values, op.Off)
	case checker.Tail, checker.Start:
		return fmt.Sprintf("%s %d → %d", op.Kind, op.ID, op.Off)
	case checker.Trim:
		return fmt.Sprintf("trim %d to %d → %d", op.ID, op.From, op.Off)
	}
	return fmt.Sprintf("read %d from %d → %q", op.ID, op.From, op.Values)
}
