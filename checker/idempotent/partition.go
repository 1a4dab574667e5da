package idempotent

import (
	"strings"

	"logd/checker"
)

// partition is what is known of one log.
type partition struct {
	name    string
	batches []batch
	ops     []op             // reads that returned something, and appends
	values  map[string]int32 // by text: its place
	places  []place
	found   []checker.Violation
	count   int64
}

// op is what evidence says of an operation.
type op struct {
	id, client, call, ret int64
	kind                  checker.Kind
	outcome               checker.Outcome
	off                   int64 // -1: none
	n                     int32
}

// place is where a value is.
type place struct {
	off   int64 // -1: nobody knows
	by    int32 // the operation that showed it
	again int64 // another one, -1: none
	too   int32 // which showed that
	batch int32 // -1: it isn't known
}

// batch is an append of a producer.
type batch struct {
	op         int32
	producer   int64
	epoch, seq int64
	values     []int32 // places
}

func (p *partition) keep(o *checker.Op) int32 {
	off := int64(-1)
	if o.Kind == checker.Read {
		off = o.From
	} else if o.Outcome == checker.OK {
		off = o.Off
	}
	p.ops = append(p.ops, op{o.ID, o.Client, o.Call, o.Ret, o.Kind, o.Outcome, off, int32(len(o.Values))})
	return int32(len(p.ops) - 1)
}

// place of a value, which is made if there is none.
func (p *partition) place(value string) int32 {
	at, ok := p.values[value]
	if !ok {
		at = int32(len(p.places))
		p.values[strings.Clone(value)] = at
		p.places = append(p.places, place{off: -1, again: -1, batch: -1})
	}
	return at
}

// shown notes an offset of a value.
func (p *partition) shown(at int32, off int64, by int32) {
	switch v := &p.places[at]; {
	case v.off < 0:
		v.off, v.by = off, by
	case v.off != off && v.again < 0:
		v.again, v.too = off, by
	}
}

func (p *partition) sent(o *checker.Op) {
	b := batch{op: p.keep(o), producer: o.Producer, epoch: o.Epoch, seq: o.Seq, values: make([]int32, len(o.Values))}
	for i, value := range o.Values {
		at := p.place(value)
		b.values[i] = at
		p.places[at].batch = int32(len(p.batches))
		if o.Outcome == checker.OK {
			p.shown(at, o.Off+int64(i), b.op)
		}
	}
	p.batches = append(p.batches, b)
}

func (p *partition) read(o *checker.Op) {
	if len(o.Values) == 0 {
		return
	}
	by := p.keep(o)
	for i, value := range o.Values {
		off := o.From + int64(i)
		if o.Offs != nil {
			off = o.Offs[i]
		}
		p.shown(p.place(value), off, by)
	}
}

// base is where a batch is, as the first of its values that was shown tells, and -1 if none was.
func (p *partition) base(b *batch) int64 {
	for i, at := range b.values {
		if off := p.places[at].off; off >= 0 {
			return off - int64(i)
		}
	}
	return -1
}
