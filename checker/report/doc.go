// Package report makes one HTML page of a history and of what the checks say of it.
// The page needs nothing from the network, and no script but porcupine's own.
//
//	history ── checks ─┬─ verdicts and what was found, with the operations
//	                   ├─ plots over time: throughput, latency, lag, faults behind
//	                   ├─ timeline of clients, operations of findings marked
//	                   ├─ each partition's order: who saw which value at which offset
//	                   └─ porcupine's view of a few operations around a violation
//
// Invariants:
//
//	H1  Text of the history never becomes markup: all goes through html/template, or
//	    through text and attr of svg.go.
//	H2  A page has a bound: of a long history it shows what lies around the findings,
//	    and says so.
//	H3  Equal input gives an equal page, but for porcupine's view.
package report
