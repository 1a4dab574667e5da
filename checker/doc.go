// Package checker judges what clients of a log saw: history in, verdict out.
// It knows histories and nothing of logd.
//
// Check A decides whether the history of each partition is linearizable as a
// log with append(values) → offset, read(from, limit) → values and tail() →
// length. It is exact, O(n log n), and one core serves both [Check], over a
// whole history, and a [Checker] fed while operations complete.
//
//	offset      0      1      2      3      4
//	value     "a"    "b"     ?     "d"    "e"      from acknowledgements and reads
//	c_i         2      5     20     31     40      not before: call of the writer, or of a
//	                                               read or tail that showed length ≤ i
//	r_i        10     12     60     60     55      not after: return of the writer, or of a
//	                                               read or tail that showed length > i
//	                         └ a hole: only an append of unknown outcome that
//	                           nobody has seen can have written it
//
// Appends of a partition are totally ordered by offset and a read constrains
// only its neighbours, so the history is linearizable iff every offset has one
// value, every hole has a writer, and c_j ≤ r_i for all j ≤ i.
//
// Invariants, by the number used in assertions:
//
//	A1  c_i only rises and r_i only falls; what was once violated stays violated.
//	A2  slots[o] = v ≥ 0  ⇔  bindingOf(v).off = o.
//	A3  A batch whose place is known occupies off … off+n-1, and every deadline of
//	    it stands at its last offset: what isn't before that end isn't before the
//	    batch, so a start anywhere in it is compared with all its deadlines.
//	A4  len(slots) = len(cBy) = len(rBy) ≤ end, the longest length implied so far.
//	A5  An operation of unknown outcome has no return: it may take effect at any
//	    time after its call, or never.
//	A6  Intervals are closed: operations that share an instant are concurrent.
//	A7  What is due never falls with the offset, and within a gap, as cut by the
//	    lengths that tails showed, it rises only where a log start was shown.
//	A8  Two values are the same if and only if their bytes are. Hashes only say where
//	    to look: values of equal hashes are compared.
//	A9  Between operations a value is in exactly one of: early, if its append isn't known;
//	    open, if that isn't placed or has no outcome; or at its place. What was concluded from a value that
//	    turns out to have been sent twice isn't told.
//
// What is kept of a history, in one pass, is what a later operation may yet
// contradict: of each append 44 bytes, of each value its bytes and about 14 more,
// of each offset 13; of reads and tails 44 bytes of those that set a bound, and
// nothing of the others. Appends cannot be forgotten, however old: a value may be
// read, or a length be asked for, at any time.
//
// Batches are blocks of offsets. Holes are tiled by whole unseen batches, which
// is exact and fast when no hole remains or all sizes are equal; otherwise it is
// 3-PARTITION, and a bounded search ends in a result or in [Undecided].
package checker
