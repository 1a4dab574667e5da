package report

import (
	"cmp"
	"fmt"
	"html/template"
	"slices"

	"logd/checker"
)

// order is the view of one partition: a column for each offset, a row for each
// operation that says something about it.
type order struct {
	Part, Note string
	Drawing    template.HTML
}

// Bounds of a view (H2).
const (
	maxOrders  = 6
	maxColumns = 36
	maxRows    = 60
)

// cell is a value at an offset, read or written by an operation.
type cell struct {
	off   int64
	value string
	read  bool
}

// orders draws the partitions of findings, or the first ones.
func (s *scene) orders(found []finding) (out []order) {
	around := map[string][]int64{}
	var parts []string
	add := func(p string) {
		if !slices.Contains(parts, p) && p != "" {
			parts = append(parts, p)
		}
	}
	for _, f := range found {
		if f.Number > 0 {
			add(f.Part)
			around[f.Part] = append(around[f.Part], f.offsets...)
		}
	}
	for _, op := range s.ops {
		if len(parts) < 2 {
			add(op.Partition)
		}
	}
	for _, p := range parts[:min(len(parts), maxOrders)] {
		if o, ok := s.order(p, around[p]); ok {
			out = append(out, o)
		}
	}
	return out
}

type row struct {
	op    *checker.Op
	cells []cell
}

func (s *scene) order(part string, around []int64) (order, bool) {
	var rows []row
	values := map[int64]string{}
	clash := map[int64]bool{}
	for _, op := range s.ops {
		r := row{op, cells(op, part)}
		for _, c := range r.cells {
			if v, ok := values[c.off]; ok && v != c.value {
				clash[c.off] = true
			}
			values[c.off] = c.value
		}
		if len(r.cells) > 0 {
			rows = append(rows, r)
		}
	}
	var offs []int64
	for off := range values {
		offs = append(offs, off)
	}
	if len(offs) == 0 {
		return order{}, false
	}
	slices.Sort(offs)
	all, allRows := len(offs), len(rows)
	offs = near(offs, around)
	rows = slices.DeleteFunc(rows, func(r row) bool {
		return !slices.ContainsFunc(r.cells, func(c cell) bool { _, ok := slices.BinarySearch(offs, c.off); return ok })
	})
	rows = s.some(rows)
	o := order{Part: part, Drawing: s.grid(offs, rows, clash)}
	if len(offs) < all || len(rows) < allRows {
		o.Note = fmt.Sprintf("%d of %d offsets, %d of %d operations that concern them.", len(offs), all, len(rows), allRows)
	}
	return o, true
}

// some are the rows that fit, those of findings before others.
func (s *scene) some(rows []row) []row {
	if len(rows) <= maxRows {
		return rows
	}
	slices.SortStableFunc(rows, func(a, b row) int {
		return cmp.Compare(min(1, len(s.marks[b.op.ID])), min(1, len(s.marks[a.op.ID])))
	})
	rows = rows[:maxRows]
	slices.SortStableFunc(rows, func(a, b row) int { return cmp.Compare(a.op.Call, b.op.Call) })
	return rows
}

// near are the offsets next to those that findings speak of, as many as fit.
func near(offs, around []int64) []int64 {
	if len(offs) <= maxColumns {
		return offs
	}
	if len(around) == 0 {
		return offs[:maxColumns]
	}
	kept := map[int64]bool{}
	for reach := 0; reach < maxColumns; reach++ {
		for _, a := range around {
			at, _ := slices.BinarySearch(offs, a)
			for _, k := range []int{at - reach, at + reach} {
				if k >= 0 && k < len(offs) && len(kept) < maxColumns {
					kept[offs[k]] = true
				}
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(offs), func(off int64) bool { return !kept[off] })
}

// cells are what an operation shows of a partition.
func cells(op *checker.Op, part string) (out []cell) {
	if op.Kind == checker.Txn {
		for i := range op.Ops {
			out = append(out, cells(&op.Ops[i], part)...)
		}
		return out
	}
	if op.Partition != part || op.Outcome != checker.OK || op.Kind != checker.Append && op.Kind != checker.Read {
		return nil
	}
	for k, v := range op.Values {
		off := op.From + int64(k)
		switch {
		case op.Kind == checker.Append:
			off = op.Off + int64(k)
		case op.Offs != nil:
			off = op.Offs[k]
		}
		out = append(out, cell{off, v, op.Kind == checker.Read})
	}
	return out
}

func (s *scene) grid(offs []int64, rows []row, clash map[int64]bool) template.HTML {
	const column, height, labels = 52.0, 15.0, 190.0
	g := newSVG(labels+column*float64(len(offs))+20, 20+height*float64(len(rows)))
	for i, off := range offs {
		x := labels + column*float64(i)
		if i > 0 && offs[i-1]+1 != off {
			g.line(x-1, 6, x-1, 20+height*float64(len(rows)), "gap")
		}
		g.text(x+4, 13, "axis", fmt.Sprint(off))
	}
	for k, r := range rows {
		y := 18 + height*float64(k)
		label, class := fmt.Sprintf("%s %d, client %d", r.op.Kind, r.op.ID, r.op.Client), "axis"
		if n := s.marks[r.op.ID]; len(n) > 0 {
			label, class = fmt.Sprintf("%s  %d", label, n), "axis number"
		}
		g.text(4, y+11, class, short(label, 30))
		for _, c := range r.cells {
			i, ok := slices.BinarySearch(offs, c.off)
			if !ok {
				continue
			}
			class := "c-write"
			if c.read {
				class = "c-read"
			}
			if clash[c.off] {
				class += " clash"
			}
			g.rect(labels+column*float64(i), y, column-3, height-2, class, say(r.op))
			g.text(labels+column*float64(i)+4, y+10.5, "in", short(c.value, 7))
		}
	}
	return g.done()
}
