package anomaly

import (
	"cmp"
	"slices"

	"logd/checker"
)

// sort orders the operations by call (B1).
func (h *rows) sort() {
	order := make([]int32, len(h.rows))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(i, j int32) int {
		a, b := &h.rows[i], &h.rows[j]
		if a.call != b.call {
			return cmp.Compare(a.call, b.call)
		}
		return cmp.Or(cmp.Compare(a.over(), b.over()), cmp.Compare(a.id, b.id), cmp.Compare(i, j))
	})
	for i := range order { // each circle of places in turn
		if order[i] < 0 {
			continue
		}
		first, to := h.rows[i], int32(i)
		for order[to] != int32(i) {
			from := order[to]
			h.rows[to], order[to] = h.rows[from], -1
			to = from
		}
		h.rows[to], order[to] = first, -1
	}
}

// number gives logs and values numbers that don't depend on the order of the file (B1):
// logs by name, values in the order in which they were sent, and then read.
func (h *rows) number() {
	order := make([]int32, len(h.logs))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(i, j int32) int { return cmp.Compare(h.logs[i].name, h.logs[j].name) })
	logs, rank := make([]*log, len(h.logs)), make([]int32, len(h.logs))
	for i, was := range order {
		logs[i], rank[was] = h.logs[was], int32(i)
	}
	h.logs, h.logOf = logs, nil
	for _, all := range [][]row{h.rows, h.inner} {
		for i := range all {
			if all[i].log >= 0 {
				all[i].log = rank[all[i].log]
			}
		}
	}
	for i := range h.extras {
		for k, p := range h.extras[i].parts {
			h.extras[i].parts[k] = rank[p]
		}
	}
	h.numberValues()
}

func (h *rows) numberValues() {
	number, next := make([][]int32, len(h.logs)), make([]int32, len(h.logs))
	for i, l := range h.logs {
		number[i] = slices.Repeat([]int32{-1}, len(l.values))
		l.byName = nil
	}
	visit := func(which func(op, in *row) bool) {
		for i := range h.rows {
			op := &h.rows[i]
			in := h.in(op, int32(i))
			for k := range in {
				if r := &in[k]; r.log >= 0 && which(op, r) {
					for _, v := range h.vals(r) {
						if n := number[r.log]; n[v] < 0 {
							n[v] = next[r.log]
							next[r.log]++
						}
					}
				}
			}
		}
	}
	visit(func(_, in *row) bool { return in.kind == checker.Append })
	visit(func(op, in *row) bool {
		return op.outcome == checker.OK && in.kind == checker.Read && in.outcome == checker.OK
	})
	visit(func(_, in *row) bool { return in.kind == checker.Read && in.outcome == checker.OK })
	visit(func(_, _ *row) bool { return true })
	base := int32(0)
	for li, l := range h.logs {
		values := make([]value, len(l.values))
		for v, n := range number[li] {
			values[n] = l.values[v]
		}
		l.values, l.base = values, base
		base += int32(len(values))
	}
	for _, all := range [][]row{h.rows, h.inner} {
		for i := range all {
			if r := &all[i]; r.log >= 0 {
				for k, v := range h.vals(r) {
					h.refs[int(r.first)+k] = number[r.log][v]
				}
			}
		}
	}
}

// in are the operations of a transaction, or the one that is the i-th row itself.
func (h *rows) in(op *row, i int32) []row {
	if op.kind == checker.Txn {
		return h.inner[op.first : op.first+op.n]
	}
	return h.rows[i : i+1]
}
