// Package jepsen reads and writes histories as Jepsen stores them: history.edn, one
// operation a line, an invocation and its completion each.
//
//	{:index 0, :time 12, :process 3, :type :invoke, :f :send, :value [[:send 11 641]]}      ─┐ one checker.Op:
//	{:index 1, :time 40, :process 3, :type :ok,     :f :send, :value [[:send 11 [537 641]]]} ─┘ append 641, 11, at 537
//
// A form is EDN text, an [Event] is one map of the history, an operation is an
// invocation with what became of it. Events keep every key, known or not; operations
// keep what the checks use.
//
//	bytes ─┬─ Decoder ── Value ── Event ─┬─ Reader ──── checker.Op, as they end
//	       │                             └─ History ─── checker.History
//	       └─ quick ── Reader
//	bytes ◀── Append ── Value ◀─ Event ◀─ FromHistory ◀─────┘
//
// Invariants:
//
//	E1  What is read and written again is the same form: order of keys, lists and
//	    vectors, tags and unknown keys.
//	E2  What cannot be understood is refused with its line, never skipped: a history
//	    that lacks an operation proves nothing.
//	E3  The name of a value or partition stands for one form: 12 and "12" stay apart.
//	E4  What quick takes, it takes as Decoder would; whatever it refuses, Decoder judges.
//
// The EDN reader is our own, of the part of EDN that Clojure prints: the Go library
// for it (olympos.io/encoding/edn) has had no change since 2020 and no release ever,
// decodes by reflection into types that lose the order of keys, and its errors
// have no line.
//
// quick is there because making forms was most of the work: 141,000 operations a second
// were read with forms alone, of which two thirds went into allocating them and into the
// garbage collector; a Reader with quick reads 500,000 and more.
package jepsen
