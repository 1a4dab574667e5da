package record

import (
	"fmt"
	"slices"
	"sync"

	"logd/checker"
)

// Client records what one client does.
type Client struct {
	rec    *Recorder
	number int64

	mu      sync.Mutex
	session int64
	calls   []*call
}

// call is an operation under way, or done.
type call struct {
	client *Client
	op     checker.Op
	done   bool
}

func (c *Client) begin(op checker.Op) *call {
	op.ID, op.Client, op.Outcome = c.rec.ids.Add(1), c.number, checker.Unknown
	k := &call{client: c, op: op}
	c.mu.Lock()
	defer c.mu.Unlock()
	k.op.Session = c.session
	c.calls = append(c.calls, k)
	k.op.Call = c.rec.now() // D1: last of all
	return k
}

// end completes a call; fill, if not nil, adds what it was told.
func (k *call) end(outcome checker.Outcome, fill func(*checker.Op)) {
	now := k.client.rec.now() // D1: first of all
	c := k.client
	c.mu.Lock()
	defer c.mu.Unlock()
	if k.done {
		panic(fmt.Sprintf("record: invariant D3: %s %d of client %d completes a second time", k.op.Kind, k.op.ID, k.op.Client))
	}
	k.done = true
	k.op.Outcome = outcome
	if outcome == checker.Unknown {
		if k.op.Session == c.session {
			c.session++
		}
		return
	}
	k.op.Ret = now
	if fill != nil {
		fill(&k.op)
	}
}

// ended has what every kind of call can come to besides OK.
type ended struct{ *call }

// Fail says that the operation was certainly not done, and never will be.
func (e ended) Fail() { e.end(checker.Failed, nil) }

// Unknown says that it may have been done, may yet be, or never.
func (e ended) Unknown() { e.end(checker.Unknown, nil) }

// Append begins to append values, which must be unique in their partition and be sent
// once, as one batch. Offsets are those of a log of records, from 0.
func (c *Client) Append(partition string, values ...string) AppendCall {
	return AppendCall{ended{c.begin(checker.Op{Kind: checker.Append, Partition: partition, Values: slices.Clone(values)})}}
}

// AppendCall is an append under way.
type AppendCall struct{ ended }

// OK says that the values are in the log, the first of them at off.
func (k AppendCall) OK(off int64) {
	k.end(checker.OK, func(op *checker.Op) { op.Off = off })
}

// Record is a value and its offset, as a read returns them.
type Record struct {
	Offset int64
	Value  string
}

// Read begins to read a partition from an offset on, as Kafka's Fetch does: what it
// shows is true, but need not be the newest.
func (c *Client) Read(partition string, from int64) ReadCall {
	return ReadCall{ended{c.begin(checker.Op{Kind: checker.Read, Partition: partition, From: from})}}
}

// ReadLinearizable begins a read that promises to show all that had been
// acknowledged when it was called, up to limit records; 0 is no limit.
func (c *Client) ReadLinearizable(partition string, from, limit int64) ReadCall {
	return ReadCall{ended{c.begin(checker.Op{Kind: checker.Read, Partition: partition, From: from, Limit: limit, Lin: true})}}
}

// ReadCall is a read under way.
type ReadCall struct{ ended }

// OK says what the read returned.
func (k ReadCall) OK(records ...Record) {
	k.end(checker.OK, func(op *checker.Op) { fill(op, records) })
}

// fill adds records to a read. Offsets are told only where they don't follow one another.
func fill(op *checker.Op, records []Record) {
	next, dense := op.From, true
	for _, r := range records {
		dense = dense && r.Offset == next
		next = r.Offset + 1
		op.Values, op.Offs = append(op.Values, r.Value), append(op.Offs, r.Offset)
	}
	if dense {
		op.Offs = nil
	}
}

// Tail begins to ask for the log's end: the offset that the next record will get.
func (c *Client) Tail(partition string) TailCall {
	return TailCall{ended{c.begin(checker.Op{Kind: checker.Tail, Partition: partition})}}
}

// TailCall is a question for the end under way.
type TailCall struct{ ended }

// OK says what the end was.
func (k TailCall) OK(end int64) { k.end(checker.OK, func(op *checker.Op) { op.Off = end }) }
