package record

import (
	"cmp"
	"maps"
	"slices"

	"logd/checker"
)

// Assign notes that the client consumes these partitions from now on and no others;
// beginning, that it goes back to the beginning of them all.
func (c *Client) Assign(beginning bool, partitions ...string) {
	c.begin(checker.Op{Kind: checker.Assign, Parts: partitions, Beginning: beginning}).end(checker.OK, nil)
}

// Subscribe notes that a group gives the client partitions among these, and may move them.
func (c *Client) Subscribe(partitions ...string) {
	c.begin(checker.Op{Kind: checker.Subscribe, Parts: partitions}).end(checker.OK, nil)
}

// Crash notes that the client's consumer and producer were thrown away. What it does
// next is of a new session.
func (c *Client) Crash() {
	c.begin(checker.Op{Kind: checker.Crash}).end(checker.Unknown, nil)
}

// Poll begins a consumer's poll, which goes on where its last one ended.
func (c *Client) Poll() PollCall {
	return PollCall{ended{c.begin(checker.Op{Kind: checker.Txn, Poll: true})}}
}

// PollCall is a poll under way.
type PollCall struct{ ended }

// OK says what the poll returned, by partition, and which partitions were rebalanced
// while it ran.
func (k PollCall) OK(records map[string][]Record, rebalanced ...string) {
	k.end(checker.OK, func(op *checker.Op) {
		op.Rebalanced = rebalanced
		addReads(op, records)
		if len(op.Ops) == 1 { // a plain read, which check A knows too
			in := op.Ops[0]
			in.Rebalanced = op.Rebalanced
			*op = in
		}
	})
}

// addReads adds a read for each partition that a poll was given records of.
func addReads(op *checker.Op, records map[string][]Record) {
	parts := slices.Sorted(maps.Keys(records))
	for _, part := range parts {
		in := checker.Op{ID: op.ID, Client: op.Client, Session: op.Session, Kind: checker.Read, Partition: part,
			Call: op.Call, Ret: op.Ret, Outcome: checker.OK, Poll: true}
		if rs := records[part]; len(rs) > 0 {
			in.From = slices.MinFunc(rs, func(a, b Record) int { return cmp.Compare(a.Offset, b.Offset) }).Offset
		}
		fill(&in, records[part])
		op.Ops = append(op.Ops, in)
	}
}

// Commit begins to commit a group's offset of a partition: that of the next record
// that the group wants.
func (c *Client) Commit(group, partition string, off int64) CommitCall {
	return CommitCall{ended{c.begin(checker.Op{Kind: checker.Commit, Group: group, Partition: partition, Off: off})}}
}

// CommitCall is a commit under way.
type CommitCall struct{ ended }

// OK says that the commit was acknowledged.
func (k CommitCall) OK() { k.end(checker.OK, nil) }

// FetchOffset begins to ask for a group's committed offset of a partition.
func (c *Client) FetchOffset(group, partition string) FetchOffsetCall {
	return FetchOffsetCall{ended{c.begin(checker.Op{Kind: checker.FetchOffset, Group: group, Partition: partition})}}
}

// FetchOffsetCall is a question for a committed offset under way.
type FetchOffsetCall struct{ ended }

// OK says what the offset was; -1 for none.
func (k FetchOffsetCall) OK(off int64) { k.end(checker.OK, func(op *checker.Op) { op.Off = off }) }
