// Package deadline is a heap of deadlines: a broker's shard has one, and each coordinator of consumer groups. It knows no
// clock; who expires it says what time it is.
//
//	D1  A deadline fires once at most, never before its time, and never after it was cancelled.
//	D2  Deadlines fire in the order of their times, and those of one time in the order that they were set in.
package deadline
