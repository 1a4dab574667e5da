package record

import (
	"slices"

	"logd/checker"
)

// Txn begins a transaction. Its sends and polls are recorded as they happen, what
// became of them all by OK, Fail (it aborted) or Unknown.
func (c *Client) Txn() TxnCall {
	return TxnCall{ended{c.begin(checker.Op{Kind: checker.Txn})}}
}

// TxnCall is a transaction under way.
type TxnCall struct{ ended }

// OK says that the transaction was committed.
func (t TxnCall) OK() { t.end(checker.OK, nil) }

// Append notes that the transaction is about to send values. The returned function
// says at which offset the first of them is, once that is told.
func (t TxnCall) Append(partition string, values ...string) (told func(off int64)) {
	return t.add(checker.Op{Kind: checker.Append, Partition: partition, Values: slices.Clone(values)})
}

// Commit notes that the transaction is about to commit a group's offset. The returned
// function says that this was accepted.
func (t TxnCall) Commit(group, partition string, off int64) (told func()) {
	k := t.add(checker.Op{Kind: checker.Commit, Group: group, Partition: partition, Off: off})
	return func() { k(off) }
}

// Polled says what a poll inside the transaction returned, by partition.
func (t TxnCall) Polled(records map[string][]Record) {
	now := t.client.rec.now()
	t.client.mu.Lock()
	defer t.client.mu.Unlock()
	t.op.Poll, t.op.Ret = true, now
	addReads(&t.op, records)
	t.op.Ret = 0
}

// add notes a part of the transaction, of unknown outcome until it is told (D2).
func (t TxnCall) add(in checker.Op) func(off int64) {
	t.client.mu.Lock()
	defer t.client.mu.Unlock()
	in.ID, in.Client, in.Session, in.Call, in.Outcome = t.op.ID, t.op.Client, t.op.Session, t.client.rec.now(), checker.Unknown
	t.op.Ops = append(t.op.Ops, in)
	at := len(t.op.Ops) - 1
	return func(off int64) {
		now := t.client.rec.now()
		t.client.mu.Lock()
		defer t.client.mu.Unlock()
		in := &t.op.Ops[at]
		in.Off, in.Ret, in.Outcome = off, now, checker.OK
	}
}
