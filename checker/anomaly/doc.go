// Package anomaly decides check B: it names what is wrong in a history of a log
// with transactions, consumers and groups, by the definitions of Jepsen's Kafka
// workload, made exact where an unknown outcome or an interleaving allows more.
//
//	rows   ── acts, by time ─┬─ logs: per partition, offset → values ── rank ─┬─ inconsistent-offsets, duplicate,
//	(any order)              │                                               │  lost-write, unseen, G1a, …
//	                         ├─ sessions, in their own order ────────────────┼─ poll-skip, nonmonotonic-…
//	                         ├─ graph: ww, wr, process, real time ── SCCs ───┼─ G0, G1c, …
//	                         └─ groups: commits and fetches ─────────────────┴─ group-offset-…
//
// An act is one operation of the history: a transaction, or an operation by itself.
// A send is certain if its act is ok, or of unknown outcome and an ok read returned
// one of the act's values. Reads are believed whatever becomes of their transaction:
// a consumer is never given what isn't committed. The index of an offset is its rank
// among the offsets that reads or certain sends showed, so that control records and
// aborted data leave no gaps.
//
// Invariants, by the number used in assertions:
//
//	B1  The verdict depends on the operations alone: not on their order in the
//	    history, nor on an order of maps.
//	B2  What a history allows is not reported as a violation. Unknown outcomes are
//	    part of that: they may have taken effect, later, or never.
//	B3  No anomaly without the operations that show it.
//	B4  Indexes are dense: rank(offs[i]) = i.
//	B5  A witness is a cycle: each step begins where the one before it ended.
//	B6  Of two orders that an instant leaves open, both are allowed (A6).
//
// The check needs the whole history, O(n log n) time, and about 230 bytes for an
// operation: what is kept of a history are columns of numbers (rows), and of each value
// its text once. Few histories have a circle, so whether there is any is asked first.
package anomaly
