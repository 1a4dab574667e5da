package checker

import (
	"fmt"
	"slices"
)

// jsonOp is a line of a history as it is spelled. Pointers tell a field that is
// absent from one that is zero.
type jsonOp struct {
	ID      int64    `json:"id"`
	Client  int64    `json:"client"`
	Session int64    `json:"session"`
	Op      string   `json:"op"`
	Part    string   `json:"part"`
	Call    *int64   `json:"call"`
	Ret     *int64   `json:"ret"`
	Outcome string   `json:"outcome"`
	Values  []string `json:"values"`
	Off     *int64   `json:"off"`
	From    *int64   `json:"from"`
	Limit   *int64   `json:"limit"`
	Lin     bool     `json:"lin"`
	Offs    []int64  `json:"offs"`
	Group   string   `json:"group"`
	Kind    string   `json:"kind"`
	Target  string   `json:"target"`
	Ops     []jsonOp `json:"ops"`

	Producer *int64 `json:"producer"`
	Epoch    *int64 `json:"epoch"`
	Seq      *int64 `json:"seq"`

	Poll       bool     `json:"poll"`
	Parts      []string `json:"parts"`
	Beginning  bool     `json:"beginning"`
	Rebalanced []string `json:"rebalanced"`
}

// op is the operation that j spells, or ErrMalformed.
func (j *jsonOp) op() (Op, error) {
	op := Op{ID: j.ID, Client: j.Client, Session: j.Session, Partition: j.Part,
		Values: j.Values, Lin: j.Lin, Offs: j.Offs, Group: j.Group, Fault: j.Kind, Target: j.Target,
		Poll: j.Poll, Parts: j.Parts, Beginning: j.Beginning, Rebalanced: j.Rebalanced}
	var err error
	if op.Kind, err = parseName[Kind]("op", kindNames[:], j.Op); err != nil {
		return op, fmt.Errorf("%w %d: %w", ErrMalformed, j.ID, err)
	}
	if j.Outcome != "" {
		if op.Outcome, err = parseName[Outcome]("outcome", outcomeNames[:], j.Outcome); err != nil {
			return op, fmt.Errorf("%w %d: %w", ErrMalformed, j.ID, err)
		}
	}
	if missing := j.missing(&op); missing != "" {
		return op, fmt.Errorf("%w %d: %s without %q", ErrMalformed, j.ID, op.Kind, missing)
	}
	op.Call, op.Ret = value(j.Call), value(j.Ret)
	if op.Outcome == Unknown {
		op.Ret = 0
	}
	op.Off, op.From, op.Limit = value(j.Off), value(j.From), value(j.Limit)
	op.Producer, op.Epoch, op.Seq = value(j.Producer), value(j.Epoch), value(j.Seq)
	op.Idempotent = op.Kind == Append && j.ofProducer()
	if op.Kind == FetchOffset && op.Outcome == OK && j.Off == nil {
		op.Off = -1
	}
	if j.Limit != nil && *j.Limit < 1 {
		return op, fmt.Errorf("%w %d: limit %d, leave it out if there was none", ErrMalformed, j.ID, *j.Limit)
	}
	for i := range j.Ops {
		inner, err := j.Ops[i].inner(&op)
		if err != nil {
			return op, err
		}
		op.Ops = append(op.Ops, inner)
	}
	return op, op.Validate()
}

// inner is an operation of a transaction, which has the transaction's times and
// outcome unless it names its own.
func (j *jsonOp) inner(txn *Op) (Op, error) {
	c := *j
	if c.Call == nil {
		c.Call = &txn.Call
	}
	if c.Ret == nil {
		c.Ret = &txn.Ret
	}
	if c.Outcome == "" {
		c.Outcome = txn.Outcome.String()
	}
	return c.op()
}

// missing names a key that op's kind and outcome require and j lacks.
func (j *jsonOp) missing(op *Op) string {
	switch {
	case op.Kind == Append && j.ofProducer() && (j.Producer == nil || j.Epoch == nil || j.Seq == nil):
		return "producer, epoch and seq"
	case j.Call == nil && op.Kind != Fault:
		return "call"
	case j.From == nil && op.Kind == Trim:
		return "from"
	case op.Outcome != OK:
		return ""
	case j.Ret == nil:
		return "ret"
	case j.Off == nil && (op.Kind == Append || op.Kind == Tail || op.Kind == Trim || op.Kind == Start || op.Kind == Commit):
		return "off"
	case j.From == nil && op.Kind == Read:
		return "from"
	}
	return ""
}

func (j *jsonOp) ofProducer() bool { return j.Producer != nil || j.Epoch != nil || j.Seq != nil }

func value(p *int64) int64 {
	if p == nil {
		return 0
	}
	return *p
}

func parseName[T ~uint8](what string, names []string, s string) (T, error) {
	if i := slices.Index(names, s); i > 0 {
		return T(i), nil
	}
	return 0, fmt.Errorf("no %s is called %q", what, s)
}
