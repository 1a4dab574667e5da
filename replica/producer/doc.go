// Package producer is what a partition remembers of its idempotent producers (KIP-98): a [Table], which is a function of the
// partition's log and of nothing else. So every replica has the same one at the same index, whatever became of leaders, files
// and old records; it stands in the marks of the WAL and in what a follower is caught up with.
//
//	batch from a client ─► Overlay.Check ─┬─ it follows          ─► stamped and proposed, and only then in the table
//	     (leader only)                    ├─ it is there already ─► answered with the first one's offset, once that is committed
//	                                      └─ gap, old epoch      ─► refused: nothing was proposed
//	entry of the log ─────► Table.Append, Table.Pass      (every replica, in order, no questions asked)
//
// Invariants, by the number used in assertions:
//
//	P1  Equal entries in equal order give equal tables, equal encodings and equal hashes.
//	P2  A producer has one epoch and 1 to 5 batches, all of that epoch, their sequences without a gap between them.
//	P3  An [Entry] never changes: tables share them.
//	P4  A producer leaves the table only by [Table.Pass]: neither by deletion of records nor by a snapshot, a restart or a new leader.
package producer
