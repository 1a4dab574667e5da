package checker

import "slices"

// Reducer makes the evidence of violations minimal: without any one of its operations
// what is left of it contradicts nothing. It hears the history once more, for check A
// keeps no values of reads:
//
//	m := NewReducer(header, &report)
//	for each operation { m.Complete(&op) }
//	m.Finish()
//
// Nearly all evidence is minimal as it is found. Of the rest a part is a contradiction by
// itself, mostly of another name, which is then told instead.
type Reducer struct {
	header Header
	report *Report
	named  map[int64]bool // order: looked up only
	heard  map[int64][]Op // by id; order: looked up only
	trims  []Op
}

const (
	// maxReduced is how far up a log violations are reduced, in offsets. Those above are
	// told as they were found.
	maxReduced = 1 << 20
	maxTrims   = 1 << 12
)

// NewReducer returns a Reducer of what a report of a history with that header tells.
func NewReducer(h Header, r *Report) *Reducer {
	m := &Reducer{header: h, report: r, named: map[int64]bool{}, heard: map[int64][]Op{}}
	for i := range r.Partitions {
		for k := range r.Partitions[i].Violations {
			for _, e := range r.Partitions[i].Violations[k].Ops {
				m.named[e.ID] = true
			}
		}
	}
	return m
}

// Complete hears an operation, of which it keeps a copy if it is named.
func (m *Reducer) Complete(op *Op) {
	if m.named[op.ID] && (op.Kind <= Start || op.Kind == Txn) {
		m.heard[op.ID] = append(m.heard[op.ID], op.Clone())
	}
	if op.Kind == Trim && op.Outcome != Failed && len(m.trims) <= maxTrims {
		trim := op.Clone()
		trim.Outcome = Unknown
		m.trims = append(m.trims, trim)
	}
}

// Finish rewrites the violations of the report: those that come to the same are told once,
// and Found still counts all.
func (m *Reducer) Finish() {
	for i := range m.report.Partitions {
		p := &m.report.Partitions[i]
		var told []Violation
		for _, v := range p.Violations {
			m.reduce(&v)
			if !slices.ContainsFunc(told, func(t Violation) bool { return t.Name == v.Name && sameOps(t.Ops, v.Ops) }) {
				told = append(told, v)
			}
		}
		p.Violations = told
	}
}

func sameOps(a, b []Evidence) bool {
	return slices.EqualFunc(a, b, func(a, b Evidence) bool { return a.ID == b.ID })
}

func (m *Reducer) reduce(v *Violation) {
	told, ok := m.operations(v)
	for ok && len(told) > 1 && len(m.trims) <= maxTrims {
		ok = false
		for i := range told {
			rest := slices.Delete(slices.Clone(told), i, i+1)
			if smaller := m.alone(v.Partition, rest); smaller != nil {
				*v = *smaller
				told, ok = m.operations(v)
				break
			}
		}
	}
}

// operations are those that a violation names, each once; ok is false if one of them
// isn't known for certain, or is too far up.
func (m *Reducer) operations(v *Violation) (told []Op, ok bool) {
	for _, e := range v.Ops {
		all := m.heard[e.ID]
		if len(all) != 1 || slices.ContainsFunc(told, func(op Op) bool { return op.ID == e.ID }) || !low(&all[0]) {
			return nil, false
		}
		told = append(told, all[0])
	}
	return told, true
}

func low(op *Op) bool {
	for i := range op.Ops {
		if !low(&op.Ops[i]) {
			return false
		}
	}
	most := max(op.Off, op.From) + int64(len(op.Values))
	for _, off := range op.Offs {
		most = max(most, off)
	}
	return most < maxReduced
}

// alone is what some operations of a history contradict of a partition if nothing is
// known of the rest: nil if nothing.
func (m *Reducer) alone(partition string, told []Op) *Violation {
	c := New(Options{Sparse: m.header.Sparse, Retention: m.header.Retention, partial: true})
	for i := range told {
		c.Complete(&told[i])
	}
	for i := range m.trims {
		if m.trims[i].Partition == partition && !slices.ContainsFunc(told, func(op Op) bool { return op.ID == m.trims[i].ID }) {
			c.Complete(&m.trims[i])
		}
	}
	r := c.Finish()
	for i := range r.Partitions {
		if p := &r.Partitions[i]; p.Partition == partition && len(p.Violations) > 0 {
			return &p.Violations[0]
		}
	}
	return nil
}
